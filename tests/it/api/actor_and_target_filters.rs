//! Filters on actors, targets and modified properties.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::events::{
    Actor, ActorApplication, ActorKind, EventExt as _, Target, application, change, event, target, user,
};

/// Runs each filter and compares the sorted keys of the matching events.
async fn assert_finds(app: &TestApp, name: &str, cases: impl IntoIterator<Item = (Value, &str)>) {
    for (condition, expected) in cases {
        let filter = json!({ name: condition });
        let mut keys = app.admin().keys(filter.clone()).await;
        keys.sort();
        assert_eq!(keys.concat(), expected, "{filter}");
        let mut others = app.admin().keys(json!({ "not": filter })).await;
        others.sort();
        let all: String = app.admin().keys(json!({})).await.concat();
        assert_eq!(others.len() + keys.len(), all.len(), "a filter and its negation cover all events: {filter}");
        assert!(others.iter().all(|key| !keys.contains(key)), "{filter}");
    }
}

/// A user with every field, an application, a user with only a name, and an unknown actor.
async fn four_actors() -> TestApp {
    let app = TestApp::start().await;
    let ada = Actor {
        object_id: Some("OID-1".to_owned()),
        display_name: Some("Ada Groß".to_owned()),
        ip_address: Some("192.0.2.7".to_owned()),
        application: Some(ActorApplication {
            application_id: Some("P-1".to_owned()),
            display_name: Some("Portal".to_owned()),
        }),
        ..user("Ada@contoso.example")
    };
    let mut sync = application("Sync");
    sync.service_principal_name = Some("spn/sync".to_owned());
    let bob = user("bob@contoso.example");
    let unknown = Actor::new(ActorKind::Unknown);
    app.record([event("a").actor(ada), event("b").actor(sync), event("c").actor(bob), event("d").actor(unknown)]).await;
    app
}

#[tokio::test]
async fn actor_conditions_cover_every_field() {
    let app = four_actors().await;
    let cases = [
        (json!({ "key": { "in": ["user:id:oid-1", "system:name:unknown"] } }), "a"),
        (json!({ "key": { "in": ["user:id:OID-1"] } }), ""),
        (json!({ "key": { "in": ["a\0b"] } }), ""),
        (
            json!({ "key": { "in": ["application:app:sync-id", "user:upn:bob@contoso.example", "unknown:name:"] } }),
            "bcd",
        ),
        (json!({ "search": "GROSS" }), "a"),
        (json!({ "search": "@contoso" }), "ac"),
        (json!({ "search": "spn/" }), "b"),
        (json!({ "search": "portal" }), ""),
        (json!({ "kind": { "in": ["APPLICATION", "UNKNOWN"] } }), "bd"),
        (json!({ "kind": { "in": ["SYSTEM"] } }), ""),
        (json!({ "userPrincipalName": { "eq": "ADA@CONTOSO.EXAMPLE" } }), "a"),
        (json!({ "userPrincipalName": { "isSet": false } }), "bd"),
        (json!({ "userPrincipalName": { "notIn": ["ada@contoso.example"] } }), "c"),
        (json!({ "displayName": { "contains": "groß" } }), "a"),
        (json!({ "displayName": { "eq": "sync" } }), "b"),
        (json!({ "objectId": { "startsWith": "oid" } }), "a"),
        (json!({ "ipAddress": { "startsWith": "192.0.2." } }), "a"),
        (json!({ "ipAddress": { "isSet": false } }), "bcd"),
        (json!({ "applicationId": { "in": ["p-1", "SYNC-ID"] } }), "ab"),
        (json!({ "applicationId": { "isSet": false } }), "cd"),
        (json!({ "applicationDisplayName": { "eq": "Portal" } }), "a"),
        (json!({ "kind": { "in": ["USER"] }, "displayName": { "isSet": true } }), "a"),
        (json!({ "kind": { "in": ["USER"] }, "ipAddress": { "eq": "192.0.2.8" } }), ""),
    ];
    assert_finds(&app, "actor", cases).await;
}

