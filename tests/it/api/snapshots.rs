//! Snapshots of response bodies: one per error code, and one per kind of result.
//!
//! Values that differ between runs are redacted, so the snapshots are the same on SQLite and PostgreSQL. To update
//! them: `INSTA_UPDATE=always cargo nextest run snapshots`.

use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use super::summary::make_endless;
use crate::harness::app::TestApp;
use crate::harness::client::{Client, Response};
use crate::harness::events::{EventExt as _, Timestamp, change, event};
use crate::harness::key_set::{KeySetServer, ServerBehavior};
use crate::harness::keys::Issuer;

/// Members whose values differ between runs.
const REDACTED: [&str; 9] = [
    "requestId",
    "recordedAt",
    "cursor",
    "startCursor",
    "endCursor",
    "feedCursor",
    "oldestCursor",
    "resumeCursor",
    "raw",
];

/// Replaces values that differ between runs by their names.
pub(super) fn redact(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(redact),
        Value::Object(members) => {
            for (name, value) in members {
                if REDACTED.contains(&name.as_str()) && !value.is_null() {
                    *value = json!(format!("[{name}]"));
                } else {
                    redact(value);
                }
            }
        }
        _ => {}
    }
}

/// Status, significant headers and redacted body of a response.
fn shown(response: &Response) -> String {
    let headers = ["content-type", "retry-after", "www-authenticate", "allow", "content-disposition"];
    let headers = headers.iter().filter(|name| !response.header(name).is_empty());
    let headers: Vec<_> = headers.map(|name| format!("{name}: {}", response.header(name))).collect();
    let headers = headers.join("\n");
    let mut body = response.body.clone();
    redact(&mut body);
    format!("{}\n{headers}\n\n{body:#}", response.status)
}

/// The time of the events, fixed so that snapshots do not depend on the clock.
fn fixed_time() -> Timestamp {
    Timestamp::parse("2026-01-02T03:04:05.678901Z").unwrap()
}

#[track_caller]
fn assert_code(response: &Response, code: &str) {
    assert_eq!(response.error().0, code, "{}", response.text);
}

#[tokio::test]
async fn error_responses_of_requests() {
    let app = TestApp::start().await;
    let query = "{ auditEvents(occurredAt: { window: ALL }) { nodes { id } } }";
    let response = app.anonymous().query(query).await;
    assert_code(&response, "UNAUTHENTICATED");
    insta::assert_snapshot!("unauthenticated", shown(&response));
    let response = app.anonymous().permitted("contoso", "audit/write").query(query).await;
    assert_code(&response, "FORBIDDEN");
    insta::assert_snapshot!("forbidden", shown(&response));
    let response = app.admin().query("{ auditEvents(first: 0) { nodes { id } } }").await;
    assert_code(&response, "BAD_USER_INPUT");
    insta::assert_snapshot!("bad_user_input", shown(&response));
    let response = app.admin().query(&format!("{{ {} }}", "__typename ".repeat(50))).await;
    assert_code(&response, "LIMIT_EXCEEDED");
    insta::assert_snapshot!("limit_exceeded", shown(&response));
    let response = app.admin().query("{ viewer {").await;
    assert_code(&response, "GRAPHQL_PARSE_FAILED");
    insta::assert_snapshot!("graphql_parse_failed", shown(&response));
    let response = app.admin().query("{ unknownField }").await;
    assert_code(&response, "GRAPHQL_VALIDATION_FAILED");
    insta::assert_snapshot!("graphql_validation_failed", shown(&response));
    let hash = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let response = app.admin().post(&json!({ "extensions": extensions })).await;
    assert_code(&response, "PERSISTED_QUERY_NOT_FOUND");
    insta::assert_snapshot!("persisted_query_not_found", shown(&response));
}

#[tokio::test]
async fn error_responses_of_the_database() {
    let app = TestApp::start_with(&["--statement-timeout-ms", "2000"]).await;
    app.record([event("a")]).await;
    app.database.execute("UPDATE audit_event SET body = '{', body_format = 1").await;
    let response = app.admin().query("{ auditEvents(occurredAt: { window: ALL }) { nodes { raw } } }").await;
    assert_code(&response, "INTERNAL_SERVER_ERROR");
    insta::assert_snapshot!("internal_server_error", shown(&response));
    make_endless(&app).await;
    let response = app.admin().query("{ auditEventSummary(occurredAt: { window: ALL }) { totalCount } }").await;
    assert_code(&response, "TIMEOUT");
    insta::assert_snapshot!("timeout", shown(&response));
}

