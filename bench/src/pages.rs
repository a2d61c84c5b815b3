//! Measures pages of a filled log: every shape with auditgraph, and one page next to the bare handler and the bare
//! statement. The sides take rounds in one run, so that their ratios are meaningful.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use auth::Role;
use clap::Args;
use model::Timestamp;
use model::fold::fold;
use model::page::{Cursor, Order, Position};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, QueryResult, Statement};
use serde_json::{Value, json};

use crate::load::{self, Latencies, Load};
use crate::process::{Program, Server, token};
use crate::shape::{CATEGORIES, KnownValues, PAGE, POSTGRAPHILE, RequestShape, shapes};
use crate::{bare, print_line, usage};

/// Options of `pages`.
#[derive(Clone, Debug, Args)]
pub(crate) struct PagesOptions {
    /// A database that `fill` has filled.
    #[arg(long)]
    database_url: String,
    #[command(flatten)]
    program: Program,
    /// Concurrent requests.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Seconds per shape.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Only shapes whose name contains this string.
    #[arg(long, default_value = "")]
    only: String,
    /// A smaller log to compare with, filled in the same way.
    #[arg(long, value_name = "URL")]
    smaller: Option<String>,
    /// The URL of a PostGraphile server over the same events, to compare with (see `bench/postgraphile`).
    #[arg(long)]
    postgraphile: Option<String>,
    /// Request each shape once, measure nothing, and fail if a response is wrong.
    #[arg(long)]
    check: bool,
}

/// The state of a run.
struct PageBench<'a> {
    options: &'a PagesOptions,
    token: String,
    database: Option<u32>,
}

pub(crate) async fn measure(options: &PagesOptions) -> anyhow::Result<()> {
    let connection = Database::connect(&options.database_url).await?;
    let known_values = known_values(&connection).await?;
    let bench_program = std::env::current_exe()?;
    let is_postgres = connection.get_database_backend() == DbBackend::Postgres;
    let database = if is_postgres { postmaster(&connection).await? } else { None };
    let bench = PageBench { options, token: token(Role::GlobalAdmin)?, database };
    let server = options.program.serve(&options.database_url).await?;
    let (_, idle) = usage::memory_mib(server.pid);
    print_line(&format!("ready after {} ms, {idle} MiB idle", server.ready.as_millis()));
    print_line("| shape | p50 ms | p95 ms | p99 ms | a second | CPU of the server us | of the database us | bytes |");
    print_line("|---|---|---|---|---|---|---|---|");
    for shape in shapes(&known_values).iter().filter(|shape| shape.name.contains(&options.only)) {
        match check(&server.address, shape, &bench.requests(shape)).await {
            Err(error) if !options.check && error.to_string().contains("TIMEOUT") => {
                print_line(&format!("| {} | TIMEOUT | | | | | | |", shape.name));
            }
            Ok(_) if options.check => {}
            checked => bench.measure(shape, &server, checked?).await?,
        }
    }
    if is_postgres {
        bench.compare(&server, &bench_program, &known_values).await?;
    }
    print_line(&format!("peak memory of the server: {} MiB", usage::memory_mib(server.pid).0));
    Ok(())
}

/// One of several sides that are measured in rounds.
struct Side<'a> {
    name: &'a str,
    pid: u32,
    address: &'a str,
    requests: Vec<Vec<u8>>,
    size: usize,
}

