//! Any object with a time and an activity, under the names that logs commonly use: this service's own input, events
//! in a `CloudEvents` envelope, and what applications write.
//!
//! Names are matched without regard to case and underscores. A name may be found in the record or in the objects
//! that commonly hold part of it (`data`, `event`).

use super::draft::Draft;
use super::original::Part;
use super::value::{Encoding, changes, details, reason, status};
use super::{Refused, moment};
use crate::audit::{Actor, ActorApplication, ActorKind, GroupSource, Status, Target, Timestamp};

const TIMES: &[&str] = &[
    "occurredAt",
    "activityDateTime",
    "eventTime",
    "eventDateTime",
    "time",
    "timestamp",
    "@timestamp",
    "createdAt",
    "createdDateTime",
    "creationTime",
    "creationDate",
    "timeGenerated",
    "generatedTime",
    "dateTime",
    "date",
    "published",
    "loggedAt",
    "ts",
    "when",
    "recordedAt",
];
const ACTIVITIES: &[&str] = &[
    "activity",
    "activityKey",
    "activityType",
    "action",
    "operation",
    "operationName",
    "eventName",
    "eventType",
    "eventAction",
    "event",
    "activityDisplayName",
];
const TITLES: &[&str] = &["activityDisplayName", "displayMessage", "title"];
const IDS: &[&str] = &["eventKey", "eventId", "id", "uuid", "recordId", "documentId", "auditId", "_id", "uid"];
const CATEGORIES: &[&str] = &["category", "eventCategory", "categoryName"];
const SERVICES: &[&str] = &[
    "service",
    "serviceName",
    "loggedByService",
    "eventSource",
    "workload",
    "product",
    "application",
    "app",
    "source",
];
const STATUSES: &[&str] =
    &["status", "result", "outcome", "resultStatus", "activityResult", "resultType", "success", "succeeded"];
const REASONS: &[&str] =
    &["statusReason", "resultReason", "resultDescription", "failureReason", "reason", "errorMessage", "error"];
const CORRELATIONS: &[&str] = &["correlationId", "requestId", "traceId", "operationId", "transactionId"];
const ACTORS: &[&str] = &["actor", "initiatedBy", "user", "principal", "userIdentity", "caller", "performedBy", "who"];
const ACTOR_NAMES: &[&str] = &["userPrincipalName", "upn", "userName", "actorName", "userEmail", "email", "login"];
const ACTOR_IDS: &[&str] = &["userId", "actorId", "principalId"];
const ADDRESSES: &[&str] = &[
    "ipAddress",
    "ip",
    "clientIp",
    "clientIpAddress",
    "sourceIp",
    "sourceIpAddress",
    "callerIpAddress",
    "remoteAddress",
    "remoteIp",
    "actorIpAddress",
];
const AGENTS: &[&str] = &["userAgent", "user-agent"];
const TARGETS: &[&str] =
    &["targets", "target", "targetResources", "resources", "resource", "objects", "object", "entity"];
const TARGET_IDS: &[&str] = &["objectId", "resourceId", "targetId", "entityId"];
const DETAILS: &[&str] = &["additionalDetails", "details"];
const CHANGES: &[&str] = &["modifiedProperties", "changes", "changedProperties"];

/// Whether the record is a `CloudEvents` envelope.
pub(super) fn is_cloud_event(record: &Part) -> bool {
    record.has("specversion") && record.has("type") && record.has("source")
}

/// Reads a record.
pub(super) fn map(record: &Part) -> Result<Draft, Refused> {
    let envelope = is_cloud_event(record).then_some(record);
    let body = envelope.and_then(|record| record.get("data").filter(|data| data.is_object())).unwrap_or(record);
    let envelope = envelope.filter(|envelope| !std::ptr::eq(*envelope, body));
    let said = Said { body, envelope };
    let occurred_at = said.moment().ok_or_else(|| {
        Refused("the record has no moment in `time`, `timestamp`, `occurredAt` or the like".to_owned())
    })?;
    let activity = said.activity().ok_or_else(|| {
        Refused("the record does not name an activity in `activity`, `action`, `operation` or the like".to_owned())
    })?;
    let service = said.first(&["service", "serviceName", "loggedByService"], "source", SERVICES);
    let mut draft = Draft::new(occurred_at, activity, service.as_deref().unwrap_or("Other"));
    draft.title = body.take_first(TITLES);
    draft.is_key = body.has("eventKey");
    draft.id = said.first(&["eventKey", "eventId"], "id", IDS);
    draft.category = body.take_first(CATEGORIES);
    draft.component = body.take_first(&["component", "componentName"]);
    draft.verb = ["operationType", "activityOperationType", "verb"].iter().find_map(|key| body.word_at(key));
    draft.resource = ["activityResourceType", "resourceType"].iter().find_map(|key| body.word_at(key));
    draft.group_source =
        body.word_at("groupSource").and_then(|word| GroupSource::from_name(&word.to_ascii_uppercase()));
    (draft.status, draft.status_reason) = outcome(body);
    draft.correlation_id = body.take_first(CORRELATIONS);
    draft.actor = actor(body);
    draft.targets = targets(body, envelope.or(Some(record)));
    draft.details = DETAILS.iter().find_map(|key| body.get(key)).map(details).unwrap_or_default();
    draft.tenant = body.take_first(&["tenantId", "tenant", "organizationId", "orgId"]);
    Ok(draft)
}

