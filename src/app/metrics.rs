//! `/metrics`: metrics for Prometheus, on a separate listener, so that clients of the API cannot reach them.

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

/// The default address.
const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9464);
/// How long the result of a metric that needs a query is cached.
const CACHE_TTL: Duration = Duration::from_secs(10);
/// The most characters of a service's name.
const NAME_MAX: usize = 100;

/// The metrics page.
pub(super) struct MetricsPage {
    registry: Registry,
    store: Store,
    last_recorded: Family<[(&'static str, String); 1], Gauge>,
    /// The time of the last query.
    queried: Mutex<Option<Instant>>,
}

impl MetricsPage {
    /// The metrics of the log; `register` adds others.
    pub(super) fn new(store: Store, register: impl FnOnce(&mut Registry)) -> Self {
        let mut registry = Registry::with_prefix("auditgraph");
        store.register(&mut registry);
        register(&mut registry);
        let last_recorded = Family::default();
        let help = "When a service last had an event recorded, in seconds since 1970; the newest 50 services";
        registry.register("last_recorded_timestamp_seconds", help, last_recorded.clone());
        Self { registry, store, last_recorded, queried: Mutex::new(None) }
    }

    /// Encodes the page as `OpenMetrics` text.
    async fn encode(&self) -> Result<String, std::fmt::Error> {
        // A request during the query of another one gets the cached value.
        if let Ok(mut queried) = self.queried.try_lock()
            && queried.is_none_or(|last| last.elapsed() > CACHE_TTL)
        {
            match self.store.last_recorded().await {
                Ok(services) => {
                    self.last_recorded.clear();
                    for (service, time) in services {
                        let name = service.chars().take(NAME_MAX).collect();
                        self.last_recorded.get_or_create(&[("service", name)]).set(time.0.div_euclid(1_000_000));
                    }
                }
                // The other metrics are still useful, in particular during an outage.
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot read the metrics of services");
                }
            }
            *queried = Some(Instant::now());
        }
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

async fn metrics(page: web::Data<MetricsPage>) -> HttpResponse {
    match page.encode().await {
        Ok(text) => {
            let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            HttpResponse::Ok().content_type(content_type).body(text)
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot encode metrics");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// Listens on the configured address. If none is configured and the default one is in use, the server starts without
/// metrics.
pub(super) fn listen(listen: Option<MetricsListen>, page: MetricsPage) -> anyhow::Result<Option<(Server, SocketAddr)>> {
    let address = match listen {
        Some(MetricsListen::Off) => return Ok(None),
        Some(MetricsListen::At(address)) => address,
        None => DEFAULT,
    };
    let page = web::Data::from(Arc::new(page));
    let server =
        HttpServer::new(move || actix_web::App::new().app_data(page.clone()).route("/metrics", web::get().to(metrics)));
    match server.workers(1).disable_signals().shutdown_timeout(1).bind(address) {
        Ok(server) => {
            let address = server.addrs().first().copied().context("there is no listening address")?;
            Ok(Some((server.run(), address)))
        }
        Err(error) if listen.is_none() => {
            tracing::warn!(%address, %error, "no metrics served; set AUDITGRAPH_METRICS_LISTEN to an address or `off`");
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen for metrics at {address}")),
    }
}