impl PageBench<'_> {
    fn requests(&self, shape: &RequestShape) -> Vec<Vec<u8>> {
        let bodies = shape.variables.iter();
        let bodies = bodies.map(|variables| json!({ "query": shape.document, "variables": variables }).to_string());
        bodies.map(|body| load::post("/graphql", &self.token, &body)).collect()
    }

    /// Measures one shape and prints its row. A timeout is a result as well.
    async fn measure(&self, shape: &RequestShape, server: &Server, size: usize) -> anyhow::Result<()> {
        let (name, requests) = (shape.name, self.requests(shape));
        let one = Side { name, pid: server.pid, address: &server.address, requests, size };
        match self.interleaved(vec![one], 1).await {
            Err(error) if error.to_string().contains("TIMEOUT") => {
                print_line(&format!("| {name} | TIMEOUT at this concurrency | | | | | | |"));
                Ok(())
            }
            measured => measured.map(|_| ()),
        }
    }

    /// Measures several sides in rounds, so that other work of the machine affects all equally, and prints a row for
    /// each.
    async fn interleaved(&self, sides: Vec<Side<'_>>, rounds: u32) -> anyhow::Result<Vec<Latencies>> {
        let time = Duration::from_secs(self.options.seconds) / rounds;
        let load = Load { connections: self.options.connections, time };
        let mut parts: Vec<Vec<Latencies>> = sides.iter().map(|_| Vec::new()).collect();
        let mut cpu = vec![(0.0, 0.0); sides.len()];
        for round in 0..rounds {
            for (index, side) in sides.iter().enumerate() {
                if round == 0 {
                    // The first requests fill caches and prepare statements.
                    let warm = Load { time: Duration::from_millis(500), ..load };
                    load::run(side.address, &side.requests, warm).await?;
                }
                let used = || (usage::cpu_seconds(side.pid), self.database.map_or(0.0, usage::cpu_seconds));
                let before = used();
                parts[index].push(load::run(side.address, &side.requests, load).await?);
                let after = used();
                cpu[index].0 += after.0 - before.0;
                cpu[index].1 += after.1 - before.1;
            }
        }
        let measured: Vec<Latencies> = parts.into_iter().map(Latencies::merge).collect();
        for ((side, measured), (server, database)) in sides.iter().zip(&measured).zip(cpu) {
            #[expect(clippy::cast_precision_loss, reason = "an average")]
            let each = |seconds: f64| seconds * 1e6 / measured.requests() as f64;
            print_line(&format!(
                "| {} | {:.2} | {:.2} | {:.2} | {:.0} | {:.0} | {:.0} | {} |",
                side.name,
                measured.at(500),
                measured.at(950),
                measured.at(990),
                measured.rate(),
                each(server),
                each(database),
                side.size
            ));
        }
        Ok(measured)
    }

    /// Measures auditgraph's page, at the start of the list and at depth, next to the bare handler, a smaller log and
    /// PostGraphile if they are given, and the bare statement.
    async fn compare(&self, ours: &Server, bench_program: &Path, known_values: &KnownValues) -> anyhow::Result<()> {
        let handler = Server::start(bench_program, &["bare", "--database-url", &self.options.database_url]).await?;
        let (mut own, mut theirs, mut size) = (Vec::new(), Vec::new(), 0);
        for category in CATEGORIES {
            let variables = json!({ "first": 50, "category": category });
            own.push(load::post(
                "/graphql",
                &self.token,
                &json!({ "query": PAGE, "variables": variables }).to_string(),
            ));
            theirs.push(load::post("/page", &self.token, &variables.to_string()));
            let (by_hand, page) =
                (theirs.last().map_or(&[][..], Vec::as_slice), own.last().map_or(&[][..], Vec::as_slice));
            let by_hand = load::send_once(&handler.address, by_hand).await?;
            let page = load::send_once(&ours.address, page).await?;
            anyhow::ensure!(by_hand == page, "the bare handler responds differently for {category}");
            size = page.len();
        }
        if self.options.check {
            return Ok(());
        }
        let deep = json!({ "first": 50, "category": CATEGORIES[0], "after": known_values.deep });
        let deep = json!({ "query": PAGE, "variables": deep }).to_string();
        let deep = vec![load::post("/graphql", &self.token, &deep)];
        let mut sides = vec![
            Side { name: "in rounds: page", pid: ours.pid, address: &ours.address, requests: own.clone(), size },
            Side { name: "bare handler", pid: handler.pid, address: &handler.address, requests: theirs, size },
            Side { name: "at depth 100,000", pid: ours.pid, address: &ours.address, requests: deep, size },
        ];
        let smaller = match &self.options.smaller {
            Some(url) => Some(self.options.program.serve(url).await?),
            None => None,
        };
        if let Some(server) = &smaller {
            let (pid, address) = (server.pid, &server.address);
            sides.push(Side { name: "page of the smaller log", pid, address, requests: own, size });
        }
        if let Some(address) = &self.options.postgraphile {
            // The process of PostGraphile is unknown here.
            let (requests, size) = self.postgraphile(address).await?;
            sides.push(Side { name: "PostGraphile", pid: std::process::id(), address, requests, size });
        }
        let names: Vec<String> = sides.iter().map(|side| side.name.to_owned()).collect();
        let measured = self.interleaved(sides, 5).await?;
        for (name, other) in names.iter().zip(&measured).skip(1) {
            let (rate, median) = (measured[0].rate() / other.rate(), measured[0].at(500) / other.at(500));
            print_line(&format!("page compared with {name}: {rate:.2} x the requests, {median:.2} x the median time"));
        }
        let statement = self.statement()?;
        let rate = measured[0].rate() / statement;
        print_line(&format!("page: {rate:.2} x the bare statement (pgbench {statement:.0} a second)"));
        Ok(())
    }

    /// Returns PostGraphile's requests for the page, and the size of its response.
    async fn postgraphile(&self, address: &str) -> anyhow::Result<(Vec<Vec<u8>>, usize)> {
        let mut requests = Vec::new();
        let mut size = 0;
        for category in CATEGORIES {
            let body = json!({ "query": POSTGRAPHILE, "variables": { "first": 50, "category": category } }).to_string();
            let request = load::post("/graphql", &self.token, &body);
            let response = load::send_once(address, &request).await?;
            let data: Value = serde_json::from_slice(&response)?;
            let edges = data.pointer("/data/auditEvents/edges").and_then(Value::as_array);
            let shown: String = String::from_utf8_lossy(&response).chars().take(400).collect();
            anyhow::ensure!(
                edges.is_some_and(|edges| edges.len() == 50),
                "unexpected response from PostGraphile: {shown}"
            );
            size = response.len();
            requests.push(request);
        }
        Ok((requests, size))
    }

    /// Returns how many times per second pgbench runs the bare statement.
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