/// A record, and the envelope around it if there is one. What the envelope says of the event counts more than
/// members of the record that may as well be about the thing that the event is about, such as `id` or `type`.
struct Said<'a> {
    body: &'a Part,
    envelope: Option<&'a Part>,
}

impl Said<'_> {
    /// The word in the record that is certainly meant, else that of the envelope, else one of its common names.
    fn first(&self, certain: &[&str], in_envelope: &str, common: &[&str]) -> Option<String> {
        let word = self.body.take_first(certain);
        match self.envelope {
            Some(envelope) => word.or_else(|| envelope.take_at(in_envelope)),
            None => word.or_else(|| self.body.take_first(common)),
        }
    }

    fn moment(&self) -> Option<Timestamp> {
        moment::take_first(self.body, &["occurredAt", "activityDateTime", "eventTime"])
            .or_else(|| moment::take_first(self.envelope?, &["time"]))
            .or_else(|| moment::take_first(self.body, TIMES))
    }

    fn activity(&self) -> Option<String> {
        let body = self.body;
        body.take_first(ACTIVITIES)
            .or_else(|| body.get("event")?.take_first(&["action", "name", "type"]))
            .or_else(|| self.envelope?.take_at("type"))
            .or_else(|| body.take_at("type"))
    }
}

/// How it ended: a word, or an object with the word and the reason.
fn outcome(body: &Part) -> (Status, Option<String>) {
    let places = [Some(body), body.get("event")];
    let part = places
        .into_iter()
        .flatten()
        .find_map(|place| STATUSES.iter().find_map(|key| place.get(key).filter(|part| !part.is_null())));
    let said = REASONS.iter().find_map(|key| reason(body.get(key)));
    let Some(part) = part else { return (Status::Unknown, said) };
    if let Some(word) = part.word().filter(|_| !part.is_object()) {
        part.take();
        let named = Status::from_name(&word.to_ascii_uppercase());
        return (named.unwrap_or_else(|| status(&word)), said);
    }
    let word = STATUSES.iter().find_map(|key| part.word_at(key));
    let said = REASONS.iter().find_map(|key| reason(part.get(key))).or(said);
    (word.as_deref().map_or(Status::Unknown, status), said)
}

fn actor(body: &Part) -> Actor {
    let found = ACTORS.iter().find_map(|key| body.get(key).filter(|part| part.is_object() || part.word().is_some()));
    let mut actor = match found {
        Some(part) if part.is_object() => actor_of(part),
        Some(part) => named_actor(part.take()),
        None => Actor::new(ActorKind::Unknown),
    };
    if actor.user_principal_name.is_none() && actor.kind != ActorKind::Application {
        let named = named_actor(body.take_first(ACTOR_NAMES));
        actor.user_principal_name = named.user_principal_name;
        actor.display_name = actor.display_name.or(named.display_name);
    }
    if actor.object_id.is_none() {
        actor.object_id = body.take_first(ACTOR_IDS);
    }
    if actor.kind == ActorKind::Unknown
        && (actor.object_id.is_some() || actor.user_principal_name.is_some() || actor.display_name.is_some())
    {
        actor.kind = ActorKind::User;
    }
    let places = || {
        std::iter::once(body).chain(["client", "source", "request", "context"].iter().filter_map(|key| body.get(key)))
    };
    actor.ip_address = actor.ip_address.or_else(|| places().find_map(|place| place.take_first(ADDRESSES)));
    actor.user_agent = actor.user_agent.or_else(|| places().find_map(|place| place.take_first(AGENTS)));
    actor
}

/// A user given by a name: a principal name if it looks like one.
fn named_actor(name: Option<String>) -> Actor {
    let mut actor = Actor::new(if name.is_some() { ActorKind::User } else { ActorKind::Unknown });
    if name.as_deref().is_some_and(|name| name.contains('@')) {
        actor.user_principal_name = name;
    } else {
        actor.display_name = name;
    }
    actor
}

