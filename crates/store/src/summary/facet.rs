//! Counts by value and by time, of what a list selects: one bounded scan each, on the same rows as its pages.
//!
//! A list that is asked as of a place has the same events for every count, however many statements there are and
//! whatever is recorded meanwhile. What rollups have summed up is not counted again.

use std::collections::HashMap;

use crate::query::sql::Sql;
use crate::rollup::{Key, Needs, Tally};
use crate::{EventQuery, Reader, StoreError};
use model::{FacetField, FacetValue};

/// The values of a field with their counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// The most frequent values, most frequent first, those of equal frequency by their keys.
    pub buckets: Vec<(FacetValue, i64)>,
    /// How many events have a value that is not among the buckets; 0 if this was not asked for.
    pub other: i64,
    /// How many events have no value; 0 if this was not asked for.
    pub none: i64,
}

/// A key with the events that have it, and the newest of them.
struct Counted {
    key: String,
    count: i64,
    newest: i64,
}

/// Where the keys of a field stand.
enum Keys {
    /// In a column of the events.
    Column(&'static str),
    /// In a table beside them, where an event may have several: table and column.
    Beside(&'static str, &'static str),
}

const fn keys(field: FacetField) -> Keys {
    match field {
        FacetField::Activity => Keys::Column("e.activity_key"),
        FacetField::Actor => Keys::Column("e.actor_key"),
        FacetField::Application => Keys::Column("e.application_id"),
        FacetField::Category => Keys::Column("e.category"),
        FacetField::OperationType => Keys::Column("e.operation_type"),
        FacetField::ResourceType => Keys::Column("e.resource_type"),
        FacetField::Service => Keys::Column("e.service"),
        FacetField::Status => Keys::Column("e.status"),
        FacetField::ModifiedProperty => Keys::Beside("property_change", "v.name_key"),
        FacetField::Target => Keys::Beside("event_target", "v.target_key"),
    }
}

impl Reader {
    /// The most frequent values of a field. How many events have other values or none is only counted with `rest`.
    pub async fn facet(&self, list: &EventQuery, field: FacetField, top: u32, rest: bool) -> Result<Facet, StoreError> {
        let (counted, other, none) = match keys(field) {
            Keys::Column(column) => self.by_column(list, (field, column), top).await?,
            Keys::Beside(table, column) => {
                let counted = self.by_table(list, (table, column), top).await?;
                let (other, none) = if rest { self.beside(list, (table, column), &counted).await? } else { (0, 0) };
                (counted, other, none)
            }
        };
        Ok(Facet { buckets: self.spelled(field, counted).await?, other, none })
    }

    /// Counts by a column. An empty text is no value.
    async fn by_column(
        &self,
        list: &EventQuery,
        (field, column): (FacetField, &str),
        top: u32,
    ) -> Result<(Vec<Counted>, i64, i64), StoreError> {
        let needs = match field {
            FacetField::Service => Some(Needs::default()),
            FacetField::Actor => Some(Needs { actor: true, ..Needs::default() }),
            FacetField::Application => None,
            _ => Some(Needs { kind: true, ..Needs::default() }),
        };
        let mut values = Values { field, places: HashMap::new(), counted: Vec::new() };
        let (mut counted, total) = if self.rolled(list, needs, &[], &mut values).await? {
            let total = values.counted.iter().map(|value| value.count).sum();
            (values.counted, total)
        } else {
            self.by_scan(list, column, top).await?
        };
        let none = counted.iter().filter(|value| value.key.is_empty()).map(|value| value.count).sum();
        counted.retain(|value| !value.key.is_empty());
        counted.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
        counted.truncate(top as usize);
        let shown: i64 = counted.iter().map(|value| value.count).sum();
        Ok((counted, total - none - shown, none))
    }

    /// The most frequent values of a column, and the absent one, by reading the events; and how many events there are.
    /// The other values stay in the database: each event may have a different one.
    async fn by_scan(&self, list: &EventQuery, column: &str, top: u32) -> Result<(Vec<Counted>, i64), StoreError> {
        let mut sql = Sql::for_tenant(
            self.tenant_id,
            "SELECT facet_key, events, newest, CAST(SUM(events) OVER () AS bigint) FROM (SELECT ",
        );
        sql.push(&format!("{column} AS facet_key, COUNT(*) AS events, MAX(e.sequence) AS newest"));
        self.scanned(&mut sql, list).await?;
        sql.push(&format!(" GROUP BY {column}) counted ORDER BY facet_key <> '', events DESC, facet_key LIMIT "));
        sql.bind(i64::from(top) + 1);
        let rows = self.query(sql).await?;
        let total = rows.first().map_or(Ok(0), |row| row.try_get_by(3))?;
        Ok((counted(&rows)?, total))
    }

