//! GraphQL over a WebSocket, by the protocol `graphql-transport-ws`.
//!
//! The token is in `connection_init` (a browser cannot set headers), or in the header of the request. The connection
//! ends when the token expires, so that a client connects again with a new one; no state survives a connection, and a
//! subscription continues from its cursor. Browsers send the `Origin` of the page, which must be this server's own or
//! one that CORS allows.

mod operation;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use actix_web::guard::GuardContext;
use actix_web::http::header;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, ProtocolError};
use futures_util::FutureExt as _;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::operation::until_expiry;
use crate::http::body;
use crate::http::limits::{CallerKey, QuotaGuard, StreamKind};
use crate::http::middleware::client_ip::ClientIp;
use crate::http::middleware::cors::AllowedOrigins;
use crate::http::response::{HttpError, ResponseFormat, error_response};
use crate::http::state::OperationServices;
use access::Caller;
use api::error::Code;
use model::Invalid;
use operation::{OperationEnded, PendingOperation, message, run};

/// The name of the protocol.
const PROTOCOL: &str = "graphql-transport-ws";
/// The interval of pings.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// The time within which the close frame must be sent.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes in the id of an operation.
const ID_BYTES_MAX: usize = 256;

/// Why a connection ends.
#[derive(Debug)]
enum End {
    /// The client disconnected.
    Disconnected,
    /// The server closes the connection, with this code and reason.
    Closed(u16, &'static str),
}

const MALFORMED: End = End::Closed(4400, "the message is not one of the protocol graphql-transport-ws");
/// For messages of the older protocol of the library `subscriptions-transport-ws`.
const OLDER_PROTOCOL: End =
    End::Closed(4400, "`start` is of the protocol graphql-ws; this server speaks graphql-transport-ws (`subscribe`)");
const STOPPING: End = End::Closed(1001, "the server is stopping");

/// Whether a request is an upgrade to a WebSocket.
pub(in crate::http) fn is_upgrade(context: &GuardContext<'_>) -> bool {
    let upgrade = context.head().headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// Opens a WebSocket.
pub(in crate::http) async fn open(
    request: HttpRequest,
    payload: Payload,
    services: OperationServices,
    origins: Data<AllowedOrigins>,
) -> HttpResponse {
    let opened = upgrade(&request, payload, services, &origins).await;
    opened.unwrap_or_else(|error| error_response(&request, ResponseFormat::Json, error))
}

async fn upgrade(
    request: &HttpRequest,
    payload: Payload,
    services: OperationServices,
    origins: &AllowedOrigins,
) -> Result<HttpResponse, HttpError> {
    let is_allowed = |origin| origins.contains(origin);
    if !is_same_origin(request) && !request.headers().get(header::ORIGIN).is_some_and(is_allowed) {
        return Err(HttpError::OriginNotAllowed("pages of this origin may not connect"));
    }
    let offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).filter_map(|value| value.to_str().ok());
    if !offered.flat_map(|value| value.split(',')).any(|protocol| protocol.trim() == PROTOCOL) {
        return Err(Invalid::new("the protocol must be `graphql-transport-ws`").into());
    }
    let caller = if request.headers().contains_key(header::AUTHORIZATION) {
        Some(services.authentication.caller(request, services.environment.now()).await?)
    } else {
        None
    };
    let (response, session, messages) = actix_ws::handle_with_protocols(request, payload, &[PROTOCOL])
        .map_err(|_handshake| Invalid::new("this is not a WebSocket handshake"))?;
    let bytes_max = services.streams.message_bytes_max;
    let messages = messages.max_frame_size(bytes_max).aggregate_continuations();
    let (notify, ended) = mpsc::unbounded_channel();
    let client_ip = ClientIp::of(request);
    let running = HashMap::new();
    let connection = Connection { services, client_ip, session, running, started: 0, notify, ended };
    actix_web::rt::spawn(connection.run(messages.max_continuation_size(bytes_max), caller));
    Ok(response)
}

/// Whether the request comes from a page of this server, or not from a page.
fn is_same_origin(request: &HttpRequest) -> bool {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return true };
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let page = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    page.is_some_and(|(_, page)| host.is_some_and(|host| host.eq_ignore_ascii_case(page)))
}

struct Connection {
    services: OperationServices,
    client_ip: IpAddr,
    session: actix_ws::Session,
    /// The running operations by the client's ids, each with its number and its task.
    running: HashMap<String, (u64, JoinHandle<()>)>,
    /// The number of operations that were started.
    started: u64,
    notify: mpsc::UnboundedSender<OperationEnded>,
    ended: mpsc::UnboundedReceiver<OperationEnded>,
}

