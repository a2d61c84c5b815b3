//! Filters on parts of an event that no index contains: recorder, details, status reason, redaction, parts of values.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::client::Client;
use crate::harness::events::{
    Detail, EventBody, EventExt as _, Recording, RecordingRoute, change, event, json as value, target,
};

fn recorded(key: &str, route: RecordingRoute, by: &str, source: Option<&str>) -> EventBody {
    let recording = Recording {
        route,
        recorded_by: by.to_owned(),
        issuer: None,
        client_id: Some(format!("client of {by}")),
        source: source.map(str::to_owned),
        source_tenant_id: None,
    };
    EventBody { recording, ..event(key) }
}

async fn assert_finds(client: &Client, cases: impl IntoIterator<Item = (Value, &str)>) {
    for (filter, expected) in cases {
        let mut keys = client.keys(filter.clone()).await;
        keys.sort();
        assert_eq!(keys.concat(), expected, "{filter}");
        let summary = "query($filter: AuditEventFilter) {
            auditEventSummary(occurredAt: { window: ALL }, filter: $filter) {
                totalCount facet(field: STATUS) { buckets { count } noneCount otherCount } histogram { count } } }";
        let list = "query($filter: AuditEventFilter) {
            auditEvents(occurredAt: { window: ALL }, filter: $filter) { countUpTo(limit: 1) { value } totalCount } }";
        let feed = "query($filter: AuditEventFilter) { auditEventFeed(filter: $filter) { nodes { eventKey } } }";
        let counts = client.query_with(summary, json!({ "filter": filter })).await;
        let listed = client.query_with(list, json!({ "filter": filter })).await;
        let followed = client.query_with(feed, json!({ "filter": filter })).await;
        let number = expected.len();
        assert_eq!(*counts.data("/auditEventSummary/totalCount"), number, "{filter}");
        assert_eq!(*listed.data("/auditEvents/totalCount"), number, "{filter}");
        assert_eq!(*listed.data("/auditEvents/countUpTo/value"), number.min(1), "{filter}");
        assert_eq!(followed.data("/auditEventFeed/nodes").as_array().unwrap().len(), number, "{filter}");
        let sum = |path: &str| -> u64 {
            counts.data(path).as_array().unwrap().iter().map(|bucket| bucket["count"].as_u64().unwrap()).sum()
        };
        assert_eq!(sum("/auditEventSummary/facet/buckets"), number as u64, "{filter}");
        assert_eq!(sum("/auditEventSummary/histogram"), number as u64, "{filter}");
    }
}

#[tokio::test]
async fn recorder_and_position_filter_events() {
    let app = TestApp::start().await;
    app.record([
        recorded("a", RecordingRoute::Import, "Ops", Some("intune:May.json")),
        recorded("b", RecordingRoute::Rest, "payroll", None),
        recorded("c", RecordingRoute::GraphQl, "payroll", None),
    ])
    .await;
    assert_finds(
        &app.admin(),
        [
            (json!({ "recording": { "route": { "eq": "REST" } } }), "b"),
            (json!({ "recording": { "route": { "notIn": ["REST"] } } }), "ac"),
            (json!({ "recording": { "recordedBy": { "eq": "PAYROLL" } } }), "bc"),
            (
                json!({ "recording": { "recordedBy": { "eq": "payroll" }, "route": { "in": ["GRAPHQL", "IMPORT"] } } }),
                "c",
            ),
            (json!({ "recording": { "source": { "contains": "may" } } }), "a"),
            (json!({ "not": { "recording": { "source": { "isSet": true } } } }), "bc"),
            (json!({ "recording": { "clientId": { "startsWith": "client of O" } } }), "a"),
            (json!({ "sequence": { "from": 2 } }), "bc"),
            (json!({ "sequence": { "from": 1, "to": 2 } }), "a"),
            (json!({ "sequence": { "to": 1 } }), ""),
        ],
    )
    .await;
    for (filter, message) in [
        (json!({ "sequence": {} }), "`filter.sequence` must have `from` or `to`"),
        (
            json!({ "sequence": { "from": 2, "to": 1 } }),
            "`filter.sequence.from` must not be greater than `filter.sequence.to`",
        ),
        (json!({ "recording": {} }), "`filter.recording` must have at least one condition"),
        (json!({ "additionalDetail": {} }), "`filter.additionalDetail` must have at least one condition"),
        (json!({ "statusReason": { "contains": " " } }), "`filter.statusReason.contains` must not be empty"),
    ] {
        assert_eq!(app.admin().filter(&filter).await.error(), ("BAD_USER_INPUT", message), "{filter}");
    }
}

