//! `POST /v1/events`: recording for machines, as JSON, NDJSON, `CloudEvents`, or in a format that the importer reads.
//!
//! The whole body is one transaction. (Records with the id of an event of another activity follow in a second one.) The status summarises the outcome: 201 if at least one event was recorded, 200 if
//! all are duplicates, 207 if some are rejected or in conflict, or all in conflict, 400 if none was recorded or a
//! duplicate and at least one is rejected. The response body has the outcome of each event, in the order of the request.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::json_body::{self, BodyFormat};
use crate::http::authentication::Authentication;
use crate::http::body::{self, BodyLimits};
use crate::http::environment::Environment;
use crate::http::limits::{CallerKey, KeyedLimiter};
use crate::http::middleware::request_id::RequestId;
use crate::http::response::{HttpError, ResponseFormat, error_response};
use crate::http::state::RequestLimits;
use access::{AccessActivity, Recorded, Recorder};
use api::error::ApiError;
use model::event::ProblemCode;
use model::json::JsonNode;
use model::{NewEvent, Problem, RecordingRoute, Timestamp, json_input};

/// One event of the body: its key, if that can be read, and the event or its problems.
struct Item {
    event_key: Option<String>,
    event: Result<NewEvent, Vec<Problem>>,
}

/// Records the events of a body.
pub(in crate::http) async fn post(
    request: HttpRequest,
    payload: Payload,
    authentication: Data<Authentication>,
    callers: Data<KeyedLimiter<CallerKey>>,
    limits: Data<RequestLimits>,
    environment: Data<Environment>,
) -> HttpResponse {
    let recorded = record(&request, payload, &authentication, &callers, &limits, environment.now()).await;
    recorded.unwrap_or_else(|error| error_response(&request, ResponseFormat::Json, error))
}

async fn record(
    request: &HttpRequest,
    payload: Payload,
    authentication: &Authentication,
    callers: &KeyedLimiter<CallerKey>,
    limits: &RequestLimits,
    now: Timestamp,
) -> Result<HttpResponse, HttpError> {
    let caller = authentication.caller(request, now).await?;
    let recorder = caller.recorder(RecordingRoute::Rest).inspect_err(|_refused| {
        let record = caller.access_record(None, "", &RequestId::of(request), now);
        record.record_forbidden("/v1/events", AccessActivity::Record);
    })?;
    let format = BodyFormat::of(request).ok_or(HttpError::UnsupportedMediaType(
        "the content type must be `application/json`, `application/x-ndjson`, `application/json-seq`, \
         `application/cloudevents+json` or `application/cloudevents-batch+json`",
    ))?;
    let request_permit = callers.admit(&CallerKey::of(&caller))?;
    let body_limits = BodyLimits { bytes_max: limits.record_bytes_max, timeout: limits.body_timeout };
    let body = body::read(request, payload, body_limits).await?;
    let items = {
        // Parsing events keeps a core busy and needs a permit; waiting for the commit does not.
        let _permit = request_permit.permit().await;
        items(&body, format, &recorder, &caller.tenant.key, now)?
    };
    let (mut keys, events): (Vec<_>, Vec<_>) = items.into_iter().map(|item| (item.event_key, item.event)).unzip();
    let outcomes = recorder.record_with_keys(events, &mut keys).await.map_err(ApiError::from)?;
    Ok(response(keys.into_iter().zip(outcomes).collect()))
}

/// Reads the events of a body.
fn items(
    body: &[u8],
    format: BodyFormat,
    recorder: &Recorder,
    tenant: &str,
    now: Timestamp,
) -> Result<Vec<Item>, HttpError> {
    let item = |value: Result<JsonNode, String>| match value {
        Ok(record) => {
            let event = event(&record, recorder, tenant, now);
            let key = event.as_ref().ok().map(|event| event.body().event_key.clone());
            Item { event_key: key.or_else(|| json_input::event_key(&record)), event }
        }
        Err(problem) => {
            Item { event_key: None, event: Err(vec![Problem::new("event", ProblemCode::Invalid, problem)]) }
        }
    };
    Ok(json_body::cut(body, format)?.into_iter().map(item).collect())
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
    let event = recorder.imported_event(recognised.body, recognised.format.name(), now)?;
    Ok(event.with_unmapped_if_rekeyed(recognised.unmapped_if_rekeyed))
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
