//! The request log: one line and the metrics of each request, written when its response begins.
//!
//! A record names the caller, the operation and its root fields. It never contains a token, a variable or any part of a
//! document except names; the log formats escape what callers wrote, so no line can be forged. A request whose client
//! disconnects before the response is recorded with the code `CANCELLED`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse};
use async_graphql::parser::types::OperationType;

use super::metrics::{GaugeGuard, Metrics};
use super::request_id::{REQUEST_ID, RequestId};
use crate::http::error_codes::ErrorCodes;
use access::{AccessRecord, Caller};
use api::engine::operation::OperationInfo;

/// The most characters of a subject.
const SUBJECT_CHARS_MAX: usize = 200;
/// The code of a request whose client disconnected before the response.
const CANCELLED: &str = "CANCELLED";

/// The details that handlers report about a request: the caller and the operation.
#[derive(Default)]
struct RequestDetails {
    tenant: String,
    subject: String,
    rows: Option<Arc<AtomicU64>>,
    operation: Option<Arc<OperationInfo>>,
}

impl RequestDetails {
    fn set_caller(&mut self, caller: &Caller) {
        self.tenant.clone_from(&caller.tenant.key);
        self.subject = caller.principal.subject.chars().take(SUBJECT_CHARS_MAX).collect();
        self.rows = Some(caller.rows());
    }
}

/// A request without a response. Dropped before the response, it records the request as cancelled.
struct RequestLogGuard {
    details: RequestDetails,
    metrics: Data<Metrics>,
    started: Instant,
    method: Method,
    /// The route, once a caller is authenticated.
    route: String,
    request_id: Option<String>,
    is_finished: bool,
}

impl Drop for RequestLogGuard {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        let record = LogRecord {
            request_id: self.request_id.as_deref(),
            method: self.method.as_str(),
            route: &self.route,
            status: None,
            codes: &ErrorCodes::all(CANCELLED),
            details: &self.details,
            duration: self.started.elapsed(),
        };
        record.write(&self.metrics);
    }
}

/// Records the caller of a request.
pub(in crate::http) fn set_caller(request: &HttpRequest, caller: &Caller) {
    let (route, request_id) = (request.match_pattern(), RequestId::of(request));
    if let Some(guard) = request.extensions_mut().get_mut::<RequestLogGuard>() {
        guard.details.set_caller(caller);
        guard.route = route.unwrap_or_default();
        guard.request_id = Some(request_id);
    }
}

/// Records the operation of a request.
pub(in crate::http) fn set_operation(request: &HttpRequest, operation: Arc<OperationInfo>) {
    if let Some(guard) = request.extensions_mut().get_mut::<RequestLogGuard>() {
        guard.details.operation = Some(operation);
    }
}

/// Reports the outcome of a response to the access log.
pub(in crate::http) fn report_outcome(record: &AccessRecord, response: &HttpResponse) {
    if let Some(codes) = response.extensions().get::<ErrorCodes>() {
        codes.report(record);
    }
}

/// Counts the request as in flight, and writes its record when the response begins.
pub(super) async fn request_log<B: MessageBody + 'static>(
    metrics: Data<Metrics>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let _in_flight = metrics.request_started();
    let guard = RequestLogGuard {
        details: RequestDetails::default(),
        metrics,
        started: Instant::now(),
        method: request.method().clone(),
        route: String::new(),
        request_id: None,
        is_finished: false,
    };
    request.extensions_mut().insert(guard);
    let response = next.call(request).await?;
    finish(&response);
    Ok(response)
}

fn finish<B>(response: &ServiceResponse<B>) {
    let request = response.request();
    let Some(mut guard) = request.extensions_mut().remove::<RequestLogGuard>() else { return };
    guard.is_finished = true;
    let extensions = response.response().extensions();
    let no_errors = ErrorCodes::default();
    let record = LogRecord {
        request_id: response.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok()),
        method: request.method().as_str(),
        route: &request.match_pattern().unwrap_or_default(),
        status: Some(response.status().as_u16()),
        codes: extensions.get::<ErrorCodes>().unwrap_or(&no_errors),
        details: &guard.details,
        duration: guard.started.elapsed(),
    };
    record.write(&guard.metrics);
}

/// The record of an operation on a WebSocket, written when the operation ends.
pub(in crate::http) struct WebSocketRequestLog {
    details: RequestDetails,
    started: Instant,
    metrics: Data<Metrics>,
    _in_flight: GaugeGuard,
}

impl std::fmt::Debug for WebSocketRequestLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebSocketRequestLog").finish_non_exhaustive()
    }
}

impl WebSocketRequestLog {
    /// Starts the record of an operation of a caller.
    pub(in crate::http) fn start(metrics: Data<Metrics>, caller: &Caller, operation: Arc<OperationInfo>) -> Self {
        let mut details = RequestDetails { operation: Some(operation), ..RequestDetails::default() };
        details.set_caller(caller);
        Self { details, started: Instant::now(), _in_flight: metrics.request_started(), metrics }
    }

    /// Writes the record.
    pub(in crate::http) fn write(&self, request_id: &str, codes: &ErrorCodes) {
        let record = LogRecord {
            request_id: Some(request_id),
            method: "WEBSOCKET",
            route: "/graphql",
            status: None,
            codes,
            details: &self.details,
            duration: self.started.elapsed(),
        };
        record.write(&self.metrics);
    }
}

/// The content of one line of the request log.
struct LogRecord<'a> {
    request_id: Option<&'a str>,
    method: &'a str,
    route: &'a str,
    status: Option<u16>,
    codes: &'a ErrorCodes,
    details: &'a RequestDetails,
    duration: Duration,
}

impl LogRecord<'_> {
    fn write(&self, metrics: &Metrics) {
        let Self { request_id, method, route, status, codes, details, duration } = *self;
        let operation = details.operation.as_deref();
        let root_fields = operation.map(OperationInfo::root_fields).unwrap_or_default();
        for field in root_fields {
            metrics.request_finished(&field.name, codes.code(Some(&field.response_key)), duration);
        }
        if root_fields.is_empty() {
            metrics.request_finished(route, codes.code(None), duration);
        }
        let duration_ms = (duration.as_secs_f64() * 1e6).round() / 1e3;
        if matches!(route, "/healthz" | "/readyz") {
            tracing::debug!(method, route, status, duration_ms, "request completed");
            return;
        }
        let names: Vec<&str> = root_fields.iter().map(|field| field.name.as_str()).collect();
        tracing::info!(
            request_id,
            method,
            route,
            status,
            code = codes.code(None),
            tenant = details.tenant,
            subject = details.subject,
            operation_type = operation.map(OperationInfo::kind).map(kind_name),
            operation_name = operation.map(OperationInfo::name).unwrap_or_default(),
            root_fields = names.join(","),
            rows = details.rows.as_ref().map(|rows| rows.load(Ordering::Relaxed)),
            duration_ms,
            "request completed"
        );
    }
}

const fn kind_name(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}
