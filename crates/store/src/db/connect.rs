//! Connection pools: one writer and query-only readers on SQLite, a write pool and a read pool on PostgreSQL. Each
//! session gets the settings that durability and the timeouts depend on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sea_orm::DatabaseConnection;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _, Executor as _};
use sea_orm::sqlx::{PgConnection, PgPool, SqliteConnection};

use crate::db::budget;
use crate::db::classify::sqlx_error;
use crate::{StoreError, StoreSettings};

/// Tenants that record at the same time on PostgreSQL. SQLite has a single writer.
pub(crate) const CONCURRENT_TENANTS_MAX: u32 = 8;

/// Connections that one process opens besides the read connections: one for each tenant that records, two to send and
/// receive notifications of commits, and the rest for the rollup task and the operator's commands.
pub const WRITE_CONNECTIONS: u32 = CONCURRENT_TENANTS_MAX + 4;

/// Returns whether a database URL names an SQLite database.
pub fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}

/// Opens the write pool and the read pool of an SQLite database.
pub(crate) async fn sqlite(settings: &StoreSettings) -> Result<(DatabaseConnection, DatabaseConnection), StoreError> {
    let options: SqliteConnectOptions = settings.url.parse().map_err(sqlx_error)?;
    if !settings.url.contains(":memory:") && !settings.url.contains("mode=memory") {
        create_private(options.get_filename());
    }
    let options = options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(settings.record_timeout)
        .disable_statement_logging();
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        // sqlx keeps counting a transaction that SQLite rolled back by itself, for example when the disk is full. The
        // next transaction would be a savepoint, and its commit would persist nothing. Discard such a connection.
        .before_acquire(|connection, _| {
            let is_clean = !connection.is_in_transaction();
            Box::pin(async move { Ok(is_clean) })
        })
        .connect_with(options.clone())
        .await
        .map_err(sqlx_error)?;
    // Rows that SQLite reads ahead do not count towards a request's byte limit, so the buffer is bounded. With fewer rows,
    // switching between the threads that read and write a page takes more of its time.
    let read_session = options
        .create_if_missing(false)
        .pragma("query_only", "ON")
        .pragma("mmap_size", "268435456")
        .row_buffer_size(ROW_BUFFER_SIZE);
    let timeout = settings.statement_timeout;
    let readers = SqlitePoolOptions::new()
        .max_connections(settings.connections)
        .acquire_timeout(settings.statement_timeout.min(ACQUIRE_TIMEOUT))
        // The connection has no peer outside of this process: setting the deadline fails as reliably as a ping would.
        .test_before_acquire(false)
        .after_connect(move |connection, _| Box::pin(install_deadline(connection, timeout)))
        .before_acquire(move |connection, _| {
            Box::pin(async move {
                install_deadline(connection, timeout).await?;
                Ok(true)
            })
        })
        .connect_with(read_session)
        .await
        .map_err(sqlx_error)?;
    Ok((writer.into(), readers.into()))
}

/// Opens an empty SQLite database in memory, with a single connection.
pub(crate) async fn in_memory() -> Result<DatabaseConnection, StoreError> {
    let options: SqliteConnectOptions = "sqlite::memory:".parse().map_err(sqlx_error)?;
    let options = options.disable_statement_logging();
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(sqlx_error)?;
    Ok(pool.into())
}

/// Rows that SQLite reads ahead of the consumer.
const ROW_BUFFER_SIZE: usize = 16;

/// Creates the database file with mode 0600, because the log holds restricted data. An error is ignored here: opening
/// the file reports it.
fn create_private(file: &std::path::Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _ = options.open(file);
}

/// Installs the progress handler that ends the next statement on time. Without it, SQLite would finish a statement
/// after its caller has stopped waiting.
async fn install_deadline(connection: &mut SqliteConnection, timeout: Duration) -> Result<(), sqlx::Error> {
    connection.lock_handle().await?.set_progress_handler(10_000, budget::should_continue(timeout));
    Ok(())
}

/// The longest wait for a connection from the pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The time limit of the extra connection that finds out why the pool has none.
const DIAGNOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A PostgreSQL connection used within this time is not pinged before its next use.
const RECENT_USE: Duration = Duration::from_millis(500);

/// Connections returned within this time after an abandoned statement are pinged.
const SUSPECT_FOR: Duration = Duration::from_secs(1);

/// Records when a statement was last abandoned before it completed. Connections that return to the pool shortly
/// afterwards are pinged, and discarded if they do not respond in time: a connection whose peer vanished silently would
/// otherwise occupy its slot in the pool until TCP gives up, after about 15 minutes.
#[derive(Default)]
pub(crate) struct LivenessProbe(Mutex<Option<Instant>>);

/// Marks the statement as abandoned if dropped before `is_complete` is set.
pub(crate) struct ProbeGuard<'a> {
    probe: &'a LivenessProbe,
    pub(crate) is_complete: bool,
}

