//! What a request was: filled in while it is handled, and reported once when it is answered, in a log line and in the
//! metrics.
//!
//! A line names the caller, the operation and the fields. It never contains a token, a variable or anything of a
//! document except its names; the log formats escape what callers wrote, so no line can be forged.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet};
use async_graphql::{PathSegment, Positioned, ServerError};

use crate::http::AppState;
use crate::http::middleware::metrics::GaugeGuard;
use access::{AccessRecord, Caller};
use api::engine::check;
use api::error::code_of;

/// The most root fields that are logged for one operation, and the most characters of a name.
const ROOTS_MAX: usize = 50;
const NAME_MAX: usize = 200;
/// The code for a request without an error.
pub(in crate::http) const OK: &str = "OK";
/// The code for a request whose client went away before it was answered.
const CANCELLED: &str = "CANCELLED";

/// A root field, and the key of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Root {
    field: String,
    key: String,
}

/// An operation as far as its account goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::http) struct OperationInfo {
    kind: Option<OperationType>,
    name: String,
    roots: Vec<Root>,
    /// Whether a directive stands at one of them, or around it.
    is_optional: bool,
}

/// What is known of a request so far.
#[derive(Default)]
struct Account {
    tenant: String,
    subject: String,
    rows: Option<Arc<AtomicU64>>,
    asked: OperationInfo,
    unanswered: Option<RequestLogGuard>,
}

/// A request without an answer.
struct RequestLogGuard {
    state: web::Data<AppState>,
    started: Instant,
    method: Method,
    address: String,
    request_id: Option<String>,
}

impl Drop for Account {
    /// A request that ends without an answer has lost its client.
    fn drop(&mut self) {
        let Some(unanswered) = self.unanswered.take() else { return };
        let line = LogRecord {
            request_id: unanswered.request_id.as_deref(),
            method: unanswered.method.as_str(),
            address: &unanswered.address,
            status: None,
            errors: &ErrorCodes(vec![(None, CANCELLED.to_owned())]),
            request_log: self,
            took: unanswered.started.elapsed(),
        };
        line.tell(&unanswered.state);
    }
}

impl Account {
    fn note(&mut self, caller: &Caller) {
        self.tenant.clone_from(&caller.tenant.key);
        self.subject = caller.principal.subject.chars().take(NAME_MAX).collect();
        self.rows = Some(caller.rows());
    }
}

/// What went wrong, by the key of the answer; kept with the response.
#[derive(Debug, Default)]
pub(in crate::http) struct ErrorCodes(Vec<(Option<String>, String)>);

impl ErrorCodes {
    /// The errors of an answer.
    pub(in crate::http) fn of(errors: &[ServerError]) -> Self {
        let key = |error: &ServerError| match error.path.first() {
            Some(PathSegment::Field(key)) => Some(key.clone()),
            _ => None,
        };
        let code = |error: &ServerError| code_of(error).unwrap_or_default();
        Self(errors.iter().take(ROOTS_MAX).map(|error| (key(error), code(error))).collect())
    }

    /// Tells what was read how it ended.
    pub(in crate::http) fn end(&self, visit: &AccessRecord) {
        visit.ended(|key| self.code(Some(key)));
    }

    /// The code of the first error that is about a key, or about the whole.
    fn code(&self, key: Option<&str>) -> &str {
        let about = |(at, _): &&(Option<String>, String)| at.is_none() || key.is_none() || at.as_deref() == key;
        self.0.iter().find(about).map_or(OK, |(_, code)| code)
    }
}

impl OperationInfo {
    /// The operation's name; empty if it has none.
    pub(in crate::http) fn name(&self) -> &str {
        &self.name
    }

    /// How many fields of the root are answered.
    pub(in crate::http) fn root_count(&self) -> usize {
        self.roots.iter().map(|root| &root.key).collect::<HashSet<_>>().len()
    }

    /// Whether a directive may leave out a field of the root.
    pub(in crate::http) fn is_optional(&self) -> bool {
        self.is_optional
    }

    /// What kind of operation it is; a query, if none is run.
    pub(in crate::http) fn kind(&self) -> OperationType {
        self.kind.unwrap_or(OperationType::Query)
    }

    /// The names in the operation of a document that is run.
    pub(in crate::http) fn of(document: &ExecutableDocument, name: Option<&str>) -> Self {
        let Some(operation) = check::operation(document, name) else { return Self::default() };
        let named = document.operations.iter().find(|(_, found)| std::ptr::eq(&raw const found.node, operation));
        let name = named.and_then(|(name, _)| name).map(async_graphql::Name::as_str).unwrap_or_default();
        let (mut found, mut entered) = (Self::default(), Vec::new());
        collect(document, &operation.selection_set.node, &mut found, &mut entered);
        Self { kind: Some(operation.ty), name: name.chars().take(NAME_MAX).collect(), ..found }
    }
}

/// The root fields of a selection; each fragment is entered once.
fn collect<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    found: &mut OperationInfo,
    entered: &mut Vec<&'a str>,
) {
    for Positioned { node, .. } in &set.items {
        if found.roots.len() == ROOTS_MAX || entered.len() == ROOTS_MAX {
            return;
        }
        match node {
            Selection::Field(field) => {
                let field = &field.node;
                found.is_optional |= !field.directives.is_empty();
                found
                    .roots
                    .push(Root { field: field.name.node.to_string(), key: field.response_key().node.to_string() });
            }
            Selection::InlineFragment(inline) => {
                found.is_optional |= !inline.node.directives.is_empty();
                collect(document, &inline.node.selection_set.node, found, entered);
            }
            Selection::FragmentSpread(spread) => {
                found.is_optional |= !spread.node.directives.is_empty();
                let name = spread.node.fragment_name.node.as_str();
                if let Some(fragment) = document.fragments.get(name)
                    && !entered.contains(&name)
                {
                    entered.push(name);
                    collect(document, &fragment.node.selection_set.node, found, entered);
                }
            }
        }
    }
}

