//! Reads the actor and the targets, under common field names.
//!
//! Some names are the actor in one log and the target in another: `user` next to `actor` is a target, and its id and name
//! are never the actor's.

use super::{FieldMap, is_cloud_event, take};
use crate::directory_audit::strings;
use crate::source_record::JsonCursor;
use crate::value::{ValueEncoding, changes_by_name};
use model::event::TARGETS_MAX;
use model::{Actor, ActorApplication, ActorKind, Target};

/// Unambiguous names of the actor.
#[rustfmt::skip]
const ACTORS: &[&str] = &[
    "actor", "initiatedBy", "initiatedByActor", "principal", "userIdentity", "caller", "performedBy", "who",
    "authenticationInfo", "identity.claims",
];
/// Names of the actor, unless the record has an unambiguous one.
const USERS: &[&str] = &["user"];
const ACTOR_NAMES: &[&str] = &["actorUserPrincipalName", "actorUpn", "actorEmail", "actorName", "actorDisplayName"];
#[rustfmt::skip]
const USER_NAMES: &[&str] =
    &["userPrincipalName", "upn", "userName", "userEmail", "email", "principalEmail", "login", "user.name"];
const ACTOR_IDS: &[&str] = &["actorId", "actorObjectId", "principalId"];
const USER_IDS: &[&str] = &["userId"];
#[rustfmt::skip]
const OBJECT_IDS: &[&str] = &[
    "objectId", "id", "userId", "servicePrincipalId", "principalId", "uid", "profileId",
    "http://schemas.microsoft.com/identity/claims/objectidentifier",
];
#[rustfmt::skip]
const ADDRESSES: &[&str] = &[
    "ipAddress", "ip", "clientIp", "clientIpAddress", "sourceIp", "sourceIpAddress", "sourceIps", "callerIpAddress",
    "callerIp", "remoteAddress", "remoteIp", "actorIpAddress", "actorIp", "source.ip", "client.ip",
];
const AGENTS: &[&str] =
    &["userAgent", "callerSuppliedUserAgent", "rawUserAgent", "userAgent.rawUserAgent", "user_agent.original"];
/// Objects that may contain the IP address and the user agent.
const CLIENTS: &[&str] = &["client", "source", "request", "context", "requestMetadata"];
#[rustfmt::skip]
const TARGETS: &[&str] = &[
    "targets", "target", "targetResources", "resourceName", "resources", "resource", "objects", "object", "objectRef",
    "entity", "user.target",
];
const TARGET_IDS: &[&str] = &["objectId", "resourceId", "targetId", "targetObjectId", "target1ObjectId", "entityId"];
const TARGET_UPNS: &[&str] = &["targetUserPrincipalName", "target1UserPrincipalName"];
const TARGET_NAMES: &[&str] = &["targetName", "targetDisplayName", "target1DisplayName", "entityName"];
const TARGET_TYPES: &[&str] = &["targetType", "target1Type", "entityType"];
const CHANGES: &[&str] = &["modifiedProperties", "changes", "changedProperties"];

/// Returns the actor and the targets.
pub(super) fn read(fields: &FieldMap) -> (Actor, Vec<Target>) {
    // In logging libraries, `caller` is the source line: `main.go:17`.
    let is_actor =
        |cursor: &&JsonCursor| cursor.is_object() || cursor.as_str().is_some_and(|string| !is_source_line(&string));
    let find = |keys: &[&str]| fields.find(keys).filter(is_actor);
    let unambiguous = ACTORS.iter().find_map(|key| find(&[key]));
    let user = find(USERS);
    let is_unambiguous =
        unambiguous.is_some() || fields.first_str(ACTOR_NAMES).is_some() || fields.first_str(ACTOR_IDS).is_some();
    let found = unambiguous.or_else(|| user.filter(|_| !is_unambiguous));
    let initiator = actor(fields, found, is_unambiguous);
    let mut targets = targets(fields);
    if let Some(user) = user.filter(|_| is_unambiguous && targets.is_empty()) {
        let mut affected = target(user);
        affected.object_id = affected.object_id.or_else(|| fields.take(USER_IDS));
        targets.extend(Some(affected).filter(|target| *target != Target::default()));
    }
    with_changes(fields, &mut targets);
    (initiator, targets)
}