impl Drop for ProbeGuard<'_> {
    fn drop(&mut self) {
        if !self.is_complete {
            *self.probe.0.lock() = Some(Instant::now());
        }
    }
}

impl LivenessProbe {
    /// Starts watching a statement.
    pub(crate) fn begin(&self) -> ProbeGuard<'_> {
        ProbeGuard { probe: self, is_complete: false }
    }

    async fn check(&self, connection: &mut PgConnection, timeout: Duration) -> Result<bool, sqlx::Error> {
        let is_suspect = self.0.lock().is_some_and(|at| at.elapsed() < SUSPECT_FOR);
        if is_suspect {
            tokio::time::timeout(timeout, connection.ping()).await.map_err(|_elapsed| sqlx::Error::PoolTimedOut)??;
        }
        Ok(true)
    }
}

/// Opens the write pool and the read pool of a PostgreSQL database.
pub(crate) async fn postgres(
    settings: &StoreSettings,
    probe: &Arc<LivenessProbe>,
) -> Result<(DatabaseConnection, DatabaseConnection), StoreError> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| settings.url.starts_with(scheme)) {
        let rule = "a database URL must start with `sqlite:`, `postgres://` or `postgresql://`";
        return Err(sqlx_error(sqlx::Error::Configuration(rule.into())));
    }
    let options: PgConnectOptions = settings.url.parse().map_err(sqlx_error)?;
    let options = options.application_name("auditgraph").disable_statement_logging();
    // Notices of the database ("relation already exists, skipping") are no log lines of this program.
    // An idle session that holds a lock is ended before the sessions that wait for the lock give up.
    let (lock, idle) = (settings.record_timeout.as_millis(), settings.record_timeout.as_millis() / 2);
    let write_session = format!(
        "SET jit = off; SET lock_timeout = {lock}; SET idle_in_transaction_session_timeout = {idle}; \
         SET default_transaction_isolation = 'read committed'; SET synchronous_commit = on; \
         SET client_min_messages = warning"
    );
    let milliseconds = settings.statement_timeout.as_millis();
    // No parallel workers: one caller's page must not take the cores of other callers, and a merge of index scans beats
    // a parallel sequential scan.
    let read_session = format!(
        "SET jit = off; SET max_parallel_workers_per_gather = 0; SET default_transaction_read_only = on; \
         SET statement_timeout = {milliseconds}; SET client_min_messages = warning"
    );
    let pool = async |connections: u32, session: String, timeout: Duration| {
        let opened = pool(&options, connections, session.clone(), timeout, probe).await;
        match opened {
            Err(sqlx::Error::PoolTimedOut) => Err(sqlx_error(connect_error(&options, session).await)),
            opened => opened.map_err(sqlx_error),
        }
    };
    let writers = pool(WRITE_CONNECTIONS, write_session, settings.record_timeout).await?;
    let readers = pool(settings.connections, read_session, settings.statement_timeout).await?;
    Ok((writers.into(), readers.into()))
}

/// Opens a pool with one connection. Every connection runs the statements of `session` first.
async fn pool(
    options: &PgConnectOptions,
    connections: u32,
    session: String,
    timeout: Duration,
    probe: &Arc<LivenessProbe>,
) -> Result<PgPool, sqlx::Error> {
    let probe = Arc::clone(probe);
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(timeout.min(ACQUIRE_TIMEOUT))
        // A connection used a moment ago was checked when it was returned.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            let is_fresh = about.idle_for < RECENT_USE;
            Box::pin(async move { if is_fresh { Ok(true) } else { connection.ping().await.map(|()| true) } })
        })
        .after_release(move |connection, _| {
            let probe = Arc::clone(&probe);
            Box::pin(async move { probe.check(connection, timeout).await })
        })
        .after_connect(move |connection, _| {
            let session = session.clone();
            Box::pin(async move {
                connection.execute(sqlx::AssertSqlSafe(session)).await?;
                Ok(())
            })
        })
        .connect_with(options.clone())
        .await
}

/// Returns the reason why a pool has no connection. The pool retries until its timeout, because the database may be
/// starting, and drops the error of each attempt. So this function connects once more.
async fn connect_error(options: &PgConnectOptions, session: String) -> sqlx::Error {
    let operation = async {
        let mut connection = PgConnection::connect_with(options).await?;
        connection.execute(sqlx::AssertSqlSafe(session)).await
    };
    match tokio::time::timeout(DIAGNOSE_TIMEOUT, operation).await {
        Ok(Err(connect_error)) => connect_error,
        // The database has just become available.
        Ok(Ok(_)) => sqlx::Error::PoolTimedOut,
        Err(_elapsed) => std::io::Error::new(std::io::ErrorKind::TimedOut, "the database does not respond").into(),
    }
}
