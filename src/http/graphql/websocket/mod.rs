//! GraphQL over a WebSocket, by the protocol `graphql-transport-ws`.
//!
//! The token is in `connection_init` (a browser cannot set headers), or in the header of the request. The connection
//! ends when the token expires, so that a client connects again with a new one; no state survives a connection, and a
//! subscription continues from its cursor. Browsers send the `Origin` of the page, which must be this server's own or
//! one that CORS allows.

mod messages;
mod operation;
mod outbox;

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use actix_web::guard::GuardContext;
use actix_web::http::header;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_ws::{CloseCode, CloseReason};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, timeout};

use super::operation::{CHECK_INTERVAL, until_expiry};
use crate::http::body;
use crate::http::limits::{CallerKey, KeyedLimiter, PendingWebSocket, QuotaGuard, StreamKind};
use crate::http::middleware::client_ip::{ClientIp, rate_limit_key};
use crate::http::middleware::cors::AllowedOrigins;
use crate::http::response::{HttpError, ResponseFormat, error_response};
use crate::http::state::OperationServices;
use access::Caller;
use api::error::Code;
use messages::{ClientMessage, Messages};
use model::Invalid;
use operation::{OperationEnded, PendingOperation, SubscribeError, message, run};
use outbox::{NotSent, Outbox};

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
const PONG: &str = r#"{"type":"pong"}"#;
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
    addresses: Data<KeyedLimiter<IpAddr>>,
) -> HttpResponse {
    let opened = upgrade(&request, payload, services, &origins, &addresses).await;
    opened.unwrap_or_else(|error| error_response(&request, ResponseFormat::Json, error))
}

async fn upgrade(
    request: &HttpRequest,
    payload: Payload,
    services: OperationServices,
    origins: &AllowedOrigins,
    addresses: &KeyedLimiter<IpAddr>,
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
    let client_ip = ClientIp::of(request);
    let pending = PendingWebSocket::admit(addresses, &rate_limit_key(client_ip), &services.streams.pending)?;
    let (response, session, messages) = actix_ws::handle_with_protocols(request, payload, &[PROTOCOL])
        .map_err(|_handshake| Invalid::new("this is not a WebSocket handshake"))?;
    let (outbox, response) = Outbox::new(session, response, services.streams.stall_timeout);
    let (notify, ended) = mpsc::unbounded_channel();
    let running = HashMap::new();
    let connection = Connection { services, client_ip, outbox, running, started: 0, notify, ended };
    actix_web::rt::spawn(connection.run(Messages::before_init(messages), caller, pending));
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
    outbox: Outbox,
    /// The running operations by the client's ids, each with its number and its task.
    running: HashMap<String, (u64, JoinHandle<()>)>,
    /// The number of operations that were started.
    started: u64,
    notify: mpsc::UnboundedSender<OperationEnded>,
    ended: mpsc::UnboundedReceiver<OperationEnded>,
}

impl Connection {
    /// Runs the connection until it ends. `caller` is the caller of the `Authorization` header, if there is one;
    /// `pending` counts the connection until `connection_init` has succeeded.
    async fn run(mut self, mut messages: Messages, caller: Option<Caller>, pending: PendingWebSocket) {
        let initialised = self.init(&mut messages, caller).await;
        let (end, _pending) = match initialised {
            Ok((caller, _quota)) => {
                drop(pending);
                messages.allow(self.services.streams.message_bytes_max);
                (self.serve(&mut messages, &caller).await, None)
            }
            Err(end) => (end, Some(pending)),
        };
        self.running.values().for_each(|(_, task)| task.abort());
        if let End::Closed(code, reason) = end {
            let reason = CloseReason { code: CloseCode::from(code), description: Some(reason.to_owned()) };
            let _ = timeout(CLOSE_TIMEOUT, self.outbox.into_session().close(Some(reason))).await;
        }
    }

