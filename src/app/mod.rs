//! The only place where rooms are joined: opens the log, builds the schema, binds, serves, and drains on shutdown.
//!
//! The clock and the ids of requests are made here and handed down; no other code takes them from the system.

mod check;
mod limit;
mod metrics;
mod operate;
mod ready;
mod sign_in;
mod signal;
mod state;
mod tenant;
mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::Server;
use anyhow::Context as _;
use tokio::sync::watch;

use crate::config::file::File;
use crate::config::{Cli, Command, Database, Demo, Import, Serve, Token, without_password};
use crate::http;
use crate::import::{Importer, Report};
use access::{self, AccessControl, AccessLog};
use auth::{self, Grantable, Role, TokenRequest};
use model::Timestamp;
use model::sensitive::SensitiveNames;
use store::{self, ConnectionShares, Observer, RecordQueue, Store};

pub use check::{Finding, check};
pub use operate::{Verified, backup, copy, restore, verify};
pub use ready::ready;
use signal::Signals;
pub use tenant::tenant;
pub use tokens::token_problems;

/// A statement that takes longer than this is logged, without its values.
const SLOW_STATEMENT: Duration = Duration::from_secs(1);
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
/// How many events the demo records in one transaction.
const DEMO_BATCH: usize = 1_000;

/// What the time is.
#[expect(clippy::disallowed_methods, reason = "the clock of the whole program")]
pub fn now() -> Timestamp {
    Timestamp(chrono::Utc::now().timestamp_micros())
}

/// A new random id.
#[expect(clippy::disallowed_methods, reason = "the source of ids of the whole program")]
pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

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
        let file = configuration_file(config.config_file.as_deref())?;
        let verifier = tokens::verifier(&config.tokens, &file).await?;
        let store = open(&config.database).await?;
        if store::is_sqlite(&config.database.database_url) {
            store.migrate().await?;
        }
        store.check_schema().await?;
        let records_access = records_access(config, &file);
        store.check_writable(records_access).await?;
        let rules = sensitive_names(&config.sensitive_names, &file);
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
            access = access.with_access_log(Arc::new(now), Arc::new(new_id));
        }
        let trail = (access.access_log(), Duration::from_millis(config.accesses.access_window_ms));
        let page = metrics::MetricsPage::new(store.clone(), |registry| {
            metrics.register(registry);
            trail.0.register(registry);
        });
        let metrics_server = metrics::listen(config.metrics_listen, page)?;
        let parts = state::Parts { verifier, access, metrics, shutdown };
        let state = state::state(config, &file, &store, parts)?;
        let mut server = HttpServer::new(move || http::wrap(actix_web::App::new().configure(http::routes(&state))));
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
        Ok(Self { server: server.run(), address, closing, store, trail, metrics: metrics_server })
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
        let accesses = tokio::spawn(trail.clone().run(every));
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
        trail.shut_down();
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

/// Whether to record who reads the log.
fn records_access(config: &Serve, file: &File) -> bool {
    config.accesses.record_access && file.record_access.unwrap_or(true)
}

/// The configuration file, or what an empty one says.
fn configuration_file(path: Option<&std::path::Path>) -> anyhow::Result<File> {
    Ok(path.map(File::read).transpose()?.unwrap_or_default())
}

/// The rules for what is sensitive: those built in, and what the options and the file add.
fn sensitive_names(option: &[String], file: &File) -> SensitiveNames {
    let in_file = file.sensitive_names.iter().map(|name| name.as_str().to_owned());
    SensitiveNames::with_extra(option.iter().cloned().chain(in_file))
}

async fn open(database: &Database) -> anyhow::Result<Store> {
    let settings = store::StoreSettings {
        url: database.database_url.clone(),
        connections: database.database_connections,
        statement_timeout: Duration::from_millis(database.statement_timeout_ms),
        record_timeout: Duration::from_millis(database.record_timeout_ms),
    };
    let observer: Observer = Arc::new(|sql, elapsed, failed| {
        if elapsed > SLOW_STATEMENT {
            tracing::warn!(sql, ?elapsed, failed, "slow statement");
        } else {
            tracing::trace!(sql, ?elapsed, failed, "statement");
        }
    });
    Store::open(&settings, Some(observer))
        .await
        .with_context(|| format!("cannot open the log at {}", without_password(&database.database_url)))
}

/// `auditgraph serve`.
pub async fn serve(config: &Serve) -> anyhow::Result<()> {
    App::start(config).await?.run(|address| tracing::info!(%address, "listening")).await
}

/// `auditgraph migrate`.
pub async fn migrate(database: &Database) -> anyhow::Result<()> {
    Ok(open(database).await?.migrate().await?)
}

/// The log for a command of the operator; an SQLite log is made where there is none.
async fn open_for_operator(database: &Database) -> anyhow::Result<Store> {
    let store = open(database).await?;
    if store::is_sqlite(&database.database_url) {
        store.migrate().await?;
    }
    store.check_schema().await?;
    Ok(store)
}

