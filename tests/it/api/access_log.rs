//! The access log: what is recorded of a request that reads events, and which callers can query it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::access_log::{accesses, detail, sum, until};
use crate::harness::app::TestApp;
use crate::harness::client::{Client, Response};
use crate::harness::events::{EventExt as _, event};
use crate::harness::stream::{Events, Socket};
use crate::harness::wait::wait_until;

/// A server that records accesses almost at once, with two events in its log.
async fn watched() -> TestApp {
    let app = TestApp::start_with(&["--access-window-ms", "20"]).await;
    app.record([event("a").at(app.now()), event("b").at(app.now())]).await;
    app
}

/// Every field that lists, counts or suggests.
const EVERYTHING: &str = include_str!("../../documents/access_log_everything.graphql");

async fn everything(client: &Client, filter: Value) -> Value {
    client.query_with(EVERYTHING, json!({ "filter": filter })).await.data("").clone()
}

fn of_accesses() -> Value {
    json!({ "service": { "eq": "AuditGraph" } })
}

#[tokio::test]
async fn access_event_has_caller_operation_and_row_count() {
    let app = watched().await;
    let query = include_str!("../../documents/access_event_has_caller_operation_and_row_count.graphql");
    let filter = json!({ "activity": { "eq": "Add user" }, "category": { "in": ["UserManagement"] } });
    let body = json!({ "query": query, "variables": { "f": filter, "n": 1 } });
    let asked = app.auditor().request(Method::POST, "/graphql").header("x-request-id", "request-1").json(&body);
    app.auditor().send(asked).await.data("/ours");
    let found = until(&app.admin(), "Query audit events", 1).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    let mut event = found[0].clone();
    assert!(event["recordedAt"].as_str() >= event["occurredAt"].as_str(), "{event}");
    for name in ["id", "eventKey", "occurredAt", "recordedAt"] {
        event.as_object_mut().unwrap().remove(name);
    }
    let details = |details: &[(&str, &str)]| {
        details.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect::<Value>()
    };
    let expected = json!({
        "activity": "Query audit events", "category": "AuditAccess", "service": "auditgraph", "operationType": "READ",
        "status": "SUCCESS", "statusReason": null, "correlationId": "request-1", "isRedacted": false,
        "actor": {
            "kind": "USER", "name": "test-user", "ipAddress": "127.0.0.1", "objectId": "test-user",
            "userPrincipalName": null, "permissions": ["AUDIT_READER"],
        },
        "additionalDetails": details(&[
            ("field", "auditEvents"), ("operationName", "Mine"), ("filter", &filter.to_string()), ("requests", "1"),
            ("events", "1"),
        ]),
        "recording": { "route": "INTERNAL", "recordedBy": "auditgraph" },
    });
    assert_eq!(event, expected);
}

#[tokio::test]
async fn every_read_path_is_recorded_with_its_name() {
    let app = watched().await;
    let admin = app.admin();
    let page = admin.query("{ auditEvents { nodes { id } } }").await;
    let id = page.data("/auditEvents/nodes/0/id").as_str().unwrap();
    for (field, activity, arguments, events) in [
        (format!("node(id: \"{id}\") {{ id }}"), "Read audit event", Some(json!({ "id": id })), "1"),
        (format!("nodes(ids: [\"{id}\", \"x\"]) {{ id }}"), "Read audit event", Some(json!({ "ids": [id, "x"] })), "1"),
        ("auditEvent(id: \"nothing\") { id }".to_owned(), "Read audit event", Some(json!({ "id": "nothing" })), "0"),
        (
            "auditEventByKey(service: \"Core Directory\", eventKey: \"b\") { id }".to_owned(),
            "Read audit event",
            Some(json!({ "service": "Core Directory", "eventKey": "b" })),
            "1",
        ),
        (
            "auditEventSummary(occurredAt: { window: ALL }, asOf: 1) { totalCount }".to_owned(),
            "Summarize audit events",
            Some(json!({ "occurredAt": { "window": "ALL" } })),
            "0",
        ),
        ("auditEventSummary(filter: null) { totalCount }".to_owned(), "Summarize audit events", None, "0"),
        (
            "auditEventSummary(occurredAt: { window: LAST_7_DAYS }) { totalCount }".to_owned(),
            "Summarize audit events",
            Some(json!({ "occurredAt": { "window": "LAST_7_DAYS" } })),
            "0",
        ),
        ("auditActors(search: \"ada\") { name }".to_owned(), "Search actors", Some(json!({ "search": "ada" })), "0"),
    ] {
        let before = sum(&until(&admin, activity, 0).await, "requests");
        admin.query(&format!("{{ {field} }}")).await.data("");
        let found = until(&admin, activity, before + 1).await;
        let last = found.last().unwrap();
        let recorded = detail(last, "arguments").map(|text| serde_json::from_str::<Value>(text).unwrap());
        assert_eq!((recorded, detail(last, "events")), (arguments, Some(events)), "{field}: {last:#}");
    }
    let summaries = until(&admin, "Summarize audit events", 3).await;
    assert_eq!([0, 1, 2].map(|i| detail(&summaries[i], "asOf")), [Some("1"), Some("2"), Some("2")]);
}

