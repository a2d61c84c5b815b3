//! Database failures: the error, the time until it is returned, no partial recording, and recovery without a restart.

mod unreachable;
mod locked;
#[cfg(target_os = "linux")]
mod disk_full;
#[cfg(unix)]
mod paused_process;

use serde_json::{Value, json};

use crate::harness::client::{Client, Response};

/// Options for short database timeouts.
const SHORT_TIMEOUTS: [&str; 4] = ["--record-timeout-ms", "2000", "--statement-timeout-ms", "2000"];

/// An event of an application.
fn event(key: &str) -> Value {
    json!({
        "eventKey": key, "occurredAt": "2026-01-02T03:04:05Z", "activity": "Approve payment", "category": "Payments",
        "service": "Contoso Payroll", "status": "SUCCESS", "actor": { "system": { "name": "Nightly job" } },
        "targets": [{ "type": "Payment", "objectId": key }],
    })
}

/// A client that can record in the log of a tenant.
fn recorder(url: &str, tenant: &str) -> Client {
    Client::new(url).permitted(tenant, "audit/write")
}

/// Records events by REST.
async fn post(client: &Client, keys: &[&str]) -> Response {
    let body: Vec<Value> = keys.iter().map(|key| event(key)).collect();
    client.send(client.request(reqwest::Method::POST, "/v1/events").json(&body)).await
}

/// Records an event by GraphQL.
async fn mutate(client: &Client, key: &str) -> Response {
    let query = include_str!("../../documents/record_one.graphql");
    client.query_with(query, json!({ "events": [event(key)] })).await
}

async fn is_ready(client: &Client) -> bool {
    client.send(client.request(reqwest::Method::GET, "/readyz")).await.status == 200
}

/// Asserts a retryable error without internal details.
#[track_caller]
fn assert_unavailable(response: &Response) {
    assert_eq!((response.status, response.header("retry-after")), (503, "1"), "{}", response.text);
    assert_eq!(response.error().0, "UNAVAILABLE", "{}", response.text);
    let text = response.text.to_lowercase();
    assert!(!["sql", "pool", "connection"].iter().any(|word| text.contains(word)), "{text}");
}
