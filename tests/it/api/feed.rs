//! The feed: every event once, in the order of recording, for any filter and scope.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::client::Client;
use crate::harness::events::{EventExt as _, event};

const FEED: &str = include_str!("../../documents/feed.graphql");

/// Reads the feed to its end: the keys in order, and the last cursor.
async fn follow(client: &Client, mut after: Option<String>, first: u32, filter: &Value) -> (Vec<String>, String) {
    let mut keys = Vec::new();
    let mut from = None;
    loop {
        let variables = json!({ "first": first, "after": after, "filter": filter });
        let response = client.query_with(FEED, variables).await;
        let page = response.data("/auditEventFeed");
        if let Some(from) = from {
            assert_eq!(page["scannedFrom"], from);
        }
        from = Some(page["safeUpTo"].clone());
        let events = page["nodes"].as_array().unwrap();
        keys.extend(events.iter().map(|event| event["eventKey"].as_str().unwrap().to_owned()));
        let cursor = page["cursor"].as_str().unwrap().to_owned();
        if page["isCaughtUp"] == true {
            return (keys, cursor);
        }
        after = Some(cursor);
    }
}

#[tokio::test]
async fn feed_returns_every_event_once_in_recording_order() {
    let app = TestApp::start().await;
    let old = app.now().plus(-1_000_000_000);
    app.record((0..7).map(|i| event(&i.to_string()).at(old.plus(-i)))).await;
    let (keys, cursor) = follow(&app.admin(), None, 3, &Value::Null).await;
    assert_eq!(keys, ["0", "1", "2", "3", "4", "5", "6"]);
    let (none, same) = follow(&app.admin(), Some(cursor.clone()), 3, &Value::Null).await;
    assert_eq!((none, same.as_str()), (Vec::new(), cursor.as_str()));
    app.record([event("late").at(old)]).await;
    assert_eq!(follow(&app.admin(), Some(cursor), 3, &Value::Null).await.0, ["late"]);
}

#[tokio::test]
async fn feed_cursor_advances_past_events_that_do_not_match() {
    let app = TestApp::start().await;
    app.record((0..5).map(|i| event(&i.to_string()).activity(if i == 3 { "Delete user" } else { "Add user" }))).await;
    app.record([event("intune").service("Microsoft Intune", "Device")]).await;
    let filter = json!({ "activity": { "eq": "Delete user" } });
    assert_eq!(follow(&app.admin(), None, 2, &filter).await.0, ["3"]);
    let (keys, cursor) = follow(&app.intune_admin(), None, 2, &Value::Null).await;
    assert_eq!(keys, ["intune"]);
    let head = app.admin().query("{ auditLogInfo { feedCursor lastSequence } }").await;
    assert_eq!(*head.data("/auditLogInfo"), json!({ "feedCursor": cursor, "lastSequence": 6 }));
}

#[tokio::test]
async fn feed_page_scans_beyond_its_first_step() {
    let app = TestApp::start().await;
    let rare = |i| [390, 395, 850].contains(&i);
    for start in [0, 450] {
        let events = start..start + 450;
        app.record(events.map(|i| event(&i.to_string()).activity(if rare(i) { "Delete user" } else { "Add user" })))
            .await;
    }
    let query = include_str!("../../documents/feed_page_scans_beyond_its_first_step.graphql");
    let filter = json!({ "activity": { "eq": "Delete user" } });
    for (first, keys, safe, is_caught_up) in [
        (2, vec!["390", "395"], 396, false),
        (3, vec!["390", "395", "850"], 851, false),
        (9, vec!["390", "395", "850"], 900, true),
    ] {
        let response = app.admin().query_with(query, json!({ "filter": filter, "first": first })).await;
        let page = response.data("/auditEventFeed");
        let found: Vec<_> =
            page["nodes"].as_array().unwrap().iter().map(|event| event["eventKey"].as_str().unwrap()).collect();
        assert_eq!((found, &page["safeUpTo"], &page["isCaughtUp"]), (keys, &json!(safe), &json!(is_caught_up)));
    }
}

#[tokio::test]
async fn feed_cursor_of_another_log_has_expired() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    other.record([event("a")]).await;
    let (_, foreign) = follow(&other.admin(), None, 10, &Value::Null).await;
    let response = app.admin().query_with(FEED, json!({ "first": 10, "after": foreign })).await;
    assert_eq!(response.error().0, "CURSOR_EXPIRED");
    let extensions = &response.body["errors"][0]["extensions"];
    assert_eq!(extensions["reason"], "RESTORED");
    let oldest = extensions["oldestCursor"].as_str().unwrap().to_owned();
    app.record([event("b")]).await;
    assert_eq!(follow(&app.admin(), Some(oldest), 10, &Value::Null).await.0, ["b"]);
    for (first, after) in
        [(0, Value::Null), (1_001, Value::Null), (1, json!("x")), (1, json!("AQAABmDig8DwPwAAAAAAAE4f"))]
    {
        let response = app.admin().query_with(FEED, json!({ "first": first, "after": after })).await;
        assert_eq!(response.error().0, "BAD_USER_INPUT");
    }
}