#[tokio::test]
async fn rejected_and_failed_requests_are_recorded() {
    let app = watched().await;
    let recorder = app.anonymous().permitted("contoso", "audit/write");
    for (field, activity) in [
        ("auditEvents { totalCount }", "Query audit events"),
        ("auditEventFeed { cursor }", "Read audit event feed"),
        ("auditServices { key }", "Browse audit log"),
    ] {
        assert_eq!(recorder.query(&format!("query Try {{ {field} }}")).await.error().0, "FORBIDDEN");
        let found = until(&app.admin(), activity, 1).await;
        let refused = found.iter().find(|event| detail(event, "operationName") == Some("Try")).unwrap();
        assert_eq!((&refused["status"], &refused["statusReason"]), (&json!("FAILURE"), &json!("FORBIDDEN")));
        assert_eq!(refused["actor"]["permissions"], json!([]));
    }
    let follow = "subscription Try { auditEventsRecorded { safeUpTo } }";
    let mut events = Events::open(&recorder, follow, json!({})).await;
    assert_eq!(events.next().await.unwrap().1["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let mut socket = Socket::open(&app.url, &recorder.bearer_token()).await;
    socket.subscribe("1", follow, json!({})).await;
    assert_eq!(socket.next().await.unwrap()["type"], "error");
    for refused in until(&app.admin(), "Follow audit events", 2).await {
        assert_eq!(refused["statusReason"], "FORBIDDEN", "{refused:#}");
    }
    let reader = app.auditor();
    reader.send(reader.request(Method::POST, "/v1/events").json(&json!([]))).await.error();
    let record = include_str!("../../documents/rejected_and_failed_requests_are_recorded_record.graphql");
    assert_eq!(reader.query(record).await.error().0, "FORBIDDEN");
    for refused in until(&app.admin(), "Record audit events", 2).await {
        assert_eq!(refused["statusReason"], "FORBIDDEN", "{refused:#}");
        assert_eq!(detail(&refused, "arguments"), None);
    }
    // An invalid request reads nothing.
    app.admin().query("query Wrong { auditEvents(first: 0) { nodes { id } } }").await.error();
    app.admin().query("query Right { auditEvents { nodes { id } } }").await.data("");
    let found = until(&app.admin(), "Query audit events", 2).await;
    let names: Vec<_> = found.iter().map(|event| detail(event, "operationName")).collect();
    assert_eq!(names, [Some("Try"), Some("Right")]);
}

#[tokio::test]
async fn access_events_are_hidden_from_other_queries() {
    let app = watched().await;
    let roles = [app.admin(), app.auditor(), app.intune_admin()];
    let mut before = Vec::new();
    for client in &roles {
        before.push(everything(client, Value::Null).await);
    }
    let recorded = until(&app.admin(), "Query audit events", 3).await;
    let id = recorded[0]["id"].as_str().unwrap();
    let by_key = format!("auditEventByKey(service: \"auditgraph\", eventKey: {}) {{ id }}", recorded[0]["eventKey"]);
    let query = format!(
        "{{ node(id: \"{id}\") {{ id }} nodes(ids: [\"{id}\"]) {{ id }} auditEvent(id: \"{id}\") {{ id }} {by_key} }}"
    );
    for (client, before) in roles.iter().zip(before) {
        assert_eq!(everything(client, Value::Null).await, before);
        let nothing = json!({ "not": { "service": { "in": ["Core Directory", "Microsoft Intune"] } } });
        assert_eq!(everything(client, nothing).await["auditEvents"]["totalCount"], 0);
    }
    assert_eq!(*app.admin().query(&query).await.data("/nodes/0/id"), json!(id));
    assert_eq!(*app.admin().query(&query).await.data("/auditEventByKey/id"), json!(id));
    for client in &roles[1..] {
        let expected = json!({ "node": null, "nodes": [null], "auditEvent": null, "auditEventByKey": null });
        assert_eq!(*client.query(&query).await.data(""), expected);
        // For these callers the service has no events, in every kind of condition.
        let seen = everything(client, of_accesses()).await;
        assert_eq!(
            (&seen["auditEvents"]["totalCount"], &seen["auditEventSummary"]["totalCount"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(seen["auditEventFeed"]["nodes"], json!([]));
        let both = json!({ "service": { "in": ["auditgraph", "Core Directory"] } });
        let expected = client.keys(json!({ "service": { "eq": "Core Directory" } })).await;
        assert_eq!(client.keys(both).await, expected);
    }
}

#[tokio::test]
async fn administrator_can_query_the_access_log() {
    let app = watched().await;
    app.auditor().query("query One { auditEvents { nodes { id } } }").await.data("");
    until(&app.admin(), "Query audit events", 1).await;
    let seen =
        everything(&app.admin(), json!({ "and": [of_accesses(), { "category": { "eq": "AuditAccess" } }] })).await;
    let total = seen["auditEvents"]["totalCount"].as_i64().unwrap();
    assert!(total > 0);
    assert_eq!(seen["auditEventSummary"]["asOf"], seen["auditEventFeed"]["safeUpTo"]);
    assert_eq!(seen["auditEventSummary"]["facet"]["buckets"], json!([{ "value": "auditgraph", "count": total }]));
    assert_eq!(seen["auditEventFeed"]["nodes"].as_array().unwrap().len(), usize::try_from(total).unwrap());
    // Both logs in one request, each at its own last sequence.
    let both = include_str!("../../documents/administrator_can_query_the_access_log_both.graphql");
    let both = app.admin().query(both).await;
    assert_eq!(*both.data("/b"), json!({ "asOf": 2, "totalCount": 2 }));
    assert_eq!(both.data("/a/asOf"), both.data("/a/totalCount"));
    for mixed in [
        json!({ "service": { "in": ["auditgraph", "Core Directory"] } }),
        json!({ "or": [of_accesses(), { "category": { "eq": "UserManagement" } }] }),
    ] {
        let response = app.admin().filter(&mixed).await;
        let sentence = "events of the service `auditgraph` are in a separate log: filter on this service alone";
        assert_eq!(response.error(), ("BAD_USER_INPUT", sentence), "{mixed}");
    }
    let feed = include_str!("../../documents/administrator_can_query_the_access_log_feed.graphql");
    let cursor = app.admin().query_with(feed, json!({ "filter": of_accesses() })).await;
    let cursor = cursor.data("/auditEventFeed/cursor");
    assert_eq!(app.admin().query_with(feed, json!({ "after": cursor })).await.error().0, "CURSOR_EXPIRED");
    let follow = include_str!("../../documents/administrator_can_query_the_access_log_follow.graphql");
    let variables = json!({ "filter": of_accesses(), "after": cursor });
    let mut events = Events::open(&app.admin(), follow, variables).await;
    let batch = events.batch().await;
    assert_eq!(batch["edges"][0]["node"]["service"], "auditgraph");
    let mut refused = Events::open(&app.admin(), follow, json!({ "after": cursor })).await;
    assert_eq!(refused.next().await.unwrap().1["errors"][0]["extensions"]["code"], "CURSOR_EXPIRED");
}

async fn export(client: &Client, filter: &Value) -> Response {
    let body = json!({ "columns": ["service"], "filter": filter });
    client.send(client.request(Method::POST, "/v1/events/export").json(&body)).await
}

#[tokio::test]
async fn export_is_one_access_event_and_the_access_log_can_be_exported() {
    let app = TestApp::start_with(&["--access-window-ms", "20", "--page-size-max", "1"]).await;
    app.record([event("a").at(app.now()), event("b").at(app.now()), event("c").at(app.now())]).await;
    let filter = json!({ "activity": { "eq": "Add user" } });
    assert_eq!(export(&app.auditor(), &filter).await.text.lines().count(), 4);
    let recorder = app.anonymous().permitted("contoso", "audit/write");
    assert_eq!(export(&recorder, &filter).await.status, 403);
    let found = until(&app.admin(), "Export audit events", 2).await;
    let status_and_details = |event: &Value| {
        let texts = ["filter", "requests", "events", "asOf"].map(|key| detail(event, key).map(str::to_owned));
        (event["status"].clone(), texts)
    };
    let filter = filter.to_string();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(status_and_details(&found[0]), (json!("SUCCESS"), [text(&filter), text("1"), text("3"), text("3")]));
    assert_eq!(status_and_details(&found[1]), (json!("FAILURE"), [text(&filter), text("1"), text("0"), None]));
    let file = export(&app.admin(), &of_accesses()).await;
    assert!(file.text.starts_with("{\"service\":\"auditgraph\"}\n"), "{}", file.text);
}

#[tokio::test]
async fn access_log_is_per_tenant() {
    let app = watched().await;
    app.add_tenant("fabrikam").await;
    app.admin().query("query Ours { auditEvents { nodes { id } } }").await.data("");
    let found = until(&app.admin(), "Query audit events", 1).await;
    let theirs = app.anonymous().role_in("fabrikam", "GLOBAL_ADMIN");
    assert_eq!(accesses(&theirs).await, Vec::<Value>::new());
    let node = format!("{{ node(id: {}) {{ id }} }}", found[0]["id"]);
    assert_eq!(*theirs.query(&node).await.data("/node"), Value::Null);
    for key in [" access to contoso", " access to fabrikam"] {
        let response = app.anonymous().role_in(key, "GLOBAL_ADMIN").query("{ auditEvents { totalCount } }").await;
        assert_eq!(response.error(), ("FORBIDDEN", "the token's tenant has no log here"));
    }
    let follow = "subscription { auditEventsRecorded(filter: { service: { eq: \"auditgraph\" } }) { safeUpTo } }";
    let mut events = Events::open(&app.admin(), follow, json!({})).await;
    events.batch().await;
    app.close_tenant("contoso").await;
    let last = loop {
        let (_, data) = events.next().await.unwrap();
        if data.get("errors").is_some() {
            break data;
        }
    };
    assert_eq!(last["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn disabled_access_log_has_no_metrics() {
    let app = TestApp::start_with(&["--record-access", "false"]).await;
    app.admin().query("query Unseen { auditEvents { nodes { id } } }").await.data("");
    let metrics = reqwest::get(&app.metrics_url).await.unwrap().text().await.unwrap();
    assert!(!metrics.contains("access_events_lost"));
}

#[tokio::test]
async fn lost_accesses_are_counted_and_do_not_fail_requests() {
    let app = watched().await;
    let ask = async |name: &str| {
        app.auditor().query(&format!("query {name} {{ auditEvents {{ nodes {{ id }} }} }}")).await.data("");
    };
    ask("First").await;
    until(&app.admin(), "Query audit events", 1).await;
    app.database.fail_from_sequence(1).await;
    ask("Second").await;
    let lost = async || {
        let metrics = reqwest::get(&app.metrics_url).await.unwrap().text().await.unwrap();
        let line = metrics.lines().find_map(|line| line.strip_prefix("auditgraph_access_events_lost_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    wait_until("an access is lost", async || lost().await > 0).await;
    app.database.fail_no_more().await;
    ask("Third").await;
    let found = until(&app.admin(), "Query audit events", 2).await;
    let names: Vec<_> = found.iter().map(|event| detail(event, "operationName")).collect();
    assert_eq!(names, [Some("First"), Some("Third")]);
    assert_eq!(found.iter().map(|event| detail(event, "lost")).collect::<Vec<_>>(), [None, Some("1")]);
    assert_eq!(lost().await, 1);
}
