//! Stream readers: server-sent events, and a WebSocket with the protocol `graphql-transport-ws`.

use std::collections::BTreeSet;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::client::{Client, Response};

/// A response as server-sent events.
pub(crate) struct Events {
    response: reqwest::Response,
    text: String,
    has_begun: bool,
}

/// Whether a result is a heartbeat: a batch without events that is not the first of its stream. When heartbeats
/// arrive depends on the pace of the machine, so both readers skip them.
fn is_heartbeat(result: &Value, has_begun: &mut bool) -> bool {
    let edges = result.pointer("/data/auditEventsRecorded/edges");
    std::mem::replace(has_begun, true) && edges.and_then(Value::as_array).is_some_and(Vec::is_empty)
}

impl Events {
    /// Opens a stream. Panics if the response is not a stream.
    pub(crate) async fn open(client: &Client, query: &str, variables: Value) -> Self {
        Self::ask(client, query, variables).await.unwrap_or_else(|response| panic!("{response:?}"))
    }

    /// Opens a stream. The error is a response that is not a stream.
    pub(crate) async fn ask(client: &Client, query: &str, variables: Value) -> Result<Self, Response> {
        let request = client.request(reqwest::Method::POST, "/graphql").header("accept", "text/event-stream");
        let body = json!({ "query": query, "variables": variables });
        let response = request.json(&body).send().await.unwrap();
        if response.status() == 200 {
            assert_eq!(response.headers()["content-type"], "text/event-stream");
            return Ok(Self { response, text: String::new(), has_begun: false });
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Err(Response { status, headers, body: serde_json::from_str(&text).unwrap(), text })
    }

    /// The next event that is not a heartbeat. `None` if the stream has ended, completely or not.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            let (name, data) = self.next_event().await?;
            if name != "next" || !is_heartbeat(&data, &mut self.has_begun) {
                return Some((name, data));
            }
        }
    }

    async fn next_event(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
                let data = serde_json::from_str(field("data: ")).unwrap_or(Value::Null);
                return Some((field("event: ").to_owned(), data));
            }
            self.text.push_str(std::str::from_utf8(&self.response.chunk().await.ok()??).unwrap());
        }
    }

    /// The next result of `auditEventsRecorded`.
    pub(crate) async fn batch(&mut self) -> Value {
        let (name, data) = self.next().await.unwrap();
        assert_eq!((name.as_str(), data.get("errors")), ("next", None), "{data}");
        data["data"]["auditEventsRecorded"].clone()
    }
}

type Stream = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// A WebSocket, with the ids of the subscriptions that have begun.
pub(crate) struct Socket {
    stream: Stream,
    begun: BTreeSet<String>,
}

impl Socket {
    /// Connects with these headers. The error is the HTTP status.
    pub(crate) async fn connect(url: &str, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let mut request = format!("{}/graphql", url.replacen("http", "ws", 1)).into_client_request().unwrap();
        for (name, value) in [("sec-websocket-protocol", "graphql-transport-ws")].iter().chain(headers) {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => Ok(Self { stream, begun: BTreeSet::new() }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Connects and authenticates with `connection_init`.
    pub(crate) async fn open(url: &str, token: &str) -> Self {
        let mut socket = Self::connect(url, &[]).await.unwrap();
        let payload = json!({ "Authorization": format!("Bearer {token}") });
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.next().await, Ok(json!({ "type": "connection_ack" })));
        socket
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.stream.send(Message::text(message.to_string())).await.unwrap();
    }

    pub(crate) async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.begun.remove(id);
        self.send(json!({ "id": id, "type": "subscribe", "payload": payload })).await;
    }

    /// The next message that is not a heartbeat. The error is the code that the connection was closed with.
    pub(crate) async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let message = self.next_message().await?;
            let id = message["id"].as_str().unwrap_or_default();
            let mut has_begun = self.begun.contains(id);
            if message["type"] != "next" || !is_heartbeat(&message["payload"], &mut has_begun) {
                self.begun.insert(id.to_owned());
                return Ok(message);
            }
        }
    }

    async fn next_message(&mut self) -> Result<Value, u16> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(CloseCode::Status, |f| f.code).into()),
                Some(Ok(_)) => {}
                None | Some(Err(_)) => return Err(1006),
            }
        }
    }
}