/// Notes who calls.
pub(in crate::http) fn note_caller(request: &HttpRequest, caller: &Caller, request_id: &str) {
    let address = request.match_pattern();
    if let Some(request_log) = request.extensions_mut().get_mut::<Account>() {
        request_log.note(caller);
        if let Some(unanswered) = &mut request_log.unanswered {
            unanswered.address = address.unwrap_or_default();
            unanswered.request_id = Some(request_id.to_owned());
        }
    }
}

/// Notes what is asked.
pub(in crate::http) fn note_asked(request: &HttpRequest, asked: OperationInfo) {
    if let Some(request_log) = request.extensions_mut().get_mut::<Account>() {
        request_log.asked = asked;
    }
}

/// Tells what was read how the answer ends it.
pub(in crate::http) fn end(visit: &AccessRecord, answer: &HttpResponse) {
    if let Some(errors) = answer.extensions().get::<ErrorCodes>() {
        errors.end(visit);
    }
}

/// Wraps every request: counts it and writes its line when its answer begins.
pub async fn request_log<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let started = Instant::now();
    let state = request.app_data::<web::Data<AppState>>().cloned();
    let _running = state.as_ref().map(|state| state.metrics.running());
    let unanswered = state.as_ref().map(|state| RequestLogGuard {
        state: state.clone(),
        started,
        method: request.method().clone(),
        address: String::new(),
        request_id: None,
    });
    let mut request_log = Account::default();
    request_log.unanswered = unanswered;
    request.extensions_mut().insert(request_log);
    let response = next.call(request).await?;
    if let Some(state) = state {
        tell(&state, &response, started.elapsed());
    }
    Ok(response)
}

fn tell<B>(state: &AppState, response: &ServiceResponse<B>, took: Duration) {
    let request = response.request();
    let mut request_log = request.extensions_mut().remove::<Account>().unwrap_or_default();
    request_log.unanswered = None;
    let extensions = response.response().extensions();
    let none = ErrorCodes::default();
    let line = LogRecord {
        request_id: response.headers().get("x-request-id").and_then(|value| value.to_str().ok()),
        method: request.method().as_str(),
        address: &request.match_pattern().unwrap_or_default(),
        status: Some(response.status().as_u16()),
        errors: extensions.get::<ErrorCodes>().unwrap_or(&none),
        request_log: &request_log,
        took,
    };
    line.tell(state);
}

/// The account of an operation on a WebSocket, which is reported when it ends.
pub(in crate::http) struct WebSocketRequestLog {
    request_log: Account,
    started: Instant,
    running: GaugeGuard,
}

impl std::fmt::Debug for WebSocketRequestLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spoken").field("running", &self.running).finish_non_exhaustive()
    }
}

impl WebSocketRequestLog {
    /// Begins the account of what a caller asks.
    pub(in crate::http) fn begin(state: &AppState, caller: &Caller, asked: OperationInfo) -> Self {
        let mut request_log = Account::default();
        request_log.asked = asked;
        request_log.note(caller);
        Self { request_log, started: Instant::now(), running: state.metrics.running() }
    }

    /// Tells it.
    pub(in crate::http) fn tell(&self, state: &AppState, request_id: &str, errors: &ErrorCodes) {
        let request_id = Some(request_id);
        let (request_log, took) = (&self.request_log, self.started.elapsed());
        LogRecord { request_id, method: "WEBSOCKET", address: "/graphql", status: None, errors, request_log, took }
            .tell(state);
    }
}

/// What is reported about a request.
struct LogRecord<'a> {
    request_id: Option<&'a str>,
    method: &'a str,
    address: &'a str,
    status: Option<u16>,
    errors: &'a ErrorCodes,
    request_log: &'a Account,
    took: Duration,
}

impl LogRecord<'_> {
    fn tell(&self, state: &AppState) {
        let Self { request_id, method, address, status, errors, request_log, took } = *self;
        let OperationInfo { kind, name: operation, roots, .. } = &request_log.asked;
        for root in roots {
            state.metrics.answered(&root.field, errors.code(Some(&root.key)), took);
        }
        if roots.is_empty() {
            state.metrics.answered(address, errors.code(None), took);
        }
        let milliseconds = (took.as_secs_f64() * 1e6).round() / 1e3;
        if matches!(address, "/healthz" | "/readyz") {
            tracing::debug!(method, address, status, milliseconds, "answered");
            return;
        }
        let fields: Vec<&str> = roots.iter().map(|root| root.field.as_str()).collect();
        tracing::info!(
            request_id,
            method,
            address,
            status,
            code = errors.code(None),
            tenant = request_log.tenant,
            subject = request_log.subject,
            kind = kind.map(word),
            operation,
            fields = fields.join(","),
            rows = request_log.rows.as_ref().map(|rows| rows.load(Ordering::Relaxed)),
            milliseconds,
            "answered"
        );
    }
}

const fn word(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}
