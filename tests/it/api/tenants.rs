//! Tenants: logs with the same events are isolated, and a token needs an enabled tenant.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::events::{EventBody, EventExt as _, HOUR, event, user};

fn same() -> EventBody {
    event("same")
}

#[tokio::test]
async fn tenants_with_the_same_events_are_isolated() {
    let app = TestApp::start().await;
    let fabrikam = app.add_tenant("fabrikam").await;
    let start = app.now().plus(-HOUR);
    let ours = [same().at(start), event("ours").at(start.plus(1)).activity("Ours alone").actor(user("ours@x.example"))];
    let theirs =
        [same().at(start), event("theirs").at(start.plus(2)).activity("Theirs alone").actor(user("theirs@x.example"))];
    app.record(ours).await;
    app.record_for(&fabrikam, theirs).await;
    let query = include_str!("../../documents/tenants_with_the_same_events_are_isolated.graphql");
    let them = app.anonymous().role_in("fabrikam", "GLOBAL_ADMIN");
    let mut ids = Vec::new();
    for (client, own, other) in [(app.admin(), "ours", "theirs"), (them.clone(), "theirs", "ours")] {
        let response = client.query_with(query, json!({ "other": other })).await;
        let data = response.data("");
        assert!(!response.text.to_lowercase().contains(&other.to_lowercase()), "{}", response.text);
        assert_eq!(data["auditEvents"]["totalCount"], json!(2));
        assert_eq!(data["byKey"], Value::Null);
        assert_eq!(data["auditEvents"]["nodes"][0]["eventKey"], json!(own));
        assert_eq!(data["auditEvents"]["nodes"][0]["sequence"], json!(2), "each log has its own sequence");
        assert_eq!(data["auditActors"], json!([{ "name": format!("{own}@x.example") }]));
        assert_eq!(data["auditActivityTypes"]["nodes"].as_array().unwrap().len(), 1);
        assert_eq!(data["auditLogInfo"]["lastSequence"], json!(2));
        ids.push(data["auditEvents"]["nodes"][0]["id"].clone());
    }
    let node = "query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } auditEvent(id: $id) { id } }";
    let response = app.admin().query_with(node, json!({ "id": ids[1] })).await;
    assert_eq!(*response.data(""), json!({ "node": null, "nodes": [null], "auditEvent": null }));
    let response = them.query_with(node, json!({ "id": ids[1] })).await;
    assert_eq!(*response.data("/node/id"), ids[1], "the event is in the log of its tenant");
}

#[tokio::test]
async fn cursor_of_another_tenant_reveals_nothing() {
    let app = TestApp::start().await;
    let fabrikam = app.add_tenant("fabrikam").await;
    let start = app.now().plus(-HOUR);
    app.record(["a", "b", "c"].map(|key| event(key).at(start))).await;
    app.record_for(&fabrikam, ["x", "y", "z"].map(|key| event(key).at(start))).await;
    let query = include_str!("../../documents/cursor_of_another_tenant_reveals_nothing.graphql");
    let them = app.anonymous().role_in("fabrikam", "GLOBAL_ADMIN");
    let theirs = them.query_with(query, json!({})).await;
    let cursor = theirs.data("/auditEvents/pageInfo/endCursor");
    let response = app.admin().query_with(query, json!({ "after": cursor })).await;
    let expected = app.admin().query("{ auditEvents(first: 2) { nodes { eventKey } } }").await;
    assert_eq!(response.data("/auditEvents/nodes/0"), expected.data("/auditEvents/nodes/1"));
}

#[tokio::test]
async fn unknown_or_disabled_tenant_is_forbidden() {
    let app = TestApp::start().await;
    let response = app.anonymous().role_in("unknown", "GLOBAL_ADMIN").query("{ viewer { subject } }").await;
    assert_eq!(response.status, 403);
    assert_eq!(response.error(), ("FORBIDDEN", "the token's tenant has no log here"));
    assert_eq!(response.header("www-authenticate"), "");
    let cased = app.anonymous().role_in("Contoso", "GLOBAL_ADMIN").query("{ viewer { subject } }").await;
    assert_eq!(cased.status, 403, "tenant keys are case-sensitive");

    app.add_tenant("closed").await;
    app.close_tenant("closed").await;
    let response = app.anonymous().role_in("closed", "GLOBAL_ADMIN").query("{ viewer { subject } }").await;
    assert_eq!((response.status, response.error()), (403, ("FORBIDDEN", "the token's tenant has no log here")));
    assert_eq!(response.body.get("data"), None);
    app.admin().query("{ viewer { subject } }").await.data("/viewer");
}