#[tokio::test]
async fn error_response_of_an_unavailable_key_set() {
    let server = KeySetServer::start(ServerBehavior::Away).await;
    let issuer = ["--jwt-issuer", "https://issuer.example", "--jwt-audience", "api://auditgraph"];
    let app = TestApp::start_with(&[&["--jwks-url", &server.url], &issuer[..]].concat()).await;
    let claims = json!({
        "iss": issuer[1], "aud": issuer[3], "sub": "ada", "tid": "contoso", "exp": app.now().0 / 1_000_000 + 3_600,
    });
    let token = Issuer::es256().token_by("key", &claims);
    let response = app.anonymous().token(&token).query("{ viewer { subject } }").await;
    assert_code(&response, "UNAVAILABLE");
    insta::assert_snapshot!("unavailable", shown(&response));
}

#[tokio::test]
async fn error_response_of_an_expired_cursor() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let cursor = other.admin().query("{ auditLogInfo { feedCursor } }").await;
    let cursor = cursor.data("/auditLogInfo/feedCursor");
    let query = "query($after: String) { auditEventFeed(after: $after) { cursor } }";
    let response = app.admin().query_with(query, json!({ "after": cursor })).await;
    assert_code(&response, "CURSOR_EXPIRED");
    insta::assert_snapshot!("cursor_expired", shown(&response));
}

#[tokio::test]
async fn page_of_events() {
    let app = TestApp::start().await;
    let updated = event("b").at(fixed_time().plus(1)).activity("Update user");
    app.record([event("a").at(fixed_time()), updated.change(change("Password", Some("\"x\""), Some("\"y\"")))]).await;
    let whole = include_str!("../../documents/event.graphql").split_once("fragment Whole").unwrap().1;
    let query = format!(
        "{{ auditEvents(occurredAt: {{ window: ALL }}, first: 1) {{ totalCount edges {{ cursor node {{ ...Whole }} }}
            pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} fragment Whole{whole}"
    );
    let response = app.auditor().query(&query).await;
    response.data("");
    insta::assert_snapshot!("page_of_events", shown(&response));
}

#[tokio::test]
async fn exported_lines() {
    let app = TestApp::start().await;
    app.record([event("a").at(fixed_time())]).await;
    for (name, format) in [("export_ndjson", "ndjson"), ("export_csv", "csv")] {
        let columns = ["eventKey", "occurredAt", "activity", "actor.userPrincipalName", "targets"];
        let body = json!({ "format": format, "columns": columns, "occurredAt": { "window": "ALL" } });
        let client = app.admin();
        let response = client.send(client.request(Method::POST, "/v1/events/export").json(&body)).await;
        let id = response.header("x-auditgraph-export-id");
        let mut text = response.text.replace(id, "[id]");
        if let Some((lines, summary)) = text.trim_end().rsplit_once('\n')
            && let Ok(mut summary) = serde_json::from_str::<Value>(summary)
        {
            redact(&mut summary);
            text = format!("{lines}\n{summary}\n");
        }
        let media = response.header("content-type");
        insta::assert_snapshot!(name, format!("{}\ncontent-type: {media}\n\n{text}", response.status));
    }
}

#[tokio::test]
async fn recording_response() {
    let app = TestApp::start().await;
    let client = Client::new(&app.url).permitted("contoso", "audit/write");
    let event = |key: &str, activity: &str| {
        json!({
            "eventKey": key, "occurredAt": "2026-01-02T03:04:05Z", "activity": activity, "category": "Payments",
            "service": "Contoso Payroll", "status": "SUCCESS", "actor": { "system": { "name": "Nightly job" } },
        })
    };
    let batch = json!([event("a", "Approve"), event("a", "Approve"), event("a", "Reject"), event("b", " ")]);
    let response = client.send(client.request(Method::POST, "/v1/events").json(&batch)).await;
    insta::assert_snapshot!("recording_response", shown(&response));
}

#[tokio::test]
async fn metrics_page() {
    let app = TestApp::start().await;
    app.record([event("a")]).await;
    app.admin().query("{ auditEvents(occurredAt: { window: ALL }) { nodes { id } } }").await.data("");
    app.anonymous().query("{ viewer { subject } }").await;
    let client = Client::new(&app.url).permitted("contoso", "audit/write");
    let recorded = client.request(Method::POST, "/v1/events").json(&json!([]));
    client.send(recorded).await;
    let page = reqwest::get(&app.metrics_url).await.unwrap().text().await.unwrap();
    // Names, types, units and descriptions; the series depend on what the server has done.
    let described: Vec<&str> = page.lines().filter(|line| line.starts_with("# ")).collect();
    insta::assert_snapshot!("metrics_page", described.join("\n"));
}

#[test]
fn every_snapshot_is_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in fs::read_dir(root.join("tests/it/api/snapshots")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let source = text.lines().find_map(|line| line.strip_prefix("source: ")).unwrap();
        let stem = path.file_stem().unwrap().to_string_lossy();
        let name = stem.rsplit("__").next().unwrap();
        let is_used = fs::read_to_string(root.join(source)).is_ok_and(|source| source.contains(&format!("\"{name}\"")));
        assert!(is_used, "{} is used by no test in {source}", path.display());
        count += 1;
    }
    assert!(count > 10, "{count} snapshots");
}
