//! Answers over a WebSocket, by the protocol `graphql-transport-ws`.
//!
//! The token is in `connection_init` (a browser cannot set headers), or in the header of the request. The connection
//! ends when the token expires, so that a client connects again with a new one; nothing is remembered between
//! connections, a subscription goes on from its cursor. Browsers send the `Origin` of the page, which must be ours
//! or one that CORS allows.

mod operation;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, ProtocolError};
use futures_util::FutureExt as _;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::http::AppState;
use crate::http::authentication as bearer;
use crate::http::body;
use crate::http::graphql::sse::until_expiry;
use crate::http::limits::stream_quota::{QuotaGuard, StreamKind};
use crate::http::middleware::client_ip as address;
use crate::http::response::{ResponseFormat, refusal};
use access::Caller;
use api::error::Code;
use model::Invalid;
use operation::{Ended, run, subscribe};

/// The protocol that is spoken.
const PROTOCOL: &str = "graphql-transport-ws";
/// How often the other side is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How long saying good-bye may take.
const FAREWELL: Duration = Duration::from_secs(5);
/// The most bytes in the id of an operation.
const ID_BYTES_MAX: usize = 256;

/// Why a connection ends, and what is sent to the client.
#[derive(Debug)]
enum End {
    /// It left.
    Gone,
    /// It is closed, with a code and a reason.
    Closed(u16, &'static str),
}

const MALFORMED: End = End::Closed(4400, "the message is not one of the protocol");

/// Opens a WebSocket.
pub(in crate::http) async fn open(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> HttpResponse {
    let refuse = |status, sentence: &str| refusal(status, ResponseFormat::Json, Invalid::new(sentence).into());
    if !is_same_origin(&request)
        && !request.headers().get(header::ORIGIN).is_some_and(|page| state.origins.contains(page))
    {
        return refuse(StatusCode::FORBIDDEN, "pages of this origin may not connect");
    }
    let offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).filter_map(|value| value.to_str().ok());
    if !offered.flat_map(|value| value.split(',')).any(|protocol| protocol.trim() == PROTOCOL) {
        return refuse(StatusCode::BAD_REQUEST, "the protocol must be `graphql-transport-ws`");
    }
    let caller = if request.headers().contains_key(header::AUTHORIZATION) {
        let now = (state.clock)();
        match bearer::caller(&state, &request, now, ResponseFormat::Json, &state.request_id()).await {
            Ok(caller) => Some(caller),
            Err(refused) => return refused,
        }
    } else {
        None
    };
    match actix_ws::handle_with_protocols(&request, payload, &[PROTOCOL]) {
        Ok((response, session, messages)) => {
            let bytes_max = state.streams.message_bytes_max;
            let messages = messages.max_frame_size(bytes_max).aggregate_continuations();
            let (tell, ended) = mpsc::unbounded_channel();
            let address = address::of(&request, &state);
            let connection = Connection { state, address, session, running: HashMap::new(), started: 0, tell, ended };
            actix_web::rt::spawn(connection.run(messages.max_continuation_size(bytes_max), caller));
            response
        }
        Err(_handshake) => refuse(StatusCode::BAD_REQUEST, "this is not a WebSocket handshake"),
    }
}

/// Whether the request comes from a page of ours, or from no page at all.
fn is_same_origin(request: &HttpRequest) -> bool {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return true };
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let page = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    page.is_some_and(|(_, page)| host.is_some_and(|host| host.eq_ignore_ascii_case(page)))
}

struct Connection {
    state: web::Data<AppState>,
    address: IpAddr,
    session: actix_ws::Session,
    /// The operations that run, by the ids that the client gave them, each with its number.
    running: HashMap<String, (u64, JoinHandle<()>)>,
    started: u64,
    tell: mpsc::UnboundedSender<Ended>,
    ended: mpsc::UnboundedReceiver<Ended>,
}

