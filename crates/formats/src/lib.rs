//! Other systems' audit records, read into events.
//!
//! This room knows how other systems write their logs: one file per shape or family, and one door, [`recognise`], that
//! detects the shape from the record's content, never from where it came from. [`reader::Records`] cuts files into
//! records. Nothing here does I/O beyond reading what it is given, decides what may be recorded, or knows a database.
//!
//! The one decision worth knowing: mappers do not list what they leave out. They *take* what they carry over, and
//! one generic pass keeps everything else in `unmapped`, so a mapping that is wrong or incomplete loses nothing.

mod azure_monitor;
mod directory_audit;
mod draft;
mod generic;
mod grammar;
mod intune;
mod moment;
mod original;
mod other_log;
mod packed;
pub mod reader;
mod unified_audit;
mod unmapped;
mod value;

pub use reader::{ReadProblem, Records};

use std::borrow::Cow;

use draft::Draft;
use model::json::{Json, JsonNode};
use model::{EventBody, wire_enum};
use original::{Part, held_json, same_key};

wire_enum! {
    /// The shapes of records that are recognised.
    Shape {
        /// Microsoft Graph `directoryAudit`: Entra.
        DirectoryAudit = "graph.directoryAudit",
        /// Microsoft Graph `auditEvent`: Intune.
        IntuneAuditEvent = "graph.auditEvent",
        /// Microsoft Graph `cloudPcAuditEvent`: Windows 365.
        CloudPcAuditEvent = "graph.cloudPcAuditEvent",
        /// Azure Monitor export of Entra's audit log.
        MonitorEntra = "azureMonitor.auditLogs",
        /// The same as it was in 2018.
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
        /// Anything with a time and an activity.
        Generic = "generic",
    }
}

/// A record that could be read.
#[derive(Clone, Debug)]
pub struct Recognised {
    /// What kind of record it was.
    pub shape: Shape,
    /// The event. Who imports it, and from where, is still to be filled in.
    pub body: EventBody,
    /// What is unmapped if the event is recorded under another key than its id, if that is more: the id.
    pub unmapped_if_rekeyed: Option<Json>,
}

/// Why a record is not one of an activity: a sentence that says what is lacking, safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedRecord(pub String);

impl std::fmt::Display for UnsupportedRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnsupportedRecord {}

/// Members that hold one record of another shape in the envelopes that collectors put around it.
#[rustfmt::skip]
const WRAPPERS: &[&str] = &[
    "data", "message", "_source", "_raw", "event", "raw", "original", "record", "body", "log", "azure", "auditLogs",
    "result", "payload", "detail", "protoPayload",
];
/// How many envelopes are looked into, one in the other.
const WRAPPERS_MAX: usize = 3;

/// Reads one record.
pub fn recognise(record: &JsonNode) -> Result<Recognised, UnsupportedRecord> {
    let held = record.as_str().and_then(|text| held_json(&text));
    let record = Part::of(held.as_ref().unwrap_or(record).clone());
    if !record.is_object() {
        return Err(UnsupportedRecord("the record is not a JSON object".to_owned()));
    }
    let (shape, draft) = read(&record)?;
    draft.finish(shape, &record)
}

/// Reads a record by its own shape, else by that of a record in it, else by its most common names.
fn read(record: &Part) -> Result<(Shape, Draft), UnsupportedRecord> {
    if let Some(refused) = other_log::refusal(record, if shape(record).is_some() { 0 } else { WRAPPERS_MAX }) {
        return Err(refused);
    }
    let by_shape = wrapped(record, WRAPPERS_MAX).map(|(shape, inner)| (inner, map(shape, inner).map(|it| (shape, it))));
    match by_shape {
        Some((inner, read)) if read.is_ok() || std::ptr::eq(inner, record) => return read,
        _ => {}
    }
    let shape = if generic::is_cloud_event(record) { Shape::CloudEvent } else { Shape::Generic };
    match (generic::map(record), by_shape) {
        (Ok(draft), _) => Ok((shape, draft)),
        (Err(refused), by_shape) => by_shape.map_or(Err(refused), |(_, read)| read),
    }
}

/// The record that has a shape of its own: this one, or the first in its envelopes.
fn wrapped(record: &Part, depth: usize) -> Option<(Shape, &Part)> {
    if let Some(shape) = shape(record) {
        return Some((shape, record));
    }
    let inner = |key: &&str| record.find(key).filter(|part| depth > 0 && part.is_object());
    WRAPPERS.iter().filter_map(inner).find_map(|part| wrapped(part, depth - 1))
}

fn map(shape: Shape, record: &Part) -> Result<Draft, UnsupportedRecord> {
    match shape {
        Shape::DirectoryAudit => directory_audit::map(record),
        Shape::LogAnalytics => directory_audit::map_row(record),
        Shape::IntuneAuditEvent | Shape::CloudPcAuditEvent => intune::map(record),
        Shape::MonitorEntra => azure_monitor::map_entra(record),
        Shape::MonitorEntra2018 => azure_monitor::map_entra_2018(record),
        Shape::MonitorIntune => intune::map_exported(record),
        Shape::MonitorWindows365 => packed::map(record),
        Shape::Purview => unified_audit::map_search_result(record),
        Shape::UnifiedAudit => unified_audit::map(record),
        Shape::CloudEvent | Shape::Generic => generic::map(record),
    }
}

