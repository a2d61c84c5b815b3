//! Detects the format of a record from its members, and converts the record with the mapper of that format.
//!
//! Collectors wrap records in envelopes of any depth, as objects or as strings. The first level of an envelope with a
//! record of a known shape decides, so such a record is never converted by common field names.

use super::embedded::{WRAPPERS, embedded_record};
use super::event_draft::EventDraft;
use super::source_record::JsonCursor;
use super::{RecognisedRecord, RecordFormat, UnsupportedRecord};
use super::{azure_ad_graph, azure_monitor, cloud_app_event, directory_audit, generic, intune, truncated};
use super::{unified_audit, unsupported, windows_365};
use model::json::JsonNode;

/// The maximum number of nested envelopes.
const ENVELOPES_MAX: usize = 6;
/// The maximum number of objects in which a record is searched.
const OBJECTS_MAX: usize = 500;

/// Detects the format of a record and converts it.
pub fn recognise(record: &JsonNode) -> Result<RecognisedRecord, UnsupportedRecord> {
    let embedded = record.as_str().and_then(|text| embedded_record(&text));
    let node = embedded.as_ref().unwrap_or(record);
    let record = JsonCursor::of(node);
    if !record.is_object() {
        let text = record.raw_str().unwrap_or_default();
        let refused = truncated::refusal_of_text(&text);
        return Err(refused.unwrap_or_else(|| UnsupportedRecord("the record is not a JSON object".to_owned())));
    }
    let (format, draft) = read(&record).map_err(|refused| truncated::error_response(node).unwrap_or(refused))?;
    draft.finish(format, &record)
}

/// Converts a record by its own format, else by that of a wrapped record, else by common field names.
fn read(record: &JsonCursor) -> Result<(RecordFormat, EventDraft), UnsupportedRecord> {
    if let Some((format, inner)) = known_record(record)? {
        if let Some(refused) = truncated::refusal(inner) {
            return Err(refused);
        }
        return Ok((format, map(format, inner)?));
    }
    if let Some(refused) = truncated::refusal(record) {
        return Err(refused);
    }
    let format = if generic::is_cloud_event(record) { RecordFormat::CloudEvent } else { RecordFormat::Generic };
    Ok((format, generic::map(record)?))
}

/// Returns the record with a known shape: this one, or the first on the first level of its envelopes that has one.
fn known_record<'a>(
    record: &'a JsonCursor<'a>,
) -> Result<Option<(RecordFormat, &'a JsonCursor<'a>)>, UnsupportedRecord> {
    let mut level = vec![record];
    let mut examined = 0;
    for _ in 0..=ENVELOPES_MAX {
        let mut known = Vec::new();
        for cursor in level.iter().copied() {
            if let Some(refused) = unsupported::refusal(cursor) {
                return Err(refused);
            }
            known.extend(format(cursor).map(|format| (format, cursor)));
        }
        if let Some(first) = known.first() {
            return if is_one_record(&known) { Ok(Some(*first)) } else { Err(several_records(known.len())) };
        }
        examined += level.len();
        level = level.into_iter().flat_map(inner_objects).take(OBJECTS_MAX.saturating_sub(examined)).collect();
    }
    Ok(None)
}

/// Returns the objects in an object: those under the keys of envelopes first.
fn inner_objects<'a>(cursor: &'a JsonCursor<'a>) -> Vec<&'a JsonCursor<'a>> {
    let members = cursor.members();
    let wrapped = WRAPPERS.names().iter().filter_map(|key| cursor.find(key));
    let others = members.iter().filter(|(key, cursor)| !cursor.has_key_in(key, &WRAPPERS)).map(|(_, cursor)| cursor);
    wrapped.chain(others).filter(|cursor| cursor.is_object()).collect()
}

/// Whether records on one level of an envelope are copies of one, which collectors keep in several stages.
fn is_one_record(known: &[(RecordFormat, &JsonCursor)]) -> bool {
    let id = |(_, cursor): &(RecordFormat, &JsonCursor)| {
        let holder = cursor.find("properties").or_else(|| cursor.find("auditData"));
        let keys = ["id", "AuditEventId"];
        [Some(*cursor), holder]
            .into_iter()
            .flatten()
            .find_map(|cursor| keys.iter().find_map(|key| Some(cursor.find(key)?.as_str()?.into_owned())))
    };
    let ids: std::collections::BTreeSet<String> = known.iter().filter_map(id).collect();
    ids.len() <= 1
}

fn several_records(count: usize) -> UnsupportedRecord {
    UnsupportedRecord(format!("the object contains {count} records with different ids: put them in a list"))
}

fn map(format: RecordFormat, record: &JsonCursor) -> Result<EventDraft, UnsupportedRecord> {
    match format {
        RecordFormat::DirectoryAudit => directory_audit::map(record),
        RecordFormat::AzureAdGraph => azure_ad_graph::map(record),
        RecordFormat::LogAnalytics => directory_audit::map_row(record),
        RecordFormat::IntuneAuditEvent | RecordFormat::CloudPcAuditEvent => intune::map(record),
        RecordFormat::MonitorEntra => azure_monitor::map_entra(record),
        RecordFormat::MonitorEntra2018 => azure_monitor::map_entra_2018(record),
        RecordFormat::MonitorIntune => intune::map_exported(record),
        RecordFormat::MonitorWindows365 => windows_365::map(record),
        RecordFormat::Purview => unified_audit::map_search_result(record),
        RecordFormat::UnifiedAudit => unified_audit::map(record),
        RecordFormat::CloudAppEvent => cloud_app_event::map(record),
        RecordFormat::CloudEvent | RecordFormat::Generic => generic::map(record),
    }
}

/// Returns the format of an object with a known shape, or `None` if only the generic formats apply. Examines only the
/// first levels of the object.
pub(super) fn shape(node: &JsonNode) -> Option<RecordFormat> {
    format(&JsonCursor::outline(node, 2))
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
        let found = exported_format(record, properties);
        if found.is_some() {
            return found;
        }
    }
    if azure_ad_graph::is_record(record) {
        return Some(RecordFormat::AzureAdGraph);
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
    if record.has("activityDisplayName") && (is_directory || !record.has("occurredAt")) {
        return Some(RecordFormat::DirectoryAudit);
    }
    let is_cloud_app_event = cloud_app_event::is_row(record)
        && !record.find("RawEventData").is_some_and(|cursor| cursor.is_object() && format(cursor).is_some());
    is_cloud_app_event.then_some(RecordFormat::CloudAppEvent)
}

/// Returns the format of a row that Azure Monitor exported.
fn exported_format(record: &JsonCursor, properties: &JsonCursor) -> Option<RecordFormat> {
    let any = |cursor: &JsonCursor, keys: &[&str]| keys.iter().any(|key| cursor.has(key));
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
    None
}
