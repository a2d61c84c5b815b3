//! Many rows in one statement, whose text does not depend on the number of rows, so that it is prepared only once.
//!
//! PostgreSQL takes each column as one array, in PostgreSQL's own text form, and unnests them. SQLite has no arrays;
//! there rows are inserted in groups of a few fixed sizes.

use std::fmt::Write as _;

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityName as _, EntityTrait, IdenStatic as _, Iterable as _, ModelTrait,
    QueryResult, Statement, Value,
};

/// Sixteen bytes that name something by its content.
pub(crate) type Hash = [u8; 16];

/// How many rows a statement has on SQLite: as many of the longest stretches as there are, then of the next.
const STRETCHES: [usize; 3] = [100, 10, 1];
/// How many values a look-up has on SQLite: the next of these, the last value repeated.
const LOOK_UPS: [usize; 4] = [1, 10, 100, 1_000];

/// Adds rows of one table. `conflict` says what becomes of rows that are there already; without it they are an error.
pub(crate) async fn insert<M: ModelTrait>(
    connection: &impl ConnectionTrait,
    rows: &[&M],
    conflict: &str,
) -> Result<(), DbErr> {
    if rows.is_empty() {
        return Ok(());
    }
    if connection.get_database_backend() == DbBackend::Postgres {
        connection.execute_raw(unnested(rows, conflict)).await?;
        return Ok(());
    }
    let mut left = rows;
    while let Some(length) = STRETCHES.into_iter().find(|length| *length <= left.len()) {
        let (stretch, rest) = left.split_at(length);
        connection.execute_raw(listed(stretch, conflict)).await?;
        left = rest;
    }
    Ok(())
}

/// `INSERT INTO table (columns)`, and the columns.
fn into<M: ModelTrait>() -> (String, Vec<<M::Entity as EntityTrait>::Column>) {
    let columns: Vec<_> = <M::Entity as EntityTrait>::Column::iter().collect();
    let names: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.as_str())).collect();
    (format!("INSERT INTO \"{}\" ({})", M::Entity::default().table_name(), names.join(", ")), columns)
}

fn unnested<M: ModelTrait>(rows: &[&M], conflict: &str) -> Statement {
    let (mut sql, columns) = into::<M>();
    sql.push_str(" SELECT * FROM unnest");
    let mut values = Vec::with_capacity(columns.len());
    for (place, column) in columns.into_iter().enumerate() {
        let mut array = Array::default();
        for row in rows {
            array.push(row.get(column));
        }
        let separator = if place == 0 { '(' } else { ',' };
        // Writing to a String does not fail.
        let _ = write!(sql, "{separator}${}::text::{}[]", place + 1, array.kind);
        values.push(array.finished());
    }
    sql.push_str(") ");
    sql.push_str(conflict);
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

fn listed<M: ModelTrait>(rows: &[&M], conflict: &str) -> Statement {
    let (mut sql, columns) = into::<M>();
    let row = format!("({})", vec!["?"; columns.len()].join(","));
    sql.push_str(" VALUES ");
    sql.push_str(&vec![row; rows.len()].join(","));
    sql.push(' ');
    sql.push_str(conflict);
    let values = rows.iter().flat_map(|row| columns.iter().map(|column| row.get(*column)));
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, values.collect::<Vec<_>>())
}

