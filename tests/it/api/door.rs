//! The door: what every answer carries, which pages may ask, when a body is read, and who has to wait outside.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::app::TestApp;
use crate::harness::client::{Answer, Client};
use crate::harness::command::run;

const GOOD: &str = r#"{"query":"{ viewer { subject } }"}"#;

#[tokio::test]
async fn every_answer_has_the_id_of_its_request() {
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
        let answer = client.send(request).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert_eq!(answer.header("x-request-id").len(), 36, "{status}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{status}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{status}");
        assert!(seen.insert(answer.header("x-request-id").to_owned()), "each has its own");
    }
}

#[tokio::test]
async fn a_well_formed_id_of_the_caller_is_kept_and_no_other() {
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
        let answer = client.send(request).await;
        assert_eq!(answer.header("x-request-id") == given, kept, "{given}");
    }
    let twice =
        client.request(Method::GET, "/nowhere").header("x-request-id", "12345678").header("x-request-id", "87654321");
    assert_eq!(client.send(twice).await.header("x-request-id").len(), 36);
}

async fn preflight(client: &Client, origin: &str) -> Answer {
    let request = client
        .request(Method::OPTIONS, "/graphql")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    client.send(request).await
}

#[tokio::test]
async fn pages_of_listed_origins_may_ask_and_no_others() {
    let app = TestApp::start_with(&["--cors-origin", "https://audit.example,http://localhost:5173"]).await;
    let nobody = app.anonymous();
    for origin in ["https://audit.example", "http://localhost:5173"] {
        let answer = preflight(&nobody, origin).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, origin));
        assert_eq!(answer.header("access-control-allow-methods"), "GET, POST");
        assert!(answer.header("access-control-allow-headers").contains("authorization"));
        let answer = app
            .admin()
            .send(
                app.admin()
                    .request(Method::POST, "/graphql")
                    .header("origin", origin)
                    .json(&json!({ "query": "{ __typename }" })),
            )
            .await;
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        let exposed = answer.header("access-control-expose-headers");
        assert!(exposed.contains("x-request-id") && exposed.contains("x-auditgraph-export-id"), "{exposed}");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        let vary: Vec<_> = answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(vary.join(",").contains("Origin"), "{vary:?}");
        let refused = nobody.send(nobody.request(Method::GET, "/nowhere").header("origin", origin)).await;
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
        let answer = preflight(&nobody, origin).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, ""), "{origin}");
        let answer = app
            .admin()
            .send(
                app.admin()
                    .request(Method::POST, "/graphql")
                    .header("origin", origin)
                    .json(&json!({ "query": "{ __typename }" })),
            )
            .await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, ""), "{origin}");
    }
    let closed = TestApp::start().await;
    let answer = preflight(&closed.anonymous(), "https://audit.example").await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin"), answer.header("vary")),
        (405, "", "Accept, Authorization")
    );
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_understand_it() {
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
}

#[tokio::test]
async fn an_answer_that_no_encoding_fits_is_refused_like_any_other() {
    let app = TestApp::start().await;
    for method in [Method::GET, Method::POST] {
        let request = app.admin().request(method, "/graphql").header("accept-encoding", "br, identity;q=0");
        let answer = app.admin().send(request.body("{}").header("content-type", "application/json")).await;
        assert_eq!((answer.status, answer.error().0), (406, "BAD_USER_INPUT"), "{}", answer.text);
    }
}

