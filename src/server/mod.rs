//! The server: opens the log, builds what requests need from the settings, listens, and shuts down gracefully.
//!
//! Tests start the same [`App`] as `auditgraph serve`, on port 0. The other modules derive the state of the HTTP layer
//! from the settings; nothing here handles a request, except for the metrics on their own listener.

pub mod files;
mod limit;
mod listen;
mod metrics;
mod sign_in;
pub(crate) mod signal;
mod state;
mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use tokio::sync::watch;

use crate::config::ServeArgs;
use crate::config::file::ConfigFile;
use crate::database;
use crate::http;
use crate::http::connection::{ConnectionLimits, Connections};
use crate::system::{new_id, now};
use access::{self, AccessControl, AccessLog};
use signal::Signals;
use store::{self, ConnectionShares, RecordQueue, Store};

pub use tokens::token_problems;

/// The additional time that the client of a stalled stream has to receive the error.
const STALL_GRACE: Duration = Duration::from_secs(10);
/// The interval at which rollups are updated.
const ROLL_UP_INTERVAL: Duration = Duration::from_secs(5);

/// A server that listens on its address. [`App::run`] processes requests.
pub struct App {
    server: Server,
    address: SocketAddr,
    closing: watch::Sender<bool>,
    store: Store,
    /// The access log, and the time during which it combines similar accesses.
    access_log: (AccessLog, Duration),
    /// The metrics listener and its address; `None` if metrics are not served.
    metrics_server: Option<(Server, SocketAddr)>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("address", &self.address).finish_non_exhaustive()
    }
}

impl App {
    /// Opens the log and listens. Migrates an SQLite log to the schema of this version. Fails if a setting is invalid,
    /// the log does not exist (unless `create` is set), cannot be opened or has another schema, or the address is in use.
    pub async fn start(config: &ServeArgs) -> anyhow::Result<Self> {
        let file = ConfigFile::read_if_set(config.config_file.as_deref())?;
        let verifier = tokens::verifier(&config.tokens, &file).await?;
        state::check(config, &file)?;
        if !config.create {
            database::ensure_served_log_exists(&config.database)?;
        }
        let store = database::open_or_create(&config.database).await?;
        let records_access = config.records_access(&file);
        store.check_writable(records_access).await?;
        let rules = file.sensitive_names(&config.sensitive_names);
        let (closing, shutdown) = watch::channel(false);
        let metrics = http::Metrics::new(&api::sdl());
        let mut access = AccessControl::new(
            store.clone(),
            RecordQueue::start(store.clone(), Arc::new(now)),
            rules,
            ConnectionShares::new(config.database.database_connections),
            Arc::new(new_id),
        );
        if records_access {
            access = access.with_access_log(Arc::new(now), Arc::new(new_id), config.access_log.access_caller_bytes_max);
        }
        let access_log = (access.access_log(), Duration::from_millis(config.access_log.access_window_ms));
        let endpoint = self::metrics::MetricsEndpoint::new(store.clone(), |registry| {
            metrics.register(registry);
            access_log.0.register(registry);
        });
        let metrics_server = self::metrics::listen(config.metrics_listen, endpoint)?;
        let parts = state::Parts { verifier, access, metrics, shutdown };
        let state = state::state(config, &file, &store, parts)?;
        let limits = ConnectionLimits {
            address_max: config.limits.address_connections_max,
            total_max: config
                .limits
                .total_connections_max
                .min(files::connections_max(files::raise_limit(), config.database.database_connections)),
            stall_timeout: Duration::from_secs(config.streams.stream_stall_secs) + STALL_GRACE,
        };
        let connections = Connections::new(limits, limit::proxies(&config.limits)?);
        let (server, address) = listen::listen(config.listen, config.workers, connections, state)?;
        Ok(Self { server, address, closing, store, access_log, metrics_server })
    }

    /// Returns the address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address of the metrics listener, or `None` if metrics are not served.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_server.as_ref().map(|(_, address)| *address)
    }

    /// Serves until the process receives SIGTERM or SIGINT. Then closes the streams, completes accepted requests, and
    /// records the buffered part of the access log. A second signal ends requests without waiting. Calls `ready` once
    /// the server accepts requests.
    pub async fn run(self, ready: impl FnOnce(SocketAddr)) -> anyhow::Result<()> {
        let rollups = tokio::spawn(roll_up(self.store));
        let (access_log, window) = self.access_log;
        let recording_accesses = tokio::spawn(access_log.clone().run(window));
        let mut signals = Signals::new()?;
        let metrics_server = self.metrics_server.map(|(server, address)| {
            tracing::info!(%address, "serving metrics");
            (server.handle(), tokio::spawn(server))
        });
        let handle = self.server.handle();
        let closing = self.closing;
        let stop = tokio::spawn(async move {
            signals.next().await;
            tracing::info!(
                timeout_secs = listen::SHUTDOWN_TIMEOUT_SECS,
                "stopping: running requests are completed; a second signal ends them"
            );
            // Fails if there are no streams.
            let _ = closing.send(true);
            let gracefully = handle.stop(true);
            tokio::select! {
                () = gracefully => {}
                () = signals.next() => handle.stop(false).await,
            }
        });
        ready(self.address);
        let ended = self.server.await;
        stop.abort();
        // All requests have finished; flush the access log.
        access_log.shut_down();
        recording_accesses.await?;
        // A rollup is written in one transaction, so it can be interrupted.
        rollups.abort();
        if let Some((handle, _task)) = metrics_server {
            handle.stop(false).await;
        }
        Ok(ended?)
    }
}

/// Updates the rollups periodically, without end. Counts are exact without rollups, but take longer.
async fn roll_up(store: Store) {
    loop {
        tokio::time::sleep(ROLL_UP_INTERVAL).await;
        if let Err(error) = store.roll_up(store::BLOCK_EVENTS).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "rollups were not updated");
        }
    }
}
