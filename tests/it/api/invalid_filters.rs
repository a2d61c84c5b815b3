//! Filters that are rejected: null or empty conditions, and filters over a limit.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::client::Response;

/// A filter with `levels` nested `not` filters.
fn levels(count: usize) -> Value {
    (1..count).fold(json!({ "eventKey": { "eq": "a" } }), |filter, _| json!({ "not": filter }))
}

#[track_caller]
fn assert_refused(response: &Response, code: &str, message: &str, filter: &Value) {
    assert_eq!(response.error(), (code, message), "{filter}");
    assert_eq!(response.body["errors"][0]["path"], json!(["auditEvents"]), "{filter}");
    assert_eq!(response.body["data"], Value::Null, "{filter}");
}

#[tokio::test]
async fn null_in_a_condition_is_rejected_with_its_path() {
    let app = TestApp::start().await;
    for (filter, part) in [
        (json!({ "category": { "eq": null } }), "category.eq"),
        (json!({ "service": { "in": null } }), "service.in"),
        (json!({ "activity": { "notIn": null } }), "activity.notIn"),
        (json!({ "component": { "startsWith": null, "eq": "a" } }), "component.startsWith"),
        (json!({ "correlationId": { "contains": null } }), "correlationId.contains"),
        (json!({ "eventKey": { "isSet": null } }), "eventKey.isSet"),
        (json!({ "involving": { "eq": null } }), "involving.eq"),
        (json!({ "status": { "in": null } }), "status.in"),
        (json!({ "operationType": { "notIn": null } }), "operationType.notIn"),
        (json!({ "activityResourceType": { "in": null } }), "activityResourceType.in"),
        (json!({ "initiatedBy": { "key": null } }), "initiatedBy.key"),
        (json!({ "initiatedBy": { "search": null } }), "initiatedBy.search"),
        (json!({ "initiatedBy": { "kind": null } }), "initiatedBy.kind"),
        (json!({ "initiatedBy": { "displayName": null } }), "initiatedBy.displayName"),
        (json!({ "initiatedBy": { "userPrincipalName": { "eq": null } } }), "initiatedBy.userPrincipalName.eq"),
        (json!({ "target": { "key": null } }), "target.key"),
        (json!({ "target": { "type": { "eq": null } } }), "target.type.eq"),
        (json!({ "target": { "modifiedProperty": null } }), "target.modifiedProperty"),
        (json!({ "target": { "modifiedProperty": { "name": null } } }), "target.modifiedProperty.name"),
        (json!({ "target": { "modifiedProperty": { "change": null } } }), "target.modifiedProperty.change"),
        (json!({ "and": [{}, { "or": [{ "not": { "category": { "eq": null } } }] }] }), "and[1].or[0].not.category.eq"),
    ] {
        let message = format!("`filter.{part}` must not be null; leave it out");
        assert_refused(&app.admin().filter(&filter).await, "BAD_USER_INPUT", &message, &filter);
    }
    let forgotten = "query($category: String) {
        auditEvents(filter: {category: {eq: $category}}) { nodes { id } }
    }";
    let response = app.admin().query_with(forgotten, json!({ "category": null })).await;
    assert_eq!(response.error(), ("BAD_USER_INPUT", "`filter.category.eq` must not be null; leave it out"));
    // An omitted variable makes the condition `{}`.
    let response = app.admin().query_with(forgotten, json!({})).await;
    assert_eq!(response.error(), ("BAD_USER_INPUT", "`filter.category` must hold at least one condition"));
}

#[tokio::test]
async fn empty_condition_is_rejected_with_its_path() {
    let app = TestApp::start().await;
    for (filter, part) in [
        (json!({ "category": {} }), "category"),
        (json!({ "involving": {} }), "involving"),
        (json!({ "status": {} }), "status"),
        (json!({ "activityResourceType": {} }), "activityResourceType"),
        (json!({ "operationType": {} }), "operationType"),
        (json!({ "initiatedBy": {} }), "initiatedBy"),
        (json!({ "initiatedBy": { "ipAddress": {} } }), "initiatedBy.ipAddress"),
        (json!({ "target": {} }), "target"),
        (json!({ "target": { "objectId": {} } }), "target.objectId"),
        (json!({ "target": { "modifiedProperty": {} } }), "target.modifiedProperty"),
        (json!({ "not": { "target": { "modifiedProperty": { "name": {} } } } }), "not.target.modifiedProperty.name"),
    ] {
        let message = format!("`filter.{part}` must hold at least one condition");
        assert_refused(&app.admin().filter(&filter).await, "BAD_USER_INPUT", &message, &filter);
    }
    let filter = json!({ "recorded": {} });
    let message = "`filter.recorded` needs `from` or `to`";
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
        (json!({ "initiatedBy": { "search": " " } }), "`filter.initiatedBy.search` must not be empty"),
        (json!({ "search": " " }), "`search` must hold at least one word"),
        (json!({ "search": "a b c d e f g h i j k l m n o p q r s t u" }), "`search` may hold at most 20 words"),
        (json!({ "search": long }), "`search` may have at most 1000 bytes"),
        (json!({ "eventKey": { "eq": long } }), "`filter.eventKey.eq` may have at most 1000 bytes"),
        (json!({ "service": { "in": many } }), "`filter.service.in` may hold at most 100 values"),
        (json!({ "service": { "notIn": many } }), "`filter.service.notIn` may hold at most 100 values"),
        (json!({ "target": { "key": many } }), "`filter.target.key` may hold at most 100 values"),
        (json!({ "initiatedBy": { "key": many } }), "`filter.initiatedBy.key` may hold at most 100 values"),
        (
            json!({ "recorded": { "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z" } }),
            "`filter.recorded.from` must not be later than `filter.recorded.to`",
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
    let six = json!({ "and": [{ "or": [{ "and": [{ "or": [{ "and": [{}] }] }] }] }] });
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
    let filter = json!({ "or": vec![json!({}); 51] });
    let message = "too many filters in a list: 51, where 50 are allowed";
    assert_refused(&app.admin().filter(&filter).await, "LIMIT_EXCEEDED", message, &filter);
    let response = app.admin().filter(&conditions(51)).await;
    let extensions = json!({ "code": "LIMIT_EXCEEDED", "asked": 51, "limit": 50 });
    assert_eq!(response.body["errors"][0]["extensions"], extensions);
}
