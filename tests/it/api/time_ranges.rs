//! The `occurredAt` argument: the time range of a list, and how cursors keep it.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::events::{DAY, EventExt as _, HOUR, event};

const LIST: &str = include_str!("../../documents/time_ranges_list.graphql");

fn keys(list: &Value) -> String {
    list["nodes"].as_array().unwrap().iter().map(|node| node["eventKey"].as_str().unwrap()).collect()
}

/// Events with their age as name: an hour, three days, twenty days, forty days; and one in the future.
async fn of_all_ages() -> TestApp {
    let app = TestApp::start().await;
    let now = app.now();
    let ages = [("h", -HOUR), ("d", -3 * DAY), ("w", -20 * DAY), ("m", -40 * DAY), ("t", HOUR)];
    app.record(ages.map(|(key, age)| event(key).at(now.plus(age)))).await;
    app
}

#[tokio::test]
async fn default_period_is_thirty_days_until_now() {
    let app = of_all_ages().await;
    for (window, days, expected) in [("LAST_24_HOURS", 1, "h"), ("LAST_7_DAYS", 7, "hd"), ("LAST_30_DAYS", 30, "hdw")] {
        let before = app.now();
        let response = app.admin().query_with(LIST, json!({ "occurredAt": { "window": window } })).await;
        let list = response.data("/auditEvents");
        assert_eq!((keys(list).as_str(), list["totalCount"].as_u64()), (expected, Some(expected.len() as u64)));
        let from = list["occurredAt"]["from"].as_str().unwrap();
        assert!(before.plus(-days * DAY).to_string().as_str() <= from, "{from}");
        assert!(from <= app.now().plus(-days * DAY).to_string().as_str(), "{from}");
        assert!(list["occurredAt"]["to"].as_str().unwrap() <= app.now().plus(1).to_string().as_str());
    }
    // An omitted variable keeps the default of the argument.
    assert_eq!(keys(app.admin().query_with(LIST, json!({})).await.data("/auditEvents")), "hdw");
    let response = app.admin().query("{ auditEvents { nodes { eventKey } } }").await;
    assert_eq!(keys(response.data("/auditEvents")), "hdw");
}

#[tokio::test]
async fn null_period_is_the_whole_log() {
    let app = of_all_ages().await;
    let response = app.admin().query_with(LIST, json!({ "occurredAt": { "window": "ALL" } })).await;
    assert_eq!(keys(response.data("/auditEvents")), "thdwm");
    assert_eq!(*response.data("/auditEvents/occurredAt"), json!({ "from": null, "to": null }));
}

#[tokio::test]
async fn period_includes_from_and_excludes_to() {
    let app = TestApp::start().await;
    let start = app.now().plus(-HOUR);
    app.record([("a", 0), ("b", 1), ("c", 2)].map(|(key, micros)| event(key).at(start.plus(micros)))).await;
    let timestamp = |micros| start.plus(micros).to_string();
    // The same time as `timestamp(1)`, with an offset and with a digit that is truncated.
    let elsewhere = start.plus(1 + 2 * HOUR).to_string().replace('Z', "9+02:00");
    for (between, expected) in [
        (json!({ "from": timestamp(0), "to": timestamp(2) }), "ba"),
        (json!({ "from": timestamp(1) }), "cb"),
        (json!({ "from": elsewhere }), "cb"),
        (json!({ "to": timestamp(1) }), "a"),
        (json!({ "from": null, "to": timestamp(1) }), "a"),
        (json!({ "from": timestamp(1), "to": timestamp(1) }), ""),
    ] {
        let response = app.admin().query_with(LIST, json!({ "occurredAt": { "between": between } })).await;
        assert_eq!(keys(response.data("/auditEvents")), expected, "{between}");
    }
    let between = json!({ "from": timestamp(0), "to": elsewhere });
    let response = app.admin().query_with(LIST, json!({ "occurredAt": { "between": between } })).await;
    assert_eq!(*response.data("/auditEvents/occurredAt"), json!({ "from": timestamp(0), "to": timestamp(1) }));
}

