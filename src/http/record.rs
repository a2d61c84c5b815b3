//! `POST /v1/events`: recording for machines, as JSON, NDJSON, `CloudEvents`, or in a shape the importer knows.
//!
//! The whole body is one transaction. The status sums up the outcome: 201 if at least one event was recorded, 200 if
//! all are duplicates, 207 if some are rejected or in conflict, or all in conflict, 400 if none was recorded or a
//! duplicate and at least one is rejected. The response body has the outcome of each event, in the order given.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::body::{self, Reading};
use super::crowd::who;
use super::envelope::RequestId;
use super::response::{Media, failure, too_many};
use super::{Door, bearer};
use access::{AccessActivity, Recorded, Recorder};
use api::error::{ApiError, Code};
use formats::{self, RecordReader};
use model::event::ProblemCode;
use model::json::Node;
use model::{Invalid, NewEvent, Problem, RecordingRoute, Timestamp, json_input};

/// The most events in one request.
const EVENTS_MAX: usize = 1_000;

/// How the body contains its events.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One JSON value: an event or a list.
    Json,
    /// A JSON value a line.
    Lines,
}

impl Form {
    fn of(request: &HttpRequest) -> Option<Self> {
        let content_type = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
        match content_type.split(';').next()?.trim().to_ascii_lowercase().as_str() {
            "application/json" | "application/cloudevents+json" | "application/cloudevents-batch+json" => {
                Some(Self::Json)
            }
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Self::Lines),
            _ => None,
        }
    }
}

/// One event of the body: its key, if that can be read, and the event or what is wrong with it.
struct Item {
    event_key: Option<String>,
    event: Result<NewEvent, Vec<Problem>>,
}

/// The answer, or a refusal with its status.
type Outcome = Result<HttpResponse, (StatusCode, ApiError)>;

/// Records the events of a body.
pub(super) async fn post(request: HttpRequest, payload: web::Payload, door: web::Data<Door>) -> HttpResponse {
    let request_id = RequestId::given(&request, &door);
    let recorded = record(&request, payload, &door, &request_id).await;
    recorded.unwrap_or_else(|(status, error)| {
        let mut refused = failure(status, Media::Json, error, &request_id);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            refused.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        refused
    })
}

async fn record(request: &HttpRequest, payload: web::Payload, door: &Door, request_id: &str) -> Outcome {
    let now = (door.clock)();
    let caller = match bearer::caller(door, request, now, Media::Json, request_id).await {
        Ok(caller) => caller,
        Err(refused) => return Ok(refused),
    };
    let recorder = caller.recorder(RecordingRoute::Rest).map_err(|refused| {
        caller.access_record(None, "", request_id, now).record_forbidden("/v1/events", AccessActivity::Record);
        (StatusCode::FORBIDDEN, refused.into())
    })?;
    let form = Form::of(request).ok_or_else(|| {
        let sentence = "the content type must be `application/json`, `application/x-ndjson`, \
            `application/cloudevents+json` or `application/cloudevents-batch+json`";
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, Invalid::new(sentence).into())
    })?;
    let place = match door.callers.enter(&who(&caller)) {
        Ok(place) => place,
        Err(refused) => return Ok(too_many(refused, Media::Json)),
    };
    let reading = Reading { bytes_max: door.record_bytes_max, patience: door.body_patience };
    let body = body::read(request, payload, reading).await?;
    let items = {
        // Reading the events keeps a core busy; waiting for the commit does not.
        let _turn = place.turn().await;
        items(&body, form, &recorder, &caller.tenant.key, now)?
    };
    let (keys, events): (Vec<_>, Vec<_>) = items.into_iter().map(|item| (item.event_key, item.event)).unzip();
    let outcomes = recorder.record(events).await.map_err(|error| {
        let error = ApiError::from(error);
        let status = match error.code() {
            Code::Unavailable | Code::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, error)
    })?;
    Ok(answer(keys.into_iter().zip(outcomes).collect()))
}

fn items(
    body: &[u8],
    form: Form,
    recorder: &Recorder,
    tenant: &str,
    now: Timestamp,
) -> Result<Vec<Item>, (StatusCode, ApiError)> {
    let mut items = Vec::new();
    for record in RecordReader::new(body) {
        if items.len() == EVENTS_MAX {
            let error = ApiError::Limit { what: "events", asked: EVENTS_MAX + 1, limit: EVENTS_MAX };
            return Err((StatusCode::PAYLOAD_TOO_LARGE, error));
        }
        items.push(match record {
            Ok((_, record)) => {
                let event = event(&record, recorder, tenant, now);
                let given = event.as_ref().ok().map(|event| event.body().event_key.clone());
                Item { event_key: given.or_else(|| json_input::event_key(&record)), event }
            }
            Err(problem) if form == Form::Lines || problem.is_of_record => {
                let problem = Problem::new("event", ProblemCode::Invalid, problem.to_string());
                Item { event_key: None, event: Err(vec![problem]) }
            }
            Err(problem) => {
                let sentence = format!("event {}, counted from 0, is not valid JSON: {problem}", items.len());
                return Err((StatusCode::BAD_REQUEST, Invalid::new(sentence).into()));
            }
        });
    }
    if items.is_empty() {
        return Err((StatusCode::BAD_REQUEST, Invalid::new("the body contains no event").into()));
    }
    Ok(items)
}

/// An event in our own words, else a record of another system.
fn event(record: &Node, recorder: &Recorder, tenant: &str, now: Timestamp) -> Result<NewEvent, Vec<Problem>> {
    if json_input::is_event(record) {
        let (input, mut problems) = json_input::parse(record);
        let Some(input) = input else { return Err(problems) };
        let checked = recorder.event(input, now);
        if problems.is_empty() {
            return checked;
        }
        // All that is wrong is said at once, each part by the first that found it.
        for more in checked.err().unwrap_or_default() {
            if !problems.iter().any(|known| known.path == more.path) {
                problems.push(more);
            }
        }
        return Err(problems);
    }
    let wrong = |sentence: String| vec![Problem::new("event", ProblemCode::Invalid, sentence)];
    let recognised = formats::recognise(record).map_err(|refused| wrong(refused.0))?;
    if let Some(named) = &recognised.body.recording.source_tenant_id
        && !named.eq_ignore_ascii_case(tenant)
    {
        return Err(wrong(format!("the record belongs to tenant `{named}`")));
    }
    recorder.imported_event(recognised.body, recognised.format.name(), now)
}

fn answer(outcomes: Vec<(Option<String>, Recorded)>) -> HttpResponse {
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
