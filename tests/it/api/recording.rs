//! Recording through the API: the mutation and the batch endpoint.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::cli::run;
use crate::harness::client::{Client, Response};

const RECORD: &str = include_str!("../../documents/recording_record.graphql");

fn recorder(app: &TestApp) -> Client {
    Client::new(&app.url).permitted("contoso", "audit/write")
}

fn event(key: &str) -> Value {
    json!({
        "eventKey": key,
        "occurredAt": "2026-01-02T03:04:05.123456Z",
        "activity": "Approve payment",
        "category": "Payments",
        "service": "Contoso Payroll",
        "status": "SUCCESS",
        "actor": { "user": { "userPrincipalName": "ada@contoso.example", "application": { "displayName": "Payroll" } } },
        "targets": [{
            "type": "Payment",
            "objectId": "42",
            "modifiedProperties": [{ "name": "state", "oldValue": "open", "newValue": ["approved", 1] }],
        }],
        "additionalDetails": [{ "key": "channel", "value": "web" }],
    })
}

async fn record(client: &Client, events: Value) -> Response {
    client.query_with(RECORD, json!({ "events": events })).await
}

async fn post(client: &Client, content_type: &str, body: impl Into<String>) -> Response {
    let request = client.request(Method::POST, "/v1/events").header("content-type", content_type);
    client.send(request.body(body.into())).await
}

fn outcomes(response: &Response) -> Vec<String> {
    let results = response.body["results"].as_array().cloned().unwrap_or_default();
    results.iter().map(|result| result["status"].as_str().unwrap_or("").to_owned()).collect()
}

#[tokio::test]
async fn mutation_returns_a_result_per_event() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let mut other = event("a");
    other["activity"] = "Reject payment".into();
    let mut wrong = event("c");
    wrong["occurredAt"] = "1969-12-31T23:59:59Z".into();
    wrong["targets"][0]["type"] = " ".into();
    let response = record(&client, json!([event("a"), event("a"), other, event("b"), wrong])).await;
    let payload = response.data("/recordAuditEvents");
    let kinds: Vec<&str> =
        payload["results"].as_array().unwrap().iter().map(|result| result["__typename"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["AuditEventRecorded", "AuditEventDuplicate", "AuditEventConflict", "AuditEventRecorded", "AuditEventRejected"]
    );
    assert_eq!(payload["recordedCount"], 2);
    assert_eq!(payload["results"][4]["problems"][0]["path"], json!(["targets", "0", "type"]));
    let id = payload["results"][0]["eventId"].as_str().unwrap();
    let query = format!(
        "{{ auditEvent(id: \"{id}\") {{ sequence operationType recording {{ route recordedBy }}
            targets {{ key modifiedProperties {{ change oldValue newValue }} }} }} }}"
    );
    let read = app.admin().query(&query).await;
    let expected = json!({
        "sequence": 1,
        "operationType": "OTHER",
        "recording": { "route": "GRAPHQL", "recordedBy": "test-user" },
        "targets": [{ "key": "id:42:payment",
            "modifiedProperties": [{ "change": "CHANGED", "oldValue": "open", "newValue": ["approved", 1] }] }],
    });
    assert_eq!(*read.data("/auditEvent"), expected);
}

#[tokio::test]
async fn reader_cannot_record() {
    let app = TestApp::start().await;
    for client in [app.admin(), app.intune_admin(), app.auditor()] {
        assert_eq!(record(&client, json!([event("a")])).await.error().0, "FORBIDDEN");
        assert_eq!(post(&client, "application/json", event("a").to_string()).await.status, 403);
    }
    assert_eq!(post(&app.anonymous(), "application/json", event("a").to_string()).await.status, 401);
    let recorder = recorder(&app);
    assert_eq!(recorder.query("{ auditEvents { nodes { id } } }").await.error().0, "FORBIDDEN");
    assert_eq!(*recorder.query("{ viewer { canRecordAuditEvents } }").await.data("/viewer/canRecordAuditEvents"), true);
    assert_eq!(app.admin().keys(json!({})).await, Vec::<String>::new());
}

