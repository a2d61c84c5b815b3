//! `POST /v1/events/export`: all matching events as a file, and `GET /v1/events/export/{id}`: the status of an export.
//!
//! An export is the list query of the API, page after page, as of one position in the log: with the same filter, checks,
//! roles and withheld values, and no statement that takes longer than that of a page. The server reads a page after the
//! client has received the previous one, and stops when the client disconnects. A page of large events has fewer of
//! them, so that an export needs no more memory than any other response; a quota limits the exports of a caller. An
//! incomplete export is detectable: NDJSON by its last line, CSV by an aborted transfer, both by the status.

mod error;
mod format;
mod page;
mod status;

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::{Bytes, Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use crate::http::authentication::Authentication;
use crate::http::body::{self, BodyLimits};
use crate::http::environment::Environment;
use crate::http::error_codes::OK;
use crate::http::held_body::{HeldBytes, chunks};
use crate::http::limits::{ByteReservation, CallerKey, PROCESSING_FACTOR, QuotaGuard, RequestPermit, StreamKind};
use crate::http::middleware::request_id::RequestId;
use crate::http::response::{HttpError, ResponseFormat, error_response};
use crate::http::state::OperationServices;
use access::AccessActivity;
use api::error::ApiError;
use auth::{Principal, Rejected};
use error::ExportError;
use format::ExportFormat;
use model::Invalid;
use page::{ExportPage, ExportRequest};
use status::{ExportProgress, ExportStatuses};

/// Settings and status of exports.
#[derive(Debug)]
pub struct Exports {
    page_size_max: u32,
    statuses: ExportStatuses,
}

impl Exports {
    /// Reads at most `page_size_max` events at a time.
    pub fn new(page_size_max: u32) -> Self {
        Self { page_size_max, statuses: ExportStatuses::default() }
    }
}

/// A running export.
struct Export {
    services: OperationServices,
    principal: Arc<Principal>,
    request: ExportRequest,
    progress: ExportProgress,
    /// The first page, which is read before the response starts.
    first: Option<ExportPage>,
    has_ended: bool,
    request_permit: RequestPermit<CallerKey>,
    /// The memory of the page that is being read or written.
    reservation: ByteReservation,
    _quota: QuotaGuard<CallerKey>,
}

/// The error by which a transfer is aborted.
#[derive(Debug, thiserror::Error)]
#[error("the export could not be finished")]
struct ExportAborted;

impl Export {
    /// The next chunk of the file, or `None` after the last.
    async fn next_chunk(&mut self) -> Option<Result<Bytes, ExportAborted>> {
        if self.has_ended {
            return None;
        }
        let mut out = Vec::new();
        let page = match self.first.take() {
            Some(page) => {
                out = self.request.format.header(&self.request.columns);
                Ok(page)
            }
            None => self.next_page().await,
        };
        let error = match page {
            Ok(page) => {
                let count = page.edges.len() as u64;
                for (_, event) in &page.edges {
                    self.request.format.row(&mut out, &self.request.columns, event);
                }
                self.progress.add_rows(&out, count, page.edges.into_iter().next_back().map(|(cursor, _)| cursor));
                // Fewer bytes than the page was made of.
                let _ = self.reservation.resize(out.len());
                if page.has_next {
                    return Some(Ok(out.into()));
                }
                self.progress.complete();
                None
            }
            Err(error) => Some(error),
        };
        self.has_ended = true;
        let is_complete = error.is_none();
        self.request.access_record.finish(|_| error.as_ref().map_or(OK, |error| &error.code));
        if let Some(ExportError { code, message, .. }) = error {
            self.progress.fail(code, message);
        }
        let is_ndjson = self.request.format == ExportFormat::Ndjson;
        if is_ndjson {
            out.extend(json!({ "export": self.progress.to_json() }).to_string().as_bytes());
            out.push(b'\n');
        }
        if is_complete || is_ndjson { Some(Ok(out.into())) } else { Some(Err(ExportAborted)) }
    }

    /// The next page, after checking again that the caller may read.
    async fn next_page(&mut self) -> Result<ExportPage, ExportError> {
        if self.services.environment.now() >= self.principal.expires_at {
            return Err(ApiError::Unauthenticated(Rejected::Expired).into());
        }
        let caller = self.services.authentication.caller_of_principal(Arc::clone(&self.principal)).await?;
        self.request.next_page(&self.services, &caller, &self.request_permit, &self.reservation).await
    }
}

/// Starts an export.
pub(in crate::http) async fn post(
    request: HttpRequest,
    payload: Payload,
    services: OperationServices,
    exports: Data<Exports>,
) -> HttpResponse {
    let started = start(&request, payload, services, &exports).await;
    started.unwrap_or_else(|error| error_response(&request, ResponseFormat::Json, error))
}

async fn start(
    request: &HttpRequest,
    payload: Payload,
    services: OperationServices,
    exports: &Exports,
) -> Result<HttpResponse, HttpError> {
    let now = services.environment.now();
    let caller = services.authentication.caller(request, now).await?;
    if !body::is_json(request) {
        return Err(HttpError::UnsupportedMediaType("the content type must be `application/json`, in UTF-8"));
    }
    let key = CallerKey::of(&caller);
    let request_permit = services.callers.admit(&key)?;
    let quota = services.callers.open_stream(&key, StreamKind::Export, None)?;
    let limits = BodyLimits { bytes_max: services.limits.body_bytes_max, timeout: services.limits.body_timeout };
    let reservation = services.bytes.reservation(key.clone());
    let body = body::read(request, payload, limits, &reservation).await?;
    reservation.resize(body.len() * PROCESSING_FACTOR)?;
    let members = body::parse_object(body, &services.cpu, &request_permit).await?;
    let members = members.map_err(|error| Invalid::new(error.message()))?;
    let record = Arc::new(caller.access_record(Some(AccessActivity::Export), "", &RequestId::of(request), now));
    // The first page is read while the status can still report an error.
    let first_page = async {
        let mut export = ExportRequest::parse(members, exports.page_size_max, Arc::clone(&record), now)?;
        let first = export.next_page(&services, &caller, &request_permit, &reservation).await?;
        Ok::<_, ExportError>((export, first))
    };
    let (export_request, first) = first_page.await.inspect_err(|error| record.finish(|_| &error.code))?;
    let (id, format) = (services.environment.new_id(), export_request.format);
    let progress = exports.statuses.start(id.clone(), key, format, first.as_of);
    let export = Export {
        services,
        principal: Arc::clone(&caller.principal),
        request: export_request,
        progress,
        first: Some(first),
        has_ended: false,
        request_permit,
        reservation,
        _quota: quota,
    };
    let pages = futures_util::stream::unfold(export, async |mut export| {
        let page = export.next_chunk().await?.map(|page| HeldBytes::new(page, None));
        Some((page, export))
    });
    let disposition = format!("attachment; filename=\"audit-events.{}\"", format.name());
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, format.content_type()))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header(("x-auditgraph-export-id", id))
        .streaming(Box::pin(chunks(Box::pin(pages)))))
}

/// The status of an export, for the caller who started it.
pub(in crate::http) async fn get(
    request: HttpRequest,
    id: Path<String>,
    authentication: Data<Authentication>,
    exports: Data<Exports>,
    environment: Data<Environment>,
) -> HttpResponse {
    let caller = match authentication.caller(&request, environment.now()).await {
        Ok(caller) => caller,
        Err(error) => return error_response(&request, ResponseFormat::Json, error),
    };
    match exports.statuses.find(&id, &CallerKey::of(&caller)) {
        Some(status) => HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "private, no-store")).json(status),
        None => error_response(&request, ResponseFormat::Json, HttpError::NotFound("export not found")),
    }
}