/// A text that quotes what others wrote, on one line and without what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().take(1_000).flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// `auditgraph import`. Complaints go to `complain`, a line each.
pub async fn import(config: &Import, complain: &mut dyn FnMut(String)) -> anyhow::Result<Report> {
    let file = configuration_file(config.config_file.as_deref())?;
    let store = open_for_operator(&config.database).await?;
    let tenant = if let Some(key) = &config.tenant {
        if let Some(tenant) = store.tenant(key).await? {
            tenant
        } else {
            tenant::check_key(key)?;
            // Beside others a key may be a slip.
            if !store.tenants().await?.is_empty() {
                complain(format!("there was no tenant `{}`: it has been added", printable(key)));
            }
            store.add_tenant(key, key, &[], new_id()).await?
        }
    } else {
        let mut tenants = store.tenants().await?;
        anyhow::ensure!(tenants.len() < 2, "there are several tenants: choose one with --tenant KEY");
        tenants
            .pop()
            .context("there is no tenant: add one with `auditgraph tenant add KEY`, or name it with --tenant KEY")?
    };
    anyhow::ensure!(!tenant.is_disabled, "tenant `{}` is disabled", tenant.key);
    let importer = Importer {
        writer: access::operator_writer(&store, &tenant),
        reader: access::operator_reader(&store, &tenant),
        operator: config.operator.clone(),
        expect_tenant: config.expect_tenant.clone(),
        rules: sensitive_names(&config.sensitive_names, &file),
        clock: now,
    };
    let mut tell = |file: &std::path::Path, line: u64, reason: &str| {
        complain(format!("{}:{line}: {}", file.display(), printable(reason)));
    };
    Ok(importer.import(&config.files, &mut tell).await)
}

/// `auditgraph token`.
pub fn token(config: &Token) -> anyhow::Result<String> {
    let secret = config.jwt_secret.as_deref().context("there is no secret: set AUDITGRAPH_JWT_SECRET")?;
    let role = |name: &String| {
        let known = Role::from_name(&name.to_ascii_uppercase().replace('-', "_"));
        known.map(Grantable::Role).with_context(|| {
            let names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
            format!("there is no role `{name}`: the roles are {}", names.join(", "))
        })
    };
    let mut grants = config.role.iter().map(role).collect::<anyhow::Result<Vec<_>>>()?;
    grants.extend(config.permission.iter().cloned().map(Grantable::Permission));
    let moment = now();
    Ok(auth::issue(
        secret,
        &TokenRequest {
            subject: &config.subject,
            tenant: &config.tenant,
            tenant_claim: &config.tenant_claim,
            grants: &grants,
            issuer: config.jwt_issuer.as_deref(),
            audience: config.jwt_audience.as_deref(),
            now: moment,
            expires_at: moment.plus(config.expires_in.saturating_mul(model::time::SECOND)),
        },
    )?)
}

/// `auditgraph demo`: fills a log in a folder that goes away with the process, and serves it. Lines to print go to
/// `say`.
pub async fn demo(config: &Demo, say: &mut dyn FnMut(String)) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("auditgraph-demo-").tempdir()?;
    let file = folder.path().join("demo.db");
    let secret = format!("{}{}", new_id(), new_id());
    let (serve, token) = demo_settings(config, &store::sqlite_url(&file)?, &secret)?;
    let store = open_for_operator(&serve.database).await?;
    let tenant = store.add_tenant("contoso", "Contoso", &["contoso.example".to_owned()], new_id()).await?;
    let writer = access::operator_writer(&store, &tenant);
    let rules = SensitiveNames::default();
    let moment = now();
    let mut batch = Vec::with_capacity(DEMO_BATCH);
    for body in demo_data::events(config.seed, moment, config.events as usize) {
        let event = model::NewEvent::parse(body, moment, &rules)
            .map_err(|problems| anyhow::anyhow!("the demo made an invalid event: {problems:?}"))?;
        batch.push(event);
        if batch.len() == DEMO_BATCH {
            writer.record(&batch, now()).await?;
            batch.clear();
        }
    }
    writer.record(&batch, now()).await?;
    for role in Role::ALL {
        // Each is somebody else, who has limits of its own.
        let subject = format!("demo-{}", role.name().to_ascii_lowercase().replace('_', "-"));
        let token = self::token(&Token { role: vec![role.name().to_owned()], subject, ..token.clone() })?;
        say(format!("token {} {token}", role.name()));
    }
    let recorder = Token { permission: vec!["audit/write".to_owned()], subject: "recorder".to_owned(), ..token };
    say(format!("token RECORD {}", self::token(&recorder)?));
    App::start(&serve).await?.run(|address| say(format!("ready http://{address}"))).await
}

/// The settings of a demo: those of `serve` and `token`, with its own log and secret.
fn demo_settings(config: &Demo, url: &str, secret: &str) -> anyhow::Result<(Serve, Token)> {
    let listen = config.listen.to_string();
    let serve = ["auditgraph", "serve", "--database-url", url, "--jwt-secret", secret, "--listen", &listen];
    let serve = Cli::parse_plain(&[&serve[..], &["--metrics-listen", "off"]].concat())?;
    let token = ["auditgraph", "token", "--jwt-secret", secret, "--tenant", "contoso"];
    let token = [&token[..], &["--role", "AUDIT_READER", "--subject", "demo", "--expires-in", "30d"]].concat();
    match (serve.command, Cli::parse_plain(&token)?.command) {
        (Command::Serve(serve), Command::Token(token)) => Ok((*serve, Token { role: Vec::new(), ..token })),
        _ => anyhow::bail!("the demo's settings are not what they should be"),
    }
}
