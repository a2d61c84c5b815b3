//! `POST /v1/events`: recording for machines, as JSON, NDJSON, `CloudEvents`, or in a format that the importer reads.
//!
//! The whole body is one transaction. (Records with the id of an event of another activity follow in a second one.) The
//! status summarises the outcome: 201 if at least one event was recorded, 200 if all are duplicates, 207 if some are
//! rejected or in conflict, or all in conflict, 400 if none was recorded or a duplicate and at least one is rejected. The
//! response body has the outcome of each event, in the order of the request.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::json_body::{self, BodyFormat};
use crate::http::body::{self, BodyLimits};
use crate::http::content_coding::{self, ContentCoding};
use crate::http::cpu_pool::INLINE_BYTES_MAX;
use crate::http::limits::{CallerKey, PROCESSING_FACTOR};
use crate::http::middleware::request_id::RequestId;
use crate::http::response::{HttpError, ResponseFormat, error_response};
use crate::http::state::OperationServices;
use access::{AccessActivity, Recorded, Recorder};
use api::error::ApiError;
use formats::RecordFormat;
use model::event::ProblemCode;
use model::json::JsonNode;
use model::{Invalid, NewEvent, Problem, RecordingRoute, Timestamp, json_input};

/// One event of the body: its key, if that can be read, and the event or its problems.
struct Item {
    label: ItemLabel,
    event: Result<NewEvent, Vec<Problem>>,
}

/// The parts of a result that do not depend on the outcome.
struct ItemLabel {
    event_key: Option<String>,
    /// The format that the event was read in, unless it is that of this API.
    source: Option<&'static str>,
}

/// Whether an object that is in no known format is recorded if it has a time and an activity under a common name. The
/// caller must choose this with `format=generic`, because the result may differ from what the caller meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnknownFormat {
    Rejected,
    Recorded,
}

impl UnknownFormat {
    /// Reads the parameters of the URL.
    fn of(request: &HttpRequest) -> Result<Self, Invalid> {
        let format = Query::<HashMap<String, String>>::from_query(request.query_string());
        match format.ok().as_ref().map(|parameters| parameters.get("format").map(String::as_str)) {
            Some(None) => Ok(Self::Rejected),
            Some(Some("generic")) => Ok(Self::Recorded),
            _ => Err(Invalid::new("the parameter `format` must be `generic` or omitted")),
        }
    }
}

/// The problem of an object that is in no known format.
const UNKNOWN_FORMAT: &str = "the object is neither an event of this API, which has `eventKey` and `occurredAt`, nor a \
    record of a known system: send the fields of `AuditEventInput`, or add `?format=generic` to the address to record any \
    object that has a time and an activity";

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
        "the content type must be `application/json`, `application/x-ndjson`, `application/json-seq`, \
         `application/cloudevents+json` or `application/cloudevents-batch+json`",
    ))?;
    let coding = ContentCoding::of(request).ok_or(HttpError::UnsupportedContentCoding {
        accepted: "gzip, identity",
        message: "the `Content-Encoding` of the body must be `gzip`, or the body must have none",
    })?;
    let unknown_format = UnknownFormat::of(request)?;
    let key = CallerKey::of(&caller);
    let request_permit = services.callers.admit(&key)?;
    let reservation = services.bytes.reservation(key);
    let body_limits = BodyLimits { bytes_max: limits.record_bytes_max, timeout: limits.body_timeout };
    let body = body::read(request, payload, body_limits, &reservation).await?;
    let body = match coding {
        ContentCoding::Identity => body,
        ContentCoding::Gzip => {
            let permits = (request_permit.permit().await, request_permit.expensive_permit().await);
            reservation.resize(body.len() + limits.record_bytes_max)?;
            let bytes_max = limits.record_bytes_max;
            services.cpu.run(permits, move || content_coding::decompress(&body, bytes_max)).await??.into()
        }
    };
    // Until the commit, the events are held in several forms.
    reservation.resize(body.len() * PROCESSING_FACTOR)?;
    let tenant = caller.tenant.key.clone();
    let is_long = body.len() > INLINE_BYTES_MAX;
    let read = move || {
        let (labels, events) =
            ItemReader { recorder: &recorder, tenant: &tenant, unknown_format, now }.read(&body, format)?;
        let prepared = recorder.prepare(events);
        Ok::<_, HttpError>((recorder, labels, prepared))
    };
    // Parsing events keeps a core busy and needs permits; waiting for the commit does not.
    let permit = request_permit.permit().await;
    let (recorder, mut labels, prepared) = if is_long {
        let permits = (permit, request_permit.expensive_permit().await);
        services.cpu.run(permits, read).await??
    } else {
        let read = read();
        drop(permit);
        read?
    };
    let mut keys: Vec<Option<String>> = labels.iter_mut().map(|label| label.event_key.take()).collect();
    let outcomes = recorder.record_prepared(prepared, &mut keys).await.map_err(ApiError::from)?;
    for (label, key) in labels.iter_mut().zip(keys) {
        label.event_key = key;
    }
    Ok(response(labels.into_iter().zip(outcomes).collect()))
}

