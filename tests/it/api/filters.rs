//! Filters on the fields of an event: strings, sets, timestamps, words, and their combinations.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::events::{
    EventBody, EventExt as _, GroupSource, OperationType, ResourceType, Status, application, event, target, user,
};

/// Three events that differ in every field of the event itself; `c` has no optional field.
async fn three() -> TestApp {
    let app = TestApp::start().await;
    let a = EventBody {
        component: Some("Größe".to_owned()),
        correlation_id: Some("ABC-1".to_owned()),
        operation_type: OperationType::Create,
        resource_type: ResourceType::Group,
        group_source: Some(GroupSource::AzureAd),
        status: Status::Success,
        ..event("a").service("Core Directory", "GroupManagement").activity("Add member to group")
    };
    let b = EventBody {
        component: Some("STRASSE".to_owned()),
        correlation_id: Some("abc-2".to_owned()),
        operation_type: OperationType::Assign,
        resource_type: ResourceType::Group,
        group_source: Some(GroupSource::O365),
        status: Status::Failure,
        ..event("b")
            .service("Access Reviews", "Policy")
            .activity("Update application \u{2013} Certificates and secrets management ")
    };
    let c = EventBody {
        operation_type: OperationType::RemoteTask,
        resource_type: ResourceType::Device,
        status: Status::Timeout,
        ..event("c").service("Microsoft Intune", "Device").activity("wipe ManagedDevice")
    };
    app.record([a, b, c]).await;
    app
}

/// Runs each filter and compares the sorted keys of the matching events.
async fn assert_finds(app: &TestApp, cases: impl IntoIterator<Item = (Value, &str)>) {
    for (filter, expected) in cases {
        let mut keys = app.admin().keys(filter.clone()).await;
        keys.sort();
        assert_eq!(keys.concat(), expected, "{filter}");
    }
}

#[tokio::test]
async fn strings_are_compared_case_folded() {
    let app = three().await;
    let cases = [
        ("category", json!({ "eq": "GROUPMANAGEMENT" }), "a"),
        ("category", json!({ "eq": "Group" }), ""),
        ("category", json!({ "in": ["policy", "DEVICE", "nothing"] }), "bc"),
        ("category", json!({ "notIn": ["policy", "DEVICE"] }), "a"),
        ("service", json!({ "startsWith": " core " }), "a"),
        ("service", json!({ "startsWith": "directory" }), ""),
        ("service", json!({ "contains": "RE" }), "ab"),
        ("service", json!({ "contains": "_" }), ""),
        ("service", json!({ "contains": "%" }), ""),
        ("service", json!({ "eq": "Microsoft\u{a0}Intune" }), "c"),
        ("activity", json!({ "eq": "ADD MEMBER TO GROUP." }), "a"),
        ("activity", json!({ "eq": "Update application - Certificates and secrets management" }), "b"),
        ("activity", json!({ "eq": "update application \u{2014} certificates and secrets management." }), "b"),
        ("activity", json!({ "startsWith": "update" }), "b"),
        ("activity", json!({ "contains": "managed" }), "c"),
        ("activity", json!({ "notIn": ["wipe manageddevice", "add member to group ."] }), "b"),
        ("component", json!({ "eq": "GRÖSSE" }), "a"),
        ("component", json!({ "eq": "gro\u{308}\u{df}e" }), "a"),
        ("component", json!({ "eq": "Straße" }), "b"),
        ("component", json!({ "startsWith": "ｓｔｒａß" }), "b"),
        ("component", json!({ "contains": "ÖS" }), "a"),
        ("component", json!({ "eq": "grosse" }), ""),
        ("correlationId", json!({ "eq": "abc\u{2011}1" }), "a"),
        ("correlationId", json!({ "startsWith": "Abc" }), "ab"),
        ("eventKey", json!({ "eq": "B" }), "b"),
        ("eventKey", json!({ "in": ["a", "A", "c"] }), "ac"),
        ("eventKey", json!({ "notIn": ["a"], "in": ["a", "b"] }), "b"),
        ("eventKey", json!({ "eq": "a", "in": ["b"] }), ""),
    ];
    assert_finds(&app, cases.map(|(name, condition, keys)| (json!({ name: condition }), keys))).await;
}

