//! The metrics listener: `/metrics` for Prometheus, on an address of its own, so that clients of the API cannot reach it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::Server;
use actix_web::{HttpResponse, HttpServer, web};
use anyhow::Context as _;
use prometheus_client::encoding::text;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::Mutex;

use crate::config::MetricsListen;
use store::Store;

/// The address of the listener if none is configured.
const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9464);
/// The time for which the results of queries are cached.
const QUERY_CACHE_TTL: Duration = Duration::from_secs(10);
/// The most characters of the label `service`.
const SERVICE_CHARS_MAX: usize = 100;
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The registry of all metrics, and the metric that needs a query.
pub(super) struct MetricsEndpoint {
    registry: Registry,
    store: Store,
    last_recorded: Family<[(&'static str, String); 1], Gauge>,
    /// The time of the last query; `None` if there was none.
    queried_at: Mutex<Option<Instant>>,
}

impl MetricsEndpoint {
    /// Registers the metrics of the store, and those that `register` adds.
    pub(super) fn new(store: Store, register: impl FnOnce(&mut Registry)) -> Self {
        let mut registry = Registry::with_prefix("auditgraph");
        store.register(&mut registry);
        register(&mut registry);
        let last_recorded = Family::default();
        let help = "Time of the last event recorded for a service, in seconds since 1970, for the 50 latest services";
        registry.register("last_recorded_timestamp_seconds", help, last_recorded.clone());
        Self { registry, store, last_recorded, queried_at: Mutex::new(None) }
    }

    /// Updates the metric that needs a query, unless that was done a moment ago.
    async fn refresh(&self) {
        // If another request is running the query, this one uses the cached values.
        if let Ok(mut queried_at) = self.queried_at.try_lock()
            && queried_at.is_none_or(|before| before.elapsed() > QUERY_CACHE_TTL)
        {
            self.query_services().await;
            *queried_at = Some(Instant::now());
        }
    }

    /// Updates the metrics of services. If the query fails, logs the error and keeps the old values, because the other
    /// metrics are needed most while the database is unavailable.
    async fn query_services(&self) {
        match self.store.last_recorded().await {
            Ok(services) => {
                self.last_recorded.clear();
                for (service, time) in services {
                    let name = service.chars().take(SERVICE_CHARS_MAX).collect();
                    self.last_recorded.get_or_create(&[("service", name)]).set(time.0.div_euclid(1_000_000));
                }
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the metrics of services were not updated");
            }
        }
    }
}

async fn metrics(endpoint: web::Data<MetricsEndpoint>) -> HttpResponse {
    endpoint.refresh().await;
    response(&endpoint.registry)
}

/// Returns a response with the metrics of a registry in the text format of `OpenMetrics`.
pub(crate) fn response(registry: &Registry) -> HttpResponse {
    let mut out = String::new();
    match text::encode(&mut out, registry) {
        Ok(()) => HttpResponse::Ok().content_type(MEDIA_TYPE).body(out),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the metrics cannot be encoded");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// Listens on the configured address. Returns `None` if metrics are turned off, or if no address is configured and the
/// default one is in use.
pub(super) fn listen(
    listen: Option<MetricsListen>,
    endpoint: MetricsEndpoint,
) -> anyhow::Result<Option<(Server, SocketAddr)>> {
    let address = match listen {
        Some(MetricsListen::Off) => return Ok(None),
        Some(MetricsListen::At(address)) => address,
        None => DEFAULT_ADDRESS,
    };
    let endpoint = web::Data::from(Arc::new(endpoint));
    let server = HttpServer::new(move || {
        actix_web::App::new().app_data(endpoint.clone()).route("/metrics", web::get().to(metrics))
    });
    match server.workers(1).disable_signals().shutdown_timeout(1).bind(address) {
        Ok(server) => {
            let address = server.addrs().first().copied().context("the metrics have no listening address")?;
            Ok(Some((server.run(), address)))
        }
        Err(error) if listen.is_none() => {
            tracing::warn!(
                %address,
                %error,
                "no metrics are served; set AUDITGRAPH_METRICS_LISTEN to another address or `off`"
            );
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen for metrics at {address}")),
    }
}
