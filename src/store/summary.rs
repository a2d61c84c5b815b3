//! Counts by value and by time, of what a list selects: one bounded scan each, on the same rows as its pages.
//!
//! A list that says as of which place it is asked gives the same events to every count, however many statements there
//! are and whatever is recorded meanwhile. What rollups have summed up is not counted again.

use super::rollup::{Needs, Part};
use super::row;
use super::sql::Sql;
use super::{List, Reader, StoreError};
use crate::audit::{Event, FacetField, FacetValue, Timestamp};

/// The values of a field with their counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// The most frequent values, most frequent first, those of equal frequency by their keys.
    pub buckets: Vec<(FacetValue, i64)>,
    /// How many events have a value that is not among the buckets; 0 if nobody asked.
    pub other: i64,
    /// How many events have no value; 0 if nobody asked.
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
    pub async fn facet(&self, list: &List, field: FacetField, top: u32, rest: bool) -> Result<Facet, StoreError> {
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

    /// How many events a list has.
    pub async fn count(&self, list: &List) -> Result<i64, StoreError> {
        let parts = self.parts(list, Some(Needs::default()), None).await?;
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT CAST(SUM(events) AS bigint) FROM (");
        union(&mut sql, &parts, |sql, part| {
            sql.push(&format!("SELECT COALESCE(SUM({}), 0) AS events", part.columns().0));
            part.from(sql);
        });
        sql.push(") counted");
        self.number(sql).await
    }

    /// Counts by a column in one scan. An empty text is no value.
    async fn by_column(
        &self,
        list: &List,
        (field, column): (FacetField, &str),
        top: u32,
    ) -> Result<(Vec<Counted>, i64, i64), StoreError> {
        let needs = match field {
            FacetField::Service => Some(Needs::default()),
            FacetField::Actor => Some(Needs { actor: true, ..Needs::default() }),
            FacetField::Application => None,
            _ => Some(Needs { kind: true, ..Needs::default() }),
        };
        let parts = self.parts(list, needs, None).await?;
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT facet_key, events, newest");
        sql.push(", CAST(SUM(events) OVER () AS bigint)");
        sql.push(", CAST(SUM(CASE WHEN facet_key = '' THEN events ELSE 0 END) OVER () AS bigint)");
        sql.push(" FROM (SELECT facet_key, CAST(SUM(events) AS bigint) AS events, MAX(newest) AS newest FROM (");
        union(&mut sql, &parts, |sql, part| {
            let (events, _, newest) = part.columns();
            sql.push(&format!("SELECT {column} AS facet_key, SUM({events}) AS events, MAX({newest}) AS newest"));
            part.from(sql);
            sql.push(&format!(" GROUP BY {column}"));
        });
        sql.push(") parts GROUP BY facet_key) counted");
        sql.push(" ORDER BY CASE WHEN facet_key = '' THEN 1 ELSE 0 END, events DESC, facet_key LIMIT ");
        sql.bind(i64::from(top));
        let rows = self.query(sql).await?;
        let (total, none): (i64, i64) = match rows.first() {
            Some(row) => (row.try_get_by(3)?, row.try_get_by(4)?),
            None => (0, 0),
        };
        let mut counted = counted(&rows)?;
        counted.retain(|value| !value.key.is_empty());
        let shown: i64 = counted.iter().map(|value| value.count).sum();
        Ok((counted, total - none - shown, none))
    }

    /// Counts by a table beside the events, each event once for each value it has.
    async fn by_table(&self, list: &List, keys: (&str, &str), top: u32) -> Result<Vec<Counted>, StoreError> {
        let (table, column) = keys;
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT ");
        sql.push(&format!("{column} AS facet_key, COUNT(*) AS events, MAX(v.sequence) AS newest"));
        self.joined(&mut sql, list, table);
        sql.push(&format!(" AND v.is_first = 1 GROUP BY {column} ORDER BY events DESC, facet_key LIMIT "));
        sql.bind(i64::from(top));
        counted(&self.query(sql).await?)
    }

    /// How many events have a value that is not among those counted, and how many have none.
    async fn beside(&self, list: &List, keys: (&str, &str), shown: &[Counted]) -> Result<(i64, i64), StoreError> {
        let total = self.count(list).await?;
        if shown.is_empty() {
            return Ok((0, total));
        }
        let (table, column) = keys;
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT COUNT(DISTINCT v.sequence)");
        sql.push(&format!(", COUNT(DISTINCT CASE WHEN {column} NOT IN "));
        sql.list(shown.iter().map(|value| value.key.as_str())).push(" THEN v.sequence END)");
        self.joined(&mut sql, list, table);
        sql.push(" AND v.is_first = 1");
        let rows = self.query(sql).await?;
        let row = rows.first().ok_or(StoreError::Timeout)?;
        let any: i64 = row.try_get_by(0)?;
        Ok((row.try_get_by(1)?, total - any))
    }

    /// ` FROM ... WHERE ...` of the rows beside the events of a list.
    fn joined(&self, sql: &mut Sql, list: &List, table: &str) {
        sql.push(" FROM (SELECT e.sequence AS sequence");
        self.list(list).unordered(sql);
        sql.push(&format!(") m CROSS JOIN {table} v WHERE v.tenant_id = $1 AND v.sequence = m.sequence"));
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

    /// The events at these places of the log that the scope shows.
    async fn events_at(&self, sequences: &[i64]) -> Result<Vec<Event>, StoreError> {
        if sequences.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT ");
        sql.push(row::COLUMNS).push(" FROM audit_event e WHERE e.tenant_id = $1 AND e.sequence IN ");
        sql.list(sequences.iter().copied());
        super::select::visible(&mut sql, &self.scope.visible, "e.service");
        Ok(self.found(sql).await?.into_iter().map(|(_, event)| event).collect())
    }

    /// How many events of a list there are between each edge and the next, and how many of those did not succeed. The
    /// edges ascend, and span the list's period.
    pub async fn histogram(&self, list: &List, edges: &[Timestamp]) -> Result<Vec<(i64, i64)>, StoreError> {
        let mut bars = vec![(0, 0); edges.len().saturating_sub(1)];
        if bars.is_empty() {
            return Ok(bars);
        }
        let status = Needs { kind: true, ..Needs::default() };
        // Spans of the rollups are told apart by their starts, so every edge has to be at one.
        let step = edges.iter().map(|edge| edge.0).fold(0, greatest_common_divisor);
        let parts = self.parts(list, Some(status), Some(step)).await?;
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT CAST(bar AS bigint), CAST(SUM(events) AS bigint)");
        sql.push(", CAST(SUM(failed) AS bigint) FROM (");
        union(&mut sql, &parts, |sql, part| {
            let (events, moment, _) = part.columns();
            sql.push("SELECT ");
            bar(sql, moment, edges, 0, edges.len() - 1);
            sql.push(&format!(" AS bar, {events} AS events"));
            sql.push(&format!(", CASE WHEN e.status = 'SUCCESS' THEN 0 ELSE {events} END AS failed"));
            part.from(sql);
        });
        sql.push(") counted GROUP BY bar");
        for row in self.query(sql).await? {
            let at: i64 = row.try_get_by(0)?;
            if let Some(bar) = usize::try_from(at).ok().and_then(|at| bars.get_mut(at)) {
                *bar = (row.try_get_by(1)?, row.try_get_by(2)?);
            }
        }
        Ok(bars)
    }
}

/// The number of the bar that an event is in, found by halves.
fn bar(sql: &mut Sql, moment: &str, edges: &[Timestamp], low: usize, high: usize) {
    if high - low == 1 {
        sql.push(&low.to_string());
        return;
    }
    let middle = low + (high - low) / 2;
    sql.push(&format!("CASE WHEN {moment} < ")).bind(edges[middle].0).push(" THEN ");
    bar(sql, moment, edges, low, middle);
    sql.push(" ELSE ");
    bar(sql, moment, edges, middle, high);
    sql.push(" END");
}

/// Parts one after the other.
fn union(sql: &mut Sql, parts: &[Part<'_>], write: impl Fn(&mut Sql, &Part<'_>)) {
    for (i, part) in parts.iter().enumerate() {
        sql.push(if i > 0 { " UNION ALL " } else { "" });
        write(sql, part);
    }
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_common_divisor(b, a.rem_euclid(b)) }
}

fn counted(rows: &[sea_orm::QueryResult]) -> Result<Vec<Counted>, StoreError> {
    let value = |row: &sea_orm::QueryResult| -> Result<Counted, StoreError> {
        Ok(Counted { key: row.try_get_by(0)?, count: row.try_get_by(1)?, newest: row.try_get_by(2)? })
    };
    rows.iter().map(value).collect()
}
