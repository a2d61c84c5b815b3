//! Server-sent events: GraphQL over SSE in distinct connections mode, one operation per request.
//!
//! Each result is an event `next`, the end an event `complete`. A stream that ends without `complete` was interrupted
//! (the server stops, the connection broke): the client subscribes again with its last `resumeCursor`. A result without
//! data ends the stream, because continuing would leave a gap.

use actix_web::http::header::{self, ContentEncoding, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{Error, HttpResponse};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::operation::{Operation, is_last, until_expiry};
use crate::http::error_codes::ErrorCodes;
use crate::http::held_body::{HeldBytes, chunks};
use crate::http::response::{encode, encode_errors};
use api::error::ApiError;
use auth::Rejected;

/// The most events that wait to be written.
const QUEUE_MAX: usize = 4;

/// Starts an operation and streams its results.
pub(super) fn stream(operation: Operation) -> HttpResponse {
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    actix_web::rt::spawn(push(operation, sender));
    let events = futures_util::stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|event| (Ok::<_, Error>(event), receiver))
    });
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")));
    response.insert_header((header::VARY, HeaderValue::from_static("Accept, Authorization")));
    response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("private, no-store, no-transform")));
    // Proxies and the compression middleware would delay events.
    response.insert_header(("x-accel-buffering", "no"));
    response.insert_header(ContentEncoding::Identity);
    response.streaming(Box::pin(chunks(Box::pin(events))))
}

fn event(name: &str, data: &[u8]) -> Bytes {
    [b"event: ", name.as_bytes(), b"\ndata: ", data, b"\n\n"].concat().into()
}

/// Sends results until the last one, until the token expires, the client disconnects or stalls, or the server stops.
async fn push(mut operation: Operation, events: mpsc::Sender<HeldBytes>) {
    let streams = operation.services.streams.clone();
    let mut shutdown = streams.shutdown.clone();
    let stall_timeout = streams.stall_timeout;
    let now = operation.services.environment.now();
    let mut expiry =
        std::pin::pin!(tokio::time::sleep(until_expiry(operation.session.caller.principal.expires_at, now)));
    let Ok(mut results) = operation.results() else { return };
    let mut sent_cursor = None;
    let error: Option<ApiError> = loop {
        let mut response = tokio::select! {
            // The sender may already be dropped during shutdown.
            _ = shutdown.wait_for(|is_stopping| *is_stopping) => return,
            () = events.closed() => return,
            () = &mut expiry => break Some(Rejected::Expired.into()),
            response = operation.next(&mut results) => match response {
                Ok(Some(response)) => response,
                Ok(None) => break None,
                Err(error) => break Some(error),
            },
        };
        let is_last = is_last(&response);
        let (data, _) = encode(&mut response, &operation.request_id);
        ErrorCodes::of(&response.errors).report(&operation.session.access_record);
        drop(response);
        let next = match operation.reserve(data.len()) {
            Ok(reservation) => HeldBytes::new(event("next", &data), Some(reservation)),
            Err(exceeded) => break Some(exceeded.into()),
        };
        drop(data);
        match timeout(stall_timeout, events.send(next)).await {
            Ok(Ok(())) => sent_cursor = operation.session.resume(),
            Ok(Err(_disconnected)) => return,
            Err(_elapsed) => break Some(ApiError::FeedLagged { resume: sent_cursor }),
        }
        if is_last {
            break None;
        }
    };
    let mut end = Vec::new();
    if let Some(error) = error {
        end.extend(event("next", &encode_errors(&[error.into_server_error()])));
    }
    end.extend(event("complete", b""));
    // A stalled client gets one more `stall_timeout` to receive the final events.
    let _ = timeout(stall_timeout, events.send(HeldBytes::new(end, None))).await;
}