#[tokio::test]
async fn invalid_period_is_rejected() {
    let app = TestApp::start().await;
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    for (period, message) in [
        (json!({ "between": {} }), "`occurredAt.between` must have `from` or `to`"),
        (
            json!({ "between": { "from": late, "to": early } }),
            "`occurredAt.between.from` must not be later than `occurredAt.between.to`",
        ),
    ] {
        let response = app.admin().query_with(LIST, json!({ "occurredAt": period })).await;
        assert_eq!(response.error(), ("BAD_USER_INPUT", message), "{period}");
    }
    let both = json!({ "window": "LAST_7_DAYS", "between": { "from": early } });
    for period in [
        both,
        json!({}),
        json!({ "window": null }),
        json!({ "window": "LAST_YEAR" }),
        json!({ "between": { "from": "yesterday" } }),
        json!({ "between": { "from": "2026-01-01T00:00:00" } }),
        json!({ "between": { "from": 0 } }),
    ] {
        let response = app.admin().query_with(LIST, json!({ "occurredAt": period })).await;
        assert!(response.body["errors"][0]["message"].is_string(), "{period}: {}", response.text);
        assert_eq!(response.body.get("data").filter(|data| !data.is_null()), None, "{period}");
    }
    let literal =
        app.admin().query("{ auditEvents(occurredAt: {window: LAST_7_DAYS, between: {}}) { totalCount } }").await;
    assert_eq!(literal.error().0, "GRAPHQL_VALIDATION_FAILED", "{}", literal.text);
}

#[tokio::test]
async fn cursor_keeps_the_start_of_its_window() {
    let app = of_all_ages().await;
    let week = json!({ "window": "LAST_7_DAYS" });
    let response = app.admin().query_with(LIST, json!({ "occurredAt": week, "first": 1 })).await;
    let first = response.data("/auditEvents").clone();
    let variables = json!({ "occurredAt": week, "first": 1, "after": first["pageInfo"]["endCursor"] });
    let response = app.admin().query_with(LIST, variables).await;
    let second = response.data("/auditEvents");
    assert_eq!((keys(&first), keys(second)), ("h".to_owned(), "d".to_owned()));
    assert_eq!(second["occurredAt"]["from"], first["occurredAt"]["from"]);
    assert!(second["occurredAt"]["to"].as_str() > first["occurredAt"]["to"].as_str(), "the end moves with the clock");
}

#[tokio::test]
async fn cursor_of_another_window_is_rejected() {
    let app = of_all_ages().await;
    let of = async |window: &str| {
        let variables = json!({ "occurredAt": { "window": window }, "first": 1 });
        let response = app.admin().query_with(LIST, variables).await;
        response.data("/auditEvents/pageInfo/endCursor").clone()
    };
    let (day, week) = (of("LAST_24_HOURS").await, of("LAST_7_DAYS").await);
    let follow = async |after: &Value, period: Value| {
        app.admin().query_with(LIST, json!({ "occurredAt": period, "first": 9, "after": after })).await
    };
    let response = follow(&day, json!({ "window": "LAST_30_DAYS" })).await;
    assert_eq!(response.error(), ("BAD_USER_INPUT", "`after` must be a cursor of a list with the same period"));
    assert_eq!(keys(follow(&week, json!({ "window": "LAST_7_DAYS" })).await.data("/auditEvents")), "d");
    // A cursor without a window is only a position.
    assert_eq!(keys(follow(&week, json!({ "window": "ALL" })).await.data("/auditEvents")), "dwm");
    let response = app.admin().query_with(LIST, json!({ "occurredAt": { "window": "ALL" }, "first": 1 })).await;
    let cursor = response.data("/auditEvents/pageInfo/endCursor").clone();
    assert_eq!(keys(follow(&cursor, json!({ "window": "LAST_7_DAYS" })).await.data("/auditEvents")), "hd");
}
