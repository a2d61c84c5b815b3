//! GraphQL over HTTP, as the GraphQL foundation's specification has it.
//!
//! POST takes `application/json` only, and GET queries only and with a header that a cross-site form or image
//! cannot send; so no request can be made by a page of somebody else's. Everything is checked before anything is
//! executed: who calls, then the text, then the document, then its variables. Subscriptions are pushed, see [`stream`]
//! and [`super::socket`].

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Request, Response, Variables};

use super::account::{self, Asked};
use super::response::{Media, answer, refusal};
use super::stream::{Operation, Wish};
use super::{Door, bearer, seat, stream};
use crate::audit::Invalid;
use crate::graphql::error::ApiError;
use crate::graphql::{Session, check};

/// Headers of which one has to be there on GET: none of them can be sent across sites without asking first.
const PREFLIGHT_HEADERS: [&str; 3] =
    ["graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name"];

/// The parameters of a request.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    query: String,
    operation_name: Option<String>,
    variables: serde_json::Map<String, serde_json::Value>,
}

fn malformed(sentence: &str) -> ApiError {
    Invalid::new(sentence).into()
}

impl Parameters {
    /// Reads the members of a JSON body or the parameters of an address, which must have the right types.
    pub(super) fn from_members(mut members: serde_json::Map<String, serde_json::Value>) -> Result<Self, ApiError> {
        use serde_json::Value;
        let query = match members.remove("query") {
            Some(Value::String(query)) => query,
            Some(_) => return Err(malformed("`query` must be a string")),
            None => return Err(malformed("`query` is missing")),
        };
        let operation_name = match members.remove("operationName") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name).filter(|name| !name.is_empty()),
            Some(_) => return Err(malformed("`operationName` must be a string")),
        };
        let variables = match members.remove("variables") {
            None | Some(Value::Null) => serde_json::Map::new(),
            Some(Value::Object(variables)) => variables,
            Some(_) => return Err(malformed("`variables` must be an object")),
        };
        match members.remove("extensions") {
            None | Some(Value::Null | Value::Object(_)) => {}
            Some(_) => return Err(malformed("`extensions` must be an object")),
        }
        Ok(Self { query, operation_name, variables })
    }

    fn from_body(body: &[u8]) -> Result<Self, ApiError> {
        match serde_json::from_slice(body) {
            Ok(serde_json::Value::Object(members)) => Self::from_members(members),
            Ok(serde_json::Value::Array(_)) => Err(malformed("one operation a request; batches are not taken")),
            Ok(_) => Err(malformed("the body must be a JSON object")),
            Err(_) => Err(malformed("the body is no JSON")),
        }
    }

    fn from_address(request: &HttpRequest) -> Result<Self, ApiError> {
        let given = web::Query::<HashMap<String, String>>::from_query(request.query_string())
            .map_err(|_unreadable| malformed("the parameters of the address cannot be read"))?;
        let mut members = serde_json::Map::new();
        for (name, value) in given.into_inner() {
            let value = match name.as_str() {
                "query" | "operationName" => serde_json::Value::String(value),
                "variables" | "extensions" => serde_json::from_str(&value)
                    .map_err(|_unreadable| malformed("`variables` and `extensions` must be JSON"))?,
                _ => continue,
            };
            members.insert(name, value);
        }
        Self::from_members(members)
    }
}

/// POST: any operation, in a JSON body.
pub(super) async fn post(request: HttpRequest, body: web::Bytes, door: web::Data<Door>) -> HttpResponse {
    let Some((media, wish)) = wanted(&request) else { return not_acceptable() };
    if !is_json(&request) {
        let sentence = "the content type must be `application/json`, in UTF-8";
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, media, malformed(sentence));
    }
    serve(&request, &door, (media, wish), |_| Parameters::from_body(&body)).await
}

/// GET: queries only, in the address.
pub(super) async fn get(request: HttpRequest, door: web::Data<Door>) -> HttpResponse {
    let Some((media, wish)) = wanted(&request) else { return not_acceptable() };
    if !PREFLIGHT_HEADERS.iter().any(|name| request.headers().get(*name).is_some_and(|value| !value.is_empty())) {
        let sentence = "GET needs the header `graphql-require-preflight`, with any value";
        return refusal(StatusCode::BAD_REQUEST, media, malformed(sentence));
    }
    serve(&request, &door, (media, wish), Parameters::from_address).await
}

/// How the caller wants to be answered; none if it accepts nothing that there is.
fn wanted(request: &HttpRequest) -> Option<(Media, Wish)> {
    let wish = if request.path() == super::STREAM_PATH { Wish::Always } else { Wish::of(request) };
    match wish {
        // A refusal has to be seen by its status.
        Wish::Always => Some((Media::GraphQl, wish)),
        _ => Media::accepted(request).map(|media| (media, wish)),
    }
}

fn not_acceptable() -> HttpResponse {
    let sentence =
        "answers are `application/graphql-response+json`, `application/json` or, for streams, `text/event-stream`";
    refusal(StatusCode::NOT_ACCEPTABLE, Media::Json, malformed(sentence))
}

