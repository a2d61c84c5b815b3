//! Events read back: every field as it was recorded, by every identifier.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::events::{
    Actor, ActorApplication, ActorKind, Detail, EventBody, EventExt as _, GroupSource, OperationType, Recording,
    RecordingRoute, ResourceType, Status, Target, application, change, event, json, user,
};

const EVENT: &str = include_str!("../../documents/event.graphql");

const IDS: &str = include_str!("../../documents/events_ids.graphql");

/// Returns the id of the event with a key, read from a list.
async fn id(app: &TestApp, key: &str) -> String {
    let filter = json!({ "filter": { "eventKey": { "eq": key } } });
    let response = app.admin().query_with(IDS, filter).await;
    response.data("/auditEvents/nodes/0/id").as_str().unwrap().to_owned()
}

/// An event with every field set.
fn everything() -> EventBody {
    EventBody {
        event_key: "whole-\u{1f5dd}".to_owned(),
        activity: "Update group".to_owned(),
        activity_display_name: "Update group \u{2013} überall".to_owned(),
        category: "GroupManagement".to_owned(),
        component: Some("Groups".to_owned()),
        operation_type: OperationType::Update,
        resource_type: ResourceType::Group,
        group_source: Some(GroupSource::O365),
        status: Status::Failure,
        status_reason: Some("no \"licence\"\n\u{1}".to_owned()),
        correlation_id: Some("C-1".to_owned()),
        actor: Actor {
            object_id: Some("U-1".to_owned()),
            display_name: Some("Ada \u{202e}L".to_owned()),
            application: Some(ActorApplication {
                application_id: Some("app".to_owned()),
                display_name: Some("Portal".to_owned()),
            }),
            permissions: vec!["a".to_owned(), "b".to_owned()],
            ip_address: Some("2001:db8::1".to_owned()),
            user_agent: Some("curl".to_owned()),
            ..user("ada@contoso.example")
        },
        targets: vec![
            Target {
                object_id: Some("42".to_owned()),
                user_principal_name: None,
                display_name: Some("Team \u{1f600} e\u{301}".to_owned()),
                kind: Some("Group".to_owned()),
                modified_properties: vec![change("Size", Some("1.10"), Some("12345678901234567890123"))],
            },
            Target { user_principal_name: Some("bob@contoso.example".to_owned()), ..Target::default() },
        ],
        additional_details: vec![
            Detail::new("k", Some("1".to_owned())),
            Detail::new("k", Some(String::new())),
            Detail::new("", None),
        ],
        unmapped: Some(json(r#"{"z":1,"a":[null]}"#)),
        recording: Recording {
            route: RecordingRoute::Import,
            recorded_by: "ops".to_owned(),
            client_id: Some("client".to_owned()),
            source: Some("intune:a.json".to_owned()),
            source_tenant_id: Some("t".to_owned()),
        },
        ..event("whole")
    }
}

#[tokio::test]
async fn event_has_every_recorded_field() {
    let app = TestApp::start().await;
    let before = app.now();
    app.record([everything()]).await;
    let id = id(&app, "whole-\u{1f5dd}").await;
    let response = app.admin().query_with(EVENT, json!({ "id": id })).await;
    let mut got = response.data("/auditEvent").clone();
    let recorded_at = got["recordedAt"].take();
    assert!((before.to_string()..=app.now().to_string()).contains(&recorded_at.as_str().unwrap().to_owned()));
    let raw = got["raw"].take();
    assert_eq!(raw, serde_json::to_value(everything()).unwrap());
    assert!(response.text.contains(r#""oldValue":1.10,"newValue":12345678901234567890123,"#), "{}", response.text);
    for value in ["oldValue", "newValue"] {
        got["targets"][0]["modifiedProperties"][0][value].take();
    }
    let expected = json!({
        "__typename": "AuditEvent", "id": id, "occurredAt": "2026-06-15T11:59:00.000000Z", "recordedAt": null,
        "sequence": 1, "eventKey": "whole-\u{1f5dd}", "activity": "Update group",
        "activityDisplayName": "Update group \u{2013} überall", "activityType": { "key": "Update group" },
        "category": "GroupManagement", "service": "Core Directory", "component": "Groups", "operationType": "UPDATE",
        "resourceType": "GROUP", "groupSource": "O365", "status": "FAILURE",
        "statusReason": "no \"licence\"\n\u{1}", "correlationId": "C-1",
        "actor": {
            "__typename": "UserActor", "key": "user:id:u-1", "kind": "USER",
            "name": "Ada \u{202e}L", "displayName": "Ada \u{202e}L", "userPrincipalName": "ada@contoso.example",
            "objectId": "U-1", "permissions": ["a", "b"], "ipAddress": "2001:db8::1", "userAgent": "curl",
            "application": { "applicationId": "app", "displayName": "Portal" },
        },
        "targets": [{
            "key": "id:42:group", "objectId": "42",
            "displayName": "Team \u{1f600} e\u{301}", "type": "Group", "userPrincipalName": null,
            "modifiedProperties": [
                { "name": "Size", "change": "CHANGED", "oldValue": null, "newValue": null, "redaction": null },
            ],
        }, {
            "key": "upn:bob@contoso.example", "objectId": null, "displayName": null,
            "type": null, "userPrincipalName": "bob@contoso.example", "modifiedProperties": [],
        }],
        "additionalDetails": [
            { "key": "k", "value": "1", "redaction": null }, { "key": "k", "value": "", "redaction": null },
            { "key": "", "value": null, "redaction": null },
        ],
        "unmapped": { "z": 1, "a": [null] },
        "recording": {
            "route": "IMPORT", "recordedBy": "ops", "clientId": "client", "source": "intune:a.json",
            "sourceTenantId": "t",
        },
        "isRedacted": false, "raw": null,
    });
    assert_eq!(got, expected);
}

#[tokio::test]
async fn absent_fields_are_null_and_empty_ones_stay_empty() {
    let app = TestApp::start().await;
    let mut bare = event("bare").activity("Never heard of").targets(Vec::new());
    bare.actor = Actor::new(ActorKind::Unknown);
    let mut empty = event("empty");
    empty.component = Some(String::new());
    empty.status_reason = Some(String::new());
    empty.targets[0].display_name = Some("a\0b".to_owned());
    empty.targets[0].kind = Some(String::new());
    app.record([bare, empty]).await;
    let query = include_str!("../../documents/absent_fields_are_null_and_empty_ones_stay_empty.graphql");
    let response = app.admin().query(query).await;
    let expected = json!([{
        "component": null, "statusReason": null, "groupSource": null, "correlationId": null, "unmapped": null,
        "activityType": { "key": "Never heard of", "isBuiltIn": false },
        "actor": { "__typename": "UnknownActor", "name": "Unknown", "application": null, "ipAddress": null },
        "targets": [],
    }, {
        "component": "", "statusReason": "", "groupSource": null, "correlationId": null, "unmapped": null,
        "activityType": { "key": "Add user", "isBuiltIn": true },
        "actor": {
            "__typename": "UserActor", "name": "ada@contoso.example", "application": null, "ipAddress": null,
        },
        "targets": [{ "displayName": "a\0b", "type": "", "modifiedProperties": [] }],
    }]);
    assert_eq!(*response.data("/auditEvents/nodes"), expected);
}

#[tokio::test]
async fn json_values_are_returned_byte_for_byte() {
    let app = TestApp::start().await;
    let values = [
        "1.10",
        "-0.0",
        "1E400",
        "12345678901234567890123",
        r#"{"a":1,"a":2,"":{}}"#,
        r#""\u00e9\/\n é \ud83d\ude00 😀""#,
        r#""""#,
        "[[],{},null,true,false]",
        r#""{\"json\": [1.0]}""#,
        "null",
    ];
    let body = values.iter().fold(event("odd"), |body, value| body.change(change("Odd", Some(value), Some(value))));
    app.record([EventBody { unmapped: Some(json(&format!("[{}]", values.join(",")))), ..body }]).await;
    let query = include_str!("../../documents/json_values_are_returned_byte_for_byte.graphql");
    let response = app.admin().query(query).await;
    // `1E400` is valid JSON, but serde_json cannot read it as a number, so the raw string is compared.
    let pairs: Vec<String> =
        values.iter().map(|value| format!(r#"{{"oldValue":{value},"newValue":{value}}}"#)).collect();
    for text in
        [format!(r#""modifiedProperties":[{}]"#, pairs.join(",")), format!("\"unmapped\":[{}]", values.join(","))]
    {
        assert!(response.text.contains(&text), "{text} is not in {}", response.text);
    }
    let raw = response.text.split_once("\"raw\":").unwrap().1;
    assert!(values.iter().all(|value| raw.contains(&format!(r#""oldValue":{value},"newValue":{value}"#))), "{raw}");
}

#[tokio::test]
async fn each_actor_kind_has_its_own_type() {
    let app = TestApp::start().await;
    let mut sync = application("Sync");
    sync.object_id = Some("sp-1".to_owned());
    sync.service_principal_name = Some("sync.contoso.example".to_owned());
    let system = Actor { display_name: Some("Rollover".to_owned()), ..Actor::new(ActorKind::System) };
    let unknown = Actor::new(ActorKind::User);
    app.record([event("1").actor(sync), event("2").actor(system), event("3").actor(unknown)]).await;
    let query = include_str!("../../documents/each_actor_kind_has_its_own_type.graphql");
    let response = app.admin().query(query).await;
    let expected = json!([{ "actor": {
        "__typename": "ApplicationActor", "key": "application:id:sp-1", "kind": "APPLICATION", "name": "Sync",
        "application": { "applicationId": "Sync-id", "displayName": "Sync" }, "servicePrincipalId": "sp-1",
        "servicePrincipalName": "sync.contoso.example",
    } }, { "actor": {
        "__typename": "SystemActor", "key": "system:name:rollover", "kind": "SYSTEM", "name": "Rollover",
        "application": null,
    } }, { "actor": {
        "__typename": "UserActor", "key": "user:name:", "kind": "USER", "name": "User", "application": null,
        "displayName": null, "userPrincipalName": null, "objectId": null, "permissions": [],
    } }]);
    assert_eq!(*response.data("/auditEvents/nodes"), expected);
}

#[tokio::test]
async fn event_is_found_by_every_identifier() {
    let app = TestApp::start().await;
    app.record([event("first"), event("second").service("Microsoft Intune", "Device")]).await;
    let id = id(&app, "first").await;
    let query = include_str!("../../documents/event_is_found_by_every_identifier.graphql");
    let response = app.admin().query_with(query, json!({ "id": id })).await;
    let expected = json!({
        "node": { "__typename": "AuditEvent", "id": id, "eventKey": "first" }, "nodes": [{ "id": id }],
        "auditEvent": { "id": id, "eventKey": "first" }, "byKey": { "id": id }, "otherService": null,
        "otherCase": null,
    });
    assert_eq!(*response.data(""), expected);
}

#[tokio::test]
async fn event_id_depends_on_service_and_key_only() {
    let app = TestApp::start().await;
    app.record([event("other"), event("first").at(app.now())]).await;
    // Clients may have stored this id for years; a change of the value is a breaking change.
    assert_eq!(id(&app, "first").await, "AWn2Bn0kQD3MtCJNYWnWzzc");
    let elsewhere = app.add_tenant("fabrikam").await;
    app.record_for(&elsewhere, [event("first").activity("Delete user")]).await;
    let query = "{ auditEventByKey(service: \"Core Directory\", eventKey: \"first\") { id activity } }";
    let response = app.admin().role_in("fabrikam", "GLOBAL_ADMIN").query(query).await;
    let expected = json!({ "id": "AWn2Bn0kQD3MtCJNYWnWzzc", "activity": "Delete user" });
    assert_eq!(*response.data("/auditEventByKey"), expected);
}

#[tokio::test]
async fn nodes_keep_the_requested_order_with_null_for_unknown_ids() {
    let app = TestApp::start().await;
    app.record([event("a"), event("b")]).await;
    let (a, b) = (id(&app, "a").await, id(&app, "b").await);
    let unknown = "AQAAAAAAAAAAAAAAAAAAAAA";
    let wrong_version = "AgAAAAAAAAAAAAAAAAAAAAA";
    let ids = json!([b, unknown, "", a, wrong_version, b, "%%%", format!("{a}x"), "\u{1f600}"]);
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let response = app.admin().query_with(query, json!({ "ids": ids })).await;
    let expected = [Some(&b), None, None, Some(&a), None, Some(&b), None, None, None];
    let expected = expected.map(|id| id.map_or(Value::Null, |id| json!({ "id": id })));
    assert_eq!(*response.data("/nodes"), json!(expected));
    for single in ["node", "auditEvent"] {
        for id in [unknown, "", "%%%", wrong_version] {
            let response = app.admin().query(&format!("{{ {single}(id: \"{id}\") {{ id }} }}")).await;
            assert_eq!(*response.data(&format!("/{single}")), Value::Null, "{single} {id}");
        }
    }
    let hundred = app.admin().query_with(query, json!({ "ids": vec![a.as_str(); 100] })).await;
    assert_eq!(hundred.data("/nodes").as_array().unwrap().len(), 100);
    let more = app.admin().query_with(query, json!({ "ids": vec![a.as_str(); 101] })).await;
    assert_eq!(more.error(), ("LIMIT_EXCEEDED", "too many ids: 101, where 100 are allowed"));
    let nothing = app.admin().query_with(query, json!({ "ids": [] })).await;
    assert_eq!(*nothing.data("/nodes"), json!([]));
}
