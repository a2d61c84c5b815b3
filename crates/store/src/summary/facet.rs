//! Counts the events of a list by the values of a field.

use std::collections::HashMap;

use crate::query::sql::Sql;
use crate::rollup::{Aggregator, KeyColumns, KeyView};
use crate::{EventQuery, Reader, StoreError};
use model::{FacetField, FacetValue, OperationType, ResourceType, Status};

/// The values of a field with their counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// The most frequent values, most frequent first. Values with equal counts are ordered by key.
    pub buckets: Vec<(FacetValue, i64)>,
    /// The number of events with a value that is not among the buckets, or 0 if it was not requested.
    pub other: i64,
    /// The number of events without a value, or 0 if it was not requested.
    pub none: i64,
}

/// A key, the number of events with it, and the greatest sequence among them.
struct CountedValue {
    /// The number by which the counted column contains the key; 0 if the column contains no value, or if the value was
    /// counted by rollups.
    id: i32,
    key: String,
    count: i64,
    newest: i64,
}

/// The column that holds the keys of a field.
enum FacetColumn {
    /// A column of `audit_event` with terms.
    Term(&'static str),
    /// A column of `audit_event` with numbers of values of a closed set, and the name of the value with a number.
    Closed(&'static str, fn(i16) -> Option<&'static str>),
    /// A table and a column with terms. An event may have several rows in that table.
    SideTable(&'static str, &'static str),
}

const fn facet_column(field: FacetField) -> FacetColumn {
    match field {
        FacetField::Activity => FacetColumn::Term("e.activity_key"),
        FacetField::Actor => FacetColumn::Term("e.actor_key"),
        FacetField::Application => FacetColumn::Term("e.application_id"),
        FacetField::Category => FacetColumn::Term("e.category"),
        FacetField::OperationType => {
            FacetColumn::Closed("e.operation_type", |code| OperationType::from_code(code).map(OperationType::name))
        }
        FacetField::ResourceType => {
            FacetColumn::Closed("e.resource_type", |code| ResourceType::from_code(code).map(ResourceType::name))
        }
        FacetField::Service => FacetColumn::Term("e.service"),
        FacetField::Status => FacetColumn::Closed("e.status", |code| Status::from_code(code).map(Status::name)),
        FacetField::ModifiedProperty => FacetColumn::SideTable("property_change", "v.name_key"),
        FacetField::Target => FacetColumn::SideTable("event_target", "v.target_key"),
    }
}

impl Reader {
    /// Returns the `top` most frequent values of a field. For fields with several values per event, `rest` is whether
    /// to count the events with other values and without a value.
    pub async fn facet(&self, list: &EventQuery, field: FacetField, top: u32, rest: bool) -> Result<Facet, StoreError> {
        if list.condition.needs_body() {
            let mut facet = self.facet_of_matching(list, field, top).await?;
            if matches!(facet_column(field), FacetColumn::SideTable(..)) && !rest {
                (facet.other, facet.none) = (0, 0);
            }
            return Ok(facet);
        }
        let (counted_values, other, none) = match facet_column(field) {
            column @ (FacetColumn::Term(_) | FacetColumn::Closed(..)) => {
                self.count_by_column(list, (field, column), top).await?
            }
            FacetColumn::SideTable(table, column) => {
                let counted_values = self.count_side_table(list, (table, column), top).await?;
                let (other, none) = if rest {
                    self.count_side_table_rest(list, (table, column), &counted_values).await?
                } else {
                    (0, 0)
                };
                (counted_values, other, none)
            }
        };
        Ok(Facet { buckets: self.with_spelling(field, counted_values).await?, other, none })
    }

