//! Filters that are rejected: null or empty conditions, and filters over a limit.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::client::Response;
use crate::harness::events::{EventExt as _, event};

/// A filter with `levels` nested `not` filters.
fn levels(count: usize) -> Value {
    (1..count).fold(json!({ "eventKey": { "eq": "a" } }), |filter, _| json!({ "not": filter }))
}

#[track_caller]
fn assert_refused(response: &Response, code: &str, message: &str, filter: &Value) {
    assert_eq!(response.error(), (code, message), "{filter}");
    assert_eq!(response.body["errors"][0]["path"], json!(["auditEvents"]), "{filter}");
    assert_eq!(response.body["data"], json!({ "auditEvents": null }), "{filter}");
}

#[tokio::test]
async fn null_is_as_omitted() {
    let app = TestApp::start().await;
    app.record([event("a"), event("b").service("Core Directory", "Other")]).await;
    for (filter, keys) in [
        (json!({ "category": { "eq": null } }), &["b", "a"][..]),
        (json!({ "category": { "eq": null, "in": ["Other"] } }), &["b"]),
        (json!({ "service": { "in": null }, "eventKey": { "eq": "a", "startsWith": null } }), &["a"]),
        (json!({ "status": { "in": null } }), &["b", "a"]),
        (json!({ "actor": { "displayName": { "eq": null } }, "target": { "modifiedProperty": null } }), &["b", "a"]),
        (json!({ "recordedAt": { "from": null, "to": null } }), &["b", "a"]),
        (json!({ "and": [{ "category": null }, { "eventKey": { "eq": "b" } }] }), &["b"]),
        (json!({ "and": [{ "category": { "eq": null } }] }), &["b", "a"]),
        (json!({ "not": null, "or": null, "and": null }), &["b", "a"]),
    ] {
        assert_eq!(app.admin().keys(filter.clone()).await, keys, "{filter}");
    }
    let unset = "query($category: String, $search: String, $first: Int, $period: AuditPeriodInput) {
        auditEvents(first: $first, occurredAt: $period, filter: {category: {eq: $category}, search: $search}) {
            occurredAt { from } totalCount
        }
        auditActors(search: \"a\", first: $first) { key }
        auditEventSummary(occurredAt: $period) { facet(field: STATUS, top: $first) { noneCount } }
    }";
    for variables in [json!({ "category": null, "search": null, "first": null, "period": null }), json!({})] {
        let response = app.admin().query_with(unset, variables).await;
        assert!(response.data("/auditEvents/occurredAt/from").is_string(), "the default period, not all time");
        assert_eq!(*response.data("/auditEventSummary/facet/noneCount"), json!(0));
    }
}

#[tokio::test]
async fn null_and_empty_conditions_below_not_and_or_are_rejected_with_their_path() {
    let app = TestApp::start().await;
    for (filter, part, is_null) in [
        (json!({ "not": { "category": { "eq": null } } }), "not.category.eq", true),
        (json!({ "not": { "category": null } }), "not.category", true),
        (json!({ "not": {} }), "not", false),
        (json!({ "or": [{}] }), "or[0]", false),
        (json!({ "or": [{ "search": "a" }, { "status": { "in": null } }] }), "or[1].status.in", true),
        (
            json!({ "not": { "target": { "modifiedProperty": { "name": {} } } } }),
            "not.target.modifiedProperty.name",
            false,
        ),
        (
            json!({ "and": [{ "search": "a" }, { "or": [{ "and": [{ "actor": {} }] }] }] }),
            "and[1].or[0].and[0].actor",
            false,
        ),
    ] {
        let rule = if is_null {
            "must not be null below `not` and `or`: leaving it out would reverse the meaning of the filter"
        } else {
            "must have at least one condition below `not` and `or`"
        };
        let response = app.admin().filter(&filter).await;
        assert_eq!(response.error(), ("BAD_USER_INPUT", &*format!("`filter.{part}` {rule}")), "{filter}");
        assert_eq!(response.body.get("data"), None, "{filter}");
    }
}

