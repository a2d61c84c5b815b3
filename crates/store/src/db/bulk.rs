//! Inserts and looks up many rows in one statement.
//!
//! The SQL does not depend on the number of rows, so each statement is prepared once per connection. PostgreSQL takes
//! each column as one array in its text format and unnests the arrays. SQLite has no arrays: rows are inserted in
//! groups of a few fixed sizes.

use std::fmt::Write as _;

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityName as _, EntityTrait, IdenStatic as _, Iterable as _, ModelTrait,
    QueryResult, Statement, Value,
};

use crate::term::Term;

/// A 16-byte content hash.
pub(crate) type Hash16 = [u8; 16];

/// Rows per insert statement on SQLite: as many groups of the largest size as fit, then of the next.
const INSERT_SIZES: [usize; 3] = [100, 10, 1];
/// Values per lookup statement on SQLite: the smallest size that fits; the last value is repeated.
const LOOKUP_SIZES: [usize; 4] = [1, 10, 100, 1_000];

/// Inserts rows of one table. `conflict` is the `ON CONFLICT` clause; if it is empty, an existing row is an error.
pub(crate) async fn insert<M: ModelTrait>(
    connection: &impl ConnectionTrait,
    rows: &[&M],
    conflict: &str,
) -> Result<(), DbErr> {
    if rows.is_empty() {
        return Ok(());
    }
    if connection.get_database_backend() == DbBackend::Postgres {
        connection.execute_raw(unnest_insert(rows, conflict)).await?;
        return Ok(());
    }
    let mut remaining = rows;
    while let Some(length) = INSERT_SIZES.into_iter().find(|length| *length <= remaining.len()) {
        let (chunk, rest) = remaining.split_at(length);
        connection.execute_raw(values_insert(chunk, conflict)).await?;
        remaining = rest;
    }
    Ok(())
}

/// Returns `INSERT INTO table (columns)`, and the columns.
fn insert_prefix<M: ModelTrait>() -> (String, Vec<<M::Entity as EntityTrait>::Column>) {
    let columns: Vec<_> = <M::Entity as EntityTrait>::Column::iter().collect();
    let names: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.as_str())).collect();
    (format!("INSERT INTO \"{}\" ({})", M::Entity::default().table_name(), names.join(", ")), columns)
}

fn unnest_insert<M: ModelTrait>(rows: &[&M], conflict: &str) -> Statement {
    let (mut sql, columns) = insert_prefix::<M>();
    sql.push_str(" SELECT * FROM unnest");
    let mut values = Vec::with_capacity(columns.len());
    for (index, column) in columns.into_iter().enumerate() {
        let mut array = PgArray::default();
        for row in rows {
            array.push(row.get(column));
        }
        let separator = if index == 0 { '(' } else { ',' };
        // Writing to a `String` cannot fail.
        let _ = write!(sql, "{separator}${}::text::{}[]", index + 1, array.sql_type);
        values.push(array.into_value());
    }
    sql.push_str(") ");
    sql.push_str(conflict);
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

fn values_insert<M: ModelTrait>(rows: &[&M], conflict: &str) -> Statement {
    let (mut sql, columns) = insert_prefix::<M>();
    let row = format!("({})", vec!["?"; columns.len()].join(","));
    sql.push_str(" VALUES ");
    sql.push_str(&vec![row; rows.len()].join(","));
    sql.push(' ');
    sql.push_str(conflict);
    let values = rows.iter().flat_map(|row| columns.iter().map(|column| row.get(*column)));
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, values.collect::<Vec<_>>())
}

/// Finds rows of a tenant by hash and returns some columns. The first of them is the hash, which has a unique index after
/// the tenant.
pub(crate) async fn find_by_hash(
    connection: &impl ConnectionTrait,
    tenant_id: i32,
    table: &str,
    columns: &[&str],
    hashes: &[Hash16],
) -> Result<Vec<QueryResult>, DbErr> {
    let by = columns.first().copied().unwrap_or_default();
    let selected: Vec<String> = columns.iter().map(|column| format!("k.{column}")).collect();
    let selected = selected.join(", ");
    let mut found = Vec::new();
    if connection.get_database_backend() == DbBackend::Postgres {
        // Without statistics the planner would read the whole table; the inner `LIMIT 1` makes it use the index.
        let one = format!("SELECT {selected} FROM {table} k WHERE k.tenant_id = $1 AND k.{by} = wanted.hash LIMIT 1");
        let sql = format!(
            "SELECT found.* FROM unnest($2::text::bytea[]) AS wanted (hash) CROSS JOIN LATERAL ({one}) AS found"
        );
        let mut array = PgArray::default();
        for hash in hashes {
            array.push(hash.to_vec().into());
        }
        let values = [tenant_id.into(), array.into_value()];
        return connection.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await;
    }
    for part in hashes.chunks(LOOKUP_SIZES[LOOKUP_SIZES.len() - 1]) {
        let length = lookup_size(part.len());
        let placeholders: Vec<String> = (2..length + 2).map(|number| format!("${number}")).collect();
        let placeholders = placeholders.join(",");
        let sql = format!("SELECT {selected} FROM {table} k WHERE k.tenant_id = $1 AND k.{by} IN ({placeholders})");
        let hashes = padded(part, length).map(|hash| hash.to_vec().into());
        let values = std::iter::once(Value::from(tenant_id)).chain(hashes);
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values.collect::<Vec<_>>());
        found.extend(connection.query_all_raw(statement).await?);
    }
    Ok(found)
}

