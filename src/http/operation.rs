//! An operation on a WebSocket: prepared like a request by HTTP, run in a task of its own.

use std::sync::Arc;

use actix_web::web;
use async_graphql::parser::types::OperationType;
use futures_util::StreamExt as _;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Door;
use super::account::{Errors, Spoken};
use super::crowd::who;
use super::graphql::{NotRun, Parameters, Prepared, prepare};
use super::response::{error_list, written};
use super::seat::Kind;
use super::stream::{Operation, is_last};
use crate::access::Caller;
use crate::graphql::Session;
use crate::graphql::error::ApiError;

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

/// Checks an operation that a client subscribes to. The error is the list to answer with; none if the payload is not
/// one of the protocol.
pub(super) fn subscribe(
    door: &web::Data<Door>,
    payload: Map<String, Value>,
    caller: &Caller,
    running: usize,
) -> Result<Operation, Option<Vec<u8>>> {
    let refuse = |error: ApiError| Some(error_list(&[error.into_server_error()]));
    let parameters = Parameters::from_members(payload).map_err(|_malformed| None)?;
    let limit = door.streams.operations_max;
    if running >= limit {
        return Err(refuse(ApiError::Limit { what: "operations on one connection", asked: running + 1, limit }));
    }
    let Prepared { request, asked, cost, .. } =
        prepare(parameters, false, door, caller).map_err(|not_run| match not_run {
            NotRun::Refused(error) => refuse(error),
            NotRun::NotParsed(error) => Some(error_list(&[*error])),
            NotRun::MutationByGet => None,
        })?;
    let kind = asked.kind();
    let (request_id, now) = (door.request_id(), (door.clock)());
    let visit = Arc::new(caller.visit(None, asked.name(), &request_id, now));
    let spoken = Some(Spoken::begin(door, caller, asked));
    let seat = match kind {
        OperationType::Subscription => {
            let seat = door.seats.take(Kind::Subscription, caller, &door.streams).map_err(refuse)?;
            Some(seat.counted(&door.meters, "websocket"))
        }
        _ => None,
    };
    let place = match seat {
        Some(_) => None,
        None => Some(door.callers.enter(&who(caller)).map_err(|too_many| refuse(too_many.error))?),
    };
    let session = Arc::new(Session::new(caller.clone(), visit, now));
    Ok(Operation { door: door.clone(), session, request, kind, request_id, seat, place, cost, spoken })
}

/// Runs an operation and sends what it answers. That it has ended is told before the client hears of it, so that the
/// client may use the id again at once.
pub(super) async fn run(
    mut operation: Operation,
    mut session: actix_ws::Session,
    (tell, ended): (mpsc::UnboundedSender<Ended>, Ended),
) {
    let stall_max = operation.door.streams.stall_max;
    let id = ended.id.clone();
    let is_subscription = operation.kind == OperationType::Subscription;
    let _turn = operation.turn().await;
    let mut results = operation.results();
    let (mut taken, mut errors) = (None, Errors::default());
    let last = loop {
        let Some(mut response) = results.next().await else { break Some(message("complete", &id, None)) };
        let is_last = is_last(&response);
        let (payload, executed) = written(&mut response, &operation.request_id);
        Errors::of(&response.errors).end(&operation.session.visit);
        if !response.errors.is_empty() {
            errors = Errors::of(&response.errors);
        }
        if !executed || is_subscription && is_last {
            break Some(message("error", &id, Some(&error_list(&response.errors))));
        }
        match timeout(stall_max, session.text(message("next", &id, Some(&payload)))).await {
            Ok(Ok(())) => taken = operation.session.resume(),
            Ok(Err(_closed)) => break None,
            Err(_elapsed) => {
                let error = ApiError::FeedLagged { resume: taken };
                let error = [error.into_server_error()];
                errors = Errors::of(&error);
                break Some(message("error", &id, Some(&error_list(&error))));
            }
        }
    };
    drop(results);
    if let Some(spoken) = &operation.spoken {
        spoken.tell(&operation.door, &operation.request_id, &errors);
    }
    drop(operation);
    // The connection may be gone.
    let _ = tell.send(ended);
    if let Some(last) = last {
        let _ = timeout(stall_max, session.text(last)).await;
    }
}
