//! Connections to the two databases: one writer and query-only readers on SQLite, two pools of sessions on PostgreSQL,
//! each with the settings that the log's promises and its timeouts depend on.

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

/// How many tenants record at the same time on PostgreSQL. SQLite has one writer.
pub(crate) const CONCURRENT_TENANTS_MAX: u32 = 8;

/// The most connections that one process takes besides those for reading: one for each tenant that records, two for
/// telling and hearing of commits, and some for the operator's commands.
pub const WRITE_CONNECTIONS: u32 = CONCURRENT_TENANTS_MAX + 4;

/// Whether a database URL names an SQLite file.
pub fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}

/// The pools for writing and for reading an SQLite log.
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
        // sqlx still counts a transaction that SQLite itself rolled back, as it does when the disk is full. The next
        // one would then be a savepoint, whose end commits nothing: such a connection is discarded.
        .before_acquire(|connection, _| {
            let is_clean = !connection.is_in_transaction();
            Box::pin(async move { Ok(is_clean) })
        })
        .connect_with(options.clone())
        .await
        .map_err(sqlx_error)?;
    // Rows that wait to be taken are held besides those that a request may hold.
    let read_session = options
        .create_if_missing(false)
        .pragma("query_only", "ON")
        .pragma("mmap_size", "268435456")
        .row_buffer_size(ROW_BUFFER_SIZE);
    let timeout = settings.statement_timeout;
    let readers = SqlitePoolOptions::new()
        .max_connections(settings.connections)
        .acquire_timeout(settings.statement_timeout.min(ACQUIRE_TIMEOUT))
        // The connection is in this process; setting its deadline finds out as well as a ping whether it is there.
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

/// The most rows that SQLite reads ahead.
const ROW_BUFFER_SIZE: usize = 16;

/// Makes a file that only its owner can read: the log holds what not everybody may see. Whether that worked is found
/// out when the file is opened.
fn create_private(file: &std::path::Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _ = options.open(file);
}

/// Ends the coming statement when its time is up; SQLite itself would go on even if nobody waits any more.
async fn install_deadline(connection: &mut SqliteConnection, timeout: Duration) -> Result<(), sqlx::Error> {
    connection.lock_handle().await?.set_progress_handler(10_000, budget::should_continue(timeout));
    Ok(())
}

/// How long is waited for a connection at most.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it may take to find out why there is no connection.
const DIAGNOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// For how long a connection to PostgreSQL that came back is taken to be there without asking.
const RECENT_USE: Duration = Duration::from_millis(500);

/// For how long after a statement was given up it is doubted whether connections live.
const SUSPECT_FOR: Duration = Duration::from_secs(1);

/// When a statement was last given up before an answer came. The connections that come back just after that are asked
/// whether they live, and are thrown away if they do not say so soon: a connection whose other end went away without a
/// word would hold its place in the pool for a quarter of an hour.
#[derive(Default)]
pub(crate) struct LivenessProbe(Mutex<Option<Instant>>);

/// Waits for an answer. Dropped without one, it tells that the statement was given up.
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
    /// A statement is about to begin.
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

/// The pools for writing and for reading a PostgreSQL log.
pub(crate) async fn postgres(
    settings: &StoreSettings,
    probe: &Arc<LivenessProbe>,
) -> Result<(DatabaseConnection, DatabaseConnection), StoreError> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| settings.url.starts_with(scheme)) {
        let rule = "the URL of a log must begin with `sqlite:`, `postgres://` or `postgresql://`";
        return Err(sqlx_error(sqlx::Error::Configuration(rule.into())));
    }
    let options: PgConnectOptions = settings.url.parse().map_err(sqlx_error)?;
    let options = options.application_name("auditgraph").disable_statement_logging();
    // A session that has a lock but is idle loses it before those that wait for it give up.
    let (lock, idle) = (settings.record_timeout.as_millis(), settings.record_timeout.as_millis() / 2);
    let write_session = format!(
        "SET jit = off; SET lock_timeout = {lock}; SET idle_in_transaction_session_timeout = {idle}; \
         SET default_transaction_isolation = 'read committed'; SET synchronous_commit = on"
    );
    let milliseconds = settings.statement_timeout.as_millis();
    // One caller's page shall not take the cores of others, and a walk that is merged beats a parallel scan.
    let read_session = format!(
        "SET jit = off; SET max_parallel_workers_per_gather = 0; SET default_transaction_read_only = on; \
         SET statement_timeout = {milliseconds}"
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

/// A pool with its first connection; each begins with the settings of its sessions.
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
        // One that was in use a moment ago was asked when it came back.
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

/// Why a pool has no connection. The pool tries as long as it may, since the database may be starting, and forgets the
/// error each time: so the database is asked once more.
async fn connect_error(options: &PgConnectOptions, session: String) -> sqlx::Error {
    let operation = async {
        let mut connection = PgConnection::connect_with(options).await?;
        connection.execute(sqlx::AssertSqlSafe(session)).await
    };
    match tokio::time::timeout(DIAGNOSE_TIMEOUT, operation).await {
        Ok(Err(connect_error)) => connect_error,
        // It has only just begun to answer.
        Ok(Ok(_)) => sqlx::Error::PoolTimedOut,
        Err(_elapsed) => std::io::Error::new(std::io::ErrorKind::TimedOut, "it does not answer").into(),
    }
}