    /// Waits for `connection_init` and authenticates the caller.
    async fn init(
        &mut self,
        messages: &mut Messages,
        header_caller: Option<Caller>,
    ) -> Result<(Caller, QuotaGuard<CallerKey>), End> {
        let mut shutdown = self.services.streams.shutdown.clone();
        let init_timeout = self.services.streams.init_timeout;
        let init = async {
            loop {
                let Some(text) = self.text_of(messages.next().await?) else { continue };
                let message = ProtocolMessage::parse(&text)?;
                match &*message.kind {
                    "connection_init" => return message.payload(),
                    "ping" => self.send(PONG.to_owned()).await?,
                    "pong" => {}
                    "subscribe" => return Err(End::Closed(4401, "Unauthorized")),
                    "start" | "stop" | "connection_terminate" => return Err(OLDER_PROTOCOL),
                    _ => return Err(MALFORMED),
                }
            }
        };
        let payload = tokio::select! {
            _ = shutdown.wait_for(|is_stopping| *is_stopping) => return Err(STOPPING),
            payload = timeout(init_timeout, init) => {
                payload.map_err(|_elapsed| End::Closed(4408, "Connection initialisation timeout"))??
            }
        };
        let named = payload.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let authorization = named.and_then(|(_, value)| value.as_str());
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
    async fn serve(&mut self, messages: &mut Messages, caller: &Caller) -> End {
        let mut shutdown = self.services.streams.shutdown.clone();
        let remaining = until_expiry(caller.principal.expires_at, self.services.environment.now());
        let mut expiry = std::pin::pin!(tokio::time::sleep(remaining));
        let mut ping = tokio::time::interval(PING_INTERVAL);
        let mut check = tokio::time::interval_at(Instant::now() + CHECK_INTERVAL, CHECK_INTERVAL);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_received = Instant::now();
        loop {
            let message = tokio::select! {
                _ = shutdown.wait_for(|is_stopping| *is_stopping) => return STOPPING,
                () = &mut expiry => return End::Closed(4403, "the token has expired"),
                _ = check.tick() => {
                    let now = self.services.environment.now();
                    match self.services.authentication.check_token(caller, now).await {
                        // Running operations check it themselves, and report why they end.
                        Err(_) if self.running.is_empty() => return End::Closed(4403, "the token is not valid"),
                        _ => continue,
                    }
                }
                _ = ping.tick() => {
                    if last_received.elapsed() > PING_INTERVAL + self.services.streams.stall_timeout {
                        return End::Closed(1008, "the client was silent for too long");
                    }
                    // If a ping cannot be sent at once, the client reads nothing, which its operations detect.
                    self.outbox.ping();
                    continue;
                }
                ended = self.ended.recv() => {
                    if let Some(ended) = ended {
                        self.remove(&ended);
                    }
                    continue;
                }
                message = messages.next() => message,
            };
            last_received = Instant::now();
            let handled = match message.map(|message| self.text_of(message)) {
                Ok(Some(text)) => self.handle(text, caller).await,
                Ok(None) => Ok(()),
                Err(end) => Err(end),
            };
            if let Err(end) = handled {
                return end;
            }
        }
    }

    /// The text of a message, or `None` if the message is a ping or a pong.
    fn text_of(&mut self, message: ClientMessage) -> Option<Bytes> {
        match message {
            ClientMessage::Text(text) => Some(text),
            ClientMessage::Ping(content) => {
                self.outbox.pong(&content);
                None
            }
            ClientMessage::Pong => None,
        }
    }

    /// Handles a message of the protocol.
    async fn handle(&mut self, text: Bytes, caller: &Caller) -> Result<(), End> {
        let message = ProtocolMessage::parse(&text)?;
        match &*message.kind {
            "connection_init" => Err(End::Closed(4429, "Too many initialisation requests")),
            "ping" => self.send(PONG.to_owned()).await,
            "pong" => Ok(()),
            "complete" => {
                if let Some((_, task)) = self.running.remove(&message.id()?) {
                    task.abort();
                }
                Ok(())
            }
            "subscribe" => {
                let (id, Some(payload)) = (message.id()?, message.payload) else { return Err(MALFORMED) };
                let payload = text.slice_ref(payload.get().as_bytes());
                self.start(id, payload, caller).await
            }
            "start" | "stop" | "connection_terminate" => Err(OLDER_PROTOCOL),
            _ => Err(MALFORMED),
        }
    }

    async fn start(&mut self, id: String, payload: Bytes, caller: &Caller) -> Result<(), End> {
        // Operations that have ended may still be in the map.
        while let Ok(ended) = self.ended.try_recv() {
            self.remove(&ended);
        }
        if self.running.contains_key(&id) {
            return Err(End::Closed(4409, "Subscriber for this id already exists"));
        }
        match PendingOperation::admit(&self.services, payload, caller, self.running.len()).await {
            Err(SubscribeError::Malformed) => Err(MALFORMED),
            Err(SubscribeError::Refused(errors)) => self.send(message("error", &id, Some(&errors))).await,
            Ok(pending) => {
                self.started += 1;
                let notify = (self.notify.clone(), OperationEnded { id: id.clone(), number: self.started });
                let task = actix_web::rt::spawn(run(pending, self.outbox.clone(), notify));
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
        self.outbox.send(text, None).await.map_err(|not_sent| match not_sent {
            NotSent::Closed => End::Disconnected,
            NotSent::Stalled => End::Closed(1008, "the client read nothing for too long"),
        })
    }
}

/// A message of the protocol. Its payload is skipped, and parsed only where it is used.
#[derive(Deserialize)]
struct ProtocolMessage<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

impl<'a> ProtocolMessage<'a> {
    fn parse(text: &'a [u8]) -> Result<Self, End> {
        serde_json::from_slice(text).map_err(|_not_of_the_protocol| MALFORMED)
    }

    /// The id of the operation.
    fn id(&self) -> Result<String, End> {
        let id = self.id.as_deref().filter(|id| (1..=ID_BYTES_MAX).contains(&id.len()));
        id.map(str::to_owned).ok_or(MALFORMED)
    }

    /// The members of the payload. Without a payload there are no members.
    fn payload(&self) -> Result<Map<String, Value>, End> {
        match self.payload.map(RawValue::get) {
            None | Some("null") => Ok(Map::new()),
            Some(payload) => body::object(payload.as_bytes()).map_err(|_not_an_object| MALFORMED),
        }
    }
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
