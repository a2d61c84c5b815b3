//! The Office 365 unified audit log: the records themselves, and the search results that have one in `auditData`.
//!
//! Entra's records describe the actor and the target by lists of identities, `{ID, Type}`, whose order and prefixes
//! (`User_<id>`, `ServicePrincipal_<id>`) define their meaning. Other workloads name a user and an object. The meaning of
//! the members is that of the schema of the Office 365 Management Activity API.

mod actor;
mod identity;
mod outcome;
mod record_type;
mod target;

use super::azure_monitor::without_dot;
use super::directory_audit::ENTRA;
use super::event_draft::EventDraft;
use super::source_record::JsonCursor;
use super::value::tenant_id;
use super::value::{detail, details, execution_result, reason};
use super::{UnsupportedRecord, timestamp};
use model::Detail;

/// Converts a search result. Fields that are missing in its record come from the result.
pub(super) fn map_search_result(result: &JsonCursor) -> Result<EventDraft, UnsupportedRecord> {
    let Some(record) = result.get("auditData") else {
        return Err(UnsupportedRecord("the search result has no `auditData`".to_owned()));
    };
    let mut draft = draft(record, Some(result))?;
    draft.actor.ip_address = draft.actor.ip_address.take().or_else(|| result.take_at("clientIp"));
    take_repeated(result, &draft);
    let tenant = result.str_at("organizationId");
    draft.tenant = draft.tenant.or(tenant);
    result.take_equal("organizationId", &[draft.tenant.as_deref().and_then(tenant_id).as_ref()]);
    Ok(draft)
}

/// Takes the members of a search result that repeat what the event has from its record. Other spellings are left.
fn take_repeated(result: &JsonCursor, draft: &EventDraft) {
    let actor = &draft.actor;
    let names = [&actor.user_principal_name, &actor.object_id, &actor.display_name, &actor.service_principal_name];
    let application = actor.application.as_ref().and_then(|application| application.application_id.as_ref());
    let names = [names.map(Option::as_ref).as_slice(), &[application]].concat();
    for key in ["userId", "userPrincipalName", "userIds"] {
        result.take_equal(key, &names);
    }
    for key in ["id", "recordId"] {
        result.take_equal(key, &[draft.id.as_ref()]);
    }
    for key in ["operation", "operations"] {
        result.take_equal(key, &[Some(&draft.activity)]);
    }
    result.take_equal("service", &[Some(&draft.service)]);
    result.take_equal("createdDateTime", &[Some(&draft.occurred_at.to_string())]);
}

/// Converts a record.
pub(super) fn map(record: &JsonCursor) -> Result<EventDraft, UnsupportedRecord> {
    draft(record, None)
}

fn draft(record: &JsonCursor, result: Option<&JsonCursor>) -> Result<EventDraft, UnsupportedRecord> {
    let from_result = |keys: &[&str]| result.and_then(|result| result.take_first(keys));
    let times = ["CreationTime", "CreationDate", "createdDateTime", "TimeGenerated"];
    let occurred_at = timestamp::take_first(record, &times)
        .or_else(|| timestamp::take_first(result?, &["createdDateTime", "CreationDate", "CreationTime"]))
        .ok_or_else(|| timestamp::missing(&[("", record, &times)], "the audit record", "`CreationTime`"))?;
    let operation = record
        .take_at("Operation")
        .or_else(|| from_result(&["operation", "operations"]))
        .ok_or_else(|| UnsupportedRecord("the audit record does not name an activity in `Operation`".to_owned()))?;
    let workload = record.take_first(&["Workload", "OfficeWorkload"]).or_else(|| from_result(&["service", "workload"]));
    let service = match workload.as_deref() {
        Some(name) if name.eq_ignore_ascii_case("AzureActiveDirectory") => ENTRA,
        Some(name) => name,
        None => "Office 365",
    };
    let mut draft = EventDraft::new(occurred_at, without_dot(&operation), service);
    draft.id = record.take_first(&["Id", "OfficeId"]).or_else(|| from_result(&["id", "recordId", "identity"]));
    draft.details = extended(record.list("ExtendedProperties"));
    draft.details.extend(record.get("Parameters").map(details).unwrap_or_default());
    draft.category = category(record, result, &draft.details);
    draft.status = outcome::outcome(record, &operation, &draft.details);
    let properties = record.list("ModifiedProperties");
    draft.status_reason = reason(record.get("LogonError"))
        .or_else(|| reason(record.get("FailureReason")))
        .or_else(|| execution_result(properties));
    draft.correlation_id = record.take_first(&["InterSystemsId", "CorrelationId"]);
    draft.actor = actor::actor(record, &draft.details);
    draft.targets = target::targets(record, result);
    draft.tenant = record.take_tenant_at("OrganizationId");
    Ok(draft)
}

/// Returns the category: that of the directory or of the alert, else the type of the record. A name of the type that the
/// search result states precedes the number in the record, so that new types have names as well.
fn category(record: &JsonCursor, result: Option<&JsonCursor>, details: &[Detail]) -> Option<String> {
    const ALERTS: &str = "SecurityComplianceAlerts";
    let named = detail(details, "extendedAuditEventCategory").or_else(|| detail(details, "auditEventCategory"));
    let stated = result.and_then(|result| result.take_first(&["auditLogRecordType", "RecordType"]));
    let own = record.take_at("RecordType");
    let record_type = stated.filter(|stated| own.is_none() || record_type::is_name(stated)).or(own);
    let record_type = record_type.map(|record_type| record_type::name_of(&record_type));
    if let Some(named) = named {
        return Some(named.clone());
    }
    let of_alert = record_type.as_deref() == Some(ALERTS);
    of_alert.then(|| record.take_at("Category")).flatten().or(record_type)
}

/// Reads the extended properties. The property `additionalDetails` contains an object with more.
fn extended(properties: &[JsonCursor]) -> Vec<Detail> {
    let mut found = Vec::new();
    for property in properties {
        let inner = property
            .find("Value")
            .filter(|cursor| cursor.is_object())
            .filter(|_| property.str_at("Name").is_some_and(|name| name.eq_ignore_ascii_case("additionalDetails")));
        match inner {
            Some(inner) => found.extend(details(inner)),
            None => found.extend(details(property)),
        }
    }
    found
}
