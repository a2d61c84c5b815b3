//! [`Store`]: the handle to the database, its pools and caches.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{AccessMode, DatabaseConnection, DatabaseTransaction, DbBackend};
use sea_orm::{IsolationLevel, TransactionOptions, TransactionTrait as _};

use crate::db::connect::{self, LivenessProbe};
use crate::db::metrics::StoreMetrics;
use crate::rollup::RollupCache;
use crate::stream::tail;
use crate::write::snapshot_cache::SnapshotCache;
use crate::{Reader, StoreError, Tenant, Writer};
use model::Scope;

/// Options for opening a store.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// `sqlite://file` or `postgres://...`.
    pub url: String,
    /// The size of the read pool.
    pub connections: u32,
    /// The time limit of a read statement.
    pub statement_timeout: Duration,
    /// How long recording waits for a lock. A whole transaction may take twice as long.
    pub record_timeout: Duration,
}

/// Called after every statement with its SQL, its duration, and whether it failed.
pub type Observer = Arc<dyn Fn(&str, Duration, bool) + Send + Sync>;

/// The logs of all tenants. Clones share pools and caches.
#[derive(Clone)]
pub struct Store {
    pub(crate) write: DatabaseConnection,
    pub(crate) read: DatabaseConnection,
    /// The connections of `read` without a metric callback, for statements whose reader calls the observer itself.
    pub(crate) rows: DatabaseConnection,
    pub(crate) observer: Option<Observer>,
    pub(crate) statement_timeout: Duration,
    pub(crate) record_timeout: Duration,
    pub(crate) snapshot_cache: Arc<SnapshotCache>,
    pub(crate) rollup_cache: Arc<RollupCache>,
    pub(crate) followers: tail::Followers,
    pub(crate) metrics: StoreMetrics,
    pub(crate) probe: Arc<LivenessProbe>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.backend()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database and checks that its commits are durable. `observer` is called after every statement.
    ///
    /// # Errors
    ///
    /// [`StoreError::Misconfigured`] if a setting does not guarantee durability.
    pub async fn open(settings: &StoreSettings, observer: Option<Observer>) -> Result<Self, StoreError> {
        let probe = Arc::<LivenessProbe>::default();
        let (mut write, mut read): (DatabaseConnection, DatabaseConnection) = if connect::is_sqlite(&settings.url) {
            connect::sqlite(settings).await?
        } else {
            connect::postgres(settings, &probe).await?
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
            snapshot_cache: Arc::default(),
            rollup_cache: Arc::default(),
            followers: tail::Followers::new(),
            metrics: StoreMetrics::default(),
            probe,
        };
        store.check_durable().await?;
        Ok(store)
    }

    /// Returns the kind of database.
    pub fn backend(&self) -> DbBackend {
        self.read.get_database_backend()
    }

    /// Runs an operation with a time limit. If the limit is exceeded, the peer may have vanished: the connections
    /// returned next are pinged.
    pub(crate) async fn with_timeout<T, E: Into<StoreError>>(
        &self,
        timeout: Duration,
        operation: impl Future<Output = Result<T, E>>,
    ) -> Result<T, StoreError> {
        let operation = std::pin::pin!(operation);
        // Declared after `operation`, so it is dropped first: the probe is set before `operation` returns its
        // connection.
        let mut guard = self.probe.begin();
        let outcome = tokio::time::timeout(timeout, operation).await.map_err(|_elapsed| StoreError::Timeout)?;
        guard.is_complete = true;
        outcome.map_err(Into::into)
    }

    /// Begins a read transaction that sees the database as of now, whatever is recorded meanwhile.
    pub(crate) async fn snapshot(&self) -> Result<DatabaseTransaction, StoreError> {
        let mut options = TransactionOptions::default();
        if self.backend() == DbBackend::Postgres {
            options.isolation_level = Some(IsolationLevel::RepeatableRead);
            options.access_mode = Some(AccessMode::ReadOnly);
        }
        Ok(self.read.begin_with_options(options).await?)
    }

    /// Returns a reader of one tenant's log within a scope.
    pub fn reader(&self, tenant: &Tenant, scope: Scope) -> Reader {
        Reader::new(self.clone(), tenant.id, scope)
    }

    /// Returns a writer to one tenant's log.
    pub fn writer(&self, tenant: &Tenant) -> Writer {
        Writer::new(self.clone(), tenant.id)
    }
}
