//! `/metrics` and the lines of the log: what an operator gets to know of the requests, and what of them stays secret.

use serde_json::json;

use crate::harness::app::TestApp;
use crate::harness::client::Client;
use crate::harness::events::event;
use crate::harness::stream::{Events, Socket};

/// The figures, as Prometheus reads them.
async fn figures(app: &TestApp) -> String {
    let answer = reqwest::get(&app.metrics_url).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    answer.text().await.unwrap()
}

/// The value of a series.
#[track_caller]
fn value(figures: &str, series: &str) -> String {
    let line = figures.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{figures}")).to_owned()
}

#[tokio::test]
async fn requests_are_counted_by_root_field_and_code() {
    let app = TestApp::start().await;
    app.admin().query("{ a: auditEvents { nodes { id } } b: auditEvents(first: 0) { nodes { id } } }").await;
    app.admin().query("query Q { ...F } fragment F on Query { auditEvents { nodes { id } } viewer { subject } }").await;
    app.admin().query("{ nothingOfTheKind }").await;
    app.admin().query("{").await;
    app.anonymous().query("{ viewer { subject } }").await;
    let figures = figures(&app).await;
    let requests = |field: &str, code: &str| {
        value(&figures, &format!("auditgraph_requests_total{{field=\"{field}\",code=\"{code}\"}}"))
    };
    assert_eq!(requests("auditEvents", "OK"), "2");
    assert_eq!(requests("auditEvents", "BAD_USER_INPUT"), "1");
    assert_eq!(requests("viewer", "OK"), "1");
    assert_eq!(requests("other", "GRAPHQL_VALIDATION_FAILED"), "1");
    assert_eq!(requests("/graphql", "GRAPHQL_PARSE_FAILED"), "1");
    assert_eq!(requests("/graphql", "UNAUTHENTICATED"), "1");
    assert_eq!(value(&figures, "auditgraph_request_duration_seconds_count{field=\"auditEvents\"}"), "3");
    assert_eq!(value(&figures, "auditgraph_requests_in_flight"), "0");
}

#[tokio::test]
async fn tokens_that_do_not_hold_are_counted_by_reason() {
    let app = TestApp::start().await;
    app.anonymous().query("{ viewer { subject } }").await;
    Client::new(&app.url).token("a.b.c").query("{ viewer { subject } }").await;
    let figures = figures(&app).await;
    let rejected: Vec<&str> =
        figures.lines().filter(|line| line.starts_with("auditgraph_tokens_rejected_total")).collect();
    assert_eq!(rejected.len(), 2, "{figures}");
    assert!(rejected.iter().all(|line| line.ends_with(" 1")), "{rejected:?}");
    assert!(!figures.contains("a.b.c"));
}

#[tokio::test]
async fn recording_and_the_database_are_measured() {
    let app = TestApp::start().await;
    let recorder = Client::new(&app.url).permitted("contoso", "audit/write");
    let one = |key: &str| {
        json!({ "eventKey": key, "occurredAt": "2026-01-01T00:00:00Z", "service": "Pay\"roll\n", "category": "c",
            "activity": "a", "status": "SUCCESS", "actor": { "user": { "objectId": "1" } } })
    };
    let answer = recorder
        .send(recorder.request(reqwest::Method::POST, "/v1/events").json(&json!([one("1"), one("2"), one("3")])))
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let figures = figures(&app).await;
    assert_eq!(value(&figures, "auditgraph_recording_events_per_commit_sum"), "3.0");
    assert_eq!(value(&figures, "auditgraph_recording_events_per_commit_count"), "1");
    assert_eq!(value(&figures, "auditgraph_recording_seconds_count"), "1");
    assert_eq!(value(&figures, "auditgraph_recording_waiting"), "0");
    assert_eq!(value(&figures, "auditgraph_requests_total{field=\"/v1/events\",code=\"OK\"}"), "1");
    assert_ne!(value(&figures, "auditgraph_database_connections{pool=\"write\",state=\"idle\"}"), "0");
    let last = value(&figures, "auditgraph_last_recorded_timestamp_seconds{service=\"Pay\\\"roll\\n\"}");
    let now = app.now().0.div_euclid(1_000_000);
    assert!(((now - 60)..=now).any(|second| second.to_string() == last), "{last}");
}

#[tokio::test]
async fn open_subscriptions_are_counted_by_transport() {
    let app = TestApp::start().await;
    let follow = "subscription { auditEventsRecorded { safeUpTo } }";
    let mut socket = Socket::open(&app.url, &app.admin().bearer()).await;
    for id in ["1", "2"] {
        socket.subscribe(id, follow, json!({})).await;
        socket.next().await.unwrap();
    }
    let mut events = Events::open(&app.admin(), follow, json!({})).await;
    events.batch().await;
    let open = async || {
        let figures = figures(&app).await;
        ["websocket", "sse"]
            .map(|transport| value(&figures, &format!("auditgraph_subscriptions{{transport=\"{transport}\"}}")))
    };
    assert_eq!(open().await, ["2", "1"]);
    socket.send(json!({ "id": "1", "type": "complete" })).await;
    while open().await != ["1", "1"] {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn figures_are_not_on_the_address_of_the_api() {
    let app = TestApp::start().await;
    app.record([event("1")]).await;
    let answer = reqwest::get(format!("{}/metrics", app.url)).await.unwrap();
    assert_eq!(answer.status(), 404);
}
