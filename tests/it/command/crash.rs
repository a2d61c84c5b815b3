//! Durability: a killed process loses no acknowledged event and records no partial batch.
//!
//! The long form (`bench/crash`) has more rounds, and one in which the PostgreSQL server is killed.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::harness::cli::TestCli;
use crate::harness::client::Client;
use crate::harness::wait::wait_until;

const SENDERS: u64 = 4;
/// Number of batches that may be acknowledged after the kill before a round ends.
const AFTERWARDS: usize = 20;
/// A command that kills the PostgreSQL server and starts it again: only the long form has one.
const KILL_POSTGRES: &str = "AUDITGRAPH_TEST_KILL_POSTGRES";

fn rounds() -> u64 {
    std::env::var("AUDITGRAPH_TEST_CRASH_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap())
}

/// The keys of a batch of events.
type Batch = Vec<String>;

/// A message from a sender about a batch.
enum Delivery {
    Sent(Batch),
    Acknowledged(Batch),
}

fn event(key: &str) -> Value {
    json!({
        "eventKey": key, "occurredAt": "2026-01-02T03:04:05Z", "activity": "Approve payment", "category": "Payments",
        "service": "Contoso Payroll", "status": "SUCCESS", "actor": { "system": { "name": "Nightly job" } },
        "targets": [{ "type": "Payment", "objectId": key, "modifiedProperties": [{ "name": "state", "newValue": key }] }],
    })
}

/// Sends batches until one is not acknowledged, or the receiver is dropped.
async fn send(client: Client, name: String, mut random: fastrand::Rng, deliveries: mpsc::UnboundedSender<Delivery>) {
    for number in 0.. {
        let batch: Batch = (0..random.usize(1..40)).map(|i| format!("{name}-{number}-{i}")).collect();
        if deliveries.send(Delivery::Sent(batch.clone())).is_err() {
            return;
        }
        let body = Value::from(batch.iter().map(|key| event(key)).collect::<Vec<_>>()).to_string();
        let request = client.request(reqwest::Method::POST, "/v1/events").header("content-type", "application/json");
        let Ok(response) = request.body(body).send().await else { return };
        if response.status() != 201 || response.text().await.is_err() {
            return;
        }
        if deliveries.send(Delivery::Acknowledged(batch)).is_err() {
            return;
        }
    }
}

/// The batches that were sent, and those that were acknowledged.
#[derive(Default)]
struct DeliveryLog {
    sent: Vec<Batch>,
    acknowledged: Vec<Batch>,
}

impl DeliveryLog {
    /// Sends batches, kills a process after some acknowledgements, and continues for a while: requests may outlive it.
    async fn round(&mut self, url: &str, name: &str, random: &mut fastrand::Rng, kill: impl FnOnce()) {
        let (sender, mut deliveries) = mpsc::unbounded_channel();
        for i in 0..SENDERS {
            let client = Client::new(url).permitted("contoso", "audit/write");
            tokio::spawn(send(client, format!("{name}-{i}"), random.fork(), sender.clone()));
        }
        drop(sender);
        let (mut responses, mut kill, mut afterwards) = (random.usize(0..8), Some(kill), 0);
        while let Some(delivery) = deliveries.recv().await
            && afterwards < AFTERWARDS
        {
            match delivery {
                Delivery::Sent(batch) => self.sent.push(batch),
                Delivery::Acknowledged(batch) => {
                    self.acknowledged.push(batch);
                    afterwards += usize::from(kill.is_none());
                    match kill.take() {
                        Some(kill) if responses == 0 => kill(),
                        other => kill = other,
                    }
                    responses = responses.saturating_sub(1);
                }
            }
        }
    }

    /// Checks that acknowledged events exist once, that no batch is partial, and that the sequence has no gaps.
    async fn check(&self, cli: &TestCli) {
        let connection = cli.database.connection().await;
        // The key of each event's target contains the key of the event.
        let sql = "SELECT k.key, e.sequence FROM audit_event e
            LEFT JOIN event_target t ON t.tenant_id = e.tenant_id AND t.sequence = e.sequence
            LEFT JOIN term k ON k.tenant_id = t.tenant_id AND k.id = t.target_key ORDER BY e.sequence";
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let rows = connection.query_all_raw(statement).await.unwrap();
        let event_key = |row: &sea_orm::QueryResult| {
            let target: String = row.try_get_by_index(0).unwrap();
            target.strip_prefix("id:").and_then(|key| key.strip_suffix(":payment")).unwrap().to_owned()
        };
        let recorded: BTreeMap<String, i64> =
            rows.iter().map(|row| (event_key(row), row.try_get_by_index(1).unwrap())).collect();
        let sequences: Vec<i64> = rows.iter().map(|row| row.try_get_by_index(1).unwrap()).collect();
        assert_eq!(recorded.len(), rows.len(), "each once");
        assert_eq!(sequences, (1..=i64::try_from(rows.len()).unwrap()).collect::<Vec<_>>(), "without gaps");
        for batch in &self.acknowledged {
            assert!(batch.iter().all(|key| recorded.contains_key(key)), "acknowledged and lost: {batch:?}");
        }
        for batch in &self.sent {
            let there = batch.iter().filter(|key| recorded.contains_key(*key)).count();
            assert_eq!(there % batch.len(), 0, "recorded by halves: {batch:?}");
        }
        let (acknowledged, events) = (self.acknowledged.len(), rows.len());
        assert!(acknowledged >= 20, "{acknowledged} batches were acknowledged");
        eprintln!("{} batches sent, {acknowledged} acknowledged, {events} events recorded", self.sent.len());
    }
}

#[tokio::test]
async fn acknowledged_events_survive_a_kill_of_the_server() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let mut random = fastrand::Rng::with_seed(7);
    let mut witness = DeliveryLog::default();
    for round in 0..rounds() {
        let (mut server, url) = cli.serve(&[]);
        witness.round(&url, &round.to_string(), &mut random, || server.kill().unwrap()).await;
        drop(server);
    }
    witness.check(&cli).await;
}

/// The API server keeps running and reconnects to the database each time.
#[tokio::test]
async fn acknowledged_events_survive_a_kill_of_the_database() {
    let Ok(kill) = std::env::var(KILL_POSTGRES) else { return };
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let mut random = fastrand::Rng::with_seed(7);
    let mut witness = DeliveryLog::default();
    let (server, url) = cli.serve(&[]);
    let probe = Client::new(&url);
    for round in 0..rounds() {
        let kill = || {
            let killed = Command::new("sh").args(["-c", &kill]).stdin(Stdio::null()).status().unwrap();
            assert!(killed.success());
        };
        witness.round(&url, &round.to_string(), &mut random, kill).await;
        let is_ready = async || probe.send(probe.request(reqwest::Method::GET, "/readyz")).await.status == 200;
        wait_until("the server is ready", is_ready).await;
    }
    drop(server);
    witness.check(&cli).await;
}
