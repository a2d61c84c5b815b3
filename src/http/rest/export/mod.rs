//! `POST /v1/events/export`: all matching events as a file, and `GET /v1/events/export/{id}`: the status of an export.
//!
//! An export is the list query of the API, page after page, as of one position in the log: with the same filter, checks,
//! roles and withheld values, and no statement that takes longer than that of a page. The server reads a page after the
//! client has received the previous one, and stops when the client disconnects, when it receives nothing for the stall
//! timeout, and when its token or its tenant is no longer valid. A page of large events has fewer of them, so that an
//! export needs no more memory than any other response; a quota limits the exports of a caller. An incomplete export is
//! detectable: NDJSON by its last line, or as CSV by an aborted transfer, both by the status.

mod error;
mod format;
mod formula;
mod page;
mod running;
mod status;
mod transfer;

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};

use crate::http::authentication::Authentication;
use crate::http::body::{self, BodyLimits};
use crate::http::environment::Environment;
use crate::http::limits::{CallerKey, PROCESSING_FACTOR, StreamKind};
use crate::http::middleware::request_id::RequestId;
use crate::http::response::{HttpError, ResponseFormat, error_response};
use crate::http::state::OperationServices;
use access::AccessActivity;
use error::ExportError;
use model::Invalid;
use page::ExportRequest;
use running::RunningExport;
use status::ExportStatuses;

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
    body::check_not_compressed(request)?;
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
    let export = RunningExport {
        services,
        caller,
        request: export_request,
        progress,
        request_permit,
        reservation,
        _quota: quota,
    };
    let (transfer, body) = transfer::transfer();
    actix_web::rt::spawn(export.run(first, transfer));
    let disposition = format!("attachment; filename=\"audit-events.{}\"", format.name());
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, format.content_type()))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header(("x-auditgraph-export-id", id))
        .streaming(Box::pin(body)))
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
