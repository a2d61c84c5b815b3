//! Azure Monitor exports of Entra's audit log: an envelope around the Microsoft Graph resource, and the format of 2018
//! without that resource.

use super::directory_audit::{self, ENTRA, tenant_in_resource_id};
use super::event_draft::EventDraft;
use super::source_record::{JsonCursor, is_absent};
use super::value::{ValueEncoding, changes, details, execution_result, reason, status};
use super::{UnsupportedRecord, timestamp};
use model::{Actor, ActorApplication, ActorKind, Status, Target};

/// Converts a row of category `AuditLogs`.
pub(super) fn map_entra(record: &JsonCursor) -> Result<EventDraft, UnsupportedRecord> {
    let Some(resource) = record.get("properties") else {
        return Err(UnsupportedRecord("the row has no `properties`".to_owned()));
    };
    let occurred_at = timestamp::take_first(resource, &["activityDateTime"])
        .or_else(|| timestamp::take_first(record, &["time", "TimeGenerated"]))
        .ok_or_else(|| {
            let sources: &[(&str, &JsonCursor, &[&str])] =
                &[("properties.", resource, &["activityDateTime"]), ("", record, &["time", "TimeGenerated"])];
            timestamp::missing(sources, "the row", "`properties.activityDateTime` or `time`")
        })?;
    let operation = record.take_at("operationName");
    let named = directory_audit::activity_of(resource, &["operationName"]);
    let title = operation.is_some().then(|| resource.take_at("activityDisplayName")).flatten();
    let activity = operation.or(named).ok_or_else(|| {
        UnsupportedRecord("the row does not name an activity in `operationName` or `activityDisplayName`".to_owned())
    })?;
    let mut draft = directory_audit::draft_of(resource, occurred_at, activity);
    draft.title = title;
    complete(&mut draft, record);
    draft.tenant = if record.has("TimeGenerated") { None } else { record.take_tenant_at("tenantId") }
        .or_else(|| record.take_tenant_at("AADTenantId"))
        .or_else(|| tenant_in_resource_id(record))
        .or_else(|| resource.take_tenant_at("tenantId"));
    Ok(draft)
}

/// Sets the fields that only the envelope has.
fn complete(draft: &mut EventDraft, record: &JsonCursor) {
    record.fill(&["correlationId"], &mut draft.correlation_id);
    record.fill(&["category"], &mut draft.category);
    record.fill(&["callerIpAddress", "ipAddress"], &mut draft.actor.ip_address);
    if draft.status_reason.is_none() {
        draft.status_reason = reason(record.get("resultDescription"));
    }
    if draft.status == Status::Unknown {
        let value = record.str_at("resultType").or_else(|| record.str_at("resultSignature"));
        draft.status = value.as_deref().map_or(Status::Unknown, status);
    }
    // Usually the name of the actor.
    let actor = &draft.actor;
    let names = [actor.user_principal_name.as_deref(), actor.shown_name(), actor.object_id.as_deref()];
    for name in names.into_iter().flatten() {
        record.fill(&["identity"], &mut Some(name.to_owned()));
    }
}

/// Converts a row of 2018, category `Audit`.
pub(super) fn map_entra_2018(record: &JsonCursor) -> Result<EventDraft, UnsupportedRecord> {
    let Some(properties) = record.get("properties") else {
        return Err(UnsupportedRecord("the row has no `properties`".to_owned()));
    };
    let occurred_at = timestamp::take_first(record, &["time", "TimeGenerated"])
        .ok_or_else(|| timestamp::missing(&[("", record, &["time", "TimeGenerated"])], "the row", "`time`"))?;
    let activity = record
        .take_at("operationName")
        .ok_or_else(|| UnsupportedRecord("the row does not name an activity in `operationName`".to_owned()))?;
    let mut draft = EventDraft::new(occurred_at, without_dot(&activity), ENTRA);
    draft.id = properties.take_at("id");
    draft.category = properties.take_at("auditEventCategory");
    draft.verb = properties.str_at("operationType");
    draft.details = match properties.get("additionalDetails") {
        Some(cursor) if cursor.as_str().as_deref() != Some("None") => details(cursor),
        _ => Vec::new(),
    };
    draft.actor = actor_2018(record, &properties.str_at("identityType").unwrap_or_default());
    let properties_changed = properties.list("targetUpdatedProperties");
    let mut target = target_2018(properties);
    target.modified_properties = changes(properties_changed, ValueEncoding::Plain);
    draft.targets = Some(target).filter(|target| *target != Target::default()).into_iter().collect();
    complete(&mut draft, record);
    draft.status_reason = draft.status_reason.take().or_else(|| execution_result(properties_changed));
    draft.tenant = record.take_tenant_at("tenantId").or_else(|| tenant_in_resource_id(record));
    Ok(draft)
}

/// Removes the trailing dot that some exports append.
pub(super) fn without_dot(activity: &str) -> String {
    activity.trim().trim_end_matches('.').trim_end().to_owned()
}

fn actor_2018(record: &JsonCursor, identity_type: &str) -> Actor {
    let mut actor = Actor::new(ActorKind::Unknown);
    let Some(name) = record.take_at("identity") else { return actor };
    if name.contains('@') || identity_type.eq_ignore_ascii_case("UPN") {
        actor.kind = ActorKind::User;
        actor.user_principal_name = Some(name);
    } else if is_absent(identity_type) {
        actor.display_name = Some(name);
    } else {
        actor.kind = ActorKind::Application;
        actor.application = Some(ActorApplication { application_id: None, display_name: Some(name) });
    }
    actor
}

/// Reads the target, whose field names and values are each joined with `__`.
fn target_2018(properties: &JsonCursor) -> Target {
    let types = properties.str_at("targetResourceType").unwrap_or_default();
    let Some(names) = properties.str_at("targetResourceName") else { return Target::default() };
    let pairs: Vec<(&str, &str)> = types.split("__").zip(names.split("__")).collect();
    if types.split("__").count() != names.split("__").count() {
        properties.take_at("targetResourceName");
        return Target { display_name: Some(names.clone()), ..Target::default() };
    }
    let of = |kind: &str| {
        let pair = pairs.iter().find(|(name, value)| name.eq_ignore_ascii_case(kind) && !is_absent(value));
        pair.map(|(_, value)| (*value).to_owned())
    };
    Target {
        object_id: of("ObjectID"),
        user_principal_name: of("UPN"),
        display_name: of("Name").or_else(|| of("DisplayName")),
        kind: of("ObjectClass"),
        application_id: None,
        modified_properties: Vec::new(),
    }
}