#[tokio::test]
async fn recorded_defaults_come_from_the_catalogue() {
    let app = TestApp::start().await;
    let mut known = event("a");
    (known["service"], known["category"], known["activity"]) =
        ("Core Directory".into(), "GroupManagement".into(), "Delete group".into());
    record(&recorder(&app), json!([known])).await.data("/recordAuditEvents");
    let query =
        "{ auditEvents(occurredAt: { window: ALL }) { nodes { operationType resourceType activityDisplayName } } }";
    let response = app.admin().query(query).await;
    let expected =
        json!([{ "operationType": "DELETE", "resourceType": "GROUP", "activityDisplayName": "Delete group" }]);
    assert_eq!(*response.data("/auditEvents/nodes"), expected);
}

#[tokio::test]
async fn batch_size_and_reserved_services_are_checked() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let many: Vec<Value> = (0..1_001).map(|i| event(&i.to_string())).collect();
    assert_eq!(post(&client, "application/json", Value::from(many.clone()).to_string()).await.status, 413);
    assert_eq!(record(&client, json!([])).await.error().0, "BAD_USER_INPUT");
    for service in ["AuditGraph", "auditgraph.", "auditgraph\u{200b}", "ａｕｄｉｔ-graph"] {
        let mut reserved = event("a");
        reserved["service"] = service.into();
        let response = record(&client, json!([reserved])).await;
        assert_eq!(response.data("/recordAuditEvents/results/0/problems/0")["code"], "NOT_PERMITTED", "{service}");
    }
    assert_eq!(app.admin().keys(json!({})).await, Vec::<String>::new());
}

#[tokio::test]
async fn batch_endpoint_status_summarizes_the_results() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let one = post(&client, "application/json", event("a").to_string()).await;
    assert_eq!((one.status, outcomes(&one)), (201, vec!["RECORDED".to_owned()]));
    assert_eq!(one.body["results"][0]["sequence"], 1);
    let again = post(&client, "application/json", json!([event("a")]).to_string()).await;
    assert_eq!((again.status, outcomes(&again)), (200, vec!["DUPLICATE".to_owned()]));
    let lines = format!("{}\nnot json\n{}\n", event("b"), event("c"));
    let some = post(&client, "application/x-ndjson", lines).await;
    assert_eq!((some.status, outcomes(&some)), (207, ["RECORDED", "REJECTED", "RECORDED"].map(str::to_owned).to_vec()));
    let none = post(&client, "application/json", "{\"eventKey\":\"x\",\"colour\":1}").await;
    assert_eq!((none.status, outcomes(&none)), (400, vec!["REJECTED".to_owned()]));
    let problems = none.body["results"][0]["problems"].as_array().unwrap();
    let paths: Vec<&str> = problems.iter().map(|problem| problem["path"][0].as_str().unwrap()).collect();
    for path in ["colour", "occurredAt", "activity", "category", "service", "status", "actor"] {
        assert!(paths.contains(&path), "{path} in {paths:?}");
    }
    assert_eq!(post(&client, "application/json", "{").await.status, 400);
    let list = format!("[{},{}]", event("d"), event("e")).replace("\"e\"", "\"\\ud800\"");
    let half = post(&client, "application/json", list).await;
    assert_eq!((half.status, outcomes(&half)), (207, ["RECORDED", "REJECTED"].map(str::to_owned).to_vec()));
    let message = half.body["results"][1]["problems"][0]["message"].as_str().unwrap();
    assert_eq!(message, "line 1: the record has half of a surrogate pair in a string");
    let broken = post(&client, "application/json", format!("[{},{{]", event("f"))).await;
    assert_eq!(broken.status, 400);
    assert!(broken.error().1.starts_with("event 1, counted from 0, is not valid JSON: line 1: "), "{}", broken.text);
    let unnamed = post(&client, "application/json", event("g").to_string().replace("\"activity\"", "\"colour\"")).await;
    let paths: Vec<&Value> =
        unnamed.body["results"][0]["problems"].as_array().unwrap().iter().map(|it| &it["path"]).collect();
    assert_eq!(paths, [&json!(["colour"]), &json!(["activity"])], "absent fields have no problems");
    assert_eq!(post(&client, "application/json", "").await.status, 400);
    assert_eq!(post(&client, "text/plain", "{}").await.status, 415);
    assert_eq!(client.send(client.request(Method::GET, "/v1/events")).await.status, 405);
    assert_eq!(app.admin().keys(json!({})).await.len(), 4);
}

