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

use super::Door;
use super::meter::Running;
use access::{AccessRecord, Caller};
use api::engine::check;
use api::error::code_of;

/// The most root fields that are logged for one operation, and the most characters of a name.
const ROOTS_MAX: usize = 50;
const NAME_MAX: usize = 200;
/// The code for a request without an error.
pub(super) const OK: &str = "OK";
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
pub(super) struct Asked {
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
    asked: Asked,
    unanswered: Option<Unanswered>,
}

/// A request without an answer.
struct Unanswered {
    door: web::Data<Door>,
    started: Instant,
    method: Method,
    address: String,
    request_id: Option<String>,
}

impl Drop for Account {
    /// A request that ends without an answer has lost its client.
    fn drop(&mut self) {
        let Some(unanswered) = self.unanswered.take() else { return };
        let line = Line {
            request_id: unanswered.request_id.as_deref(),
            method: unanswered.method.as_str(),
            address: &unanswered.address,
            status: None,
            errors: &Errors(vec![(None, CANCELLED.to_owned())]),
            account: self,
            took: unanswered.started.elapsed(),
        };
        line.tell(&unanswered.door);
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
pub(super) struct Errors(Vec<(Option<String>, String)>);

impl Errors {
    /// The errors of an answer.
    pub(super) fn of(errors: &[ServerError]) -> Self {
        let key = |error: &ServerError| match error.path.first() {
            Some(PathSegment::Field(key)) => Some(key.clone()),
            _ => None,
        };
        let code = |error: &ServerError| code_of(error).unwrap_or_default();
        Self(errors.iter().take(ROOTS_MAX).map(|error| (key(error), code(error))).collect())
    }

    /// Tells what was read how it ended.
    pub(super) fn end(&self, visit: &AccessRecord) {
        visit.finish(|key| self.code(Some(key)));
    }

    /// The code of the first error that is about a key, or about the whole.
    fn code(&self, key: Option<&str>) -> &str {
        let about = |(at, _): &&(Option<String>, String)| at.is_none() || key.is_none() || at.as_deref() == key;
        self.0.iter().find(about).map_or(OK, |(_, code)| code)
    }
}

impl Asked {
    /// The operation's name; empty if it has none.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How many fields of the root are answered.
    pub(super) fn root_count(&self) -> usize {
        self.roots.iter().map(|root| &root.key).collect::<HashSet<_>>().len()
    }

    /// Whether a directive may leave out a field of the root.
    pub(super) fn is_optional(&self) -> bool {
        self.is_optional
    }

    /// What kind of operation it is; a query, if none is run.
    pub(super) fn kind(&self) -> OperationType {
        self.kind.unwrap_or(OperationType::Query)
    }

    /// The names in the operation of a document that is run.
    pub(super) fn of(document: &ExecutableDocument, name: Option<&str>) -> Self {
        let Some(operation) = check::operation(document, name) else { return Self::default() };
        let named = document.operations.iter().find(|(_, found)| std::ptr::eq(&raw const found.node, operation));
        let name = named.and_then(|(name, _)| name).map(async_graphql::Name::as_str).unwrap_or_default();
        let (mut found, mut entered) = (Self::default(), Vec::new());
        collect(document, &operation.selection_set.node, &mut found, &mut entered);
        Self { kind: Some(operation.ty), name: name.chars().take(NAME_MAX).collect(), ..found }
    }
}

/// The root fields of a selection; each fragment is entered once.
fn collect<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet, found: &mut Asked, entered: &mut Vec<&'a str>) {
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
pub(super) fn note_caller(request: &HttpRequest, caller: &Caller, request_id: &str) {
    let address = request.match_pattern();
    if let Some(account) = request.extensions_mut().get_mut::<Account>() {
        account.note(caller);
        if let Some(unanswered) = &mut account.unanswered {
            unanswered.address = address.unwrap_or_default();
            unanswered.request_id = Some(request_id.to_owned());
        }
    }
}

/// Notes what is asked.
pub(super) fn note_asked(request: &HttpRequest, asked: Asked) {
    if let Some(account) = request.extensions_mut().get_mut::<Account>() {
        account.asked = asked;
    }
}

/// Tells what was read how the answer ends it.
pub(super) fn end(visit: &AccessRecord, answer: &HttpResponse) {
    if let Some(errors) = answer.extensions().get::<Errors>() {
        errors.end(visit);
    }
}

/// Wraps every request: counts it and writes its line when its answer begins.
pub async fn account<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let started = Instant::now();
    let door = request.app_data::<web::Data<Door>>().cloned();
    let _running = door.as_ref().map(|door| door.meters.running());
    let unanswered = door.as_ref().map(|door| Unanswered {
        door: door.clone(),
        started,
        method: request.method().clone(),
        address: String::new(),
        request_id: None,
    });
    let mut account = Account::default();
    account.unanswered = unanswered;
    request.extensions_mut().insert(account);
    let response = next.call(request).await?;
    if let Some(door) = door {
        tell(&door, &response, started.elapsed());
    }
    Ok(response)
}

fn tell<B>(door: &Door, response: &ServiceResponse<B>, took: Duration) {
    let request = response.request();
    let mut account = request.extensions_mut().remove::<Account>().unwrap_or_default();
    account.unanswered = None;
    let extensions = response.response().extensions();
    let none = Errors::default();
    let line = Line {
        request_id: response.headers().get("x-request-id").and_then(|value| value.to_str().ok()),
        method: request.method().as_str(),
        address: &request.match_pattern().unwrap_or_default(),
        status: Some(response.status().as_u16()),
        errors: extensions.get::<Errors>().unwrap_or(&none),
        account: &account,
        took,
    };
    line.tell(door);
}

/// The account of an operation on a WebSocket, which is reported when it ends.
pub(super) struct Spoken {
    account: Account,
    started: Instant,
    running: Running,
}

impl std::fmt::Debug for Spoken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spoken").field("running", &self.running).finish_non_exhaustive()
    }
}

impl Spoken {
    /// Begins the account of what a caller asks.
    pub(super) fn begin(door: &Door, caller: &Caller, asked: Asked) -> Self {
        let mut account = Account::default();
        account.asked = asked;
        account.note(caller);
        Self { account, started: Instant::now(), running: door.meters.running() }
    }

    /// Tells it.
    pub(super) fn tell(&self, door: &Door, request_id: &str, errors: &Errors) {
        let request_id = Some(request_id);
        let (account, took) = (&self.account, self.started.elapsed());
        Line { request_id, method: "WEBSOCKET", address: "/graphql", status: None, errors, account, took }.tell(door);
    }
}

/// What is reported about a request.
struct Line<'a> {
    request_id: Option<&'a str>,
    method: &'a str,
    address: &'a str,
    status: Option<u16>,
    errors: &'a Errors,
    account: &'a Account,
    took: Duration,
}

impl Line<'_> {
    fn tell(&self, door: &Door) {
        let Self { request_id, method, address, status, errors, account, took } = *self;
        let Asked { kind, name: operation, roots, .. } = &account.asked;
        for root in roots {
            door.meters.answered(&root.field, errors.code(Some(&root.key)), took);
        }
        if roots.is_empty() {
            door.meters.answered(address, errors.code(None), took);
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
            tenant = account.tenant,
            subject = account.subject,
            kind = kind.map(word),
            operation,
            fields = fields.join(","),
            rows = account.rows.as_ref().map(|rows| rows.load(Ordering::Relaxed)),
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