#[tokio::test]
async fn set_conditions_select_their_values() {
    let app = three().await;
    let cases = [
        (json!({ "operationType": { "in": ["CREATE", "REMOTE_TASK"] } }), "ac"),
        (json!({ "operationType": { "notIn": ["CREATE"] } }), "bc"),
        (json!({ "resourceType": { "in": ["GROUP"] } }), "ab"),
        (json!({ "resourceType": { "in": ["GROUP", "USER"], "notIn": ["GROUP"] } }), ""),
        (json!({ "resourceType": { "notIn": ["GROUP"] } }), "c"),
        (json!({ "status": { "in": ["SUCCESS"] } }), "a"),
        (json!({ "status": { "in": ["FAILURE", "TIMEOUT"] } }), "bc"),
        (json!({ "status": { "notIn": ["SUCCESS", "TIMEOUT"] } }), "b"),
        (json!({ "status": { "in": ["UNKNOWN"] } }), ""),
        (json!({ "groupSource": { "eq": "O365" } }), "b"),
        (json!({ "groupSource": { "eq": "AZURE_AD" } }), "a"),
        (json!({ "not": { "groupSource": { "eq": "AZURE_AD" } } }), "bc"),
    ];
    assert_finds(&app, cases).await;
}

#[tokio::test]
async fn empty_in_matches_nothing_and_empty_not_in_everything() {
    let app = three().await;
    let cases = [
        (json!(null), "abc"),
        (json!({}), "abc"),
        (json!({ "category": null, "search": null, "and": null, "or": null, "not": null, "target": null }), "abc"),
        (json!({ "category": { "in": [] } }), ""),
        (json!({ "category": { "notIn": [] } }), "abc"),
        (json!({ "component": { "notIn": [] } }), "abc"),
        (json!({ "not": { "category": { "in": [] } } }), "abc"),
        (json!({ "not": { "category": { "notIn": [] } } }), ""),
        (json!({ "status": { "in": [] } }), ""),
        (json!({ "status": { "notIn": [] } }), "abc"),
        (json!({ "actor": { "kind": { "in": [] } } }), ""),
        (json!({ "actor": { "key": { "in": [] } } }), ""),
        (json!({ "target": { "key": { "in": [] } } }), ""),
        (json!({ "or": [] }), ""),
        (json!({ "and": [] }), "abc"),
        (json!({ "not": { "or": [] } }), "abc"),
    ];
    assert_finds(&app, cases).await;
}

#[tokio::test]
async fn filters_are_combined_and_negated() {
    let app = three().await;
    let key = |key: &str| json!({ "eventKey": { "eq": key } });
    let cases = [
        (json!({ "or": [key("a"), key("c")] }), "ac"),
        (json!({ "and": [key("a"), key("c")] }), ""),
        (json!({ "and": [{ "status": { "notIn": ["FAILURE"] } }, { "not": key("a") }] }), "c"),
        (json!({ "not": { "or": [key("a"), key("b")] } }), "c"),
        (json!({ "not": { "not": key("a") } }), "a"),
        (json!({ "category": { "eq": "policy" }, "or": [key("a"), key("b")] }), "b"),
        (json!({ "category": { "eq": "policy" }, "not": key("b") }), ""),
        (json!({ "or": [{ "not": key("a") }, { "and": [key("a"), { "groupSource": { "eq": "AZURE_AD" } }] }] }), "abc"),
    ];
    assert_finds(&app, cases).await;
}

#[tokio::test]
async fn condition_on_an_absent_field_is_false() {
    let app = three().await;
    let component = |condition: Value| json!({ "component": condition });
    let cases = [
        (component(json!({ "isSet": true })), "ab"),
        (component(json!({ "isSet": false })), "c"),
        (component(json!({ "notIn": ["STRASSE"] })), "a"),
        (component(json!({ "isSet": false, "contains": "s" })), ""),
        (json!({ "not": component(json!({ "isSet": false })) }), "ab"),
        (json!({ "not": component(json!({ "eq": "größe" })) }), "bc"),
        (json!({ "not": component(json!({ "notIn": ["STRASSE"] })) }), "bc"),
        (json!({ "not": component(json!({ "contains": "s" })) }), "c"),
        (json!({ "not": { "correlationId": { "startsWith": "abc" } } }), "c"),
        (json!({ "not": { "correlationId": { "in": ["abc-1", "abc-2"] } } }), "c"),
    ];
    assert_finds(&app, cases).await;
}