/// The events of a body: their labels, and the events or their problems.
type BodyEvents = (Vec<ItemLabel>, Vec<Result<NewEvent, Vec<Problem>>>);

/// Reads the events of a body.
struct ItemReader<'a> {
    recorder: &'a Recorder,
    tenant: &'a str,
    unknown_format: UnknownFormat,
    now: Timestamp,
}

impl ItemReader<'_> {
    /// Reads a body.
    fn read(&self, body: &[u8], format: BodyFormat) -> Result<BodyEvents, HttpError> {
        let (mut labels, mut events) = BodyEvents::default();
        json_body::cut(body, format, |value| {
            let Item { label, event } = self.item(value);
            labels.push(label);
            events.push(event);
        })?;
        Ok((labels, events))
    }

    /// Reads one value of the body.
    fn item(&self, value: Result<JsonNode, String>) -> Item {
        let record = match value {
            Ok(record) => record,
            Err(problem) => {
                return Item { label: ItemLabel { event_key: None, source: None }, event: Err(invalid(problem)) };
            }
        };
        let (source, event) = if json_input::is_event(&record) {
            (None, self.own_event(&record))
        } else {
            self.record_of_other_system(&record)
        };
        let key = event.as_ref().ok().map(|event| event.body().event_key.clone());
        Item { label: ItemLabel { event_key: key.or_else(|| json_input::event_key(&record)), source }, event }
    }

    /// Reads an event in this API's own format.
    fn own_event(&self, record: &JsonNode) -> Result<NewEvent, Vec<Problem>> {
        let (input, mut problems) = json_input::parse(record);
        let Some(input) = input else { return Err(problems) };
        let checked = self.recorder.event(input, self.now);
        if problems.is_empty() {
            return checked;
        }
        // All problems are reported at once, each path by the check that found it first.
        for more in checked.err().unwrap_or_default() {
            if !problems.iter().any(|problem| problem.path == more.path) {
                problems.push(more);
            }
        }
        Err(problems)
    }

    /// Reads a record of another system, and returns its format, if that is known.
    fn record_of_other_system(&self, record: &JsonNode) -> (Option<&'static str>, Result<NewEvent, Vec<Problem>>) {
        let recognised = match formats::recognise(record) {
            Ok(recognised) => recognised,
            Err(refused) => return (None, Err(invalid(refused.0))),
        };
        if recognised.format == RecordFormat::Generic && self.unknown_format == UnknownFormat::Rejected {
            return (None, Err(invalid(UNKNOWN_FORMAT.to_owned())));
        }
        let source = recognised.format.name();
        let event = match &recognised.body.recording.source_tenant_id {
            Some(tenant) if !tenant.eq_ignore_ascii_case(self.tenant) => {
                Err(invalid(format!("the record belongs to tenant `{tenant}`")))
            }
            _ => {
                let event = self.recorder.imported_event(recognised.body, source, self.now);
                event.map(|event| event.with_unmapped_if_rekeyed(recognised.unmapped_if_rekeyed))
            }
        };
        (Some(source), event)
    }
}

/// The problem of an event as a whole.
fn invalid(sentence: String) -> Vec<Problem> {
    vec![Problem::new("event", ProblemCode::Invalid, sentence)]
}

/// The response with the outcome of each event.
fn response(outcomes: Vec<(ItemLabel, Recorded)>) -> HttpResponse {
    let (mut recorded, mut duplicates, mut conflicts, mut rejected) = (0, 0, 0, 0);
    let results: Vec<serde_json::Value> = outcomes
        .into_iter()
        .enumerate()
        .map(|(index, (ItemLabel { event_key, source }, outcome))| {
            let mut result = match outcome {
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
            };
            if let Some(source) = source {
                result["source"] = source.into();
            }
            result
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
