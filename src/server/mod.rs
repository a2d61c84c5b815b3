//! The only place where rooms are joined: opens the log, builds the schema, binds, serves, and drains on shutdown.
//!
//! The clock and the ids of requests are made here and handed down; no other code takes them from the system.

mod door;
mod limit;
mod metrics;
mod sign_in;
mod signal;
mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{HttpServer, web};
use anyhow::Context as _;
use tokio::sync::watch;

use crate::config::Serve;
use crate::config::file::File;
use crate::database;
use crate::http;
use crate::system::{new_id, now};
use access::{self, AccessControl, AccessLog};
use signal::Signals;
use store::{self, ConnectionShares, RecordQueue, Store};

pub use tokens::token_problems;

/// How long requests may take to end when the server stops.
const SHUTDOWN_SECS: u64 = 30;
/// How long the head of a request may take to arrive.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may take to let go of its connection.
const DISCONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection may stay open without a request; a little longer than proxies keep theirs.
const IDLE_PATIENCE: Duration = Duration::from_secs(75);
/// How many connections a thread takes at a time.
const CONNECTIONS_MAX: usize = 10_000;
/// How often is looked whether there is something to sum up.
const ROLL_UP_EVERY: Duration = Duration::from_secs(5);

/// A server that listens.
pub struct App {
    server: Server,
    address: SocketAddr,
    closing: watch::Sender<bool>,
    store: Store,
    trail: (AccessLog, Duration),
    metrics: Option<(Server, SocketAddr)>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("address", &self.address).finish_non_exhaustive()
    }
}

impl App {
    /// Opens the log, brings an SQLite log to this version's schema, and listens.
    pub async fn start(config: &Serve) -> anyhow::Result<Self> {
        let file = File::read_if_set(config.config_file.as_deref())?;
        let verifier = tokens::verifier(&config.tokens, &file).await?;
        let store = database::open_or_create(&config.database).await?;
        let records_access = config.records_access(&file);
        store.check_writable(records_access).await?;
        let rules = file.sensitive_names(&config.sensitive_names);
        let (closing, told) = watch::channel(false);
        let meters = http::Meters::new(&api::sdl());
        let mut access = AccessControl::new(
            store.clone(),
            RecordQueue::start(store.clone(), Arc::new(now)),
            rules,
            ConnectionShares::new(config.database.database_connections),
            Arc::new(new_id),
        );
        if records_access {
            access = access.with_access_log(Arc::new(now), Arc::new(new_id));
        }
        let trail = (access.trail(), Duration::from_millis(config.accesses.access_window_ms));
        let figures = metrics::Figures::new(store.clone(), |registry| {
            meters.register(registry);
            trail.0.register(registry);
        });
        let metrics = metrics::listen(config.metrics_listen, figures)?;
        let parts = door::Parts { verifier, access, meters, closing: told };
        let door = web::Data::new(door::door(config, &file, &store, parts)?);
        let mut server = HttpServer::new(move || {
            actix_web::App::new()
                .wrap(Compress::default())
                .wrap(from_fn(http::envelope))
                .wrap(from_fn(http::account))
                .configure(http::routes(&door))
        });
        if config.workers > 0 {
            server = server.workers(config.workers);
        }
        let server = server
            .shutdown_timeout(SHUTDOWN_SECS)
            .client_request_timeout(HEAD_PATIENCE)
            .client_disconnect_timeout(DISCONNECT_PATIENCE)
            .keep_alive(IDLE_PATIENCE)
            .max_connections(CONNECTIONS_MAX)
            // Who closes the connection waits for nothing any more, and what was begun for it ends.
            .h1_allow_half_closed(false)
            .disable_signals()
            .bind(config.listen)
            .with_context(|| format!("cannot listen at {}", config.listen))?;
        let address = server.addrs().first().copied().context("there is no listening address")?;
        Ok(Self { server: server.run(), address, closing, store, trail, metrics })
    }

    /// The address that is listened at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address at which metrics are served, if they are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|(_, address)| *address)
    }

    /// Serves until the process is told to stop: then streams are closed, and accepted requests are answered. If it is
    /// told twice, it does not wait for them. `ready` is called once everything is in place.
    pub async fn run(self, ready: impl FnOnce(SocketAddr)) -> anyhow::Result<()> {
        let rollups = tokio::spawn(roll_up(self.store));
        let (trail, every) = self.trail;
        let accesses = tokio::spawn(trail.clone().record(every));
        let mut signals = Signals::new()?;
        let metrics = self.metrics.map(|(server, address)| {
            tracing::info!(%address, "metrics");
            (server.handle(), tokio::spawn(server))
        });
        let handle = self.server.handle();
        let closing = self.closing;
        let stop = tokio::spawn(async move {
            signals.next().await;
            // Nobody may be streaming.
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
        // Nobody reads any more; who did is recorded.
        trail.close();
        accesses.await?;
        // A block that is being written is there whole or not at all.
        rollups.abort();
        if let Some((handle, _running)) = metrics {
            handle.stop(false).await;
        }
        Ok(ended?)
    }
}

/// Sums up what was recorded, now and then, as long as the server runs. Counts are right without it, but take longer.
async fn roll_up(store: Store) {
    loop {
        tokio::time::sleep(ROLL_UP_EVERY).await;
        if let Err(error) = store.roll_up(store::BLOCK_EVENTS).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the rollups of the log could not be updated");
        }
    }
}
