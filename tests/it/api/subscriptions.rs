//! Subscriptions: every event once and in order, within the scope of the caller, until the stream ends with a reason.

use serde_json::{Value, json};

use super::snapshots::redact;
use crate::harness::app::TestApp;
use crate::harness::client::Client;
use crate::harness::events::{EventExt as _, event};
use crate::harness::stream::{Events, Socket};
use crate::harness::wait::{wait_for, wait_until};

const FOLLOW: &str = include_str!("../../documents/follow.graphql");

/// A subscription whose results are large.
const LARGE: &str = include_str!("../../documents/subscriptions_large.graphql");

fn sequences(batch: &Value) -> Vec<i64> {
    batch["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["sequence"].as_i64().unwrap()).collect()
}

fn keys(batch: &Value) -> Vec<&str> {
    batch["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["eventKey"].as_str().unwrap()).collect()
}

/// Reads batches until there are at least `count` events.
async fn take(events: &mut Events, count: usize) -> (Vec<String>, Value) {
    let mut taken = Vec::new();
    loop {
        let batch = events.batch().await;
        taken.extend(keys(&batch).into_iter().map(str::to_owned));
        if taken.len() >= count {
            return (taken, batch["resumeCursor"].clone());
        }
    }
}

#[tokio::test]
async fn subscription_sends_a_cursor_first_and_resumes_from_it() {
    let app = TestApp::start().await;
    app.record([event("before")]).await;
    let mut events = Events::open(&app.auditor(), FOLLOW, json!({})).await;
    let first = events.batch().await;
    assert_eq!((keys(&first), &first["safeUpTo"]), (vec![], &json!(1)));
    app.record([event("a"), event("b")]).await;
    let (taken, resume) = take(&mut events, 2).await;
    assert_eq!(taken, ["a", "b"]);
    drop(events);
    app.record([event("c")]).await;
    let mut events = Events::open(&app.auditor(), FOLLOW, json!({ "after": resume })).await;
    assert_eq!(keys(&events.batch().await), ["c"]);
    app.record([event("d").activity("Never seen before")]).await;
    let batch = events.batch().await;
    assert_eq!(batch["edges"][0]["node"]["activityType"]["key"], "Never seen before");
    let cursor = batch["edges"][0]["cursor"].as_str().unwrap();
    let query =
        format!("{{ auditEvents(occurredAt: {{ window: ALL }}, before: \"{cursor}\") {{ nodes {{ eventKey }} }} }}");
    assert_eq!(*app.auditor().query(&query).await.data("/auditEvents/nodes"), json!([]));
}

#[tokio::test]
async fn subscription_applies_filter_role_and_tenant_to_stored_and_live_events() {
    let app = TestApp::start().await;
    let other = app.add_tenant("fabrikam").await;
    let batch = |name: &'static str| {
        [
            event(&format!("{name}-intune")).service("Microsoft Intune", "Device"),
            event(&format!("{name}-deleted")).service("Microsoft Intune", "Device").activity("Delete device"),
            event(&format!("{name}-core")).activity("Delete device"),
        ]
    };
    app.record(batch("old")).await;
    app.record_for(&other, batch("foreign-old")).await;
    let filter = json!({ "activity": { "eq": "Delete device" } });
    let info = Client::new(&app.url).role("GLOBAL_ADMIN").query("{ auditLogInfo { feedCursor } }").await;
    assert!(info.data("/auditLogInfo/feedCursor").is_string());
    let start = app.admin().query("{ auditEventFeed(first: 1) { cursor } }").await;
    let start = start.data("/auditEventFeed/cursor");
    let variables = json!({ "after": start, "filter": filter });
    let mut intune = Events::open(&app.intune_admin(), FOLLOW, variables.clone()).await;
    let mut everything = Events::open(&app.admin(), FOLLOW, variables).await;
    assert_eq!(take(&mut intune, 1).await.0, ["old-deleted"]);
    assert_eq!(take(&mut everything, 2).await.0, ["old-deleted", "old-core"]);
    app.record_for(&other, batch("foreign-new")).await;
    app.record(batch("new")).await;
    assert_eq!(take(&mut intune, 1).await.0, ["new-deleted"]);
    assert_eq!(take(&mut everything, 2).await.0, ["new-deleted", "new-core"]);
}

#[tokio::test]
async fn subscription_withholds_sensitive_values() {
    let app = TestApp::start().await;
    let secret = || {
        let mut body = event("secret");
        body.targets[0].modified_properties =
            vec![crate::harness::events::change("Password", None, Some("\"hunter2\""))];
        body
    };
    let query = include_str!("../../documents/subscription_withholds_sensitive_values.graphql");
    let mut auditor = Events::open(&app.auditor(), query, json!({})).await;
    let mut admin = Events::open(&app.admin(), query, json!({})).await;
    auditor.batch().await;
    admin.batch().await;
    app.record([secret()]).await;
    let seen = auditor.batch().await;
    assert!(!seen.to_string().contains("hunter2"), "{seen}");
    assert_eq!(seen["edges"][0]["node"]["isRedacted"], true);
    assert_eq!(admin.batch().await["edges"][0]["node"]["targets"][0]["modifiedProperties"][0]["newValue"], "hunter2");
}

#[tokio::test]
async fn invalid_subscription_is_rejected_with_its_code() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let refused = async |client: &Client, variables: Value| {
        let mut events = Events::open(client, FOLLOW, variables).await;
        let (_, data) = events.next().await.unwrap();
        assert_eq!(events.next().await, Some(("complete".to_owned(), Value::Null)));
        assert_eq!(events.next().await, None);
        data["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned()
    };
    let foreign = other.admin().query("{ auditLogInfo { feedCursor } }").await;
    let foreign = foreign.data("/auditLogInfo/feedCursor");
    assert_eq!(refused(&app.admin(), json!({ "after": foreign })).await, "CURSOR_EXPIRED");
    assert_eq!(refused(&app.admin(), json!({ "after": "x" })).await, "BAD_USER_INPUT");
    let recorder = Client::new(&app.url).permitted("contoso", "audit/write");
    assert_eq!(refused(&recorder, json!({})).await, "FORBIDDEN");
    let anonymous = Events::ask(&app.anonymous(), FOLLOW, json!({})).await.err().unwrap();
    assert_eq!((anonymous.status, anonymous.error().0), (401, "UNAUTHENTICATED"));
    // Section 5.2.4.1 of the specification; additional fields would be streams outside the quota.
    for (two, sentence) in [
        (
            "subscription { a: auditEventsRecorded { safeUpTo } b: auditEventsRecorded { safeUpTo } }",
            "a subscription must select exactly one field",
        ),
        (
            "subscription { ...F auditEventsRecorded { safeUpTo } } fragment F on Subscription { __typename }",
            "a subscription must not select `__typename`",
        ),
    ] {
        let refused = Events::ask(&app.admin(), two, json!({})).await.err().unwrap();
        assert_eq!(refused.error(), ("GRAPHQL_VALIDATION_FAILED", sentence));
    }
    let plain = app.admin().query_with(FOLLOW, json!({})).await;
    assert_eq!(plain.error().0, "BAD_USER_INPUT");
}

#[tokio::test]
async fn subscription_ends_when_the_tenant_is_disabled() {
    let app = TestApp::start().await;
    let mut events = Events::open(&app.admin(), FOLLOW, json!({})).await;
    events.batch().await;
    app.close_tenant("contoso").await;
    let (_, data) = events.next().await.unwrap();
    assert_eq!(data["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn open_websocket_is_forbidden_when_the_tenant_is_disabled() {
    let app = TestApp::start().await;
    let mut socket = Socket::open(&app.url, &app.admin().bearer_token()).await;
    app.close_tenant("contoso").await;
    // The server caches tenants for a few seconds.
    let code = wait_for("a query is rejected", async || {
        socket.subscribe("query", "{ viewer { subject } }", json!({})).await;
        let message = socket.next().await.unwrap();
        if message["type"] == "error" {
            return Some(message["payload"][0]["extensions"]["code"].clone());
        }
        assert_eq!(socket.next().await.unwrap()["type"], "complete");
        None
    })
    .await;
    assert_eq!(code, "FORBIDDEN");
    socket.subscribe("again", FOLLOW, json!({ "after": null })).await;
    assert_eq!(socket.next().await.unwrap()["payload"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn stream_quota_is_per_caller_and_is_released() {
    let app = TestApp::start_with(&["--caller-subscriptions-max", "2", "--caller-websockets-max", "1"]).await;
    let token = app.admin().bearer_token();
    let mut socket = Socket::open(&app.url, &token).await;
    socket.subscribe("first", FOLLOW, json!({})).await;
    assert_eq!(socket.next().await.unwrap()["type"], "next");
    let _second = Events::open(&app.admin(), FOLLOW, json!({})).await;
    let third = Events::ask(&app.admin(), FOLLOW, json!({})).await.err().unwrap();
    assert_eq!((third.status, third.error().0), (429, "LIMIT_EXCEEDED"));
    socket.subscribe("third", FOLLOW, json!({})).await;
    let message = socket.next().await.unwrap();
    assert_eq!(message["type"], "error");
    assert_eq!(message["payload"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
    let mut another = Socket::connect(&app.url, &[]).await.unwrap();
    let payload = json!({ "authorization": format!("Bearer {token}") });
    another.send(json!({ "type": "connection_init", "payload": payload })).await;
    assert_eq!(another.next().await, Err(4429));
    socket.send(json!({ "type": "complete", "id": "first" })).await;
    wait_until("the quota is free again", async || {
        socket.subscribe("third", FOLLOW, json!({})).await;
        socket.next().await.unwrap()["type"] == "next"
    })
    .await;
}

/// Lifetimes of a token, in microseconds: the first that is long enough to open two streams is used.
const LIFETIMES: [i64; 4] = [1_500_000, 6_000_000, 24_000_000, 96_000_000];

/// Opens a subscription over WebSocket and one over server-sent events. `None` if the token expires meanwhile.
async fn open_both(app: &TestApp, client: &Client) -> Option<(Socket, Events)> {
    let mut socket = Socket::connect(&app.url, &[]).await.ok()?;
    let payload = json!({ "Authorization": format!("Bearer {}", client.bearer_token()) });
    socket.send(json!({ "type": "connection_init", "payload": payload })).await;
    (socket.next().await.ok()?["type"] == "connection_ack").then_some(())?;
    socket.subscribe("1", FOLLOW, json!({})).await;
    (socket.next().await.ok()?["type"] == "next").then_some(())?;
    let mut events = Events::ask(client, FOLLOW, json!({})).await.ok()?;
    let (_, data) = events.next().await?;
    data.get("errors").is_none().then_some((socket, events))
}

#[tokio::test]
async fn websocket_accepts_tokens_in_connection_init_and_ends_when_they_expire() {
    let app = TestApp::start().await;
    let header = format!("Bearer {}", app.admin().bearer_token());
    let mut socket = Socket::connect(&app.url, &[("authorization", header.as_str())]).await.unwrap();
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.next().await.unwrap()["type"], "connection_ack");
    assert_eq!(Socket::connect(&app.url, &[("origin", "https://evil.example")]).await.err(), Some(403));
    assert_eq!(Socket::connect(&app.url, &[("authorization", "Bearer x")]).await.err(), Some(401));
    let mut anonymous = Socket::connect(&app.url, &[]).await.unwrap();
    anonymous.send(json!({ "type": "connection_init" })).await;
    assert_eq!(anonymous.next().await, Err(4403));
    let mut lifetimes = LIFETIMES.into_iter();
    let (mut socket, mut events) = loop {
        let lifetime = lifetimes.next().expect("streams open within the longest lifetime");
        let brief = Client::new(&app.url).role_until("GLOBAL_ADMIN", app.now().plus(lifetime));
        if let Some(streams) = open_both(&app, &brief).await {
            break streams;
        }
    };
    assert_eq!(socket.next().await, Err(4403));
    let (_, data) = events.next().await.unwrap();
    assert_eq!(data["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[tokio::test]
async fn websocket_runs_queries_and_several_subscriptions() {
    let app = TestApp::start().await;
    let mut socket = Socket::open(&app.url, &app.admin().bearer_token()).await;
    socket.subscribe("q", "{ viewer { subject } }", json!({})).await;
    assert_eq!(socket.next().await.unwrap()["payload"]["data"]["viewer"]["subject"], "test-user");
    assert_eq!(socket.next().await.unwrap(), json!({ "id": "q", "type": "complete" }));
    let only = |activity: &str| json!({ "filter": { "activity": { "eq": activity } } });
    socket.subscribe("adds", FOLLOW, only("Add user")).await;
    socket.subscribe("deletes", FOLLOW, only("Delete user")).await;
    for _ in 0..2 {
        assert_eq!(socket.next().await.unwrap()["type"], "next");
    }
    app.record([event("a")]).await;
    let message = socket.next().await.unwrap();
    assert_eq!((&message["id"], keys(&message["payload"]["data"]["auditEventsRecorded"])), (&json!("adds"), vec!["a"]));
    app.record([event("d").activity("Delete user")]).await;
    assert_eq!(socket.next().await.unwrap()["id"], "deletes");
}

#[tokio::test]
async fn stalled_stream_ends_with_feed_lagged_and_a_resume_cursor() {
    let app = TestApp::start_with(&["--stream-stall-secs", "2"]).await;
    // Large events fill the network buffers quickly.
    let long = "x".repeat(400_000);
    let large = |i: usize| {
        let mut body = event(&i.to_string());
        body.unmapped = Some(crate::harness::events::json(&format!("{{\"x\":\"{long}\"}}")));
        body
    };
    for batch in 0..8 {
        app.record((batch * 10..(batch + 1) * 10).map(large)).await;
    }
    let start = app.admin().query("{ auditEventFeed(first: 1) { cursor } }").await;
    let start = start.data("/auditEventFeed/cursor").clone();
    // The pause is not a wait for a condition: its length is the input of the test. A busy server may fill the
    // buffers so late that the pause ends before the stall is over, or the stream may have ended; then it tries again.
    let (lagged, after, mut seen) = wait_for("a stream that lags", async || {
        let mut events = Events::open(&app.admin(), LARGE, json!({ "after": start })).await;
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        let (mut seen, mut after) = (vec![1], start.clone());
        while seen.len() < 80 {
            let (_, data) = events.next().await?;
            if let Some(error) = data["errors"].get(0) {
                return Some((error.clone(), after, seen));
            }
            let batch = &data["data"]["auditEventsRecorded"];
            seen.extend(sequences(batch));
            after = batch["resumeCursor"].clone();
        }
        None
    })
    .await;
    assert_eq!(lagged["extensions"]["code"], "FEED_LAGGED");
    let mut shown = lagged.clone();
    redact(&mut shown);
    insta::assert_json_snapshot!("feed_lagged", shown);
    assert_eq!(lagged["extensions"].get("resumeCursor").unwrap_or(&after), &after);
    let mut events = Events::open(&app.admin(), LARGE, json!({ "after": after })).await;
    while seen.len() < 80 {
        seen.extend(sequences(&events.batch().await));
    }
    assert_eq!(seen, (1..=80).collect::<Vec<_>>());
}

#[tokio::test]
async fn subscription_field_cannot_be_skipped() {
    let app = TestApp::start().await;
    for document in [
        "subscription { auditEventsRecorded @skip(if: true) { safeUpTo } }",
        "subscription { ... @include(if: false) { auditEventsRecorded { safeUpTo } } }",
    ] {
        let refused = Events::ask(&app.admin(), document, json!({})).await.err().unwrap();
        let sentence = "the field of a subscription must not have `@skip` or `@include`";
        assert_eq!(refused.error(), ("GRAPHQL_VALIDATION_FAILED", sentence), "{document}");
    }
}

#[tokio::test]
async fn subscription_field_in_fragments_and_repeated_is_one_stream() {
    const MERGED: &str = "subscription($after: String) {
        ...A ... on Subscription { auditEventsRecorded(after: $after) { edges { node { sequence } } } }
        auditEventsRecorded(after: $after) { ...B }
    }
    fragment A on Subscription { ...C ... { auditEventsRecorded(after: $after) { safeUpTo } } }
    fragment B on AuditEventBatch { edges { node { eventKey } } }
    fragment C on Subscription { auditEventsRecorded(after: $after) { resumeCursor } }";
    let app = TestApp::start_with(&["--caller-subscriptions-max", "1"]).await;
    let start = app.admin().query("{ auditLogInfo { feedCursor } }").await;
    let start = json!({ "after": start.data("/auditLogInfo/feedCursor") });
    app.record([event("a"), event("b")]).await;
    let expected = |batch: &Value| {
        assert!(batch["resumeCursor"].is_string(), "{batch}");
        let edge = |key: &str, sequence: i64| json!({ "node": { "sequence": sequence, "eventKey": key } });
        assert_eq!((&batch["safeUpTo"], &batch["edges"]), (&json!(2), &json!([edge("a", 1), edge("b", 2)])));
    };
    let mut events = Events::open(&app.admin(), MERGED, start.clone()).await;
    let mut batch = events.batch().await;
    while batch["edges"].as_array().unwrap().is_empty() {
        batch = events.batch().await;
    }
    expected(&batch);
    drop(events);
    let mut socket = Socket::open(&app.url, &app.admin().bearer_token()).await;
    socket.subscribe("1", MERGED, start).await;
    loop {
        let message = socket.next().await.unwrap();
        assert_eq!(message["type"], "next", "{message}");
        let batch = &message["payload"]["data"]["auditEventsRecorded"];
        if !batch["edges"].as_array().unwrap().is_empty() {
            return expected(batch);
        }
    }
}

#[tokio::test]
async fn malformed_operation_does_not_end_the_websocket() {
    let app = TestApp::start().await;
    let mut socket = Socket::open(&app.url, &app.admin().bearer_token()).await;
    let query = "{ viewer { subject } }";
    for payload in [
        json!({ "query": query, "variables": [] }),
        json!({ "query": 1 }),
        json!({ "query": query, "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "x" } } }),
        json!({}),
    ] {
        socket.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
        let message = socket.next().await.unwrap();
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("1")), "{message}");
        assert_eq!(message["payload"][0]["extensions"]["code"], "BAD_USER_INPUT", "{message}");
    }
    socket.subscribe("1", query, json!({})).await;
    assert_eq!(socket.next().await.unwrap()["payload"]["data"]["viewer"]["subject"], "test-user");
}