#[tokio::test]
async fn target_conditions_apply_to_the_same_target() {
    let app = TestApp::start().await;
    let mut upn = target("Bob");
    upn.user_principal_name = Some("bob@contoso.example".to_owned());
    let typed = |name: &str, kind: &str| Target { kind: Some(kind.to_owned()), ..target(name) };
    let a = event("a").targets(vec![typed("Straße", "Policy"), typed("Team", "Group")]);
    let b = event("b").targets(vec![upn]);
    let c = event("c").targets(Vec::new());
    app.record([a, b, c]).await;
    let cases = [
        (json!({ "displayName": { "eq": "STRASSE" } }), "a"),
        (json!({ "displayName": { "eq": "strasse" }, "type": { "eq": "policy" } }), "a"),
        (json!({ "displayName": { "eq": "strasse" }, "type": { "eq": "group" } }), ""),
        (json!({ "type": { "in": ["group", "user"] } }), "ab"),
        (json!({ "type": { "notIn": ["group"] } }), "ab"),
        (json!({ "objectId": { "eq": "TEAM-ID" } }), "a"),
        (json!({ "objectId": { "contains": "-id" } }), "ab"),
        (json!({ "userPrincipalName": { "startsWith": "bob@" } }), "b"),
        (json!({ "userPrincipalName": { "isSet": false } }), "a"),
        (json!({ "search": "TEAM-" }), "a"),
        (json!({ "search": "contoso" }), "b"),
        (json!({ "search": "policy" }), ""),
        (json!({ "key": { "in": ["id:team-id:group"] } }), "a"),
        (json!({ "key": { "in": ["id:bob-id", "id:team-id:policy"] } }), "b"),
        (json!({ "key": { "in": ["\0"] } }), ""),
        (json!({ "displayName": { "contains": "\0" } }), ""),
        (json!({ "key": { "in": ["id:team-id:group"] }, "displayName": { "eq": "straße" } }), ""),
        (json!({ "modifiedProperty": { "name": { "isSet": true } } }), ""),
    ];
    assert_finds(&app, "target", cases).await;
}

