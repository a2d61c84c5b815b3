//! What a client can hold or keep busy: memory, connections, WebSockets without a token, long JSON. Each has a limit,
//! beyond which the client gets an error with a code, and other callers are served.

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::access_log::{detail, sum, until};
use crate::harness::app::TestApp;
use crate::harness::client::{Client, Response};
use crate::harness::events::{EventExt as _, change, event};
use crate::harness::stream::Socket;
use crate::harness::wait::wait_until;

fn address(app: &TestApp) -> SocketAddr {
    app.url.strip_prefix("http://").unwrap().parse().unwrap()
}

fn recorder(app: &TestApp, tenant: &str) -> Client {
    Client::new(&app.url).permitted(tenant, "audit/write")
}

/// The head of a request with a body of some length.
fn head(client: &Client, path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n",
        client.bearer_token()
    )
}

/// A JSON text that nests `levels` deep around a string of escapes.
fn nested(levels: usize, bytes: usize) -> String {
    format!("{}\"{}\"{}", "{\"a\":[".repeat(levels / 2), "\\n".repeat(bytes / 2), "]}".repeat(levels / 2))
}

fn input(key: &str) -> Value {
    json!({
        "eventKey": key, "occurredAt": "2026-01-02T03:04:05Z", "activity": "Approve payment", "category": "Payments",
        "service": "Contoso Payroll", "status": "SUCCESS", "actor": { "system": { "name": "Nightly job" } },
        "targets": [{ "type": "Payment", "objectId": key }],
    })
}

async fn post(client: &Client, body: String) -> Response {
    let request = client.request(Method::POST, "/v1/events").header("content-type", "application/json");
    client.send(request.body(body)).await
}

#[tokio::test]
async fn messages_before_connection_init_are_short_and_few() {
    let app = TestApp::start().await;
    let mut long = Socket::connect(&app.url, &[]).await.unwrap();
    long.send(json!({ "type": "ping", "payload": { "a": "x".repeat(25_000) } })).await;
    assert_eq!(long.next().await, Err(1009));
    let mut many = Socket::connect(&app.url, &[]).await.unwrap();
    for _ in 0..40 {
        many.send(json!({ "type": "ping", "payload": { "a": [[[]]] } })).await;
    }
    let ended = loop {
        match many.next().await {
            Ok(message) => assert_eq!(message, json!({ "type": "pong" })),
            Err(code) => break code,
        }
    };
    assert_eq!(ended, 4400);
    // Afterwards longer ones are allowed, and the payload of a ping is not parsed.
    let mut socket = Socket::open(&app.url, &app.admin().bearer_token()).await;
    let payload: Value = serde_json::from_str(&nested(60, 100_000)).unwrap();
    socket.send(json!({ "type": "ping", "payload": payload })).await;
    assert_eq!(socket.next().await, Ok(json!({ "type": "pong" })));
    socket.subscribe("long", "{ viewer { subject } }", json!({ "unused": nested(60, 50_000) })).await;
    assert_eq!(socket.next().await.unwrap()["type"], "next");
}

#[tokio::test]
async fn websockets_without_connection_init_are_limited_until_they_end() {
    let app = TestApp::start_with(&["--address-pending-websockets-max", "2"]).await;
    let first = Socket::connect(&app.url, &[]).await.unwrap();
    let mut second = Socket::connect(&app.url, &[]).await.unwrap();
    assert_eq!(Socket::connect(&app.url, &[]).await.err(), Some(429));
    let authorization = format!("Bearer {}", app.admin().bearer_token());
    second.send(json!({ "type": "connection_init", "payload": { "authorization": authorization } })).await;
    assert_eq!(second.next().await, Ok(json!({ "type": "connection_ack" })));
    let _third = Socket::connect(&app.url, &[]).await.unwrap();
    drop(first);
    wait_until("the ended one is not counted", async || Socket::connect(&app.url, &[]).await.is_ok()).await;

    let app = TestApp::start_with(&["--pending-websockets-max", "1"]).await;
    let _first = Socket::connect(&app.url, &[]).await.unwrap();
    assert_eq!(Socket::connect(&app.url, &[]).await.err(), Some(503));
}

/// Budgets that a few bodies of 900 kB exceed.
const SMALL_BUDGETS: [&str; 10] = [
    "--caller-memory-bytes-max",
    "3000000",
    "--memory-bytes-max",
    "4000000",
    "--record-bytes-max",
    "1000000",
    "--body-bytes-max",
    "1000000",
    "--response-bytes-max",
    "1000000",
];

