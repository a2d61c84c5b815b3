//! TLS in the server: every route over it, limits before the handshake, and renewal of the certificate.

use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion, version};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::harness::app::TestApp;
use crate::harness::certificate::Certificate;
use crate::harness::cli::TestCli;
use crate::harness::client::Client;
use crate::harness::events::event;
use crate::harness::keys::pem;
use crate::harness::stream::Events;
use crate::harness::wait::wait_until;

const VIEWER: &str = "{ viewer { subject } }";
const FOLLOW: &str = "subscription { auditEventsRecorded { edges { node { eventKey } } } }";

/// The files of a certificate and its key.
struct Files {
    cert: String,
    key: String,
    _folder: tempfile::TempDir,
}

impl Files {
    fn of(certificate: &Certificate) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let files = Self { cert: path("cert.pem"), key: path("key.pem"), _folder: folder };
        files.write(certificate);
        files
    }

    fn write(&self, certificate: &Certificate) {
        std::fs::write(&self.cert, certificate.pem()).unwrap();
        std::fs::write(&self.key, pem("PRIVATE KEY", &certificate.key)).unwrap();
    }

    fn options(&self) -> [&str; 4] {
        ["--tls-cert", &self.cert, "--tls-key", &self.key]
    }
}

/// The URL of a server by a name that the certificate has.
fn https(url: &str) -> String {
    url.replacen("http://127.0.0.1", "https://localhost", 1)
}

fn connector(certificate: &Certificate, versions: &[&'static SupportedProtocolVersion]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der.clone().into()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

fn address(url: &str) -> String {
    url.strip_prefix("http://").unwrap().to_owned()
}

#[tokio::test]
async fn routes_and_streams_work_over_tls() {
    let certificate = Certificate::of("localhost");
    let files = Files::of(&certificate);
    let app = TestApp::start_with(&files.options()).await;
    let reader = Client::new(&https(&app.url)).with_certificate(&certificate.pem()).role("GLOBAL_ADMIN");
    assert_eq!(*reader.query(VIEWER).await.data("/viewer/subject"), "test-user");
    let mut events = Events::open(&reader, FOLLOW, Value::Null).await;
    events.batch().await;

    let stream = TcpStream::connect(address(&app.url)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = connector(&certificate, &[&version::TLS13]).connect(name, stream).await.unwrap();
    let mut request = "wss://localhost/graphql".into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    let authorization = format!("Bearer {}", reader.bearer_token());
    for message in [
        json!({ "type": "connection_init", "payload": { "authorization": authorization } }),
        json!({ "id": "1", "type": "subscribe", "payload": { "query": FOLLOW } }),
    ] {
        socket.send(Message::text(message.to_string())).await.unwrap();
    }
    app.record([event("live")]).await;
    assert_eq!(events.batch().await["edges"][0]["node"]["eventKey"], "live");
    loop {
        let message = socket.next().await.unwrap().unwrap();
        if message.to_text().is_ok_and(|text| text.contains("\"live\"")) {
            break;
        }
    }
    let export = reader.request(Method::POST, "/v1/events/export").json(&json!({ "occurredAt": { "window": "ALL" } }));
    let exported = reader.send(export).await;
    assert!(exported.status == 200 && exported.text.contains("\"live\""), "{exported:?}");
}

#[tokio::test]
async fn tls_1_2_and_1_3_with_http_1_are_accepted_and_nothing_else() {
    let certificate = Certificate::of("localhost");
    let files = Files::of(&certificate);
    let app = TestApp::start_with(&files.options()).await;
    for (version, expected) in
        [(&version::TLS12, ProtocolVersion::TLSv1_2), (&version::TLS13, ProtocolVersion::TLSv1_3)]
    {
        let stream = TcpStream::connect(address(&app.url)).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector(&certificate, &[version]).connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(expected));
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut response = Vec::new();
        // The server may close the connection without the notification of TLS.
        let _ = stream.read_to_end(&mut response).await;
        assert!(response.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&response));
    }
    // A request without TLS gets no response.
    let mut plain = TcpStream::connect(address(&app.url)).await.unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut response = Vec::new();
    let _ = plain.read_to_end(&mut response).await;
    assert!(!response.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&response));
}

#[tokio::test]
async fn limits_hold_before_the_handshake() {
    let certificate = Certificate::of("localhost");
    let files = Files::of(&certificate);
    let app = TestApp::start_with(&[&files.options()[..], &["--address-connections-max", "2"]].concat()).await;
    let mut silent = Vec::new();
    for _ in 0..2 {
        silent.push(TcpStream::connect(address(&app.url)).await.unwrap());
    }
    // The connections without a handshake end in favour of a new one, or by the timeout of the handshake.
    let client = Client::new(&https(&app.url)).with_certificate(&certificate.pem()).role("AUDIT_READER");
    assert_eq!(client.query(VIEWER).await.status, 200);
    for mut connection in silent {
        let ended = connection.read(&mut [0; 1]).await;
        assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    }
}

#[tokio::test]
async fn renewed_certificate_is_used_and_an_invalid_one_is_ignored() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let (first, second) = (Certificate::of("localhost"), Certificate::of("localhost"));
    let files = Files::of(&first);
    let (server, url) = cli.serve(&files.options());
    let health = async |certificate: &Certificate| {
        let client = Client::new(&https(&url)).with_certificate(&certificate.pem());
        client.request(Method::GET, "/healthz").send().await.is_ok_and(|response| response.status() == 200)
    };
    assert!(health(&first).await && !health(&second).await);
    std::fs::write(&files.cert, "no certificate").unwrap();
    server.signal("-HUP");
    assert!(health(&first).await);
    files.write(&second);
    server.signal("-HUP");
    wait_until("the new certificate is used", async || health(&second).await).await;
    assert!(!health(&first).await);
}

#[tokio::test]
async fn certificate_that_cannot_be_used_is_refused_with_the_reason() {
    let cli = TestCli::new().await;
    let (own, other) = (Files::of(&Certificate::of("localhost")), Files::of(&Certificate::of("localhost")));
    let serve = |cert: &str, key: &str| {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--jwt-secret", crate::harness::app::SECRET];
        cli.run(&[&serve[..], &["--tls-cert", cert, "--tls-key", key]].concat())
    };
    for (cert, key, rule) in [
        (&own.cert, &other.key, "does not belong to the certificate"),
        (&own.key, &own.key, "has no certificate"),
        (&own.cert, &own.cert, "has no private key"),
        (&"no/such/cert.pem".to_owned(), &own.key, "cannot read no/such/cert.pem"),
    ] {
        let refused = serve(cert, key);
        assert!(refused.refused().contains(rule), "{rule}: {refused:?}");
    }
    let checked = cli.run(&["check", "--jwt-secret", "x", "--tls-cert", &own.cert, "--tls-key", &other.key]);
    assert!(checked.out.contains("WRONG TLS: the private key in"), "{checked:?}");
    let alone = cli.run(&["serve", "--tls-cert", &own.cert]);
    assert!(alone.code == Some(2) && alone.err.contains("--tls-key"), "{alone:?}");
}