fn is_source_line(string: &str) -> bool {
    let line = string.rsplit_once(':').filter(|(file, _)| file.contains('.') && !file.contains('@'));
    line.is_some_and(|(_, line)| !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit()))
}

fn actor(fields: &FieldMap, found: Option<&JsonCursor>, is_unambiguous: bool) -> Actor {
    let mut actor = match found {
        Some(cursor) if cursor.is_object() => actor_of(cursor),
        Some(cursor) => named_actor(cursor.take()),
        None => Actor::new(ActorKind::Unknown),
    };
    let keys = if is_unambiguous { ACTOR_NAMES } else { USER_NAMES };
    if actor.user_principal_name.is_none() && actor.kind != ActorKind::Application {
        let named = named_actor(fields.take(keys));
        actor.user_principal_name = named.user_principal_name;
        actor.display_name = actor.display_name.or(named.display_name);
    }
    if actor.object_id.is_none() {
        actor.object_id = fields.take(ACTOR_IDS).or_else(|| fields.take(USER_IDS).filter(|_| !is_unambiguous));
    }
    let is_named = actor.object_id.is_some() || actor.user_principal_name.is_some() || actor.display_name.is_some();
    if actor.kind == ActorKind::Unknown && is_named {
        actor.kind = ActorKind::User;
    }
    let clients = || {
        let inner = fields.sources.iter().flat_map(|source| CLIENTS.iter().filter_map(|key| source.get(key)));
        fields.sources.iter().copied().chain(inner)
    };
    actor.ip_address = actor.ip_address.or_else(|| clients().find_map(|source| take(source, ADDRESSES)));
    actor.user_agent = actor.user_agent.or_else(|| clients().find_map(|source| take(source, AGENTS)));
    actor
}

/// Returns a user with a name: a principal name if it contains `@`.
fn named_actor(name: Option<String>) -> Actor {
    let mut actor = Actor::new(if name.is_some() { ActorKind::User } else { ActorKind::Unknown });
    if name.as_deref().is_some_and(|name| name.contains('@')) {
        actor.user_principal_name = name;
    } else {
        actor.display_name = name;
    }
    actor
}

/// Reads an actor object: flat, or nested under the name of its kind.
fn actor_of(cursor: &JsonCursor) -> Actor {
    let nested = [
        ("user", ActorKind::User),
        ("application", ActorKind::Application),
        ("app", ActorKind::Application),
        ("system", ActorKind::System),
    ];
    let is_flat =
        ["kind", "type", "id", "objectId", "userPrincipalName", "displayName"].iter().any(|key| cursor.has(key));
    let inner =
        nested.iter().find_map(|(key, kind)| Some((cursor.get(key).filter(|cursor| cursor.is_object())?, *kind)));
    let (cursor, kind) = match inner {
        Some((inner, kind)) if !is_flat => (inner, Some(kind)),
        _ => (cursor, kind_of(cursor)),
    };
    let mut actor = Actor::new(kind.unwrap_or(ActorKind::User));
    actor.object_id = take(cursor, OBJECT_IDS);
    actor.user_principal_name = take(cursor, USER_NAMES).or_else(|| take(cursor, &["actorName", "alternateId"]));
    actor.display_name = take(cursor, &["displayName", "name", "arn", "invokedBy"]);
    actor.service_principal_name = cursor.take_at("servicePrincipalName");
    actor.ip_address = take(cursor, ADDRESSES);
    actor.user_agent = take(cursor, AGENTS);
    actor.permissions = cursor.get("permissions").map(strings).unwrap_or_default();
    let holder = cursor.get("application").filter(|inner| inner.is_object()).unwrap_or(cursor);
    let mut application =
        ActorApplication { application_id: take(holder, &["applicationId", "appId", "clientId"]), display_name: None };
    if !std::ptr::eq(holder, cursor) {
        application.display_name = take(holder, &["displayName", "name"]);
    } else if actor.kind == ActorKind::Application {
        application.display_name = actor.display_name.take().or_else(|| actor.user_principal_name.take());
    }
    actor.application = (application != ActorApplication::default()).then_some(application);
    let is_named = actor.object_id.is_some() || actor.user_principal_name.is_some() || actor.display_name.is_some();
    if kind.is_none() && !is_named {
        actor.kind = if actor.application.is_some() { ActorKind::Application } else { ActorKind::Unknown };
    }
    actor
}

