//! Pages of a filled log, measured: every shape against auditgraph, and one page against the bare handler and the
//! bare statement, one after the other in one run, so that their ratios mean something.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use auditgraph::audit::Timestamp;
use auditgraph::audit::fold::fold;
use auditgraph::audit::page::{Cursor, Order, Position};
use auditgraph::auth::Role;
use clap::Args;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, QueryResult, Statement};
use serde_json::{Value, json};

use crate::load::{self, Load, Measured};
use crate::process::{SECRET, Server, token};
use crate::shape::{CATEGORIES, Known, PAGE, POSTGRAPHILE, Shape, shapes};
use crate::{bare, say, usage};

/// What to measure.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// A database that `fill` has filled.
    #[arg(long)]
    database_url: String,
    /// The program to measure; without it, the `auditgraph` beside this program.
    #[arg(long)]
    server: Option<PathBuf>,
    /// Requests under way at once.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// How long each shape is asked for.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Only shapes whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Where PostGraphile serves the same events, to be measured beside (see `bench/postgraphile`).
    #[arg(long)]
    postgraphile: Option<String>,
    /// Ask for each shape once, measure nothing, and fail if an answer is wrong.
    #[arg(long)]
    check: bool,
}

/// What is measured, and whose CPU is counted.
struct Bench<'a> {
    options: &'a Options,
    token: String,
    database: Option<u32>,
}

pub(crate) async fn measure(options: &Options) -> anyhow::Result<()> {
    let connection = Database::connect(&options.database_url).await?;
    let known = known(&connection).await?;
    let itself = std::env::current_exe()?;
    let program = options.server.clone().unwrap_or_else(|| itself.with_file_name("auditgraph"));
    let server = Server::start(
        &program,
        &["serve", "--database-url", &options.database_url, "--jwt-secret", SECRET, "--log", "warn"],
    )
    .await?;
    let is_postgres = connection.get_database_backend() == DbBackend::Postgres;
    let database = if is_postgres { postmaster(&connection).await? } else { None };
    let bench = Bench { options, token: token(Role::GlobalAdmin)?, database };
    let (_, idle) = usage::memory_mib(server.pid);
    say(&format!("ready after {} ms, {idle} MiB idle", server.ready.as_millis()));
    say("| shape | p50 ms | p95 ms | p99 ms | a second | CPU of the server us | of the database us | bytes |");
    say("|---|---|---|---|---|---|---|---|");
    let mut ours = None;
    for shape in shapes(&known).iter().filter(|shape| shape.name.contains(&options.only)) {
        let requests: Vec<Vec<u8>> = shape
            .variables
            .iter()
            .map(|variables| json!({ "query": shape.document, "variables": variables }).to_string())
            .map(|body| load::post("/graphql", &bench.token, &body))
            .collect();
        let size = check(&server.address, shape, &requests).await?;
        if !options.check {
            let measured = bench.row(shape.name, server.pid, &server.address, &requests, size).await?;
            if shape.document == PAGE && ours.is_none() {
                ours = Some(measured);
            }
        }
    }
    if is_postgres {
        bench.beside(&server, &itself, ours).await?;
    }
    say(&format!("peak memory of the server: {} MiB", usage::memory_mib(server.pid).0));
    Ok(())
}

