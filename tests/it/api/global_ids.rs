//! Global ids: the same object has the same id everywhere, and `node` returns it.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::client::Client;
use crate::harness::events::{EventExt as _, event};

const IDS: &str = "query Ids($search: String) {
    viewer { id tenant { id } }
    auditServices { id key categories { id key } }
    auditCategories { id key }
    auditActivityTypes(first: 1000, search: $search) { nodes { id key service category } }
}";
const NODES: &str = "query Nodes($ids: [ID!]!) {
    nodes(ids: $ids) {
        __typename id
        ... on AuditActivityType { key service category }
        ... on AuditService { key }
        ... on AuditCategory { key }
        ... on Tenant { key }
        ... on Viewer { subject }
    }
}";

fn ids(response: &Value) -> Vec<&str> {
    match response {
        Value::Array(elements) => elements.iter().flat_map(ids).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| match value {
                Value::String(id) if name == "id" => vec![id.as_str()],
                value => ids(value),
            })
            .collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn node_returns_every_object_with_an_id() {
    let app = TestApp::start().await;
    app.record([
        event("a").service("Contoso MDM", "Kiosks").activity("Reboot kiosk"),
        event("b").service("CONTOSO mdm", "Stations").activity("Reboot kiosk"),
    ])
    .await;
    let response = app.admin().query_with(IDS, json!({ "search": "Reboot kiosk" })).await;
    let types = response.data("/auditActivityTypes/nodes");
    assert_eq!(types.as_array().unwrap().len(), 2, "one key, two entries");
    assert_ne!(types[0]["id"], types[1]["id"]);
    let all = response.data("").clone();
    let all: Vec<&str> = ids(&all);
    for ids in all.chunks(100) {
        let found = app.admin().query_with(NODES, json!({ "ids": ids })).await;
        for (node, id) in found.data("/nodes").as_array().unwrap().iter().zip(ids) {
            assert_eq!(node["id"], **id);
        }
    }
    let found = app.admin().query_with(NODES, json!({ "ids": [types[0]["id"], types[1]["id"]] })).await;
    let categories: Vec<&Value> =
        found.data("/nodes").as_array().unwrap().iter().map(|node| &node["category"]).collect();
    assert_eq!(categories, ["Kiosks", "Stations"]);
}

#[tokio::test]
async fn id_of_an_entry_is_the_same_in_events_and_for_every_caller() {
    let app = TestApp::start().await;
    app.record([event("a").service("core DIRECTORY", "usermanagement").activity("ADD user.")]).await;
    let query = "{ auditEvents(occurredAt: { window: ALL }) { nodes { activityType { id } } } }";
    let of_event = app.admin().query(query).await.data("/auditEvents/nodes/0/activityType/id").clone();
    let response = app.auditor().query_with(NODES, json!({ "ids": [of_event] })).await;
    let expected = json!([{
        "__typename": "AuditActivityType", "id": of_event, "key": "Add user", "service": "Core Directory",
        "category": "UserManagement",
    }]);
    assert_eq!(*response.data("/nodes"), expected);
    assert_eq!(*app.intune_admin().query_with(NODES, json!({ "ids": [of_event] })).await.data("/nodes"), json!([null]));
}

#[tokio::test]
async fn caller_and_tenant_are_nodes_for_themselves_only() {
    let app = TestApp::start().await;
    let other = app.add_tenant("fabrikam").await;
    let recorder = Client::new(&app.url).permitted("contoso", "audit/write");
    let own = recorder.query("{ viewer { id subject tenant { id key } } }").await;
    let own = own.data("/viewer");
    let response = recorder.query_with(NODES, json!({ "ids": [own["id"], own["tenant"]["id"]] })).await;
    let expected = json!([
        { "__typename": "Viewer", "id": own["id"], "subject": own["subject"] },
        { "__typename": "Tenant", "id": own["tenant"]["id"], "key": "contoso" },
    ]);
    assert_eq!(*response.data("/nodes"), expected);
    let stranger = Client::new(&app.url).role_in(&other.key, "GLOBAL_ADMIN");
    let response = stranger.query_with(NODES, json!({ "ids": [own["id"], own["tenant"]["id"]] })).await;
    assert_eq!(*response.data("/nodes"), json!([null, null]));
    let response = recorder.query("{ node(id: \"AQAAAAAAAAAAAAAAAAAAAAA\") { id } }").await;
    assert_eq!(response.error().0, "FORBIDDEN");
}

#[tokio::test]
async fn catalogue_is_read_in_pages_in_both_directions() {
    let app = TestApp::start().await;
    let query = "query($first: Int, $after: String, $last: Int, $before: String) {
        auditActivityTypes(first: $first, after: $after, last: $last, before: $before, services: [\"Core Directory\"]) {
            edges { cursor node { id } } nodes { id } totalCount
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let page =
        async |variables: Value| app.admin().query_with(query, variables).await.data("/auditActivityTypes").clone();
    let all = page(json!({ "first": 1_000 })).await;
    let total = all["totalCount"].as_u64().unwrap();
    assert_eq!(all["nodes"].as_array().unwrap().len() as u64, total);
    assert_eq!(page(json!({})).await["nodes"].as_array().unwrap().len(), 100);
    for (size, cursor, [edge, more]) in
        [("first", "after", ["endCursor", "hasNextPage"]), ("last", "before", ["startCursor", "hasPreviousPage"])]
    {
        let (mut seen, mut at) = (Vec::new(), Value::Null);
        loop {
            let mut variables = json!({ size: 37 });
            if at.is_string() {
                variables[cursor] = at;
            }
            let page = page(variables).await;
            let nodes = page["nodes"].as_array().unwrap().clone();
            assert_eq!(page["edges"][0]["cursor"], page["pageInfo"]["startCursor"]);
            at = page["pageInfo"][edge].clone();
            seen = if size == "first" { [seen, nodes].concat() } else { [nodes, seen].concat() };
            if page["pageInfo"][more] == false {
                break;
            }
        }
        assert_eq!(json!(seen), all["nodes"], "{size}");
    }
    for (variables, message) in [
        (json!({ "first": 0 }), "`first` must be from 1 to 1000"),
        (json!({ "last": 1_001 }), "`last` must be from 1 to 1000"),
        (json!({ "first": 1, "last": 1 }), "give `first` or `last`, not both"),
        (json!({ "after": "AgAA" }), "`after` must be a cursor that this service returned"),
    ] {
        let response = app.admin().query_with(query, variables).await;
        assert_eq!(response.error(), ("BAD_USER_INPUT", message));
    }
}

#[tokio::test]
async fn empty_search_is_an_error_everywhere() {
    let app = TestApp::start().await;
    for (query, message) in [
        ("{ auditActivityTypes(search: \"\") { totalCount } }", "`search` must not be empty"),
        ("{ auditActors(search: \"\") { key } }", "`search` must not be empty"),
        ("{ auditEvents(filter: { search: \"\" }) { totalCount } }", "`search` must contain at least one word"),
        (
            "{ auditEvents(filter: { actor: { search: \"\" } }) { totalCount } }",
            "`filter.actor.search` must not be empty",
        ),
    ] {
        assert_eq!(app.admin().query(query).await.error(), ("BAD_USER_INPUT", message), "{query}");
    }
}

#[tokio::test]
async fn root_field_that_fails_is_null_and_the_others_are_returned() {
    let app = TestApp::start().await;
    let query = "{
        viewer { subject } auditLogInfo { lastSequence }
        auditEvents(after: \"x\") { asOf } auditEventFeed(after: \"x\") { cursor } auditActors(search: \"\") { key }
        auditActivityTypes(first: 0) { totalCount } auditEventSummary(asOf: 9) { totalCount }
    }";
    let response = app.admin().query(query).await;
    let expected = json!({
        "viewer": { "subject": "test-user" }, "auditLogInfo": { "lastSequence": 0 }, "auditEvents": null,
        "auditEventFeed": null, "auditActors": null, "auditActivityTypes": null, "auditEventSummary": null,
    });
    assert_eq!(response.body["data"], expected);
    assert_eq!(response.body["errors"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn dashboard_fits_the_default_cost() {
    let app = TestApp::start().await;
    let facets = [
        "ACTIVITY",
        "ACTOR",
        "APPLICATION",
        "CATEGORY",
        "MODIFIED_PROPERTY",
        "OPERATION_TYPE",
        "RESOURCE_TYPE",
        "SERVICE",
        "STATUS",
        "TARGET",
    ];
    let facet = |field: &str| {
        format!("{field}: facet(field: {field}) {{ buckets {{ value displayName count }} otherCount noneCount }}")
    };
    let query = format!(
        "{{ auditEventSummary {{ totalCount {} histogram {{ startsAt endsAt count failureCount }} }}
            auditEvents(first: 50) {{ totalCount edges {{ cursor node {{ id occurredAt activityDisplayName status
                actor {{ key name }} targets {{ key displayName }} }} }} pageInfo {{ hasNextPage endCursor }} }} }}",
        facets.map(facet).join(" ")
    );
    app.admin().query(&query).await.data("/auditEventSummary/STATUS");
}

#[tokio::test]
async fn schema_definition_is_served_without_a_token() {
    let app = TestApp::start().await;
    let response = reqwest::get(format!("{}/schema.graphql", app.url)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(response.text().await.unwrap(), include_str!("../../../schema.graphql"));
    let described = app.admin().query("{ __schema { description } }").await;
    let description = described.data("/__schema/description").as_str().unwrap();
    assert!(include_str!("../../../schema.graphql").contains(&format!("\"\"\"\n{description}\n\"\"\"\nschema {{")));
}