/// Sends a body of 900 kB without its last byte. Returns the response, if there is one, or else the connection.
async fn unfinished(app: &TestApp, client: &Client) -> Result<TcpStream, String> {
    let mut stream = TcpStream::connect(address(app)).await.unwrap();
    stream.write_all(head(client, "/v1/events", 900_001).as_bytes()).await.unwrap();
    // The server may respond before it has read everything.
    let _ = stream.write_all(&vec![b' '; 900_000]).await;
    let mut response = vec![0; 4_096];
    match tokio::time::timeout(std::time::Duration::from_millis(300), stream.read(&mut response)).await {
        Ok(read) => Err(String::from_utf8_lossy(&response[..read.unwrap()]).into_owned()),
        Err(_still_reading) => Ok(stream),
    }
}

#[tokio::test]
async fn unfinished_bodies_are_limited_per_caller_and_in_all() {
    let app = TestApp::start_with(&SMALL_BUDGETS).await;
    app.add_tenant("fabrikam").await;
    let (client, other) = (recorder(&app, "contoso"), recorder(&app, "fabrikam"));
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(unfinished(&app, &client).await.unwrap());
    }
    let refused = unfinished(&app, &client).await.unwrap_err();
    assert!(refused.starts_with("HTTP/1.1 429 ") && refused.contains("LIMIT_EXCEEDED"), "{refused}");
    assert!(refused.to_lowercase().contains("\r\nretry-after: 1\r\n"), "{refused}");
    held.push(unfinished(&app, &other).await.unwrap());
    let refused = unfinished(&app, &other).await.unwrap_err();
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("UNAVAILABLE"), "{refused}");
    assert_eq!(post(&other, input("small").to_string()).await.status, 201, "a small body still fits");
    drop(held);
    let large = json!([input("large"), " ".repeat(800_000)]).to_string();
    wait_until("the bytes are released", async || post(&client, large.clone()).await.status == 207).await;
}

