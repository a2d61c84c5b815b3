//! The key set server of an issuer, on a free port, with configurable misbehavior.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;

use super::certificate::Certificate;
use super::keys::Issuer;

/// The behavior of the server.
#[derive(Clone)]
pub(crate) enum ServerBehavior {
    /// Responds with a body.
    Body(String),
    /// Responds with a status and a body.
    Status(&'static str, String),
    /// Redirects to a URL.
    Elsewhere(String),
    /// Sends an endless key set.
    Endless,
    /// Sends the beginning of a response and stalls.
    Stalling,
    /// Closes connections.
    Away,
}

impl ServerBehavior {
    /// Responds with the keys of these issuers, each with its name as key id.
    pub(crate) fn keys(issuers: &[(&str, &Issuer)]) -> Self {
        Self::Body(key_set(issuers).to_string())
    }
}

/// A key set with the keys of these issuers, each with its name as key id.
pub(crate) fn key_set(issuers: &[(&str, &Issuer)]) -> Value {
    json!({ "keys": issuers.iter().map(|(name, issuer)| issuer.jwk(name)).collect::<Vec<_>>() })
}

/// The key set server.
pub(crate) struct KeySetServer {
    pub(crate) url: String,
    conduct: Arc<Mutex<ServerBehavior>>,
    asked: Arc<AtomicUsize>,
    sent: Arc<AtomicUsize>,
}

impl KeySetServer {
    pub(crate) async fn start(conduct: ServerBehavior) -> Self {
        Self::start_with(conduct, None).await
    }

    /// Starts a TLS server for `localhost`, and returns its self-signed certificate.
    pub(crate) async fn start_secure(conduct: ServerBehavior) -> (Self, String) {
        let certificate = Certificate::of("localhost");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let (chain, key) = (vec![certificate.der.clone().into()], certificate.key.clone().try_into().unwrap());
        let config = config.with_single_cert(chain, key).unwrap();
        (Self::start_with(conduct, Some(TlsAcceptor::from(Arc::new(config)))).await, certificate.pem())
    }

    async fn start_with(conduct: ServerBehavior, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Self {
            url: match &tls {
                Some(_) => format!("https://localhost:{}/keys", address.port()),
                None => format!("http://{address}/keys"),
            },
            conduct: Arc::new(Mutex::new(conduct)),
            asked: Arc::default(),
            sent: Arc::default(),
        };
        let (conduct, asked, sent) = (Arc::clone(&server.conduct), Arc::clone(&server.asked), Arc::clone(&server.sent));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                asked.fetch_add(1, Ordering::SeqCst);
                let now = conduct.lock().unwrap().clone();
                let sent = Arc::clone(&sent);
                match tls.clone() {
                    None => _ = tokio::spawn(response(stream, now, sent)),
                    Some(tls) => {
                        tokio::spawn(async move {
                            // A client that does not trust the certificate disconnects.
                            let Ok(stream) = tls.accept(stream).await else { return };
                            response(stream, now, sent).await;
                        });
                    }
                }
            }
        });
        server
    }

    /// Changes the behavior for the following requests.
    pub(crate) fn conduct(&self, conduct: ServerBehavior) {
        *self.conduct.lock().unwrap() = conduct;
    }

    /// Number of requests.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Number of bytes that clients read from endless key sets.
    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

async fn response(mut stream: impl AsyncRead + AsyncWrite + Unpin, conduct: ServerBehavior, sent: Arc<AtomicUsize>) {
    if matches!(conduct, ServerBehavior::Away) {
        return;
    }
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    assert!(request.starts_with(b"GET /keys"));
    let whole = |status: &str, more: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
    };
    let text = match conduct {
        ServerBehavior::Body(body) => whole("200 OK", "Content-Type: application/json\r\n", &body),
        ServerBehavior::Status(status, body) => whole(status, "", &body),
        ServerBehavior::Elsewhere(url) => whole("302 Found", &format!("Location: {url}\r\n"), ""),
        ServerBehavior::Endless => "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"keys\":[".to_owned(),
        ServerBehavior::Stalling => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"keys\":[".to_owned(),
        ServerBehavior::Away => unreachable!(),
    };
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    if text.ends_with('[') && text.contains("Content-Length") {
        // Until the client disconnects.
        let _ = stream.read_u8().await;
    } else if text.ends_with('[') {
        while let Ok(written) = stream.write(&[b'0'; 8 * 1024]).await {
            sent.fetch_add(written, Ordering::SeqCst);
        }
    }
}