    /// Counts by a column of the event. An empty string means no value. Returns the values, the events with other
    /// values, and the events without one.
    async fn count_by_column(
        &self,
        list: &EventQuery,
        (field, column): (FacetField, FacetColumn),
        top: u32,
    ) -> Result<(Vec<CountedValue>, i64, i64), StoreError> {
        let needs = match field {
            FacetField::Service => Some(KeyColumns::default()),
            FacetField::Actor => Some(KeyColumns { actor: true, ..KeyColumns::default() }),
            FacetField::Application => None,
            _ => Some(KeyColumns { kind: true, ..KeyColumns::default() }),
        };
        let mut values = FacetAggregator { field, positions: HashMap::new(), counted_values: Vec::new() };
        let (mut counted_values, total) = if self.count_from_rollups(list, needs, &[], &mut values).await? {
            let total = values.counted_values.iter().map(|value| value.count).sum();
            (values.counted_values, total)
        } else {
            match column {
                FacetColumn::Closed(column, name) => self.count_closed_by_scan(list, column, name).await?,
                FacetColumn::Term(column) | FacetColumn::SideTable(_, column) => {
                    self.count_terms_by_scan(list, column, top).await?
                }
            }
        };
        let none = counted_values.iter().filter(|value| value.key.is_empty()).map(|value| value.count).sum();
        counted_values.retain(|value| !value.key.is_empty());
        counted_values.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
        counted_values.truncate(top as usize);
        let shown: i64 = counted_values.iter().map(|value| value.count).sum();
        Ok((counted_values, total - none - shown, none))
    }

    /// Counts by a column with terms in the database: the most frequent values and the empty one, and the number of all
    /// events. Other values stay in the database, because each event may have a different one.
    async fn count_terms_by_scan(
        &self,
        list: &EventQuery,
        column: &str,
        top: u32,
    ) -> Result<(Vec<CountedValue>, i64), StoreError> {
        let mut sql = Sql::for_tenant(self.tenant_id, SELECT_COUNTED);
        sql.push(", CAST(SUM(counted.events) OVER () AS bigint) FROM (SELECT ");
        sql.push(&format!("{column} AS id, COUNT(*) AS events, MAX(e.sequence) AS newest"));
        self.push_from_list(&mut sql, list).await?;
        sql.push(&format!(" GROUP BY {column}) counted{JOIN_TERMS} ORDER BY counted.id <> 0, {MOST_FREQUENT} LIMIT "));
        sql.bind(i64::from(top) + 1);
        let rows = self.query(sql).await?;
        let total = rows.first().map_or(Ok(0), |row| row.try_get_by(4))?;
        Ok((counted_values(&rows)?, total))
    }

    /// Counts by a column with the numbers of a closed set in the database: all values, and the number of all events.
    async fn count_closed_by_scan(
        &self,
        list: &EventQuery,
        column: &'static str,
        name: fn(i16) -> Option<&'static str>,
    ) -> Result<(Vec<CountedValue>, i64), StoreError> {
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT ");
        sql.push(&format!("{column}, COUNT(*), MAX(e.sequence)"));
        self.push_from_list(&mut sql, list).await?;
        sql.push(&format!(" GROUP BY {column}"));
        let (mut values, mut total) = (Vec::new(), 0);
        for row in self.query(sql).await? {
            let (code, count, newest): (i16, i64, i64) = (row.try_get_by(0)?, row.try_get_by(1)?, row.try_get_by(2)?);
            let key = name(code).ok_or_else(|| StoreError::Corrupt {
                table: "audit_event",
                column,
                id: newest.to_string(),
                reason: format!("unknown number {code}"),
            })?;
            total += count;
            values.push(CountedValue { id: i32::from(code), key: key.to_owned(), count, newest });
        }
        Ok((values, total))
    }

    /// Counts by a side table: each event once for each of its values.
    async fn count_side_table(
        &self,
        list: &EventQuery,
        facet_column: (&str, &str),
        top: u32,
    ) -> Result<Vec<CountedValue>, StoreError> {
        let (table, column) = facet_column;
        let mut sql = Sql::for_tenant(self.tenant_id, SELECT_COUNTED);
        sql.push(&format!(" FROM (SELECT {column} AS id, COUNT(*) AS events, MAX(v.sequence) AS newest"));
        self.push_from_side_table(&mut sql, list, table).await?;
        sql.push(&format!(
            " AND v.is_first = 1 GROUP BY {column}) counted{JOIN_TERMS} ORDER BY {MOST_FREQUENT} LIMIT "
        ));
        sql.bind(i64::from(top));
        counted_values(&self.query(sql).await?)
    }

