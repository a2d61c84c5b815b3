//! Any object with a time and an activity, under common field names: this API's own input, events in a `CloudEvents`
//! envelope, and the logs of applications and other platforms.
//!
//! Field names match without regard to case and separators. If the record itself does not name an activity, but an object
//! in it does (`event`, `data`, `detail`, ...), that object takes precedence, and the record supplies missing fields.

mod parties;

use super::embedded::WRAPPERS;
use super::event_draft::EventDraft;
use super::key::KeySet;
use super::source_record::JsonCursor;
use super::value::{details, reason, status};
use super::{UnsupportedRecord, timestamp, unsupported};
use model::{GroupSource, Status, Timestamp};

#[rustfmt::skip]
pub(super) static TIMES: KeySet = KeySet::new(&[
    "occurredAt", "activityDateTime", "eventTime", "eventDateTime", "time", "timestamp", "@timestamp", "createdAt",
    "createdDateTime", "creationTime", "creationDate", "timeGenerated", "generatedTime", "dateTime", "date",
    "published", "loggedAt", "ts", "when", "recordedAt", "_time", "dateUtc", "activityDateUtc", "activityDate",
    "eventTimestamp", "requestReceivedTimestamp", "stageTimestamp", "event.created", "id.time",
]);
#[rustfmt::skip]
pub(super) static ACTIVITIES: KeySet = KeySet::new(&[
    "activity", "activityKey", "actionType", "activityType", "action", "operation", "operationName", "eventName", "eventType",
    "eventAction", "event", "activityDisplayName", "event.action", "events.name", "methodName",
]);
/// Free-text fields, the last resort for an activity.
pub(super) static SENTENCES: KeySet = KeySet::new(&["msg", "message", "description", "summary"]);
const TITLES: &[&str] = &["activityDisplayName", "displayMessage", "title"];
#[rustfmt::skip]
const IDS: &[&str] = &[
    "eventKey", "eventId", "event.id", "id", "uuid", "recordId", "documentId", "auditId", "_id", "uid", "insertId",
    "id.uniqueQualifier",
];
const CATEGORIES: &[&str] = &["category", "eventCategory", "categoryName", "event.category", "events.type"];
#[rustfmt::skip]
const SERVICES: &[&str] = &[
    "service", "serviceName", "loggedByService", "eventSource", "workload", "product", "application", "app",
    "provider", "event.provider", "dataset", "service.name", "id.applicationName", "source",
];
#[rustfmt::skip]
const STATUSES: &[&str] = &[
    "status", "result", "outcome", "resultStatus", "activityResult", "resultType", "event.outcome", "responseStatus",
    "success", "succeeded", "code",
];
#[rustfmt::skip]
const REASONS: &[&str] = &[
    "statusReason", "resultReason", "resultDescription", "failureReason", "reason", "event.reason", "errorMessage",
    "errorCode", "error", "message",
];
/// Fields that occur only in failures.
const FAILURES: &[&str] = &["failureReason", "errorMessage", "errorCode", "error"];
#[rustfmt::skip]
const CORRELATIONS: &[&str] =
    &["correlationId", "requestId", "traceId", "trace.id", "operationId", "transactionId", "transaction.id"];
const DETAILS: &[&str] = &["additionalDetails", "details", "events.parameters"];

/// Whether the record is a `CloudEvents` envelope.
pub(super) fn is_cloud_event(record: &JsonCursor) -> bool {
    record.has("specversion") && record.has("type") && record.has("source")
}

/// Whether the data of an envelope is in this API's format, by the same criteria as in recording.
fn is_own_format(data: &JsonCursor) -> bool {
    let is_actor = |actor: &JsonCursor| ["user", "application", "system"].iter().any(|kind| actor.has(kind));
    let status = data.str_at("status").and_then(|status| Status::from_name(&status));
    data.find("actor").is_some_and(is_actor) || (data.has("category") && status.is_some())
}

