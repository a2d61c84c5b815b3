//! GraphQL over HTTP, by the specification of the GraphQL Foundation.
//!
//! POST takes only `application/json`, and GET takes only queries and needs a header that a cross-site form or image
//! cannot send, `Authorization` for example; so pages of other sites cannot send requests. The order of work is: authenticate the caller, admit the
//! request, read the body, then [`operation::prepare`] and execute. [`sse`] and [`websocket`] stream results.

mod operation;
mod sse;
pub(super) mod websocket;

use std::sync::Arc;

use actix_web::web::{Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use async_graphql::Response;
use async_graphql::parser::types::OperationType;
use tokio::time::{Instant, timeout_at};

use super::accept::{Accepted, SseMode};
use super::body::{self, BodyError, BodyLimits};
use super::limits::{ByteReservation, CallerKey, PROCESSING_FACTOR, RequestPermit};
use super::middleware::request_id::RequestId;
use super::middleware::request_log;
use super::response::{EncodedResponse, HttpError, ResponseFormat, error_response};
use super::state::OperationServices;
use api::engine::parameters::Parameters;
use api::engine::{OperationRule, PrepareError};
use api::error::ApiError;
use model::Invalid;
pub(super) use operation::until_expiry;
use operation::{Operation, OperationGuard, OperationSource};

/// GET requires one of these headers, or the content type of JSON: a browser sends none of them across sites without a
/// preflight request.
const PREFLIGHT_HEADERS: [&str; 4] =
    ["authorization", "graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name"];

/// The part of a request that contains its parameters.
enum Source {
    Body(Payload),
    Url,
}

/// POST: any operation, in a JSON body.
pub(super) async fn post(request: HttpRequest, payload: Payload, services: OperationServices) -> HttpResponse {
    let Some((format, sse)) = negotiate(&request) else { return not_acceptable(&request) };
    if !body::is_json(&request) {
        let message = "the content type must be `application/json`, in UTF-8";
        return error_response(&request, format, HttpError::UnsupportedMediaType(message));
    }
    let responded = respond(&request, services, (format, sse), Source::Body(payload)).await;
    responded.unwrap_or_else(|error| error_response(&request, format, error))
}

/// GET: queries only, in the URL.
pub(super) async fn get(request: HttpRequest, services: OperationServices) -> HttpResponse {
    let Some((format, sse)) = negotiate(&request) else { return not_acceptable(&request) };
    let is_sent = |name: &&str| request.headers().get(*name).is_some_and(|value| !value.is_empty());
    if !PREFLIGHT_HEADERS.iter().any(is_sent) && !body::is_json(&request) {
        let message = "GET needs the header `Authorization`, or `graphql-require-preflight` with any value";
        return error_response(&request, format, Invalid::new(message));
    }
    let responded = respond(&request, services, (format, sse), Source::Url).await;
    responded.unwrap_or_else(|error| error_response(&request, format, error))
}

/// The format of the response and whether it is a stream, or `None` if the client accepts none of the formats.
fn negotiate(request: &HttpRequest) -> Option<(ResponseFormat, SseMode)> {
    let accepted = Accepted::of(request);
    if request.path() == super::STREAM_PATH || accepted.sse == SseMode::Always {
        // An error before the stream must be visible in the status.
        return Some((ResponseFormat::GraphQl, SseMode::Always));
    }
    accepted.format.map(|format| (format, accepted.sse))
}

fn not_acceptable(request: &HttpRequest) -> HttpResponse {
    let message =
        "responses are `application/graphql-response+json`, `application/json` or, for streams, `text/event-stream`";
    error_response(request, ResponseFormat::Json, HttpError::NotAcceptable(message))
}

/// Handles a request from its caller to its response.
async fn respond(
    request: &HttpRequest,
    services: OperationServices,
    (format, sse): (ResponseFormat, SseMode),
    source: Source,
) -> Result<HttpResponse, HttpError> {
    let request_id = RequestId::of(request);
    let now = services.environment.now();
    let caller = services.authentication.caller(request, now).await?;
    let permit = services.callers.admit(&CallerKey::of(&caller))?;
    let reservation = services.bytes.reservation(CallerKey::of(&caller));
    let rule = if matches!(source, Source::Url) { OperationRule::QueriesOnly } else { OperationRule::Any };
    let parameters = match source {
        Source::Body(payload) => body_parameters(request, payload, &services, (&permit, &reservation)).await?,
        Source::Url => url_parameters(request)?,
    };
    let deadline = Instant::now() + services.limits.request_timeout;
    let preparing = operation::prepare(&services, parameters, rule, &caller, &permit);
    let (prepared, permits) = match timeout_at(deadline, preparing).await {
        Ok(Ok(prepared)) => prepared,
        Ok(Err(error)) => return not_executed(error, format, &request_id),
        Err(_elapsed) => return Err(ApiError::Timeout.into()),
    };
    request_log::set_operation(request, Arc::clone(&prepared.info));
    let kind = prepared.kind();
    if kind == OperationType::Subscription && sse == SseMode::Never {
        let message = "subscriptions are pushed: use a WebSocket, or `Accept: text/event-stream`";
        return not_executed(ApiError::from(Invalid::new(message)).into(), format, &request_id);
    }
    if kind != OperationType::Mutation {
        // The body is not needed any more; events to record are.
        reservation.resize(0)?;
    }
    let source = OperationSource { request_id, now, deadline, transport: "sse", reservation };
    let operation = Operation::new(services, caller, prepared, (permit, permits), source)?;
    if kind == OperationType::Subscription || sse == SseMode::Always {
        return Ok(sse::stream(operation));
    }
    let (record, request_id) = (operation.access_record(), operation.request_id.clone());
    let reservation = operation.reservation();
    let response = match operation.execute().await {
        Ok((response, guard)) => held_response(response, format, &request_id, (reservation, guard)),
        Err(error) => Err(error.into()),
    };
    let response = response.unwrap_or_else(|error| error_response(request, format, error));
    if kind != OperationType::Mutation {
        request_log::report_outcome(&record, &response);
    }
    Ok(response)
}

async fn body_parameters(
    request: &HttpRequest,
    payload: Payload,
    services: &OperationServices,
    (permit, reservation): (&RequestPermit<CallerKey>, &ByteReservation),
) -> Result<Parameters, HttpError> {
    body::check_not_compressed(request)?;
    let limits = BodyLimits { bytes_max: services.limits.body_bytes_max, timeout: services.limits.body_timeout };
    let body = body::read(request, payload, limits, reservation).await?;
    reservation.resize(body.len() * PROCESSING_FACTOR)?;
    let members = body::parse_object(body, &services.cpu, permit).await?.map_err(|error| match error {
        BodyError::List => Invalid::new("one operation per request; batches are not supported"),
        other => Invalid::new(other.message()),
    })?;
    Ok(Parameters::from_members(members)?)
}

fn url_parameters(request: &HttpRequest) -> Result<Parameters, HttpError> {
    let pairs = Query::<Vec<(String, String)>>::from_query(request.query_string())
        .map_err(|_unreadable| Invalid::new("the parameters in the URL cannot be read"))?;
    Ok(Parameters::from_pairs(pairs.into_inner())?)
}

/// The response to an operation that was executed, whose memory stays reserved until it is written.
fn held_response(
    response: Response,
    format: ResponseFormat,
    request_id: &str,
    (reservation, guard): (ByteReservation, OperationGuard),
) -> Result<HttpResponse, HttpError> {
    let encoded = EncodedResponse::of(response, format, request_id);
    reservation.resize(encoded.len())?;
    Ok(encoded.into_http(Some(reservation), guard.into_request_permit()))
}

/// The response to an operation that failed before its execution.
fn not_executed(error: PrepareError, format: ResponseFormat, request_id: &str) -> Result<HttpResponse, HttpError> {
    if matches!(error, PrepareError::QueriesOnly) {
        let message = "GET runs queries only; send this operation by POST";
        return Err(HttpError::MethodNotAllowed { allow: "POST", message });
    }
    let response = Response::from_errors(error.into_server_errors());
    Ok(EncodedResponse::of(response, format, request_id).into_http(None, None))
}
