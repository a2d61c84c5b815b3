//! Middleware: request ids, security headers, CORS, compression, reading of bodies, concurrency and rate limits.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::harness::app::TestApp;
use crate::harness::cli::run;
use crate::harness::client::{Client, Response};
use crate::harness::wait::wait_for;

const GOOD: &str = r#"{"query":"{ viewer { subject } }"}"#;

#[tokio::test]
async fn every_response_has_a_request_id() {
    let app = TestApp::start_with(&["--body-bytes-max", "100"]).await;
    let client = app.admin();
    let json_post =
        |body: String| client.request(Method::POST, "/graphql").header("content-type", "application/json").body(body);
    let mut seen = std::collections::BTreeSet::new();
    for (status, request) in [
        (200, json_post(GOOD.to_owned())),
        (400, json_post("{".to_owned())),
        (401, app.anonymous().request(Method::POST, "/graphql").header("content-type", "application/json").body(GOOD)),
        (404, client.request(Method::GET, "/nowhere")),
        (405, client.request(Method::PUT, "/graphql")),
        (406, json_post(GOOD.to_owned()).header("accept", "text/html")),
        (413, json_post(" ".repeat(200))),
        (415, client.request(Method::POST, "/graphql").body(GOOD)),
        (200, client.request(Method::GET, "/healthz")),
        (403, client.request(Method::POST, "/v1/events").body("{}")),
    ] {
        let response = client.send(request).await;
        assert_eq!(response.status, status, "{}", response.text);
        assert_eq!(response.header("x-request-id").len(), 36, "{status}");
        assert_eq!(response.header("x-content-type-options"), "nosniff", "{status}");
        assert_eq!(response.header("cross-origin-resource-policy"), "same-origin", "{status}");
        assert!(seen.insert(response.header("x-request-id").to_owned()), "each has its own");
    }
}

#[tokio::test]
async fn valid_request_id_of_the_client_is_kept() {
    let app = TestApp::start().await;
    let client = app.admin();
    for (given, kept) in [
        ("4bf92f35-77b3.4da6_a3ce", true),
        ("12345678", true),
        (&"a".repeat(64), true),
        (&"a".repeat(65), false),
        ("1234567", false),
        ("with a blank", false),
        ("quote\"quote", false),
        ("new%0aline", false),
    ] {
        let request = client.request(Method::GET, "/nowhere").header("x-request-id", given);
        let response = client.send(request).await;
        assert_eq!(response.header("x-request-id") == given, kept, "{given}");
    }
    let twice =
        client.request(Method::GET, "/nowhere").header("x-request-id", "12345678").header("x-request-id", "87654321");
    assert_eq!(client.send(twice).await.header("x-request-id").len(), 36);
}

async fn preflight(client: &Client, origin: &str) -> Response {
    let request = client
        .request(Method::OPTIONS, "/graphql")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    client.send(request).await
}

#[tokio::test]
async fn cors_allows_only_listed_origins() {
    let app = TestApp::start_with(&["--cors-origin", "https://audit.example,http://localhost:5173"]).await;
    let anonymous = app.anonymous();
    for origin in ["https://audit.example", "http://localhost:5173"] {
        let response = preflight(&anonymous, origin).await;
        assert_eq!((response.status, response.header("access-control-allow-origin")), (204, origin));
        assert_eq!(response.header("access-control-allow-methods"), "GET, POST");
        let allowed: Vec<_> = response.header("access-control-allow-headers").split(", ").collect();
        for header in [
            "authorization",
            "content-type",
            "apollo-require-preflight",
            "apollographql-client-name",
            "apollographql-client-version",
            "traceparent",
            "tracestate",
            "baggage",
            "sentry-trace",
        ] {
            assert!(allowed.contains(&header), "{header}");
        }
        let response = app
            .admin()
            .send(
                app.admin()
                    .request(Method::POST, "/graphql")
                    .header("origin", origin)
                    .json(&json!({ "query": "{ __typename }" })),
            )
            .await;
        assert_eq!(response.header("access-control-allow-origin"), origin);
        let exposed = response.header("access-control-expose-headers");
        assert!(exposed.contains("x-request-id") && exposed.contains("x-auditgraph-export-id"), "{exposed}");
        assert_eq!(response.header("access-control-allow-credentials"), "");
        let vary: Vec<_> = response.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(vary.join(",").contains("Origin"), "{vary:?}");
        let refused = anonymous.send(anonymous.request(Method::GET, "/nowhere").header("origin", origin)).await;
        assert_eq!(
            (refused.status, refused.header("access-control-allow-origin")),
            (404, origin),
            "a page sees refusals, too"
        );
    }
    for origin in [
        "https://evil.example",
        "https://audit.example.evil.example",
        "https://audit.example:8443",
        "http://audit.example",
        "null",
        "https://AUDIT.example",
    ] {
        let response = preflight(&anonymous, origin).await;
        assert_eq!((response.status, response.header("access-control-allow-origin")), (403, ""), "{origin}");
        let response = app
            .admin()
            .send(
                app.admin()
                    .request(Method::POST, "/graphql")
                    .header("origin", origin)
                    .json(&json!({ "query": "{ __typename }" })),
            )
            .await;
        assert_eq!((response.status, response.header("access-control-allow-origin")), (200, ""), "{origin}");
    }
    let closed = TestApp::start().await;
    let response = preflight(&closed.anonymous(), "https://audit.example").await;
    assert_eq!(
        (response.status, response.header("access-control-allow-origin"), response.header("vary")),
        (405, "", "Accept, Authorization")
    );
}

