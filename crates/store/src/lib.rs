//! The log itself: opened here, written by [`Writer`], read by [`Reader`].
//!
//! Both are bound to one tenant, and a reader to a scope as well; there is no other way to rows, so no query can
//! forget the tenant or the scope. `access` is the only caller of [`Store::reader`] and [`Store::writer`].
//! Nothing here updates or deletes an event.
//!
//! One code path serves SQLite and PostgreSQL, told apart by the database URL. On SQLite there are two pools: a
//! single writer, and readers whose connections cannot write.

mod record;
mod prepared;
mod known;
mod bulk;
mod queue;
mod read;
mod summary;
mod rollup;
mod allowance;
mod feed;
mod follow;
mod tail;
mod activity;
mod actor;
mod tenant;
mod select;
mod merge;
mod narrow;
mod condition;
mod row;
mod sql;
mod statistics;
mod classify;
mod verify;
mod backup;
mod copy;
mod health;
mod meter;
mod connect;

use std::sync::Arc;
use std::time::Duration;

use migration::MigratorTrait;
use sea_orm::sqlx;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode};
use sea_orm::{Statement, TransactionOptions, TransactionTrait as _};

pub use activity::RecordedActivity;
pub use allowance::{ConnectionShares, QueryBudget};
pub use backup::{sqlite_file, sqlite_url};
pub use copy::{COPIED_TABLES, Copied};
pub use feed::{FeedError, FeedPage};
pub use follow::{Batch, Follow};
pub use health::WRITE_CONNECTIONS;
pub use meter::DURATION_BUCKETS_SECS;
pub use queue::{Clock, RecordQueue};
pub use read::{DisclosureCounter, EventQuery, Reader};
pub use record::{RecordOutcome, Writer};
pub use rollup::BLOCK_EVENTS;
pub use row::Row;
pub use summary::Facet;
pub use tenant::Tenant;
pub use verify::{Difference, ReportDifference};

