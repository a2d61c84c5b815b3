//! `auditgraph outbox` and `auditgraph relay`: every event that an application commits is recorded, and once.
//!
//! The long form (`bench/outbox`) has more rounds of kills.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use serde_json::json;

use crate::harness::cli::{RunOutput, Running, TestCli, program, run};
use crate::harness::client::Client;
use crate::harness::database::{TestDatabase, numbers};
use crate::harness::wait::wait_until;

/// The database whose rows [`application`] writes.
const APPLICATION_URL: &str = "AUDITGRAPH_TEST_APPLICATION_URL";

fn rounds() -> u64 {
    std::env::var("AUDITGRAPH_TEST_OUTBOX_ROUNDS").map_or(5, |rounds| rounds.parse().unwrap())
}

/// The database of an application, without tables.
async fn empty_database() -> TestDatabase {
    let database = TestDatabase::new().await;
    if let Some(file) = database.url.strip_prefix("sqlite://") {
        std::fs::File::create(file).unwrap();
    }
    database
}

/// The database of an application, with an outbox.
async fn application_database() -> TestDatabase {
    let database = empty_database().await;
    let kind = if database.is_postgres() { "--postgres" } else { "--sqlite" };
    database.execute(run(&["outbox", "sql", kind]).ok()).await;
    database
}

/// A server for `contoso`, and a file with the token of a recorder.
struct Recording {
    cli: TestCli,
    token: PathBuf,
}

impl Recording {
    async fn new() -> Self {
        let cli = TestCli::new().await;
        cli.run(&["tenant", "add", "contoso"]).ok();
        let token = Client::new("").permitted("contoso", "audit/write").bearer_token();
        let token = cli.file("token", format!("{token}\n"));
        Self { cli, token }
    }

    /// The event keys in the log.
    async fn keys(&self, url: &str) -> Vec<String> {
        let client = Client::new(url).role("GLOBAL_ADMIN");
        let (mut keys, mut after) = (Vec::new(), serde_json::Value::Null);
        loop {
            let query = "query($after: String) { auditEvents(first: 200, after: $after, occurredAt: { window: ALL }) {
                nodes { eventKey } pageInfo { hasNextPage endCursor } } }";
            let response = client.query_with(query, json!({ "after": after })).await;
            let nodes = response.data("/auditEvents/nodes").as_array().unwrap().iter();
            keys.extend(nodes.map(|node| node["eventKey"].as_str().unwrap().to_owned()));
            if response.data("/auditEvents/pageInfo/hasNextPage") == false {
                return keys;
            }
            after = response.data("/auditEvents/pageInfo/endCursor").clone();
        }
    }
}

