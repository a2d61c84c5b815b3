//! The change feed between processes: every follower sees every event once and in one order, across disconnects and
//! servers, while several processes record, transactions stay open, and files are imported.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use serde_json::{Value, json};

use crate::harness::cli::{Running, TestCli};
use crate::harness::client::Client;
use crate::harness::stream::{Events, Socket};

const WRITERS: i64 = 4;
const BATCHES: i64 = 25;
const FOLLOWERS: u64 = 4;

fn event(key: &str) -> Value {
    json!({
        "eventKey": key, "occurredAt": "2026-01-02T03:04:05Z", "activity": "Approve payment", "category": "Payments",
        "service": "Contoso Payroll", "status": "SUCCESS", "actor": { "system": { "name": "Nightly job" } },
    })
}

/// Records batches of one to eight events in sequence, and returns the number of events.
async fn write(client: Client, name: String, mut random: fastrand::Rng) -> i64 {
    let mut count = 0;
    for batch in 0..BATCHES {
        let events: Vec<Value> = (0..random.i64(1..9)).map(|i| event(&format!("{name}-{batch}-{i}"))).collect();
        count += i64::try_from(events.len()).unwrap();
        let request = client.request(reqwest::Method::POST, "/v1/events").json(&events);
        assert_eq!(request.send().await.unwrap().status(), 201);
    }
    count
}

/// The sequences and keys that a follower has received, and its cursor.
#[derive(Default)]
struct Received {
    events: Vec<(i64, String)>,
    after: Option<String>,
}

impl Received {
    /// Adds a page or batch, and returns whether the last event was in it.
    fn take<'a>(&mut self, nodes: impl Iterator<Item = &'a Value>, cursor: &Value) -> bool {
        for node in nodes {
            let sequence = node["sequence"].as_i64().unwrap();
            self.events.push((sequence, node["eventKey"].as_str().unwrap().to_owned()));
        }
        self.after = Some(cursor.as_str().unwrap().to_owned());
        self.events.last().is_some_and(|(_, key)| key == "the end")
    }

    fn batch(&mut self, data: &Value) -> bool {
        let batch = &data["data"]["auditEventsRecorded"];
        assert!(batch.is_object(), "{data}");
        self.take(batch["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]), &batch["resumeCursor"])
    }
}

const FOLLOW: &str = include_str!("../../documents/change_feed_follow.graphql");
const POLL: &str = include_str!("../../documents/change_feed_poll.graphql");

/// Polls random servers in pages of random size.
async fn poll(clients: Arc<[Client; 2]>, mut random: fastrand::Rng) -> Received {
    let mut seen = Received::default();
    loop {
        let variables = json!({ "first": random.u32(1..60), "after": seen.after });
        let response = clients[random.usize(0..2)].query_with(POLL, variables).await;
        let page = response.data("/auditEventFeed");
        if seen.take(page["nodes"].as_array().unwrap().iter(), &page["cursor"]) {
            return seen;
        }
    }
}

/// Subscribes, reads some batches, disconnects, and resumes at a random server.
async fn subscribe(
    clients: Arc<[Client; 2]>,
    urls: [String; 2],
    mut random: fastrand::Rng,
    oldest: String,
) -> Received {
    let mut seen = Received { after: Some(oldest), ..Received::default() };
    loop {
        let (there, batches) = (random.usize(0..2), random.usize(1..6));
        let variables = json!({ "after": seen.after });
        if random.bool() {
            let mut socket = Socket::open(&urls[there], &clients[there].bearer_token()).await;
            socket.subscribe("1", FOLLOW, variables).await;
            for _ in 0..batches {
                if seen.batch(&socket.next().await.unwrap()["payload"]) {
                    return seen;
                }
            }
        } else {
            let mut events = Events::open(&clients[there], FOLLOW, variables).await;
            for _ in 0..batches {
                if seen.batch(&events.next().await.unwrap().1) {
                    return seen;
                }
            }
        }
    }
}

/// Locks the head row of the log repeatedly for a short time, and changes nothing.
async fn hold(cli: &TestCli) {
    let connection = cli.database.connection().await;
    for _ in 0..3 {
        let transaction = connection.begin().await.unwrap();
        transaction.execute_unprepared("SELECT 1 FROM tenant_log FOR UPDATE").await.unwrap();
        // Duration of the lock. The test waits for nothing here.
        tokio::time::sleep(Duration::from_millis(50)).await;
        transaction.rollback().await.unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_follower_sees_every_event_once_in_one_order() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let (servers, urls): (Vec<Running>, Vec<String>) = (0..2).map(|_| cli.serve(&[])).unzip();
    let urls: [String; 2] = urls.try_into().unwrap();
    let readers = Arc::new(urls.clone().map(|url| Client::new(&url).role("AUDIT_READER")));
    let recorders = urls.clone().map(|url| Client::new(&url).permitted("contoso", "audit/write"));
    let oldest = readers[0].query("{ auditLogInfo { feedCursor } }").await;
    let oldest = oldest.data("/auditLogInfo/feedCursor").as_str().unwrap().to_owned();
    let mut random = fastrand::Rng::with_seed(11);
    let mut followers = Vec::new();
    for _ in 0..FOLLOWERS {
        followers.push(tokio::spawn(poll(Arc::clone(&readers), random.fork())));
        followers.push(tokio::spawn(subscribe(Arc::clone(&readers), urls.clone(), random.fork(), oldest.clone())));
    }
    let writers: Vec<_> = (0..WRITERS)
        .map(|i| {
            let client = recorders[usize::try_from(i % 2).unwrap()].clone();
            tokio::spawn(write(client, i.to_string(), random.fork()))
        })
        .collect();
    if cli.database.is_postgres() {
        hold(&cli).await;
    }
    let lines = (0..50).map(|i| event(&format!("imported-{i}")).to_string()).collect::<Vec<_>>().join("\n");
    let imported = cli.run_with(&["import", "--tenant", "contoso", "--create-tenant", "-"], lines.as_bytes());
    let mut count = if imported.code == Some(0) { 50 } else { panic!("{imported:?}") };
    for writer in writers {
        count += writer.await.unwrap();
    }
    let last = recorders[0].request(reqwest::Method::POST, "/v1/events").json(&event("the end"));
    assert_eq!(last.send().await.unwrap().status(), 201);
    let mut order: Option<Vec<(i64, String)>> = None;
    for follower in followers {
        let seen = follower.await.unwrap().events;
        let sequences: Vec<i64> = seen.iter().map(|(sequence, _)| *sequence).collect();
        assert_eq!(sequences, (1..=count + 1).collect::<Vec<_>>());
        assert_eq!(*order.get_or_insert_with(|| seen.clone()), seen);
    }
    drop(servers);
}

#[tokio::test]
async fn stopping_server_closes_its_streams() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let (server, url) = cli.serve(&[]);
    let reader = Client::new(&url).role("AUDIT_READER");
    let mut socket = Socket::open(&url, &reader.bearer_token()).await;
    socket.subscribe("1", FOLLOW, json!({})).await;
    assert_eq!(socket.next().await.unwrap()["type"], "next");
    let mut events = Events::open(&reader, FOLLOW, json!({})).await;
    events.batch().await;
    server.signal("-TERM");
    assert_eq!(socket.next().await, Err(1001));
    // The stream ends without `complete`, so clients reconnect.
    assert_eq!(events.next().await, None);
    assert_eq!(server.ended().code, Some(0));
}
