//! `POST /v1/events`: recording for machines, as JSON, NDJSON, `CloudEvents`, or in a format that the importer reads.
//!
//! The whole body is one transaction. The status summarises the outcome: 201 if at least one event was recorded, 200 if
//! all are duplicates, 207 if some are rejected or in conflict, or all in conflict, 400 if none was recorded or a
//! duplicate and at least one is rejected. The response body has the outcome of each event, in the order of the request.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::json_body::{self, BodyFormat};
use crate::http::body::{self, BodyLimits};
use crate::http::cpu_pool::INLINE_BYTES_MAX;
use crate::http::limits::{CallerKey, PROCESSING_FACTOR};
use crate::http::middleware::request_id::RequestId;
use crate::http::response::{HttpError, ResponseFormat, error_response};
use crate::http::state::OperationServices;
use access::{AccessActivity, Recorded, Recorder};
use api::error::ApiError;
use model::event::ProblemCode;
use model::json::JsonNode;
use model::{NewEvent, Problem, RecordingRoute, Timestamp, json_input};

/// Records the events of a body.
pub(in crate::http) async fn post(request: HttpRequest, payload: Payload, services: OperationServices) -> HttpResponse {
    let recorded = record(&request, payload, &services).await;
    recorded.unwrap_or_else(|error| error_response(&request, ResponseFormat::Json, error))
}

async fn record(
    request: &HttpRequest,
    payload: Payload,
    services: &OperationServices,
) -> Result<HttpResponse, HttpError> {
    let (limits, now) = (&services.limits, services.environment.now());
    let caller = services.authentication.caller(request, now).await?;
    let recorder = caller.recorder(RecordingRoute::Rest).inspect_err(|_refused| {
        let record = caller.access_record(None, "", &RequestId::of(request), now);
        record.record_forbidden("/v1/events", AccessActivity::Record);
    })?;
    let format = BodyFormat::of(request).ok_or(HttpError::UnsupportedMediaType(
        "the content type must be `application/json`, `application/x-ndjson`, `application/cloudevents+json` or \
         `application/cloudevents-batch+json`",
    ))?;
    let key = CallerKey::of(&caller);
    let request_permit = services.callers.admit(&key)?;
    let reservation = services.bytes.reservation(key);
    let body_limits = BodyLimits { bytes_max: limits.record_bytes_max, timeout: limits.body_timeout };
    let body = body::read(request, payload, body_limits, &reservation).await?;
    // Until the commit, the events are held in several forms.
    reservation.resize(body.len() * PROCESSING_FACTOR)?;
    let tenant = caller.tenant.key.clone();
    let is_long = body.len() > INLINE_BYTES_MAX;
    let read = move || {
        let (keys, events) = events(&body, format, &recorder, &tenant, now)?;
        let prepared = recorder.prepare(events);
        Ok::<_, HttpError>((recorder, keys, prepared))
    };
    // Parsing events keeps a core busy and needs permits; waiting for the commit does not.
    let permit = request_permit.permit().await;
    let (recorder, keys, prepared) = if is_long {
        let permits = (permit, request_permit.expensive_permit().await);
        services.cpu.run(permits, read).await??
    } else {
        let read = read();
        drop(permit);
        read?
    };
    let outcomes = recorder.record_prepared(prepared).await.map_err(ApiError::from)?;
    Ok(response(keys.into_iter().zip(outcomes).collect()))
}

/// The events of a body: their keys, if these can be read, and the events or their problems.
type BodyEvents = (Vec<Option<String>>, Vec<Result<NewEvent, Vec<Problem>>>);

/// Reads the events of a body.
fn events(
    body: &[u8],
    format: BodyFormat,
    recorder: &Recorder,
    tenant: &str,
    now: Timestamp,
) -> Result<BodyEvents, HttpError> {
    let (mut keys, mut events) = BodyEvents::default();
    json_body::cut(body, format, |value| match value {
        Ok(record) => {
            let event = event(&record, recorder, tenant, now);
            let key = event.as_ref().ok().map(|event| event.body().event_key.clone());
            keys.push(key.or_else(|| json_input::event_key(&record)));
            events.push(event);
        }
        Err(problem) => {
            keys.push(None);
            events.push(Err(vec![Problem::new("event", ProblemCode::Invalid, problem)]));
        }
    })?;
    Ok((keys, events))
}

