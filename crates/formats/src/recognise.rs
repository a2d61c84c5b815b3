//! Detects the format of a record from its members, and converts the record with the mapper of that format.

use super::event_draft::EventDraft;
use super::source_record::{JsonCursor, WRAPPERS, embedded_json};
use super::{RecognisedRecord, RecordFormat, UnsupportedRecord};
use super::{azure_monitor, directory_audit, generic, intune, unified_audit, unsupported, windows_365};
use model::json::Node;

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
    let by_format =
        wrapped(record, WRAPPERS_MAX).map(|(format, inner)| (inner, map(format, inner).map(|it| (format, it))));
    match by_format {
        Some((inner, read)) if read.is_ok() || std::ptr::eq(inner, record) => return read,
        _ => {}
    }
    let format = if generic::is_cloud_event(record) { RecordFormat::CloudEvent } else { RecordFormat::Generic };
    match (generic::map(record), by_format) {
        (Ok(draft), _) => Ok((format, draft)),
        (Err(refused), by_format) => by_format.map_or(Err(refused), |(_, read)| read),
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