#[tokio::test]
async fn activity_is_found_by_every_alias() {
    let app = TestApp::start().await;
    let grant =
        event("a").service("Core Directory", "ApplicationManagement").activity("Add delegated permission grant");
    let own = event("b").service("Something else", "Any").activity("Add OAuth2PermissionGrant");
    app.record([grant, own, event("c")]).await;
    let activity = |condition: Value| json!({ "activity": condition });
    let cases = [
        (activity(json!({ "eq": "Add OAuth2PermissionGrant" })), "ab"),
        (activity(json!({ "eq": "add delegation entry." })), "a"),
        (activity(json!({ "in": ["Add delegation entry", "Add user"] })), "ac"),
        (activity(json!({ "notIn": ["Add delegation entry"] })), "bc"),
        (activity(json!({ "eq": "Add delegated permission grant" })), "a"),
        (json!({ "not": activity(json!({ "eq": "Add delegation entry" })) }), "bc"),
        (activity(json!({ "startsWith": "Add delegation" })), ""),
    ];
    assert_finds(&app, cases).await;
}

#[tokio::test]
async fn search_covers_activity_actor_and_targets_only() {
    let app = TestApp::start().await;
    let mut a = event("a").actor(user("ada.lovelace@contoso.example")).targets(vec![target("Grace Hopper")]);
    a.activity_display_name = "Nutzer hinzufügen".to_owned();
    a.status_reason = Some("Quarantine".to_owned());
    let b = event("b").actor(application("Straßenbau")).activity("100%_done \\ twice").targets(Vec::new());
    app.record([a, b]).await;
    let cases = [
        ("add USER", "a"),
        ("lovelace", "a"),
        ("love hopper add", "a"),
        ("love strassenbau", ""),
        ("HINZUFÜGEN", "a"),
        ("grace-hopper", ""),
        ("hopper-id", "a"),
        ("STRASSE", "b"),
        ("a", "ab"),
        ("100%_done", "b"),
        ("%", "b"),
        ("_", "b"),
        ("\\", "b"),
        ("Quarantine", ""),
        ("UserManagement", ""),
        ("  done\u{2003}twice ", "b"),
    ];
    assert_finds(&app, cases.map(|(words, keys)| (json!({ "search": words }), keys))).await;
    assert_finds(&app, [(json!({ "not": { "search": "ada" } }), "b")]).await;
}

#[tokio::test]
async fn recorded_filter_uses_the_recording_time() {
    let app = TestApp::start().await;
    app.record([event("a")]).await;
    app.record([event("b")]).await;
    let query = "{ auditEvents(occurredAt: { window: ALL }, filter: {eventKey: {eq: \"b\"}}) { nodes { recordedAt occurredAt } } }";
    let response = app.admin().query(query).await;
    let second = response.data("/auditEvents/nodes/0/recordedAt").clone();
    let cases = [
        (json!({ "from": second }), "b"),
        (json!({ "to": second }), "a"),
        (json!({ "from": second, "to": second }), ""),
        (json!({ "from": "2000-01-01T00:00:00+01:00" }), "ab"),
        (json!({ "from": "2999-01-01T00:00:00Z" }), ""),
    ];
    assert_finds(&app, cases.map(|(range, keys)| (json!({ "recordedAt": range }), keys))).await;
}

#[tokio::test]
async fn activity_prefix_may_end_with_a_dot() {
    let app = TestApp::start().await;
    app.record(["Foo.Bar", "FooBar", "Foo", "Foo bar."].map(|name| event(name).activity(name))).await;
    for (condition, expected) in [
        (json!({ "startsWith": "Foo." }), &["Foo.Bar"][..]),
        (json!({ "contains": "." }), &["Foo.Bar"]),
        (json!({ "contains": "oo.b" }), &["Foo.Bar"]),
        (json!({ "eq": "Foo." }), &["Foo"]),
        (json!({ "eq": "foo bar" }), &["Foo bar."]),
    ] {
        let filter = json!({ "activity": condition });
        assert_eq!(app.admin().keys(filter.clone()).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn filter_with_the_maximum_number_of_values_runs() {
    let app = TestApp::start().await;
    app.record([event("a").actor(user("u7"))]).await;
    let names = |n: usize| (0..100).map(|i| format!("u{}", i * n)).collect::<Vec<_>>();
    let involving: Vec<Value> = (1..=45).map(|n| json!({ "involving": { "in": names(n) } })).collect();
    let services: Vec<String> = (0..16).map(|i| format!("s{i}")).collect();
    let anywhere = json!({ "or": involving });
    assert_eq!(app.admin().keys(anywhere.clone()).await, ["a"]);
    let nowhere = json!({ "service": { "in": services }, "or": involving });
    assert_eq!(app.admin().keys(nowhere).await, [""; 0]);
    assert_eq!(app.admin().keys(json!({ "not": anywhere })).await, [""; 0]);
}
