//! GraphQL over HTTP, by the GraphQL Foundation's specification.
//!
//! POST takes only `application/json`, and GET takes only queries and needs a header that a cross-site form or image
//! cannot send; so other sites' pages cannot send requests. Everything is checked before anything is executed: the
//! caller, then the body, the text, the document, its variables, its cost. Subscriptions are pushed, see [`stream`] and
//! [`super::socket`].

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Request, Response};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::account::{self, Asked};
use super::body::{self, NoObject, Reading};
use super::crowd::{Place, Who, who};
use super::envelope::RequestId;
use super::persisted::Name;
use super::response::{Media, answer, refusal, too_many};
use super::stream::{self, Held, Operation, Wish};
use super::{Door, bearer, seat, variables};
use access::Caller;
use api::Session;
use api::engine::document::{Document, DocumentError};
use api::engine::{check, defaults};
use api::error::ApiError;
use model::Invalid;

/// Headers, one of which GET requires: none of them can be sent across sites without a preflight request.
const PREFLIGHT_HEADERS: [&str; 3] =
    ["graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name"];

/// Bytes of a document that is long.
const LONG_DOCUMENT: usize = 4 << 10;
/// From how many points on an operation is dear: more than a page with all fields of its events.
const DEAR_COST: usize = 15_000;

/// The parameters of a request.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    query: Option<String>,
    /// The name of the document, instead of it or beside it.
    name: Option<Name>,
    operation_name: Option<String>,
    variables: serde_json::Map<String, serde_json::Value>,
}

/// Where a request has its parameters.
enum Source {
    Body(web::Payload),
    Address,
}

fn malformed(sentence: &str) -> ApiError {
    Invalid::new(sentence).into()
}

impl Parameters {
    /// Reads the members of a JSON body or the parameters of an address, which must have the right types.
    pub(super) fn from_members(mut members: serde_json::Map<String, serde_json::Value>) -> Result<Self, ApiError> {
        use serde_json::Value;
        let query = match members.remove("query") {
            Some(Value::String(query)) => Some(query),
            Some(_) => return Err(malformed("`query` must be a string")),
            None => None,
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
        let extended = match members.remove("extensions") {
            None | Some(Value::Null) => None,
            Some(Value::Object(extensions)) => Name::from_extensions(&extensions)?,
            Some(_) => return Err(malformed("`extensions` must be an object")),
        };
        let name = match members.remove("documentId") {
            None | Some(Value::Null) => extended,
            Some(Value::String(id)) => Some(Name::from_id(&id)?),
            Some(_) => return Err(malformed("`documentId` must be a string")),
        };
        if query.is_none() && name.is_none() {
            return Err(malformed("`query` is missing"));
        }
        Ok(Self { query, name, operation_name, variables })
    }

    fn from_body(body: &[u8]) -> Result<Self, ApiError> {
        match body::object(body) {
            Ok(members) => Self::from_members(members),
            Err(NoObject::Other(serde_json::Value::Array(_))) => {
                Err(malformed("one operation per request; batches are not supported"))
            }
            Err(NoObject::Other(_)) => Err(malformed("the body must be a JSON object")),
            Err(NoObject::Repeated(path)) => Err(malformed(&format!("`{path}` appears twice"))),
            Err(NoObject::NotJson) => Err(malformed("the body is not valid JSON")),
        }
    }

    fn from_address(request: &HttpRequest) -> Result<Self, ApiError> {
        let given = web::Query::<HashMap<String, String>>::from_query(request.query_string())
            .map_err(|_unreadable| malformed("the parameters in the URL cannot be read"))?;
        let mut members = serde_json::Map::new();
        for (name, value) in given.into_inner() {
            let value = match name.as_str() {
                "query" | "operationName" | "documentId" => serde_json::Value::String(value),
                "variables" | "extensions" => serde_json::from_str(&value)
                    .map_err(|_unreadable| malformed("`variables` and `extensions` must be JSON"))?,
                _ => continue,
            };
            members.insert(name, value);
        }
        Self::from_members(members)
    }

    async fn read(source: Source, request: &HttpRequest, door: &Door) -> Result<Self, (StatusCode, ApiError)> {
        let parameters = match source {
            Source::Body(payload) => {
                let reading = Reading { bytes_max: door.body_bytes_max, patience: door.body_patience };
                Self::from_body(&body::read(request, payload, reading).await?)
            }
            Source::Address => Self::from_address(request),
        };
        parameters.map_err(|error| (StatusCode::BAD_REQUEST, error))
    }
}

/// POST: any operation, in a JSON body.
pub(super) async fn post(request: HttpRequest, payload: web::Payload, door: web::Data<Door>) -> HttpResponse {
    let Some((media, wish)) = wanted(&request) else { return not_acceptable() };
    if !is_json(&request) {
        let sentence = "the content type must be `application/json`, in UTF-8";
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, media, malformed(sentence));
    }
    respond(&request, &door, (media, wish), Source::Body(payload)).await
}

