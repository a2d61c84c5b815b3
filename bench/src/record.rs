//! Recording, measured beside what it is made of.
//!
//! Batches: what the server recorded is read back and put with `COPY` into tables of the same form, once with the same
//! indexes and once with primary keys alone, a transaction for each batch and a connection for each tenant, as the
//! server does. Single events: the same requests go to a handler that does all but record them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use sea_orm::sqlx::postgres::{PgConnection, PgPoolCopyExt as _, PgPoolOptions};
use sea_orm::sqlx::{self, AssertSqlSafe, Connection as _, PgPool};
use tokio::task::JoinSet;

use crate::process::{Server, recorder};
use crate::{load, say, usage};

/// The tables that a recording adds rows to with every event, and what puts their rows into batches.
const TABLES: [&str; 4] = ["event_key", "audit_event", "event_target", "property_change"];
/// Clients that send single events.
const CLIENTS: usize = 64;

/// What to measure.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// `postgres://...`, an empty database.
    #[arg(long)]
    database_url: String,
    /// The program to measure.
    #[arg(long, default_value = "target/fast/auditgraph")]
    program: PathBuf,
    /// How many events each tenant records in batches, each round.
    #[arg(long, default_value_t = 20_000)]
    events: usize,
    /// How many events are in a batch.
    #[arg(long, default_value_t = 500)]
    batch: usize,
    /// How many rounds.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many single events are recorded, each round.
    #[arg(long, default_value_t = 20_000)]
    singles: usize,
}

/// What to record and to watch.
#[derive(Clone, Debug, Args)]
pub(crate) struct MemoryOptions {
    /// `postgres://...` or `sqlite://FILE`, an empty database.
    #[arg(long)]
    database_url: String,
    /// The program to watch.
    #[arg(long, default_value = "target/fast/auditgraph")]
    program: PathBuf,
    /// How many events.
    #[arg(long, default_value_t = 1_000_000)]
    events: usize,
}

/// The request that records some events, which differ in key, actor, target and change.
fn request(token: &str, name: &str, first: usize, count: usize) -> Vec<u8> {
    let event = |i: usize| {
        let (actor, target) = (i * 7 % 2_000, i * 31 % 20_000);
        format!(
            r#"{{"eventKey":"{name}-{i}","occurredAt":"2026-11-{:02}T{:02}:{:02}:{:02}.123Z","service":"Core Directory","category":"Category {}","activity":"Activity {}","status":"SUCCESS","correlationId":"{:08x}-7f2c-4d1e-9a55-0c6a5d1b2e3f","actor":{{"user":{{"objectId":"0a1b2c3d-0000-4000-8000-{actor:012x}","userPrincipalName":"user{actor}@contoso.example","displayName":"User {actor}","ipAddress":"10.1.{}.{}"}}}},"targets":[{{"type":"User","objectId":"9f8e7d6c-0000-4000-8000-{target:012x}","displayName":"Target {target}","modifiedProperties":[{{"name":"Property {}","oldValue":"before {i}","newValue":"after {i}"}}]}}],"additionalDetails":[{{"key":"User-Agent","value":"Mozilla/5.0 (X11; Linux x86_64)"}}]}}"#,
            1 + i % 20,
            i / 3_600 % 24,
            i / 60 % 60,
            i % 60,
            i % 30,
            i * 7 % 200,
            i / 3,
            actor % 250,
            i % 250,
            i % 120,
        )
    };
    let events: Vec<String> = (first..first + count).map(event).collect();
    load::post("/v1/events", token, &format!("[{}]", events.join(",")))
}

