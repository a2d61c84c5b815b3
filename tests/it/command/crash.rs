//! Promise 2 by force: a server that is killed at any moment has lost nothing that it acknowledged, and has recorded
//! nothing by halves.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::Child;

use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::harness::app::SECRET;
use crate::harness::client::Client;
use crate::harness::command::{Desk, program};

const ROUNDS: u64 = 20;
const SENDERS: u64 = 4;

/// A batch of events by their keys.
type Batch = Vec<String>;

/// What a sender has to tell of a batch.
enum Told {
    Sent(Batch),
    Acknowledged(Batch),
}

/// A server that waits to be killed.
fn serve(desk: &Desk) -> (Child, String) {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--jwt-secret", SECRET, "--log", "info"];
    let mut child = program(&[&arguments[..], &["--database-url", &desk.database.url]].concat()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("listening")).unwrap();
    let port: String = line.rsplit(':').next().unwrap().chars().take_while(char::is_ascii_digit).collect();
    // Whatever else it says has to go somewhere.
    std::thread::spawn(move || lines.count());
    (child, format!("http://127.0.0.1:{port}"))
}

fn event(key: &str) -> Value {
    json!({
        "eventKey": key, "occurredAt": "2026-01-02T03:04:05Z", "activity": "Approve payment", "category": "Payments",
        "service": "Contoso Payroll", "status": "SUCCESS", "actor": { "system": { "name": "Nightly job" } },
        "targets": [{ "type": "Payment", "objectId": key, "modifiedProperties": [{ "name": "state", "newValue": key }] }],
    })
}

/// Sends batches until the server does not answer any more.
async fn send(client: Client, name: String, mut random: fastrand::Rng, told: mpsc::UnboundedSender<Told>) {
    for number in 0.. {
        let batch: Batch = (0..random.usize(1..40)).map(|i| format!("{name}-{number}-{i}")).collect();
        told.send(Told::Sent(batch.clone())).unwrap();
        let body = Value::from(batch.iter().map(|key| event(key)).collect::<Vec<_>>()).to_string();
        let request = client.request(reqwest::Method::POST, "/v1/events").header("content-type", "application/json");
        let Ok(response) = request.body(body).send().await else { return };
        if response.status() != 201 || response.text().await.is_err() {
            return;
        }
        told.send(Told::Acknowledged(batch)).unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let desk = Desk::new().await;
    desk.run(&["tenant", "add", "contoso"]).ok();
    let mut random = fastrand::Rng::with_seed(7);
    let (mut sent, mut acknowledged) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (mut child, url) = serve(&desk);
        let (tell, mut told) = mpsc::unbounded_channel();
        for sender in 0..SENDERS {
            let client = Client::new(&url).permitted("contoso", "audit/write");
            tokio::spawn(send(client, format!("{round}-{sender}"), random.fork(), tell.clone()));
        }
        drop(tell);
        let mut answers = random.usize(0..8);
        while let Some(told) = told.recv().await {
            match told {
                Told::Sent(batch) => sent.push(batch),
                Told::Acknowledged(batch) => {
                    acknowledged.push(batch);
                    if answers == 0 {
                        child.kill().unwrap();
                    }
                    answers = answers.saturating_sub(1);
                }
            }
        }
        child.wait().unwrap();
    }
    let connection = desk.database.connection().await;
    let sql = "SELECT event_key, sequence FROM audit_event ORDER BY sequence";
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    let recorded: BTreeMap<String, i64> =
        rows.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect();
    let sequences: Vec<i64> = rows.iter().map(|row| row.try_get_by_index(1).unwrap()).collect();
    assert_eq!(recorded.len(), rows.len(), "each once");
    assert_eq!(sequences, (1..=i64::try_from(rows.len()).unwrap()).collect::<Vec<_>>(), "without gaps");
    assert!(acknowledged.len() >= 20, "{} batches were acknowledged", acknowledged.len());
    for batch in &acknowledged {
        assert!(batch.iter().all(|key| recorded.contains_key(key)), "acknowledged and lost: {batch:?}");
    }
    let known: BTreeSet<bool> = sent
        .iter()
        .map(|batch| batch.iter().filter(|key| recorded.contains_key(*key)).count() % batch.len() == 0)
        .collect();
    assert_eq!(known, BTreeSet::from([true]), "a batch is recorded by halves");
}
