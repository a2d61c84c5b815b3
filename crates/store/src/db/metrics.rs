//! Metrics of recording and of the connection pools.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

use crate::{Store, StoreError};
use model::Timestamp;

/// Upper bounds of duration histograms in seconds: from the time of a page to the time after which clients give up.
pub const DURATION_BUCKETS_SECS: [f64; 13] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// The most services reported by [`Store::last_recorded`].
const SERVICES_MAX: u32 = 50;

/// Metrics of the record queue. Clones share their values.
#[derive(Clone, Debug)]
pub(crate) struct StoreMetrics {
    /// Events in the queue.
    pub(crate) pending: Gauge,
    /// Events rejected because the queue was full.
    pub(crate) rejected: Counter,
    /// Transactions that failed.
    pub(crate) failed: Counter,
    /// Events per transaction.
    pub(crate) events_per_commit: Histogram,
    /// Seconds from queueing a request until its result.
    pub(crate) recording: Histogram,
}

impl Default for StoreMetrics {
    fn default() -> Self {
        Self {
            pending: Gauge::default(),
            rejected: Counter::default(),
            failed: Counter::default(),
            events_per_commit: Histogram::new([1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0]),
            recording: Histogram::new(DURATION_BUCKETS_SECS),
        }
    }
}

/// Reports the size of the read pool and the write pool.
#[derive(Debug)]
struct PoolMetrics([(&'static str, DatabaseConnection); 2]);

impl PoolMetrics {
    /// Returns the number of open connections, and how many of them are idle.
    fn sizes(connection: &DatabaseConnection) -> (u32, usize) {
        if connection.get_database_backend() == DbBackend::Postgres {
            let pool = connection.get_postgres_connection_pool();
            (pool.size(), pool.num_idle())
        } else {
            let pool = connection.get_sqlite_connection_pool();
            (pool.size(), pool.num_idle())
        }
    }
}

impl Collector for PoolMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let help = "Database connections by pool and state";
        let mut family = encoder.encode_descriptor("database_connections", help, None, MetricType::Gauge)?;
        for (pool, connection) in &self.0 {
            let (size, idle) = Self::sizes(connection);
            let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(size);
            for (state, number) in [("in_use", size - idle), ("idle", idle)] {
                let labels = [("pool", *pool), ("state", state)];
                ConstGauge::new(i64::from(number)).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

impl Store {
    /// Registers the metrics of the store.
    pub fn register(&self, registry: &mut Registry) {
        let metrics = &self.metrics;
        registry.register("recording_waiting", "Events in the record queue", metrics.pending.clone());
        let help = "Events rejected because the record queue was full";
        registry.register("recording_refused", help, metrics.rejected.clone());
        registry.register("recording_failed", "Recording transactions that failed", metrics.failed.clone());
        let help = "Events per recording transaction";
        registry.register("recording_events_per_commit", help, metrics.events_per_commit.clone());
        let help = "Seconds from queueing events until they are durable or rejected";
        registry.register("recording_seconds", help, metrics.recording.clone());
        registry
            .register_collector(Box::new(PoolMetrics([("read", self.read.clone()), ("write", self.write.clone())])));
    }

    /// Returns when each service last recorded an event, over all tenants: the `SERVICES_MAX` most recent services.
    pub async fn last_recorded(&self) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let sql = format!(
            "SELECT MIN(service_name), MAX(last_seen_at) FROM activity_type GROUP BY service ORDER BY 2 DESC LIMIT {SERVICES_MAX}"
        );
        let query = self.read.query_all_raw(Statement::from_string(self.backend(), sql));
        let rows = self.with_timeout(self.statement_timeout, query).await?;
        rows.iter().map(|row| Ok((row.try_get_by(0)?, Timestamp(row.try_get_by(1)?)))).collect()
    }
}
