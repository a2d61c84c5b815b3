//! Import formats: converts the audit records of other systems into events.
//!
//! Each format or family of formats has one file. [`recognise`] detects the format from the content of a record, never
//! from its origin, and converts the record. [`reader::RecordReader`] splits files into records. The crate does no I/O
//! except reading its input, and does not decide what may be recorded.
//!
//! Mappers do not list what they omit. They mark what they convert, and one generic pass ([`unmapped`]) keeps everything
//! else in the event's `unmapped` field, so that a wrong or incomplete mapping loses no data.

mod azure_monitor;
mod directory_audit;
mod event_draft;
mod generic;
mod json_scanner;
mod intune;
mod timestamp;
mod source_record;
mod unsupported;
mod windows_365;
pub mod reader;
mod unified_audit;
mod unmapped;
mod value;

pub use reader::{RecordReadError, RecordReader};

use std::borrow::Cow;

use event_draft::EventDraft;
use model::json::{Json, Node};
use model::{EventBody, named};
use source_record::{JsonCursor, embedded_json, same_key};

named! {
    /// The supported record formats.
    RecordFormat {
        /// Microsoft Graph `directoryAudit`: Entra.
        DirectoryAudit = "graph.directoryAudit",
        /// Microsoft Graph `auditEvent`: Intune.
        IntuneAuditEvent = "graph.auditEvent",
        /// Microsoft Graph `cloudPcAuditEvent`: Windows 365.
        CloudPcAuditEvent = "graph.cloudPcAuditEvent",
        /// Azure Monitor export of Entra's audit log.
        MonitorEntra = "azureMonitor.auditLogs",
        /// The Azure Monitor export of 2018.
        MonitorEntra2018 = "azureMonitor.audit2018",
        /// Azure Monitor export of Intune's audit log.
        MonitorIntune = "azureMonitor.intuneAuditLogs",
        /// Azure Monitor export of Windows 365's audit log.
        MonitorWindows365 = "azureMonitor.windows365AuditLogs",
        /// A row of the Log Analytics table `AuditLogs`.
        LogAnalytics = "logAnalytics.auditLogs",
        /// A result of a Purview search, with the unified audit record inside.
        Purview = "purview.auditLogRecord",
        /// An Office 365 unified audit record.
        UnifiedAudit = "office365.unifiedAudit",
        /// An event in a `CloudEvents` envelope.
        CloudEvent = "cloudEvents",
        /// Any object with a time and an activity.
        Generic = "generic",
    }
}

/// A record that was converted.
#[derive(Clone, Debug)]
pub struct RecognisedRecord {
    /// The detected format.
    pub format: RecordFormat,
    /// The event. Its provenance (`recording`) is incomplete.
    pub body: EventBody,
    /// The value of `unmapped` if the event is recorded under another key than its id. It also contains the id. `None` if
    /// it equals the one in `body`.
    pub unmapped_if_rekeyed: Option<Json>,
}

/// The reason why a record cannot be converted: a sentence that says what is missing, safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedRecord(pub String);

impl std::fmt::Display for UnsupportedRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnsupportedRecord {}

/// The members in which collectors wrap one record of another format.
#[rustfmt::skip]
const WRAPPERS: &[&str] = &[
    "data", "message", "_source", "_raw", "event", "raw", "original", "record", "body", "log", "azure", "auditLogs",
    "result", "payload", "detail", "protoPayload",
];
/// The maximum number of nested wrappers.
const WRAPPERS_MAX: usize = 3;

/// Detects the format of a record and converts it.
pub fn recognise(record: &Node) -> Result<RecognisedRecord, UnsupportedRecord> {
    let embedded = record.as_str().and_then(|text| embedded_json(&text));
    let record = JsonCursor::of(embedded.as_ref().unwrap_or(record).clone());
    if !record.is_object() {
        return Err(UnsupportedRecord("the record is not a JSON object".to_owned()));
    }
    let (format, draft) = read(&record)?;
    draft.finish(format, &record)
}