impl Connection {
    async fn run(mut self, mut messages: AggregatedMessageStream, known: Option<Caller>) {
        let end = match self.init(&mut messages, known).await {
            Ok((caller, _seat)) => self.serve(&mut messages, &caller).await,
            Err(end) => end,
        };
        self.running.values().for_each(|(_, task)| task.abort());
        if let End::Closed(code, reason) = end {
            let reason = CloseReason { code: CloseCode::from(code), description: Some(reason.to_owned()) };
            let _ = timeout(FAREWELL, self.session.close(Some(reason))).await;
        }
    }

    /// Waits until the client has sent its token.
    async fn init(
        &mut self,
        messages: &mut AggregatedMessageStream,
        known: Option<Caller>,
    ) -> Result<(Caller, QuotaGuard), End> {
        let mut closing = self.state.closing.clone();
        let init_wait = self.state.streams.init_wait;
        let said = async {
            loop {
                let Some(text) = self.hear(messages.recv().await).await? else { continue };
                let message = object(&text)?;
                match kind(&message) {
                    "connection_init" => return Ok(message),
                    "ping" => self.say(r#"{"type":"pong"}"#.to_owned()).await?,
                    "pong" => {}
                    "subscribe" => return Err(End::Closed(4401, "Unauthorized")),
                    _ => return Err(MALFORMED),
                }
            }
        };
        let message = tokio::select! {
            _ = closing.wait_for(|is_closing| *is_closing) => return Err(STOPPING),
            said = timeout(init_wait, said) => {
                said.map_err(|_elapsed| End::Closed(4408, "Connection initialisation timeout"))??
            }
        };
        let given = message.get("payload").and_then(Value::as_object).and_then(|payload| {
            payload.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization")).and_then(|(_, v)| v.as_str())
        });
        let caller = match (given, known) {
            (Some(header), _) => {
                let now = (self.state.clock)();
                bearer::admit(&self.state, header, self.address, now).await.map_err(|error| match error.code() {
                    Code::Unavailable | Code::Timeout => End::Closed(1013, "the log cannot be reached; try again"),
                    Code::Unauthenticated => End::Closed(4403, "the token is not valid"),
                    _ => End::Closed(4403, "Forbidden"),
                })?
            }
            (None, Some(caller)) => caller,
            (None, None) => return Err(End::Closed(4403, "connection_init needs `authorization`")),
        };
        let seat = self.state.quotas.take(StreamKind::Connection, &caller, &self.state.streams);
        let seat = seat.map_err(|_limit| End::Closed(4429, "too many connections of one caller"))?;
        self.say(r#"{"type":"connection_ack"}"#.to_owned()).await?;
        Ok((caller, seat))
    }

    /// Takes messages until the connection ends.
    async fn serve(&mut self, messages: &mut AggregatedMessageStream, caller: &Caller) -> End {
        let mut closing = self.state.closing.clone();
        let remaining = until_expiry(caller.principal.expires_at, (self.state.clock)());
        let mut expiry = std::pin::pin!(tokio::time::sleep(remaining));
        let mut ping = tokio::time::interval(PING_EVERY);
        let mut heard = Instant::now();
        loop {
            let message = tokio::select! {
                _ = closing.wait_for(|is_closing| *is_closing) => return STOPPING,
                () = &mut expiry => return End::Closed(4403, "the token has expired"),
                _ = ping.tick() => {
                    if heard.elapsed() > PING_EVERY + self.state.streams.stall_max {
                        return End::Closed(1008, "the client was silent for too long");
                    }
                    // Where even this has to wait, the reader takes nothing, which the operations find out.
                    let _ = self.session.ping(b"").now_or_never();
                    continue;
                }
                ended = self.ended.recv() => {
                    if let Some(ended) = ended {
                        self.forget(&ended);
                    }
                    continue;
                }
                message = messages.recv() => message,
            };
            heard = Instant::now();
            let taken = match self.hear(message).await {
                Ok(Some(text)) => self.take(&text, caller).await,
                Ok(None) => Ok(()),
                Err(end) => Err(end),
            };
            if let Err(end) = taken {
                return end;
            }
        }
    }

    /// What a frame says, if it says something.
    async fn hear(&mut self, message: Option<Result<AggregatedMessage, ProtocolError>>) -> Result<Option<String>, End> {
        match message {
            Some(Ok(AggregatedMessage::Text(text))) => Ok(Some(text.to_string())),
            Some(Ok(AggregatedMessage::Ping(bytes))) => {
                let _ = self.session.pong(&bytes).now_or_never();
                Ok(None)
            }
            Some(Ok(AggregatedMessage::Pong(_))) => Ok(None),
            Some(Ok(AggregatedMessage::Binary(_))) => Err(End::Closed(4400, "messages must be text")),
            Some(Err(ProtocolError::Overflow)) => Err(End::Closed(1009, "the message is too large")),
            Some(Err(ProtocolError::Io(_))) | None => Err(End::Gone),
            Some(Ok(AggregatedMessage::Close(_))) => Err(End::Closed(1000, "")),
            Some(Err(_)) => Err(End::Closed(1002, "this is not the WebSocket protocol")),
        }
    }

    /// Does what a message of the protocol asks for.
    async fn take(&mut self, text: &str, caller: &Caller) -> Result<(), End> {
        let mut message = object(text)?;
        match kind(&message) {
            "connection_init" => Err(End::Closed(4429, "Too many initialisation requests")),
            "ping" => self.say(r#"{"type":"pong"}"#.to_owned()).await,
            "pong" => Ok(()),
            "complete" => {
                if let Some((_, task)) = self.running.remove(&id(&message)?) {
                    task.abort();
                }
                Ok(())
            }
            "subscribe" => {
                let id = id(&message)?;
                let Some(Value::Object(payload)) = message.remove("payload") else { return Err(MALFORMED) };
                self.start(id, payload, caller).await
            }
            _ => Err(MALFORMED),
        }
    }

    async fn start(&mut self, id: String, payload: Map<String, Value>, caller: &Caller) -> Result<(), End> {
        // What has told its end may still be waiting to be forgotten.
        while let Ok(ended) = self.ended.try_recv() {
            self.forget(&ended);
        }
        if self.running.contains_key(&id) {
            return Err(End::Closed(4409, "Subscriber for this id already exists"));
        }
        match subscribe(&self.state, payload, caller, self.running.len()) {
            Err(None) => Err(MALFORMED),
            Err(Some(errors)) => self.say(operation::message("error", &id, Some(&errors))).await,
            Ok(subscribed) => {
                self.started += 1;
                let told = (self.tell.clone(), Ended { id: id.clone(), number: self.started });
                let task = actix_web::rt::spawn(run(subscribed, self.session.clone(), told));
                self.running.insert(id, (self.started, task));
                Ok(())
            }
        }
    }

    fn forget(&mut self, ended: &Ended) {
        if self.running.get(&ended.id).is_some_and(|(number, _)| *number == ended.number) {
            self.running.remove(&ended.id);
        }
    }

    async fn say(&mut self, text: String) -> Result<(), End> {
        match timeout(self.state.streams.stall_max, self.session.text(text)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_closed)) => Err(End::Gone),
            Err(_elapsed) => Err(End::Closed(1008, "the client read nothing for too long")),
        }
    }
}

const STOPPING: End = End::Closed(1001, "the server is stopping");

fn object(text: &str) -> Result<Map<String, Value>, End> {
    body::object(text.as_bytes()).map_err(|_not_an_object| MALFORMED)
}

fn kind(message: &Map<String, Value>) -> &str {
    message.get("type").and_then(Value::as_str).unwrap_or_default()
}

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
    fn pages_of_other_origins_may_not_connect() {
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