/// Why the log could not answer. Never shown to callers: only `graphql` and the command line decide what is said.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// A stored row makes no sense.
    #[error("corrupt {table}.{column} at {id}: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// Which row.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The database's schema is not this version's.
    #[error("the database is not at this version's schema: {0}")]
    Schema(String),
    /// The database is set up so that the log's promises would not hold.
    #[error("the database cannot keep the log's promises: {0}")]
    Misconfigured(String),
    /// Locks were not released in time; nothing was done, and repeating helps.
    #[error("busy")]
    Busy(#[source] Arc<DbErr>),
    /// The database undid it to let another go on (deadlock, serialization failure); repeating at once helps.
    #[error("undone in favour of another")]
    SerializationFailure(#[source] Arc<DbErr>),
    /// Whether it was recorded is not known; repeating is safe.
    #[error("the outcome is not known")]
    OutcomeUnknown,
    /// It took too long.
    #[error("took too long")]
    Timeout,
    /// The database cannot be reached or cannot take anything.
    #[error("unavailable")]
    Unavailable(#[source] Arc<DbErr>),
    /// The events asked for have more bytes than one request may read.
    #[error("{asked} bytes of events, where {limit} are allowed")]
    TooLarge {
        /// How many bytes there were, as far as was read.
        asked: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Too many events wait to be recorded; nothing was taken.
    #[error("too many events wait to be recorded")]
    QueueFull,
    /// The tenant is not there, or disabled.
    #[error("no tenant `{0}`")]
    NoTenant(String),
    /// A tenant of this key is there already.
    #[error("tenant `{0}` exists already")]
    TenantExists(String),
    /// Something happened that this program rules out.
    #[error("bug: {0}")]
    Bug(&'static str),
    /// Anything else the database says.
    #[error("database")]
    Database(#[source] Arc<DbErr>),
}

/// The oldest PostgreSQL that is supported, as it tells its version.
const POSTGRES_VERSION_MIN: u32 = 150_000;

/// How long may pass until it is said that the database does not answer whether it is there.
const READY_PATIENCE: Duration = Duration::from_secs(2);

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// `sqlite://file` or `postgres://...`.
    pub url: String,
    /// The most connections for reading.
    pub connections: u32,
    /// How long a reading statement may take.
    pub statement_timeout: Duration,
    /// How long recording waits for locks; a transaction may take twice as long altogether.
    pub record_timeout: Duration,
}

/// Told of every statement: its text, how long it took, whether it failed.
pub type Observer = Arc<dyn Fn(&str, Duration, bool) + Send + Sync>;

/// The log of all tenants.
#[derive(Clone)]
pub struct Store {
    write: DatabaseConnection,
    read: DatabaseConnection,
    /// The same connections as `read`, for statements whose reader tells the observer itself.
    rows: DatabaseConnection,
    observer: Option<Observer>,
    statement_timeout: Duration,
    record_timeout: Duration,
    memory: Arc<known::Memory>,
    held: Arc<rollup::Held>,
    followers: tail::Followers,
    meters: meter::StoreMetrics,
    silence: Arc<connect::Silence>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.backend()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database at a URL and checks that what it commits is on disk.
    pub async fn open(settings: &StoreSettings, observer: Option<Observer>) -> Result<Self, StoreError> {
        let silence = Arc::<connect::Silence>::default();
        let (mut write, mut read): (DatabaseConnection, DatabaseConnection) = if is_sqlite(&settings.url) {
            connect::sqlite(settings).await?
        } else {
            connect::postgres(settings, &silence).await?
        };
        let rows = read.clone();
        if let Some(observer) = &observer {
            for connection in [&mut write, &mut read] {
                let observer = Arc::clone(observer);
                connection.set_metric_callback(move |info| observer(&info.statement.sql, info.elapsed, info.failed));
            }
        }
        let StoreSettings { statement_timeout, record_timeout, .. } = *settings;
        let store = Self {
            write,
            read,
            rows,
            observer,
            statement_timeout,
            record_timeout,
            memory: Arc::default(),
            held: Arc::default(),
            followers: tail::Followers::new(),
            meters: meter::StoreMetrics::default(),
            silence,
        };
        store.check_durable().await?;
        Ok(store)
    }

    /// Which database it is.
    pub fn backend(&self) -> DbBackend {
        self.read.get_database_backend()
    }

    /// What the database says, given up when it takes too long: then the connection may be one that nobody answers on.
    async fn in_time<T, E: Into<StoreError>>(
        &self,
        patience: Duration,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Result<T, StoreError> {
        let asked = std::pin::pin!(asked);
        // Made after `asked`, so that it is dropped before: then `asked` gives its connection back.
        let mut listening = self.silence.listen();
        let answer = tokio::time::timeout(patience, asked).await.map_err(|_elapsed| StoreError::Timeout)?;
        listening.is_answered = true;
        answer.map_err(Into::into)
    }

    /// Brings the database to this version's schema. Several processes may try at once.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match self.applied().await {
            Ok(applied) if applied.len() > known_migrations().len() => return Err(newer()),
            Ok(_) | Err(StoreError::Schema(_)) => {}
            Err(error) => return Err(error),
        }
        if self.backend() == DbBackend::Postgres {
            // Held by a connection of its own until the migration is through.
            let pool = self.write.get_postgres_connection_pool();
            let mut guard = pool.acquire().await.map_err(sqlx_error)?;
            // However long the one before takes.
            sqlx::query("SET lock_timeout = 0").execute(&mut *guard).await.map_err(sqlx_error)?;
            sqlx::query("SELECT pg_advisory_lock(4242104210)").execute(&mut *guard).await.map_err(sqlx_error)?;
            let migrated = migration::Migrator::up(&self.write, None).await;
            let released = sqlx::query("SELECT pg_advisory_unlock(4242104210)").execute(&mut *guard).await;
            migrated?;
            released.map_err(sqlx_error)?;
        } else {
            // On SQLite the migrator opens no transaction by itself.
            let transaction = self.write.begin_with_options(writing()).await?;
            migration::Migrator::up(&transaction, None).await?;
            statistics::write(&transaction).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Whether the database is exactly at this version's schema.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        let (applied, known) = (self.applied().await?, known_migrations());
        if applied == known {
            Ok(())
        } else if applied.len() > known.len() {
            Err(newer())
        } else {
            Err(StoreError::Schema("it is older than this program: run `auditgraph migrate`".to_owned()))
        }
    }

    /// The migrations that the database has had.
    async fn applied(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT version FROM seaql_migrations ORDER BY version";
        let asked = self.read.query_all_raw(Statement::from_string(self.backend(), sql));
        let rows = self.in_time(READY_PATIENCE, asked).await.map_err(|error| match error {
            StoreError::Database(_) => StoreError::Schema("it is empty: run `auditgraph migrate`".to_owned()),
            other => other,
        })?;
        Ok(rows.iter().map(|row| row.try_get_by(0)).collect::<Result<_, _>>()?)
    }

    /// Whether the database is at this version's schema or on the way to it, so that [`Store::migrate`] can go on.
    pub async fn check_older(&self) -> Result<(), StoreError> {
        let (applied, known) = (self.applied().await?, known_migrations());
        if applied.is_empty() || !known.starts_with(&applied) {
            return Err(StoreError::Schema("it is not of a version that this program knows".to_owned()));
        }
        Ok(())
    }

    /// Checks the settings that the promises depend on. Sessions that write also set `synchronous_commit = on`.
    async fn check_durable(&self) -> Result<(), StoreError> {
        let ask = async |sql: &str| -> Result<Option<sea_orm::QueryResult>, DbErr> {
            self.write.query_one_raw(Statement::from_string(self.backend(), sql)).await
        };
        if self.backend() == DbBackend::Postgres {
            let show = async |setting: &str| -> Result<String, DbErr> {
                let row = ask(&format!("SHOW {setting}")).await?;
                row.map_or(Ok(String::new()), |row| row.try_get_by(0))
            };
            for (setting, needed) in [("fsync", "on"), ("server_encoding", "UTF8")] {
                let value = show(setting).await?;
                if value != needed {
                    return Err(StoreError::Misconfigured(format!("{setting} is `{value}`, but must be `{needed}`")));
                }
            }
            let version = show("server_version_num").await?;
            if version.parse::<u32>().unwrap_or(0) < POSTGRES_VERSION_MIN {
                return Err(StoreError::Misconfigured(format!("PostgreSQL must be 15 or newer, but is {version}")));
            }
        } else {
            let synchronous: i64 = match ask("PRAGMA synchronous").await? {
                Some(row) => row.try_get_by(0)?,
                None => 0,
            };
            if synchronous < 2 {
                return Err(StoreError::Misconfigured("PRAGMA synchronous is below FULL".to_owned()));
            }
        }
        Ok(())
    }

    /// The log of one tenant, as a scope shows it.
    pub fn reader(&self, tenant: &Tenant, scope: model::Scope) -> Reader {
        Reader::new(self.clone(), tenant.id, scope)
    }

    /// The log of one tenant, to record in.
    pub fn writer(&self, tenant: &Tenant) -> Writer {
        Writer::new(self.clone(), tenant.id)
    }
}

fn newer() -> StoreError {
    StoreError::Schema("it is newer than this program: run the version that migrated it, or a later one".to_owned())
}

/// The migrations that this version knows.
fn known_migrations() -> Vec<String> {
    migration::Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect()
}

/// Whether a database URL names an SQLite file.
pub fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}

/// How a transaction that writes begins: on SQLite with the lock to write, which it could not wait for later.
fn writing() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}

fn sqlx_error(error: sqlx::Error) -> StoreError {
    StoreError::from(DbErr::Conn(sea_orm::RuntimeErr::SqlxError(Arc::new(error))))
}
