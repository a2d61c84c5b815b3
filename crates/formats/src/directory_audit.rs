//! Entra's audit log: Microsoft Graph `directoryAudit`, and the same resource in other exports.
//!
//! An Azure Monitor row has the resource in `properties`, a Log Analytics row has its members as columns. Both use
//! [`draft_of`], so that copies of one event from several exports have the same key and content.

use super::event_draft::EventDraft;
use super::flattened::FlattenedColumns;
use super::source_record::JsonCursor;
use super::value::{ValueEncoding, changed_application_id, changes, detail, details, execution_result, reason, status};
use super::{UnsupportedRecord, timestamp};
use model::event::TARGETS_MAX;
use model::{Actor, ActorApplication, ActorKind, GroupSource, Status, Target, Timestamp};

/// The service of an event that does not name one.
pub(super) use model::catalogue::ENTRA;

/// Converts a `directoryAudit`.
pub(super) fn map(record: &JsonCursor) -> Result<EventDraft, UnsupportedRecord> {
    let occurred_at = timestamp::take_first(record, &["activityDateTime"]).ok_or_else(|| {
        timestamp::missing(&[("", record, &["activityDateTime"])], "the directoryAudit", "`activityDateTime`")
    })?;
    draft(record, occurred_at, &["activityDisplayName"])
}

/// Converts a row of the table `AuditLogs`. Its `TenantId` is that of the workspace, not of the directory.
pub(super) fn map_row(record: &JsonCursor) -> Result<EventDraft, UnsupportedRecord> {
    let times = ["ActivityDateTime", "TimeGenerated"];
    let occurred_at = timestamp::take_first(record, &times).ok_or_else(|| {
        timestamp::missing(&[("", record, &times)], "the row", "`ActivityDateTime` or `TimeGenerated`")
    })?;
    let mut draft = draft(record, occurred_at, &["OperationName", "ActivityDisplayName"])?;
    draft.tenant = record.take_tenant_at("AADTenantId").or_else(|| tenant_in_resource_id(record));
    Ok(draft)
}

/// Returns the directory id in `/tenants/<id>/providers/…`.
pub(super) fn tenant_in_resource_id(record: &JsonCursor) -> Option<String> {
    let resource_id = record.str_at("resourceId")?;
    let mut segments = resource_id.split('/').filter(|segment| !segment.is_empty());
    segments.next().filter(|segment| segment.eq_ignore_ascii_case("tenants"))?;
    segments.next().map(str::to_owned)
}

/// Reads the resource. `activity` lists the members that may name the activity.
fn draft(resource: &JsonCursor, occurred_at: Timestamp, activity: &[&str]) -> Result<EventDraft, UnsupportedRecord> {
    let activity = activity_of(resource, activity)
        .ok_or_else(|| UnsupportedRecord("the record does not name an activity in `activityDisplayName`".to_owned()))?;
    Ok(draft_of(resource, occurred_at, activity))
}

/// Takes the activity of the resource from the first of these members, else from the usual ones.
pub(super) fn activity_of(resource: &JsonCursor, keys: &[&str]) -> Option<String> {
    let activity = resource.take_first(keys).or_else(|| resource.take_first(&["activityDisplayName", "operationName"]));
    // Mark the display name as taken if it is equal to the activity.
    resource.fill(&["activityDisplayName"], &mut activity.clone());
    activity
}

/// Reads the members of the resource other than time and activity.
pub(super) fn draft_of(resource: &JsonCursor, occurred_at: Timestamp, activity: String) -> EventDraft {
    let id = resource.take_at("id");
    let service = resource.take_at("loggedByService").or_else(|| id.as_deref().and_then(service_of_id));
    let mut draft = EventDraft::new(occurred_at, activity, service.as_deref().unwrap_or(ENTRA));
    draft.id = id;
    draft.category = resource.take_at("category");
    draft.verb = ["operationType", "AADOperationType"].iter().find_map(|key| resource.str_at(key));
    draft.status = outcome(resource);
    draft.correlation_id = resource.take_at("correlationId");
    draft.details = resource.get("additionalDetails").map(details).unwrap_or_default();
    draft.actor = actor(resource);
    draft.actor.user_agent = resource.take_at("userAgent").or_else(|| detail(&draft.details, "User-Agent"));
    let targets = ["targetResources", "targetResource", "targets"]
        .iter()
        .find_map(|key| resource.get(key))
        .map(JsonCursor::elements);
    let targets = targets.unwrap_or_default();
    draft.group_source = targets.iter().find_map(group_source);
    // What exceeds the limit is not taken, so that it stays in `unmapped` whatever the event contains.
    draft.targets = targets.iter().take(TARGETS_MAX).filter_map(target).collect();
    if targets.is_empty() {
        draft.targets = FlattenedColumns::of(resource, "targetResources").targets();
    }
    draft.status_reason = reason(resource.get("resultReason"))
        .or_else(|| reason(resource.get("resultDescription")))
        .or_else(|| targets.iter().find_map(|target| execution_result(target.list("modifiedProperties"))));
    draft
}

