//! An operation on a WebSocket: prepared like an HTTP request, run in a separate task.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use async_graphql::parser::types::OperationType;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use crate::http::AppState;
use crate::http::authentication as bearer;
use crate::http::graphql::sse::{Operation, OperationGuard, is_last};
use crate::http::graphql::{Parameters, PrepareError, Prepared, begin};
use crate::http::limits::concurrency::{CallerKey, RequestPermit, caller_key};
use crate::http::limits::stream_quota::StreamKind;
use crate::http::middleware::request_log::{ErrorCodes, WebSocketRequestLog};
use crate::http::response::{error_list, written};
use access::Caller;
use api::Session;
use api::error::ApiError;

/// Tells that an operation has ended.
#[derive(Debug)]
pub(in crate::http) struct Ended {
    /// The client's id of it.
    pub id: String,
    /// Its number on this connection: ids may be used again.
    pub number: u64,
}

/// A message of the protocol about an operation; the payload is JSON already.
pub(in crate::http) fn message(kind: &str, id: &str, payload: Option<&[u8]>) -> String {
    let id = Value::from(id);
    match payload {
        Some(payload) => format!(r#"{{"id":{id},"type":"{kind}","payload":{}}}"#, String::from_utf8_lossy(payload)),
        None => format!(r#"{{"id":{id},"type":"{kind}"}}"#),
    }
}

/// What a client subscribes to, as far as it is looked at where messages are taken.
pub(in crate::http) struct Subscribed {
    state: web::Data<AppState>,
    parameters: Parameters,
    caller: Caller,
    place: RequestPermit<CallerKey>,
}

/// Takes an operation that a client subscribes to. The error is the list to answer with; none if the payload is not one
/// of the protocol.
pub(in crate::http) fn subscribe(
    state: &web::Data<AppState>,
    payload: Map<String, Value>,
    caller: &Caller,
    running: usize,
) -> Result<Subscribed, Option<Vec<u8>>> {
    let parameters = Parameters::from_members(payload).map_err(|_malformed| None)?;
    let limit = state.streams.operations_max;
    if running >= limit {
        let what = "operations on one connection";
        return Err(Some(refused(ApiError::Limit { what, asked: running + 1, limit })));
    }
    let place = state.callers.admit(&caller_key(caller)).map_err(|too_many| Some(refused(too_many.error)))?;
    Ok(Subscribed { state: state.clone(), parameters, caller: caller.clone(), place })
}

fn refused(error: ApiError) -> Vec<u8> {
    error_list(&[error.into_server_error()])
}

impl Subscribed {
    /// Lets the caller in again, because its tenant may have been closed or its key withdrawn since it connected. Then
    /// prepares the operation when it is its turn, as for a request by HTTP.
    async fn begin(self) -> Result<Operation, Vec<u8>> {
        let Self { state, parameters, caller, place } = self;
        let deadline = Instant::now() + state.request_patience;
        let caller = state.access.again(&caller).await.map_err(|error| refused(error.into()))?;
        bearer::still_valid(&state, &caller).await.map_err(|rejected| refused(rejected.into()))?;
        let begun = timeout_at(deadline, begin(parameters, false, &state, &caller, &place)).await;
        let (Prepared { request, asked, .. }, turn) = match begun {
            Ok(begun) => begun.map_err(|not_run| match not_run {
                PrepareError::Syntax(error) => error_list(&[*error]),
                PrepareError::Refused(error) => refused(error),
                PrepareError::MutationByGet => refused(ApiError::Bug("nothing is asked by GET on a WebSocket")),
            })?,
            Err(_elapsed) => return Err(refused(ApiError::Timeout)),
        };
        let kind = asked.kind();
        let (request_id, now) = (state.request_id(), (state.clock)());
        let visit = Arc::new(caller.visit(None, asked.name(), &request_id, now));
        let spoken = Some(WebSocketRequestLog::begin(&state, &caller, asked));
        if kind == OperationType::Subscription {
            let seat = state.quotas.take(StreamKind::Subscription, &caller, &state.streams).map_err(refused)?;
            let seat = seat.counted(&state.metrics, "websocket");
            let session = Arc::new(Session::new(caller, visit, now));
            return Ok(Operation {
                state,
                session,
                request,
                kind,
                request_id,
                spoken,
                deadline: None,
                held: OperationGuard::QuotaGuard(seat),
            });
        }
        let caller = caller.within(deadline.into_std(), state.answer_bytes_max);
        let session = Arc::new(Session::new(caller, visit, now));
        let deadline = (kind == OperationType::Query).then_some(deadline);
        Ok(Operation {
            state,
            session,
            request,
            kind,
            request_id,
            spoken,
            deadline,
            held: OperationGuard::Permits(place, turn),
        })
    }
}

/// Runs an operation and sends what it answers. That it has ended is told before the client hears of it, so that the
/// client may use the id again at once.
pub(in crate::http) async fn run(
    subscribed: Subscribed,
    session: actix_ws::Session,
    (tell, ended): (mpsc::UnboundedSender<Ended>, Ended),
) {
    let (id, stall_max) = (ended.id.clone(), subscribed.state.streams.stall_max);
    let mut replies = Replies { session, id, stall_max };
    let last = match subscribed.begin().await {
        Ok(operation) => replies.of(operation).await,
        Err(errors) => Some(message("error", &replies.id, Some(&errors))),
    };
    // The connection may be gone.
    let _ = tell.send(ended);
    if let Some(last) = last {
        let _ = timeout(stall_max, replies.session.text(last)).await;
    }
}

/// Where an operation is answered.
struct Replies {
    session: actix_ws::Session,
    id: String,
    stall_max: Duration,
}

impl Replies {
    /// Sends what an operation answers, but for the last message.
    async fn of(&mut self, mut operation: Operation) -> Option<String> {
        let is_subscription = operation.kind == OperationType::Subscription;
        let mut results = operation.results();
        let (mut taken, mut errors) = (None, ErrorCodes::default());
        let end = |error: ApiError| {
            let error = [error.into_server_error()];
            (ErrorCodes::of(&error), message("error", &self.id, Some(&error_list(&error))))
        };
        let last = loop {
            let mut response = match operation.next(&mut results).await {
                Ok(Some(response)) => response,
                Ok(None) => break Some(message("complete", &self.id, None)),
                Err(error) => {
                    let (of_error, last) = end(error);
                    of_error.end(&operation.session.visit);
                    errors = of_error;
                    break Some(last);
                }
            };
            let is_last = is_last(&response);
            let (payload, executed) = written(&mut response, &operation.request_id);
            ErrorCodes::of(&response.errors).end(&operation.session.visit);
            if !response.errors.is_empty() {
                errors = ErrorCodes::of(&response.errors);
            }
            if !executed || is_subscription && is_last {
                break Some(message("error", &self.id, Some(&error_list(&response.errors))));
            }
            match timeout(self.stall_max, self.session.text(message("next", &self.id, Some(&payload)))).await {
                Ok(Ok(())) => taken = operation.session.resume(),
                Ok(Err(_closed)) => break None,
                Err(_elapsed) => {
                    let (of_error, last) = end(ApiError::FeedLagged { resume: taken });
                    errors = of_error;
                    break Some(last);
                }
            }
        };
        if let Some(spoken) = &operation.spoken {
            spoken.tell(&operation.state, &operation.request_id, &errors);
        }
        last
    }
}
