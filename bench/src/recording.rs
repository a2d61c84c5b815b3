//! Recording, measured in one run with what it is compared with: batches with `COPY` of the same rows into the same
//! tables, with and without their indexes; single events with the same handler without a database; and the memory of a
//! server that records for a long time. Only on PostgreSQL, which has `COPY`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use auditgraph::system;
use auth::Grantable;
use clap::Args;
use entity::{event_target, property_change};
use model::EventBody;
use sea_orm::sqlx::{self, Connection as _, PgConnection};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend};
use store::Store;

use crate::copy::Copied;
use crate::fill::{self, Indexes};
use crate::given::Given;
use crate::load::{self, Measured};
use crate::process::{Program, Server, token_for};
use crate::template::{self, Template};
use crate::{pages, say, usage};

/// What to measure.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// A PostgreSQL database that `fill` has filled.
    #[arg(long)]
    database_url: String,
    #[command(flatten)]
    program: Program,
    /// Connections that record batches at once.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Batches of each way of recording them; 0 leaves that part out.
    #[arg(long, default_value_t = 100)]
    batches: usize,
    /// Single events; 0 leaves that part out.
    #[arg(long, default_value_t = 20_000)]
    singles: usize,
    /// Events to record in the end while the memory of the server is watched.
    #[arg(long, default_value_t = 0)]
    soak: usize,
}

/// Events in a batch.
const BATCH: usize = 500;
/// Clients that record single events.
const CLIENTS: usize = 64;
/// Batches that are made beforehand while memory is watched.
const AHEAD: usize = 40;

struct Bench<'a> {
    options: &'a Options,
    connection: DatabaseConnection,
    store: Store,
    templates: Vec<(Template, Given)>,
    next: AtomicUsize,
}

pub(crate) async fn measure(options: &Options) -> anyhow::Result<()> {
    let connection = Database::connect(&options.database_url).await?;
    anyhow::ensure!(connection.get_database_backend() == DbBackend::Postgres, "only PostgreSQL has COPY");
    let store = Store::open(&fill::settings(&options.database_url), None).await?;
    let template_id = fill::tenant_id(&connection, "template").await?;
    let read = template::read(&connection, template_id).await?;
    let templates = read.into_iter().map(with_given).collect::<anyhow::Result<Vec<_>>>()?;
    let bench = Bench { options, connection, store, templates, next: AtomicUsize::new(0) };
    if options.batches > 0 {
        bench.batches(template_id).await?;
    }
    if options.singles > 0 {
        bench.singles(template_id).await?;
    }
    if options.soak > 0 {
        bench.soak(template_id).await?;
    }
    Ok(())
}

/// An event as rows, and as an application would give it.
fn with_given(template: Template) -> anyhow::Result<(Template, Given)> {
    let body: EventBody = serde_json::from_str(template.body())?;
    Ok((template, Given::of(&body)))
}