#[tokio::test]
async fn responses_are_compressed_as_accepted() {
    let app = TestApp::start().await;
    let client = app.admin();
    let ask = async |accept: &str| {
        let body = json!({ "query": "{ __schema { types { name description } } }" });
        let request = client.request(Method::POST, "/graphql").header("accept-encoding", accept).json(&body);
        let response = request.send().await.unwrap();
        let encoding = response.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
        (encoding, response.bytes().await.unwrap())
    };
    let (none, plain) = ask("identity").await;
    assert_eq!(none, None);
    for (encoding, magic) in [("gzip", &[0x1f, 0x8b][..]), ("zstd", &[0x28, 0xb5, 0x2f, 0xfd])] {
        let (used, packed) = ask(encoding).await;
        assert_eq!(used.as_deref(), Some(encoding));
        assert!(
            packed.starts_with(magic) && packed.len() * 2 < plain.len(),
            "{encoding}: {} of {}",
            packed.len(),
            plain.len()
        );
    }
    for (accepted, expected) in
        [("gzip, deflate, br, zstd", "gzip"), ("zstd, br, deflate, gzip", "gzip"), ("zstd;q=1.0, gzip;q=0.5", "zstd")]
    {
        assert_eq!(ask(accepted).await.0.as_deref(), Some(expected), "{accepted}");
    }
}

#[tokio::test]
async fn unacceptable_encoding_is_rejected() {
    let app = TestApp::start().await;
    for method in [Method::GET, Method::POST] {
        let request = app.admin().request(method, "/graphql").header("accept-encoding", "br, identity;q=0");
        let response = app.admin().send(request.body("{}").header("content-type", "application/json")).await;
        assert_eq!((response.status, response.error().0), (406, "BAD_USER_INPUT"), "{}", response.text);
    }
}