    /// Counts the events with a value that is not in `shown`, and those without a value.
    async fn count_side_table_rest(
        &self,
        list: &EventQuery,
        facet_column: (&str, &str),
        shown: &[CountedValue],
    ) -> Result<(i64, i64), StoreError> {
        let total = self.count(list).await?;
        if shown.is_empty() {
            return Ok((0, total));
        }
        let (table, column) = facet_column;
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT COUNT(DISTINCT v.sequence)");
        sql.push(&format!(", COUNT(DISTINCT CASE WHEN {column} NOT IN "));
        sql.list(shown.iter().map(|value| value.id)).push(" THEN v.sequence END)");
        self.push_from_side_table(&mut sql, list, table).await?;
        sql.push(" AND v.is_first = 1");
        let rows = self.query(sql).await?;
        let row = rows.first().ok_or(StoreError::Bug("an aggregate query returned no row"))?;
        let any: i64 = row.try_get_by(0)?;
        Ok((row.try_get_by(1)?, total - any))
    }

    /// Appends ` FROM ... WHERE ...` of the side table's rows of a list.
    async fn push_from_side_table(&self, sql: &mut Sql, list: &EventQuery, table: &str) -> Result<(), StoreError> {
        sql.push(" FROM (SELECT e.sequence AS sequence");
        self.push_from_list(sql, list).await?;
        sql.push(&format!(") m CROSS JOIN {table} v WHERE v.tenant_id = $1 AND v.sequence = m.sequence"));
        Ok(())
    }

    /// Replaces keys by the spelling in the newest event of each.
    async fn with_spelling(
        &self,
        field: FacetField,
        counted_values: Vec<CountedValue>,
    ) -> Result<Vec<(FacetValue, i64)>, StoreError> {
        let positions: Vec<i64> = counted_values
            .iter()
            .filter(|value| field.closed(&value.key).is_none())
            .map(|value| value.newest)
            .collect();
        let events = self.events_at(&positions).await?;
        let spell = |value: CountedValue| {
            let event = events.iter().find(|event| event.sequence == value.newest);
            let with_spelling = field.closed(&value.key).or_else(|| field.values(event?).remove(&value.key));
            let corrupt = || StoreError::Corrupt {
                table: "audit_event",
                column: "body",
                id: value.newest.to_string(),
                reason: format!("lacks the value of column {}", field.name()),
            };
            Ok((with_spelling.ok_or_else(corrupt)?, value.count))
        };
        counted_values.into_iter().map(spell).collect()
    }
}

/// Groups counts by the value of a field.
struct FacetAggregator {
    field: FacetField,
    positions: HashMap<String, usize>,
    counted_values: Vec<CountedValue>,
}

impl Aggregator for FacetAggregator {
    type GroupId = usize;

    fn group(&mut self, key: KeyView<'_>) -> usize {
        let value = key.value(self.field);
        if let Some(position) = self.positions.get(value) {
            return *position;
        }
        let position = self.counted_values.len();
        self.positions.insert(value.to_owned(), position);
        self.counted_values.push(CountedValue { id: 0, key: value.to_owned(), count: 0, newest: 0 });
        position
    }

    fn add(&mut self, position: usize, _start: i64, events: i64, newest: i64) {
        if let Some(counted_values) = self.counted_values.get_mut(position) {
            counted_values.count += events;
            counted_values.newest = counted_values.newest.max(newest);
        }
    }
}

/// The columns that [`counted_values`] reads.
const SELECT_COUNTED: &str = "SELECT counted.id, k.key, counted.events, counted.newest";
/// Joins the counted terms with their strings.
const JOIN_TERMS: &str = " LEFT JOIN term k ON k.tenant_id = $1 AND k.id = counted.id";
/// The most frequent values first, and those with equal counts by their strings.
const MOST_FREQUENT: &str = "counted.events DESC, k.key";

fn counted_values(rows: &[sea_orm::QueryResult]) -> Result<Vec<CountedValue>, StoreError> {
    let value = |row: &sea_orm::QueryResult| -> Result<CountedValue, StoreError> {
        let (id, key): (i32, Option<String>) = (row.try_get_by(0)?, row.try_get_by(1)?);
        let missing = || StoreError::Corrupt {
            table: "term",
            column: "id",
            id: id.to_string(),
            reason: "is missing, but an event refers to it".to_owned(),
        };
        let key = if id == 0 { String::new() } else { key.ok_or_else(missing)? };
        Ok(CountedValue { id, key, count: row.try_get_by(2)?, newest: row.try_get_by(3)? })
    };
    rows.iter().map(value).collect()
}