#[tokio::test]
async fn details_reasons_and_parts_of_values_filter_events_as_the_caller_sees_them() {
    let app = TestApp::start().await;
    let changed = |name: &str, old: Option<&str>, new: Option<&str>| {
        let mut body = event("c");
        body.targets = vec![target("Laptop")];
        body.targets[0].modified_properties = vec![change(name, old, new)];
        body
    };
    app.record([
        EventBody {
            status_reason: Some("Straße closed".to_owned()),
            additional_details: vec![
                Detail::new("Channel", Some("Web Portal".to_owned())),
                Detail::json("Risk", Some(value("{\"score\":7,\"tags\":[\"vpn\"]}"))),
            ],
            ..event("a")
        },
        EventBody { additional_details: vec![Detail::new("ApiKey secret", Some("hunter2".to_owned()))], ..event("b") },
        changed("Rules", Some("{\"port\":8443,\"from\":\"198.51.100.7\"}"), Some("null")),
        EventBody { event_key: "d".to_owned(), ..changed("Password", None, Some("\"correct horse\"")) },
    ])
    .await;
    let property = |condition: Value| json!({ "target": { "modifiedProperty": condition } });
    assert_finds(
        &app.admin(),
        [
            (json!({ "statusReason": { "contains": "STRASSE" } }), "a"),
            (json!({ "not": { "statusReason": { "isSet": true } } }), "bcd"),
            (json!({ "additionalDetail": { "key": { "eq": "channel" }, "value": { "contains": "portal" } } }), "a"),
            (json!({ "additionalDetail": { "key": { "eq": "channel" }, "value": { "contains": "vpn" } } }), ""),
            (json!({ "additionalDetail": { "value": { "contains": "\"score\":7" } } }), "a"),
            (json!({ "additionalDetail": { "value": { "eq": "hunter2" } } }), "b"),
            (property(json!({ "fromContains": "198.51.100" })), "c"),
            (property(json!({ "fromContains": "PORT" })), "c"),
            (property(json!({ "fromContains": "8443", "toIsNull": true })), "c"),
            (property(json!({ "toIsNull": true })), "c"),
            (property(json!({ "fromIsNull": false })), "c"),
            (property(json!({ "toIsNull": false })), "d"),
            (property(json!({ "toContains": "horse" })), "d"),
            (json!({ "not": property(json!({ "toContains": "horse" })) }), "abc"),
            (json!({ "or": [property(json!({ "toContains": "horse" })), { "eventKey": { "eq": "a" } }] }), "ad"),
            (json!({ "isRedacted": true }), ""),
        ],
    )
    .await;
    assert_finds(
        &app.auditor(),
        [
            (json!({ "isRedacted": true }), "bd"),
            (json!({ "isRedacted": false }), "ac"),
            (json!({ "additionalDetail": { "value": { "eq": "hunter2" } } }), ""),
            (json!({ "additionalDetail": { "key": { "contains": "secret" } } }), "b"),
            (property(json!({ "toContains": "horse" })), ""),
            (property(json!({ "toIsNull": false })), ""),
            (json!({ "not": property(json!({ "toContains": "horse" })) }), "abcd"),
        ],
    )
    .await;
}

#[tokio::test]
async fn pages_of_a_filter_on_bodies_are_exact_in_both_directions() {
    let app = TestApp::start().await;
    let start = app.now().plus(-1_000_000);
    let events = (0..450).map(|i| EventBody {
        status_reason: Some(if i % 3 == 0 { "needle" } else { "hay" }.to_owned()),
        ..event(&format!("{i:03}")).at(start.plus(-i))
    });
    app.record(events).await;
    let expected: Vec<String> = (0..450).step_by(3).map(|i| format!("{i:03}")).collect();
    let query = "query($first: Int, $after: String, $last: Int, $before: String) {
        auditEvents(first: $first, after: $after, last: $last, before: $before,
            filter: { statusReason: { eq: \"needle\" } }) {
            nodes { eventKey } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    for (size, cursor, [edge, more, less]) in [
        ("first", "after", ["endCursor", "hasNextPage", "hasPreviousPage"]),
        ("last", "before", ["startCursor", "hasPreviousPage", "hasNextPage"]),
    ] {
        let (mut seen, mut at) = (Vec::new(), Value::Null);
        loop {
            let mut variables = json!({ size: 40 });
            if at.is_string() {
                variables[cursor] = at.clone();
            }
            let response = app.admin().query_with(query, variables).await;
            let page = response.data("/auditEvents");
            let keys =
                page["nodes"].as_array().unwrap().iter().map(|node| node["eventKey"].as_str().unwrap().to_owned());
            let keys: Vec<String> = keys.collect();
            assert_eq!(page["pageInfo"][less], at.is_string(), "{size} {at}");
            at = page["pageInfo"][edge].clone();
            seen = if size == "first" { [seen, keys].concat() } else { [keys, seen].concat() };
            if page["pageInfo"][more] == false {
                break;
            }
        }
        assert_eq!(seen, expected, "{size}");
    }
}