/// Sends the head of a request and an incomplete body.
async fn half_sent(app: &TestApp, authorization: &str) -> TcpStream {
    let mut stream = TcpStream::connect(app.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\n{authorization}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Reads a response until the connection is closed.
async fn read_response(mut stream: TcpStream) -> String {
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

fn authorization(client: &Client) -> String {
    let request = client.request(Method::GET, "/").build().unwrap();
    format!("Authorization: {}\r\n", request.headers()["authorization"].to_str().unwrap())
}

#[tokio::test]
async fn token_is_verified_before_the_body_is_read() {
    let app = TestApp::start().await;
    for authorization in ["", "Authorization: Bearer nothing\r\n"] {
        let response = read_response(half_sent(&app, authorization).await).await;
        assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
    }
}

#[tokio::test]
async fn body_read_times_out() {
    let app = TestApp::start_with(&["--body-timeout-ms", "100"]).await;
    let response = read_response(half_sent(&app, &authorization(&app.admin())).await).await;
    assert!(response.starts_with("HTTP/1.1 408 ") && response.contains("\"TIMEOUT\""), "{response}");
}

#[tokio::test]
async fn unsupported_content_coding_is_rejected_with_those_that_are_supported() {
    let app = TestApp::start().await;
    let (reader, recorder) = (app.admin(), app.admin().permitted("contoso", "audit/write"));
    let none = "the body must not have a `Content-Encoding`";
    let gzip = "the `Content-Encoding` of the body must be `gzip`, or the body must have none";
    for (client, path, coding, accepted, message) in [
        (&reader, "/graphql", "gzip", "identity", none),
        (&reader, "/v1/events/export", "gzip", "identity", none),
        (&recorder, "/v1/events", "br", "gzip, identity", gzip),
        (&recorder, "/v1/events", "gzip, gzip", "gzip, identity", gzip),
    ] {
        let request = client.request(Method::POST, path).header("content-type", "application/json");
        let response = client.send(request.header("content-encoding", coding).body(GOOD)).await;
        assert_eq!((response.status, response.error()), (415, ("BAD_USER_INPUT", message)), "{path} {coding}");
        assert_eq!(response.header("accept-encoding"), accepted, "{path} {coding}");
    }
}

/// Sends requests, `at_once` in parallel, until a response has status 429, and returns it.
async fn until_limited(client: &Client, at_once: usize) -> Response {
    wait_for("a response with status 429", async || {
        let mut requests = JoinSet::new();
        for _ in 0..at_once {
            let client = client.clone();
            requests.spawn(async move { client.query("{ __typename }").await });
        }
        let responses = requests.join_all().await;
        responses.into_iter().find(|response| {
            if response.status != 429 {
                response.data("");
            }
            response.status == 429
        })
    })
    .await
}

#[tokio::test]
async fn concurrency_limit_is_per_caller() {
    let app = TestApp::start_with(&["--caller-requests-max", "1"]).await;
    let waiting = half_sent(&app, &authorization(&app.admin())).await;
    let response = until_limited(&app.auditor(), 1).await;
    assert_eq!(response.error(), ("LIMIT_EXCEEDED", "too many requests at once: 2, where 1 are allowed"));
    assert_eq!(response.body["errors"][0]["extensions"], json!({ "code": "LIMIT_EXCEEDED", "asked": 2, "limit": 1 }));
    assert_eq!(response.header("retry-after"), "1");
    app.add_tenant("fabrikam").await;
    let other = app.anonymous().role_in("fabrikam", "AUDIT_READER");
    other.query("{ __typename }").await.data("");
    let record = app.anonymous().permitted("contoso", "audit/write");
    let request = record.request(Method::POST, "/v1/events").header("content-type", "application/json").body("{}");
    assert_eq!(record.send(request).await.status, 429, "recording counts, too");
    drop(waiting);
}

#[tokio::test]
async fn concurrency_limit_is_per_address_behind_trusted_proxies() {
    let app = TestApp::start_with(&["--address-requests-max", "1", "--trusted-proxies", "127.0.0.0/8"]).await;
    let _waiting = half_sent(&app, &authorization(&app.admin())).await;
    let response = until_limited(&app.admin(), 1).await;
    assert_eq!((response.error().0, response.header("retry-after")), ("LIMIT_EXCEEDED", "1"));
    let client = app.anonymous();
    let through = async |from: &str| {
        client.send(client.request(Method::GET, "/nowhere").header("x-forwarded-for", from)).await.status
    };
    assert_eq!((through("192.0.2.1").await, through("127.0.0.1").await), (404, 429));
    let health = client.send(client.request(Method::GET, "/healthz")).await;
    assert_eq!(health.status, 200, "health checks are not limited");
}

#[tokio::test]
async fn rate_limits_are_per_caller_and_per_address() {
    for option in ["--caller-rate-max", "--address-rate-max"] {
        let app = TestApp::start_with(&[option, "2"]).await;
        let response = until_limited(&app.admin(), 8).await;
        assert_eq!(response.error(), ("LIMIT_EXCEEDED", "too many requests in a second: 3, where 2 are allowed"));
        assert_eq!(response.header("retry-after"), "1");
    }
}

#[tokio::test]
async fn invalid_http_settings_are_rejected() {
    for (option, value, sentence) in [
        ("--cors-origin", "*", "`*` is not an origin"),
        ("--trusted-proxies", "proxy.example", "is not a network"),
        ("--trusted-documents", "/nowhere/to/be/found.json", "cannot read the trusted documents in"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("log.db").display());
        let secret = "a secret for tests that is long enough to be one";
        let ended =
            run(&["serve", "--listen", "127.0.0.1:0", "--database-url", &url, "--jwt-secret", secret, option, value]);
        assert!(ended.refused().contains(sentence), "{ended:?}");
    }
}
