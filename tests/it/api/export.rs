//! Export: complete files of the events that a caller can read, page by page, and how an incomplete file is marked.

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::app::{SECRET, TestApp};
use crate::harness::client::{Client, Response};
use crate::harness::events::{Detail, EventBody, EventExt as _, HOUR, application, change, event, json as raw, target};
use crate::harness::keys::hs256;
use crate::harness::wait::{wait_for, wait_until};

/// Starts a server that exports two events per page.
async fn in_pages_of_two() -> TestApp {
    TestApp::start_with(&["--page-size-default", "2", "--page-size-max", "2"]).await
}

fn request(client: &Client, body: &Value) -> reqwest::RequestBuilder {
    client.request(Method::POST, "/v1/events/export").json(body)
}

async fn export(client: &Client, body: &Value) -> Response {
    client.send(request(client, body)).await
}

async fn receipt(client: &Client, id: &str) -> Response {
    client.send(client.request(Method::GET, &format!("/v1/events/export/{id}"))).await
}

/// The rows of an NDJSON file, and its last line.
fn lines(text: &str) -> (Vec<Value>, Value) {
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.pop().unwrap();
    (lines, last["export"].clone())
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Events k0, k1, ... a second after one another, an hour ago.
async fn record(app: &TestApp, count: i64) {
    let start = app.now().plus(-HOUR);
    app.record((0..count).map(|i| event(&format!("k{i}")).at(start.plus(i * 1_000_000)))).await;
}

fn keys(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["eventKey"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn export_has_every_page_and_ends_with_a_summary() {
    let app = in_pages_of_two().await;
    record(&app, 5).await;
    let response = export(&app.admin(), &json!({ "columns": ["eventKey", "actor.userPrincipalName"] })).await;
    assert_eq!((response.status, response.header("content-type")), (200, "application/x-ndjson"), "{}", response.text);
    let (rows, end) = lines(&response.text);
    assert_eq!(keys(&rows), ["k4", "k3", "k2", "k1", "k0"]);
    assert_eq!(rows[0], json!({ "eventKey": "k4", "actor.userPrincipalName": "ada@contoso.example" }));
    let body = response.text.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
    let id = response.header("x-auditgraph-export-id");
    let expected = json!({
        "id": id, "format": "ndjson", "state": "COMPLETE", "error": null, "count": 5, "asOf": 5,
        "sha256": sha256(&body), "endCursor": end["endCursor"],
    });
    assert_eq!(end, expected);
    assert_eq!(receipt(&app.admin(), id).await.body, expected);
    // The cursor resumes the list in any order.
    let oldest_first = json!({ "field": "SEQUENCE", "direction": "ASC" });
    let first = export(&app.admin(), &json!({ "columns": ["eventKey"], "orderBy": oldest_first })).await;
    app.record([event("new").at(app.now())]).await;
    let more = json!({ "columns": ["eventKey"], "orderBy": oldest_first, "after": lines(&first.text).1["endCursor"] });
    let (rows, end) = lines(&export(&app.admin(), &more).await.text);
    assert_eq!((keys(&rows), &end["asOf"]), (vec!["new"], &json!(6)));
    let (rows, end) = lines(
        &export(&app.admin(), &json!({ "occurredAt": { "window": "ALL" }, "asOf": 3, "columns": ["eventKey"] }))
            .await
            .text,
    );
    assert_eq!((keys(&rows), &end["asOf"]), (vec!["k2", "k1", "k0"], &json!(3)));
    let nothing = json!({ "filter": { "search": "nothing" } });
    let (rows, end) = lines(&export(&app.admin(), &nothing).await.text);
    assert_eq!(
        (rows.len(), &end["count"], &end["endCursor"], &end["sha256"]),
        (0, &json!(0), &Value::Null, &json!(sha256("")))
    );
}

#[tokio::test]
async fn exported_event_equals_the_api_event() {
    let app = TestApp::start().await;
    let layout = "{\n  \"laid\" : [ 1,\r\n 2 ]\n}";
    let body = event("k").actor(application("Sync")).change(change("Name", Some("\"a\""), Some(layout)));
    app.record([EventBody { unmapped: Some(raw(layout)), ..body }]).await;
    let response = export(&app.admin(), &json!({ "occurredAt": { "window": "ALL" } })).await;
    let (rows, _) = lines(&response.text);
    let query = include_str!("../../documents/exported_event_equals_the_api_event.graphql");
    assert_eq!(rows[0], *app.admin().query(query).await.data("/auditEvents/nodes/0"));
}

#[tokio::test]
async fn csv_keeps_nested_values_and_escapes_formulas() {
    let app = in_pages_of_two().await;
    let targets = vec![target("Bob, \"B\""), target("=cmd|' /C calc'!A0")];
    let start = app.now().plus(-HOUR);
    app.record([
        event("plain").at(start).targets(targets).change(change("Name", None, Some("{\"a\": [1]}"))),
        event("=1+1").at(start.plus(1)).activity("@SUM(A1)").targets(Vec::new()),
        event("third").at(start.plus(2)),
    ])
    .await;
    let columns =
        ["eventKey", "activity", "component", "targets.displayName", "targets.modifiedProperties.newValue", "sequence"];
    let response = export(&app.admin(), &json!({ "format": "csv", "columns": columns })).await;
    assert_eq!(response.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(response.header("content-disposition"), "attachment; filename=\"audit-events.csv\"");
    let expected = [
        "eventKey,activity,component,targets.displayName,targets.modifiedProperties.newValue,sequence",
        "third,Add user,,\"[\"\"Bob\"\"]\",[[]],3",
        "'=1+1,'@SUM(A1),,[],[],2",
        "plain,Add user,,\"[\"\"Bob, \\\"\"B\\\"\"\"\",\"\"=cmd|' /C calc'!A0\"\"]\",\"[[{\"\"a\"\":[1]}],[]]\",1",
        "",
    ]
    .join("\r\n");
    assert_eq!(response.text, expected);
    let found = receipt(&app.admin(), response.header("x-auditgraph-export-id")).await.body;
    let whole = json!({ "state": "COMPLETE", "format": "csv", "count": 3, "sha256": sha256(&expected) });
    for (name, value) in whole.as_object().unwrap() {
        assert_eq!(found[name], *value, "{found}");
    }
}

#[tokio::test]
async fn export_is_limited_to_the_scope_of_the_caller() {
    let app = TestApp::start().await;
    let secret = |key: &str, service: &str| {
        let body = event(key).service(service, "Device").change(change("Password", None, Some("\"hunter2\"")));
        EventBody { additional_details: vec![Detail::new("Password", Some("hunter2".to_owned()))], ..body }
    };
    app.record([secret("entra", "Core Directory"), secret("intune", "Microsoft Intune")]).await;
    let fabrikam = app.add_tenant("fabrikam").await;
    app.record_for(&fabrikam, [event("theirs")]).await;
    let all = json!({ "occurredAt": { "window": "ALL" }, "orderBy": { "field": "SEQUENCE", "direction": "ASC" } });
    let them = app.anonymous().role_in("fabrikam", "GLOBAL_ADMIN");
    for (client, expected, secrets) in [
        (app.admin(), vec!["entra", "intune"], 4),
        (app.auditor(), vec!["entra", "intune"], 0),
        (app.intune_admin(), vec!["intune"], 2),
        (app.anonymous().roles("contoso", &["AUDIT_READER", "INTUNE_SERVICE_ADMIN"]), vec!["entra", "intune"], 2),
        (them.clone(), vec!["theirs"], 0),
    ] {
        let response = export(&client, &all).await;
        assert_eq!(keys(&lines(&response.text).0), expected);
        assert_eq!(response.text.matches("hunter2").count(), secrets, "{}", response.text);
    }
    let by_value = json!({ "occurredAt": { "window": "ALL" }, "filter": { "target": { "modifiedProperty": { "to": "hunter2" } } } });
    assert_eq!(lines(&export(&app.auditor(), &by_value).await.text).0.len(), 0);
    assert_eq!(lines(&export(&app.admin(), &by_value).await.text).0.len(), 2);
    // The status is visible to the caller that started the export, in its tenant.
    let id = export(&app.admin(), &all).await.header("x-auditgraph-export-id").to_owned();
    assert_eq!(receipt(&app.admin(), &id).await.status, 200);
    let stranger =
        json!({ "sub": "stranger", "tid": "contoso", "roles": ["GlobalAdmin"], "exp": app.now().0 / 1_000_000 + 60 });
    for client in [them, app.anonymous().token(&hs256(SECRET.as_bytes(), &stranger))] {
        let response = receipt(&client, &id).await;
        assert_eq!((response.status, response.error().1), (404, "export not found"));
    }
    assert_eq!(receipt(&app.anonymous(), &id).await.status, 401);
    assert_eq!(export(&app.anonymous(), &all).await.status, 401);
    let recorder = export(&app.anonymous().permitted("contoso", "audit/write"), &all).await;
    assert_eq!((recorder.status, recorder.error()), (403, ("FORBIDDEN", "the token grants no access role")));
}

#[tokio::test]
async fn invalid_export_is_rejected_before_the_first_byte() {
    let app = TestApp::start().await;
    for (body, message) in [
        (json!([]), "the body must be a JSON object"),
        (json!({ "format": "xlsx" }), "`format` must be `ndjson` or `csv`"),
        (json!({ "columns": "id" }), "`columns` must be a list of strings"),
        (json!({ "columns": [] }), "`columns` must name at least one column"),
        (json!({ "columns": ["id", "id"] }), "`columns` must not name `id` twice"),
        (
            json!({ "columns": ["actor.secret"] }),
            "`columns` must be paths of fields of AuditEvent, such as `actor.name`; there is no `actor.secret`",
        ),
        (
            json!({ "first": 3 }),
            "there is no `first` in an export: it has `occurredAt`, `filter`, `orderBy`, `asOf`, `after`, `columns` and `format`",
        ),
        (json!({ "filter": { "category": {} } }), "`filter.category` must have at least one condition"),
        (
            json!({ "filter": { "not": { "service": { "eq": null } } } }),
            "`filter.not.service.eq` must not be null below `not` and `or`: leaving it out would reverse the meaning of the filter",
        ),
        (json!({ "occurredAt": { "between": {} } }), "`occurredAt.between` must have `from` or `to`"),
        (json!({ "asOf": 1 }), "`asOf` is beyond the log, which ends at 0"),
        (json!({ "after": "x" }), "`after` must be a cursor that this service returned"),
    ] {
        let response = export(&app.admin(), &body).await;
        assert_eq!((response.status, response.error()), (400, ("BAD_USER_INPUT", message)), "{body}");
        assert_eq!(response.header("x-auditgraph-export-id"), "");
    }
    for body in [
        json!({ "filter": { "unknown": 1 } }),
        json!({ "filter": 5 }),
        json!({ "orderBy": "id" }),
        json!({ "asOf": -1 }),
    ] {
        let response = export(&app.admin(), &body).await;
        assert_eq!((response.status, response.error().0), (400, "BAD_USER_INPUT"), "{}", response.text);
    }
    let deep = (0..6).fold(json!({ "search": "a" }), |filter, _| json!({ "not": filter }));
    let response = export(&app.admin(), &json!({ "filter": deep })).await;
    assert_eq!((response.status, response.error().0), (400, "LIMIT_EXCEEDED"), "{}", response.text);
    let plain = app.admin().request(Method::POST, "/v1/events/export").header("content-type", "text/plain").body("{}");
    assert_eq!(app.admin().send(plain).await.status, 415);
    assert_eq!(app.admin().send(app.admin().request(Method::GET, "/v1/events/export")).await.status, 405);
    assert_eq!(app.admin().send(app.admin().request(Method::DELETE, "/v1/events/export/x")).await.status, 405);
}

#[tokio::test]
async fn incomplete_export_is_marked_as_failed() {
    let app = in_pages_of_two().await;
    record(&app, 7).await;
    app.database.execute("UPDATE audit_event SET body = '{', body_format = 1 WHERE sequence = 1").await;
    let response = export(&app.admin(), &json!({ "columns": ["eventKey"] })).await;
    let (rows, end) = lines(&response.text);
    // The pages before the one with the unreadable event are sent.
    assert_eq!((response.status, &keys(&rows)[..2]), (200, &["k6", "k5"][..]));
    assert!(rows.len() < 7, "{}", response.text);
    assert_eq!((&end["state"], &end["count"]), (&json!("FAILED"), &json!(rows.len())));
    assert_eq!(end["error"], json!({ "code": "INTERNAL_SERVER_ERROR", "message": "internal error" }));
    let request = request(&app.admin(), &json!({ "format": "csv", "columns": ["eventKey"] }));
    let response = request.send().await.unwrap();
    let id = response.headers()["x-auditgraph-export-id"].to_str().unwrap().to_owned();
    assert!(response.bytes().await.is_err(), "the transfer is aborted");
    let found = receipt(&app.admin(), &id).await.body;
    assert_eq!((&found["state"], &found["count"]), (&json!("FAILED"), &json!(rows.len())));
    // Before the first byte, the HTTP status reports the failure.
    let oldest_first = json!({ "orderBy": { "field": "SEQUENCE", "direction": "ASC" } });
    let response = export(&app.admin(), &oldest_first).await;
    assert_eq!((response.status, response.error()), (500, ("INTERNAL_SERVER_ERROR", "internal error")));
    assert_eq!(response.body["errors"][0]["extensions"]["requestId"].as_str(), Some(response.header("x-request-id")));
}

#[tokio::test]
async fn expired_token_ends_an_export_after_the_current_page() {
    let app = in_pages_of_two().await;
    record(&app, 3).await;
    // Within the leeway the token is still accepted.
    let claims =
        json!({ "sub": "ada", "tid": "contoso", "roles": ["GlobalAdmin"], "exp": app.now().0 / 1_000_000 - 5 });
    let client = app.anonymous().token(&hs256(SECRET.as_bytes(), &claims));
    let (rows, end) = lines(&export(&client, &json!({ "columns": ["eventKey"] })).await.text);
    assert_eq!(keys(&rows), ["k2", "k1"]);
    assert_eq!((&end["state"], &end["error"]["code"]), (&json!("FAILED"), &json!("UNAUTHENTICATED")));
    // A request with another token resumes from the cursor.
    let rest = json!({ "columns": ["eventKey"], "after": end["endCursor"], "asOf": end["asOf"] });
    assert_eq!(keys(&lines(&export(&app.admin(), &rest).await.text).0), ["k0"]);
}

#[tokio::test]
async fn export_can_be_resumed_from_every_line() {
    let app = in_pages_of_two().await;
    record(&app, 7).await;
    let asked =
        |after: &Value| json!({ "occurredAt": { "window": "ALL" }, "columns": ["cursor", "eventKey"], "after": after });
    let (rows, _) = lines(&export(&app.admin(), &asked(&Value::Null)).await.text);
    assert_eq!(keys(&rows), ["k6", "k5", "k4", "k3", "k2", "k1", "k0"]);
    for (i, row) in rows.iter().enumerate() {
        let (rest, _) = lines(&export(&app.admin(), &asked(&row["cursor"])).await.text);
        assert_eq!(rest, rows[i + 1..]);
    }
    let alone =
        export(&app.admin(), &json!({ "occurredAt": { "window": "ALL" }, "format": "csv", "columns": ["cursor"] }))
            .await;
    let cursors: Vec<&str> = rows.iter().map(|row| row["cursor"].as_str().unwrap()).collect();
    assert_eq!(alone.text.lines().collect::<Vec<_>>(), [&["cursor"], &cursors[..]].concat());
    let twice = app.admin().request(Method::POST, "/v1/events/export").header("content-type", "application/json");
    let twice = app.admin().send(twice.body(r#"{"format":"csv","format":"ndjson"}"#)).await;
    assert_eq!((twice.status, twice.error()), (400, ("BAD_USER_INPUT", "`format` appears twice")));
}

#[tokio::test]
async fn export_stops_when_the_client_disconnects() {
    let app = in_pages_of_two().await;
    let large = |i: i32| {
        let details = vec![Detail::new("Log", Some("x".repeat(1 << 18)))];
        EventBody { additional_details: details, ..event(&format!("k{i}")) }
    };
    app.record((0..100).map(large)).await;
    let response = request(&app.admin(), &json!({ "occurredAt": { "window": "ALL" } })).send().await.unwrap();
    let id = response.headers()["x-auditgraph-export-id"].to_str().unwrap().to_owned();
    drop(response);
    let found = wait_for("the end of the export", async || {
        let found = receipt(&app.admin(), &id).await.body;
        (found["state"] != "RUNNING").then_some(found)
    })
    .await;
    assert_eq!(found["state"], json!("CANCELLED"));
    assert!(found["count"].as_u64().unwrap() < 100, "{found}");
    assert_eq!(found["endCursor"], Value::Null, "the received part is unknown");
}

/// Records events that are larger than the buffers between server and client, and returns the size of all of them.
async fn record_large(app: &TestApp) -> usize {
    const DETAIL_BYTES: usize = 1 << 18;
    let large = |i: i32| {
        let details = vec![Detail::new("Log", Some("x".repeat(DETAIL_BYTES)))];
        EventBody { additional_details: details, ..event(&format!("k{i}")) }
    };
    app.record((0..64).map(large)).await;
    64 * DETAIL_BYTES
}

/// Waits until an export has ended, and returns its status.
async fn ended(client: &Client, id: &str) -> Value {
    wait_for("the end of the export", async || {
        let found = receipt(client, id).await;
        assert_eq!(found.status, 200, "{}", found.text);
        (found.body["state"] != "RUNNING").then_some(found.body)
    })
    .await
}

fn id_of(response: &reqwest::Response) -> String {
    response.headers()["x-auditgraph-export-id"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn unread_export_ends_and_releases_its_quota() {
    let options = ["--caller-exports-max", "1", "--stream-stall-secs", "1", "--page-size-default", "2"];
    let app = TestApp::start_with(&[&options[..], &["--page-size-max", "2"]].concat()).await;
    let bytes = record_large(&app).await;
    for format in ["ndjson", "csv"] {
        let all = json!({ "occurredAt": { "window": "ALL" }, "format": format });
        let unread = request(&app.admin(), &all).send().await.unwrap();
        let status = ended(&app.admin(), &id_of(&unread)).await;
        assert_eq!((&status["state"], &status["error"]["code"]), (&json!("FAILED"), &json!("TIMEOUT")), "{status}");
        assert!(status["count"].as_u64().unwrap() < 64, "{status}");
        wait_for("the quota is released", async || {
            let found = export(&app.admin(), &json!({ "filter": { "search": "nothing" } })).await.status;
            (found == 200).then_some(())
        })
        .await;
        // What is read later ends with the failure: the file is recognisably incomplete.
        match unread.text().await {
            Ok(text) => {
                assert!(format == "ndjson" && text.len() < bytes);
                let mut end = lines(&text).1;
                // The client that reads the end has the rows before it; the status does not know that.
                assert!(end["endCursor"].is_string(), "{end}");
                end["endCursor"] = Value::Null;
                assert_eq!(end, status);
            }
            Err(aborted) => assert!(aborted.is_body() || aborted.is_decode() || aborted.is_request(), "{aborted:?}"),
        }
    }
}

#[tokio::test]
async fn export_ends_when_its_token_expires_also_unread() {
    let app = in_pages_of_two().await;
    record_large(&app).await;
    let token = |seconds: i64| {
        let expiry = app.now().0 / 1_000_000 + seconds;
        let claims = json!({ "sub": "ada", "tid": "contoso", "roles": ["GlobalAdmin"], "exp": expiry });
        app.anonymous().token(&hs256(SECRET.as_bytes(), &claims))
    };
    let unread = request(&token(1), &json!({ "occurredAt": { "window": "ALL" } })).send().await.unwrap();
    let status = ended(&token(600), &id_of(&unread)).await;
    assert_eq!((&status["state"], &status["error"]["code"]), (&json!("FAILED"), &json!("UNAUTHENTICATED")), "{status}");
}

#[tokio::test]
async fn export_ends_when_its_tenant_is_disabled() {
    let app = in_pages_of_two().await;
    record_large(&app).await;
    let client = app.admin();
    let response = request(&client, &json!({ "occurredAt": { "window": "ALL" } })).send().await.unwrap();
    let id = id_of(&response);
    app.close_tenant("contoso").await;
    wait_until("no caller of the tenant is accepted", async || receipt(&client, &id).await.status == 403).await;
    // The rest of the page that was being sent may arrive, and nothing else.
    if let Ok(text) = response.text().await {
        assert_eq!(lines(&text).1["error"]["code"], "FORBIDDEN");
    }
    app.store.disable_tenant("contoso", false).await.unwrap();
    wait_until("callers are accepted again", async || receipt(&client, &id).await.status == 200).await;
    let status = receipt(&client, &id).await.body;
    assert_eq!((&status["state"], &status["error"]["code"]), (&json!("FAILED"), &json!("FORBIDDEN")), "{status}");
    assert!(status["count"].as_u64().unwrap() < 64, "{status}");
}

#[tokio::test]
async fn status_of_a_running_export_is_kept_while_others_end() {
    let app = in_pages_of_two().await;
    record_large(&app).await;
    let running = request(&app.admin(), &json!({ "occurredAt": { "window": "ALL" } })).send().await.unwrap();
    let nothing = json!({ "filter": { "search": "nothing" } });
    for _ in 0..110 {
        assert_eq!(export(&app.admin(), &nothing).await.status, 200);
    }
    let stranger =
        json!({ "sub": "stranger", "tid": "contoso", "roles": ["GlobalAdmin"], "exp": app.now().0 / 1_000_000 + 60 });
    export(&app.anonymous().token(&hs256(SECRET.as_bytes(), &stranger)), &nothing).await;
    assert_eq!(receipt(&app.admin(), &id_of(&running)).await.body["state"], "RUNNING");
}

#[tokio::test]
async fn concurrent_exports_are_limited_per_caller() {
    let app =
        TestApp::start_with(&["--caller-exports-max", "2", "--page-size-default", "2", "--page-size-max", "2"]).await;
    let large = |i: i32| {
        let details = vec![Detail::new("Log", Some("x".repeat(1 << 18)))];
        EventBody { additional_details: details, ..event(&format!("k{i}")) }
    };
    app.record((0..100).map(large)).await;
    let all = json!({ "occurredAt": { "window": "ALL" } });
    let first = request(&app.admin(), &all).send().await.unwrap();
    let second = request(&app.admin(), &all).send().await.unwrap();
    let refused = export(&app.admin(), &all).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"), "{}", refused.text);
    assert_eq!(refused.error(), ("LIMIT_EXCEEDED", "too many exports: 3, where 2 are allowed"));
    let fabrikam = app.add_tenant("fabrikam").await;
    app.record_for(&fabrikam, [event("theirs")]).await;
    assert_eq!(export(&app.anonymous().role_in("fabrikam", "GLOBAL_ADMIN"), &all).await.status, 200);
    // The permit is released after complete and incomplete transfers.
    let whole = first.text().await.unwrap();
    assert_eq!(lines(&whole).1["count"], 100);
    drop(second);
    for _ in 0..2 {
        let status = wait_for("an export is accepted", async || {
            let status = export(&app.admin(), &json!({ "filter": { "search": "nothing" } })).await.status;
            (status != 429).then_some(status)
        });
        assert_eq!(status.await, 200);
    }
}

#[tokio::test]
async fn large_events_are_exported_in_small_pages() {
    let app = TestApp::start_with(&["--response-bytes-max", "2000000"]).await;
    let sized = |i: i32, bytes: usize| {
        let details = vec![Detail::new("Log", Some("x".repeat(bytes)))];
        EventBody { additional_details: details, ..event(&format!("k{i}")) }
    };
    app.record((0..30).map(|i| sized(i, if i % 10 >= 7 { 1_500_000 } else { 100_000 }))).await;
    let asked = json!({ "occurredAt": { "window": "ALL" }, "columns": ["eventKey"] });
    let response = app.admin().query("{ auditEvents(occurredAt: { window: ALL }) { nodes { eventKey } } }").await;
    assert_eq!(response.error().0, "LIMIT_EXCEEDED", "the events exceed the limit of one response");
    let (rows, end) = lines(&export(&app.admin(), &asked).await.text);
    assert_eq!((rows.len(), &end["state"]), (30, &json!("COMPLETE")));
    // Large events before and after a page do not count towards its bytes.
    let query = "query($after: String) { auditEvents(first: 1, after: $after, occurredAt: { window: ALL }) {
        nodes { eventKey } pageInfo { hasNextPage hasPreviousPage endCursor } } }";
    let (mut keys, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = app.admin().query_with(query, json!({ "after": after })).await;
        let page = page.data("/auditEvents");
        keys.push(page["nodes"][0]["eventKey"].clone());
        assert_eq!(page["pageInfo"]["hasPreviousPage"], !after.is_null());
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(keys, rows.iter().map(|row| row["eventKey"].clone()).collect::<Vec<_>>());
    // An event over the byte limit cannot be exported.
    app.record([sized(30, 2_500_000)]).await;
    let response = export(&app.admin(), &asked).await;
    assert_eq!((response.status, response.error().0), (400, "LIMIT_EXCEEDED"), "{}", response.text);
    assert_eq!(response.body["errors"][0]["extensions"]["limit"], 2_000_000);
}