fn is_json(request: &HttpRequest) -> bool {
    let Some(Ok(text)) = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::to_str) else { return false };
    let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
    parts.next().as_deref() == Some("application/json")
        && parts
            .all(|part| part.strip_prefix("charset=").is_none_or(|set| matches!(set, "utf-8" | "\"utf-8\"" | "utf8")))
}

/// Runs a request from its caller to its answer; what is logged on the way carries the request's id.
async fn serve(
    request: &HttpRequest,
    door: &web::Data<Door>,
    wanted: (Media, Wish),
    parameters: impl FnOnce(&HttpRequest) -> Result<Parameters, ApiError>,
) -> HttpResponse {
    let request_id = door.request_id();
    let span = tracing::info_span!("graphql", request_id);
    let answered = respond(request, door, wanted, parameters, &request_id);
    let mut response = tracing::Instrument::instrument(answered, span).await;
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(header::HeaderName::from_static("x-request-id"), value);
    }
    response
}

async fn respond(
    request: &HttpRequest,
    door: &web::Data<Door>,
    wanted: (Media, Wish),
    parameters: impl FnOnce(&HttpRequest) -> Result<Parameters, ApiError>,
    request_id: &str,
) -> HttpResponse {
    let (media, wish) = wanted;
    let now = (door.clock)();
    let caller = match bearer::caller(door, request, now, media, request_id).await {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    let parameters = match parameters(request) {
        Ok(parameters) => parameters,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, media, error),
    };
    match prepare(parameters, request.method() == Method::GET, door) {
        Ok((prepared, asked)) if asked.kind() == OperationType::Subscription => {
            account::note_asked(request, asked);
            if wish == Wish::Never {
                let sentence = "subscriptions are pushed: ask by WebSocket, or with `Accept: text/event-stream`";
                let refused = Response::from_errors(vec![malformed(sentence).into_server_error()]);
                return answer(refused, media, request_id);
            }
            match door.seats.take(seat::Kind::Subscription, &caller, &door.streams) {
                Ok(seat) => {
                    let session = Arc::new(Session::new(caller, now));
                    let (door, request_id) = (door.clone(), request_id.to_owned());
                    let kind = OperationType::Subscription;
                    stream::begin(Operation {
                        door,
                        session,
                        request: prepared,
                        kind,
                        request_id,
                        seat: Some(seat),
                        spoken: None,
                    })
                }
                Err(error) => refusal(StatusCode::TOO_MANY_REQUESTS, media, error),
            }
        }
        Ok((prepared, asked)) => {
            let kind = asked.kind();
            account::note_asked(request, asked);
            let session = Arc::new(Session::new(caller, now));
            if wish == Wish::Always {
                let (door, request_id) = (door.clone(), request_id.to_owned());
                return stream::begin(Operation {
                    door,
                    session,
                    request: prepared,
                    kind,
                    request_id,
                    seat: None,
                    spoken: None,
                });
            }
            answer(door.schema.execute(prepared.data(session)).await, media, request_id)
        }
        Err(NotRun::MutationByGet) => {
            let sentence = "GET runs queries only; send this operation by POST";
            let mut refused = refusal(StatusCode::METHOD_NOT_ALLOWED, media, malformed(sentence));
            refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            refused
        }
        Err(NotRun::Refused(error)) => {
            answer(Response::from_errors(vec![error.into_server_error()]), media, request_id)
        }
        Err(NotRun::NotParsed(error)) => answer(Response::from_errors(vec![*error]), media, request_id),
    }
}

pub(super) enum NotRun {
    MutationByGet,
    NotParsed(Box<async_graphql::ServerError>),
    Refused(ApiError),
}

impl From<ApiError> for NotRun {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

/// Checks everything that can be checked before execution.
pub(super) fn prepare(parameters: Parameters, is_get: bool, door: &Door) -> Result<(Request, Asked), NotRun> {
    check::text(&parameters.query, &door.documents)?;
    let document: ExecutableDocument = async_graphql::parser::parse_query(&parameters.query).map_err(|error| {
        let mut error: async_graphql::ServerError = error.into();
        // The parser draws the line that it stopped at, however long it is; the location says as much.
        if let Some((_, expected)) = error.message.rsplit_once("\n  = ") {
            error.message = format!("the document is no GraphQL: {expected}");
        }
        error.extensions.get_or_insert_default().set("code", crate::graphql::error::Code::ParseFailed.name());
        NotRun::NotParsed(Box::new(error))
    })?;
    check::document(&document, &door.documents)?;
    let variables = Variables::from_json(serde_json::Value::Object(parameters.variables));
    let asked = Asked::of(&document, parameters.operation_name.as_deref());
    if let Some(operation) = check::operation(&document, parameters.operation_name.as_deref()) {
        if is_get && operation.ty != OperationType::Query {
            return Err(NotRun::MutationByGet);
        }
        check::variables(operation, &variables, &door.documents)?;
        check::cost(&document, operation, &variables, &door.documents)?;
    }
    let mut request = Request::new(parameters.query).variables(variables);
    request.operation_name = parameters.operation_name;
    request.set_parsed_query(document);
    Ok((request, asked))
}