#[tokio::test]
async fn empty_condition_is_rejected_with_its_path() {
    let app = TestApp::start().await;
    for (filter, part) in [
        (json!({ "category": {} }), "category"),
        (json!({ "involving": {} }), "involving"),
        (json!({ "status": {} }), "status"),
        (json!({ "resourceType": {} }), "resourceType"),
        (json!({ "operationType": {} }), "operationType"),
        (json!({ "actor": {} }), "actor"),
        (json!({ "actor": { "ipAddress": {} } }), "actor.ipAddress"),
        (json!({ "target": {} }), "target"),
        (json!({ "target": { "objectId": {} } }), "target.objectId"),
        (json!({ "target": { "modifiedProperty": {} } }), "target.modifiedProperty"),
    ] {
        let message = format!("`filter.{part}` must have at least one condition");
        assert_refused(&app.admin().filter(&filter).await, "BAD_USER_INPUT", &message, &filter);
    }
    let filter = json!({ "recordedAt": {} });
    let message = "`filter.recordedAt` must have `from` or `to`";
    assert_refused(&app.admin().filter(&filter).await, "BAD_USER_INPUT", message, &filter);
}

#[tokio::test]
async fn blank_strings_and_inverted_ranges_are_rejected() {
    let app = TestApp::start().await;
    let long = "x".repeat(1_001);
    let many = vec!["a"; 101];
    for (filter, message) in [
        (json!({ "category": { "eq": "" } }), "`filter.category.eq` must not be empty"),
        (json!({ "category": { "contains": " \u{a0}" } }), "`filter.category.contains` must not be empty"),
        (json!({ "category": { "in": ["a", ""] } }), "`filter.category.in.1` must not be empty"),
        (json!({ "activity": { "startsWith": " " } }), "`filter.activity.startsWith` must not be empty"),
        (json!({ "target": { "search": "" } }), "`filter.target.search` must not be empty"),
        (json!({ "actor": { "search": " " } }), "`filter.actor.search` must not be empty"),
        (json!({ "search": " " }), "`search` must contain at least one word"),
        (json!({ "search": "a b c d e f g h i j k l m n o p q r s t u" }), "`search` may contain at most 20 words"),
        (json!({ "search": long }), "`search` may have at most 1000 bytes"),
        (json!({ "eventKey": { "eq": long } }), "`filter.eventKey.eq` may have at most 1000 bytes"),
        (json!({ "service": { "in": many } }), "`filter.service.in` may have at most 100 values"),
        (json!({ "service": { "notIn": many } }), "`filter.service.notIn` may have at most 100 values"),
        (json!({ "target": { "key": { "in": many } } }), "`filter.target.key.in` may have at most 100 values"),
        (json!({ "actor": { "key": { "in": many } } }), "`filter.actor.key.in` may have at most 100 values"),
        (
            json!({ "recordedAt": { "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z" } }),
            "`filter.recordedAt.from` must not be later than `filter.recordedAt.to`",
        ),
    ] {
        assert_refused(&app.admin().filter(&filter).await, "BAD_USER_INPUT", message, &filter);
    }
    assert_eq!(app.admin().keys(json!({ "service": { "in": many[1..] } })).await, [""; 0]);
    assert_eq!(app.admin().keys(json!({ "eventKey": { "eq": long[1..] } })).await, [""; 0]);
}

#[tokio::test]
async fn filter_depth_and_condition_count_are_limited() {
    let app = TestApp::start().await;
    let five = app.admin().filter(&levels(5)).await;
    five.data("/auditEvents");
    let six = levels(6);
    let message = "too many levels of the filter: 6, where 5 are allowed";
    assert_refused(&app.admin().filter(&six).await, "LIMIT_EXCEEDED", message, &six);
    let six = json!({ "and": [{ "or": [{ "and": [{ "or": [{ "and": [{ "search": "a" }] }] }] }] }] });
    assert_refused(&app.admin().filter(&six).await, "LIMIT_EXCEEDED", message, &six);

    let conditions = |count: usize| {
        let one = json!({ "eventKey": { "eq": "a", "contains": "a" } });
        let mut or = vec![one; count / 2];
        or.extend(vec![json!({ "search": "a" }); count % 2]);
        json!({ "or": or })
    };
    app.admin().filter(&conditions(50)).await.data("/auditEvents");
    let filter = conditions(51);
    let message = "too many conditions in the filter: 51, where 50 are allowed";
    assert_refused(&app.admin().filter(&filter).await, "LIMIT_EXCEEDED", message, &filter);
    let filter = json!({ "or": vec![json!({ "and": [] }); 51] });
    let message = "too many filters in a list: 51, where 50 are allowed";
    assert_refused(&app.admin().filter(&filter).await, "LIMIT_EXCEEDED", message, &filter);
    let response = app.admin().filter(&conditions(51)).await;
    let extensions = json!({ "code": "LIMIT_EXCEEDED", "asked": 51, "limit": 50 });
    assert_eq!(response.body["errors"][0]["extensions"], extensions);
}