/// Converts a record by its own format, else by that of a wrapped record, else by common field names.
fn read(record: &JsonCursor) -> Result<(RecordFormat, EventDraft), UnsupportedRecord> {
    if let Some(refused) = unsupported::refusal(record, if format(record).is_some() { 0 } else { WRAPPERS_MAX }) {
        return Err(refused);
    }
    let by_shape =
        wrapped(record, WRAPPERS_MAX).map(|(format, inner)| (inner, map(format, inner).map(|it| (format, it))));
    match by_shape {
        Some((inner, read)) if read.is_ok() || std::ptr::eq(inner, record) => return read,
        _ => {}
    }
    let format = if generic::is_cloud_event(record) { RecordFormat::CloudEvent } else { RecordFormat::Generic };
    match (generic::map(record), by_shape) {
        (Ok(draft), _) => Ok((format, draft)),
        (Err(refused), by_shape) => by_shape.map_or(Err(refused), |(_, read)| read),
    }
}

/// Returns the record with a specific format: this one, or the first in its wrappers.
fn wrapped(record: &JsonCursor, depth: usize) -> Option<(RecordFormat, &JsonCursor)> {
    if let Some(format) = format(record) {
        return Some((format, record));
    }
    let inner = |key: &&str| record.find(key).filter(|cursor| depth > 0 && cursor.is_object());
    WRAPPERS.iter().filter_map(inner).find_map(|cursor| wrapped(cursor, depth - 1))
}

fn map(format: RecordFormat, record: &JsonCursor) -> Result<EventDraft, UnsupportedRecord> {
    match format {
        RecordFormat::DirectoryAudit => directory_audit::map(record),
        RecordFormat::LogAnalytics => directory_audit::map_row(record),
        RecordFormat::IntuneAuditEvent | RecordFormat::CloudPcAuditEvent => intune::map(record),
        RecordFormat::MonitorEntra => azure_monitor::map_entra(record),
        RecordFormat::MonitorEntra2018 => azure_monitor::map_entra_2018(record),
        RecordFormat::MonitorIntune => intune::map_exported(record),
        RecordFormat::MonitorWindows365 => windows_365::map(record),
        RecordFormat::Purview => unified_audit::map_search_result(record),
        RecordFormat::UnifiedAudit => unified_audit::map(record),
        RecordFormat::CloudEvent | RecordFormat::Generic => generic::map(record),
    }
}

/// Returns the format of a record, or `None` if only the generic formats apply.
fn format(record: &JsonCursor) -> Option<RecordFormat> {
    let any = |cursor: &JsonCursor, keys: &[&str]| keys.iter().any(|key| cursor.has(key));
    if record.find("auditData").is_some_and(JsonCursor::is_object) {
        return Some(RecordFormat::Purview);
    }
    let is_unified = record.has("Operation") && any(record, &["Workload", "RecordType"]);
    if is_unified && any(record, &["CreationTime", "CreationDate", "OrganizationId"]) {
        return Some(RecordFormat::UnifiedAudit);
    }
    if let Some(properties) = record.find("properties").filter(|cursor| cursor.is_object()) {
        let category = record.find("category").and_then(JsonCursor::raw_str).unwrap_or_default();
        if category.eq_ignore_ascii_case("Windows365AuditLogs") || properties.has("OtherExtendedProperties") {
            return Some(RecordFormat::MonitorWindows365);
        }
        if any(properties, &["AuditEventId", "ActivityResultStatus", "TargetObjectIds", "ActivityDate"]) {
            return Some(RecordFormat::MonitorIntune);
        }
        if any(properties, &["activityDateTime", "activityDisplayName", "loggedByService", "targetResources"]) {
            return Some(RecordFormat::MonitorEntra);
        }
        if any(properties, &["targetUpdatedProperties", "targetResourceName", "auditEventCategory", "identityType"]) {
            return Some(RecordFormat::MonitorEntra2018);
        }
        if category.eq_ignore_ascii_case("AuditLogs") {
            let is_entra = any(record, &["resourceId", "operationVersion"]) || properties.has("initiatedBy");
            return Some(if is_entra { RecordFormat::MonitorEntra } else { RecordFormat::MonitorIntune });
        }
    }
    let is_intune = record.has("activityType") || record.has("activityOperationType");
    if is_intune && any(record, &["activityDateTime", "activityResult", "componentName"]) {
        return Some(if intune::is_cloud_pc(record) {
            RecordFormat::CloudPcAuditEvent
        } else {
            RecordFormat::IntuneAuditEvent
        });
    }
    let is_directory = any(record, &["initiatedBy", "targetResources", "loggedByService", "AADOperationType"]);
    let is_row = any(record, &["TimeGenerated", "AADOperationType"])
        || (record.has("OperationName") && record.has("ActivityDateTime"));
    if is_directory && is_row {
        return Some(RecordFormat::LogAnalytics);
    }
    (record.has("activityDisplayName") && (is_directory || !record.has("occurredAt")))
        .then_some(RecordFormat::DirectoryAudit)
}