/// Reads an event in this API's own format, else a record of another system.
fn event(record: &JsonNode, recorder: &Recorder, tenant: &str, now: Timestamp) -> Result<NewEvent, Vec<Problem>> {
    if json_input::is_event(record) {
        let (input, mut problems) = json_input::parse(record);
        let Some(input) = input else { return Err(problems) };
        let checked = recorder.event(input, now);
        if problems.is_empty() {
            return checked;
        }
        // All problems are reported at once, each path by the check that found it first.
        for more in checked.err().unwrap_or_default() {
            if !problems.iter().any(|problem| problem.path == more.path) {
                problems.push(more);
            }
        }
        return Err(problems);
    }
    let wrong = |sentence: String| vec![Problem::new("event", ProblemCode::Invalid, sentence)];
    let recognised = formats::recognise(record).map_err(|refused| wrong(refused.0))?;
    if let Some(source_tenant) = &recognised.body.recording.source_tenant_id
        && !source_tenant.eq_ignore_ascii_case(tenant)
    {
        return Err(wrong(format!("the record belongs to tenant `{source_tenant}`")));
    }
    recorder.imported_event(recognised.body, recognised.format.name(), now)
}

/// The response with the outcome of each event.
fn response(outcomes: Vec<(Option<String>, Recorded)>) -> HttpResponse {
    let (mut recorded, mut duplicates, mut conflicts, mut rejected) = (0, 0, 0, 0);
    let results: Vec<serde_json::Value> = outcomes
        .into_iter()
        .enumerate()
        .map(|(index, (event_key, outcome))| match outcome {
            Recorded::Recorded(id, sequence) => {
                recorded += 1;
                json!({ "index": index, "status": "RECORDED", "eventKey": event_key, "eventId": id.to_global(),
                    "sequence": sequence })
            }
            Recorded::Duplicate(id) => {
                duplicates += 1;
                json!({ "index": index, "status": "DUPLICATE", "eventKey": event_key, "eventId": id.to_global() })
            }
            Recorded::DifferingDuplicate(id, fields) => {
                duplicates += 1;
                json!({ "index": index, "status": "DUPLICATE", "eventKey": event_key, "eventId": id.to_global(),
                    "differsIn": fields })
            }
            Recorded::Conflict(id) => {
                conflicts += 1;
                json!({ "index": index, "status": "CONFLICT", "eventKey": event_key, "eventId": id.to_global() })
            }
            Recorded::Rejected(problems) => {
                rejected += 1;
                let problems: Vec<_> = problems
                    .iter()
                    .map(|p| json!({ "path": p.path, "code": code(p.code), "message": p.message }))
                    .collect();
                json!({ "index": index, "status": "REJECTED", "eventKey": event_key, "problems": problems })
            }
        })
        .collect();
    let total = results.len();
    let status = match (recorded, duplicates, rejected + conflicts) {
        (_, _, refused) if refused == total && rejected > 0 => StatusCode::BAD_REQUEST,
        (_, _, refused) if refused > 0 => StatusCode::MULTI_STATUS,
        (0, _, _) => StatusCode::OK,
        _ => StatusCode::CREATED,
    };
    let body = json!({ "results": results, "recordedCount": recorded, "duplicateCount": duplicates,
        "conflictCount": conflicts, "rejectedCount": rejected });
    HttpResponse::build(status).insert_header((header::CACHE_CONTROL, "private, no-store")).json(body)
}

const fn code(code: ProblemCode) -> &'static str {
    match code {
        ProblemCode::Invalid => "INVALID",
        ProblemCode::TooLong => "TOO_LONG",
        ProblemCode::OutOfRange => "OUT_OF_RANGE",
        ProblemCode::NotPermitted => "NOT_PERMITTED",
    }
}