async fn start(program: &std::path::Path, url: &str, tenants: &[&str]) -> anyhow::Result<Server> {
    for arguments in [vec!["migrate"]].into_iter().chain(tenants.iter().map(|key| vec!["tenant", "add", key])) {
        let status = std::process::Command::new(program).args(&arguments).args(["--database-url", url]).status()?;
        anyhow::ensure!(status.success(), "{} {arguments:?} failed", program.display());
    }
    let secret = ["serve", "--database-url", url, "--jwt-secret", crate::process::SECRET, "--log", "warn"];
    Server::start(program, &secret).await
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

pub(crate) async fn measure(options: &Options) -> anyhow::Result<()> {
    let pool = PgPoolOptions::new().max_connections(16).connect(&options.database_url).await?;
    let server = start(&options.program, &options.database_url, &["one", "two"]).await?;
    for schema in ["same", "bare"] {
        let including = if schema == "same" { "ALL" } else { "DEFAULTS" };
        run(&pool, &format!("CREATE SCHEMA {schema}")).await?;
        for table in TABLES {
            run(&pool, &format!("CREATE TABLE {schema}.{table} (LIKE public.{table} INCLUDING {including})")).await?;
        }
    }
    for (table, key) in TABLES.into_iter().zip(["key_hash", "sequence", "sequence, ordinal", "sequence, ordinal"]) {
        run(&pool, &format!("ALTER TABLE bare.{table} ADD PRIMARY KEY (tenant_id, {key})")).await?;
    }
    say("batches: tenants = connections; events a second; ratio to COPY with the same indexes; cost of those indexes");
    for round in 0..options.rounds {
        for tenants in [1, 2] {
            batches(options, &pool, &server, round, tenants).await?;
        }
    }
    say("single events: clients; events a second; events a commit; without a database; ratio");
    let without = Server::start(&std::env::current_exe()?, &["parse"]).await?;
    for round in 0..options.rounds {
        singles(options, &pool, &server, &without, round).await?;
    }
    Ok(())
}

async fn run(pool: &PgPool, sql: &str) -> anyhow::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(pool).await.with_context(|| sql.to_owned())?;
    Ok(())
}

async fn number(pool: &PgPool, sql: &str) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(pool).await?)
}

async fn batches(
    options: &Options,
    pool: &PgPool,
    server: &Server,
    round: usize,
    tenants: usize,
) -> anyhow::Result<()> {
    let count = options.events / options.batch;
    let mut work = JoinSet::new();
    let mut heads = Vec::new();
    for (id, tenant) in (1..).zip(["one", "two"]).take(tenants) {
        heads.push((id, number(pool, &format!("SELECT last_sequence FROM tenant_log WHERE tenant_id = {id}")).await?));
        let token = recorder(tenant)?;
        let name = format!("batch-{round}-{tenants}");
        let made: Vec<Vec<u8>> = (0..count).map(|i| request(&token, &name, i * options.batch, options.batch)).collect();
        let address = server.address.clone();
        // Two clients, so that one request is read while another is recorded.
        work.spawn(async move { load::drain(&address, 2, count, move |i| made[i].clone()).await });
    }
    let started = Instant::now();
    while let Some(drained) = work.join_next().await {
        drained??;
    }
    let ours = started.elapsed();
    let mut times = Vec::new();
    for schema in ["same", "bare"] {
        run(pool, "CHECKPOINT").await?;
        let mut work = JoinSet::new();
        for (id, head) in &heads {
            let made = copied(pool, *id, *head, options.batch).await?;
            let url = options.database_url.clone();
            work.spawn(async move {
                let mut connection = PgConnection::connect(&url).await?;
                let started = Instant::now();
                copy(&mut connection, schema, made).await?;
                anyhow::Ok(started.elapsed())
            });
        }
        let mut longest = Duration::ZERO;
        while let Some(time) = work.join_next().await {
            longest = longest.max(time??);
        }
        times.push(longest);
    }
    let events = tenants * count * options.batch;
    say(&format!(
        "{tenants}: auditgraph {:.0}, COPY {:.0}, with primary keys alone {:.0}; ratio {:.2}; indexes cost {:.2}",
        rate(events, ours),
        rate(events, times[0]),
        rate(events, times[1]),
        times[0].as_secs_f64() / ours.as_secs_f64(),
        times[0].as_secs_f64() / times[1].as_secs_f64(),
    ));
    Ok(())
}