impl Connection {
    /// Runs the connection until it ends. `caller` is the caller of the `Authorization` header, if there is one.
    async fn run(mut self, mut messages: AggregatedMessageStream, caller: Option<Caller>) {
        let end = match self.init(&mut messages, caller).await {
            Ok((caller, _quota)) => self.serve(&mut messages, &caller).await,
            Err(end) => end,
        };
        self.running.values().for_each(|(_, task)| task.abort());
        if let End::Closed(code, reason) = end {
            let reason = CloseReason { code: CloseCode::from(code), description: Some(reason.to_owned()) };
            let _ = timeout(CLOSE_TIMEOUT, self.session.close(Some(reason))).await;
        }
    }

    /// Waits for `connection_init` and authenticates the caller.
    async fn init(
        &mut self,
        messages: &mut AggregatedMessageStream,
        header_caller: Option<Caller>,
    ) -> Result<(Caller, QuotaGuard<CallerKey>), End> {
        let mut shutdown = self.services.streams.shutdown.clone();
        let init_timeout = self.services.streams.init_timeout;
        let init = async {
            loop {
                let Some(text) = self.text_of(messages.recv().await)? else { continue };
                let message = object(&text)?;
                match kind(&message) {
                    "connection_init" => return Ok(message),
                    "ping" => self.send(r#"{"type":"pong"}"#.to_owned()).await?,
                    "pong" => {}
                    "subscribe" => return Err(End::Closed(4401, "Unauthorized")),
                    "start" | "stop" | "connection_terminate" => return Err(OLDER_PROTOCOL),
                    _ => return Err(MALFORMED),
                }
            }
        };
        let message = tokio::select! {
            _ = shutdown.wait_for(|is_stopping| *is_stopping) => return Err(STOPPING),
            message = timeout(init_timeout, init) => {
                message.map_err(|_elapsed| End::Closed(4408, "Connection initialisation timeout"))??
            }
        };
        let authorization = message.get("payload").and_then(Value::as_object).and_then(|payload| {
            payload.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization")).and_then(|(_, v)| v.as_str())
        });
        let caller = match (authorization, header_caller) {
            (Some(authorization), _) => self.authenticate(authorization).await?,
            (None, Some(caller)) => caller,
            (None, None) => return Err(End::Closed(4403, "connection_init needs `authorization`")),
        };
        let quota = self.services.callers.open_stream(&CallerKey::of(&caller), StreamKind::Connection, None);
        let quota = quota.map_err(|_exceeded| End::Closed(4429, "too many connections of one caller"))?;
        self.send(r#"{"type":"connection_ack"}"#.to_owned()).await?;
        Ok((caller, quota))
    }

    async fn authenticate(&self, authorization: &str) -> Result<Caller, End> {
        let now = self.services.environment.now();
        let caller = self.services.authentication.caller_of(authorization, self.client_ip, now).await;
        caller.map_err(|error| match error.code() {
            Code::Unavailable | Code::Timeout => End::Closed(1013, "the log cannot be reached; try again"),
            Code::Unauthenticated => End::Closed(4403, "the token is not valid"),
            _ => End::Closed(4403, "Forbidden"),
        })
    }

    /// Handles messages until the connection ends.
    async fn serve(&mut self, messages: &mut AggregatedMessageStream, caller: &Caller) -> End {
        let mut shutdown = self.services.streams.shutdown.clone();
        let remaining = until_expiry(caller.principal.expires_at, self.services.environment.now());
        let mut expiry = std::pin::pin!(tokio::time::sleep(remaining));
        let mut ping = tokio::time::interval(PING_INTERVAL);
        let mut last_received = Instant::now();
        loop {
            let message = tokio::select! {
                _ = shutdown.wait_for(|is_stopping| *is_stopping) => return STOPPING,
                () = &mut expiry => return End::Closed(4403, "the token has expired"),
                _ = ping.tick() => {
                    if last_received.elapsed() > PING_INTERVAL + self.services.streams.stall_timeout {
                        return End::Closed(1008, "the client was silent for too long");
                    }
                    // If a ping cannot be sent at once, the client reads nothing, which its operations detect.
                    let _ = self.session.ping(b"").now_or_never();
                    continue;
                }
                ended = self.ended.recv() => {
                    if let Some(ended) = ended {
                        self.remove(&ended);
                    }
                    continue;
                }
                message = messages.recv() => message,
            };
            last_received = Instant::now();
            let handled = match self.text_of(message) {
                Ok(Some(text)) => self.handle(&text, caller).await,
                Ok(None) => Ok(()),
                Err(end) => Err(end),
            };
            if let Err(end) = handled {
                return end;
            }
        }
    }

    /// The text of a message, or `None` if the message is a ping or a pong.
    fn text_of(&mut self, message: Option<Result<AggregatedMessage, ProtocolError>>) -> Result<Option<String>, End> {
        match message {
            Some(Ok(AggregatedMessage::Text(text))) => Ok(Some(text.to_string())),
            Some(Ok(AggregatedMessage::Ping(bytes))) => {
                let _ = self.session.pong(&bytes).now_or_never();
                Ok(None)
            }
            Some(Ok(AggregatedMessage::Pong(_))) => Ok(None),
            Some(Ok(AggregatedMessage::Binary(_))) => Err(End::Closed(4400, "messages must be text")),
            Some(Err(ProtocolError::Overflow)) => Err(End::Closed(1009, "the message is too large")),
            Some(Err(ProtocolError::Io(_))) | None => Err(End::Disconnected),
            Some(Ok(AggregatedMessage::Close(_))) => Err(End::Closed(1000, "")),
            Some(Err(_)) => Err(End::Closed(1002, "this is not the WebSocket protocol")),
        }
    }

    /// Handles a message of the protocol.
    async fn handle(&mut self, text: &str, caller: &Caller) -> Result<(), End> {
        let mut message = object(text)?;
        match kind(&message) {
            "connection_init" => Err(End::Closed(4429, "Too many initialisation requests")),
            "ping" => self.send(r#"{"type":"pong"}"#.to_owned()).await,
            "pong" => Ok(()),
            "complete" => {
                if let Some((_, task)) = self.running.remove(&id(&message)?) {
                    task.abort();
                }
                Ok(())
            }
            "subscribe" => {
                let id = id(&message)?;
                match message.remove("payload") {
                    Some(Value::Object(payload)) => self.start(id, payload, caller).await,
                    _ => Err(MALFORMED),
                }
            }
            "start" | "stop" | "connection_terminate" => Err(OLDER_PROTOCOL),
            _ => Err(MALFORMED),
        }
    }

    async fn start(&mut self, id: String, payload: Map<String, Value>, caller: &Caller) -> Result<(), End> {
        // Operations that have ended may still be in the map.
        while let Ok(ended) = self.ended.try_recv() {
            self.remove(&ended);
        }
        if self.running.contains_key(&id) {
            return Err(End::Closed(4409, "Subscriber for this id already exists"));
        }
        match PendingOperation::admit(&self.services, payload, caller, self.running.len()) {
            Err(errors) => self.send(message("error", &id, Some(&errors))).await,
            Ok(pending) => {
                self.started += 1;
                let notify = (self.notify.clone(), OperationEnded { id: id.clone(), number: self.started });
                let task = actix_web::rt::spawn(run(pending, self.session.clone(), notify));
                self.running.insert(id, (self.started, task));
                Ok(())
            }
        }
    }

    fn remove(&mut self, ended: &OperationEnded) {
        if self.running.get(&ended.id).is_some_and(|(number, _)| *number == ended.number) {
            self.running.remove(&ended.id);
        }
    }

    async fn send(&mut self, text: String) -> Result<(), End> {
        match timeout(self.services.streams.stall_timeout, self.session.text(text)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_closed)) => Err(End::Disconnected),
            Err(_elapsed) => Err(End::Closed(1008, "the client read nothing for too long")),
        }
    }
}

fn object(text: &str) -> Result<Map<String, Value>, End> {
    body::object(text.as_bytes()).map_err(|_not_an_object| MALFORMED)
}

/// The type of a message; empty if it has none.
fn kind(message: &Map<String, Value>) -> &str {
    message.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// The operation id of a message.
fn id(message: &Map<String, Value>) -> Result<String, End> {
    let id = message.get("id").and_then(Value::as_str).filter(|id| (1..=ID_BYTES_MAX).contains(&id.len()));
    id.map(str::to_owned).ok_or(MALFORMED)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn page_of_another_origin_is_not_same_origin() {
        let request = |origin: Option<&'static str>| {
            let request = TestRequest::default().insert_header((header::HOST, "audit.example:8080"));
            match origin {
                Some(origin) => request.insert_header((header::ORIGIN, HeaderValue::from_static(origin))),
                None => request,
            }
            .to_http_request()
        };
        assert!(is_same_origin(&request(None)));
        assert!(is_same_origin(&request(Some("https://audit.example:8080"))));
        for foreign in ["https://evil.example", "https://audit.example", "null", "audit.example:8080"] {
            assert!(!is_same_origin(&request(Some(foreign))), "{foreign}");
        }
    }
}
