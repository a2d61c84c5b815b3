//! Key sets: loading, refreshing, and keeping the current keys if a refresh fails.

use std::io::Write as _;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::app::TestApp;
use crate::harness::client::{Client, Response};
use crate::harness::events::{Detail, EventBody, event};
use crate::harness::key_set::{KeySetServer, ServerBehavior, key_set};
use crate::harness::keys::{Issuer, hs256};
use crate::harness::stream::{Events, Socket};
use crate::harness::wait::{wait_for, wait_until};

const UNKNOWN: &str = "The token names a key (`kid`) that its issuer does not publish.";
const FOLLOW: &str = "subscription { auditEventsRecorded { edges { node { eventKey } } } }";
const FORGED: &str = "The token's signature is not valid for any key of its issuer.";

fn claims(app: &TestApp) -> Value {
    json!({
        "iss": "https://issuer.example", "aud": "api://auditgraph", "sub": "ada", "tid": "contoso",
        "exp": app.now().0 / 1_000_000 + 3_600,
    })
}

async fn start(key_options: &[&str]) -> TestApp {
    let parties = ["--jwt-issuer", "https://issuer.example", "--jwt-audience", "api://auditgraph"];
    TestApp::start_with(&[key_options, &parties].concat()).await
}

/// Sends a token that the issuer signs with the named key.
async fn ask(app: &TestApp, name: &str, issuer: &Issuer) -> Response {
    Client::new(&app.url).token(&issuer.token_by(name, &claims(app))).query("{ viewer { subject } }").await
}

#[track_caller]
fn assert_refused(response: &Response, sentence: &str) {
    assert_eq!((response.status, response.error()), (401, ("UNAUTHENTICATED", sentence)), "{}", response.text);
}