#[tokio::test]
async fn cloud_events_and_imported_formats_are_recorded() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let cloud = json!({
        "specversion": "1.0", "id": "ce-1", "source": "Contoso Shop", "type": "Cancel order", "subject": "order-7",
        "time": "2026-01-02T03:04:05Z",
        "data": { "category": "Orders", "status": "FAILURE", "actor": { "system": { "name": "Nightly job" } } },
    });
    let response = post(&client, "application/cloudevents+json", cloud.to_string()).await;
    assert_eq!((response.status, outcomes(&response)), (201, vec!["RECORDED".to_owned()]), "{}", response.text);
    let mut extended = cloud.clone();
    extended["id"] = json!("ce-2");
    extended["traceparent"] = json!("00-4bf9-01");
    extended["data"]["targets"] = json!([{ "type": "Order", "objectId": "order-8" }]);
    assert_eq!(outcomes(&post(&client, "application/cloudevents+json", extended.to_string()).await), ["RECORDED"]);
    let query = "{ auditEvents(occurredAt: { window: ALL }) { nodes { eventKey unmapped targets { objectId } } } }";
    let shown = app.admin().query(query).await.data("/auditEvents/nodes").clone();
    assert_eq!(
        shown,
        json!([
            { "eventKey": "ce-2", "unmapped": { "subject": "order-7", "traceparent": "00-4bf9-01" },
                "targets": [{ "objectId": "order-8" }] },
            { "eventKey": "ce-1", "unmapped": null, "targets": [{ "objectId": "order-7" }] },
        ])
    );
    let foreign = |tenant: &str| {
        json!({
            "time": "2026-02-01T00:00:00Z", "tenantId": tenant, "category": "AuditLogs", "operationName": "Create MobileApp",
            "properties": { "AuditEventId": format!("5a{tenant}"), "ActivityType": 0, "Category": 5,
                "Actor": { "ActorType": 1, "UPN": "bob@contoso.example" } },
        })
        .to_string()
    };
    assert_eq!(outcomes(&post(&client, "application/json", foreign("contoso")).await), ["RECORDED"]);
    let other = post(&client, "application/json", foreign("fabrikam")).await;
    assert_eq!(other.body["results"][0]["problems"][0]["message"], "the record belongs to tenant `fabrikam`");
    let mut keys = app.admin().keys(json!({})).await;
    keys.sort_unstable();
    assert_eq!(keys, ["5acontoso", "ce-1", "ce-2"]);
}