/// Finds rows of a tenant by the first of two columns, which has an index of its own after the tenant.
pub(crate) async fn look_up(
    connection: &impl ConnectionTrait,
    tenant_id: i32,
    table: &str,
    [by, and]: [&str; 2],
    hashes: &[Hash],
) -> Result<Vec<QueryResult>, DbErr> {
    let mut found = Vec::new();
    if connection.get_database_backend() == DbBackend::Postgres {
        // A limit inside keeps the planner from reading the whole table, which it otherwise likes to as long as there
        // are no statistics.
        let one =
            format!("SELECT k.{by}, k.{and} FROM {table} k WHERE k.tenant_id = $1 AND k.{by} = wanted.hash LIMIT 1");
        let sql = format!(
            "SELECT found.* FROM unnest($2::text::bytea[]) AS wanted (hash) CROSS JOIN LATERAL ({one}) AS found"
        );
        let mut array = Array::default();
        for hash in hashes {
            array.push(hash.to_vec().into());
        }
        let values = [tenant_id.into(), array.finished()];
        return connection.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await;
    }
    for part in hashes.chunks(LOOK_UPS[LOOK_UPS.len() - 1]) {
        let length = LOOK_UPS.into_iter().find(|length| part.len() <= *length).unwrap_or(part.len());
        let places: Vec<String> = (2..length + 2).map(|place| format!("${place}")).collect();
        let places = places.join(",");
        let sql = format!("SELECT k.{by}, k.{and} FROM {table} k WHERE k.tenant_id = $1 AND k.{by} IN ({places})");
        let padded = part.iter().chain(part.last().into_iter().cycle()).take(length);
        let values = std::iter::once(Value::from(tenant_id)).chain(padded.map(|hash| hash.to_vec().into()));
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values.collect::<Vec<_>>());
        found.extend(connection.query_all_raw(statement).await?);
    }
    Ok(found)
}

/// The hash in the first column of what [`look_up`] found.
pub(crate) fn hash_of(row: &QueryResult) -> Result<Hash, DbErr> {
    let bytes: Vec<u8> = row.try_get_by(0)?;
    Hash::try_from(bytes).map_err(|bytes| DbErr::Type(format!("a hash of {} bytes", bytes.len())))
}

/// An array in PostgreSQL's text form: `{1,NULL,"a \"quoted\" text"}`.
#[derive(Default)]
struct Array {
    text: String,
    kind: &'static str,
}

impl Array {
    fn push(&mut self, value: Value) {
        self.text.push(if self.text.is_empty() { '{' } else { ',' });
        // Writing to a String does not fail.
        self.kind = match value {
            Value::SmallInt(number) => self.number(number, "smallint"),
            Value::Int(number) => self.number(number, "integer"),
            Value::BigInt(number) => self.number(number, "bigint"),
            Value::Bytes(bytes) => {
                match bytes {
                    None => self.text.push_str("NULL"),
                    Some(bytes) => {
                        self.text.push_str("\"\\\\x");
                        for byte in bytes {
                            let _ = write!(self.text, "{byte:02x}");
                        }
                        self.text.push('"');
                    }
                }
                "bytea"
            }
            Value::String(Some(text)) => {
                self.quoted(&text);
                "text"
            }
            _ => {
                self.text.push_str("NULL");
                "text"
            }
        };
    }

    fn number(&mut self, number: Option<impl std::fmt::Display>, kind: &'static str) -> &'static str {
        let _ = match number {
            Some(number) => write!(self.text, "{number}"),
            None => write!(self.text, "NULL"),
        };
        kind
    }

    fn quoted(&mut self, text: &str) {
        self.text.push('"');
        let mut rest = text;
        while let Some(at) = rest.find(['"', '\\']) {
            self.text.push_str(&rest[..at]);
            self.text.push('\\');
            self.text.push_str(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
        self.text.push_str(rest);
        self.text.push('"');
    }

    fn finished(mut self) -> Value {
        self.text.push_str(if self.text.is_empty() { "{}" } else { "}" });
        self.text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_written_as_postgresql_reads_them() {
        let mut texts = Array::default();
        for text in ["", "a", "NULL", "a\"b\\c{,}\n é"] {
            texts.push(text.into());
        }
        assert_eq!(texts.kind, "text");
        assert_eq!(texts.finished(), Value::from("{\"\",\"a\",\"NULL\",\"a\\\"b\\\\c{,}\n é\"}"));
        let mut bytes = Array::default();
        bytes.push(Value::Bytes(None));
        bytes.push(vec![0_u8, 255].into());
        assert_eq!(bytes.kind, "bytea");
        assert_eq!(bytes.finished(), Value::from("{NULL,\"\\\\x00ff\"}"));
        assert_eq!(Array::default().finished(), Value::from("{}"));
    }
}
