//! Answers as server-sent events: GraphQL over SSE, distinct connections mode, one operation per request.
//!
//! Each result is an event `next`, the end an event `complete`. A stream that ends without `complete` was cut (the
//! server stops, the connection broke): the client asks again with its last `resumeCursor`. An item that fails ends
//! the stream, because going on would leave a gap.

use std::sync::Arc;

use actix_web::http::header::{self, ContentEncoding, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response};
use futures_util::{Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::http::AppState;
use crate::http::authentication as bearer;
use crate::http::graphql::Permits;
use crate::http::limits::concurrency::{CallerKey, RequestPermit};
use crate::http::limits::stream_quota::QuotaGuard;
use crate::http::middleware::request_log::ErrorCodes;
use crate::http::response::{refusal_text, written};
use api::Session;
use api::error::ApiError;
use auth::Rejected;
use model::Timestamp;

/// How many events may wait to be written.
const WAITING_MAX: usize = 4;

/// Whether a caller wants server-sent events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum SseMode {
    /// No.
    Never,
    /// For what cannot be answered otherwise. Some clients name the media type in every request.
    ForSubscriptions,
    /// For everything: nothing else is accepted.
    Always,
}

impl SseMode {
    pub(in crate::http) fn of(request: &HttpRequest) -> Self {
        let header = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
        let ranges: Vec<String> = header
            .flat_map(|value| value.split(','))
            .map(|range| range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
            .collect();
        match (ranges.iter().any(|range| range == "text/event-stream"), ranges.len()) {
            (false, _) => Self::Never,
            (true, 1) => Self::Always,
            (true, _) => Self::ForSubscriptions,
        }
    }
}

/// Until when a token is valid, as far as a timer can tell: the clocks are read once, here.
pub(in crate::http) fn until_expiry(expires_at: Timestamp, now: Timestamp) -> std::time::Duration {
    std::time::Duration::from_micros(u64::try_from(expires_at.0 - now.0).unwrap_or(0))
}

/// Whether a result ends its stream: nothing of it could be answered.
pub(in crate::http) fn is_last(response: &Response) -> bool {
    !response.errors.is_empty() && response.data == async_graphql::Value::Null
}

/// An operation that is answered as a stream.
pub(in crate::http) struct Operation {
    pub state: web::Data<AppState>,
    pub session: Arc<Session>,
    pub request: Request,
    pub kind: OperationType,
    pub request_id: String,
    /// The account of an operation that is no request of its own.
    pub spoken: Option<crate::http::middleware::request_log::WebSocketRequestLog>,
    /// Until when a query has to be answered.
    pub deadline: Option<Instant>,
    #[expect(dead_code, reason = "dropping it is all that is done with it")]
    pub held: OperationGuard,
}

/// What an operation holds for as long as it runs.
#[expect(dead_code, reason = "dropping it is all that is done with it")]
pub(in crate::http) enum OperationGuard {
    /// Of a subscription.
    QuotaGuard(QuotaGuard),
    /// Of anything else: among those who are in, and to be worked on.
    Permits(RequestPermit<CallerKey>, Permits),
}

impl Operation {
    /// The results, one after the other.
    pub(in crate::http) fn results(&mut self) -> impl Stream<Item = Response> + Unpin + use<> {
        let request = std::mem::replace(&mut self.request, Request::new(""));
        self.state.executor.validating().execute_stream(request.data(Arc::clone(&self.session))).boxed()
    }

    /// The next of the results, or why there is none: it is not there in time, or the token of who follows is no longer
    /// valid. That is looked at with each result, and there is one every few seconds.
    pub(in crate::http) async fn next(
        &self,
        results: &mut (impl Stream<Item = Response> + Unpin),
    ) -> Result<Option<Response>, ApiError> {
        if let Some(deadline) = self.deadline {
            return timeout_at(deadline, results.next()).await.map_err(|_elapsed| ApiError::Timeout);
        }
        let next = results.next().await;
        if self.kind == OperationType::Subscription {
            bearer::still_valid(&self.state, &self.session.caller).await?;
        }
        Ok(next)
    }
}

/// Begins to answer an operation.
pub(in crate::http) fn begin(operation: Operation) -> HttpResponse {
    let (events, waiting) = mpsc::channel(WAITING_MAX);
    actix_web::rt::spawn(push(operation, events));
    let body = futures_util::stream::unfold(waiting, async |mut waiting| {
        waiting.recv().await.map(|event| (Ok::<_, actix_web::Error>(event), waiting))
    });
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")));
    response.insert_header((header::VARY, HeaderValue::from_static("Accept, Authorization")));
    response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("private, no-store, no-transform")));
    // Proxies and our own compression would keep events back.
    response.insert_header(("x-accel-buffering", "no"));
    response.insert_header(ContentEncoding::Identity);
    response.streaming(body)
}

fn event(name: &str, data: &[u8]) -> web::Bytes {
    [b"event: ", name.as_bytes(), b"\ndata: ", data, b"\n\n"].concat().into()
}

/// Writes results until there are no more, the token has expired, the reader is gone or the server stops.
async fn push(mut operation: Operation, events: mpsc::Sender<web::Bytes>) {
    let state = operation.state.clone();
    let mut closing = state.closing.clone();
    let stall_max = state.streams.stall_max;
    let remaining = until_expiry(operation.session.caller.principal.expires_at, (state.clock)());
    let mut expiry = std::pin::pin!(tokio::time::sleep(remaining));
    let mut results = operation.results();
    let mut taken = None;
    let last: Option<ApiError> = loop {
        let mut response = tokio::select! {
            // Somebody who tells it may be gone with the server.
            _ = closing.wait_for(|is_closing| *is_closing) => return,
            () = events.closed() => return,
            () = &mut expiry => break Some(Rejected::Expired.into()),
            response = operation.next(&mut results) => match response {
                Ok(Some(response)) => response,
                Ok(None) => break None,
                Err(error) => break Some(error),
            },
        };
        let is_last = is_last(&response);
        let (data, _) = written(&mut response, &operation.request_id);
        ErrorCodes::of(&response.errors).end(&operation.session.visit);
        match tokio::time::timeout(stall_max, events.send(event("next", &data))).await {
            Ok(Ok(())) => taken = operation.session.resume(),
            Ok(Err(_gone)) => return,
            Err(_elapsed) => break Some(ApiError::FeedLagged { resume: taken }),
        }
        if is_last {
            break None;
        }
    };
    let mut end = Vec::new();
    if let Some(error) = last {
        end.extend(event("next", &refusal_text(error)));
    }
    end.extend(event("complete", b""));
    // Who took nothing for so long has as long again to hear of it.
    let _ = tokio::time::timeout(stall_max, events.send(end.into())).await;
}