impl Bench<'_> {
    /// Measures one kind of request and prints its row.
    async fn row(
        &self,
        name: &str,
        pid: u32,
        address: &str,
        requests: &[Vec<u8>],
        size: usize,
    ) -> anyhow::Result<Measured> {
        let load = Load { connections: self.options.connections, time: Duration::from_secs(self.options.seconds) };
        // What is asked for the first time fills caches and prepares statements.
        load::run(address, requests, Load { time: Duration::from_millis(500), ..load }).await?;
        let cpu = || (usage::cpu_seconds(pid), self.database.map_or(0.0, usage::cpu_seconds));
        let before = cpu();
        let measured = load::run(address, requests, load).await?;
        let after = cpu();
        #[expect(clippy::cast_precision_loss, reason = "an average")]
        let each = |seconds: f64| seconds * 1e6 / measured.requests() as f64;
        say(&format!(
            "| {name} | {:.2} | {:.2} | {:.2} | {:.0} | {:.0} | {:.0} | {size} |",
            measured.at(500),
            measured.at(950),
            measured.at(990),
            measured.rate(),
            each(after.0 - before.0),
            each(after.1 - before.1),
        ));
        Ok(measured)
    }

    /// The page by hand and the statement alone, beside the page as auditgraph gives it.
    async fn beside(&self, ours: &Server, itself: &Path, measured: Option<Measured>) -> anyhow::Result<()> {
        let handler = Server::start(itself, &["bare", "--database-url", &self.options.database_url]).await?;
        let mut requests = Vec::new();
        let mut size = 0;
        for category in CATEGORIES {
            let asked = json!({ "first": 50, "category": category });
            let request = load::post("/page", &self.token, &asked.to_string());
            let graphql = json!({ "query": PAGE, "variables": asked }).to_string();
            let theirs = load::once(&handler.address, &request).await?;
            let own = load::once(&ours.address, &load::post("/graphql", &self.token, &graphql)).await?;
            anyhow::ensure!(theirs == own, "the bare handler answers something else for {category}");
            size = own.len();
            requests.push(request);
        }
        let Some(measured) = measured else { return Ok(()) };
        let bare = self.row("bare handler", handler.pid, &handler.address, &requests, size).await?;
        drop(handler);
        if let Some(address) = &self.options.postgraphile {
            let theirs = self.postgraphile(address).await?;
            say(&format!("page: {:.1} x PostGraphile", measured.rate() / theirs.rate()));
        }
        let statement = self.statement()?;
        say(&format!(
            "page: {:.2} x the bare handler, {:.2} x the bare statement (pgbench {statement:.0} a second)",
            measured.rate() / bare.rate(),
            measured.rate() / statement,
        ));
        Ok(())
    }

    /// The page as PostGraphile gives it, which has to be as long.
    async fn postgraphile(&self, address: &str) -> anyhow::Result<Measured> {
        let mut requests = Vec::new();
        let mut size = 0;
        for category in CATEGORIES {
            let body = json!({ "query": POSTGRAPHILE, "variables": { "first": 50, "category": category } }).to_string();
            let request = load::post("/graphql", &self.token, &body);
            let answer = load::once(address, &request).await?;
            let data: Value = serde_json::from_slice(&answer)?;
            let edges = data.pointer("/data/auditEvents/edges").and_then(Value::as_array);
            let shown: String = String::from_utf8_lossy(&answer).chars().take(400).collect();
            anyhow::ensure!(edges.is_some_and(|edges| edges.len() == 50), "PostGraphile answers {shown}");
            size = answer.len();
            requests.push(request);
        }
        // Which process it is, is not known here.
        self.row("PostGraphile", std::process::id(), address, &requests, size).await
    }

    /// How often pgbench gets the answer to the bare statement in a second.
    fn statement(&self) -> anyhow::Result<f64> {
        let folder = std::env::temp_dir();
        let mut pgbench = Command::new("pgbench");
        pgbench.args(["-n", "-M", "prepared", "-T", &self.options.seconds.to_string()]);
        pgbench.args(["-c", &self.options.connections.to_string(), "-j", "2"]);
        let mut files = Vec::new();
        for category in CATEGORIES {
            let file = folder.join(format!("bench-{}-{category}.sql", std::process::id()));
            let text = bare::STATEMENT
                .replace("$1", "(SELECT id FROM tenant WHERE key = 'contoso')")
                .replace("$2", &format!("'{}'", fold(category)))
                .replace("$3", "51");
            std::fs::write(&file, text + ";\n")?;
            pgbench.arg("-f").arg(&file);
            files.push(file);
        }
        let output = pgbench.arg(&self.options.database_url).output();
        for file in files {
            std::fs::remove_file(file)?;
        }
        let output = output.context("pgbench cannot be started")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.with_context(|| format!("pgbench failed: {text}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// Asks each request once; how many bytes the last answer has.
async fn check(address: &str, shape: &Shape, requests: &[Vec<u8>]) -> anyhow::Result<usize> {
    let mut size = 0;
    for request in requests {
        let body = load::once(address, request).await?;
        let answer: Value = serde_json::from_slice(&body)?;
        let right = answer.get("errors").is_none() && answer.get("data").is_some_and(shape.is_right);
        let shown: String = String::from_utf8_lossy(&body).chars().take(400).collect();
        anyhow::ensure!(right, "`{}` is answered wrongly: {shown}", shape.name);
        size = body.len();
    }
    Ok(size)
}

pub(crate) async fn first(connection: &DatabaseConnection, sql: &str) -> anyhow::Result<QueryResult> {
    let row = connection.query_one_raw(Statement::from_string(connection.get_database_backend(), sql)).await?;
    row.with_context(|| format!("nothing found: {sql}"))
}

/// The process that all of PostgreSQL's processes are children of; none if it runs elsewhere.
pub(crate) async fn postmaster(connection: &DatabaseConnection) -> anyhow::Result<Option<u32>> {
    let backend: i32 = first(connection, "SELECT pg_backend_pid()").await?.try_get_by_index(0)?;
    Ok(usage::parent(u32::try_from(backend)?))
}

async fn known(connection: &DatabaseConnection) -> anyhow::Result<Known> {
    let tenant: i32 = first(connection, "SELECT id FROM tenant WHERE key = 'contoso'").await?.try_get_by_index(0)?;
    let text =
        async |sql: String| -> anyhow::Result<String> { Ok(first(connection, &sql).await?.try_get_by_index(0)?) };
    let list = format!("FROM audit_event WHERE tenant_id = {tenant} AND category = '{}'", fold(CATEGORIES[0]));
    let count: i64 = first(connection, &format!("SELECT COUNT(*) {list}")).await?.try_get_by_index(0)?;
    let deep = format!(
        "SELECT occurred_at, sequence {list} ORDER BY occurred_at DESC, sequence DESC LIMIT 1 OFFSET {}",
        100_000.min(count - 100)
    );
    let deep = first(connection, &deep).await?;
    let position = Position { occurred_at: Timestamp(deep.try_get_by_index(0)?), sequence: deep.try_get_by_index(1)? };
    let newest = |column: &str, table: &str| {
        format!("SELECT {column} FROM {table} WHERE tenant_id = {tenant} ORDER BY sequence DESC LIMIT 1")
    };
    Ok(Known {
        deep: Cursor { order: Order::NEWEST, window: None, position }.encode(),
        actor: text(newest("actor_key", "audit_event")).await?,
        target: text(newest("target_key", "event_target")).await?,
        property: text(newest("name_key", "property_change")).await?,
        rare: text(format!(
            "SELECT activity_key FROM activity_type WHERE tenant_id = {tenant} ORDER BY event_count LIMIT 1"
        ))
        .await?,
    })
}
