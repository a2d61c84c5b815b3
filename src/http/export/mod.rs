//! `POST /v1/events/export`: all events that match, as a file, and `GET /v1/events/export/{id}`: its receipt.
//!
//! An export is the list query of the API, page after page, as of one place in the log: the same filter, checks, roles
//! and withheld values, and no statement that lasts longer than a page's. A page is read when the client has received
//! the one before; when the client goes away nothing more is read. Pages of large events have fewer of them, so that an
//! export needs no more memory for events than any other answer, and a caller can have only a few exports at a time. An
//! incomplete export is detectable: NDJSON by its last line, CSV by a transfer that is cut, both by their receipt.

mod receipt;
mod row;

use std::sync::Arc;
use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Name, Request, Response, ServerError, Value, Variables};
use serde_json::{Map, json};

use super::account::OK;
use super::body::{self, NoObject, Reading};
use super::crowd::{Place, TooMany, Who, who};
use super::envelope::RequestId;
use super::graphql::is_json;
use super::response::{Media, failure, refusal, refused, too_many};
use super::seat::{Kind, Seat};
use super::{Door, bearer};
use access::{AccessActivity, AccessRecord, Caller};
use api::Session;
use api::engine::check;
use api::error::{ApiError, Code, code_of, sweep};
use api::output::column::{CURSOR, Columns};
use auth::{Principal, Rejected};
use model::{Invalid, Timestamp};
use receipt::{Receipts, Sent};
use row::Format;

/// The members of a body that are arguments of the list.
const ARGUMENTS: [&str; 5] = ["period", "filter", "orderBy", "asOf", "after"];

/// What is kept of exports, and how many events are read at a time.
#[derive(Debug)]
pub struct Exports {
    page_size: u32,
    receipts: Receipts,
}

impl Exports {
    /// Exports that read so many events at a time.
    pub fn new(page_size: u32) -> Self {
        Self { page_size, receipts: Receipts::default() }
    }
}

/// Why an export does not begin, or does not go on.
struct Stop {
    code: String,
    message: String,
    /// How much was asked for and how much may be, if it was too much.
    excess: Option<[u64; 2]>,
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::of(&error.into_server_error())
    }
}

impl Stop {
    /// The first error of an answer. What does not fit the schema is, here, an invalid body.
    fn of(error: &ServerError) -> Self {
        let code = code_of(error).filter(|code| code != Code::ValidationFailed.name());
        let number = |name| match error.extensions.as_ref()?.get(name)? {
            Value::Number(number) => number.as_u64(),
            _ => None,
        };
        let excess = number("asked").zip(number("limit")).map(|(asked, limit)| [asked, limit]);
        let code = code.unwrap_or_else(|| Code::BadUserInput.name().to_owned());
        Self { code, message: error.message.clone(), excess }
    }

    fn exceeds(&self, limit: usize) -> bool {
        self.excess.is_some_and(|[_, exceeded]| exceeded == limit as u64)
    }

