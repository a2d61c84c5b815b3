//! Aggregation of accesses: similar accesses become one event, flushed at the latest on shutdown.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::access_log::{accesses, detail};
use crate::harness::cli::{Running, TestCli};
use crate::harness::client::Client;
use crate::harness::stream::Events;

fn serve(cli: &TestCli) -> (Running, String) {
    cli.serve(&["--access-window-ms", "60000"])
}

fn stop(server: Running) {
    server.signal("-TERM");
    assert_eq!(server.ended().code, Some(0));
}

#[tokio::test]
async fn similar_accesses_are_aggregated_and_flushed_on_shutdown() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let (server, url) = serve(&cli);
    let reader = Client::new(&url).role("AUDIT_READER");
    let record = json!({ "eventKey": "1", "occurredAt": "2026-01-01T00:00:00Z", "service": "s", "category": "c",
        "activity": "a", "status": "SUCCESS", "actor": { "user": { "objectId": "1" } } });
    let payroll = Client::new(&url).permitted("contoso", "audit/write");
    let recorded = payroll.send(payroll.request(Method::POST, "/v1/events").json(&record)).await;
    assert_eq!(recorded.status, 201, "{}", recorded.text);
    let list = include_str!("../../documents/similar_accesses_are_aggregated_and_flushed_on_shutdown_list.graphql");
    let mut after = Value::Null;
    for _ in 0..5 {
        let page = reader.query_with(list, json!({ "after": after })).await;
        after = page.data("/auditEvents/pageInfo/endCursor").clone();
    }
    for _ in 0..3 {
        reader.query("query Poll { auditEventFeed { cursor } }").await.data("");
    }
    let mut events = Events::open(&reader, "subscription Follow { auditEventsRecorded { safeUpTo } }", json!({})).await;
    events.batch().await;
    stop(server);

    let (server, url) = serve(&cli);
    let found = accesses(&Client::new(&url).role("GLOBAL_ADMIN")).await;
    let mut details: Vec<_> = found
        .iter()
        .map(|event| ["operationName", "requests", "events"].map(|key| detail(event, key).unwrap()))
        .collect();
    details.sort_unstable();
    // After the first page, the list starts again from its beginning.
    assert_eq!(details, [["Follow", "1", "0"], ["List", "5", "3"], ["Poll", "3", "3"]], "{found:#?}");
    stop(server);
    assert_eq!(cli.run(&["tenant", "list"]).ok(), "contoso\tcontoso\tenabled\t");
    let verified = cli.run(&["verify", "--tenant", "contoso"]);
    assert!(verified.ok().ends_with("differences 0"), "{verified:?}");
}

#[tokio::test]
async fn disabled_access_log_records_nothing() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let file = cli.file("auditgraph.toml", "record_access = false\n");
    for options in [["--record-access", "false"], ["--config", file.to_str().unwrap()]] {
        let (server, url) = cli.serve(&options);
        let admin = Client::new(&url).role("GLOBAL_ADMIN");
        admin.query("query Unseen { auditEvents { nodes { id } } }").await.data("");
        // A server that stops writes all pending accesses.
        stop(server);
        let (server, url) = cli.serve(&options);
        assert_eq!(accesses(&Client::new(&url).role("GLOBAL_ADMIN")).await, Vec::<Value>::new());
        stop(server);
    }
}