/// Finds terms of a tenant. Returns the code of the kind, the string and the number of each that is stored.
pub(crate) async fn find_terms(
    connection: &impl ConnectionTrait,
    tenant_id: i32,
    terms: &[&Term],
) -> Result<Vec<(i16, String, i32)>, DbErr> {
    let mut found = Vec::new();
    if connection.get_database_backend() == DbBackend::Postgres {
        // Without statistics the planner would read the whole table; the inner `LIMIT 1` makes it use the index.
        let sql = "SELECT found.* FROM unnest($2::text::smallint[], $3::text::text[]) AS wanted (kind, key) \
            CROSS JOIN LATERAL (SELECT k.kind, k.key, k.id FROM term k \
            WHERE k.tenant_id = $1 AND k.kind = wanted.kind AND k.key = wanted.key LIMIT 1) AS found";
        let (mut kinds, mut keys) = (PgArray::default(), PgArray::default());
        for term in terms {
            kinds.push(term.kind.code().into());
            keys.push(term.key.as_str().into());
        }
        let values = [tenant_id.into(), kinds.into_value(), keys.into_value()];
        found = connection.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    } else {
        for part in terms.chunks(LOOKUP_SIZES[LOOKUP_SIZES.len() - 1]) {
            let length = lookup_size(part.len());
            let pairs: Vec<String> = (0..length).map(|i| format!("(${}, ${})", 2 * i + 2, 2 * i + 3)).collect();
            let sql = format!(
                "WITH wanted (kind, key) AS (VALUES {}) SELECT k.kind, k.key, k.id FROM wanted CROSS JOIN term k \
                WHERE k.tenant_id = $1 AND k.kind = wanted.kind AND k.key = wanted.key",
                pairs.join(", ")
            );
            let pairs =
                padded(part, length).flat_map(|term| [Value::from(term.kind.code()), Value::from(term.key.as_str())]);
            let values = std::iter::once(Value::from(tenant_id)).chain(pairs);
            let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values.collect::<Vec<_>>());
            found.extend(connection.query_all_raw(statement).await?);
        }
    }
    found.iter().map(|row| Ok((row.try_get_by(0)?, row.try_get_by(1)?, row.try_get_by(2)?))).collect()
}

/// Returns the number of values of the lookup statement for a number of them.
fn lookup_size(wanted: usize) -> usize {
    LOOKUP_SIZES.into_iter().find(|length| wanted <= *length).unwrap_or(wanted)
}

/// Returns values with the last one repeated up to a length.
fn padded<T>(values: &[T], length: usize) -> impl Iterator<Item = &T> {
    values.iter().chain(values.last().into_iter().cycle()).take(length)
}

/// Returns the hash in the first column of a row from [`find_by_hash`].
pub(crate) fn hash_of(row: &QueryResult) -> Result<Hash16, DbErr> {
    let bytes: Vec<u8> = row.try_get_by(0)?;
    Hash16::try_from(bytes).map_err(|bytes| DbErr::Type(format!("expected a hash of 16 bytes, found {}", bytes.len())))
}

/// An array in PostgreSQL's text format: `{1,NULL,"a \"quoted\" string"}`.
#[derive(Default)]
struct PgArray {
    string: String,
    sql_type: &'static str,
}

impl PgArray {
    fn push(&mut self, value: Value) {
        self.string.push(if self.string.is_empty() { '{' } else { ',' });
        // Writing to a `String` cannot fail.
        self.sql_type = match value {
            Value::SmallInt(number) => self.push_number(number, "smallint"),
            Value::Int(number) => self.push_number(number, "integer"),
            Value::BigInt(number) => self.push_number(number, "bigint"),
            Value::Bytes(bytes) => {
                match bytes {
                    None => self.string.push_str("NULL"),
                    Some(bytes) => {
                        self.string.push_str("\"\\\\x");
                        self.push_hex(&bytes);
                        self.string.push('"');
                    }
                }
                "bytea"
            }
            Value::String(Some(string)) => {
                self.push_quoted(&string);
                "text"
            }
            _ => {
                self.string.push_str("NULL");
                "text"
            }
        };
    }

    fn push_number(&mut self, number: Option<impl std::fmt::Display>, sql_type: &'static str) -> &'static str {
        let _ = match number {
            Some(number) => write!(self.string, "{number}"),
            None => write!(self.string, "NULL"),
        };
        sql_type
    }

    fn push_hex(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
        self.string.reserve(2 * bytes.len());
        self.string.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    }

    fn push_quoted(&mut self, string: &str) {
        self.string.push('"');
        let mut rest = string;
        while let Some(at) = rest.find(['"', '\\']) {
            self.string.push_str(&rest[..at]);
            self.string.push('\\');
            self.string.push_str(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
        self.string.push_str(rest);
        self.string.push('"');
    }

    fn into_value(mut self) -> Value {
        self.string.push_str(if self.string.is_empty() { "{}" } else { "}" });
        self.string.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_have_postgresql_text_format() {
        let mut strings = PgArray::default();
        for string in ["", "a", "NULL", "a\"b\\c{,}\n é"] {
            strings.push(string.into());
        }
        assert_eq!(strings.sql_type, "text");
        assert_eq!(strings.into_value(), Value::from("{\"\",\"a\",\"NULL\",\"a\\\"b\\\\c{,}\n é\"}"));
        let mut bytes = PgArray::default();
        bytes.push(Value::Bytes(None));
        bytes.push(vec![0_u8, 255].into());
        assert_eq!(bytes.sql_type, "bytea");
        assert_eq!(bytes.into_value(), Value::from("{NULL,\"\\\\x00ff\"}"));
        assert_eq!(PgArray::default().into_value(), Value::from("{}"));
    }
}
