//! The Office 365 unified audit log: the records themselves, and the search results that have one in `auditData`.
//!
//! Entra's records describe the actor and the target by lists of identities, `{ID, Type}`, whose order and prefixes
//! (`User_<id>`, `ServicePrincipal_<id>`) define their meaning. Other workloads name a user and an object.

use super::azure_monitor::without_dot;
use super::directory_audit::ENTRA;
use super::event_draft::EventDraft;
use super::source_record::{JsonCursor, is_absent};
use super::value::{ValueEncoding, changes, detail, details, execution_result, reason, status};
use super::{UnsupportedRecord, timestamp};
use model::{Actor, ActorApplication, ActorKind, Detail, Status, Target};
use uuid::Uuid;

/// Names of the record types that have no category of their own.
const RECORD_TYPES: &[(&str, &str)] = &[
    ("1", "ExchangeAdmin"),
    ("2", "ExchangeItem"),
    ("4", "SharePoint"),
    ("6", "SharePointFileOperation"),
    ("8", "AzureActiveDirectory"),
    ("9", "AzureActiveDirectoryAccountLogon"),
    ("15", "AzureActiveDirectoryStsLogon"),
    ("25", "MicrosoftTeams"),
    ("65", "Quarantine"),
    ("295", "AuditSearch"),
];

/// Converts a search result. Fields that are missing in its record come from the result.
pub(super) fn map_search_result(result: &JsonCursor) -> Result<EventDraft, UnsupportedRecord> {
    let Some(record) = result.get("auditData") else {
        return Err(UnsupportedRecord("the search result has no `auditData`".to_owned()));
    };
    let mut draft = draft(record, Some(result))?;
    let record_type = result.take_at("auditLogRecordType");
    if let Some(record_type) = record_type.filter(|_| !has_category(record)) {
        draft.category = Some(record_type_name(record_type));
    }
    draft.actor.ip_address = draft.actor.ip_address.take().or_else(|| result.take_at("clientIp"));
    #[rustfmt::skip]
    let alike = [
        "createdDateTime", "service", "objectId", "userId", "userPrincipalName", "id", "operation", "recordId", "userIds",
        "operations",
    ];
    for key in alike {
        result.take_at(key);
    }
    let tenant = result.take_at("organizationId");
    draft.tenant = draft.tenant.or(tenant);
    Ok(draft)
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
    draft.category = category(record, &draft.details);
    draft.status = outcome(record, &operation);
    let properties = record.list("ModifiedProperties");
    draft.status_reason = reason(record.get("LogonError"))
        .or_else(|| reason(record.get("FailureReason")))
        .or_else(|| execution_result(properties));
    draft.correlation_id = record.take_first(&["InterSystemsId", "CorrelationId"]);
    draft.actor = actor(record, &draft.details);
    let mut target = target(record, result);
    target.modified_properties = changes(properties, ValueEncoding::Plain);
    draft.targets = std::iter::once(target).chain(members(record)).filter(|it| *it != Target::default()).collect();
    draft.tenant = record.take_at("OrganizationId");
    Ok(draft)
}

/// Returns the status. For a failed sign-in, `ResultStatus` may be that of the request, which succeeded.
fn outcome(record: &JsonCursor, operation: &str) -> Status {
    let names_error = |key: &str| {
        let word = record.str_at(key).unwrap_or_default();
        !is_absent(&word) && !["0", "none"].iter().any(|none| word.trim().eq_ignore_ascii_case(none))
    };
    let failed = operation.to_ascii_lowercase().ends_with("failed")
        || ["LogonError", "ErrorNumber"].into_iter().any(names_error);
    match record.str_at("ResultStatus").as_deref().map_or(Status::Unknown, status) {
        Status::Success | Status::Unknown if failed => Status::Failure,
        status => status,
    }
}

/// Returns the category of the directory, else the record type.
fn category(record: &JsonCursor, details: &[Detail]) -> Option<String> {
    let named = detail(details, "extendedAuditEventCategory").or_else(|| detail(details, "auditEventCategory"));
    named.or_else(|| record.take_at("RecordType").map(record_type_name))
}

