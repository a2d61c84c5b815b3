//! Measures the bytes of an event: by table and index, and in PostgreSQL's write-ahead log.

use clap::Args;
use model::NewEvent;
use model::sensitive::SensitiveNames;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};
use store::Store;

use crate::{fill, print_line};
use auditgraph::system;

/// Options of `bytes`.
#[derive(Clone, Debug, Args)]
pub(crate) struct BytesOptions {
    /// `sqlite://FILE` or `postgres://...` of a filled database.
    #[arg(long)]
    database_url: String,
    /// The number of events to record for the write-ahead log, after a checkpoint. PostgreSQL only.
    #[arg(long, default_value_t = 40_000)]
    record: usize,
    /// The seed of the recorded events.
    #[arg(long, default_value_t = 1_000_003)]
    seed: u64,
}

/// Events per batch.
const BATCH: usize = 500;
/// The number of parts of the recorded events that are reported separately.
const PARTS: usize = 4;

pub(crate) async fn measure(options: &BytesOptions) -> anyhow::Result<()> {
    let connection = Database::connect(&options.database_url).await?;
    let events = number(&connection, "SELECT COUNT(*) FROM audit_event").await?;
    let bodies = number(&connection, "SELECT CAST(SUM(octet_length(body)) AS bigint) FROM audit_event").await?;
    let sizes = sizes(&connection).await?;
    print_line(&format!("| {events} events | bytes an event |\n|---|---|"));
    for (name, bytes) in &sizes {
        print_line(&format!("| {name} | {} |", per(*bytes, events)));
    }
    print_line(&format!("| all | {} |", per(sizes.iter().map(|(_, bytes)| bytes).sum(), events)));
    print_line(&format!("| of these, stored bodies | {} |", per(bodies, events)));
    if connection.get_database_backend() == DbBackend::Postgres && options.record > 0 {
        write_ahead_log(&connection, options).await?;
    }
    Ok(())
}

/// Returns the tables and indexes with their sizes, largest first.
async fn sizes(connection: &DatabaseConnection) -> anyhow::Result<Vec<(String, i64)>> {
    let sql = if connection.get_database_backend() == DbBackend::Postgres {
        // The size of a table includes that of its large values, but not that of its indexes.
        "SELECT CAST(c.relname AS text), CASE c.relkind WHEN 'r' THEN pg_table_size(c.oid) ELSE pg_relation_size(c.oid) END
         FROM pg_class c WHERE c.relnamespace = CAST(current_schema() AS regnamespace) AND c.relkind IN ('r', 'i')
         ORDER BY 2 DESC"
    } else {
        "SELECT name, SUM(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC"
    };
    let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await?;
    let size = |row: &sea_orm::QueryResult| anyhow::Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
    rows.iter().map(size).collect()
}

async fn number(connection: &DatabaseConnection, sql: &str) -> anyhow::Result<i64> {
    Ok(crate::pages::first(connection, sql).await?.try_get_by_index(0)?)
}

/// Returns a number of bytes per event, rounded.
fn per(bytes: i64, events: i64) -> i64 {
    (bytes + events / 2) / events.max(1)
}

/// Records events and prints the bytes of the write-ahead log. The first events after a checkpoint write whole pages.
async fn write_ahead_log(connection: &DatabaseConnection, options: &BytesOptions) -> anyhow::Result<()> {
    let store = Store::open(&fill::settings(&options.database_url), None).await?;
    let tenant = store.tenant("contoso").await?.ok_or_else(|| anyhow::anyhow!("no tenant contoso"))?;
    let writer = access::operator_writer(&store, &tenant);
    let (now, rules) = (system::now(), SensitiveNames::default());
    let events: Vec<NewEvent> = demo_data::events(options.seed, now, options.record)
        .map(|body| NewEvent::parse(body, now, &rules).map_err(|problems| anyhow::anyhow!("{problems:?}")))
        .collect::<anyhow::Result<_>>()?;
    connection.execute_unprepared("CHECKPOINT").await?;
    let written = "SELECT CAST(pg_current_wal_insert_lsn() - '0/0' AS bigint)";
    print_line("\n| events recorded after a checkpoint | bytes of the write-ahead log an event |\n|---|---|");
    let mut recorded = 0;
    for part in events.chunks(events.len().div_ceil(PARTS).max(1)) {
        let before = number(connection, written).await?;
        for batch in part.chunks(BATCH) {
            writer.record(batch, now).await?;
        }
        let bytes = number(connection, written).await? - before;
        print_line(&format!(
            "| {recorded} to {} | {} |",
            recorded + part.len(),
            per(bytes, i64::try_from(part.len())?)
        ));
        recorded += part.len();
    }
    Ok(())
}