fn kind_of(cursor: &JsonCursor) -> Option<ActorKind> {
    // Kubernetes marks its own accounts by a prefix.
    let name = cursor.str_at("username").unwrap_or_default();
    if name.starts_with("system:") {
        let is_account = name.starts_with("system:serviceaccount:");
        return Some(if is_account { ActorKind::Application } else { ActorKind::System });
    }
    let string = ["kind", "type", "callerType"].iter().find_map(|key| cursor.str_at(key))?;
    match string.to_ascii_lowercase().as_str() {
        "user" | "person" | "human" | "iamuser" => Some(ActorKind::User),
        "application" | "app" | "serviceprincipal" | "service_account" | "serviceaccount" | "bot" => {
            Some(ActorKind::Application)
        }
        "system" | "awsservice" | "systemprincipal" => Some(ActorKind::System),
        "unknown" => Some(ActorKind::Unknown),
        _ => None,
    }
}

fn targets(fields: &FieldMap) -> Vec<Target> {
    let mut targets: Vec<Target> = match fields.find(TARGETS) {
        Some(cursor) if cursor.as_str().is_some() && !cursor.is_object() && cursor.elements().is_empty() => {
            vec![named_target(cursor.take())]
        }
        Some(cursor) => cursor.elements().iter().take(TARGETS_MAX).map(target).collect(),
        None => Vec::new(),
    };
    targets.retain(|target| *target != Target::default());
    if targets.is_empty() {
        let record = fields.envelope.or_else(|| fields.sources.last().copied());
        let subject = record.filter(|record| is_cloud_event(record)).and_then(|record| record.take_at("subject"));
        let target = Target {
            object_id: fields.take(TARGET_IDS).or(subject),
            user_principal_name: fields.take(TARGET_UPNS),
            display_name: fields.take(TARGET_NAMES),
            kind: fields.take(TARGET_TYPES),
            application_id: None,
            modified_properties: Vec::new(),
        };
        targets.extend(Some(target).filter(|target| *target != Target::default()));
    }
    targets
}

/// Adds changes outside of the targets to the first target.
fn with_changes(fields: &FieldMap, targets: &mut Vec<Target>) {
    let changed = fields.find(CHANGES).map(|cursor| changes_by_name(cursor, ValueEncoding::Plain)).unwrap_or_default();
    if changed.is_empty() {
        return;
    }
    if targets.is_empty() {
        targets.push(Target::default());
    }
    if targets[0].modified_properties.is_empty() {
        targets[0].modified_properties = changed;
    }
}

fn named_target(name: Option<String>) -> Target {
    match name {
        Some(name) if name.contains('@') => Target { user_principal_name: Some(name), ..Target::default() },
        name => Target { display_name: name, ..Target::default() },
    }
}

fn target(cursor: &JsonCursor) -> Target {
    if !cursor.is_object() {
        return named_target(cursor.take());
    }
    let changed = CHANGES.iter().find_map(|key| cursor.get(key));
    Target {
        object_id: take(cursor, &["objectId", "id", "resourceId", "targetId", "uid", "arn"]),
        user_principal_name: take(cursor, &["userPrincipalName", "upn", "alternateId", "email"]),
        display_name: take(cursor, &["displayName", "name"]),
        kind: take(cursor, &["type", "kind", "resourceType", "targetType", "resource"]),
        application_id: take(cursor, &["applicationId", "appId"]),
        modified_properties: changed.map(|cursor| changes_by_name(cursor, ValueEncoding::Json)).unwrap_or_default(),
    }
}
