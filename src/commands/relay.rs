//! `auditgraph relay`: delivers the events in an application's outbox to a server.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context as _;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::output::print_line;
use crate::config::{RelayArgs, without_password};
use crate::server::signal::Signals;
use crate::system;
use outbox::relay::{Relay, RelayObserver, RelayProgress};
use outbox::server::RecordingServer;
use outbox::table::{OutboxCounts, OutboxTable};

/// The interval between log lines about rows that wait.
const WAITING_LOG_SECS: i64 = 60;

pub(super) async fn run(config: &RelayArgs) -> anyhow::Result<ExitCode> {
    let server = RecordingServer::new(&config.server, &config.token_file, config.ca_file.as_deref())?;
    let from = without_password(&config.from);
    let table = OutboxTable::connect(&config.from, config.keep.is_some());
    let table = table.await.with_context(|| format!("cannot connect to {from}"))?;
    table.counts().await.with_context(|| {
        format!("cannot read the table auditgraph_outbox of {from}; `auditgraph outbox sql` prints how to create it")
    })?;
    let relay = Relay { table, server, keep: config.keep, random: system::random_fraction };
    let mut observer = LogAndMetrics::default();
    if config.once {
        let delivered = relay.run_once(&mut observer).await;
        let RelayProgress { recorded, set_aside } = observer.total;
        print_line(&format!("recorded {recorded}, set aside {set_aside}"));
        delivered.map_err(anyhow::Error::msg)?;
        return Ok(if set_aside == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let mut signals = Signals::new()?;
    let metrics = config.metrics_listen.map(|address| listen(address, &observer.metrics)).transpose()?;
    tracing::info!(%from, server = %config.server, "relaying");
    relay.run(&mut observer, signals.next()).await;
    if let Some(metrics) = metrics {
        metrics.stop(true).await;
    }
    let RelayProgress { recorded, set_aside } = observer.total;
    tracing::info!(recorded, set_aside, "stopped");
    Ok(ExitCode::SUCCESS)
}

/// The metrics of a relay.
#[derive(Clone, Default)]
struct RelayMetrics {
    recorded: Counter,
    set_aside: Counter,
    failures: Counter,
    waiting: Gauge,
    oldest_seconds: Gauge,
    rows_set_aside: Gauge,
}

impl RelayMetrics {
    fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix("auditgraph_relay");
        registry.register("recorded", "Rows whose events were recorded", self.recorded.clone());
        registry.register("set_aside", "Rows that the server refused", self.set_aside.clone());
        registry.register("failures", "Deliveries that failed and are repeated", self.failures.clone());
        registry.register("waiting", "Rows that wait to be delivered", self.waiting.clone());
        registry.register(
            "oldest_seconds",
            "Age of the oldest row that waits, in seconds",
            self.oldest_seconds.clone(),
        );
        registry.register("set_aside_rows", "Rows in the table that are set aside", self.rows_set_aside.clone());
        registry
    }
}

/// Writes log lines and updates metrics.
#[derive(Default)]
struct LogAndMetrics {
    metrics: RelayMetrics,
    total: RelayProgress,
    /// Whether the last delivery failed.
    has_failed: bool,
}

impl RelayObserver for LogAndMetrics {
    fn report_settled(&mut self, progress: RelayProgress) {
        let RelayProgress { recorded, set_aside } = progress;
        self.total.recorded += recorded;
        self.total.set_aside += set_aside;
        self.metrics.recorded.inc_by(recorded);
        self.metrics.set_aside.inc_by(set_aside);
        if std::mem::take(&mut self.has_failed) {
            tracing::info!("delivering again");
        }
        if set_aside > 0 {
            tracing::error!(set_aside, "events were refused; see the column `problem` of their rows");
        }
    }

    fn report_counts(&mut self, counts: OutboxCounts) {
        self.metrics.waiting.set(counts.waiting);
        self.metrics.oldest_seconds.set(counts.oldest_seconds);
        self.metrics.rows_set_aside.set(counts.set_aside);
        if counts.oldest_seconds >= WAITING_LOG_SECS {
            tracing::warn!(waiting = counts.waiting, oldest_seconds = counts.oldest_seconds, "rows wait");
        }
    }

    fn report_failure(&mut self, reason: &str, retry_in: Duration) {
        self.metrics.failures.inc();
        self.has_failed = true;
        tracing::warn!(reason, retry_in_ms = retry_in.as_millis(), "events were not delivered");
    }
}

/// Serves the metrics.
fn listen(address: SocketAddr, metrics: &RelayMetrics) -> anyhow::Result<actix_web::dev::ServerHandle> {
    let of_relay = metrics.clone();
    let server = HttpServer::new(move || {
        App::new().app_data(web::Data::new(of_relay.registry())).route("/metrics", web::get().to(serve_metrics))
    });
    let server = server.workers(1).disable_signals().shutdown_timeout(1).bind(address);
    let server = server.with_context(|| format!("cannot listen for metrics at {address}"))?;
    if let Some(address) = server.addrs().first() {
        tracing::info!(%address, "listening for metrics");
    }
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(handle)
}

async fn serve_metrics(registry: web::Data<Registry>) -> HttpResponse {
    crate::server::metrics::response(&registry)
}