fn relay_arguments<'a>(from: &'a str, url: &'a str, token: &'a Path, options: &[&'a str]) -> Vec<&'a str> {
    let arguments = ["relay", "--from", from, "--server", url, "--token-file", token.to_str().unwrap()];
    [&arguments, options].concat()
}

/// Delivers the rows that wait.
fn deliver(from: &TestDatabase, url: &str, token: &Path, options: &[&str]) -> RunOutput {
    run(&relay_arguments(&from.url, url, token, &[options, &["--once"]].concat()))
}

fn event(object: &str) -> String {
    json!({ "service": "Contoso Orders", "category": "Orders", "activity": "Create order", "status": "SUCCESS",
        "actor": { "user": { "userPrincipalName": "ada@contoso.example" } },
        "targets": [{ "type": "Order", "objectId": object }] })
    .to_string()
}

async fn insert(database: &TestDatabase, event: &str) {
    database.execute(&format!("INSERT INTO auditgraph_outbox (event) VALUES ('{}')", event.replace('\'', "''"))).await;
}

async fn count(database: &TestDatabase, condition: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM auditgraph_outbox WHERE {condition}");
    numbers(&database.connection().await, &sql).await[0]
}

#[tokio::test]
async fn recorded_rows_are_removed_and_refused_rows_set_aside() {
    let (recording, outbox) = (Recording::new().await, application_database().await);
    let (_server, url) = recording.cli.serve(&[]);
    for row in [event("1"), "[]".to_owned(), event("2"), event("3").replace("SUCCESS", "WELL"), event("4")] {
        insert(&outbox, &row).await;
    }
    let delivered = deliver(&outbox, &url, &recording.token, &[]);
    assert_eq!((delivered.code, delivered.out.trim()), (Some(1), "recorded 3, set aside 2"), "{delivered:?}");
    assert_eq!(recording.keys(&url).await.len(), 3);
    assert_eq!(count(&outbox, "failed_at IS NULL").await, 0);
    for problem in ["the event is not a JSON object%", "status: must be one of%"] {
        assert_eq!(count(&outbox, &format!("problem LIKE '{problem}'")).await, 1, "{problem}");
    }
    // A corrected row is delivered again.
    let corrected = event("3").replace('\'', "''");
    outbox.execute(&format!("UPDATE auditgraph_outbox SET event = '{corrected}', failed_at = NULL WHERE id = 4")).await;
    assert_eq!(deliver(&outbox, &url, &recording.token, &[]).ok(), "recorded 1, set aside 0");
    assert_eq!(recording.keys(&url).await.len(), 4);
}

#[tokio::test]
async fn recorded_rows_can_be_kept_for_some_time() {
    let (recording, outbox) = (Recording::new().await, application_database().await);
    let (_server, url) = recording.cli.serve(&[]);
    insert(&outbox, &event("1")).await;
    assert_eq!(deliver(&outbox, &url, &recording.token, &["--keep", "7d"]).ok(), "recorded 1, set aside 0");
    assert_eq!(count(&outbox, "recorded_at IS NOT NULL").await, 1);
    assert_eq!(deliver(&outbox, &url, &recording.token, &["--keep", "7d"]).ok(), "recorded 0, set aside 0");
    assert_eq!(count(&outbox, "TRUE").await, 1);
    outbox.execute("UPDATE auditgraph_outbox SET recorded_at = '2026-01-02T03:04:05Z'").await;
    deliver(&outbox, &url, &recording.token, &["--keep", "7d"]).ok();
    assert_eq!(count(&outbox, "TRUE").await, 0);
}

#[tokio::test]
async fn event_that_the_server_cannot_take_does_not_hold_up_the_others() {
    let (recording, outbox) = (Recording::new().await, application_database().await);
    let (_server, url) = recording.cli.serve(&["--record-bytes-max", "20000"]);
    let reason = "x".repeat(30_000);
    for row in [event("1"), event("2").replace("\"SUCCESS\"", &format!("\"SUCCESS\",\"statusReason\":\"{reason}\""))] {
        insert(&outbox, &row).await;
    }
    for object in 0..100 {
        insert(&outbox, &event(&format!("more {object}"))).await;
    }
    let delivered = deliver(&outbox, &url, &recording.token, &[]);
    assert_eq!(delivered.out.trim(), "recorded 101, set aside 1", "{delivered:?}");
    assert_eq!(count(&outbox, "problem LIKE 'status 413%'").await, 1);
}

#[tokio::test]
async fn rows_stay_while_the_server_refuses_the_relay_or_is_away() {
    let (recording, outbox) = (Recording::new().await, application_database().await);
    let (server, url) = recording.cli.serve(&[]);
    insert(&outbox, &event("1")).await;
    let reader = Client::new("").role("AUDIT_READER").bearer_token();
    let reader = recording.cli.file("reader", reader);
    let refused = deliver(&outbox, &url, &reader, &[]);
    assert!(refused.refused().contains("the server refuses this relay: status 403"), "{refused:?}");
    drop(server);
    let away = deliver(&outbox, &url, &recording.token, &[]);
    assert!(away.refused().contains("the server cannot record"), "{away:?}");
    assert_eq!(count(&outbox, "failed_at IS NULL AND recorded_at IS NULL").await, 1);
    let (_server, url) = recording.cli.serve(&[]);
    assert_eq!(deliver(&outbox, &url, &recording.token, &[]).ok(), "recorded 1, set aside 0");
}

#[tokio::test]
async fn relay_delivers_until_it_is_stopped_and_serves_metrics() {
    let (recording, outbox) = (Recording::new().await, application_database().await);
    let (_server, url) = recording.cli.serve(&[]);
    let options = ["--metrics-listen", "127.0.0.1:0", "--log", "info"];
    let mut relay = Running::start(program(&relay_arguments(&outbox.url, &url, &recording.token, &options)));
    let metrics = Client::new(&relay.address());
    let rows = [event("1"), "[]".to_owned()];
    for row in &rows {
        insert(&outbox, row).await;
    }
    let read = async || metrics.send(metrics.request(reqwest::Method::GET, "/metrics")).await.text;
    wait_until("the metrics count both rows", async || {
        let text = read().await;
        text.contains("auditgraph_relay_recorded_total 1\n") && text.contains("auditgraph_relay_set_aside_total 1\n")
    })
    .await;
    for metric in ["waiting", "oldest_seconds", "set_aside_rows", "failures_total"] {
        assert!(read().await.contains(&format!("\nauditgraph_relay_{metric} ")), "{metric}");
    }
    assert_eq!(recording.keys(&url).await.len(), 1);
    relay.signal("-TERM");
    assert_eq!(relay.ended().code, Some(0));
}

#[tokio::test]
async fn relay_without_an_outbox_explains_how_to_create_it() {
    let (recording, database) = (Recording::new().await, empty_database().await);
    let missing = deliver(&database, "http://127.0.0.1:1", &recording.token, &[]);
    assert!(missing.refused().contains("`auditgraph outbox sql` prints how to create it"), "{missing:?}");
    for (server, token, rule) in [
        ("audit.example", recording.token.as_path(), "is not an address of a server"),
        ("http://127.0.0.1:1", Path::new("/nowhere/token"), "cannot read /nowhere/token"),
    ] {
        let refused = deliver(&database, server, token, &[]);
        assert!(refused.refused().contains(rule), "{refused:?}");
    }
}

/// Starts the application in a process of its own.
fn start_application(url: &str) -> Running {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "command::relay::application", "--ignored"]).env(APPLICATION_URL, url);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Running::start(command)
}