    fn status(&self) -> StatusCode {
        let is = |code: Code| self.code == code.name();
        match () {
            () if is(Code::Forbidden) => StatusCode::FORBIDDEN,
            () if is(Code::Timeout) || is(Code::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
            () if is(Code::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
            () => StatusCode::BAD_REQUEST,
        }
    }

    fn into_error(self, request_id: &str) -> ServerError {
        let mut error = ServerError::new(self.message, None);
        let extensions = error.extensions.get_or_insert_default();
        if self.code == Code::Internal.name() {
            extensions.set("requestId", request_id);
        }
        if let Some([asked, limit]) = self.excess {
            extensions.set("asked", asked);
            extensions.set("limit", limit);
        }
        extensions.set("code", self.code);
        error
    }
}

/// What is asked for: the list, and how its events are written.
struct Question {
    columns: Columns,
    format: Format,
    document: ExecutableDocument,
    variables: Map<String, serde_json::Value>,
    /// How many events are read next.
    page_size: u32,
    /// When the export began: its period does not move.
    now: Timestamp,
    /// What all its pages are part of.
    visit: Arc<AccessRecord>,
}

impl Question {
    fn parse(body: &[u8], page_size: u32, visit: Arc<AccessRecord>, now: Timestamp) -> Result<Self, ApiError> {
        let mut members = body::object(body).map_err(|wrong| match wrong {
            NoObject::Repeated(path) => Invalid::new(format!("`{path}` appears twice")),
            NoObject::NotJson | NoObject::Other(_) => Invalid::new("the body must be a JSON object"),
        })?;
        let format = match members.remove("format") {
            None => Some(Format::Ndjson),
            Some(name) => name.as_str().and_then(Format::parse),
        };
        let format = format.ok_or_else(|| Invalid::new("`format` must be `ndjson` or `csv`"))?;
        let columns = members.remove("columns").filter(|columns| !columns.is_null());
        let columns = columns.map(serde_json::from_value).transpose();
        let columns = Columns::parse(columns.map_err(|_other| Invalid::new("`columns` must be a list of strings"))?)?;
        if let Some(name) = members.keys().find(|name| !ARGUMENTS.contains(&name.as_str())) {
            let known = ARGUMENTS.join("`, `");
            let name: String = name.chars().take(100).collect();
            let sentence = format!("there is no `{name}` in an export: it has `{known}`, `columns` and `format`");
            return Err(Invalid::new(sentence).into());
        }
        let query = format!(
            "query($first: Int, $after: String, $period: AuditPeriodInput, $filter: AuditEventFilter,
                $orderBy: AuditEventOrder, $asOf: Sequence) {{
                auditEvents(first: $first, after: $after, period: $period, filter: $filter, orderBy: $orderBy, asOf: $asOf) {{
                    asOf edges {{ cursor node {} }} pageInfo {{ hasNextPage }}
                }}
            }}",
            columns.selection()
        );
        let document = async_graphql::parser::parse_query(query);
        let document = document.map_err(|_unreadable| ApiError::Bug("the query of an export is not valid GraphQL"))?;
        Ok(Self { columns, format, document, variables: members, page_size, now, visit })
    }

    /// Reads the next page when it is the caller's turn; the one after it follows on that. What is too large for a page
    /// is read in smaller ones.
    async fn page(&mut self, door: &Door, caller: &Caller, place: &Place<Who>) -> Result<Page, Stop> {
        let _turns = (place.turn().await, place.dear_turn().await);
        loop {
            let deadline = Instant::now() + door.request_patience;
            let read = self.page_of(door, caller.clone().with_limits(deadline, door.answer_bytes_max)).await;
            match read {
                Err(stop) if stop.exceeds(door.answer_bytes_max) && self.page_size > 1 => self.page_size /= 2,
                Ok(_) => {
                    self.page_size = (self.page_size * 2).min(door.exports.page_size);
                    return read;
                }
                Err(_) => return read,
            }
        }
    }

    async fn page_of(&mut self, door: &Door, caller: Caller) -> Result<Page, Stop> {
        self.variables.insert("first".to_owned(), self.page_size.into());
        let variables = Variables::from_json(serde_json::Value::Object(self.variables.clone()));
        if let Some(operation) = check::operation(&self.document, None) {
            check::variables(operation, &variables, &door.documents)?;
        }
        let session = Arc::new(Session::new(caller, Arc::clone(&self.visit), self.now).taking_values());
        let mut request = Request::new("").variables(variables).data(session);
        request.set_parsed_query(self.document.clone());
        let mut page = Page::read(door.executor.validating().execute(request).await)?;
        if self.columns.has_cursor() {
            page.show_cursors();
        }
        self.variables.insert("asOf".to_owned(), page.as_of.into());
        if let Some((cursor, _)) = page.edges.last() {
            self.variables.insert("after".to_owned(), cursor.clone().into());
        }
        Ok(page)
    }
}

/// Some events with their cursors.
struct Page {
    edges: Vec<(String, Value)>,
    has_next: bool,
    as_of: i64,
}

impl Page {
    fn read(mut response: Response) -> Result<Self, Stop> {
        sweep(&mut response);
        if let Some(error) = response.errors.first() {
            return Err(Stop::of(error));
        }
        let member = |value: Value, name: &str| match value {
            Value::Object(mut members) => members.swap_remove(name),
            _ => None,
        };
        let read = |data: Value| {
            let Value::Object(mut list) = member(data, "auditEvents")? else { return None };
            let Value::Number(as_of) = list.swap_remove("asOf")? else { return None };
            let Value::Boolean(has_next) = member(list.swap_remove("pageInfo")?, "hasNextPage")? else { return None };
            let Value::List(edges) = list.swap_remove("edges")? else { return None };
            let edge = |edge: Value| {
                let Value::Object(mut edge) = edge else { return None };
                let Value::String(cursor) = edge.swap_remove("cursor")? else { return None };
                Some((cursor, edge.swap_remove("node")?))
            };
            Some(Self { edges: edges.into_iter().map(edge).collect::<Option<_>>()?, has_next, as_of: as_of.as_i64()? })
        };
        read(response.data).ok_or_else(|| ApiError::Bug("a page of an export is not as asked for").into())
    }

