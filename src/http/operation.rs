//! An operation on a WebSocket: prepared like an HTTP request, run in a separate task.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use async_graphql::parser::types::OperationType;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::account::{Errors, Spoken};
use super::crowd::{Place, Who, who};
use super::graphql::{NotRun, Parameters, Prepared, begin};
use super::response::{error_list, written};
use super::seat::Kind;
use super::stream::{Held, Operation, is_last};
use super::{Door, bearer};
use access::Caller;
use api::Session;
use api::error::ApiError;

/// Tells that an operation has ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// The client's id of it.
    pub id: String,
    /// Its number on this connection: ids may be used again.
    pub number: u64,
}

/// A message of the protocol about an operation; the payload is JSON already.
pub(super) fn message(kind: &str, id: &str, payload: Option<&[u8]>) -> String {
    let id = Value::from(id);
    match payload {
        Some(payload) => format!(r#"{{"id":{id},"type":"{kind}","payload":{}}}"#, String::from_utf8_lossy(payload)),
        None => format!(r#"{{"id":{id},"type":"{kind}"}}"#),
    }
}

/// What a client subscribes to, as far as it is looked at where messages are taken.
pub(super) struct Subscribed {
    door: web::Data<Door>,
    parameters: Parameters,
    caller: Caller,
    place: Place<Who>,
}

/// Takes an operation that a client subscribes to. The error is the list to answer with; none if the payload is not one
/// of the protocol.
pub(super) fn subscribe(
    door: &web::Data<Door>,
    payload: Map<String, Value>,
    caller: &Caller,
    running: usize,
) -> Result<Subscribed, Option<Vec<u8>>> {
    let parameters = Parameters::from_members(payload).map_err(|_malformed| None)?;
    let limit = door.streams.operations_max;
    if running >= limit {
        let what = "operations on one connection";
        return Err(Some(refused(ApiError::Limit { what, asked: running + 1, limit })));
    }
    let place = door.callers.enter(&who(caller)).map_err(|too_many| Some(refused(too_many.error)))?;
    Ok(Subscribed { door: door.clone(), parameters, caller: caller.clone(), place })
}

fn refused(error: ApiError) -> Vec<u8> {
    error_list(&[error.into_server_error()])
}

impl Subscribed {
    /// Lets the caller in again, because its tenant may have been closed or its key withdrawn since it connected. Then
    /// prepares the operation when it is its turn, as for a request by HTTP.
    async fn begin(self) -> Result<Operation, Vec<u8>> {
        let Self { door, parameters, caller, place } = self;
        let deadline = Instant::now() + door.request_patience;
        let caller = door.access.refresh(&caller).await.map_err(|error| refused(error.into()))?;
        bearer::still_valid(&door, &caller).await.map_err(|rejected| refused(rejected.into()))?;
        let begun = timeout_at(deadline, begin(parameters, false, &door, &caller, &place)).await;
        let (Prepared { request, asked, .. }, turn) = match begun {
            Ok(begun) => begun.map_err(|not_run| match not_run {
                NotRun::NotParsed(error) => error_list(&[*error]),
                NotRun::AccessError(error) => refused(error),
                NotRun::MutationByGet => refused(ApiError::Bug("nothing is asked by GET on a WebSocket")),
            })?,
            Err(_elapsed) => return Err(refused(ApiError::Timeout)),
        };
        let kind = asked.kind();
        let (request_id, now) = (door.request_id(), (door.clock)());
        let visit = Arc::new(caller.access_record(None, asked.name(), &request_id, now));
        let spoken = Some(Spoken::begin(&door, &caller, asked));
        if kind == OperationType::Subscription {
            let seat = door.seats.take(Kind::Subscription, &caller, &door.streams).map_err(refused)?;
            let seat = seat.counted(&door.meters, "websocket");
            let session = Arc::new(Session::new(caller, visit, now));
            return Ok(Operation {
                door,
                session,
                request,
                kind,
                request_id,
                spoken,
                deadline: None,
                held: Held::Seat(seat),
            });
        }
        let caller = caller.with_limits(deadline.into_std(), door.answer_bytes_max);
        let session = Arc::new(Session::new(caller, visit, now));
        let deadline = (kind == OperationType::Query).then_some(deadline);
        Ok(Operation { door, session, request, kind, request_id, spoken, deadline, held: Held::Turn(place, turn) })
    }
}

/// Runs an operation and sends what it answers. That it has ended is told before the client hears of it, so that the
/// client may use the id again at once.
pub(super) async fn run(
    subscribed: Subscribed,
    session: actix_ws::Session,
    (tell, ended): (mpsc::UnboundedSender<Ended>, Ended),
) {
    let (id, stall_max) = (ended.id.clone(), subscribed.door.streams.stall_max);
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
        let (mut taken, mut errors) = (None, Errors::default());
        let end = |error: ApiError| {
            let error = [error.into_server_error()];
            (Errors::of(&error), message("error", &self.id, Some(&error_list(&error))))
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
            Errors::of(&response.errors).end(&operation.session.visit);
            if !response.errors.is_empty() {
                errors = Errors::of(&response.errors);
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
            spoken.tell(&operation.door, &operation.request_id, &errors);
        }
        last
    }
}
