//! Sends events to a server and reads the outcome of each.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Certificate, Client, StatusCode, Url};
use serde::Deserialize;

use crate::table::Settlement;

/// The time limit of a request. A server that is busy responds earlier, with status 503.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most characters of a message that is kept with a row or logged.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// Why a relay cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The address is not an HTTP URL.
    #[error("`{0}` is not an address of a server, such as `https://audit.example`")]
    Address(String),
    /// A file cannot be read.
    #[error("cannot read {}", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// The certificates are not valid.
    #[error("{} is not a file of certificates in PEM format", .0.display())]
    Certificates(PathBuf, #[source] reqwest::Error),
    /// The HTTP client cannot be created.
    #[error("cannot create the HTTP client")]
    Client(#[source] reqwest::Error),
}

/// Why no event of a request was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The server cannot be reached, or is too busy. The request may succeed later, after this time if it is known.
    Unavailable(String, Option<Duration>),
    /// The server refuses the caller, the path or the like. A person has to correct the configuration.
    Misconfigured(String),
    /// The server refuses the body as a whole. A smaller part of it may be accepted.
    Body(String),
}

/// A server that records events.
#[derive(Debug)]
pub struct RecordingServer {
    address: Url,
    client: Client,
    token_file: PathBuf,
}

/// The response to a recording request, as far as a relay needs it.
#[derive(Deserialize)]
struct RecordingResponse {
    results: Vec<EventResult>,
}

/// The outcome of one event.
#[derive(Deserialize)]
struct EventResult {
    status: String,
    #[serde(default)]
    problems: Vec<EventProblem>,
}

/// A problem of an event.
#[derive(Deserialize)]
struct EventProblem {
    path: Vec<serde_json::Value>,
    message: String,
}

/// The response to a request that was refused.
#[derive(Deserialize)]
struct ErrorResponse {
    errors: Vec<ServerMessage>,
}

/// The message of an error.
#[derive(Deserialize)]
struct ServerMessage {
    message: String,
}

impl RecordingServer {
    /// Prepares requests to a server with the token in a file, which is read before each request. `ca_file` has the
    /// certificates of authorities to trust, besides those of the system.
    ///
    /// # Errors
    ///
    /// If the address is no HTTP URL, or a file cannot be read.
    pub fn new(address: &str, token_file: &Path, ca_file: Option<&Path>) -> Result<Self, SetupError> {
        let refused = || SetupError::Address(address.to_owned());
        let base = Url::parse(address).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
        let base = base.filter(Url::has_host).ok_or_else(refused)?;
        let path = format!("{}/v1/events", base.path().trim_end_matches('/'));
        let mut address = base;
        address.set_path(&path);
        let mut client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(RESPONSE_TIMEOUT);
        if let Some(file) = ca_file {
            let pem = std::fs::read(file).map_err(|error| SetupError::File(file.to_owned(), error))?;
            let certificates = Certificate::from_pem_bundle(&pem);
            let certificates = certificates.map_err(|error| SetupError::Certificates(file.to_owned(), error))?;
            client = client.tls_certs_merge(certificates);
        }
        let server =
            Self { address, client: client.build().map_err(SetupError::Client)?, token_file: token_file.to_owned() };
        server.token().map_err(|error| SetupError::File(server.token_file.clone(), error))?;
        Ok(server)
    }

    fn token(&self) -> std::io::Result<String> {
        std::fs::read_to_string(&self.token_file).map(|token| token.trim().to_owned())
    }

    /// Sends events, each as JSON text, and returns what becomes of each, in their order.
    ///
    /// # Errors
    ///
    /// If the server settled none of them. They may have been recorded: sending them again is safe.
    pub async fn record(&self, events: &[&str]) -> Result<Vec<Settlement>, Refusal> {
        let token = self
            .token()
            .map_err(|error| Refusal::Misconfigured(format!("cannot read {}: {error}", self.token_file.display())))?;
        let request = self.client.post(self.address.clone()).header(CONTENT_TYPE, "application/json");
        let request = request.header(AUTHORIZATION, format!("Bearer {token}")).body(format!("[{}]", events.join(",")));
        let unreachable = |error: reqwest::Error| Refusal::Unavailable(with_causes(&error.without_url()), None);
        let response = request.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(unreachable)?;
        if let Ok(RecordingResponse { results }) = serde_json::from_slice(&body)
            && results.len() == events.len()
        {
            return results.iter().map(settlement).collect();
        }
        let message = format!("status {status}: {}", message_of(&body));
        Err(match status {
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => Refusal::Body(message),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                Refusal::Unavailable(message, retry_after(&headers))
            }
            status if status.is_server_error() => Refusal::Unavailable(message, retry_after(&headers)),
            _ => Refusal::Misconfigured(message),
        })
    }
}

fn settlement(result: &EventResult) -> Result<Settlement, Refusal> {
    match result.status.as_str() {
        "RECORDED" | "DUPLICATE" => Ok(Settlement::Recorded),
        "CONFLICT" => Ok(Settlement::SetAside("another event has this key".to_owned())),
        "REJECTED" => {
            let problems = result.problems.iter().map(|problem| {
                let path =
                    problem.path.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned));
                format!("{}: {}", path.collect::<Vec<_>>().join("."), problem.message)
            });
            Ok(Settlement::SetAside(cut(&problems.collect::<Vec<_>>().join("; "))))
        }
        other => Err(Refusal::Misconfigured(format!("the server returned the unknown outcome `{}`", cut(other)))),
    }
}

/// Returns the message of an error response, else the beginning of the body.
fn message_of(body: &[u8]) -> String {
    let errors = serde_json::from_slice::<ErrorResponse>(body).map(|response| response.errors).unwrap_or_default();
    let message = errors.into_iter().next().map(|error| error.message);
    cut(&message.unwrap_or_else(|| String::from_utf8_lossy(&body[..body.len().min(MESSAGE_CHARS_MAX)]).into_owned()))
}

fn cut(message: &str) -> String {
    message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MESSAGE_CHARS_MAX).collect()
}

fn retry_after(headers: &reqwest::header::HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |message, cause| format!("{message}: {cause}"))
}
