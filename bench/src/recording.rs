//! Measures recording next to its baselines in one run: batches next to `COPY` of the same rows into the same tables,
//! with and without their indexes; single events next to the same handler without a database; and the memory of a
//! server that records for a long time. Requires PostgreSQL, because of `COPY`.

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

use crate::copy::CopyRows;
use crate::fill::{self, Indexes};
use crate::input::InputTemplate;
use crate::load::{self, Latencies};
use crate::process::{Program, Server, token_for};
use crate::template::{self, Template};
use crate::{pages, print_line, usage};

/// Options of `record`.
#[derive(Clone, Debug, Args)]
pub(crate) struct RecordOptions {
    /// A PostgreSQL database that `fill` has filled.
    #[arg(long)]
    database_url: String,
    #[command(flatten)]
    program: Program,
    /// Connections that record batches concurrently.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Batches per variant; 0 skips them.
    #[arg(long, default_value_t = 100)]
    batches: usize,
    /// Single events; 0 skips them.
    #[arg(long, default_value_t = 20_000)]
    singles: usize,
    /// Events to record at the end while watching the server's memory.
    #[arg(long, default_value_t = 0)]
    soak: usize,
}

/// Events per batch.
const BATCH: usize = 500;
/// Clients that record single events.
const CLIENTS: usize = 64;
/// Batches prepared ahead while memory is watched.
const AHEAD: usize = 40;

struct RecordBench<'a> {
    options: &'a RecordOptions,
    connection: DatabaseConnection,
    store: Store,
    templates: Vec<(Template, InputTemplate)>,
    next: AtomicUsize,
}