/// The rows of what a tenant recorded last, as `COPY` reads them: for each batch, for each table.
async fn copied(pool: &PgPool, id: i32, after: i64, batch: usize) -> anyhow::Result<Vec<Vec<Vec<u8>>>> {
    let last = number(pool, &format!("SELECT last_sequence FROM tenant_log WHERE tenant_id = {id}")).await?;
    let mut batches = Vec::new();
    for first in (after..last).step_by(batch) {
        let end = first + i64::try_from(batch)?;
        let mut tables = Vec::new();
        for table in TABLES {
            let rows =
                format!("SELECT * FROM {table} WHERE tenant_id = {id} AND sequence > {first} AND sequence <= {end}");
            let index = if table == "event_key" { "ORDER BY sequence" } else { "" };
            let mut out = pool.copy_out_raw(&format!("COPY ({rows} {index}) TO STDOUT")).await?;
            let mut text = Vec::new();
            while let Some(part) = std::future::poll_fn(|context| out.as_mut().poll_next(context)).await {
                text.extend_from_slice(&part?);
            }
            tables.push(text);
        }
        batches.push(tables);
    }
    Ok(batches)
}

async fn copy(connection: &mut PgConnection, schema: &str, batches: Vec<Vec<Vec<u8>>>) -> anyhow::Result<()> {
    for tables in batches {
        let mut transaction = connection.begin().await?;
        for (table, text) in TABLES.into_iter().zip(tables) {
            let mut sink = transaction.copy_in_raw(&format!("COPY {schema}.{table} FROM STDIN")).await?;
            sink.send(text).await?;
            sink.finish().await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

async fn singles(
    options: &Options,
    pool: &PgPool,
    server: &Server,
    without: &Server,
    round: usize,
) -> anyhow::Result<()> {
    let token = recorder("one")?;
    let name = format!("single-{round}");
    let made: Vec<Vec<u8>> = (0..options.singles).map(|i| request(&token, &name, i, 1)).collect();
    let same = made.clone();
    let before = number(pool, "SELECT last_sequence FROM tenant_log WHERE tenant_id = 1").await?;
    let ours = load::drain(&server.address, CLIENTS, options.singles, move |i| made[i].clone()).await?;
    let none = load::drain(&without.address, CLIENTS, options.singles, move |i| same[i].clone()).await?;
    let commits = "SELECT COUNT(DISTINCT recorded_at) FROM audit_event WHERE tenant_id = 1 AND sequence > ";
    let commits = number(pool, &format!("{commits} {before}")).await?;
    say(&format!(
        "{CLIENTS}: auditgraph {:.0}, {:.1} a commit; without a database {:.0}; ratio {:.2}",
        rate(options.singles, ours),
        rate(options.singles, Duration::from_secs(1)) / rate(usize::try_from(commits)?, Duration::from_secs(1)),
        rate(options.singles, none),
        none.as_secs_f64() / ours.as_secs_f64(),
    ));
    Ok(())
}

/// Records many events in batches, and says what the server's memory is along the way.
pub(crate) async fn memory(options: &MemoryOptions) -> anyhow::Result<()> {
    const BATCH: usize = 500;
    let server = start(&options.program, &options.database_url, &["one"]).await?;
    let token = recorder("one")?;
    say("memory: events recorded; MiB now; MiB at most; events a second");
    let step = (options.events / 10 / BATCH).max(1);
    for part in 0..10 {
        let token = token.clone();
        let send = move |i: usize| request(&token, "memory", (part * step + i) * BATCH, BATCH);
        let time = load::drain(&server.address, 2, step, send).await?;
        let (most, now) = usage::memory_mib(server.pid);
        say(&format!("{}: {now} MiB, at most {most} MiB; {:.0}", (part + 1) * step * BATCH, rate(step * BATCH, time)));
    }
    Ok(())
}