/// Sends a query and reads nothing of its response.
async fn unread(app: &TestApp, client: &Client, query: &str) -> TcpStream {
    let body = json!({ "query": query }).to_string();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(address(app)).await.unwrap();
    stream.write_all(head(client, "/graphql", body.len()).as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    // The response has begun.
    stream.peek(&mut [0]).await.unwrap();
    stream
}

#[tokio::test]
async fn unread_responses_are_limited_and_end() {
    let options =
        ["--stream-stall-secs", "2", "--caller-memory-bytes-max", "50331648", "--response-bytes-max", "16777216"];
    let app = TestApp::start_with(&options).await;
    let large = json!("x".repeat(3_000_000)).to_string();
    app.record((0..5).map(|i| event(&i.to_string()).change(change("Large", None, Some(&large))))).await;
    let query = "{ auditEvents(occurredAt: { window: ALL }) { nodes { raw } } }";
    let client = app.admin();
    let held = [unread(&app, &client, query).await, unread(&app, &client, query).await];
    let response = client.query(query).await;
    assert_eq!(response.error().0, "LIMIT_EXCEEDED", "{:.500}", response.text);
    assert_eq!(response.body["errors"][0]["extensions"]["limit"], json!(50_331_648));
    client.query("{ viewer { subject } }").await.data("/viewer");
    wait_until("the unread responses have ended", async || client.query(query).await.body.get("errors").is_none())
        .await;
    drop(held);
}

#[tokio::test]
async fn idle_connections_of_an_address_do_not_prevent_new_ones() {
    let app = TestApp::start_with(&["--address-connections-max", "8"]).await;
    let mut idle = Vec::new();
    for _ in 0..30 {
        idle.push(TcpStream::connect(address(&app)).await.unwrap());
        assert!(app.admin().query("{ viewer { subject } }").await.body.get("errors").is_none());
    }
    // The oldest was ended without a response.
    assert!(matches!(idle[0].read(&mut [0]).await, Ok(0) | Err(_)));
    // A connection with a request is not ended.
    let mut socket = Socket::open(&app.url, &app.admin().bearer_token()).await;
    for _ in 0..30 {
        idle.push(TcpStream::connect(address(&app)).await.unwrap());
    }
    app.admin().query("{ viewer { subject } }").await.data("/viewer");
    socket.send(json!({ "type": "ping" })).await;
    assert_eq!(socket.next().await, Ok(json!({ "type": "pong" })));
}

#[tokio::test]
async fn long_nested_values_are_recorded_as_they_are() {
    let app = TestApp::start().await;
    let value = nested(100, 1_000_000);
    let mut event = input("nested");
    event["targets"][0]["modifiedProperties"] = json!([{ "name": "p", "newValue": 0 }]);
    let body = event.to_string().replace("\"newValue\":0", &format!("\"newValue\":{value}"));
    assert_eq!(post(&recorder(&app, "contoso"), body).await.status, 201);
    let query =
        "{ auditEvents(occurredAt: { window: ALL }) { nodes { targets { modifiedProperties { newValue } } } } }";
    let response = app.admin().query(query).await;
    assert!(response.text.contains(&format!("\"newValue\":{value}")), "{:.300}", response.text);
    for (path, body) in [("/graphql", "[1,".repeat(300_000)), ("/v1/events", nested(130, 300_000))] {
        let client = if path == "/graphql" { app.admin() } else { recorder(&app, "contoso") };
        let request = client.request(Method::POST, path).header("content-type", "application/json").body(body);
        assert_eq!(client.send(request).await.status, 400);
    }
    let values = json!({ "query": "{ viewer { subject } }", "variables": { "unused": vec![0; 100_001] } });
    let response = app.admin().post(&values).await;
    assert_eq!(response.error(), ("BAD_USER_INPUT", "the body has more than 100000 values"));
}

#[tokio::test]
async fn names_and_searched_strings_are_short() {
    let app = TestApp::start().await;
    let name = |letter: &str| letter.repeat(200_000);
    let record = |id: &str, name: String| {
        json!({
            "id": id, "category": "UserManagement", "correlationId": "c", "result": "success", "resultReason": "",
            "activityDisplayName": "Update user", "activityDateTime": "2026-01-02T03:04:05Z",
            "loggedByService": "Core Directory", "operationType": "Update",
            "initiatedBy": { "app": { "displayName": name, "appId": null, "servicePrincipalId": "7" } },
            "targetResources": [{ "id": "o", "displayName": name, "type": "User", "modifiedProperties": [] }],
        })
    };
    let body = json!([record("long-1", name("a")), record("long-2", format!("{}b", name("a")))]).to_string();
    assert_eq!(post(&recorder(&app, "contoso"), body).await.status, 201);
    let query = "{ auditEvents(occurredAt: { window: ALL }) { nodes { eventKey unmapped actor { name } targets { displayName } } } }";
    let response = app.admin().query(query).await;
    let nodes = response.data("/auditEvents/nodes").as_array().unwrap();
    let shown = |node: &Value| node["targets"][0]["displayName"].as_str().unwrap().to_owned();
    assert_ne!(shown(&nodes[0]), shown(&nodes[1]), "different names stay different");
    for node in nodes {
        assert!(shown(node).len() <= 1_024 && shown(node).contains("… sha256:"), "{:.1500}", shown(node));
        assert!(node["actor"]["name"].as_str().unwrap().len() <= 1_024);
        let whole = node["unmapped"].to_string();
        assert!(whole.contains(&name("a")), "the whole name is kept");
    }
    for filter in
        [json!({ "search": "a".repeat(257) }), json!({ "target": { "displayName": { "contains": "a".repeat(257) } } })]
    {
        let response = app.admin().filter(&filter).await;
        assert_eq!(response.error().0, "BAD_USER_INPUT", "{}", response.text);
        assert!(response.error().1.ends_with("may have at most 256 bytes"), "{}", response.text);
    }
    let found = app.admin().keys(json!({ "search": "a".repeat(256) })).await;
    assert_eq!(found.len(), 2);
}

#[tokio::test]
async fn accesses_of_one_caller_have_a_budget_of_bytes() {
    let app = TestApp::start_with(&["--access-window-ms", "20", "--access-caller-bytes-max", "20000"]).await;
    for number in 0..30 {
        let filter = json!({ "eventKey": { "in": (0..10).map(|i| format!("{number}.{i}.{}", "x".repeat(200))).collect::<Vec<_>>() } });
        app.auditor().filter(&filter).await.data("/auditEvents");
    }
    let found = until(&app.admin(), "Query audit events", 30).await;
    assert_eq!(sum(&found, "requests"), 30);
    let whole = found.iter().filter(|event| detail(event, "filter").is_some()).count();
    assert!((1..10).contains(&whole), "{whole} whole ones");
    assert_eq!(sum(&found, "omittedArguments"), 30 - whole as u64);
    let reduced = found.iter().find(|event| detail(event, "omittedArguments").is_some()).unwrap();
    let hashes = detail(reduced, "omittedArgumentHashes").unwrap();
    assert!(hashes.split(' ').all(|hash| hash.len() == 32), "{hashes}");
}
