//! The server: opens the log, builds what requests need from the settings, listens, and shuts down gracefully.
//!
//! Tests start the same [`App`] as `auditgraph serve`, on port 0. The other modules derive the state of the HTTP layer
//! from the settings; nothing here handles a request, except for the metrics on their own listener.

pub mod files;
mod limit;
mod listen;
pub(crate) mod metrics;
mod sign_in;
pub(crate) mod signal;
mod state;
mod tls;
mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::web::Data;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::ServeArgs;
use crate::config::file::ConfigFile;
use crate::database;
use crate::http::connection::{ConnectionLimits, Connections};
use crate::http::{self, Authentication};
use crate::system::{new_id, now, random_source};
use access::{self, AccessControl, AccessLog, ApiKeys};
use signal::{ReloadSignals, Signals};
use store::{self, ConnectionShares, RecordQueue, Store};
use tls::TlsIdentity;

pub(crate) use tls::tls_problem;
pub use tokens::token_problems;
pub(crate) use tokens::{NO_CREDENTIALS, accepts_tokens};

/// The additional time that the client of a stalled stream has to receive the error.
const STALL_GRACE: Duration = Duration::from_secs(10);
/// The interval at which the last use of API keys is written.
const API_KEY_USE_INTERVAL: Duration = Duration::from_secs(5);
/// The interval at which rollups are updated.
const ROLL_UP_INTERVAL: Duration = Duration::from_secs(5);

/// A server that listens on its address. [`App::run`] processes requests.
pub struct App {
    server: Server,
    address: SocketAddr,
    closing: watch::Sender<bool>,
    store: Store,
    tls: Option<TlsIdentity>,
    authentication: Data<Authentication>,
    api_keys: Arc<ApiKeys>,
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
    /// the log does not exist (unless `create` is set), cannot be opened or has another schema, there is neither a key to
    /// verify tokens with nor an API key, or the address is in use.
    pub async fn start(config: &ServeArgs) -> anyhow::Result<Self> {
        let file = ConfigFile::read_if_set(config.config_file.as_deref())?;
        let verifier = tokens::verifier(&config.tokens, &file).await?;
        state::check(config, &file)?;
        let tls = TlsIdentity::read(&config.tls)?;
        if !config.create {
            database::ensure_served_log_exists(&config.database)?;
        }
        let store = database::open_or_create(&config.database).await?;
        anyhow::ensure!(verifier.has_issuers() || store.has_active_api_key(now()).await?, "{NO_CREDENTIALS}");
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
            random_source(),
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
        let api_keys = Arc::new(ApiKeys::new(store.clone(), config.tokens.intune_services.clone()));
        let parts = state::Parts { verifier, api_keys: Arc::clone(&api_keys), access, metrics, shutdown };
        let state = state::state(config, &file, &store, parts)?;
        let authentication = state.authentication.clone();
        let limits = ConnectionLimits {
            address_max: config.limits.address_connections_max,
            total_max: config
                .limits
                .total_connections_max
                .min(files::connections_max(files::raise_limit(), config.database.database_connections)),
            stall_timeout: Duration::from_secs(config.streams.stream_stall_secs) + STALL_GRACE,
        };
        let connections = Connections::new(limits, limit::proxies(&config.limits)?);
        let (server, address) = listen::listen(
            config.listen,
            config.workers,
            connections,
            tls.as_ref().map(TlsIdentity::acceptor).transpose()?,
            state,
        )?;
        Ok(Self { server, address, closing, store, tls, authentication, api_keys, access_log, metrics_server })
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
    /// records the buffered part of the access log. A second signal ends requests without waiting. SIGHUP reads the keys
    /// of tokens and the TLS certificate again. Calls `ready` once the server accepts requests.
    pub async fn run(self, ready: impl FnOnce(SocketAddr)) -> anyhow::Result<()> {
        let rollups = tokio::spawn(roll_up(self.store));
        let reloads = tokio::spawn(reload_on_signal(self.authentication, self.tls.clone()));
        let renewals = self.tls.map(|tls| tokio::spawn(tls.reload_loop()));
        let api_key_uses = tokio::spawn(flush_api_key_uses(Arc::clone(&self.api_keys)));
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
        reloads.abort();
        renewals.inspect(JoinHandle::abort);
        api_key_uses.abort();
        self.api_keys.flush_uses().await;
        // A rollup is written in one transaction, so it can be interrupted.
        rollups.abort();
        if let Some((handle, _task)) = metrics_server {
            handle.stop(false).await;
        }
        Ok(ended?)
    }
}

/// Reads the keys of tokens and the TLS certificate again upon each signal to do so, without end.
async fn reload_on_signal(authentication: Data<Authentication>, tls: Option<TlsIdentity>) {
    let Ok(mut signals) = ReloadSignals::new() else { return };
    loop {
        signals.next().await;
        tracing::info!("reading keys and certificates again");
        authentication.reload().await;
        if let Some(tls) = &tls {
            tls.reload();
        }
    }
}

/// Writes when API keys were last used, without end.
async fn flush_api_key_uses(api_keys: Arc<ApiKeys>) {
    loop {
        tokio::time::sleep(API_KEY_USE_INTERVAL).await;
        api_keys.flush_uses().await;
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