/// An actor given as an object: directly, or under the name of its kind.
fn actor_of(part: &Part) -> Actor {
    let nested = [
        ("user", ActorKind::User),
        ("application", ActorKind::Application),
        ("app", ActorKind::Application),
        ("system", ActorKind::System),
    ];
    let is_flat =
        ["kind", "type", "id", "objectId", "userPrincipalName", "displayName"].iter().any(|key| part.has(key));
    let inner = nested.iter().find_map(|(key, kind)| Some((part.get(key).filter(|part| part.is_object())?, *kind)));
    let (part, kind) = match inner {
        Some((inner, kind)) if !is_flat => (inner, Some(kind)),
        _ => (part, kind_of(part)),
    };
    let mut actor = Actor::new(kind.unwrap_or(ActorKind::User));
    actor.object_id = part.take_first(&["objectId", "id", "userId", "servicePrincipalId", "principalId", "uid"]);
    actor.user_principal_name = part.take_first(ACTOR_NAMES).or_else(|| part.take_at("alternateId"));
    actor.display_name = part.take_first(&["displayName", "name"]);
    actor.service_principal_name = part.take_at("servicePrincipalName");
    actor.ip_address = part.take_first(ADDRESSES);
    actor.user_agent = part.take_first(AGENTS);
    actor.permissions = part.get("permissions").map(super::directory_audit::words).unwrap_or_default();
    let holder = part.get("application").filter(|inner| inner.is_object()).unwrap_or(part);
    let mut application = ActorApplication {
        application_id: holder.take_first(&["applicationId", "appId", "clientId"]),
        display_name: None,
    };
    if !std::ptr::eq(holder, part) {
        application.display_name = holder.take_first(&["displayName", "name"]);
    } else if actor.kind == ActorKind::Application {
        application.display_name = actor.display_name.take();
    }
    actor.application = (application != ActorApplication::default()).then_some(application);
    let is_named = actor.object_id.is_some() || actor.user_principal_name.is_some() || actor.display_name.is_some();
    if kind.is_none() && !is_named {
        actor.kind = if actor.application.is_some() { ActorKind::Application } else { ActorKind::Unknown };
    }
    actor
}

fn kind_of(part: &Part) -> Option<ActorKind> {
    let word = part.word_at("kind").or_else(|| part.word_at("type"))?;
    match word.to_ascii_lowercase().as_str() {
        "user" | "person" | "human" | "iamuser" => Some(ActorKind::User),
        "application" | "app" | "serviceprincipal" | "service_account" | "serviceaccount" | "bot" => {
            Some(ActorKind::Application)
        }
        "system" => Some(ActorKind::System),
        "unknown" => Some(ActorKind::Unknown),
        _ => None,
    }
}

fn targets(body: &Part, record: Option<&Part>) -> Vec<Target> {
    let found = TARGETS.iter().find_map(|key| body.get(key).filter(|part| !part.is_null()));
    let mut targets: Vec<Target> = match found {
        Some(part) if part.word().is_some() && !part.is_object() && part.elements().is_empty() => {
            vec![named_target(part.take())]
        }
        Some(part) => part.elements().iter().map(target).collect(),
        None => Vec::new(),
    };
    targets.retain(|target| *target != Target::default());
    if targets.is_empty() {
        let object_id = body.take_first(TARGET_IDS);
        let subject = record.filter(|record| is_cloud_event(record)).and_then(|record| record.take_at("subject"));
        let target = Target { object_id: object_id.or(subject), ..Target::default() };
        targets.extend(Some(target).filter(|target| *target != Target::default()));
    }
    let changed = CHANGES.iter().find_map(|key| body.get(key)).map(|part| changes(part.elements(), Encoding::Plain));
    if let Some(changed) = changed.filter(|changed| !changed.is_empty()) {
        if targets.is_empty() {
            targets.push(Target::default());
        }
        if targets[0].modified_properties.is_empty() {
            targets[0].modified_properties = changed;
        }
    }
    targets
}

fn named_target(name: Option<String>) -> Target {
    match name {
        Some(name) if name.contains('@') => Target { user_principal_name: Some(name), ..Target::default() },
        name => Target { display_name: name, ..Target::default() },
    }
}

fn target(part: &Part) -> Target {
    if !part.is_object() {
        return named_target(part.take());
    }
    let changed = CHANGES.iter().find_map(|key| part.get(key)).map(Part::elements).unwrap_or_default();
    Target {
        object_id: part.take_first(&["objectId", "id", "resourceId", "targetId", "uid"]),
        user_principal_name: part.take_first(&["userPrincipalName", "upn", "alternateId", "email"]),
        display_name: part.take_first(&["displayName", "name"]),
        kind: part.take_first(&["type", "kind", "resourceType", "targetType"]),
        modified_properties: changes(changed, Encoding::Json),
    }
}