pub(crate) async fn measure(options: &RecordOptions) -> anyhow::Result<()> {
    let connection = Database::connect(&options.database_url).await?;
    anyhow::ensure!(connection.get_database_backend() == DbBackend::Postgres, "only PostgreSQL has COPY");
    let store = Store::open(&fill::settings(&options.database_url), None).await?;
    let template_id = fill::tenant_id(&connection, "template").await?;
    let read = template::read(&connection, template_id).await?;
    let templates = read.into_iter().map(with_input).collect::<anyhow::Result<Vec<_>>>()?;
    let bench = RecordBench { options, connection, store, templates, next: AtomicUsize::new(0) };
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

/// Pairs a template's rows with the input that records the same event.
fn with_input(template: Template) -> anyhow::Result<(Template, InputTemplate)> {
    let body: EventBody = serde_json::from_str(&template.body()?)?;
    Ok((template, InputTemplate::of(&body)))
}

impl RecordBench<'_> {
    /// Adds a tenant with the actors and targets of the template.
    async fn tenant(&self, name: &str, template_id: i32) -> anyhow::Result<(String, i32)> {
        let key = format!("{name}-{}", system::new_id());
        self.store.add_tenant(&key, name, &[], system::new_id()).await?;
        let id = fill::tenant_id(&self.connection, &key).await?;
        fill::snapshots(&self.connection, template_id, id, 0, self.templates.len()).await?;
        Ok((key, id))
    }

    /// Returns the next `count` events, which have never been recorded, with their numbers.
    fn events(&self, count: usize) -> impl Iterator<Item = (usize, &(Template, InputTemplate))> {
        let start = self.next.fetch_add(count, Ordering::Relaxed);
        (start..start + count).map(|number| (number, &self.templates[number % self.templates.len()]))
    }

    /// Returns a request that records `count` events.
    fn request(&self, token: &str, count: usize) -> Vec<u8> {
        let now = system::now();
        let events = self.events(count).map(|(number, (_, given))| given.event(&format!("bench-{number}"), now));
        let events: Vec<String> = events.collect();
        load::post("/v1/events", token, &format!("[{}]", events.join(",")))
    }

    /// Returns a batch as rows.
    fn rows(&self, tenant_id: i32, index: usize) -> Vec<CopyRows> {
        let now = system::now();
        let rows = self.events(BATCH).zip(index * BATCH + 1..);
        let rows = rows.map(|((_, (template, _)), index)| {
            template.copy(tenant_id, i64::try_from(index).unwrap_or(i64::MAX), now.0)
        });
        let rows: Vec<template::EventRows> = rows.collect();
        let keys: Vec<_> = rows.iter().map(|row| row.key.clone()).collect();
        let events: Vec<_> = rows.iter().map(|row| row.event.clone()).collect();
        let targets: Vec<event_target::Model> = rows.iter().flat_map(|row| row.targets.clone()).collect();
        let changes: Vec<property_change::Model> = rows.iter().flat_map(|row| row.changes.clone()).collect();
        vec![CopyRows::of(&keys), CopyRows::of(&events), CopyRows::of(&targets), CopyRows::of(&changes)]
    }

    async fn batches(&self, template_id: i32) -> anyhow::Result<()> {
        let (key, id) = self.tenant("recorded", template_id).await?;
        let token = token_for(&key, &recording())?;
        let server = self.options.program.serve(&self.options.database_url).await?;
        let warm: Vec<_> = (0..self.options.connections).map(|_| self.request(&token, BATCH)).collect();
        load::send_each(&server.address, warm, self.options.connections).await?;
        let requests: Vec<_> = (0..self.options.batches).map(|_| self.request(&token, BATCH)).collect();
        self.checkpoint().await?;
        let before = usage::cpu_seconds(server.pid);
        let ours = load::send_each(&server.address, requests, self.options.connections).await?;
        let cpu = usage::cpu_seconds(server.pid) - before;
        drop(server);
        let commits = self.commits(id).await?;
        let copied = self.copy_batches("copied", template_id).await?;
        let indexes = Indexes::drop(&self.connection).await?;
        let bare = self.copy_batches("copied without indexes", template_id).await;
        indexes.create(&self.connection).await?;
        let (ours, bare) = (rate(&ours, BATCH), bare?);
        #[expect(clippy::cast_precision_loss, reason = "an average")]
        let cpu = cpu * 1e6 / (self.options.batches * BATCH) as f64;
        print_line(&format!(
            "batches of {BATCH}, {} connections: {ours:.0} events a second, {commits:.0} events a commit, {cpu:.0} us of the server's CPU each",
            self.options.connections
        ));
        print_line(&format!(
            "COPY into the same tables: {copied:.0} a second; without their indexes: {bare:.0} a second"
        ));
        print_line(&format!(
            "recording is {:.2} x COPY; the indexes cost {:.2} x primary keys alone",
            ours / copied,
            bare / copied
        ));
        Ok(())
    }

    /// Copies batches, one commit each. Returns the events per second.
    async fn copy_batches(&self, name: &str, template_id: i32) -> anyhow::Result<f64> {
        let (_, id) = self.tenant(name, template_id).await?;
        let batches: Vec<Vec<CopyRows>> = (0..self.options.batches).map(|index| self.rows(id, index)).collect();
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
        let ours = load::send_each(&server.address, requests_of_ours, CLIENTS).await?;
        let after = cpu();
        drop(server);
        let itself = std::env::current_exe()?;
        let handler = Server::start(&itself, &["bare", "--database-url", &self.options.database_url]).await?;
        let bare = load::send_each(&handler.address, requests(), CLIENTS).await?;
        print_line(&format!(
            "single events, {CLIENTS} clients: {:.0} a second (p50 {:.1} ms, p99 {:.1} ms), {:.1} events a commit",
            ours.rate(),
            ours.at(500),
            ours.at(990),
            self.commits(id).await?
        ));
        #[expect(clippy::cast_precision_loss, reason = "an average")]
        let send_each = |seconds: f64| seconds * 1e6 / self.options.singles as f64;
        let (server, database) = (send_each(after.0 - before.0), send_each(after.1 - before.1));
        print_line(&format!("CPU of an event: {server:.0} us of the server, {database:.0} us of the database"));
        print_line(&format!(
            "without a database: {:.0} a second; recording is {:.2} x that",
            bare.rate(),
            ours.rate() / bare.rate()
        ));
        Ok(())
    }

    /// Reports the server's memory while it records many events.
    async fn soak(&self, template_id: i32) -> anyhow::Result<()> {
        let (key, _) = self.tenant("soak", template_id).await?;
        let token = token_for(&key, &recording())?;
        let server = self.options.program.serve(&self.options.database_url).await?;
        let (mut done, mut reported) = (0, 0);
        while done < self.options.soak {
            let requests: Vec<_> = (0..AHEAD).map(|_| self.request(&token, BATCH)).collect();
            load::send_each(&server.address, requests, self.options.connections).await?;
            done += AHEAD * BATCH;
            if done - reported >= self.options.soak / 10 {
                let (peak, now) = usage::memory_mib(server.pid);
                print_line(&format!("{done} events recorded: {now} MiB now, {peak} MiB peak"));
                reported = done;
            }
        }
        Ok(())
    }

    /// Returns the average number of events per commit, from the transaction ids of the rows.
    async fn commits(&self, tenant_id: i32) -> anyhow::Result<f64> {
        let sql = format!(
            "SELECT COUNT(*)::float8 / COUNT(DISTINCT xmin::text) FROM audit_event WHERE tenant_id = {tenant_id}"
        );
        Ok(pages::first(&self.connection, &sql).await?.try_get_by_index(0)?)
    }

    /// Runs a checkpoint, so that earlier writes do not slow the next measurement.
    async fn checkpoint(&self) -> anyhow::Result<()> {
        self.connection.execute_unprepared("CHECKPOINT").await?;
        Ok(())
    }
}

fn recording() -> [Grantable; 1] {
    [Grantable::Permission("audit/write".to_owned())]
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn rate(measured: &Latencies, batch: usize) -> f64 {
    measured.rate() * batch as f64
}