/// The shape of a record, if it has one of its own.
fn shape(record: &Part) -> Option<Shape> {
    let any = |part: &Part, keys: &[&str]| keys.iter().any(|key| part.has(key));
    if record.find("auditData").is_some_and(Part::is_object) {
        return Some(Shape::Purview);
    }
    let is_unified = record.has("Operation") && any(record, &["Workload", "RecordType"]);
    if is_unified && any(record, &["CreationTime", "CreationDate", "OrganizationId"]) {
        return Some(Shape::UnifiedAudit);
    }
    if let Some(properties) = record.find("properties").filter(|part| part.is_object()) {
        let category = record.find("category").and_then(Part::text).unwrap_or_default();
        if category.eq_ignore_ascii_case("Windows365AuditLogs") || properties.has("OtherExtendedProperties") {
            return Some(Shape::MonitorWindows365);
        }
        if any(properties, &["AuditEventId", "ActivityResultStatus", "TargetObjectIds", "ActivityDate"]) {
            return Some(Shape::MonitorIntune);
        }
        if any(properties, &["activityDateTime", "activityDisplayName", "loggedByService", "targetResources"]) {
            return Some(Shape::MonitorEntra);
        }
        if any(properties, &["targetUpdatedProperties", "targetResourceName", "auditEventCategory", "identityType"]) {
            return Some(Shape::MonitorEntra2018);
        }
        if category.eq_ignore_ascii_case("AuditLogs") {
            let is_entra = any(record, &["resourceId", "operationVersion"]) || properties.has("initiatedBy");
            return Some(if is_entra { Shape::MonitorEntra } else { Shape::MonitorIntune });
        }
    }
    let is_intune = record.has("activityType") || record.has("activityOperationType");
    if is_intune && any(record, &["activityDateTime", "activityResult", "componentName"]) {
        return Some(if intune::is_cloud_pc(record) { Shape::CloudPcAuditEvent } else { Shape::IntuneAuditEvent });
    }
    let is_directory = any(record, &["initiatedBy", "targetResources", "loggedByService", "AADOperationType"]);
    let is_row = any(record, &["TimeGenerated", "AADOperationType"])
        || (record.has("OperationName") && record.has("ActivityDateTime"));
    if is_directory && is_row {
        return Some(Shape::LogAnalytics);
    }
    (record.has("activityDisplayName") && (is_directory || !record.has("occurredAt"))).then_some(Shape::DirectoryAudit)
}

/// The names under which pages hold their records.
const PAGE_KEYS: &[&str] = &["value", "records"];
/// Members in which collectors hand on a page as they received it, such as the body of an Event Hub message.
const ENVELOPE_KEYS: &[&str] = &["body", "message", "event", "_raw", "payload"];
/// Members that name an activity: a record with one is no mere envelope.
#[rustfmt::skip]
const ACTIVITY_KEYS: &[&str] = &[
    "activity", "activityDisplayName", "activityType", "operation", "operationName", "eventName", "eventType", "action",
    "eventAction", "event.action", "type",
];
/// Members that a record has and a page has not.
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

/// The records in a value: those of a page (`{"value": […]}`, `{"records": […]}`) or of a list, also of a page that a
/// collector put into an envelope, else the value itself. Text that holds JSON stands for that.
pub fn records(value: JsonNode) -> Vec<JsonNode> {
    if let Some(held) = value.as_str().and_then(|text| held_json(&text)) {
        return records(held);
    }
    match value {
        JsonNode::Array(elements) => elements.into_iter().flat_map(records).collect(),
        JsonNode::Object(members) if is_page(&members) => members
            .into_iter()
            .filter(|(key, value)| is_page_key(key) && matches!(value, JsonNode::Array(_)))
            .flat_map(|(_, value)| records(value))
            .collect(),
        JsonNode::Object(members) => enclosed_page(&members).map_or_else(|| vec![JsonNode::Object(members)], records),
        scalar @ JsonNode::Scalar(_) => vec![scalar],
    }
}

/// The page in an envelope that names no activity itself.
fn enclosed_page(members: &[(String, JsonNode)]) -> Option<JsonNode> {
    if members.iter().any(|(key, _)| ACTIVITY_KEYS.iter().any(|name| same_key(key, name))) {
        return None;
    }
    let inner = members.iter().filter(|(key, _)| ENVELOPE_KEYS.iter().any(|name| key.eq_ignore_ascii_case(name)));
    let mut inner = inner.map(|(_, value)| match value.as_str() {
        Some(text) => held_json(&text).map(Cow::Owned),
        None => Some(Cow::Borrowed(value)),
    });
    inner.find_map(|value| value.filter(|node| is_page_of_records(node))).map(Cow::into_owned)
}

/// Whether a value is a page whose first element has members that a record has, or is such a page itself.
fn is_page_of_records(node: &JsonNode) -> bool {
    let JsonNode::Object(members) = node else { return false };
    let first = members.iter().find_map(|(key, value)| match value {
        JsonNode::Array(elements) if is_page_key(key) => elements.first(),
        _ => None,
    });
    is_page(members)
        && first.is_some_and(|first| match first {
            JsonNode::Object(members) => {
                members.iter().any(|(key, _)| is_record_key(key) || key == "properties") || is_page_of_records(first)
            }
            _ => true,
        })
}

fn is_page(members: &[(String, JsonNode)]) -> bool {
    let holds_record = |node: &JsonNode| match node {
        JsonNode::Object(_) => true,
        other => other.as_str().is_some_and(|text| held_json(&text).is_some()),
    };
    let is_list = |node: &JsonNode| matches!(node, JsonNode::Array(elements) if elements.iter().all(holds_record));
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