/// The members of a page that contain its records.
const PAGE_KEYS: &[&str] = &["value", "records"];
/// The members in which collectors wrap a page, such as the body of an Event Hub message.
const ENVELOPE_KEYS: &[&str] = &["body", "message", "event", "_raw", "payload"];
/// The members that name an activity. An object with one of them is a record, not a wrapper.
#[rustfmt::skip]
const ACTIVITY_KEYS: &[&str] = &[
    "activity", "activityDisplayName", "activityType", "operation", "operationName", "eventName", "eventType", "action",
    "eventAction", "event.action", "type",
];
/// The members that occur in records, but not in pages.
const RECORD_KEYS: &[&str] = &[
    "activity",
    "activityDateTime",
    "activityDisplayName",
    "operation",
    "operationName",
    "creationTime",
    "createdDateTime",
    "eventTime",
    "eventName",
    "occurredAt",
    "time",
    "timestamp",
    "@timestamp",
    "timeGenerated",
    "action",
];

/// Returns the records in a value: those of a page (`{"value": […]}`, `{"records": […]}`), of a list or of a wrapped
/// page, else the value itself. A string that contains JSON is parsed.
pub fn records(value: Node) -> Vec<Node> {
    if let Some(embedded) = value.as_str().and_then(|text| embedded_json(&text)) {
        return records(embedded);
    }
    match value {
        Node::Array(elements) => elements.into_iter().flat_map(records).collect(),
        Node::Object(members) if is_page(&members) => members
            .into_iter()
            .filter(|(key, value)| is_page_key(key) && matches!(value, Node::Array(_)))
            .flat_map(|(_, value)| records(value))
            .collect(),
        Node::Object(members) => wrapped_page(&members).map_or_else(|| vec![Node::Object(members)], records),
        scalar @ Node::Scalar(_) => vec![scalar],
    }
}

/// Returns the page in a wrapper that names no activity itself.
fn wrapped_page(members: &[(String, Node)]) -> Option<Node> {
    if members.iter().any(|(key, _)| ACTIVITY_KEYS.iter().any(|name| same_key(key, name))) {
        return None;
    }
    let inner = members.iter().filter(|(key, _)| ENVELOPE_KEYS.iter().any(|name| key.eq_ignore_ascii_case(name)));
    let mut inner = inner.map(|(_, value)| match value.as_str() {
        Some(text) => embedded_json(&text).map(Cow::Owned),
        None => Some(Cow::Borrowed(value)),
    });
    inner.find_map(|value| value.filter(|node| is_page_of_records(node))).map(Cow::into_owned)
}

/// Whether a value is a page whose first element is a record or another page of records.
fn is_page_of_records(node: &Node) -> bool {
    let Node::Object(members) = node else { return false };
    let first = members.iter().find_map(|(key, value)| match value {
        Node::Array(elements) if is_page_key(key) => elements.first(),
        _ => None,
    });
    is_page(members)
        && first.is_some_and(|first| match first {
            Node::Object(members) => {
                members.iter().any(|(key, _)| is_record_key(key) || key == "properties") || is_page_of_records(first)
            }
            _ => true,
        })
}

fn is_page(members: &[(String, Node)]) -> bool {
    let is_record = |node: &Node| match node {
        Node::Object(_) => true,
        other => other.as_str().is_some_and(|text| embedded_json(&text).is_some()),
    };
    let is_list = |node: &Node| matches!(node, Node::Array(elements) if elements.iter().all(is_record));
    members.iter().any(|(key, value)| is_page_key(key) && is_list(value))
        && !members.iter().any(|(key, _)| is_record_key(key))
}

fn is_page_key(key: &str) -> bool {
    PAGE_KEYS.iter().any(|name| key.eq_ignore_ascii_case(name))
}

fn is_record_key(key: &str) -> bool {
    RECORD_KEYS.iter().any(|name| key.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;
