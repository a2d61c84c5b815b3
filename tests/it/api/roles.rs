//! Roles: what each role reads, by every query.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::client::Client;
use crate::harness::events::{EventBody, EventExt as _, HOUR, event, user};

/// Every field that lists or counts, in one query.
const OVERVIEW: &str = include_str!("../../documents/roles_overview.graphql");

fn of(service: &str, key: &str) -> EventBody {
    let upn = format!("{key}@contoso.example");
    event(key).service(service, "Made").activity(&format!("Made up by {key}")).actor(user(&upn))
}

/// An event of each kind of service; the one of Entra is both the oldest and the newest.
async fn three_services() -> (TestApp, String) {
    let app = TestApp::start().await;
    let start = app.now().plus(-HOUR);
    app.record([
        of("Core Directory", "entra").at(start),
        of("Microsoft Intune", "intune").at(start.plus(1)),
        of("Windows 365", "windows").at(start.plus(2)),
        of("Core Directory", "entra2").at(start.plus(3)),
    ])
    .await;
    let query = "{ auditEventByKey(service: \"Core Directory\", eventKey: \"entra\") { id } }";
    let id = app.admin().query(query).await.data("/auditEventByKey/id").as_str().unwrap().to_owned();
    (app, id)
}

async fn overview(client: &Client, id: &str) -> Value {
    let mut data = client.query_with(OVERVIEW, json!({ "id": id })).await.data("").clone();
    let services = data["auditServices"].as_array_mut().unwrap();
    services.retain(|service| {
        ["Core Directory", "Microsoft Intune", "Windows 365"].iter().any(|key| service["key"] == *key)
    });
    data
}

#[tokio::test]
async fn intune_administrator_sees_only_intune() {
    let (app, id) = three_services().await;
    let data = overview(&app.intune_admin(), &id).await;
    let (oldest, newest) = (&data["auditLogInfo"]["oldestEventAt"], &data["auditLogInfo"]["newestEventAt"]);
    let times = "{ auditEvents(occurredAt: { window: ALL }) { nodes { occurredAt } } }";
    let times = app.intune_admin().query(times).await;
    assert_eq!(
        (newest, oldest),
        (times.data("/auditEvents/nodes/0/occurredAt"), times.data("/auditEvents/nodes/1/occurredAt"))
    );
    let expected = json!({
        "auditEvents": {
            "nodes": [{ "eventKey": "windows" }, { "eventKey": "intune" }], "totalCount": 2,
            "countUpTo": { "value": 1, "isExact": false },
        },
        "node": null, "nodes": [null], "auditEvent": null, "auditEventByKey": null,
        "auditActors": [{ "name": "windows@contoso.example" }, { "name": "intune@contoso.example" }],
        "auditActivityTypes": { "nodes": [{ "key": "Made up by intune" }, { "key": "Made up by windows" }] },
        "auditServices": [{ "key": "Microsoft Intune", "eventCount": 1 }, { "key": "Windows 365", "eventCount": 1 }],
        "auditCategories": [],
        "auditLogInfo": { "lastSequence": 4, "oldestEventAt": oldest, "newestEventAt": newest },
    });
    assert_eq!(data, expected);
    let services = app.intune_admin().query("{ auditServices { key categories { services } } }").await;
    let text = services.data("/auditServices").to_string();
    assert!(!text.contains("Core Directory") && text.contains("Windows 365"), "{text}");
    for filter in [
        json!({ "service": { "eq": "Core Directory" } }),
        json!({ "eventKey": { "eq": "entra" } }),
        json!({ "actor": { "userPrincipalName": { "startsWith": "entra" } } }),
        json!({ "target": { "displayName": { "eq": "bob" } }, "not": { "service": { "in": ["windows 365", "microsoft intune"] } } }),
        json!({ "search": "entra" }),
    ] {
        assert_eq!(app.intune_admin().keys(filter.clone()).await, [""; 0], "{filter}");
    }
    assert_eq!(app.intune_admin().keys(json!({ "not": { "search": "entra" } })).await, ["windows", "intune"]);
}

