//! Intune's audit log: Microsoft Graph `auditEvent` (and Windows 365's `cloudPcAuditEvent`, which repeats its format),
//! and its Azure Monitor export, which has numbers instead of names and lists the targets in parallel arrays.

use super::directory_audit::strings;
use super::event_draft::EventDraft;
use super::source_record::JsonCursor;
use super::value::{ValueEncoding, changes, reason, status};
use super::{UnsupportedRecord, timestamp};
use model::event::TARGETS_MAX;
use model::time::SECOND;
use model::{Actor, ActorApplication, ActorKind, Detail, Status, Target};

/// The service of all Intune events.
pub(super) const INTUNE: &str = "Microsoft Intune";
/// The service of all Windows 365 events.
pub(super) const WINDOWS_365: &str = "Windows 365";

/// The names of the numbers in exports, by number.
const CATEGORIES: &[&str] = &[
    "Other",
    "Enrollment",
    "Compliance",
    "DeviceConfiguration",
    "Device",
    "Application",
    "EBookManagement",
    "ConditionalAccess",
    "OnPremiseAccess",
    "Role",
    "SoftwareUpdates",
    "DeviceSetupConfiguration",
    "DeviceIntent",
    "DeviceIntentSetting",
    "DeviceSecurity",
    "GroupPolicyAnalytics",
];
const OPERATIONS: &[&str] =
    &["Create", "Delete", "Patch", "Action", "SetReference", "RemoveReference", "Get", "Search"];
const ACTORS: &[&str] = &["Unknown", "ItPro", "IW", "System", "Partner", "Application", "GuestUser"];

/// Returns the name of a number. Unknown numbers are returned unchanged.
fn name_of(value: &str, names: &[&str]) -> String {
    let name = value.parse::<usize>().ok().and_then(|number| names.get(number));
    name.map_or_else(|| value.to_owned(), |name| (*name).to_owned())
}

/// Whether the record is from Windows 365.
pub(super) fn is_cloud_pc(record: &JsonCursor) -> bool {
    let is = |key: &str, hint: &str| {
        record.find(key).and_then(JsonCursor::raw_str).is_some_and(|text| text.to_ascii_lowercase().contains(hint))
    };
    is("category", "cloudpc") || is("@odata.type", "cloudpcauditevent")
}

/// Converts an `auditEvent`.
pub(super) fn map(record: &JsonCursor) -> Result<EventDraft, UnsupportedRecord> {
    let occurred_at = timestamp::take_first(record, &["activityDateTime"]).ok_or_else(|| {
        timestamp::missing(&[("", record, &["activityDateTime"])], "the auditEvent", "`activityDateTime`")
    })?;
    let activity = record
        .take_first(&["activityType", "activity", "displayName"])
        .ok_or_else(|| UnsupportedRecord("the auditEvent does not name an activity in `activityType`".to_owned()))?;
    let service = if is_cloud_pc(record) { WINDOWS_365 } else { INTUNE };
    let mut draft = EventDraft::new(occurred_at, activity, service);
    record.get("activity");
    draft.id = record.take_at("id");
    draft.title = record.take_at("displayName");
    draft.component = record.take_at("componentName");
    draft.category = category(record);
    draft.verb = record.str_at("activityOperationType").map(|value| name_of(&value, OPERATIONS));
    draft.status = outcome(record.str_at("activityResult").as_deref());
    draft.correlation_id = record.take_at("correlationId");
    if let Some(actor) = record.get("actor") {
        draft.actor = actor_of(actor);
    }
    draft.targets = record.list("resources").iter().take(TARGETS_MAX).filter_map(resource).collect();
    Ok(draft)
}

fn category(record: &JsonCursor) -> Option<String> {
    let value = record.str_at("category")?;
    let name = name_of(&value, CATEGORIES);
    if name == value { record.take_at("category") } else { Some(name) }
}

/// Maps the result. In this log, 1 means success.
fn outcome(value: Option<&str>) -> Status {
    match value {
        Some("1") => Status::Success,
        Some("0") | None => Status::Unknown,
        Some(value) => status(value),
    }
}

fn resource(cursor: &JsonCursor) -> Option<Target> {
    let target = Target {
        object_id: cursor.take_first(&["resourceId", "id"]),
        user_principal_name: None,
        display_name: cursor.take_at("displayName"),
        kind: cursor.take_first(&["auditResourceType", "resourceType", "type"]),
        application_id: None,
        modified_properties: changes(cursor.list("modifiedProperties"), ValueEncoding::Plain),
    };
    (target != Target::default()).then_some(target)
}

/// Reads the actor of a record or of an exported row.
fn actor_of(cursor: &JsonCursor) -> Actor {
    let actor_type =
        cursor.str_at("auditActorType").or_else(|| cursor.str_at("actorType")).or_else(|| cursor.str_at("type"));
    let mut actor = Actor::new(ActorKind::Unknown);
    actor.object_id = cursor.take_first(&["userId", "ObjectId"]);
    actor.user_principal_name = cursor.take_first(&["userPrincipalName", "UPN"]);
    actor.display_name = cursor.take_at("Name");
    actor.service_principal_name = cursor.take_at("servicePrincipalName");
    actor.ip_address = cursor.take_at("ipAddress");
    actor.permissions = cursor.get("userPermissions").map(strings).unwrap_or_default();
    let application = ActorApplication {
        application_id: cursor.take_first(&["applicationId", "application"]),
        display_name: cursor.take_first(&["applicationDisplayName", "applicationName"]),
    };
    actor.application = (application != ActorApplication::default()).then_some(application);
    actor.kind = kind_of(&actor, actor_type.as_deref());
    actor
}

