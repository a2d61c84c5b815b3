//! Failures of the database: errors that reveal nothing internal, and never an empty list.

use serde_json::json;

use crate::harness::app::TestApp;
use crate::harness::client::Response;
use crate::harness::events::{EventExt as _, event};

const LIST: &str = "{ auditEvents(occurredAt: { window: ALL }) { nodes { eventKey } } }";

/// Asserts an internal error at a path, written with dots: a constant message and the request id, but nothing of the
/// cause.
#[track_caller]
fn assert_internal(response: &Response, path: &str) {
    let path: Vec<&str> = path.split('.').collect();
    let request_id = response.header("x-request-id");
    assert_eq!(request_id.len(), 36);
    let expected = json!({
        "message": "internal error", "path": path,
        "extensions": { "code": "INTERNAL_SERVER_ERROR", "requestId": request_id },
    });
    let mut error = response.body["errors"][0].clone();
    error.as_object_mut().unwrap().remove("locations");
    assert_eq!(error, expected, "{}", response.text);
    let text = response.text.to_lowercase();
    for inside in
        ["audit_event", "corrupt", "sqlx", "sqlite", "select", "relation", "columns", "table", "expected", "src/"]
    {
        assert!(!text.contains(inside), "{inside}: {text}");
    }
}

#[tokio::test]
async fn corrupt_event_is_an_internal_error_without_details() {
    let app = TestApp::start().await;
    app.record([event("good"), event("bad")]).await;
    let id = app.admin().query("{ auditEvents(occurredAt: { window: ALL }, last: 1) { nodes { id } } }").await;
    let id = id.data("/auditEvents/nodes/0/id").clone();
    let body = "'{\"eventKey\":\"secret inside', body_format = 1";
    app.database.execute(&format!("UPDATE audit_event SET body = {body} WHERE sequence = 2")).await;
    for (query, path) in [
        (LIST, "auditEvents.nodes"),
        ("{ auditEvents(occurredAt: { window: ALL }) { edges { cursor } } }", "auditEvents.edges"),
        ("{ auditEventByKey(service: \"Core Directory\", eventKey: \"bad\") { id } }", "auditEventByKey"),
        ("{ auditActors(search: \"ada\") { name } }", "auditActors"),
    ] {
        let response = app.admin().query(query).await;
        assert_internal(&response, path);
        assert_eq!(response.status, 200);
        assert!(!response.text.contains("secret inside"));
    }
    // Fields that do not need the row are resolved.
    let query = "query($id: ID!) { node(id: $id) { ... on AuditEvent { eventKey } } }";
    let response = app.admin().query_with(query, json!({ "id": id })).await;
    assert_eq!(*response.data("/node/eventKey"), json!("good"));
    assert_eq!(app.admin().keys(json!({ "eventKey": { "eq": "good" } })).await, ["good"]);
}

#[tokio::test]
async fn failed_nullable_field_keeps_the_rest_of_the_response() {
    let app = TestApp::start().await;
    app.record([event("bad")]).await;
    app.database.execute("UPDATE audit_event SET body = '{}', body_format = 1").await;
    let query = "{ viewer { subject } auditEventByKey(service: \"Core Directory\", eventKey: \"bad\") { id } }";
    let response = app.admin().query(query).await;
    assert_internal(&response, "auditEventByKey");
    assert_eq!(response.body["data"], json!({ "viewer": { "subject": "test-user" }, "auditEventByKey": null }));
}

#[tokio::test]
async fn events_are_returned_if_activity_types_fail() {
    let app = TestApp::start().await;
    app.record([event("a"), event("b")]).await;
    app.database.execute("DROP TABLE activity_type").await;
    let query = "{ auditEvents(occurredAt: { window: ALL }) { totalCount nodes { eventKey activityType { key } } } }";
    let response = app.admin().query(query).await;
    let expected = json!({ "auditEvents": { "totalCount": 2, "nodes": [
        { "eventKey": "b", "activityType": null }, { "eventKey": "a", "activityType": null },
    ] } });
    assert_eq!(response.body["data"], expected, "{}", response.text);
    let errors = response.body["errors"].as_array().unwrap();
    let paths: Vec<_> = errors.iter().map(|error| &error["path"]).collect();
    assert_eq!(paths.len(), 2);
    assert!(paths.contains(&&json!(["auditEvents", "nodes", 1, "activityType"])), "{paths:?}");
}

#[tokio::test]
async fn body_with_another_service_than_its_row_is_never_returned() {
    let app = TestApp::start().await;
    app.record([event("moved"), event("of Intune").service("Microsoft Intune", "Device")]).await;
    let moved = "UPDATE audit_event SET service = (SELECT MAX(service) FROM audit_event) WHERE sequence = 1";
    app.database.execute(moved).await;
    let response = app.intune_admin().query(LIST).await;
    assert_internal(&response, "auditEvents.nodes");
    assert_eq!(response.body["data"], json!({ "auditEvents": null }));
}

#[tokio::test]
async fn database_error_is_never_an_empty_list() {
    let app = TestApp::start().await;
    app.record([event("a")]).await;
    app.admin().query(LIST).await.data("/auditEvents/nodes/0");
    for table in ["event_target", "property_change", "audit_event", "event_key", "activity_type", "tenant_log"] {
        app.database.execute(&format!("DROP TABLE {table}")).await;
    }
    for (query, path) in [
        (LIST, "auditEvents"),
        ("{ auditEvents { totalCount } }", "auditEvents"),
        ("{ node(id: \"AQAAAAAAAAAAAAAAAAAAAAA\") { id } }", "node"),
        ("{ nodes(ids: [\"AQAAAAAAAAAAAAAAAAAAAAA\"]) { id } }", "nodes"),
        ("{ auditEvent(id: \"AQAAAAAAAAAAAAAAAAAAAAA\") { id } }", "auditEvent"),
        ("{ auditEventByKey(service: \"a\", eventKey: \"a\") { id } }", "auditEventByKey"),
        ("{ auditActors(search: \"a\") { key } }", "auditActors"),
        ("{ auditActivityTypes { nodes { key } } }", "auditActivityTypes"),
        ("{ auditServices { key } }", "auditServices"),
        ("{ auditCategories { key } }", "auditCategories"),
        ("{ auditLogInfo { lastSequence } }", "auditLogInfo"),
    ] {
        let response = app.admin().query(query).await;
        assert_internal(&response, path);
        assert!(response.body["data"].is_null() || response.body["data"][path].is_null(), "{}", response.text);
    }
    app.admin().query("{ viewer { subject } }").await.data("/viewer");
}

#[tokio::test]
async fn failed_tenant_lookup_denies_access() {
    let app = TestApp::start().await;
    app.database.execute("ALTER TABLE tenant RENAME TO elsewhere").await;
    let response = app.admin().query("{ viewer { subject } }").await;
    assert_eq!(response.status, 500);
    assert_eq!(response.body.get("data"), None);
    let extensions = json!({ "code": "INTERNAL_SERVER_ERROR", "requestId": response.header("x-request-id") });
    let expected = json!({ "errors": [{ "message": "internal error", "extensions": extensions }] });
    assert_eq!(response.body, expected);
}