/// Converts a record.
pub(super) fn map(record: &JsonCursor) -> Result<EventDraft, UnsupportedRecord> {
    let fields = FieldMap::of(record);
    let occurred_at = fields.occurred_at().ok_or_else(|| {
        let sources: Vec<(&str, &JsonCursor, &[&str])> =
            fields.sources.iter().map(|source| ("", *source, TIMES.names())).collect();
        let missing = "the record has no time in `time`, `timestamp`, `occurredAt` or the like";
        timestamp::unreadable(&sources).unwrap_or_else(|| unsupported::missing_field(missing, record))
    })?;
    let activity = fields.activity().ok_or_else(|| {
        let missing = "the record does not name an activity in `activity`, `action`, `operation` or the like";
        unsupported::missing_field(missing, record)
    })?;
    let service = fields.first(&["service", "serviceName", "loggedByService"], "source", SERVICES);
    let service = service.or_else(|| vendor(record).map(str::to_owned));
    let mut draft = EventDraft::new(occurred_at, activity, service.as_deref().unwrap_or("Other"));
    draft.title = fields.take(TITLES);
    draft.is_key = fields.sources.iter().any(|source| source.has("eventKey"));
    draft.id = fields.first(&["eventKey", "eventId"], "id", IDS);
    draft.category = fields.take(CATEGORIES);
    draft.component = fields.take(&["component", "componentName"]);
    draft.verb = fields.first_str(&["operationType", "activityOperationType", "verb"]);
    draft.resource = fields.first_str(&["activityResourceType", "resourceType"]);
    draft.group_source =
        fields.first_str(&["groupSource"]).and_then(|string| GroupSource::from_name(&string.to_ascii_uppercase()));
    (draft.status, draft.status_reason) = outcome(&fields);
    draft.correlation_id = fields.take(CORRELATIONS);
    (draft.actor, draft.targets) = parties::read(&fields);
    draft.details = fields.find(DETAILS).map(details).unwrap_or_default();
    draft.tenant = fields.take(&["tenantId", "tenant", "organizationId", "orgId", "id.customerId"]);
    Ok(draft)
}

/// Detects a platform whose records do not name it.
fn vendor(record: &JsonCursor) -> Option<&'static str> {
    let has = |keys: &[&str]| keys.iter().all(|key| record.has(key));
    let version = record.str_at("apiVersion").unwrap_or_default();
    match () {
        () if version.starts_with("audit.k8s.io/") => Some("Kubernetes"),
        () if has(&["legacyEventType", "published"]) => Some("Okta"),
        () if has(&["_document_id", "@timestamp", "action"]) && (record.has("org") || record.has("business")) => {
            Some("GitHub")
        }
        () => None,
    }
}

/// The objects of a record in which fields are looked up, in order of precedence, and the envelope if there is one. The
/// envelope takes precedence over ambiguous members such as `id` and `type`, which may belong to the target.
struct FieldMap<'a> {
    sources: Vec<&'a JsonCursor<'a>>,
    envelope: Option<&'a JsonCursor<'a>>,
    /// Whether the envelope takes precedence over its data, as in recording events in this API's format.
    envelope_first: bool,
}

impl<'a> FieldMap<'a> {
    fn of(record: &'a JsonCursor<'a>) -> Self {
        let envelope = is_cloud_event(record).then_some(record);
        let data = envelope.and_then(|record| record.get("data")).filter(|data| data.is_object());
        let body = data.unwrap_or(record);
        let envelope_first = data.is_some_and(is_own_format);
        let fields = Self { sources: vec![body], envelope: envelope.filter(|_| data.is_some()), envelope_first };
        if envelope.is_some() {
            return fields;
        }
        let within = |keys: &[&str]| {
            let inner = keys.iter().filter_map(|key| body.find(key)).filter(|cursor| cursor.is_object());
            let described =
                inner.map(|cursor| Self { sources: vec![cursor, body], envelope: None, envelope_first: false });
            described.into_iter().find(|fields| fields.plain_activity().is_some())
        };
        let event = within(&["event"]);
        event.or_else(|| within(WRAPPERS.names()).filter(|_| fields.plain_activity().is_none())).unwrap_or(fields)
    }

    /// Takes the scalar, or the first scalar of a list, at the first of these keys that has one.
    fn take(&self, keys: &[&str]) -> Option<String> {
        self.sources.iter().find_map(|source| take(source, keys))
    }

    /// Returns the scalar at the first of these keys that has one, to be interpreted.
    fn first_str(&self, keys: &[&str]) -> Option<String> {
        self.sources.iter().find_map(|source| keys.iter().find_map(|key| source.str_at(key)))
    }

    /// Returns the value at the first of these keys that is not `null`.
    fn find(&self, keys: &[&str]) -> Option<&'a JsonCursor<'a>> {
        self.sources
            .iter()
            .find_map(|source| keys.iter().find_map(|key| source.get(key).filter(|cursor| !cursor.is_null())))
    }

    /// Takes the scalar at an unambiguous key, else that of the envelope, else one at a common key.
    fn first(&self, unambiguous: &[&str], in_envelope: &str, common: &[&str]) -> Option<String> {
        if let Some(string) = self.leading(in_envelope) {
            return Some(string);
        }
        let string = self.take(unambiguous);
        match self.envelope {
            Some(envelope) => string.or_else(|| envelope.take_at(in_envelope)),
            None => string.or_else(|| self.take(common)),
        }
    }