#[tokio::test]
async fn global_administrator_and_auditor_see_every_service() {
    let (app, id) = three_services().await;
    for client in [app.admin(), app.auditor()] {
        let data = overview(&client, &id).await;
        let keys: Vec<_> =
            data["auditEvents"]["nodes"].as_array().unwrap().iter().map(|node| &node["eventKey"]).collect();
        assert_eq!(keys, ["entra2", "windows", "intune", "entra"]);
        assert_eq!(data["auditEvents"]["totalCount"], json!(4));
        for field in ["node", "auditEvent", "auditEventByKey"] {
            assert_eq!(data[field]["id"], json!(id), "{field}");
        }
        assert_eq!(data["nodes"], json!([{ "id": id }]));
        assert_eq!(data["auditActors"].as_array().unwrap().len(), 4);
        assert_eq!(data["auditActivityTypes"]["nodes"].as_array().unwrap().len(), 4);
        let counts: Vec<_> =
            data["auditServices"].as_array().unwrap().iter().map(|service| &service["eventCount"]).collect();
        assert_eq!(counts, [2, 1, 1]);
        assert!(data["auditCategories"].as_array().unwrap().contains(&json!({ "key": "Made" })));
    }
}

#[tokio::test]
async fn intune_services_can_be_configured() {
    let app = TestApp::start_with(&["--intune-services", "Contoso MDM"]).await;
    app.record([of("Microsoft Intune", "intune"), of("contoso mdm ", "mdm")]).await;
    assert_eq!(app.intune_admin().keys(json!({})).await, ["mdm"]);
}

#[tokio::test]
async fn viewer_has_subject_roles_and_permissions() {
    let app = TestApp::start().await;
    let query = include_str!("../../documents/viewer_has_subject_roles_and_permissions.graphql");
    let response = app.intune_admin().query(query).await;
    let mut viewer = response.data("/viewer").clone();
    let expires = viewer["tokenExpiresAt"].take();
    assert!(expires.as_str().unwrap() > app.now().to_string().as_str(), "{expires}");
    let expected = json!({
        "subject": "test-user", "userPrincipalName": null, "displayName": null,
        "tenant": { "key": "contoso", "displayName": "CONTOSO", "domains": [] }, "canRecordAuditEvents": false,
        "tokenExpiresAt": null,
        "grants": [{
            "role": "INTUNE_SERVICE_ADMIN", "services": ["Microsoft Intune", "Windows 365"],
            "seesRedactedValues": true,
        }],
    });
    assert_eq!(viewer, expected);
    for (client, grant) in [
        (app.admin(), json!({ "role": "GLOBAL_ADMIN", "services": null, "seesRedactedValues": true })),
        (app.auditor(), json!({ "role": "AUDIT_READER", "services": null, "seesRedactedValues": false })),
    ] {
        assert_eq!(*client.query(query).await.data("/viewer/grants"), json!([grant]));
    }
}

#[tokio::test]
async fn viewer_without_roles_can_read_nothing_else() {
    let (app, id) = three_services().await;
    let recorder = app.anonymous().permitted("contoso", "audit/write");
    let response = recorder.query("{ viewer { canRecordAuditEvents grants { role } } }").await;
    assert_eq!(*response.data("/viewer"), json!({ "canRecordAuditEvents": true, "grants": [] }));
    for field in [
        "auditEvents { totalCount }".to_owned(),
        "auditEvents { __typename }".to_owned(),
        format!("node(id: \"{id}\") {{ id }}"),
        "node(id: \"unknown\") { id }".to_owned(),
        "nodes(ids: []) { id }".to_owned(),
        format!("auditEvent(id: \"{id}\") {{ id }}"),
        "auditEvent(id: \"unknown\") { id }".to_owned(),
        "auditEventByKey(service: \"Core Directory\", eventKey: \"entra\") { id }".to_owned(),
        "auditActors(search: \"a\") { key }".to_owned(),
        "auditActivityTypes { nodes { key } }".to_owned(),
        "auditServices { key }".to_owned(),
        "auditCategories { key }".to_owned(),
        "auditLogInfo { version }".to_owned(),
    ] {
        let response = recorder.query(&format!("{{ {field} }}")).await;
        assert_eq!(response.error(), ("FORBIDDEN", "the token grants no access role"), "{field}");
        assert_eq!(response.status, 200);
    }
}
