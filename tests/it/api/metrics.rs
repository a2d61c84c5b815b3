//! `/metrics`: counters, gauges and histograms, and that they hold no secrets.

use serde_json::json;

use crate::harness::app::TestApp;
use crate::harness::client::Client;
use crate::harness::events::event;
use crate::harness::stream::{Events, Socket};
use crate::harness::wait::wait_until;

/// The metrics page, as Prometheus reads it.
async fn metrics(app: &TestApp) -> String {
    let response = reqwest::get(&app.metrics_url).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    response.text().await.unwrap()
}

/// The value of a series.
#[track_caller]
fn value(metrics: &str, series: &str) -> String {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{metrics}")).to_owned()
}

#[tokio::test]
async fn requests_are_counted_by_root_field_and_code() {
    let app = TestApp::start().await;
    app.admin().query("{ a: auditEvents { nodes { id } } b: auditEvents(first: 0) { nodes { id } } }").await;
    app.admin().query("query Q { ...F } fragment F on Query { auditEvents { nodes { id } } viewer { subject } }").await;
    app.admin().query("{ nothingOfTheKind }").await;
    app.admin().query("{").await;
    app.anonymous().query("{ viewer { subject } }").await;
    let metrics = metrics(&app).await;
    let requests = |field: &str, code: &str| {
        value(&metrics, &format!("auditgraph_requests_total{{field=\"{field}\",code=\"{code}\"}}"))
    };
    assert_eq!(requests("auditEvents", "OK"), "2");
    assert_eq!(requests("auditEvents", "BAD_USER_INPUT"), "1");
    assert_eq!(requests("viewer", "OK"), "1");
    assert_eq!(requests("/graphql", "GRAPHQL_VALIDATION_FAILED"), "1");
    assert_eq!(requests("/graphql", "GRAPHQL_PARSE_FAILED"), "1");
    assert_eq!(requests("/graphql", "UNAUTHENTICATED"), "1");
    assert_eq!(value(&metrics, "auditgraph_request_duration_seconds_count{field=\"auditEvents\"}"), "3");
    assert_eq!(value(&metrics, "auditgraph_requests_in_flight"), "0");
}

#[tokio::test]
async fn rejected_tokens_are_counted_by_reason() {
    let app = TestApp::start().await;
    app.anonymous().query("{ viewer { subject } }").await;
    Client::new(&app.url).token("a.b.c").query("{ viewer { subject } }").await;
    let metrics = metrics(&app).await;
    let rejected: Vec<&str> =
        metrics.lines().filter(|line| line.starts_with("auditgraph_tokens_rejected_total")).collect();
    assert_eq!(rejected.len(), 2, "{metrics}");
    assert!(rejected.iter().all(|line| line.ends_with(" 1")), "{rejected:?}");
    assert!(!metrics.contains("a.b.c"));
}

#[tokio::test]
async fn recording_and_the_database_are_measured() {
    let app = TestApp::start().await;
    let recorder = Client::new(&app.url).permitted("contoso", "audit/write");
    let one = |key: &str| {
        json!({ "eventKey": key, "occurredAt": "2026-01-01T00:00:00Z", "service": "Pay\"roll\n", "category": "c",
            "activity": "a", "status": "SUCCESS", "actor": { "user": { "objectId": "1" } } })
    };
    let response = recorder
        .send(recorder.request(reqwest::Method::POST, "/v1/events").json(&json!([one("1"), one("2"), one("3")])))
        .await;
    assert_eq!(response.status, 201, "{}", response.text);
    let metrics = metrics(&app).await;
    assert_eq!(value(&metrics, "auditgraph_recording_events_per_commit_sum"), "3.0");
    assert_eq!(value(&metrics, "auditgraph_recording_events_per_commit_count"), "1");
    assert_eq!(value(&metrics, "auditgraph_recording_seconds_count"), "1");
    assert_eq!(value(&metrics, "auditgraph_recording_waiting"), "0");
    assert_eq!(value(&metrics, "auditgraph_requests_total{field=\"/v1/events\",code=\"OK\"}"), "1");
    assert_ne!(value(&metrics, "auditgraph_database_connections{pool=\"write\",state=\"idle\"}"), "0");
    let last = value(&metrics, "auditgraph_last_recorded_timestamp_seconds{service=\"Pay\\\"roll\\n\"}");
    let now = app.now().0.div_euclid(1_000_000);
    assert!(((now - 60)..=now).any(|second| second.to_string() == last), "{last}");
}

#[tokio::test]
async fn open_subscriptions_are_counted_by_transport() {
    let app = TestApp::start().await;
    let follow = "subscription { auditEventsRecorded { safeUpTo } }";
    let mut socket = Socket::open(&app.url, &app.admin().bearer_token()).await;
    for id in ["1", "2"] {
        socket.subscribe(id, follow, json!({})).await;
        socket.next().await.unwrap();
    }
    let mut events = Events::open(&app.admin(), follow, json!({})).await;
    events.batch().await;
    let open = async || {
        let metrics = metrics(&app).await;
        ["websocket", "sse"]
            .map(|transport| value(&metrics, &format!("auditgraph_subscriptions{{transport=\"{transport}\"}}")))
    };
    assert_eq!(open().await, ["2", "1"]);
    socket.send(json!({ "id": "1", "type": "complete" })).await;
    wait_until("one subscription has ended", async || open().await == ["1", "1"]).await;
}

#[tokio::test]
async fn metrics_are_not_served_at_the_api_address() {
    let app = TestApp::start().await;
    app.record([event("1")]).await;
    let response = reqwest::get(format!("{}/metrics", app.url)).await.unwrap();
    assert_eq!(response.status(), 404);
}