/// GET: queries only, in the address.
pub(super) async fn get(request: HttpRequest, door: web::Data<Door>) -> HttpResponse {
    let Some((media, wish)) = wanted(&request) else { return not_acceptable() };
    if !PREFLIGHT_HEADERS.iter().any(|name| request.headers().get(*name).is_some_and(|value| !value.is_empty())) {
        let sentence = "GET needs the header `graphql-require-preflight`, with any value";
        return refusal(StatusCode::BAD_REQUEST, media, malformed(sentence));
    }
    respond(&request, &door, (media, wish), Source::Address).await
}

/// How the caller wants to be answered; none if it accepts nothing that there is.
fn wanted(request: &HttpRequest) -> Option<(Media, Wish)> {
    let wish = if request.path() == super::STREAM_PATH { Wish::Always } else { Wish::of(request) };
    match wish {
        // A refusal must be visible in its status.
        Wish::Always => Some((Media::GraphQl, wish)),
        _ => Media::accepted(request).map(|media| (media, wish)),
    }
}

fn not_acceptable() -> HttpResponse {
    let sentence =
        "responses are `application/graphql-response+json`, `application/json` or, for streams, `text/event-stream`";
    refusal(StatusCode::NOT_ACCEPTABLE, Media::Json, malformed(sentence))
}

pub(super) fn is_json(request: &HttpRequest) -> bool {
    let Some(Ok(text)) = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::to_str) else { return false };
    let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
    parts.next().as_deref() == Some("application/json")
        && parts
            .all(|part| part.strip_prefix("charset=").is_none_or(|set| matches!(set, "utf-8" | "\"utf-8\"" | "utf8")))
}

