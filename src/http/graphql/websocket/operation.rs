//! An operation on a WebSocket: prepared and run in a task of its own.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use crate::http::error_codes::ErrorCodes;
use crate::http::graphql::operation::{Operation, OperationSource, is_last, prepare};
use crate::http::limits::{CallerKey, RequestPermit};
use crate::http::middleware::request_log::WebSocketRequestLog;
use crate::http::response::{encode, encode_error_list};
use crate::http::state::OperationServices;
use access::Caller;
use api::engine::OperationRule;
use api::engine::parameters::Parameters;
use api::error::ApiError;

/// The notification that an operation has ended.
#[derive(Debug)]
pub(super) struct OperationEnded {
    /// The id that the client gave to the operation.
    pub(super) id: String,
    /// The number of the operation on this connection: the client may use an id again.
    pub(super) number: u64,
}

/// A message of the protocol about an operation. `payload` is JSON.
pub(super) fn message(kind: &str, id: &str, payload: Option<&[u8]>) -> String {
    let id = Value::from(id);
    match payload {
        Some(payload) => format!(r#"{{"id":{id},"type":"{kind}","payload":{}}}"#, String::from_utf8_lossy(payload)),
        None => format!(r#"{{"id":{id},"type":"{kind}"}}"#),
    }
}

/// An admitted operation that is not prepared yet.
pub(super) struct PendingOperation {
    services: OperationServices,
    parameters: Parameters,
    caller: Caller,
    permit: RequestPermit<CallerKey>,
}

impl PendingOperation {
    /// Admits the operation of a `subscribe` message, if the connection runs fewer than `operations_max` operations.
    ///
    /// # Errors
    ///
    /// Fails if the payload is malformed, or if a limit is reached. The error is a JSON list; it ends the operation, not the
    /// connection, because other operations run on it.
    pub(super) fn admit(
        services: &OperationServices,
        payload: Map<String, Value>,
        caller: &Caller,
        running: usize,
    ) -> Result<Self, Vec<u8>> {
        let parameters = Parameters::from_members(payload).map_err(error_list)?;
        let limit = services.streams.operations_max;
        if running >= limit {
            let what = "operations on one connection";
            return Err(error_list(ApiError::Limit { what, asked: running + 1, limit }));
        }
        let permit = services.callers.admit(&CallerKey::of(caller)).map_err(|exceeded| error_list(exceeded.error))?;
        Ok(Self { services: services.clone(), parameters, caller: caller.clone(), permit })
    }

    /// Checks the caller again, because its tenant may have been disabled or its key withdrawn since it connected. Then
    /// prepares the operation. The error is a JSON list.
    async fn prepare(self) -> Result<(Operation, WebSocketRequestLog), Vec<u8>> {
        let Self { services, parameters, caller, permit } = self;
        let deadline = Instant::now() + services.limits.request_timeout;
        let now = services.environment.now();
        let caller = services.authentication.refresh(&caller, now).await.map_err(error_list)?;
        let preparing = prepare(&services, parameters, OperationRule::Any, &caller, &permit);
        let (prepared, permits) = match timeout_at(deadline, preparing).await {
            Ok(prepared) => prepared.map_err(|error| encode_error_list(&error.into_server_errors()))?,
            Err(_elapsed) => return Err(error_list(ApiError::Timeout)),
        };
        let (request_id, now) = (services.environment.new_id(), services.environment.now());
        let log = WebSocketRequestLog::start(services.metrics.clone(), &caller, Arc::clone(&prepared.info));
        let source = OperationSource { request_id, now, deadline, transport: "websocket" };
        let operation = Operation::new(services, caller, prepared, (permit, permits), source);
        Ok((operation.map_err(|exceeded| error_list(exceeded.error))?, log))
    }
}

fn error_list(error: ApiError) -> Vec<u8> {
    encode_error_list(&[error.into_server_error()])
}

/// Runs an operation and sends its results. Notifies the connection of the end before the client, so that the client may
/// use the id again at once.
pub(super) async fn run(
    pending: PendingOperation,
    session: actix_ws::Session,
    (notify, ended): (mpsc::UnboundedSender<OperationEnded>, OperationEnded),
) {
    let (id, stall_timeout) = (ended.id.clone(), pending.services.streams.stall_timeout);
    let mut sender = ResultSender { session, id, stall_timeout };
    let last = match pending.prepare().await {
        Ok((operation, log)) => sender.send_all(operation, &log).await,
        Err(errors) => Some(message("error", &sender.id, Some(&errors))),
    };
    // The connection may be closed already.
    let _ = notify.send(ended);
    if let Some(last) = last {
        let _ = timeout(stall_timeout, sender.session.text(last)).await;
    }
}

/// Sends the results of one operation.
struct ResultSender {
    session: actix_ws::Session,
    id: String,
    stall_timeout: Duration,
}

impl ResultSender {
    /// Sends all results. Returns the last message of the operation, or `None` if the connection is closed.
    async fn send_all(&mut self, mut operation: Operation, log: &WebSocketRequestLog) -> Option<String> {
        let is_subscription = operation.kind == OperationType::Subscription;
        let (mut sent_cursor, mut codes) = (None, ErrorCodes::default());
        let mut results = match operation.results() {
            Ok(results) => results,
            Err(error) => return Some(self.failure(error).1),
        };
        let last = loop {
            let mut response = match operation.next(&mut results).await {
                Ok(Some(response)) => response,
                Ok(None) => break Some(message("complete", &self.id, None)),
                Err(error) => {
                    let (error_codes, last) = self.failure(error);
                    error_codes.report(&operation.session.access_record);
                    codes = error_codes;
                    break Some(last);
                }
            };
            let is_last = is_last(&response);
            let (payload, is_executed) = encode(&mut response, &operation.request_id);
            ErrorCodes::of(&response.errors).report(&operation.session.access_record);
            if !response.errors.is_empty() {
                codes = ErrorCodes::of(&response.errors);
            }
            if !is_executed || is_subscription && is_last {
                break Some(message("error", &self.id, Some(&encode_error_list(&response.errors))));
            }
            match timeout(self.stall_timeout, self.session.text(message("next", &self.id, Some(&payload)))).await {
                Ok(Ok(())) => sent_cursor = operation.session.resume(),
                Ok(Err(_closed)) => break None,
                Err(_elapsed) => {
                    let (error_codes, last) = self.failure(ApiError::FeedLagged { resume: sent_cursor });
                    codes = error_codes;
                    break Some(last);
                }
            }
        };
        log.write(&operation.request_id, &codes);
        last
    }

    /// The codes of an error, and the last message of an operation that ends with it.
    fn failure(&self, error: ApiError) -> (ErrorCodes, String) {
        let errors = [error.into_server_error()];
        (ErrorCodes::of(&errors), message("error", &self.id, Some(&encode_error_list(&errors))))
    }
}