    /// Counts by a table beside the events, each event once for each value it has.
    async fn by_table(&self, list: &EventQuery, keys: (&str, &str), top: u32) -> Result<Vec<Counted>, StoreError> {
        let (table, column) = keys;
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT ");
        sql.push(&format!("{column} AS facet_key, COUNT(*) AS events, MAX(v.sequence) AS newest"));
        self.joined(&mut sql, list, table).await?;
        sql.push(&format!(" AND v.is_first = 1 GROUP BY {column} ORDER BY events DESC, facet_key LIMIT "));
        sql.bind(i64::from(top));
        counted(&self.query(sql).await?)
    }

    /// How many events have a value that is not among those counted, and how many have none.
    async fn beside(&self, list: &EventQuery, keys: (&str, &str), shown: &[Counted]) -> Result<(i64, i64), StoreError> {
        let total = self.count(list).await?;
        if shown.is_empty() {
            return Ok((0, total));
        }
        let (table, column) = keys;
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT COUNT(DISTINCT v.sequence)");
        sql.push(&format!(", COUNT(DISTINCT CASE WHEN {column} NOT IN "));
        sql.list(shown.iter().map(|value| value.key.as_str())).push(" THEN v.sequence END)");
        self.joined(&mut sql, list, table).await?;
        sql.push(" AND v.is_first = 1");
        let rows = self.query(sql).await?;
        let row = rows.first().ok_or(StoreError::Bug("a count has no row"))?;
        let any: i64 = row.try_get_by(0)?;
        Ok((row.try_get_by(1)?, total - any))
    }

    /// ` FROM ... WHERE ...` of the rows beside the events of a list.
    async fn joined(&self, sql: &mut Sql, list: &EventQuery, table: &str) -> Result<(), StoreError> {
        sql.push(" FROM (SELECT e.sequence AS sequence");
        self.scanned(sql, list).await?;
        sql.push(&format!(") m CROSS JOIN {table} v WHERE v.tenant_id = $1 AND v.sequence = m.sequence"));
        Ok(())
    }

    /// Keys as the events recorded last among those counted spell them.
    async fn spelled(&self, field: FacetField, counted: Vec<Counted>) -> Result<Vec<(FacetValue, i64)>, StoreError> {
        let places: Vec<i64> =
            counted.iter().filter(|value| field.closed(&value.key).is_none()).map(|value| value.newest).collect();
        let events = self.events_at(&places).await?;
        let spell = |value: Counted| {
            let event = events.iter().find(|event| event.sequence == value.newest);
            let spelled = field.closed(&value.key).or_else(|| field.values(event?).remove(&value.key));
            let corrupt = || StoreError::Corrupt {
                table: "audit_event",
                column: "body",
                id: value.newest.to_string(),
                reason: format!("has no {} of its columns", field.name()),
            };
            Ok((spelled.ok_or_else(corrupt)?, value.count))
        };
        counted.into_iter().map(spell).collect()
    }
}

/// Events by a value of their keys.
struct Values {
    field: FacetField,
    places: HashMap<String, usize>,
    counted: Vec<Counted>,
}

impl Tally for Values {
    type Group = usize;

    fn group(&mut self, key: &Key) -> usize {
        let value = key.value(self.field);
        if let Some(place) = self.places.get(value) {
            return *place;
        }
        let place = self.counted.len();
        self.places.insert(value.to_owned(), place);
        self.counted.push(Counted { key: value.to_owned(), count: 0, newest: 0 });
        place
    }

    fn add(&mut self, place: usize, _moment: i64, events: i64, newest: i64) {
        if let Some(counted) = self.counted.get_mut(place) {
            counted.count += events;
            counted.newest = counted.newest.max(newest);
        }
    }
}

fn counted(rows: &[sea_orm::QueryResult]) -> Result<Vec<Counted>, StoreError> {
    let value = |row: &sea_orm::QueryResult| -> Result<Counted, StoreError> {
        Ok(Counted { key: row.try_get_by(0)?, count: row.try_get_by(1)?, newest: row.try_get_by(2)? })
    };
    rows.iter().map(value).collect()
}
