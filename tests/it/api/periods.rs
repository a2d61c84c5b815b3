//! Periods: which span of time a list is of, and that a reader who pages through it stays in it.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::events::{DAY, EventExt as _, HOUR, event};

const LIST: &str = "query($period: AuditPeriodInput, $first: Int, $after: String) {
    auditEvents(period: $period, first: $first, after: $after) {
        nodes { eventKey } period { from to } pageInfo { endCursor } totalCount
    }
}";

fn keys(list: &Value) -> String {
    list["nodes"].as_array().unwrap().iter().map(|node| node["eventKey"].as_str().unwrap()).collect()
}

/// Events as old as their names say: an hour, three days, twenty days, forty days; and one that is to come.
async fn of_all_ages() -> TestApp {
    let app = TestApp::start().await;
    let now = app.now();
    let ages = [("h", -HOUR), ("d", -3 * DAY), ("w", -20 * DAY), ("m", -40 * DAY), ("t", HOUR)];
    app.record(ages.map(|(key, age)| event(key).at(now.plus(age)))).await;
    app
}

#[tokio::test]
async fn a_window_ends_now_and_thirty_days_are_the_default() {
    let app = of_all_ages().await;
    for (window, days, expected) in [("LAST_24_HOURS", 1, "h"), ("LAST_7_DAYS", 7, "hd"), ("LAST_30_DAYS", 30, "hdw")] {
        let before = app.now();
        let answer = app.admin().query_with(LIST, json!({ "period": { "window": window } })).await;
        let list = answer.data("/auditEvents");
        assert_eq!((keys(list).as_str(), list["totalCount"].as_u64()), (expected, Some(expected.len() as u64)));
        let from = list["period"]["from"].as_str().unwrap();
        assert!(before.plus(-days * DAY).to_string().as_str() <= from, "{from}");
        assert!(from <= app.now().plus(-days * DAY).to_string().as_str(), "{from}");
        assert!(list["period"]["to"].as_str().unwrap() <= app.now().plus(1).to_string().as_str());
    }
    // A variable that is left out leaves the argument's default.
    assert_eq!(keys(app.admin().query_with(LIST, json!({})).await.data("/auditEvents")), "hdw");
    let answer = app.admin().query("{ auditEvents { nodes { eventKey } } }").await;
    assert_eq!(keys(answer.data("/auditEvents")), "hdw");
}

#[tokio::test]
async fn null_is_all_that_is_kept() {
    let app = of_all_ages().await;
    let answer = app.admin().query_with(LIST, json!({ "period": null })).await;
    assert_eq!(keys(answer.data("/auditEvents")), "thdwm");
    assert_eq!(*answer.data("/auditEvents/period"), json!({ "from": null, "to": null }));
}

#[tokio::test]
async fn between_two_moments_the_first_belongs_and_the_last_does_not() {
    let app = TestApp::start().await;
    let start = app.now().plus(-HOUR);
    app.record([("a", 0), ("b", 1), ("c", 2)].map(|(key, micros)| event(key).at(start.plus(micros)))).await;
    let moment = |micros| start.plus(micros).to_string();
    // The same moment as `moment(1)`, said with an offset and with a digit that is cut off.
    let elsewhere = start.plus(1 + 2 * HOUR).to_string().replace('Z', "9+02:00");
    for (between, expected) in [
        (json!({ "from": moment(0), "to": moment(2) }), "ba"),
        (json!({ "from": moment(1) }), "cb"),
        (json!({ "from": elsewhere }), "cb"),
        (json!({ "to": moment(1) }), "a"),
        (json!({ "from": null, "to": moment(1) }), "a"),
        (json!({ "from": moment(1), "to": moment(1) }), ""),
    ] {
        let answer = app.admin().query_with(LIST, json!({ "period": { "between": between } })).await;
        assert_eq!(keys(answer.data("/auditEvents")), expected, "{between}");
    }
    let between = json!({ "from": moment(0), "to": elsewhere });
    let answer = app.admin().query_with(LIST, json!({ "period": { "between": between } })).await;
    assert_eq!(*answer.data("/auditEvents/period"), json!({ "from": moment(0), "to": moment(1) }));
}

#[tokio::test]
async fn a_period_that_cannot_be_is_refused() {
    let app = TestApp::start().await;
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    for (period, message) in [
        (json!({ "between": {} }), "`period.between` must have `from` or `to`"),
        (json!({ "between": { "from": null } }), "`period.between` must have `from` or `to`"),
        (
            json!({ "between": { "from": late, "to": early } }),
            "`period.between.from` must not be later than `period.between.to`",
        ),
    ] {
        let answer = app.admin().query_with(LIST, json!({ "period": period })).await;
        assert_eq!(answer.error(), ("BAD_USER_INPUT", message), "{period}");
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
        let answer = app.admin().query_with(LIST, json!({ "period": period })).await;
        assert!(answer.body["errors"][0]["message"].is_string(), "{period}: {}", answer.text);
        assert_eq!(answer.body.get("data").filter(|data| !data.is_null()), None, "{period}");
    }
    let literal = app.admin().query("{ auditEvents(period: {window: LAST_7_DAYS, between: {}}) { totalCount } }").await;
    assert_eq!(literal.error().0, "GRAPHQL_VALIDATION_FAILED", "{}", literal.text);
}

#[tokio::test]
async fn cursors_keep_the_start_of_the_window_they_were_made_in() {
    let app = of_all_ages().await;
    let week = json!({ "window": "LAST_7_DAYS" });
    let answer = app.admin().query_with(LIST, json!({ "period": week, "first": 1 })).await;
    let first = answer.data("/auditEvents").clone();
    let variables = json!({ "period": week, "first": 1, "after": first["pageInfo"]["endCursor"] });
    let answer = app.admin().query_with(LIST, variables).await;
    let second = answer.data("/auditEvents");
    assert_eq!((keys(&first), keys(second)), ("h".to_owned(), "d".to_owned()));
    assert_eq!(second["period"]["from"], first["period"]["from"]);
    assert!(second["period"]["to"].as_str() > first["period"]["to"].as_str(), "the end moves with the clock");
}

#[tokio::test]
async fn a_cursor_of_one_window_is_not_taken_for_another() {
    let app = of_all_ages().await;
    let of = async |window: &str| {
        let variables = json!({ "period": { "window": window }, "first": 1 });
        let answer = app.admin().query_with(LIST, variables).await;
        answer.data("/auditEvents/pageInfo/endCursor").clone()
    };
    let (day, week) = (of("LAST_24_HOURS").await, of("LAST_7_DAYS").await);
    let follow = async |after: &Value, period: Value| {
        app.admin().query_with(LIST, json!({ "period": period, "first": 9, "after": after })).await
    };
    let answer = follow(&day, json!({ "window": "LAST_30_DAYS" })).await;
    assert_eq!(answer.error(), ("BAD_USER_INPUT", "`after` must be a cursor of a list with the same period"));
    assert_eq!(keys(follow(&week, json!({ "window": "LAST_7_DAYS" })).await.data("/auditEvents")), "d");
    // Without a window a cursor is a place and nothing else.
    assert_eq!(keys(follow(&week, Value::Null).await.data("/auditEvents")), "dwm");
    let answer = app.admin().query_with(LIST, json!({ "period": null, "first": 1 })).await;
    let place = answer.data("/auditEvents/pageInfo/endCursor").clone();
    assert_eq!(keys(follow(&place, json!({ "window": "LAST_7_DAYS" })).await.data("/auditEvents")), "hd");
}