/// Runs a request from its caller to its answer.
async fn respond(
    request: &HttpRequest,
    door: &web::Data<Door>,
    (media, wish): (Media, Wish),
    source: Source,
) -> HttpResponse {
    let request_id = RequestId::given(request, door);
    let now = (door.clock)();
    let caller = match bearer::caller(door, request, now, media, &request_id).await {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    let place = match door.callers.enter(&who(&caller)) {
        Ok(place) => place,
        Err(refused) => return too_many(refused, media),
    };
    let parameters = match Parameters::read(source, request, door).await {
        Ok(parameters) => parameters,
        Err((status, error)) => return refusal(status, media, error),
    };
    let deadline = Instant::now() + door.request_patience;
    let is_get = request.method() == Method::GET;
    let begun = timeout_at(deadline, begin(parameters, is_get, door, &caller, &place)).await;
    let (Prepared { request: prepared, document, asked, .. }, turn) = match begun {
        Ok(Ok(begun)) => begun,
        Ok(Err(not_run)) => return not_run.answer(media, &request_id),
        Err(_elapsed) => return took_too_long(media),
    };
    let kind = asked.kind();
    let visit = Arc::new(caller.access_record(None, asked.name(), &request_id, now));
    account::note_asked(request, asked);
    let is_subscription = kind == OperationType::Subscription;
    if is_subscription && wish == Wish::Never {
        let sentence = "subscriptions are pushed: use a WebSocket, or `Accept: text/event-stream`";
        return NotRun::AccessError(malformed(sentence)).answer(media, &request_id);
    }
    let seat = is_subscription.then(|| door.seats.take(seat::Kind::Subscription, &caller, &door.streams));
    let seat = match seat.transpose() {
        Ok(seat) => seat.map(|seat| seat.counted(&door.meters, "sse")),
        Err(error) => return refusal(StatusCode::TOO_MANY_REQUESTS, media, error),
    };
    let caller = if is_subscription { caller } else { caller.with_limits(deadline.into_std(), door.answer_bytes_max) };
    let session = Arc::new(Session::new(caller, Arc::clone(&visit), now));
    if is_subscription || wish == Wish::Always {
        let held = seat.map_or(Held::Turn(place, turn), Held::Seat);
        let deadline = (kind == OperationType::Query).then_some(deadline);
        let (door, request, spoken) = (door.clone(), prepared, None);
        return stream::begin(Operation { door, session, request, kind, request_id, spoken, deadline, held });
    }
    let executed = door.executor.execute(prepared.data(session), &document);
    if kind == OperationType::Mutation {
        return answer(executed.await, media, &request_id);
    }
    let answered = match timeout_at(deadline, executed).await {
        Ok(response) => answer(response, media, &request_id),
        Err(_elapsed) => took_too_long(media),
    };
    account::end(&visit, &answered);
    answered
}

/// What an operation has while it is processed: a turn, and a dear turn if it is dear.
pub(super) type Turn = (Option<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>);

/// Prepares an operation when it is its turn.
pub(super) async fn begin(
    parameters: Parameters,
    is_get: bool,
    door: &Door,
    caller: &Caller,
    place: &Place<Who>,
) -> Result<(Prepared, Turn), NotRun> {
    let turn = place.turn().await;
    // A long document that is not known to be good keeps a core busy for a while, whatever comes of it.
    let is_long = parameters.query.as_deref().is_some_and(|text| text.len() > LONG_DOCUMENT && !door.read.knows(text));
    let mut dear = None;
    if is_long {
        dear = place.dear_turn().await;
        // Others get in between while it is held.
        tokio::task::yield_now().await;
    }
    let prepared = prepare(parameters, is_get, door, caller)?;
    if prepared.asked.kind() == OperationType::Mutation {
        // Who records waits for others, and works only a little.
        return Ok((prepared, (None, None)));
    }
    if dear.is_none() {
        dear = turn_for(place, prepared.cost).await;
    }
    Ok((prepared, (turn, dear)))
}

/// Waits for a dear turn, if the cost makes it dear.
async fn turn_for(place: &Place<Who>, cost: usize) -> Option<OwnedSemaphorePermit> {
    if cost > DEAR_COST { place.dear_turn().await } else { None }
}

fn took_too_long(media: Media) -> HttpResponse {
    refusal(StatusCode::SERVICE_UNAVAILABLE, media, ApiError::Timeout)
}

pub(super) enum NotRun {
    MutationByGet,
    NotParsed(Box<async_graphql::ServerError>),
    AccessError(ApiError),
}

impl NotRun {
    fn answer(self, media: Media, request_id: &str) -> HttpResponse {
        let error = match self {
            Self::MutationByGet => {
                let sentence = "GET runs queries only; send this operation by POST";
                let mut refused = refusal(StatusCode::METHOD_NOT_ALLOWED, media, malformed(sentence));
                refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
                return refused;
            }
            Self::AccessError(error) => error.into_server_error(),
            Self::NotParsed(error) => *error,
        };
        answer(Response::from_errors(vec![error]), media, request_id)
    }
}

impl From<ApiError> for NotRun {
    fn from(error: ApiError) -> Self {
        Self::AccessError(error)
    }
}

impl From<DocumentError> for NotRun {
    fn from(unreadable: DocumentError) -> Self {
        match unreadable {
            DocumentError::NotParsed(error) => Self::NotParsed(error),
            DocumentError::AccessError(error) => Self::AccessError(error),
        }
    }
}

/// An operation that may be executed.
pub(super) struct Prepared {
    pub(super) request: Request,
    pub(super) document: Arc<Document>,
    pub(super) asked: Asked,
    /// In points; 0 of what cannot be run.
    pub(super) cost: usize,
}

/// Finds the document and checks everything that can be checked before execution.
fn prepare(parameters: Parameters, is_get: bool, door: &Door, caller: &Caller) -> Result<Prepared, NotRun> {
    let (tenant, name) = (caller.tenant.key.as_str(), parameters.name.as_ref());
    let text = door.persisted.text(tenant, parameters.query, name)?;
    let document = door.read.read(&text, &door.documents)?;
    door.persisted.keep(tenant, name, &text);
    let mut variables = variables::of(parameters.variables);
    let asked = Asked::of(&document, parameters.operation_name.as_deref());
    let mut cost = 0;
    if let Some(operation) = check::operation(&document, parameters.operation_name.as_deref()) {
        if is_get && operation.ty != OperationType::Query {
            return Err(NotRun::MutationByGet);
        }
        if operation.ty == OperationType::Subscription && asked.root_count() != 1 {
            return Err(NotRun::AccessError(malformed("a subscription must select exactly one field")));
        }
        if operation.ty == OperationType::Subscription && asked.is_optional() {
            let sentence = "the field of a subscription must not have `@skip` or `@include`";
            return Err(NotRun::AccessError(malformed(sentence)));
        }
        check::variables(operation, &variables, &door.documents)?;
        defaults::fill(&document, operation, &mut variables);
        cost = check::cost(&document, operation, &variables, &door.documents)?;
    }
    let mut request = Request::new(&*text).variables(variables);
    request.operation_name = parameters.operation_name;
    request.set_parsed_query(ExecutableDocument::clone(&document));
    Ok(Prepared { request, document, asked, cost })
}