/// Returns the service that logged the event, from the prefix of the id.
pub(super) fn service_of_id(id: &str) -> Option<String> {
    let (prefix, _) = id.split_once('_')?;
    let is_name = prefix.chars().all(|c| c.is_alphabetic() || c == ' ') && !prefix.trim().is_empty();
    is_name.then(|| {
        match prefix {
            "Directory" => "Core Directory",
            "SSGM" => "Self-service Group Management",
            "Sync" => "Account Provisioning",
            "IPCGraph" => "Conditional Access",
            other => other,
        }
        .to_owned()
    })
}

fn outcome(resource: &JsonCursor) -> Status {
    match resource.str_at("result").as_deref() {
        Some("1") => Status::Failure,
        Some("2") => Status::Timeout,
        Some(value) => status(value),
        None => resource.str_at("resultType").as_deref().map_or(Status::Unknown, status),
    }
}

/// Reads the initiator: a user, possibly through an application, or an application.
fn actor(resource: &JsonCursor) -> Actor {
    let Some(initiator) = resource.get("initiatedBy") else {
        return FlattenedColumns::of(resource, "initiatedBy").initiator();
    };
    if let Some(text) = initiator.as_str().filter(|_| !initiator.is_object()) {
        return named_user(initiator, &text);
    }
    let user = initiator.get("user");
    let application = initiator.get("app").or_else(|| initiator.get("application"));
    let mut actor = Actor::new(ActorKind::Unknown);
    if let Some(user) = user {
        actor = match user.as_str().filter(|_| !user.is_object()) {
            Some(text) => named_user(user, &text),
            None => user_actor(user),
        };
    }
    let performed_by = resource.get("performedBy").filter(|cursor| cursor.str_at("appId").is_some());
    if actor.kind == ActorKind::Unknown
        && let Some(cursor) = application
    {
        let ip_address = actor.ip_address.take();
        actor = application_actor(cursor);
        actor.ip_address = actor.ip_address.or(ip_address);
    } else if let Some(cursor) = application {
        actor.application = application_of(cursor);
    }
    if let Some(cursor) = performed_by {
        cursor.fill(&["appId"], &mut actor.application.get_or_insert_default().application_id);
    }
    actor
}

/// Returns a user with only a name.
fn named_user(cursor: &JsonCursor, text: &str) -> Actor {
    cursor.take_all();
    let mut actor = Actor::new(ActorKind::User);
    let name = Some(text.to_owned());
    if text.contains('@') {
        actor.user_principal_name = name;
    } else {
        actor.display_name = name;
    }
    actor
}

fn user_actor(user: &JsonCursor) -> Actor {
    let mut actor = Actor::new(ActorKind::User);
    actor.object_id = user.take_at("id");
    actor.user_principal_name = user.take_at("userPrincipalName");
    actor.display_name = user.take_at("displayName");
    actor.ip_address = user.take_at("ipAddress");
    if actor.object_id.is_none() && actor.user_principal_name.is_none() && actor.display_name.is_none() {
        actor.kind = ActorKind::Unknown;
    }
    actor.permissions = user.get("roles").map(strings).unwrap_or_default();
    actor
}

/// Takes the strings of a list, or a single string.
pub(super) fn strings(cursor: &JsonCursor) -> Vec<String> {
    let single = cursor.take().filter(|_| cursor.elements().is_empty());
    cursor.elements().iter().filter_map(JsonCursor::take).chain(single).collect()
}

fn application_actor(cursor: &JsonCursor) -> Actor {
    let application = application_of(cursor);
    let object_id = cursor.take_at("servicePrincipalId");
    let name = cursor.take_at("servicePrincipalName");
    let is_known = application.is_some() || object_id.is_some() || name.is_some();
    let mut actor = Actor::new(if is_known { ActorKind::Application } else { ActorKind::Unknown });
    actor.application = application;
    actor.object_id = object_id;
    actor.service_principal_name = name;
    actor.ip_address = cursor.take_at("ipAddress");
    actor
}

fn application_of(cursor: &JsonCursor) -> Option<ActorApplication> {
    let application =
        ActorApplication { application_id: cursor.take_at("appId"), display_name: cursor.take_at("displayName") };
    (application != ActorApplication::default()).then_some(application)
}

/// Reads a target. Returns `None` if all fields are empty.
fn target(cursor: &JsonCursor) -> Option<Target> {
    let properties = cursor.list("modifiedProperties");
    let mut target = Target {
        object_id: cursor.take_at("id"),
        user_principal_name: cursor.take_at("userPrincipalName"),
        display_name: cursor.take_at("displayName"),
        kind: cursor.take_at("type"),
        application_id: None,
        modified_properties: changes(properties, ValueEncoding::JsonString),
    };
    target.application_id = changed_application_id(properties, target.kind.as_deref());
    (target != Target::default()).then_some(target)
}

fn group_source(target: &JsonCursor) -> Option<GroupSource> {
    match target.str_at("groupType")?.as_str() {
        "0" => Some(GroupSource::O365),
        "1" => Some(GroupSource::AzureAd),
        value if value.eq_ignore_ascii_case("unifiedGroups") => Some(GroupSource::O365),
        value if value.eq_ignore_ascii_case("azureAD") => Some(GroupSource::AzureAd),
        _ => None,
    }
}
