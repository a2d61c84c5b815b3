//! Actor suggestions: found by name, each actor once, with its most recent name.

use serde_json::json;

use crate::harness::app::TestApp;
use crate::harness::events::{Actor, ActorApplication, EventExt as _, application, event, user};

async fn actors(app: &TestApp, search: &str) -> Vec<String> {
    let query = "query($search: String!) { auditActors(search: $search) { name } }";
    let response = app.admin().query_with(query, json!({ "search": search })).await;
    let actors = response.data("/auditActors").as_array().unwrap();
    actors.iter().map(|actor| actor["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn actors_are_suggested_by_part_of_a_name_most_recent_first() {
    let app = TestApp::start().await;
    let start = app.now();
    let named = |upn: &str, name: &str| Actor { display_name: Some(name.to_owned()), ..user(upn) };
    let mut sync = application("Directory 100%_Sync");
    sync.service_principal_name = Some("spn-1".to_owned());
    let mut through = user("eve@contoso.example");
    through.application = application("Portal").application;
    app.record([
        event("1").at(start.plus(1)).actor(named("ada@contoso.example", "Ada Groß")),
        event("2").at(start.plus(3)).actor(sync),
        event("3").at(start.plus(2)).actor(through),
    ])
    .await;
    for (search, expected) in [
        ("contoso", vec!["eve@contoso.example", "Ada Groß"]),
        ("GROSS", vec!["Ada Groß"]),
        ("a gro", vec!["Ada Groß"]),
        ("SPN\u{2010}1", vec!["Directory 100%_Sync"]),
        ("portal", vec!["eve@contoso.example"]),
        ("o", vec!["Directory 100%_Sync", "eve@contoso.example", "Ada Groß"]),
        ("%", vec!["Directory 100%_Sync"]),
        ("_", vec!["Directory 100%_Sync"]),
        ("unknown", vec![]),
    ] {
        assert_eq!(actors(&app, search).await, expected, "{search}");
    }
}

#[tokio::test]
async fn actor_is_suggested_once_with_its_current_name() {
    let app = TestApp::start().await;
    let start = app.now();
    let called = |name: &str| Actor {
        object_id: Some("o-1".to_owned()),
        display_name: Some(name.to_owned()),
        ..user("ada@contoso.example")
    };
    app.record([
        event("new").at(start.plus(2)).actor(called("Ada King")),
        event("old").at(start.plus(1)).actor(called("Ada Byron")),
        event("other").at(start.plus(3)).service("Microsoft Intune", "Device").actor(called("Ada of Intune")),
    ])
    .await;
    let query = "{ auditActors(search: \"ada\") { __typename key name kind ... on UserActor { objectId } } }";
    let response = app.admin().query(query).await;
    let actors = response.data("/auditActors").as_array().unwrap();
    assert_eq!(actors.len(), 1, "{actors:?}");
    assert_eq!((&actors[0]["name"], &actors[0]["key"]), (&json!("Ada of Intune"), &json!("user:id:o-1")));
    assert_eq!((&actors[0]["__typename"], &actors[0]["objectId"]), (&json!("UserActor"), &json!("o-1")));
    let keys = app.admin().keys(json!({ "actor": { "key": { "eq": actors[0]["key"] } } })).await;
    assert_eq!(keys, ["other", "new", "old"]);
    // A caller with the scope Intune gets only names from events of Intune.
    let query = "{ auditActors(search: \"ada\") { name } old: auditActors(search: \"byron\") { name } }";
    let response = app.intune_admin().query(query).await;
    assert_eq!(*response.data(""), json!({ "auditActors": [{ "name": "Ada of Intune" }], "old": [] }));
}

#[tokio::test]
async fn actor_suggestions_are_limited() {
    let app = TestApp::start().await;
    let start = app.now();
    app.record((0..60).map(|i| event(&i.to_string()).at(start.plus(i)).actor(user(&format!("user-{i:02}@x"))))).await;
    let query = "query($search: String!, $first: Int!) { auditActors(search: $search, first: $first) { name } }";
    let ask = async |search: &str, first: i64| {
        app.admin().query_with(query, json!({ "search": search, "first": first })).await
    };
    for (first, count) in [(1, 1), (50, 50)] {
        let response = ask("user", first).await;
        let actors = response.data("/auditActors").as_array().unwrap();
        assert_eq!(actors.len(), count);
        assert_eq!(actors[0]["name"], json!("user-59@x"));
    }
    let default = app.admin().query("{ auditActors(search: \"user\") { name } }").await;
    assert_eq!(default.data("/auditActors").as_array().unwrap().len(), 20);
    for first in [0, -1, 51] {
        assert_eq!(ask("user", first).await.error(), ("BAD_USER_INPUT", "`first` must be from 1 to 50"));
    }
    for search in ["", " \u{a0}"] {
        assert_eq!(ask(search, 1).await.error(), ("BAD_USER_INPUT", "`search` must not be empty"));
    }
    let long = "x".repeat(1_001);
    assert_eq!(ask(&long, 1).await.error(), ("BAD_USER_INPUT", "`search` may have at most 1000 bytes"));
}

#[tokio::test]
async fn actor_is_found_by_its_displayed_id() {
    let app = TestApp::start().await;
    let plain = user("");
    let unnamed = || Actor { user_principal_name: None, display_name: None, ..plain.clone() };
    let mut program = application("");
    program.application = Some(ActorApplication { application_id: Some("APP-9".to_owned()), display_name: None });
    app.record([
        event("1").actor(Actor { object_id: Some("OID-9".to_owned()), ..unnamed() }),
        event("2").actor(program),
    ])
    .await;
    for shown in ["OID-9", "APP-9"] {
        assert_eq!(actors(&app, shown).await, [shown]);
        assert_eq!(app.admin().keys(json!({ "search": shown })).await.len(), 1, "{shown}");
    }
}
