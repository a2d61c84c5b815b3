//! `dump`: the stored bodies, byte for byte.

use std::io::{BufRead as _, BufReader};

use model::NewEvent;
use model::sensitive::SensitiveNames;
use proptest::test_runner::TestRunner;

use crate::harness::access_log::until;
use crate::harness::app::TestApp;
use crate::harness::cli::{Running, TestCli, program, run};
use crate::harness::database::{NOW, TestDatabase, record};
use crate::harness::events::{EventBody, event};
use crate::store::arbitrary::bodies;

async fn record_for(database: &TestDatabase, tenant: &str, events: Vec<EventBody>) {
    let store = database.store().await;
    let tenant = store.tenant(tenant).await.unwrap().unwrap();
    record(&access::operator_writer(&store, &tenant), events, NOW).await;
}

/// The lines that a dump of these events has.
fn lines(events: &[EventBody]) -> String {
    let text = |body: &EventBody| {
        let event = NewEvent::parse(body.clone(), NOW, &SensitiveNames::default()).unwrap();
        format!("{}\n", event.json())
    };
    events.iter().map(text).collect()
}

#[tokio::test]
async fn dump_prints_bodies_byte_for_byte_in_the_order_of_the_log() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    assert_eq!(cli.run(&["dump"]).out, "");
    let events = bodies(&mut TestRunner::deterministic(), "k", 1_100);
    record_for(&cli.database, "contoso", events.clone()).await;
    let dumped = cli.run(&["dump"]);
    assert_eq!(dumped.code, Some(0), "{}", dumped.err);
    assert_eq!(dumped.out, lines(&events));
    assert_eq!(cli.run(&["dump", "--after", "1000"]).out, lines(&events[1_000..]));
    assert_eq!(cli.run(&["dump", "--after", "1100"]).out, "");
    // A copy in the other kind of database has the same bytes.
    let other = TestDatabase::sqlite();
    run(&["copy", "--from", &cli.database.url, "--to", &other.url]).ok();
    assert_eq!(run(&["dump", "--database-url", &other.url]).out, dumped.out);
    assert_eq!(run(&["verify", "--database-url", &other.url]).ok(), "tenants 1, events 1100, differences 0");
}

#[tokio::test]
async fn dump_prints_one_tenant() {
    let cli = TestCli::new().await;
    assert!(cli.run(&["dump"]).refused().contains("there is no tenant"));
    cli.run(&["tenant", "add", "contoso"]).ok();
    cli.run(&["tenant", "add", "fabrikam"]).ok();
    record_for(&cli.database, "contoso", vec![event("a")]).await;
    record_for(&cli.database, "fabrikam", vec![event("b")]).await;
    assert!(cli.run(&["dump"]).refused().contains("several tenants: choose one with --tenant KEY"));
    assert!(cli.run(&["dump", "--tenant", "unknown"]).refused().contains("there is no tenant `unknown`"));
    assert_eq!(cli.run(&["dump", "--tenant", "fabrikam"]).out, lines(&[event("b")]));
    let accesses = cli.run(&["dump", "--tenant", "fabrikam", "--accesses"]);
    assert!(accesses.refused().contains("no access to the log of `fabrikam` was recorded"));
    assert_eq!(cli.run(&["dump", "--tenant", "fabrikam", "--after", "-1"]).code, Some(2));
}

#[tokio::test]
async fn dump_prints_the_access_log() {
    let app = TestApp::start().await;
    app.record([event("a")]).await;
    app.admin().keys(serde_json::json!({})).await;
    until(&app.admin(), "Query audit events", 1).await;
    let dumped = run(&["dump", "--accesses", "--database-url", &app.database.url]);
    let first: serde_json::Value = serde_json::from_str(dumped.ok().lines().next().unwrap()).unwrap();
    assert_eq!(first["service"], "auditgraph");
}

#[tokio::test]
async fn dump_reports_bodies_that_cannot_be_decoded_and_goes_on() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let events = vec![event("a"), event("b"), event("c")];
    record_for(&cli.database, "contoso", events).await;
    cli.database.execute("UPDATE audit_event SET body = substr(body, 1, 30) WHERE sequence = 2").await;
    let dumped = cli.run(&["dump"]);
    assert!(
        dumped.refused().starts_with("event 2: corrupt audit_event.body at 2: the frame is damaged: "),
        "{dumped:?}"
    );
    assert_eq!(dumped.out, lines(&[event("a"), event("c")]));
}

#[tokio::test]
async fn dump_ends_when_its_reader_does() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let events = (0..2_000).map(|key| event(&key.to_string())).collect();
    record_for(&cli.database, "contoso", events).await;
    let mut dump = Running::start(program(&["dump", "--database-url", &cli.database.url]));
    let mut line = String::new();
    BufReader::new(dump.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, lines(&[event("0")]));
    let ended = dump.ended();
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
}