/// Sends each request once, checks the responses, and returns the size of the last one in bytes.
async fn check(address: &str, shape: &RequestShape, requests: &[Vec<u8>]) -> anyhow::Result<usize> {
    let mut size = 0;
    for request in requests {
        let body = load::send_once(address, request).await?;
        let response: Value = serde_json::from_slice(&body)?;
        let right = response.get("errors").is_none() && response.get("data").is_some_and(shape.is_expected);
        let shown: String = String::from_utf8_lossy(&body).chars().take(400).collect();
        anyhow::ensure!(right, "unexpected response to `{}`: {shown}", shape.name);
        size = body.len();
    }
    Ok(size)
}

pub(crate) async fn first(connection: &DatabaseConnection, sql: &str) -> anyhow::Result<QueryResult> {
    let row = connection.query_one_raw(Statement::from_string(connection.get_database_backend(), sql)).await?;
    row.with_context(|| format!("no row: {sql}"))
}

/// Returns the parent of all PostgreSQL processes, or `None` if the server runs on another machine.
pub(crate) async fn postmaster(connection: &DatabaseConnection) -> anyhow::Result<Option<u32>> {
    let backend: i32 = first(connection, "SELECT pg_backend_pid()").await?.try_get_by_index(0)?;
    Ok(usage::parent(u32::try_from(backend)?))
}

async fn known_values(connection: &DatabaseConnection) -> anyhow::Result<KnownValues> {
    let tenant: i32 = first(connection, "SELECT id FROM tenant WHERE key = 'contoso'").await?.try_get_by_index(0)?;
    let text =
        async |sql: String| -> anyhow::Result<String> { Ok(first(connection, &sql).await?.try_get_by_index(0)?) };
    let category =
        format!("SELECT id FROM term WHERE tenant_id = {tenant} AND kind = 3 AND key = '{}'", fold(CATEGORIES[0]));
    let list = format!("FROM audit_event WHERE tenant_id = {tenant} AND category = ({category})");
    let count: i64 = first(connection, &format!("SELECT COUNT(*) {list}")).await?.try_get_by_index(0)?;
    let deep = format!(
        "SELECT occurred_at, sequence {list} ORDER BY occurred_at DESC, sequence DESC LIMIT 1 OFFSET {}",
        100_000.min(count - 100)
    );
    let deep = first(connection, &deep).await?;
    let position = Position { occurred_at: Timestamp(deep.try_get_by_index(0)?), sequence: deep.try_get_by_index(1)? };
    let newest = |column: &str, table: &str| {
        let id = format!("SELECT {column} FROM {table} WHERE tenant_id = {tenant} ORDER BY sequence DESC LIMIT 1");
        format!("SELECT key FROM term WHERE tenant_id = {tenant} AND id = ({id})")
    };
    Ok(KnownValues {
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