/// Commits orders, each with its event, until it is killed.
#[tokio::test]
#[ignore = "the application of the next test, which runs it in a process of its own"]
async fn application() {
    let Ok(url) = std::env::var(APPLICATION_URL) else { return };
    let connection = sea_orm::Database::connect(&url).await.unwrap();
    for number in 0.. {
        let transaction = connection.begin().await.unwrap();
        let key = uuid::Uuid::new_v4();
        transaction.execute_unprepared(&format!("INSERT INTO orders (key) VALUES ('{key}')")).await.unwrap();
        let event = event(&key.to_string());
        let insert = format!("INSERT INTO auditgraph_outbox (event_key, event) VALUES ('{key}', '{event}')");
        transaction.execute_unprepared(&insert).await.unwrap();
        if number % 7 == 0 {
            transaction.rollback().await.unwrap();
        } else {
            transaction.commit().await.unwrap();
        }
    }
}

#[tokio::test]
async fn committed_orders_equal_recorded_events_whatever_is_killed() {
    let (recording, outbox) = (Recording::new().await, application_database().await);
    outbox.execute("CREATE TABLE orders (key text PRIMARY KEY)").await;
    let connection = outbox.connection().await;
    let mut random = fastrand::Rng::with_seed(7);
    let orders = async || numbers(&connection, "SELECT COUNT(*) FROM orders").await[0];
    for _ in 0..rounds() {
        let (server, url) = recording.cli.serve(&[]);
        let relay = || Running::start(program(&relay_arguments(&outbox.url, &url, &recording.token, &[])));
        // Two relays share the rows, or deliver some of them twice.
        let mut processes = vec![server, relay(), relay(), start_application(&outbox.url)];
        let before = orders().await;
        wait_until("the application commits", async || orders().await > before + 20).await;
        random.shuffle(&mut processes);
        for mut process in processes {
            process.kill().unwrap();
            drop(process);
            // Some time passes between the kills.
            for _ in 0..random.usize(0..20) {
                orders().await;
            }
        }
    }
    let (_server, url) = recording.cli.serve(&[]);
    let mut delivered = deliver(&outbox, &url, &recording.token, &[]);
    if outbox.is_postgres() {
        // The sessions of killed relays may still hold their rows for a moment.
        wait_until("no row is locked", async || {
            delivered = deliver(&outbox, &url, &recording.token, &[]);
            count(&outbox, "TRUE").await == 0
        })
        .await;
    }
    delivered.ok();
    assert_eq!(count(&outbox, "TRUE").await, 0);
    let keys = recording.keys(&url).await;
    let distinct: BTreeSet<&String> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len(), "each once");
    assert_eq!(i64::try_from(keys.len()).unwrap(), orders().await);
}
