//! Inserts rows in bulk: in the format of PostgreSQL's `COPY`, or with inserts on SQLite.

use std::fmt::Write as _;

use sea_orm::sqlx::{self, PgConnection};
use sea_orm::{
    ActiveModelTrait, DatabaseConnection, DbBackend, EntityName as _, EntityTrait, Iden as _, IntoActiveModel,
    Iterable as _, ModelTrait, Value,
};

/// Inserts rows of a table.
pub(crate) async fn insert<M, A>(connection: &DatabaseConnection, rows: &[M]) -> anyhow::Result<()>
where
    M: ModelTrait + IntoActiveModel<A>,
    A: ActiveModelTrait<Entity = M::Entity> + Send,
{
    if rows.is_empty() {
        return Ok(());
    }
    if connection.get_database_backend() == DbBackend::Postgres {
        let mut connection = connection.get_postgres_connection_pool().acquire().await?;
        return Ok(CopyRows::of(rows).send(&mut connection).await?);
    }
    for part in rows.chunks(1_000) {
        let models = part.iter().map(|row| row.clone().into_active_model());
        <M::Entity as EntityTrait>::insert_many(models).exec_without_returning(connection).await?;
    }
    Ok(())
}

/// Rows of one table in the format of `COPY`.
pub(crate) struct CopyRows {
    sql: String,
    text: Vec<u8>,
}

impl CopyRows {
    /// Encodes rows.
    pub(crate) fn of<M: ModelTrait>(rows: &[M]) -> Self {
        let columns = || <M::Entity as EntityTrait>::Column::iter();
        let names: Vec<String> = columns().map(|column| format!("\"{}\"", column.unquoted())).collect();
        let table = <M::Entity as Default>::default();
        let mut text = String::new();
        for row in rows {
            for (i, column) in columns().enumerate() {
                if i > 0 {
                    text.push('\t');
                }
                push(&mut text, &row.get(column));
            }
            text.push('\n');
        }
        let sql = format!("COPY {} ({}) FROM STDIN", table.table_name(), names.join(", "));
        Self { sql, text: text.into_bytes() }
    }

    /// Sends the rows.
    pub(crate) async fn send(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut sink = connection.copy_in_raw(&self.sql).await?;
        sink.send(&self.text[..]).await?;
        sink.finish().await?;
        Ok(())
    }
}

fn push(out: &mut String, value: &Value) {
    // Writing to a `String` cannot fail.
    let _ = match value {
        Value::Int(Some(number)) => write!(out, "{number}"),
        Value::BigInt(Some(number)) => write!(out, "{number}"),
        Value::SmallInt(Some(number)) => write!(out, "{number}"),
        Value::String(Some(text)) => {
            for c in text.chars() {
                match c {
                    '\\' => out.push_str("\\\\"),
                    '\n' => out.push_str("\\n"),
                    '\r' => out.push_str("\\r"),
                    '\t' => out.push_str("\\t"),
                    c => out.push(c),
                }
            }
            Ok(())
        }
        Value::Bytes(Some(bytes)) => {
            out.push_str("\\\\x");
            bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
        }
        _ => write!(out, "\\N"),
    };
}