#[tokio::test]
async fn every_key_type_in_a_key_set_verifies_tokens() {
    let issuers = [("r", Issuer::rs256()), ("e", Issuer::es256()), ("d", Issuer::eddsa())];
    let named: Vec<_> = issuers.iter().map(|(name, issuer)| (*name, issuer)).collect();
    let server = KeySetServer::start(ServerBehavior::keys(&named)).await;
    let app = start(&["--jwks-url", &server.url]).await;
    for (name, issuer) in &issuers {
        ask(&app, name, issuer).await.data("/viewer");
        let unnamed = issuer.token(&claims(&app));
        Client::new(&app.url).token(&unnamed).query("{ viewer { subject } }").await.data("/viewer");
        // The public key must not work as an HMAC secret.
        for secret in [issuer.pem.as_bytes(), issuer.jwk(name).to_string().as_bytes()] {
            let client = Client::new(&app.url).token(&hs256(secret, &claims(&app)));
            let response = client.query("{ viewer { subject } }").await;
            assert_refused(&response, "The token is signed with an algorithm that is not accepted here.");
        }
    }
    assert_refused(&ask(&app, "e", &Issuer::es256()).await, FORGED);
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn new_key_is_fetched_once_and_unknown_key_ids_cause_no_requests() {
    let (old, new, stranger) = (Issuer::es256(), Issuer::es256(), Issuer::es256());
    let server = KeySetServer::start(ServerBehavior::keys(&[("old", &old)])).await;
    let app = start(&["--jwks-url", &server.url]).await;
    ask(&app, "old", &old).await.data("/viewer");
    assert_eq!(server.asked(), 1);
    server.conduct(ServerBehavior::keys(&[("old", &old), ("new", &new)]));
    // All requests name a key that is not loaded, at the same time.
    let (token, client) = (new.token_by("new", &claims(&app)), Client::new(&app.url));
    let mut asking = JoinSet::new();
    for _ in 0..20 {
        let client = client.clone().token(&token);
        asking.spawn(async move { client.query("{ viewer { subject } }").await });
    }
    for response in asking.join_all().await {
        response.data("/viewer");
    }
    assert_eq!(server.asked(), 2);
    ask(&app, "old", &old).await.data("/viewer");
    for name in ["new-2", "../../etc/passwd", "' OR 1=1 --", "http://127.0.0.1:1/keys"] {
        assert_refused(&ask(&app, name, &stranger).await, UNKNOWN);
    }
    assert_refused(&ask(&app, "new", &stranger).await, FORGED);
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn withdrawn_key_invalidates_its_tokens_and_open_streams() {
    let (old, new) = (Issuer::rs256(), Issuer::rs256());
    let server = KeySetServer::start(ServerBehavior::keys(&[("old", &old), ("new", &new)])).await;
    let app = start(&["--jwks-url", &server.url, "--jwks-refresh-secs", "1"]).await;
    let mut claims_of_reader = claims(&app);
    claims_of_reader["roles"] = json!(["GlobalAdmin"]);
    let token = old.token_by("old", &claims_of_reader);
    let client = Client::new(&app.url).token(&token);
    client.query("{ viewer { subject } }").await.data("/viewer");
    let mut events = Events::open(&client, FOLLOW, Value::Null).await;
    events.batch().await;
    let mut socket = Socket::open(&app.url, &token).await;
    socket.subscribe("1", FOLLOW, Value::Null).await;
    assert_eq!(socket.next().await.unwrap()["type"], "next");
    server.conduct(ServerBehavior::keys(&[("new", &new)]));
    wait_until("the token is rejected", async || client.query("{ viewer { subject } }").await.status == 401).await;
    assert_refused(&client.query("{ viewer { subject } }").await, UNKNOWN);
    // Open streams with a rejected token end.
    app.record([event("a")]).await;
    assert_eq!(events.next().await.unwrap().1["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let ended = socket.next().await.unwrap();
    assert_eq!(
        (&ended["type"], &ended["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("UNAUTHENTICATED"))
    );
    // Without an operation, the connection ends.
    assert_eq!(socket.next().await, Err(4403));
    ask(&app, "new", &new).await.data("/viewer");
}

#[tokio::test]
async fn withdrawn_key_ends_a_running_export() {
    let (old, new) = (Issuer::es256(), Issuer::es256());
    let server = KeySetServer::start(ServerBehavior::keys(&[("old", &old), ("new", &new)])).await;
    let pages = ["--page-size-default", "2", "--page-size-max", "2"];
    let app = start(&[&["--jwks-url", &server.url, "--jwks-refresh-secs", "1"], &pages[..]].concat()).await;
    let large = |i: i32| {
        let details = vec![Detail::new("Log", Some("x".repeat(1 << 18)))];
        EventBody { additional_details: details, ..event(&format!("k{i}")) }
    };
    app.record((0..64).map(large)).await;
    let mut reader = claims(&app);
    reader["roles"] = json!(["GlobalAdmin"]);
    let clients =
        [("old", &old), ("new", &new)].map(|(name, key)| Client::new(&app.url).token(&key.token_by(name, &reader)));
    let [with_old, with_new] = &clients;
    let export =
        with_old.request(Method::POST, "/v1/events/export").json(&json!({ "occurredAt": { "window": "ALL" } }));
    let unread = export.send().await.unwrap();
    let status = format!("/v1/events/export/{}", unread.headers()["x-auditgraph-export-id"].to_str().unwrap());
    server.conduct(ServerBehavior::keys(&[("new", &new)]));
    let ended = wait_for("the export ends", async || {
        let found = with_new.send(with_new.request(Method::GET, &status)).await;
        (found.status == 200 && found.body["state"] != "RUNNING").then_some(found.body)
    })
    .await;
    assert_eq!((&ended["state"], &ended["error"]["code"]), (&json!("FAILED"), &json!("UNAUTHENTICATED")), "{ended}");
    let text = unread.text().await.unwrap_or_default();
    assert!(text.len() < 64 << 18, "the rest is not sent");
}

#[tokio::test]
async fn failed_key_set_refresh_keeps_the_current_keys() {
    let (good, evil) = (Issuer::es256(), Issuer::es256());
    let elsewhere = KeySetServer::start(ServerBehavior::keys(&[("evil", &evil)])).await;
    for conduct in [
        ServerBehavior::Away,
        ServerBehavior::Status("500 Internal Server Error", key_set(&[("evil", &evil)]).to_string()),
        ServerBehavior::Status("203 Non-Authoritative Information", key_set(&[("evil", &evil)]).to_string()),
        ServerBehavior::Elsewhere(elsewhere.url.clone()),
        ServerBehavior::Body("<html>Sign in</html>".to_owned()),
        ServerBehavior::Body(String::new()),
        ServerBehavior::Body(json!({ "keys": [] }).to_string()),
        ServerBehavior::Body(json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0", "kid": "evil" }] }).to_string()),
        ServerBehavior::Endless,
        ServerBehavior::Stalling,
    ] {
        let server = KeySetServer::start(ServerBehavior::keys(&[("good", &good)])).await;
        let app = start(&["--jwks-url", &server.url, "--jwks-timeout-ms", "2000"]).await;
        server.conduct(conduct);
        assert_refused(&ask(&app, "evil", &evil).await, UNKNOWN);
        assert_eq!(server.asked(), 2);
        ask(&app, "good", &good).await.data("/viewer");
        // Data that was in transit when the client stopped reading fits into the network buffers.
        assert!(server.sent() < 16 << 20, "{}", server.sent());
    }
    assert_eq!(elsewhere.asked(), 0);
}

#[tokio::test]
async fn missing_key_set_is_unavailable_with_retry_after() {
    let issuer = Issuer::es256();
    let server = KeySetServer::start(ServerBehavior::Away).await;
    let app = start(&["--jwks-url", &server.url, "--jwks-refresh-secs", "1"]).await;
    let response = ask(&app, "one", &issuer).await;
    assert_eq!((response.status, response.header("retry-after")), (503, "30"));
    let sentence = "The keys of the token's issuer cannot be read at the moment; try again later.";
    assert_eq!(response.error(), ("UNAVAILABLE", sentence));
    let secret = Client::new(&app.url).token(&hs256(b"any", &claims(&app))).query("{ viewer { subject } }").await;
    assert_refused(&secret, "The token is signed with an algorithm that is not accepted here.");
    server.conduct(ServerBehavior::keys(&[("one", &issuer)]));
    wait_until("the token is accepted", async || ask(&app, "one", &issuer).await.status == 200).await;
}

#[tokio::test]
async fn key_file_is_reloaded_and_an_invalid_one_is_ignored() {
    let (old, new) = (Issuer::es256(), Issuer::es256());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(key_set(&[("old", &old)]).to_string().as_bytes()).unwrap();
    let app = start(&["--jwks-file", file.path().to_str().unwrap(), "--jwks-refresh-secs", "1"]).await;
    ask(&app, "old", &old).await.data("/viewer");
    std::fs::write(file.path(), key_set(&[("new", &new)]).to_string()).unwrap();
    ask(&app, "new", &new).await.data("/viewer");
    assert_refused(&ask(&app, "old", &old).await, UNKNOWN);
    std::fs::write(file.path(), "{\"keys\":[").unwrap();
    ask(&app, "new", &new).await.data("/viewer");
    std::fs::write(file.path(), key_set(&[("old", &old)]).to_string()).unwrap();
    wait_until("the token is accepted", async || ask(&app, "old", &old).await.status == 200).await;
    assert_refused(&ask(&app, "new", &new).await, UNKNOWN);
}

#[tokio::test]
async fn key_set_server_needs_a_trusted_certificate() {
    let issuer = Issuer::es256();
    let (server, certificate) = KeySetServer::start_secure(ServerBehavior::keys(&[("one", &issuer)])).await;
    let (_other, another) = KeySetServer::start_secure(ServerBehavior::Away).await;
    let file = |text: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    };
    let (own, others, both) = (file(&certificate), file(&another), file(&(another.clone() + &certificate)));
    let with = async |url: &str, file: Option<&tempfile::NamedTempFile>| {
        let path = file.map(|file| file.path().to_str().unwrap());
        let options = path.map_or(vec![], |path| vec!["--jwks-ca-file", path]);
        let app = start(&[&["--jwks-url", url], &options[..]].concat()).await;
        ask(&app, "one", &issuer).await
    };
    for file in [&own, &both] {
        with(&server.url, Some(file)).await.data("/viewer");
    }
    let asked = server.asked();
    assert!(asked >= 2);
    // Rejected: another certificate, only the system certificates, another host name.
    for (url, file) in [
        (server.url.clone(), Some(&others)),
        (server.url.clone(), None),
        (server.url.replace("localhost", "127.0.0.1"), Some(&own)),
    ] {
        let response = with(&url, file).await;
        assert_eq!((response.status, response.error().0), (503, "UNAVAILABLE"), "{url} {}", response.text);
    }
    assert!(server.asked() > asked, "it was tried");
}