/// Returns the kind that the source names, if it agrees with the fields of the actor.
pub(super) fn kind_of(actor: &Actor, actor_type: Option<&str>) -> ActorKind {
    let actor_type = actor_type.map(|value| name_of(value, ACTORS).to_ascii_lowercase()).unwrap_or_default();
    let is_user = actor.user_principal_name.is_some() || actor.object_id.is_some() || actor.display_name.is_some();
    let is_application = actor.application.is_some() || actor.service_principal_name.is_some();
    match actor_type.as_str() {
        "system" => ActorKind::System,
        "application" => ActorKind::Application,
        _ if actor.user_principal_name.is_some() => ActorKind::User,
        "itpro" | "iw" | "partner" | "guestuser" if is_user => ActorKind::User,
        _ if is_application => ActorKind::Application,
        _ if is_user => ActorKind::User,
        _ => ActorKind::Unknown,
    }
}

/// Converts a row of the export or of the table `IntuneAuditLogs`. `ActivityDate` has no fraction of a second, `time`
/// has; so has `TimeGenerated`, unless it is the time when the row was stored.
pub(super) fn map_exported(record: &JsonCursor) -> Result<EventDraft, UnsupportedRecord> {
    let Some(properties) = record.get("properties") else {
        return Err(UnsupportedRecord("the row has no `properties`".to_owned()));
    };
    let to_the_second = timestamp::take_first(properties, &["ActivityDate"]);
    let generated = timestamp::take_first(record, &["TimeGenerated"])
        .filter(|time| to_the_second.is_none_or(|second| (0..SECOND).contains(&(time.0 - second.0))));
    let occurred_at = timestamp::take_first(record, &["time"]).or(generated).or(to_the_second).ok_or_else(|| {
        let sources: &[(&str, &JsonCursor, &[&str])] =
            &[("properties.", properties, &["ActivityDate"]), ("", record, &["time", "TimeGenerated"])];
        timestamp::missing(sources, "the row", "`time` or `properties.ActivityDate`")
    })?;
    let activity = record
        .take_at("operationName")
        .ok_or_else(|| UnsupportedRecord("the row does not name an activity in `operationName`".to_owned()))?;
    let mut draft = EventDraft::new(occurred_at, activity, INTUNE);
    draft.id = properties.take_at("AuditEventId");
    draft.category = category(properties);
    draft.verb = properties.str_at("ActivityType").map(|value| name_of(&value, OPERATIONS));
    draft.status = record.str_at("resultType").as_deref().map_or(Status::Unknown, status);
    if draft.status == Status::Unknown {
        draft.status = outcome(properties.str_at("ActivityResultStatus").as_deref());
    }
    draft.status_reason = reason(record.get("resultDescription"));
    draft.correlation_id = record.take_at("correlationId");
    properties.fill(&["RelationId"], &mut draft.correlation_id);
    let identity = record.str_at("identity");
    draft.actor = match properties.get("Actor").filter(|actor| actor.is_object()) {
        Some(actor) => actor_of(actor),
        None => Actor::new(ActorKind::Unknown),
    };
    if let Some(upn) = identity.filter(|name| name.contains('@') && draft.actor.kind == ActorKind::Unknown) {
        draft.actor.kind = ActorKind::User;
        draft.actor.user_principal_name = Some(upn);
    }
    let actor = &draft.actor;
    for name in [&actor.user_principal_name, &actor.display_name, &actor.object_id].into_iter().flatten() {
        record.fill(&["identity"], &mut Some(name.clone()));
    }
    draft.targets = targets(properties);
    let concatenated = properties.get("AdditionalDetails").and_then(JsonCursor::as_str);
    draft.details = concatenated.map(|text| concatenated_details(&text)).unwrap_or_default();
    // In a table, `TenantId` is the id of the workspace.
    draft.tenant = if record.has("TimeGenerated") { None } else { record.take_tenant_at("tenantId") };
    Ok(draft)
}

/// Combines the three lists with the ids, names and changes of the targets.
fn targets(properties: &JsonCursor) -> Vec<Target> {
    let (ids, names) = (properties.list("TargetObjectIds"), properties.list("TargetDisplayNames"));
    let cursors = properties.list("Targets");
    let count = ids.len().max(names.len()).max(cursors.len());
    (0..count.min(TARGETS_MAX))
        .filter_map(|i| {
            let mut display_name = names.get(i).and_then(JsonCursor::take);
            cursors.get(i).into_iter().for_each(|cursor| cursor.fill(&["Name"], &mut display_name));
            let target = Target {
                object_id: ids.get(i).and_then(JsonCursor::take),
                user_principal_name: None,
                display_name,
                kind: cursors.get(i).and_then(|cursor| cursor.take_first(&["Type", "ResourceType"])),
                application_id: None,
                modified_properties: cursors
                    .get(i)
                    .map(|cursor| changes(cursor.list("ModifiedProperties"), ValueEncoding::Plain))
                    .unwrap_or_default(),
            };
            (target != Target::default()).then_some(target)
        })
        .collect()
}

/// Parses `Key = aValue = b` pairs, without a separator between key and `Value`.
fn concatenated_details(text: &str) -> Vec<Detail> {
    text.split("Key = ")
        .filter_map(|pair| pair.split_once("Value = "))
        .map(|(key, value)| Detail::new(key.trim(), Some(value.trim().to_owned())))
        .collect()
}
