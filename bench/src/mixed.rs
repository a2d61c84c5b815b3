//! Measures a server's other work: pages during recording, pages of large events, and an export.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use auditgraph::system;
use auth::{Grantable, Role};
use clap::Args;
use model::Timestamp;
use serde_json::json;
use store::Store;

use crate::load::{self, Latencies, Load};
use crate::process::{Program, Server, token, token_for};
use crate::shape::{CATEGORIES, PAGE};
use crate::{fill, print_line, usage};

/// Options of `mixed`.
#[derive(Clone, Debug, Args)]
pub(crate) struct MixedOptions {
    /// A database that `fill` has filled.
    #[arg(long)]
    database_url: String,
    #[command(flatten)]
    program: Program,
    /// Concurrent requests for pages.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Seconds per measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Events per second to record while pages are read.
    #[arg(long, default_value_t = 5_000)]
    recorded: usize,
    /// Bytes of the changed value in each large event.
    #[arg(long, default_value_t = 16_000)]
    large: usize,
    /// Hours of the log to export.
    #[arg(long, default_value_t = 24)]
    exported: i64,
}

/// Events per recording request, also for large events.
const BATCH: usize = 500;
const LARGE_BATCH: usize = 100;
/// Connections that record.
const RECORDERS: usize = 4;
/// Large events: several pages of them.
const LARGE: usize = 200;

pub(crate) async fn measure(options: &MixedOptions) -> anyhow::Result<()> {
    let server = options.program.serve(&options.database_url).await?;
    pages_during_recording(options, &server).await?;
    measure_large_events(options, &server).await?;
    measure_export(options, &server).await
}

/// Returns an event with a changed value of `bytes` bytes.
fn event(key: &str, at: Timestamp, category: &str, bytes: usize) -> String {
    let change = json!({ "name": "description", "oldValue": "before", "newValue": "v".repeat(bytes) });
    json!({
        "eventKey": key, "occurredAt": at.to_string(), "activity": "Update user", "category": category,
        "service": "Core Directory", "status": "SUCCESS", "correlationId": key,
        "actor": { "user": { "objectId": "5b1c", "userPrincipalName": "ada@contoso.example", "displayName": "Ada",
            "ipAddress": "2001:db8::1" } },
        "targets": [{ "type": "User", "objectId": "77aa", "displayName": "Bob", "modifiedProperties": [change] }],
    })
    .to_string()
}

fn batch(token: &str, name: &str, events: Range<usize>, bytes: usize) -> Vec<u8> {
    let (now, run) = (system::now(), system::new_id());
    let events = events.map(|i| event(&format!("{name}-{run}-{i}"), now, CATEGORIES[i % 4], bytes));
    load::post("/v1/events", token, &format!("[{}]", events.collect::<Vec<_>>().join(",")))
}

fn pages(token: &str) -> Vec<Vec<u8>> {
    let body = |category| json!({ "query": PAGE, "variables": { "first": 50, "category": category } }).to_string();
    CATEGORIES.iter().map(|category| load::post("/graphql", token, &body(category))).collect()
}

fn row(name: &str, measured: &Latencies) {
    let (p50, p95, p99) = (measured.at(500), measured.at(950), measured.at(990));
    print_line(&format!("{name}: {:.0} a second, p50 {p50:.2} ms, p95 {p95:.2} ms, p99 {p99:.2} ms", measured.rate()));
}