/// Sends the head of a request and a part of its body, and leaves it at that.
async fn half_sent(app: &TestApp, authorization: &str) -> TcpStream {
    let mut stream = TcpStream::connect(app.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\n{authorization}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// The answer on a connection, up to its end.
async fn answered(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn authorization(client: &Client) -> String {
    let request = client.request(Method::GET, "/").build().unwrap();
    format!("Authorization: {}\r\n", request.headers()["authorization"].to_str().unwrap())
}

#[tokio::test]
async fn who_calls_is_known_before_the_body_is_read() {
    let app = TestApp::start().await;
    for authorization in ["", "Authorization: Bearer nothing\r\n"] {
        let answer = answered(half_sent(&app, authorization).await).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let app = TestApp::start_with(&["--body-timeout-ms", "100"]).await;
    let answer = answered(half_sent(&app, &authorization(&app.admin())).await).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"TIMEOUT\""), "{answer}");
}

#[tokio::test]
async fn a_body_is_not_unpacked() {
    let app = TestApp::start().await;
    let client = app.admin();
    for (path, media) in [("/graphql", "application/json"), ("/v1/events", "application/json")] {
        let caller =
            if path == "/graphql" { client.clone() } else { client.clone().permitted("contoso", "audit/write") };
        let request =
            caller.request(Method::POST, path).header("content-type", media).header("content-encoding", "gzip");
        let answer = caller.send(request.body(GOOD)).await;
        assert_eq!(answer.status, 415, "{}", answer.text);
        assert_eq!(answer.error(), ("BAD_USER_INPUT", "the body must not have a `Content-Encoding`"));
    }
}

/// Asks until the answer is 429, which has to come.
async fn until_refused(client: &Client) -> Answer {
    for _ in 0..10_000 {
        let answer = client.query("{ __typename }").await;
        if answer.status == 429 {
            return answer;
        }
        answer.data("");
    }
    panic!("nothing was refused");
}

#[tokio::test]
async fn a_caller_who_is_in_too_often_is_refused_and_others_are_not() {
    let app = TestApp::start_with(&["--caller-requests-max", "1"]).await;
    let waiting = half_sent(&app, &authorization(&app.admin())).await;
    let answer = until_refused(&app.auditor()).await;
    assert_eq!(answer.error(), ("LIMIT_EXCEEDED", "too many requests at once: 2, where 1 are allowed"));
    assert_eq!(answer.body["errors"][0]["extensions"], json!({ "code": "LIMIT_EXCEEDED", "asked": 2, "limit": 1 }));
    assert_eq!(answer.header("retry-after"), "1");
    app.add_tenant("fabrikam").await;
    let other = app.anonymous().role_in("fabrikam", "AUDIT_READER");
    other.query("{ __typename }").await.data("");
    let record = app.anonymous().permitted("contoso", "audit/write");
    let request = record.request(Method::POST, "/v1/events").header("content-type", "application/json").body("{}");
    assert_eq!(record.send(request).await.status, 429, "recording counts, too");
    drop(waiting);
}

#[tokio::test]
async fn an_address_that_is_in_too_often_is_refused_unless_a_trusted_proxy_says_who_it_is() {
    let app = TestApp::start_with(&["--address-requests-max", "1", "--trusted-proxies", "127.0.0.0/8"]).await;
    let _waiting = half_sent(&app, &authorization(&app.admin())).await;
    let answer = until_refused(&app.admin()).await;
    assert_eq!((answer.error().0, answer.header("retry-after")), ("LIMIT_EXCEEDED", "1"));
    let client = app.anonymous();
    let through = async |from: &str| {
        client.send(client.request(Method::GET, "/nowhere").header("x-forwarded-for", from)).await.status
    };
    assert_eq!((through("192.0.2.1").await, through("127.0.0.1").await), (404, 429));
    let health = client.send(client.request(Method::GET, "/healthz")).await;
    assert_eq!(health.status, 200, "whoever looks after the server is not counted");
}

#[tokio::test]
async fn callers_and_addresses_have_a_rate() {
    for option in ["--caller-requests-per-sec-max", "--address-requests-per-sec-max"] {
        let app = TestApp::start_with(&[option, "2"]).await;
        let answer = until_refused(&app.admin()).await;
        assert_eq!(answer.error(), ("LIMIT_EXCEEDED", "too many requests in a second: 3, where 2 are allowed"));
        assert_eq!(answer.header("retry-after"), "1");
    }
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_with_a_sentence() {
    for (option, value, sentence) in [
        ("--cors-origin", "*", "`*` is not an origin"),
        ("--trusted-proxies", "proxy.example", "is not a network"),
        ("--trusted-documents-file", "/nowhere/to/be/found.json", "cannot read the trusted documents in"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("log.db").display());
        let secret = "a secret for tests that is long enough to be one";
        let ended =
            run(&["serve", "--listen", "127.0.0.1:0", "--database-url", &url, "--jwt-secret", secret, option, value]);
        assert!(ended.refused().contains(sentence), "{ended:?}");
    }
}
