//! Azure AD Graph's `activities/audit`, the predecessor of Microsoft Graph's `directoryAudit`.
//!
//! Ids are the same in both. What the old interface calls the category is the service that logged the event today, and
//! the activity type is the type of the resource.

use super::directory_audit::{ENTRA, service_of_id};
use super::event_draft::EventDraft;
use super::source_record::JsonCursor;
use super::value::{ValueEncoding, changed_application_id, changes, detail, details, execution_result, reason, status};
use super::{UnsupportedRecord, timestamp};
use model::{Actor, ActorApplication, ActorKind, Status, Target};

/// The categories of the old interface, in the short form of its filters or the long form of its records, and the
/// services of Microsoft Graph.
const SERVICES: &[(&str, &str)] = &[
    ("Directory", "Core Directory"),
    ("SSPR", "Self-service Password Management"),
    ("SSGM", "Self-service Group Management"),
    ("Sync", "Account Provisioning"),
    ("MIM Service", "Microsoft Identity Manager (MIM)"),
    ("Microsoft Identity Manager", "Microsoft Identity Manager (MIM)"),
    ("IdentityProtection", "Identity Protection"),
];
/// The categories of Microsoft Graph for the types of resources.
const CATEGORIES: &[(&str, &str)] = &[
    ("User", "UserManagement"),
    ("Group", "GroupManagement"),
    ("Application", "ApplicationManagement"),
    ("ServicePrincipal", "ApplicationManagement"),
    ("Device", "Device"),
    ("Directory", "DirectoryManagement"),
    ("Role", "RoleManagement"),
    ("Policy", "Policy"),
];
const TIMES: &[&str] = &["activityDate", "activityDateInMillis"];

/// Whether an object is a record of the old interface.
pub(super) fn is_record(record: &JsonCursor) -> bool {
    let any = |keys: &[&str]| keys.iter().any(|key| record.has(key));
    any(&["activity"]) && any(TIMES) && any(&["activityResultStatus", "activityOperationType", "targets", "actorType"])
}

/// Converts a record.
pub(super) fn map(record: &JsonCursor) -> Result<EventDraft, UnsupportedRecord> {
    let occurred_at = timestamp::take_first(record, TIMES)
        .ok_or_else(|| timestamp::missing(&[("", record, TIMES)], "the record", "`activityDate`"))?;
    let activity = record
        .take_at("activity")
        .ok_or_else(|| UnsupportedRecord("the record does not name an activity in `activity`".to_owned()))?;
    let id = record.take_at("id");
    let named = record.take_at("category").map(service_of_category);
    let service = named.or_else(|| id.as_deref().and_then(service_of_id));
    let mut draft = EventDraft::new(occurred_at, activity, service.as_deref().unwrap_or(ENTRA));
    draft.id = id;
    draft.resource = record.str_at("activityType");
    draft.category = Some(category(draft.resource.as_deref(), &draft.service));
    draft.verb = record.str_at("activityOperationType");
    draft.status = record.str_at("activityResultStatus").as_deref().map_or(Status::Unknown, status);
    draft.correlation_id = record.take_at("correlationId");
    draft.details = record.get("additionalDetails").map(details).unwrap_or_default();
    draft.actor = actor(record);
    draft.actor.user_agent = detail(&draft.details, "User-Agent");
    let targets = record.list("targets");
    draft.targets = targets.iter().filter_map(target).collect();
    draft.status_reason = reason(record.get("activityResultDescription"))
        .or_else(|| targets.iter().find_map(|target| execution_result(target.list("modifiedProperties"))));
    draft.tenant = record.take_tenant_at("tenantId");
    Ok(draft)
}

fn service_of_category(category: String) -> String {
    let known = SERVICES.iter().find(|(name, _)| name.eq_ignore_ascii_case(category.trim()));
    known.map_or(category, |(_, service)| (*service).to_owned())
}

/// Returns the category of Microsoft Graph. A resource without one has the service as its category.
fn category(resource: Option<&str>, service: &str) -> String {
    let known =
        CATEGORIES.iter().find(|(name, _)| resource.is_some_and(|resource| resource.eq_ignore_ascii_case(name)));
    known.map_or(service, |(_, category)| category).to_owned()
}

fn actor(record: &JsonCursor) -> Actor {
    let Some(cursor) = record.get("actor") else { return Actor::new(ActorKind::Unknown) };
    let actor_type = record.str_at("actorType").unwrap_or_default();
    let odata_type = cursor.str_at("@odata.type").unwrap_or_default();
    let name = cursor.take_at("name");
    let mut actor = Actor::new(ActorKind::Unknown);
    actor.object_id = cursor.take_at("objectId");
    actor.user_principal_name = cursor.take_at("userPrincipalName");
    actor.service_principal_name = cursor.take_at("servicePrincipalName");
    actor.ip_address = cursor.take_at("ipAddress");
    let application_id = cursor.take_first(&["applicationId", "appId"]);
    let is_application =
        |word: &str| ["application", "serviceprincipal"].iter().any(|kind| word.to_ascii_lowercase().contains(kind));
    let is_named = actor.object_id.is_some() || actor.user_principal_name.is_some() || name.is_some();
    actor.kind = match () {
        () if actor.user_principal_name.is_some() => ActorKind::User,
        () if is_application(&actor_type) || is_application(&odata_type) => ActorKind::Application,
        () if actor_type.eq_ignore_ascii_case("system") => ActorKind::System,
        () if is_named => ActorKind::User,
        () if actor.service_principal_name.is_some() || application_id.is_some() => ActorKind::Application,
        () => ActorKind::Unknown,
    };
    let mut application = ActorApplication { application_id, display_name: None };
    match actor.kind {
        ActorKind::Application => application.display_name = name,
        _ => actor.display_name = name,
    }
    actor.application = (application != ActorApplication::default()).then_some(application);
    actor
}

/// Reads a target. Returns `None` if all fields are empty.
fn target(cursor: &JsonCursor) -> Option<Target> {
    let properties = cursor.list("modifiedProperties");
    let kind = cursor.take_first(&["targetResourceType", "targetType"]);
    let mut target = Target {
        object_id: cursor.take_at("objectId"),
        user_principal_name: cursor.take_at("userPrincipalName"),
        display_name: cursor.take_at("name"),
        application_id: changed_application_id(properties, kind.as_deref()),
        kind,
        ..Target::default()
    };
    target.modified_properties = changes(properties, ValueEncoding::JsonString);
    (target != Target::default()).then_some(target)
}