    /// Takes the scalar of an envelope that takes precedence.
    fn leading(&self, key: &str) -> Option<String> {
        self.envelope.filter(|_| self.envelope_first)?.take_at(key)
    }

    fn occurred_at(&self) -> Option<Timestamp> {
        let first = |keys: &[&str]| self.sources.iter().find_map(|source| timestamp::take_first(source, keys));
        let leading = self.envelope.filter(|_| self.envelope_first);
        let leading = leading.and_then(|envelope| timestamp::take_first(envelope, &["time"]));
        leading
            .or_else(|| first(&["occurredAt", "activityDateTime", "eventTime"]))
            .or_else(|| timestamp::take_first(self.envelope?, &["time"]))
            .or_else(|| first(TIMES.names()))
    }

    fn activity(&self) -> Option<String> {
        self.leading("type")
            .or_else(|| self.plain_activity())
            .or_else(|| self.envelope?.take_at("type"))
            .or_else(|| self.verb_and_object())
            .or_else(|| self.take(&["events.type", "type"]))
            .or_else(|| self.take(SENTENCES.names()).filter(|text| !text.starts_with(['{', '['])))
    }

    /// Takes the activity from a field that names it.
    fn plain_activity(&self) -> Option<String> {
        let source = self.sources.first()?;
        let is_event =
            self.sources.get(1).and_then(|outer| outer.find("event")).is_some_and(|it| std::ptr::eq(it, *source));
        take_name(source, ACTIVITIES.names()).or_else(|| take_name(source, &["name", "type"]).filter(|_| is_event))
    }

    /// Combines verb and resource of Kubernetes, such as `delete secrets`.
    fn verb_and_object(&self) -> Option<String> {
        let (verb, object) = (self.first_str(&["verb"])?, self.first_str(&["objectRef.resource"]));
        Some(object.map_or(verb.clone(), |object| format!("{verb} {object}")))
    }
}

/// Takes the string at the first of these keys that has one. Booleans are not names.
fn take_name(source: &JsonCursor, keys: &[&str]) -> Option<String> {
    let named = keys.iter().filter(|key| source.str_at(key).is_none_or(|string| string != "true" && string != "false"));
    named.into_iter().find_map(|key| take(source, &[key]))
}

/// Takes the scalar, or the first scalar of a list, at the first of these keys that has one.
fn take(source: &JsonCursor, keys: &[&str]) -> Option<String> {
    let string = |cursor: &JsonCursor| cursor.take().or_else(|| cursor.elements().first().and_then(JsonCursor::take));
    keys.iter().find_map(|key| source.get(key).and_then(string))
}

/// Returns the status and reason: from a scalar, or from an object with both.
fn outcome(fields: &FieldMap) -> (Status, Option<String>) {
    let reason_in = |source: &JsonCursor, keys: &[&str]| keys.iter().find_map(|key| reason(source.get(key)));
    let within = |keys: &[&str]| fields.sources.iter().find_map(|source| reason_in(source, keys));
    // Outside of an outcome object, `message` describes the event, not the reason.
    let why = within(&REASONS[..REASONS.len() - 1]);
    let failed = fields
        .first_str(FAILURES)
        .is_some_and(|string| !["0", "false", "none"].contains(&&*string.to_ascii_lowercase()));
    let otherwise = if failed { Status::Failure } else { Status::Unknown };
    let Some(cursor) = fields.find(STATUSES) else { return (otherwise, why) };
    if let Some(string) = cursor.as_str().filter(|_| !cursor.is_object()) {
        // Other words are interpreted, not carried over.
        if Status::from_name(&string).is_some() {
            cursor.take();
        }
        let status = status_of(&string);
        return (if status == Status::Unknown { otherwise } else { status }, why);
    }
    let why = reason_in(cursor, REASONS).or(why);
    let string = STATUSES.iter().find_map(|key| cursor.str_at(key));
    let status = string.as_deref().map_or(otherwise, status_of);
    // A gRPC code: all except 0 are failures.
    let is_coded = status == Status::Unknown && string.is_some() && string == cursor.str_at("code");
    (if is_coded { Status::Failure } else { status }, why)
}

/// Maps a status by its name, a common word, or an HTTP status code.
fn status_of(string: &str) -> Status {
    let named = Status::from_name(&string.to_ascii_uppercase()).unwrap_or_else(|| status(string));
    match (named, string.parse::<u16>()) {
        (Status::Unknown, Ok(200..=399)) => Status::Success,
        (Status::Unknown, Ok(408 | 504)) => Status::Timeout,
        (Status::Unknown, Ok(400..=599)) => Status::Failure,
        _ => named,
    }
}