#[tokio::test]
async fn duplicate_json_members_are_rejected_at_every_depth() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let rejected = async |text: String| {
        let response = post(&client, "application/json", text).await;
        assert_eq!((response.status, outcomes(&response)), (400, vec!["REJECTED".to_owned()]), "{}", response.text);
        let problem = &response.body["results"][0]["problems"][0];
        assert_eq!((&problem["code"], &problem["message"]), (&json!("INVALID"), &json!("appears twice")));
        let path: Vec<&str> = problem["path"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        path.join(".")
    };
    let text = event("a").to_string();
    for (once, again, path) in [
        (r#""activity":"#, r#""activity":"Other","#, "activity"),
        (r#""userPrincipalName":"#, r#""userPrincipalName":"x","#, "actor.user.userPrincipalName"),
        (r#""displayName":"#, r#""displayName":"x","#, "actor.user.application.displayName"),
        (r#""objectId":"#, r#""objectId":"41","#, "targets.0.objectId"),
        (r#""newValue":"#, r#""newValue":1,"#, "targets.0.modifiedProperties.0.newValue"),
        (r#""key":"#, r#""key":"x","#, "additionalDetails.0.key"),
    ] {
        assert_eq!(rejected(text.replace(once, &format!("{again}{once}"))).await, path);
    }
    let cloud = r#"{"specversion":"1.0","id":"c","source":"Shop","type":"Cancel","time":"2026-01-02T03:04:05Z",
        "data":{"category":"Orders","status":"FAILURE","actor":{"system":{"name":"Job"}}}}"#;
    assert_eq!(rejected(cloud.replace(r#""type":"#, r#""type":"Pay","type":"#)).await, "type");
    assert_eq!(rejected(cloud.replace(r#""data":{"#, r#""data":{"category":"x","#)).await, "category");
    let free = text.replace(r#"["approved",1]"#, r#"{"n":1,"n":2}"#);
    assert_eq!(post(&client, "application/json", free).await.status, 201);
    assert_eq!(app.admin().keys(json!({})).await, ["a"]);
}

#[tokio::test]
async fn cloud_events_with_other_data_are_recorded_as_by_import() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let cloud = |id: &str, data: Value| {
        json!({ "specversion": "1.0", "type": "com.example.login", "source": "/app", "id": id, "subject": "u1",
            "time": "2026-11-20T10:00:00Z", "data": data })
    };
    let audit = json!({ "id": "d-1", "activityDisplayName": "Add user", "activityDateTime": "2026-03-01T10:00:00Z",
        "loggedByService": "Core Directory", "initiatedBy": { "user": { "id": "u-1" } } });
    let all =
        [cloud("c1", json!({ "a": 1 })), cloud("c2", json!({ "status": "ok", "actor": "ada" })), cloud("c3", audit)];
    for (one, content_type) in all.iter().zip(["application/json", "application/cloudevents+json", "application/json"])
    {
        let response = post(&client, content_type, one.to_string()).await;
        assert_eq!(outcomes(&response), ["RECORDED"], "{}", response.text);
    }
    let batch = post(&client, "application/cloudevents-batch+json", json!(all).to_string()).await;
    assert_eq!(outcomes(&batch), ["DUPLICATE"; 3], "{}", batch.text);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.json");
    std::fs::write(&file, json!(all).to_string()).unwrap();
    let file = file.to_str().unwrap();
    let imported = run(&["import", "--tenant", "contoso", "--database-url", &app.database.url, file]);
    assert_eq!(imported.ok(), "recorded 0, duplicates 3, conflicts 0, rejected 0");
    let ours = cloud("c4", json!({ "category": "Orders", "actor": { "system": { "name": "Job" } } }));
    let refused = post(&client, "application/cloudevents+json", ours.to_string()).await;
    assert_eq!(refused.body["results"][0]["problems"][0]["message"], "is missing");
    assert_eq!(refused.body["results"][0]["problems"][0]["path"], json!(["status"]));
}

#[tokio::test]
async fn concurrent_requests_are_each_recorded_once() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let sent = (0..40).map(|i| {
        let client = client.clone();
        // Two requests send each key.
        tokio::spawn(async move {
            post(
                &client,
                "application/json",
                json!([event(&(i / 2).to_string()), event(&format!("own-{i}"))]).to_string(),
            )
            .await
        })
    });
    let mut recorded = 0;
    for response in sent.collect::<Vec<_>>() {
        let response = response.await.unwrap();
        recorded += response.body["recordedCount"].as_u64().unwrap();
    }
    assert_eq!(recorded, 60);
    let query = include_str!("../../documents/concurrent_requests_are_each_recorded_once.graphql");
    let response = app.admin().query(query).await;
    let sequences: Vec<u64> = response
        .data("/auditEvents/nodes")
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(sequences, (1..=60).collect::<Vec<u64>>());
}

#[tokio::test]
async fn cloud_event_is_the_same_event_by_every_route() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let cloud = |id: &str, more: Value| {
        let mut data = json!({ "category": "Orders", "status": "SUCCESS", "actor": { "system": { "name": "Job" } } });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "specversion": "1.0", "id": id, "source": "/shop", "type": "Cancel order",
            "time": "2026-11-20T10:00:00Z", "data": data })
        .to_string()
    };
    let twice = cloud("1", json!({ "service": "Shop", "eventKey": "2", "occurredAt": "2020-01-01T00:00:00Z" }));
    let refused = post(&client, "application/cloudevents+json", twice).await;
    let problems = refused.body["results"][0]["problems"].as_array().unwrap();
    let paths: Vec<_> = problems.iter().map(|problem| problem["path"].clone()).collect();
    let expected = [json!(["data", "occurredAt"]), json!(["data", "service"]), json!(["data", "eventKey"])];
    assert_eq!((refused.status, paths.as_slice()), (400, expected.as_slice()), "{}", refused.text);
    let sentence = "is already given by `source` of the envelope: omit it";
    assert_eq!(problems[1]["message"], sentence);
    assert_eq!(app.admin().keys(json!({})).await, [""; 0]);

    let plain = cloud("1", json!({}));
    assert_eq!(outcomes(&post(&client, "application/cloudevents+json", plain.clone()).await), ["RECORDED"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.ndjson");
    std::fs::write(&file, plain + "\n" + &cloud("1", json!({ "service": "Shop", "eventKey": "2" }))).unwrap();
    let file = file.to_str().unwrap();
    let imported = run(&["import", "--tenant", "contoso", "--database-url", &app.database.url, file]);
    assert_eq!(imported.ok(), "recorded 0, duplicates 2, conflicts 0, rejected 0");
}

#[tokio::test]
async fn mutation_keeps_json_values_verbatim() {
    let app = TestApp::start().await;
    let values = [
        "18446744073709551616",
        "-9223372036854775809",
        "0.12345678901234567890",
        "1.10",
        "1e+400",
        "-0",
        r#"{"z":1.0,"a":[100000000000000000000.00]}"#,
    ];
    let changes: Vec<String> =
        values.iter().enumerate().map(|(i, value)| format!(r#"{{"name":"p{i}","newValue":{value}}}"#)).collect();
    let mut plain = event("exact");
    plain["targets"][0]["modifiedProperties"] = json!("CHANGES");
    let variables =
        json!({ "events": [plain] }).to_string().replace("\"CHANGES\"", &format!("[{}]", changes.join(",")));
    let body = format!(r#"{{"query":{},"variables":{variables}}}"#, Value::from(RECORD));
    let client = recorder(&app);
    let request = client.request(Method::POST, "/graphql").header("content-type", "application/json").body(body);
    assert_eq!(*client.send(request).await.data("/recordAuditEvents/recordedCount"), json!(1));
    let read = app
        .admin()
        .query("{ auditEvents(occurredAt: { window: ALL }) { nodes { targets { modifiedProperties { newValue } } } } }")
        .await;
    for value in values {
        assert!(read.text.contains(&format!(r#"{{"newValue":{value}}}"#)), "{value}: {}", read.text);
    }
    let literal = r#"mutation { recordAuditEvents(input: { events: [{ eventKey: "l", occurredAt: "2026-01-02T00:00:00Z",
        activity: "a", category: "c", service: "s", status: SUCCESS, actor: { system: { name: "x" } }, targets: [{
        type: "t", modifiedProperties: [{ name: "n", newValue: { b: 1.10, a: 18446744073709551616 } }] }] }] }) {
        recordedCount } }"#;
    client.query(literal).await.data("/recordAuditEvents/recordedCount");
    let read = app
        .admin()
        .query("{ auditEvents(occurredAt: { window: ALL }) { nodes { targets { modifiedProperties { newValue } } } } }")
        .await;
    assert!(read.text.contains(r#"{"newValue":{"b":1.10,"a":18446744073709551616}}"#), "{}", read.text);
}

#[tokio::test]
async fn all_problems_of_an_event_are_reported_together() {
    let app = TestApp::start().await;
    let mut wrong = event("");
    wrong["service"] = json!("");
    wrong["colour"] = json!(1);
    let mut undated = event("b");
    undated["occurredAt"] = json!("");
    let response =
        post(&recorder(&app), "application/json", json!([wrong, undated, [event("c")], 5]).to_string()).await;
    let paths = |index: usize| -> Vec<String> {
        let problems = response.body["results"][index]["problems"].as_array().unwrap().iter();
        problems.map(|problem| problem["path"].to_string()).collect()
    };
    assert_eq!(outcomes(&response), ["REJECTED"; 4], "a list in a list is one thing that is wrong: {}", response.text);
    assert_eq!(paths(0), [r#"["colour"]"#, r#"["eventKey"]"#, r#"["service"]"#]);
    assert_eq!(paths(1), [r#"["occurredAt"]"#]);
    assert_eq!((response.status, paths(2).len(), paths(3).len()), (400, 1, 1));
}

#[tokio::test]
async fn values_are_given_as_json_or_as_json_text() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let with = |key: &str, change: Value, detail: Value| {
        let mut event = event(key);
        event["targets"][0]["modifiedProperties"] = json!([change]);
        event["additionalDetails"] = json!([detail]);
        event
    };
    let response = record(
        &client,
        json!([
            with(
                "text",
                json!({ "name": "n", "oldValueText": "null", "newValueText": " [12345678901234567890, 1.50] " }),
                json!({ "key": "k", "valueText": "{\"a\": [7]}" })
            ),
            with("json", json!({ "name": "n", "oldValue": 1 }), json!({ "key": "k", "value": { "a": [true, null] } })),
            with("none", json!({ "name": "n" }), json!({ "key": "k" })),
            with(
                "both",
                json!({ "name": "n", "oldValue": 1, "oldValueText": "1" }),
                json!({ "key": "k", "valueText": "not JSON" })
            ),
            with("twice", json!({ "name": "n", "newValueText": "{\"a\":1,\"a\":2}" }), json!({ "key": "k" })),
        ]),
    )
    .await;
    let payload = response.data("/recordAuditEvents");
    assert_eq!((&payload["recordedCount"], &payload["rejectedCount"]), (&json!(3), &json!(2)));
    let problems = |index: usize| -> Vec<(String, &str)> {
        let problems = payload["results"][index]["problems"].as_array().unwrap().iter();
        let path = |problem: &Value| {
            let path = problem["path"].as_array().unwrap().iter();
            path.map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join(".")
        };
        problems.map(|problem| (path(problem), problem["message"].as_str().unwrap())).collect()
    };
    let change = "targets.0.modifiedProperties.0";
    assert_eq!(
        problems(3),
        [
            (format!("{change}.oldValueText"), "must not be given together with `oldValue`"),
            (
                "additionalDetails.0.valueText".to_owned(),
                "is not valid JSON; a string needs its quotes, such as `\"text\"`"
            ),
        ]
    );
    assert_eq!(problems(4), [(format!("{change}.newValueText"), "has the member `a` twice")]);
    let query = "{ auditEvents(occurredAt: { window: ALL }, orderBy: { field: SEQUENCE, direction: ASC }) { nodes {
        targets { modifiedProperties { change oldValue oldValueText newValueText } }
        additionalDetails { value valueText } } } }";
    let nodes = app.admin().query(query).await.data("/auditEvents/nodes").clone();
    let values = |change: Value, detail: Value| json!({ "targets": [{ "modifiedProperties": [change] }], "additionalDetails": [detail] });
    let expected = json!([
        values(
            json!({ "change": "CHANGED", "oldValue": null, "oldValueText": "null",
                "newValueText": "[12345678901234567890,1.50]" }),
            json!({ "value": { "a": [7] }, "valueText": "{\"a\":[7]}" })
        ),
        values(
            json!({ "change": "REMOVED", "oldValue": 1, "oldValueText": "1", "newValueText": null }),
            json!({ "value": { "a": [true, null] }, "valueText": "{\"a\":[true,null]}" })
        ),
        values(
            json!({ "change": "UNKNOWN", "oldValue": null, "oldValueText": null, "newValueText": null }),
            json!({ "value": null, "valueText": null })
        ),
    ]);
    assert_eq!(nodes, expected);
}

#[tokio::test]
async fn rest_takes_details_with_any_json_value_and_keeps_null() {
    let app = TestApp::start().await;
    let mut sent = event("a");
    let details = json!([
        { "key": "object", "value": { "tags": ["a"], "password": "hunter2" } }, { "key": "number", "value": 1.5 },
        { "key": "null", "value": null }, { "key": "none" },
    ]);
    sent["additionalDetails"] = details;
    let response = post(&recorder(&app), "application/json", sent.to_string()).await;
    assert_eq!(outcomes(&response), ["RECORDED"], "{}", response.text);
    let query = "{ auditEvents(occurredAt: { window: ALL }) { nodes { additionalDetails { valueText redaction } } } }";
    let texts = |redacted: bool| {
        let object = if redacted { Value::Null } else { json!("{\"tags\":[\"a\"],\"password\":\"hunter2\"}") };
        let reason = if redacted { json!("SENSITIVE") } else { Value::Null };
        json!([
            { "valueText": object, "redaction": reason }, { "valueText": "1.5", "redaction": null },
            { "valueText": "null", "redaction": null }, { "valueText": null, "redaction": null },
        ])
    };
    for (client, redacted) in [(app.admin(), false), (app.auditor(), true)] {
        let response = client.query(query).await;
        assert_eq!(*response.data("/auditEvents/nodes/0/additionalDetails"), texts(redacted));
    }
}