    /// Makes the cursors columns of their events.
    fn show_cursors(&mut self) {
        for (cursor, event) in &mut self.edges {
            if let Value::Object(members) = event {
                members.insert(Name::new(CURSOR), cursor.as_str().into());
            }
        }
    }
}

/// An export that is being sent.
struct Export {
    door: web::Data<Door>,
    principal: Arc<Principal>,
    question: Question,
    sent: Sent,
    /// The page that was read before anything was sent.
    first: Option<Page>,
    has_ended: bool,
    /// Both are given back when the file has been sent, or nobody takes it any more.
    place: Place<Who>,
    _held: Seat,
}

/// A transfer that was broken off on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the export could not be finished")]
struct BrokenOff;

impl Export {
    /// The next piece of the file; none after the last.
    async fn piece(&mut self) -> Option<Result<web::Bytes, BrokenOff>> {
        if self.has_ended {
            return None;
        }
        let mut out = Vec::new();
        let page = match self.first.take() {
            Some(page) => {
                out = self.question.format.head(&self.question.columns);
                Ok(page)
            }
            None => self.next_page().await,
        };
        let stop = match page {
            Ok(page) => {
                let count = page.edges.len() as u64;
                for (_, event) in &page.edges {
                    self.question.format.row(&mut out, &self.question.columns, event);
                }
                self.sent.rows(&out, count, page.edges.into_iter().next_back().map(|(cursor, _)| cursor));
                if page.has_next {
                    return Some(Ok(out.into()));
                }
                self.sent.complete();
                None
            }
            Err(stop) => Some(stop),
        };
        self.has_ended = true;
        let is_whole = stop.is_none();
        self.question.visit.finish(|_| stop.as_ref().map_or(OK, |stop| &stop.code));
        if let Some(Stop { code, message, .. }) = stop {
            self.sent.fail(code, message);
        }
        if self.question.format == Format::Ndjson {
            out.extend(json!({ "export": self.sent.to_json() }).to_string().as_bytes());
            out.push(b'\n');
        }
        if is_whole || self.question.format == Format::Ndjson { Some(Ok(out.into())) } else { Some(Err(BrokenOff)) }
    }

    /// The next page, for a caller whose permission is checked again.
    async fn next_page(&mut self) -> Result<Page, Stop> {
        if (self.door.clock)() >= self.principal.expires_at {
            return Err(ApiError::Unauthenticated(Rejected::Expired).into());
        }
        let caller = self.door.access.caller(Arc::clone(&self.principal)).await.map_err(ApiError::from)?;
        self.question.page(&self.door, &caller, &self.place).await
    }
}

/// Starts an export.
pub(super) async fn post(request: HttpRequest, payload: web::Payload, door: web::Data<Door>) -> HttpResponse {
    let request_id = RequestId::given(&request, &door);
    export(&request, payload, &door, &request_id).await
}

async fn export(
    request: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<Door>,
    request_id: &str,
) -> HttpResponse {
    let now = (door.clock)();
    let caller = match bearer::caller(door, request, now, Media::Json, request_id).await {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    if !is_json(request) {
        let sentence = Invalid::new("the content type must be `application/json`, in UTF-8");
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, Media::Json, sentence.into());
    }
    let place = match door.callers.enter(&who(&caller)) {
        Ok(place) => place,
        Err(refused) => return too_many(refused, Media::Json),
    };
    let reading = Reading { bytes_max: door.body_bytes_max, patience: door.body_patience };
    let held = match door.seats.take(Kind::Export, &caller, &door.streams) {
        Ok(held) => held,
        Err(error) => return too_many(TooMany { error, retry_after_secs: 1 }, Media::Json),
    };
    let body = match body::read(request, payload, reading).await {
        Ok(body) => body,
        Err((status, error)) => return refusal(status, Media::Json, error),
    };
    let principal = Arc::clone(&caller.principal);
    let visit = Arc::new(caller.access_record(Some(AccessActivity::Export), "", request_id, now));
    // What is wrong is found out while the status can still say so.
    let begun = async {
        let mut question = Question::parse(&body, door.exports.page_size, Arc::clone(&visit), now)?;
        let first = question.page(door, &caller, &place).await?;
        Ok::<_, Stop>((question, first))
    };
    let (question, first) = match begun.await {
        Ok(begun) => begun,
        Err(stop) => {
            visit.finish(|_| &stop.code);
            return refused(stop.status(), Media::Json, &stop.into_error(request_id));
        }
    };
    let id = door.request_id();
    let format = question.format;
    let sent = door.exports.receipts.begin(id.clone(), &principal, format, first.as_of);
    let (door, first) = (door.clone(), Some(first));
    let export = Export { door, principal, question, sent, first, has_ended: false, place, _held: held };
    let pieces = futures_util::stream::unfold(export, async |mut export| Some((export.piece().await?, export)));
    let file = format!("attachment; filename=\"audit-events.{}\"", format.name());
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, format.media()))
        .insert_header((header::CONTENT_DISPOSITION, file))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header(("x-auditgraph-export-id", id))
        .streaming(Box::pin(pieces))
}

/// The receipt of an export, for the caller who made it.
pub(super) async fn get(request: HttpRequest, id: web::Path<String>, door: web::Data<Door>) -> HttpResponse {
    let request_id = RequestId::given(&request, &door);
    let caller = match bearer::caller(&door, &request, (door.clock)(), Media::Json, &request_id).await {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    let Some(receipt) = door.exports.receipts.find(&id, &caller.principal) else {
        let sentence = Invalid::new("you have no export with this id");
        return failure(StatusCode::NOT_FOUND, Media::Json, sentence.into(), &request_id);
    };
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "private, no-store")).json(receipt)
}