#[tokio::test]
async fn change_conditions_apply_to_the_same_change() {
    let app = TestApp::start().await;
    let role = |from, to| change("Role", from, to);
    let a = event("a").change(role(Some("\"Member\""), Some("\"Admin\""))).change(change("Size", Some("1"), Some("2")));
    let b = event("b").change(role(None, Some("\"Member\""))).change(role(Some("\"Owner\""), None));
    let mut c = event("c").targets(vec![target("Bob"), target("Eve")]).change(role(Some("null"), Some("1.0")));
    c.targets[1].modified_properties.push(change("Größe", Some(r#"{"a":1,"b":[1e2]}"#), Some("null")));
    let d = event("d").change(role(None, None));
    app.record([a, b, c, d]).await;
    let cases = [
        (json!({ "name": { "eq": "ROLE" } }), "abcd"),
        (json!({ "name": { "eq": "role" }, "to": "Admin" }), "a"),
        (json!({ "name": { "eq": "Size" }, "to": "Admin" }), ""),
        (json!({ "from": "Owner", "to": "Member" }), ""),
        (json!({ "from": "Member" }), "a"),
        (json!({ "to": "Member" }), "b"),
        (json!({ "to": "member" }), ""),
        (json!({ "fromIsNull": true }), "c"),
        (json!({ "toIsNull": true }), "c"),
        (json!({ "fromIsNull": true, "toIsNull": true }), ""),
        (json!({ "fromIsNull": true, "to": 1 }), "c"),
        (json!({ "to": "1" }), ""),
        (json!({ "from": { "b": [100], "a": 1.0 } }), "c"),
        (json!({ "from": { "b": [100] } }), ""),
        (json!({ "name": { "eq": "GRÖSSE" }, "from": { "b": [100], "a": 1 }, "toIsNull": true }), "c"),
        (json!({ "change": { "eq": "ADDED" } }), "b"),
        (json!({ "change": { "eq": "REMOVED" }, "from": "Owner" }), "b"),
        (json!({ "change": { "eq": "REMOVED" }, "to": "Member" }), ""),
        (json!({ "change": { "eq": "CHANGED" }, "name": { "startsWith": "r" } }), "ac"),
        (json!({ "change": { "eq": "UNKNOWN" } }), "d"),
    ];
    let cases = cases.map(|(property, keys)| (json!({ "modifiedProperty": property }), keys));
    assert_finds(&app, "target", cases).await;
    let of_target = |name: &str| json!({ "displayName": { "eq": name }, "modifiedProperty": { "toIsNull": true } });
    assert_finds(&app, "target", [(of_target("Eve"), "c"), (of_target("Bob"), "")]).await;
}

#[tokio::test]
async fn values_are_compared_as_json() {
    let app = TestApp::start().await;
    let a = event("a").change(change("n", Some("1.50"), Some(r#"{"é":"\u00e9"}"#)));
    let b = event("b").change(change("n", Some("9007199254740993"), Some("\"1.5\"")));
    app.record([a, b]).await;
    for (property, expected) in [
        ("from: 1.5", "a"),
        ("from: 15e-1", "a"),
        ("from: \"1.50\"", ""),
        ("from: 9007199254740993", "b"),
        ("from: 9007199254740992", ""),
        ("to: {\"é\": \"é\"}", "a"),
        ("to: \"1.5\"", "b"),
        ("to: {}", ""),
        ("to: []", ""),
        ("to: true", ""),
    ] {
        // A GraphQL object literal has unquoted names, which cannot contain `é`; a variable can.
        let response = if let Some(json) = property.strip_prefix("to: {\"") {
            let to: Value = serde_json::from_str(&format!("{{\"{json}")).unwrap();
            app.admin().filter(&json!({ "target": { "modifiedProperty": { "to": to } } })).await
        } else {
            let filter = format!("{{target: {{modifiedProperty: {{{property}}}}}}}");
            app.admin()
                .query(&format!(
                    "{{ auditEvents(occurredAt: {{ window: ALL }}, filter: {filter}) {{ nodes {{ eventKey }} }} }}"
                ))
                .await
        };
        let nodes = response.data("/auditEvents/nodes").as_array().unwrap();
        let keys: Vec<_> = nodes.iter().map(|node| node["eventKey"].as_str().unwrap()).collect();
        assert_eq!(keys.concat(), expected, "{property}");
    }
}

#[tokio::test]
async fn involving_matches_actor_or_target() {
    let app = TestApp::start().await;
    let a = event("a").actor(user("ada@contoso.example")).targets(vec![target("Bob")]);
    let b = event("b").actor(user("bob@contoso.example")).targets(vec![target("Ada")]);
    let c = event("c").actor(Actor::new(ActorKind::System)).targets(Vec::new());
    app.record([a, b, c]).await;
    let cases = [
        (json!({ "eq": "ADA@contoso.example" }), "a"),
        (json!({ "eq": "ada" }), "b"),
        (json!({ "startsWith": "ada" }), "ab"),
        (json!({ "in": ["bob-id", "ada-id"] }), "ab"),
        (json!({ "contains": "carol" }), ""),
        (json!({ "isSet": true }), "ab"),
        (json!({ "isSet": false }), "c"),
        (json!({ "notIn": ["ada@contoso.example"] }), "bc"),
        (json!({ "notIn": ["ada", "unknown"] }), "ac"),
        (json!({ "notIn": [] }), "abc"),
        (json!({ "startsWith": "ada", "notIn": ["bob"] }), "b"),
        (json!({ "startsWith": "ada", "contains": "contoso" }), "a"),
    ];
    assert_finds(&app, "involving", cases).await;
}