impl Bench<'_> {
    /// A tenant that knows the actors and targets of the template.
    async fn tenant(&self, name: &str, template_id: i32) -> anyhow::Result<(String, i32)> {
        let key = format!("{name}-{}", system::new_id());
        self.store.add_tenant(&key, name, &[], system::new_id()).await?;
        let id = fill::tenant_id(&self.connection, &key).await?;
        fill::snapshots(&self.connection, template_id, id, 0, self.templates.len()).await?;
        Ok((key, id))
    }

    /// The next so many events, which have never been recorded, each with its number.
    fn events(&self, count: usize) -> impl Iterator<Item = (usize, &(Template, Given))> {
        let start = self.next.fetch_add(count, Ordering::Relaxed);
        (start..start + count).map(|number| (number, &self.templates[number % self.templates.len()]))
    }

    /// A request that records so many.
    fn request(&self, token: &str, count: usize) -> Vec<u8> {
        let now = system::now();
        let events = self.events(count).map(|(number, (_, given))| given.event(&format!("bench-{number}"), now));
        let events: Vec<String> = events.collect();
        load::post("/v1/events", token, &format!("[{}]", events.join(",")))
    }

    /// A batch as rows.
    fn rows(&self, tenant_id: i32, place: usize) -> Vec<Copied> {
        let now = system::now();
        let rows = self.events(BATCH).zip(place * BATCH + 1..);
        let rows = rows.map(|((_, (template, _)), place)| {
            template.copy(tenant_id, i64::try_from(place).unwrap_or(i64::MAX), now.0)
        });
        let rows: Vec<template::Rows> = rows.collect();
        let keys: Vec<_> = rows.iter().map(|row| row.key.clone()).collect();
        let events: Vec<_> = rows.iter().map(|row| row.event.clone()).collect();
        let targets: Vec<event_target::Model> = rows.iter().flat_map(|row| row.targets.clone()).collect();
        let changes: Vec<property_change::Model> = rows.iter().flat_map(|row| row.changes.clone()).collect();
        vec![Copied::of(&keys), Copied::of(&events), Copied::of(&targets), Copied::of(&changes)]
    }

    async fn batches(&self, template_id: i32) -> anyhow::Result<()> {
        let (key, id) = self.tenant("recorded", template_id).await?;
        let token = token_for(&key, &recording())?;
        let server = self.options.program.serve(&self.options.database_url).await?;
        let warm: Vec<_> = (0..self.options.connections).map(|_| self.request(&token, BATCH)).collect();
        load::each(&server.address, warm, self.options.connections).await?;
        let requests: Vec<_> = (0..self.options.batches).map(|_| self.request(&token, BATCH)).collect();
        self.checkpoint().await?;
        let before = usage::cpu_seconds(server.pid);
        let ours = load::each(&server.address, requests, self.options.connections).await?;
        let cpu = usage::cpu_seconds(server.pid) - before;
        drop(server);
        let commits = self.commits(id).await?;
        let copied = self.copied("copied", template_id).await?;
        let indexes = Indexes::drop(&self.connection).await?;
        let bare = self.copied("copied without indexes", template_id).await;
        indexes.create(&self.connection).await?;
        let (ours, bare) = (rate(&ours, BATCH), bare?);
        #[expect(clippy::cast_precision_loss, reason = "an average")]
        let cpu = cpu * 1e6 / (self.options.batches * BATCH) as f64;
        say(&format!(
            "batches of {BATCH}, {} connections: {ours:.0} events a second, {commits:.0} events a commit, {cpu:.0} us of the server's CPU each",
            self.options.connections
        ));
        say(&format!("COPY into the same tables: {copied:.0} a second; without their indexes: {bare:.0} a second"));
        say(&format!(
            "recording is {:.2} x COPY; the indexes cost {:.2} x primary keys alone",
            ours / copied,
            bare / copied
        ));
        Ok(())
    }

    /// Copies batches, each committed, and says how many events a second that were.
    async fn copied(&self, name: &str, template_id: i32) -> anyhow::Result<f64> {
        let (_, id) = self.tenant(name, template_id).await?;
        let batches: Vec<Vec<Copied>> = (0..self.options.batches).map(|place| self.rows(id, place)).collect();
        let (batches, next) = (Arc::new(batches), Arc::new(AtomicUsize::new(0)));
        self.checkpoint().await?;
        let started = Instant::now();
        let copy = |_| {
            let (batches, next) = (Arc::clone(&batches), Arc::clone(&next));
            let url = self.options.database_url.clone();
            tokio::spawn(async move {
                let mut connection = PgConnection::connect(&url).await?;
                while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                    sqlx::raw_sql("BEGIN").execute(&mut connection).await?;
                    for table in batch {
                        table.send(&mut connection).await?;
                    }
                    sqlx::raw_sql("COMMIT").execute(&mut connection).await?;
                }
                anyhow::Ok(())
            })
        };
        let running: Vec<_> = (0..self.options.connections).map(copy).collect();
        for connection in running {
            connection.await??;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let events = (self.options.batches * BATCH) as f64;
        Ok(events / started.elapsed().as_secs_f64())
    }

    async fn singles(&self, template_id: i32) -> anyhow::Result<()> {
        let (key, id) = self.tenant("singles", template_id).await?;
        let token = token_for(&key, &recording())?;
        let requests = || -> Vec<Vec<u8>> { (0..self.options.singles).map(|_| self.request(&token, 1)).collect() };
        let server = self.options.program.serve(&self.options.database_url).await?;
        let database = pages::postmaster(&self.connection).await?;
        let cpu = || (usage::cpu_seconds(server.pid), database.map_or(0.0, usage::cpu_seconds));
        let requests_of_ours = requests();
        let before = cpu();
        let ours = load::each(&server.address, requests_of_ours, CLIENTS).await?;
        let after = cpu();
        drop(server);
        let itself = std::env::current_exe()?;
        let handler = Server::start(&itself, &["bare", "--database-url", &self.options.database_url]).await?;
        let bare = load::each(&handler.address, requests(), CLIENTS).await?;
        say(&format!(
            "single events, {CLIENTS} clients: {:.0} a second (p50 {:.1} ms, p99 {:.1} ms), {:.1} events a commit",
            ours.rate(),
            ours.at(500),
            ours.at(990),
            self.commits(id).await?
        ));
        #[expect(clippy::cast_precision_loss, reason = "an average")]
        let each = |seconds: f64| seconds * 1e6 / self.options.singles as f64;
        let (server, database) = (each(after.0 - before.0), each(after.1 - before.1));
        say(&format!("CPU of an event: {server:.0} us of the server, {database:.0} us of the database"));
        say(&format!(
            "without a database: {:.0} a second; recording is {:.2} x that",
            bare.rate(),
            ours.rate() / bare.rate()
        ));
        Ok(())
    }

    /// What the server holds while it records many events.
    async fn soak(&self, template_id: i32) -> anyhow::Result<()> {
        let (key, _) = self.tenant("soak", template_id).await?;
        let token = token_for(&key, &recording())?;
        let server = self.options.program.serve(&self.options.database_url).await?;
        let (mut done, mut told) = (0, 0);
        while done < self.options.soak {
            let requests: Vec<_> = (0..AHEAD).map(|_| self.request(&token, BATCH)).collect();
            load::each(&server.address, requests, self.options.connections).await?;
            done += AHEAD * BATCH;
            if done - told >= self.options.soak / 10 {
                let (peak, now) = usage::memory_mib(server.pid);
                say(&format!("{done} events recorded: {now} MiB held, {peak} MiB at most"));
                told = done;
            }
        }
        Ok(())
    }

    /// How many events a commit had on average: rows know the transaction they come from.
    async fn commits(&self, tenant_id: i32) -> anyhow::Result<f64> {
        let sql = format!(
            "SELECT COUNT(*)::float8 / COUNT(DISTINCT xmin::text) FROM audit_event WHERE tenant_id = {tenant_id}"
        );
        Ok(pages::first(&self.connection, &sql).await?.try_get_by_index(0)?)
    }

    /// So that nobody pays for what was written before.
    async fn checkpoint(&self) -> anyhow::Result<()> {
        self.connection.execute_unprepared("CHECKPOINT").await?;
        Ok(())
    }
}

fn recording() -> [Grantable; 1] {
    [Grantable::Permission("audit/write".to_owned())]
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn rate(measured: &Measured, batch: usize) -> f64 {
    measured.rate() * batch as f64
}
