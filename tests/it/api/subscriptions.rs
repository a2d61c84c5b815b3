//! What is pushed: everything once and in order, for whoever may see it, until it ends for a reason that is told.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::client::Client;
use crate::harness::events::{EventExt as _, event};
use crate::harness::stream::{Events, Socket};

const FOLLOW: &str = "subscription($after: String, $filter: AuditEventFilter) {
    auditEventsRecorded(after: $after, filter: $filter) {
        edges { cursor node { eventKey sequence isRedacted activityType { key } } } resumeCursor safeUpTo
    }
}";

fn keys(batch: &Value) -> Vec<&str> {
    batch["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["eventKey"].as_str().unwrap()).collect()
}

/// Takes batches until so many events have come.
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
async fn a_subscriber_has_a_cursor_at_once_then_what_comes_and_resumes_where_it_was() {
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
    let query = format!("{{ auditEvents(period: null, before: \"{cursor}\") {{ nodes {{ eventKey }} }} }}");
    assert_eq!(*app.auditor().query(&query).await.data("/auditEvents/nodes"), json!([]));
}

#[tokio::test]
async fn filter_role_and_tenant_hold_for_what_is_stored_and_for_what_comes() {
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
async fn what_is_pushed_is_reduced_like_what_is_read() {
    let app = TestApp::start().await;
    let secret = || {
        let mut body = event("secret");
        body.targets[0].modified_properties =
            vec![crate::harness::events::change("Password", None, Some("\"hunter2\""))];
        body
    };
    let query = "subscription { auditEventsRecorded { edges { node {
        raw isRedacted targets { modifiedProperties { name newValue } } } } } }";
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
async fn what_cannot_be_followed_is_refused_with_its_code() {
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
    // Section 5.2.4.1 of the specification; each more would be a stream that no limit counts.
    for two in [
        "subscription { a: auditEventsRecorded { safeUpTo } b: auditEventsRecorded { safeUpTo } }",
        "subscription { ...F auditEventsRecorded { safeUpTo } } fragment F on Subscription { __typename }",
    ] {
        let refused = Events::ask(&app.admin(), two, json!({})).await.err().unwrap();
        assert_eq!(refused.error(), ("BAD_USER_INPUT", "a subscription must select exactly one field"));
    }
    let plain = app.admin().query_with(FOLLOW, json!({})).await;
    assert_eq!(plain.error().0, "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_closed_tenant_is_followed_no_more() {
    let app = TestApp::start().await;
    let mut events = Events::open(&app.admin(), FOLLOW, json!({})).await;
    events.batch().await;
    app.close_tenant("contoso").await;
    let (_, data) = events.next().await.unwrap();
    assert_eq!(data["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn who_stays_connected_when_the_tenant_is_closed_reads_and_records_no_more() {
    let app = TestApp::start().await;
    let mut socket = Socket::open(&app.url, &app.admin().bearer()).await;
    app.close_tenant("contoso").await;
    // Tenants are remembered for a few seconds.
    let mut code = Value::Null;
    for id in 0.. {
        socket.subscribe(&id.to_string(), "{ viewer { subject } }", json!({})).await;
        let told = socket.next().await.unwrap();
        if told["type"] == "error" {
            code = told["payload"][0]["extensions"]["code"].clone();
            break;
        }
        assert_eq!(socket.next().await.unwrap()["type"], "complete");
    }
    assert_eq!(code, "FORBIDDEN");
    socket.subscribe("again", FOLLOW, json!({ "after": null })).await;
    assert_eq!(socket.next().await.unwrap()["payload"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn one_caller_has_a_bounded_number_of_streams_and_they_are_given_back() {
    let app = TestApp::start_with(&["--caller-subscriptions-max", "2", "--caller-websockets-max", "1"]).await;
    let token = app.admin().bearer();
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
    socket.subscribe("third", FOLLOW, json!({})).await;
    assert_eq!(socket.next().await.unwrap()["type"], "next");
}

#[tokio::test]
async fn a_websocket_takes_tokens_where_browsers_can_say_them_and_ends_with_them() {
    let app = TestApp::start().await;
    let header = format!("Bearer {}", app.admin().bearer());
    let mut socket = Socket::connect(&app.url, &[("authorization", header.as_str())]).await.unwrap();
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.next().await.unwrap()["type"], "connection_ack");
    assert_eq!(Socket::connect(&app.url, &[("origin", "https://evil.example")]).await.err(), Some(403));
    assert_eq!(Socket::connect(&app.url, &[("authorization", "Bearer x")]).await.err(), Some(401));
    let mut nobody = Socket::connect(&app.url, &[]).await.unwrap();
    nobody.send(json!({ "type": "connection_init" })).await;
    assert_eq!(nobody.next().await, Err(4403));
    let brief = Client::new(&app.url).role_until("GLOBAL_ADMIN", app.now().plus(1_500_000));
    let mut socket = Socket::open(&app.url, &brief.bearer()).await;
    socket.subscribe("1", FOLLOW, json!({})).await;
    assert_eq!(socket.next().await.unwrap()["type"], "next");
    let mut events = Events::open(&brief, FOLLOW, json!({})).await;
    events.batch().await;
    assert_eq!(socket.next().await, Err(4403));
    let (_, data) = events.next().await.unwrap();
    assert_eq!(data["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_websocket_answers_queries_and_carries_several_subscriptions() {
    let app = TestApp::start().await;
    let mut socket = Socket::open(&app.url, &app.admin().bearer()).await;
    socket.subscribe("q", "{ viewer { subject } }", json!({})).await;
    assert_eq!(socket.next().await.unwrap()["payload"]["data"]["viewer"]["subject"], "somebody");
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
async fn a_reader_that_takes_nothing_is_told_where_to_go_on_instead_of_missing_something() {
    let app = TestApp::start_with(&["--stream-stall-timeout-secs", "2"]).await;
    // Events so large that the buffers between are full soon.
    let long = "x".repeat(400_000);
    let large = |i: usize| {
        let mut body = event(&i.to_string());
        body.unmapped = Some(crate::harness::events::json(&format!("{{\"x\":\"{long}\"}}")));
        body
    };
    app.record((0..80).map(large)).await;
    let query = "subscription($after: String) {
        auditEventsRecorded(after: $after) { edges { node { sequence unmapped } } resumeCursor safeUpTo } }";
    let start = app.admin().query("{ auditEventFeed(first: 1) { cursor } }").await;
    let mut after = start.data("/auditEventFeed/cursor").clone();
    let mut events = Events::open(&app.admin(), query, json!({ "after": after })).await;
    // Not to wait for something, but to take nothing for so long.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let mut seen = vec![1];
    let lagged = loop {
        let (name, data) = events.next().await.unwrap();
        if let Some(error) = data["errors"].get(0) {
            break error.clone();
        }
        assert_eq!(name, "next", "it was all taken: the buffers are too large for this test");
        let batch = &data["data"]["auditEventsRecorded"];
        seen.extend(batch["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["sequence"].as_i64().unwrap()));
        after = batch["resumeCursor"].clone();
    };
    assert_eq!(lagged["extensions"]["code"], "FEED_LAGGED");
    assert_eq!(lagged["extensions"].get("resumeCursor").unwrap_or(&after), &after);
    let mut events = Events::open(&app.admin(), query, json!({ "after": after })).await;
    while seen.len() < 80 {
        let batch = events.batch().await;
        seen.extend(batch["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["sequence"].as_i64().unwrap()));
    }
    assert_eq!(seen, (1..=80).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_field_of_a_subscription_cannot_be_left_out() {
    let app = TestApp::start().await;
    for document in [
        "subscription { auditEventsRecorded @skip(if: true) { safeUpTo } }",
        "subscription { ... @include(if: false) { auditEventsRecorded { safeUpTo } } }",
    ] {
        let refused = Events::ask(&app.admin(), document, json!({})).await.err().unwrap();
        let sentence = "the field of a subscription must not have `@skip` or `@include`";
        assert_eq!(refused.error(), ("BAD_USER_INPUT", sentence), "{document}");
    }
}
