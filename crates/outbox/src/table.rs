//! The outbox table of an application.
//!
//! On PostgreSQL a relay locks the rows that it delivers until they are settled, and skips those that another relay has
//! locked: any number of relays share the work. SQLite has no row locks, and holding the write lock during a delivery
//! would stop the application; two relays may then deliver the same rows, which the server records once.

use std::time::Duration;

use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, Statement,
    TransactionTrait as _,
};

use crate::ddl::CHANNEL;

/// The most rows of a batch.
pub const BATCH_ROWS: u32 = 500;
/// The longest wait for a connection to the application's database.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A row that waits to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// The position in the table.
    pub id: i64,
    /// The key of the event.
    pub event_key: String,
    /// The time of the activity in RFC 3339 format.
    pub at: String,
    /// The event as JSON text.
    pub event: String,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The event is in the log.
    Recorded,
    /// The server refused the event, with these problems.
    SetAside(String),
}

/// The rows that wait and those that were set aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// The number of rows that wait.
    pub waiting: i64,
    /// The age of the oldest of them in seconds, or 0 if there is none.
    pub oldest_seconds: i64,
    /// The number of rows that were set aside.
    pub set_aside: i64,
}

/// The outbox of an application.
#[derive(Debug)]
pub struct OutboxTable {
    connection: DatabaseConnection,
    /// Whether recorded rows stay in the table for some time.
    keeps_recorded: bool,
}

/// Some rows and, on PostgreSQL, the transaction that locks them.
#[derive(Debug)]
pub struct LockedRows {
    /// The rows, by position.
    pub rows: Vec<OutboxRow>,
    transaction: Option<DatabaseTransaction>,
}

impl OutboxTable {
    /// Connects to the application's database.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached.
    pub async fn connect(url: &str, keeps_recorded: bool) -> Result<Self, DbErr> {
        let mut options = ConnectOptions::new(url);
        options.max_connections(3).connect_timeout(CONNECT_TIMEOUT).acquire_timeout(CONNECT_TIMEOUT);
        options.sqlx_logging(false);
        Ok(Self { connection: Database::connect(options).await?, keeps_recorded })
    }

    fn backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    /// Returns the next rows that wait, at most [`BATCH_ROWS`].
    ///
    /// # Errors
    ///
    /// If the table cannot be read.
    pub async fn waiting(&self) -> Result<LockedRows, DbErr> {
        let sql = |columns: &str, lock: &str| {
            format!(
                "SELECT id, {columns} FROM auditgraph_outbox WHERE recorded_at IS NULL AND failed_at IS NULL \
                 ORDER BY id LIMIT {BATCH_ROWS} {lock}"
            )
        };
        if self.backend() == DbBackend::Postgres {
            let transaction = self.connection.begin().await?;
            let at = "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
            let columns = format!("event_key::text, {at}, event::text");
            let rows = read_rows(&transaction, &sql(&columns, "FOR UPDATE SKIP LOCKED")).await?;
            return Ok(LockedRows { rows, transaction: Some(transaction) });
        }
        let rows = read_rows(&self.connection, &sql("event_key, at, event", "")).await?;
        Ok(LockedRows { rows, transaction: None })
    }

    /// Removes or marks rows by what became of them. Rows without a settlement stay as they are.
    ///
    /// # Errors
    ///
    /// If the table cannot be written. Nothing is changed then.
    pub async fn settle(&self, locked: LockedRows, settled: &[(i64, Settlement)]) -> Result<(), DbErr> {
        let transaction = match locked.transaction {
            Some(transaction) => transaction,
            None => self.connection.begin().await?,
        };
        let now = self.now();
        for (id, settlement) in settled {
            let (sql, values) = match settlement {
                Settlement::Recorded if self.keeps_recorded => {
                    (format!("UPDATE auditgraph_outbox SET recorded_at = {now} WHERE id = $1"), vec![(*id).into()])
                }
                Settlement::Recorded => ("DELETE FROM auditgraph_outbox WHERE id = $1".to_owned(), vec![(*id).into()]),
                Settlement::SetAside(problem) => {
                    // PostgreSQL stores no NUL.
                    let problem = problem.replace('\0', "\u{fffd}");
                    let sql = format!("UPDATE auditgraph_outbox SET failed_at = {now}, problem = $2 WHERE id = $1");
                    (sql, vec![(*id).into(), problem.into()])
                }
            };
            transaction.execute_raw(Statement::from_sql_and_values(self.backend(), sql, values)).await?;
        }
        transaction.commit().await
    }

    /// Removes rows that were recorded longer ago than this.
    ///
    /// # Errors
    ///
    /// If the table cannot be written.
    pub async fn remove_recorded(&self, age: Duration) -> Result<(), DbErr> {
        let before = if self.backend() == DbBackend::Postgres {
            "now() - $1 * interval '1 second'"
        } else {
            "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', -$1 || ' seconds')"
        };
        let sql = format!("DELETE FROM auditgraph_outbox WHERE recorded_at < {before}");
        let seconds = i32::try_from(age.as_secs()).unwrap_or(i32::MAX);
        self.connection.execute_raw(Statement::from_sql_and_values(self.backend(), sql, [seconds.into()])).await?;
        Ok(())
    }

    /// Counts the rows that wait and those that were set aside.
    ///
    /// # Errors
    ///
    /// If the table cannot be read.
    pub async fn counts(&self) -> Result<OutboxCounts, DbErr> {
        let age = if self.backend() == DbBackend::Postgres {
            "CAST(EXTRACT(EPOCH FROM now() - MIN(at)) AS bigint)"
        } else {
            "CAST(strftime('%s', 'now') AS integer) - CAST(strftime('%s', MIN(at)) AS integer)"
        };
        let sql = format!(
            "SELECT COUNT(*), COALESCE({age}, 0), (SELECT COUNT(*) FROM auditgraph_outbox WHERE failed_at IS NOT NULL) \
             FROM auditgraph_outbox WHERE recorded_at IS NULL AND failed_at IS NULL"
        );
        let row = self.connection.query_one_raw(Statement::from_string(self.backend(), sql)).await?;
        let Some(row) = row else { return Ok(OutboxCounts::default()) };
        let oldest_seconds = row.try_get_by::<i64, _>(1)?.max(0);
        Ok(OutboxCounts { waiting: row.try_get_by(0)?, oldest_seconds, set_aside: row.try_get_by(2)? })
    }

    /// Listens for new rows. Returns `None` on SQLite, which has no notifications.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached.
    pub async fn listen(&self) -> Result<Option<PgListener>, sea_orm::sqlx::Error> {
        if self.backend() != DbBackend::Postgres {
            return Ok(None);
        }
        let mut listener = PgListener::connect_with(self.connection.get_postgres_connection_pool()).await?;
        listener.listen(CHANNEL).await?;
        Ok(Some(listener))
    }

    /// Returns the SQL of the current time.
    fn now(&self) -> &'static str {
        if self.backend() == DbBackend::Postgres { "now()" } else { "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')" }
    }
}

async fn read_rows(connection: &impl ConnectionTrait, sql: &str) -> Result<Vec<OutboxRow>, DbErr> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await?;
    let row = |row: &sea_orm::QueryResult| {
        Ok(OutboxRow {
            id: row.try_get_by(0)?,
            event_key: row.try_get_by(1)?,
            at: row.try_get_by(2)?,
            event: row.try_get_by(3)?,
        })
    };
    rows.iter().map(row).collect()
}