fn has_category(record: &JsonCursor) -> bool {
    record.list("ExtendedProperties").iter().any(|property| {
        let name = property.find("Name").and_then(JsonCursor::raw_str).unwrap_or_default();
        name.to_ascii_lowercase().ends_with("auditeventcategory")
    })
}

fn record_type_name(word: String) -> String {
    let known = RECORD_TYPES.iter().find(|(number, _)| *number == word);
    known.map_or(word, |(_, name)| (*name).to_owned())
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

/// The actor or target that a list of identities describes.
#[derive(Default)]
struct IdentityList {
    object_id: Option<String>,
    upn: Option<String>,
    name: Option<String>,
    sort: Option<String>,
    /// The application: the actor itself, or the client of a user.
    application_id: Option<String>,
    service_principal_name: Option<String>,
}

impl IdentityList {
    fn of(elements: &[JsonCursor]) -> Self {
        let mut identity = Self::default();
        let mut ids = Vec::new();
        for element in elements {
            let Some(word) = element.get("ID").and_then(JsonCursor::as_str) else { continue };
            let word = word.into_owned();
            let slot = match element.str_at("Type").unwrap_or_default().to_ascii_uppercase().as_str() {
                "5" | "UPN" => &mut identity.upn,
                "4" | "SPN" => &mut identity.service_principal_name,
                "1" | "NAME" => &mut identity.name,
                "0" | "CLAIM" => {
                    ids.push(word);
                    continue;
                }
                "3" | "PUID" => continue,
                _ => {
                    identity.add_other(word, &mut ids);
                    continue;
                }
            };
            slot.get_or_insert(word);
        }
        if identity.object_id.is_none() && identity.sort.is_none() && !ids.is_empty() {
            identity.object_id = Some(ids.remove(0));
        }
        identity.application_id = ids.into_iter().find(|id| Some(id) != identity.object_id.as_ref());
        for cursor in elements.iter().filter_map(|element| element.get("ID")) {
            cursor.take();
        }
        identity
    }

    /// Adds an identity of type *other*: `User_<id>`, an id, or the type of the whole list.
    fn add_other(&mut self, word: String, ids: &mut Vec<String>) {
        if let Some((_, id)) = prefixed(&word) {
            self.object_id.get_or_insert(id.to_owned());
        } else if word.chars().all(char::is_alphabetic) {
            self.sort = Some(word);
        } else {
            ids.push(word);
        }
    }
}

/// Splits `User_<id>`.
fn prefixed(text: &str) -> Option<(&str, &str)> {
    let (sort, id) = text.split_once('_')?;
    let is_sort = !sort.is_empty() && sort.chars().all(|c| c.is_ascii_alphabetic());
    (is_sort && id.chars().any(|c| c.is_ascii_digit()) && !id.contains('@')).then_some((sort, id))
}

/// Whether a string is a GUID in its hyphenated form.
fn is_guid(string: &str) -> bool {
    const HYPHENATED_LENGTH: usize = 36;
    string.len() == HYPHENATED_LENGTH && Uuid::try_parse(string).is_ok()
}

fn actor(record: &JsonCursor, details: &[Detail]) -> Actor {
    let identity = IdentityList::of(record.list("Actor"));
    let user_id = record.take_at("UserId");
    let user_type = record.str_at("UserType").unwrap_or_default().to_ascii_lowercase();
    let mut actor = Actor::new(ActorKind::Unknown);
    let sort = identity.sort.as_deref().unwrap_or_default().to_ascii_lowercase();
    let is_principal = |id: &str| id.to_ascii_lowercase().starts_with("serviceprincipal_");
    actor.kind = match (sort.as_str(), user_type.as_str()) {
        ("serviceprincipal" | "application", _) | ("", "5" | "6" | "application" | "serviceprincipal") => {
            ActorKind::Application
        }
        _ if user_id.as_deref().is_some_and(is_principal) => ActorKind::Application,
        ("user", _) => ActorKind::User,
        _ if identity.upn.is_some() || user_id.as_deref().is_some_and(|id| id.contains('@')) => ActorKind::User,
        (_, "4" | "system" | "7" | "8" | "custompolicy" | "systempolicy") => ActorKind::System,
        _ if user_id.is_some() || identity.object_id.is_some() => ActorKind::User,
        _ => ActorKind::Unknown,
    };
    let mut application = ActorApplication {
        application_id: record.take_first(&["ApplicationId", "ClientAppId", "AppId"]).or(identity.application_id),
        display_name: record.take_first(&["ApplicationDisplayName", "AppDisplayName", "ClientApplication"]),
    };
    actor.object_id = identity.object_id;
    actor.service_principal_name = identity.service_principal_name;
    match actor.kind {
        ActorKind::System => actor.display_name = identity.name.or_else(|| user_id.clone().filter(|id| !is_guid(id))),
        _ => application.display_name = application.display_name.or(identity.name),
    }
    actor.application = (application != ActorApplication::default()).then_some(application);
    add_user_id(&mut actor, identity.upn, user_id, record.take_at("UserKey"));
    actor.ip_address = record.take_at("ActorIpAddress");
    let client_ip = record.take_first(&["ClientIP", "ClientIPAddress"]);
    actor.ip_address = actor.ip_address.or(client_ip);
    let agent = detail(details, "UserAgent").or_else(|| detail(details, "User-Agent"));
    actor.user_agent = record.take_at("UserAgent").or(agent);
    actor
}

/// Adds `UserId`, which is a principal name, an id or the name of a system, and `UserKey`, which may be an id.
fn add_user_id(actor: &mut Actor, upn: Option<String>, user_id: Option<String>, user_key: Option<String>) {
    if let Some((_, id)) = user_id.as_deref().and_then(prefixed) {
        actor.object_id.get_or_insert_with(|| id.to_owned());
    } else if user_id.as_deref().is_some_and(is_guid) && actor.object_id.is_none() {
        actor.object_id.clone_from(&user_id);
    }
    if actor.kind == ActorKind::User {
        let named = user_id.filter(|id| !is_guid(id) && prefixed(id).is_none());
        actor.user_principal_name = upn.or(named);
    }
    if let Some(key) = user_key.filter(|key| is_guid(key) && actor.object_id.is_none()) {
        actor.object_id = Some(key);
    }
}

/// Reads the members in an event of Teams.
fn members(record: &JsonCursor) -> impl Iterator<Item = Target> {
    record.list("Members").iter().map(|member| Target {
        user_principal_name: member.take_at("UPN"),
        display_name: member.take_at("DisplayName"),
        ..Target::default()
    })
}

/// Reads the file or team, for events without a list of identities.
fn named_object(record: &JsonCursor, target: &mut Target) {
    target.kind = record.take_at("ItemType");
    target.display_name = record.take_at("SourceFileName");
    if *target == Target::default() {
        target.object_id = record.take_at("TeamGuid");
        target.display_name = record.take_at("TeamName");
    }
}

fn target(record: &JsonCursor, result: Option<&JsonCursor>) -> Target {
    let list = record.list("Target");
    let object = record.take_first(&["ObjectId", "OfficeObjectId"]).or_else(|| result?.take_at("objectId"));
    let identity = IdentityList::of(list);
    let mut target = Target {
        object_id: identity.object_id,
        user_principal_name: identity.upn,
        display_name: identity.name,
        kind: identity.sort,
        modified_properties: Vec::new(),
    };
    if target == Target::default() {
        named_object(record, &mut target);
    }
    let is_open = target.object_id.is_none() && target.user_principal_name.is_none();
    let Some(object) = object.filter(|object| is_open && list.is_empty() && !is_absent(object)) else {
        return target;
    };
    if let Some((sort, id)) = prefixed(&object) {
        target.kind = Some(sort.to_owned());
        target.object_id = Some(id.to_owned());
    } else if object.contains('@') && !object.contains(['/', ' ']) {
        target.user_principal_name = Some(object);
    } else {
        target.object_id = Some(object);
    }
    target
}