/// Measures pages alone, and while events are recorded in the same log.
async fn pages_during_recording(options: &MixedOptions, server: &Server) -> anyhow::Result<()> {
    let load = Load { connections: options.connections, time: Duration::from_secs(options.seconds) };
    let requests = pages(&token(Role::GlobalAdmin)?);
    load::run(&server.address, &requests, Load { time: Duration::from_secs(1), ..load }).await?;
    let alone = load::run(&server.address, &requests, load).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let recorded = Arc::new(AtomicUsize::new(0));
    let token = token_for("contoso", &[Grantable::Permission("audit/write".to_owned())])?;
    let pause = Duration::from_secs_f64(1.0) * u32::try_from(BATCH * RECORDERS)? / u32::try_from(options.recorded)?;
    let started = Instant::now();
    let record = |recorder: usize| {
        let (address, token) = (server.address.clone(), token.clone());
        let (stop, recorded) = (Arc::clone(&stop), Arc::clone(&recorded));
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(pause);
            for number in 0.. {
                ticks.tick().await;
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                load::send_once(&address, &batch(&token, &format!("beside-{recorder}-{number}"), 0..BATCH, 40)).await?;
                recorded.fetch_add(BATCH, Ordering::Relaxed);
            }
            anyhow::Ok(())
        })
    };
    let recorders: Vec<_> = (0..RECORDERS).map(record).collect();
    let during = load::run(&server.address, &requests, load).await?;
    stop.store(true, Ordering::Relaxed);
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = recorded.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
    for recorder in recorders {
        recorder.await??;
    }
    row("pages alone", &alone);
    row(&format!("pages while {rate:.0} events a second are recorded"), &during);
    Ok(())
}

/// Measures pages of events with a large body, in a separate log.
async fn measure_large_events(options: &MixedOptions, server: &Server) -> anyhow::Result<()> {
    let store = Store::open(&fill::settings(&options.database_url), None).await?;
    let tenant = format!("large-{}", system::new_id());
    store.add_tenant(&tenant, "Large", &[], system::new_id()).await?;
    let write = token_for(&tenant, &[Grantable::Permission("audit/write".to_owned())])?;
    for first in (0..LARGE * 4).step_by(LARGE_BATCH) {
        let events = first..first + LARGE_BATCH;
        load::send_once(&server.address, &batch(&write, "large", events, options.large)).await?;
    }
    let requests = pages(&token_for(&tenant, &[Grantable::Role(Role::GlobalAdmin)])?);
    let size = load::send_once(&server.address, &requests[0]).await?.len();
    let load = Load { connections: options.connections, time: Duration::from_secs(options.seconds) };
    let before = usage::cpu_seconds(server.pid);
    let measured = load::run(&server.address, &requests, load).await?;
    #[expect(clippy::cast_precision_loss, reason = "an average")]
    let cpu = (usage::cpu_seconds(server.pid) - before) * 1e6 / measured.requests() as f64;
    row(&format!("pages of {size} bytes, {cpu:.0} us of the server's CPU each"), &measured);
    Ok(())
}

/// Measures one export.
async fn measure_export(options: &MixedOptions, server: &Server) -> anyhow::Result<()> {
    let now = system::now();
    let from = now.plus(-options.exported * model::time::HOUR);
    let body = json!({ "format": "ndjson", "occurredAt": { "between": { "from": from.to_string() } } }).to_string();
    let request = load::post("/v1/events/export", &token(Role::GlobalAdmin)?, &body);
    let (started, before) = (Instant::now(), usage::cpu_seconds(server.pid));
    let response = load::send_once(&server.address, &request).await?;
    let (took, cpu) = (started.elapsed().as_secs_f64(), usage::cpu_seconds(server.pid) - before);
    let text = String::from_utf8_lossy(&response);
    anyhow::ensure!(text.contains("\"COMPLETE\""), "the export is not whole");
    let events = text.lines().filter(|line| line.starts_with('{')).count() - 1;
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let (count, bytes) = (events as f64, response.len() as f64 / 1e6);
    let (rate, each, peak) = (count / took, cpu * 1e6 / count, usage::memory_mib(server.pid).0);
    print_line(&format!(
        "export of {events} events, {bytes:.0} MB: {took:.1} s, {rate:.0} events a second, {each:.0} us of the server's CPU each, {peak} MiB peak"
    ));
    Ok(())
}
