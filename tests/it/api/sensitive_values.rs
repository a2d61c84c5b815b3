//! Sensitive values: returned to callers with the permission, visibly withheld from all others, and not inferable.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::client::Client;
use crate::harness::events::{Detail, EventBody, EventExt as _, change, event, json};

const SHOWN: &str = include_str!("../../documents/sensitive_values_shown.graphql");

/// An event with a sensitive value in every field that can hold one.
fn secret(key: &str, service: &str) -> EventBody {
    let body = event(key).service(service, "Device");
    let body = body
        .change(change("ClientSecret", Some("\"hunter1\""), Some("\"hunter2\"")))
        .change(change("Settings", None, Some(r#"{"wifi":{"preSharedKey":"hunter2"}}"#)))
        .change(change("Name", Some("\"Old\""), Some("\"New\"")));
    EventBody {
        status_reason: Some(r#"{"password":"hunter2"}"#.to_owned()),
        additional_details: vec![
            Detail::new("Password", Some("hunter2".to_owned())),
            Detail::new("Ticket", Some("T-1".to_owned())),
        ],
        unmapped: Some(json(r#"{"plain":1}"#)),
        ..body
    }
}

async fn two_secrets() -> TestApp {
    let app = TestApp::start().await;
    app.record([secret("entra", "Core Directory"), secret("intune", "Microsoft Intune"), event("plain")]).await;
    app
}

/// The visible events of a caller, by key.
async fn shown(client: &Client) -> Vec<(String, Value)> {
    let response = client.query(SHOWN).await;
    let nodes = response.data("/auditEvents/nodes").as_array().unwrap().clone();
    nodes.into_iter().map(|node| (node["eventKey"].as_str().unwrap().to_owned(), node)).collect()
}

fn assert_shown(node: &Value) {
    assert_eq!(node["isRedacted"], json!(false));
    assert_eq!(node["targets"][0]["modifiedProperties"][0]["newValue"], json!("hunter2"));
    assert_eq!(node["statusReason"], json!(r#"{"password":"hunter2"}"#));
    assert_eq!(node["additionalDetails"][0]["value"], json!("hunter2"));
    assert_eq!(node["unmapped"], json!({ "plain": 1 }));
    assert_eq!(node["raw"]["eventKey"], node["eventKey"]);
}

fn assert_withheld(node: &Value) {
    assert!(!node.to_string().contains("hunter"), "{node}");
    let expected = json!({
        "eventKey": node["eventKey"], "isRedacted": true, "unmapped": null, "raw": null, "statusReason": null,
        "targets": [{ "modifiedProperties": [
            {
                "name": "ClientSecret", "change": "CHANGED", "oldValue": null, "newValue": null,
                "redaction": "SENSITIVE",
            },
            { "name": "Settings", "change": "ADDED", "oldValue": null, "newValue": null, "redaction": "SENSITIVE" },
            { "name": "Name", "change": "CHANGED", "oldValue": "Old", "newValue": "New", "redaction": null },
        ] }],
        "additionalDetails": [
            { "key": "Password", "value": null, "redaction": "SENSITIVE" },
            { "key": "Ticket", "value": "T-1", "redaction": null },
        ],
    });
    assert_eq!(*node, expected);
}

#[tokio::test]
async fn auditor_sees_that_a_value_is_withheld() {
    let app = two_secrets().await;
    let nodes = shown(&app.auditor()).await;
    assert_eq!(nodes.len(), 3);
    for (key, node) in &nodes {
        if key == "plain" {
            assert_eq!(node["isRedacted"], json!(false));
            assert_eq!(node["raw"]["eventKey"], json!("plain"));
        } else {
            assert_withheld(node);
        }
    }
    // The same by every other field that returns an event.
    let query = "{ auditEventByKey(service: \"Core Directory\", eventKey: \"entra\") { id isRedacted raw } }";
    let response = app.auditor().query(query).await;
    assert_eq!(*response.data("/auditEventByKey/raw"), Value::Null);
    let node = "query($id: ID!) { node(id: $id) { ... on AuditEvent { isRedacted raw unmapped statusReason } } }";
    let response = app.auditor().query_with(node, json!({ "id": response.data("/auditEventByKey/id") })).await;
    let expected = json!({ "isRedacted": true, "raw": null, "unmapped": null, "statusReason": null });
    assert_eq!(*response.data("/node"), expected);
}

#[tokio::test]
async fn administrator_sees_sensitive_values_of_its_services() {
    let app = two_secrets().await;
    let nodes = shown(&app.admin()).await;
    assert_eq!(nodes.len(), 3);
    nodes.iter().filter(|(key, _)| key != "plain").for_each(|(_, node)| assert_shown(node));
    let nodes = shown(&app.intune_admin()).await;
    assert_eq!(nodes.len(), 1);
    assert_shown(&nodes[0].1);
}

#[tokio::test]
async fn several_grants_are_evaluated_per_event() {
    let app = two_secrets().await;
    let both = app.anonymous().roles("contoso", &["AUDIT_READER", "INTUNE_SERVICE_ADMIN"]);
    let nodes = shown(&both).await;
    assert_eq!(nodes.len(), 3);
    for (key, node) in &nodes {
        match key.as_str() {
            "entra" => assert_withheld(node),
            "intune" => assert_shown(node),
            _ => assert_eq!(node["isRedacted"], json!(false)),
        }
    }
    let to = |value: &str| json!({ "target": { "modifiedProperty": { "to": value } } });
    assert_eq!(both.keys(to("hunter2")).await, ["intune"]);
    assert_eq!(both.keys(json!({ "not": to("hunter2") })).await, ["plain", "entra"]);
}

#[tokio::test]
async fn withheld_values_cannot_be_found_by_filters() {
    let app = two_secrets().await;
    let property = |condition: Value| json!({ "target": { "modifiedProperty": condition } });
    for value in [
        property(json!({ "to": "hunter2" })),
        property(json!({ "from": "hunter1" })),
        property(json!({ "name": { "eq": "ClientSecret" }, "to": "hunter2" })),
        property(json!({ "name": { "eq": "ClientSecret" }, "from": "hunter1", "to": "hunter2" })),
        property(json!({ "change": { "eq": "ADDED" }, "to": { "wifi": { "preSharedKey": "hunter2" } } })),
        json!({ "search": "hunter2" }),
        json!({ "search": "password" }),
    ] {
        assert_eq!(app.auditor().keys(value.clone()).await, [""; 0], "{value}");
        let others = app.auditor().keys(json!({ "not": value })).await;
        assert_eq!(others, ["plain", "intune", "entra"], "the negation reveals nothing: {value}");
        let query = include_str!("../../documents/withheld_values_cannot_be_found_by_filters.graphql");
        let counts = app.auditor().query_with(query, json!({ "filter": value })).await;
        assert_eq!(*counts.data("/auditEvents"), json!({ "totalCount": 0, "countUpTo": { "value": 0 } }), "{value}");
    }
    // The name and kind of a change are visible, and so are the other values.
    for value in [
        property(json!({ "name": { "eq": "clientsecret" } })),
        property(json!({ "name": { "eq": "settings" }, "change": { "eq": "ADDED" } })),
        property(json!({ "from": "Old", "to": "New" })),
    ] {
        assert_eq!(app.auditor().keys(value.clone()).await, ["intune", "entra"], "{value}");
    }
    assert_eq!(app.admin().keys(property(json!({ "to": "hunter2" }))).await, ["intune", "entra"]);
}
