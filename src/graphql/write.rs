//! Events written as JSON, straight from what was read to the bytes of the answer.
//!
//! For each type there is a table of its fields, which says the same as its resolvers do; a test asks random
//! documents both ways and compares the bytes. A field that stands in no table makes the library resolve the whole
//! list, so nothing is lost where a table is behind the schema. The rows are plain data: nothing here can fail.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{Context, ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

use super::event::AuditEvent;
use super::plan::{Place, Plan, Write, list};
use crate::audit::page::Cursor;
use crate::audit::{self, Actor, ActorApplication, ActorKind, Detail, Event, ModifiedProperty, Recording, Target};

/// JSON that the response writer prints as it is.
#[derive(Debug)]
pub(super) struct Json(Value);

impl From<Vec<u8>> for Json {
    fn from(json: Vec<u8>) -> Self {
        Self(Value::Binary(json.into()))
    }
}

/// A list of objects: written already, or for the library to resolve.
#[derive(Debug)]
pub(super) enum Listed<T> {
    /// As JSON.
    Written(Json),
    /// As objects.
    Objects(Vec<T>),
}

impl<T: OutputType> OutputType for Listed<T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<T>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match self {
            // A reference to the bytes, not a copy.
            Self::Written(json) => Ok(json.0.clone()),
            Self::Objects(objects) => objects.resolve(ctx, field).await,
        }
    }
}

/// Where something is written: which event it belongs to, and which of its targets.
pub(super) struct At<'a> {
    event: &'a Event,
    id: OnceCell<String>,
    target: Cell<usize>,
}

impl<'a> At<'a> {
    fn new(event: &'a Event) -> Self {
        Self { event, id: OnceCell::new(), target: Cell::new(0) }
    }

    fn id(&self) -> &str {
        self.id.get_or_init(|| self.event.id().to_global())
    }
}

/// The events of a page, each with its cursor, as the selection below the present field has them.
pub(super) fn edges(ctx: &Context<'_>, rows: &[(Cursor, AuditEvent)]) -> Option<Json> {
    let plan = Plan::<(Cursor, AuditEvent)>::compile(&Place::of(ctx)?, "AuditEventEdge", "", |name, below| {
        Some(match name {
            "cursor" => leaf(|out, _, (cursor, _)| text(out, &cursor.encode())),
            "node" => {
                let plan = event_plan(&below)?;
                Box::new(move |out, at, (_, event)| plan.object(out, at, &event.0))
            }
            _ => return None,
        })
    })?;
    let mut out = Vec::with_capacity(rows.len() * 1_024 + 2);
    list(&mut out, rows, |out, row| plan.object(out, &At::new(&row.1.0), row));
    Some(out.into())
}

/// Events, as the selection below the present field has them.
pub(super) fn events<'e>(ctx: &Context<'_>, events: impl ExactSizeIterator<Item = &'e AuditEvent>) -> Option<Json> {
    let plan = event_plan(&Place::of(ctx)?)?;
    let mut out = Vec::with_capacity(events.len() * 1_024 + 2);
    list(&mut out, events, |out, event| plan.object(out, &At::new(&event.0), &event.0));
    Some(out.into())
}

fn leaf<T: 'static>(write: fn(&mut Vec<u8>, &At<'_>, &T)) -> Write<T> {
    Box::new(write)
}

/// Writes a text as JSON.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    // A string always serialises, and a vector takes it.
    let _ = serde_json::to_writer(out, text);
}

/// Writes a name or number, which needs no escapes.
fn plain(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn optional(out: &mut Vec<u8>, value: Option<&str>) {
    match value {
        Some(value) => text(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

fn name(out: &mut Vec<u8>, value: Option<&str>) {
    match value {
        Some(value) => plain(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

fn json(out: &mut Vec<u8>, value: Option<&audit::Json>) {
    out.extend_from_slice(value.map_or("null", audit::Json::text).as_bytes());
}

fn boolean(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

fn event_plan(place: &Place<'_>) -> Option<Plan<Arc<Event>>> {
    Plan::compile(place, "AuditEvent", "Node", |name, below| event_field(name, &below))
}

fn event_field(field: &str, below: &Place<'_>) -> Option<Write<Arc<Event>>> {
    Some(match field {
        "id" => leaf(|out, at, _| plain(out, at.id())),
        "occurredAt" => leaf(|out, _, event| plain(out, &event.body.occurred_at.to_string())),
        "recordedAt" => leaf(|out, _, event| plain(out, &event.recorded_at.to_string())),
        "sequence" => leaf(|out, _, event| out.extend_from_slice(event.sequence.to_string().as_bytes())),
        "eventKey" => leaf(|out, _, event| text(out, &event.body.event_key)),
        "activity" => leaf(|out, _, event| text(out, &event.body.activity)),
        "activityDisplayName" => leaf(|out, _, event| text(out, &event.body.activity_display_name)),
        "category" => leaf(|out, _, event| text(out, &event.body.category)),
        "service" => leaf(|out, _, event| text(out, &event.body.service)),
        "component" => leaf(|out, _, event| optional(out, event.body.component.as_deref())),
        "operationType" => leaf(|out, _, event| plain(out, event.body.operation_type.name())),
        "activityResourceType" => leaf(|out, _, event| plain(out, event.body.resource_type.name())),
        "groupSource" => leaf(|out, _, event| name(out, event.body.group_source.map(audit::GroupSource::name))),
        "status" => leaf(|out, _, event| plain(out, event.body.status.name())),
        "statusReason" => leaf(|out, _, event| optional(out, event.body.status_reason.as_deref())),
        "correlationId" => leaf(|out, _, event| optional(out, event.body.correlation_id.as_deref())),
        "actor" => {
            let plans = ActorPlans::compile(below)?;
            Box::new(move |out, at, event| plans.of(event.body.actor.kind).object(out, at, &event.body.actor))
        }
        "targets" => {
            let plan = Plan::compile(below, "Target", "", |name, below| target_field(name, &below))?;
            Box::new(move |out, at, event| {
                list(out, event.body.targets.iter().enumerate(), |out, (place, target)| {
                    at.target.set(place);
                    plan.object(out, at, target);
                });
            })
        }
        "additionalDetails" => {
            let plan = Plan::compile(below, "AuditDetail", "", detail_field)?;
            Box::new(move |out, at, event| {
                list(out, &event.body.additional_details, |out, detail| plan.object(out, at, detail));
            })
        }
        "unmapped" => leaf(|out, _, event| json(out, event.body.unmapped.as_ref())),
        "recording" => {
            let plan = Plan::compile(below, "Recording", "", recording_field)?;
            Box::new(move |out, at, event| plan.object(out, at, &event.body.recording))
        }
        "isRedacted" => leaf(|out, _, event| boolean(out, event.is_redacted)),
        "raw" => leaf(|out, _, event| json(out, event.raw.as_ref())),
        _ => return None,
    })
}

/// What is selected of an actor of each kind.
struct ActorPlans {
    user: Plan<Actor>,
    application: Plan<Actor>,
    system: Plan<Actor>,
    unknown: Plan<Actor>,
}

impl ActorPlans {
    fn compile(place: &Place<'_>) -> Option<Self> {
        let plan = |kind, type_name| {
            Plan::compile(place, type_name, "Actor", move |name, below| actor_field(kind, name, &below))
        };
        Some(Self {
            user: plan(ActorKind::User, "UserActor")?,
            application: plan(ActorKind::Application, "ApplicationActor")?,
            system: plan(ActorKind::System, "SystemActor")?,
            unknown: plan(ActorKind::Unknown, "UnknownActor")?,
        })
    }

    const fn of(&self, kind: ActorKind) -> &Plan<Actor> {
        match kind {
            ActorKind::User => &self.user,
            ActorKind::Application => &self.application,
            ActorKind::System => &self.system,
            ActorKind::Unknown => &self.unknown,
        }
    }
}

fn actor_field(kind: ActorKind, field: &str, below: &Place<'_>) -> Option<Write<Actor>> {
    Some(match (kind, field) {
        (_, "id") => leaf(|out, at, _| plain(out, &format!("{}:actor", at.id()))),
        (_, "key") => leaf(|out, _, actor| text(out, &actor.key())),
        (_, "kind") => leaf(|out, _, actor| plain(out, actor.kind.name())),
        (_, "name") => leaf(|out, _, actor| text(out, actor.name())),
        (_, "ipAddress") => leaf(|out, _, actor| optional(out, actor.ip_address.as_deref())),
        (_, "userAgent") => leaf(|out, _, actor| optional(out, actor.user_agent.as_deref())),
        (_, "application") => {
            let plan = Plan::compile(below, "ActorApplication", "", application_field)?;
            Box::new(move |out, at, actor| match &actor.application {
                Some(application) => plan.object(out, at, application),
                None => out.extend_from_slice(b"null"),
            })
        }
        (ActorKind::User, "displayName") => leaf(|out, _, actor| optional(out, actor.display_name.as_deref())),
        (ActorKind::User, "userPrincipalName") => {
            leaf(|out, _, actor| optional(out, actor.user_principal_name.as_deref()))
        }
        (ActorKind::User, "objectId") | (ActorKind::Application, "servicePrincipalId") => {
            leaf(|out, _, actor| optional(out, actor.object_id.as_deref()))
        }
        (ActorKind::User, "permissions") => {
            leaf(|out, _, actor| list(out, &actor.permissions, |out, permission| text(out, permission)))
        }
        (ActorKind::Application, "servicePrincipalName") => {
            leaf(|out, _, actor| optional(out, actor.service_principal_name.as_deref()))
        }
        _ => return None,
    })
}

fn application_field(field: &str, _: Place<'_>) -> Option<Write<ActorApplication>> {
    Some(match field {
        "applicationId" => leaf(|out, _, application| optional(out, application.application_id.as_deref())),
        "displayName" => leaf(|out, _, application| optional(out, application.display_name.as_deref())),
        _ => return None,
    })
}

fn target_field(field: &str, below: &Place<'_>) -> Option<Write<Target>> {
    Some(match field {
        "id" => leaf(|out, at, _| plain(out, &format!("{}:target:{}", at.id(), at.target.get()))),
        "key" => leaf(|out, _, target| text(out, &target.key())),
        "objectId" => leaf(|out, _, target| optional(out, target.object_id.as_deref())),
        "displayName" => leaf(|out, _, target| optional(out, target.display_name.as_deref())),
        "type" => leaf(|out, _, target| optional(out, target.kind.as_deref())),
        "userPrincipalName" => leaf(|out, _, target| optional(out, target.user_principal_name.as_deref())),
        "modifiedProperties" => {
            let plan = Plan::compile(below, "ModifiedProperty", "", change_field)?;
            Box::new(move |out, at, target| {
                list(out, &target.modified_properties, |out, change| plan.object(out, at, change));
            })
        }
        _ => return None,
    })
}

fn change_field(field: &str, _: Place<'_>) -> Option<Write<ModifiedProperty>> {
    Some(match field {
        "name" => leaf(|out, _, change| text(out, &change.name)),
        "change" => leaf(|out, _, change| plain(out, change.change.name())),
        "oldValue" => leaf(|out, _, change| json(out, change.old_value.as_ref())),
        "newValue" => leaf(|out, _, change| json(out, change.new_value.as_ref())),
        "withheld" => leaf(|out, _, change| name(out, change.withheld.map(audit::WithheldReason::name))),
        _ => return None,
    })
}

fn detail_field(field: &str, _: Place<'_>) -> Option<Write<Detail>> {
    Some(match field {
        "key" => leaf(|out, _, detail| text(out, &detail.key)),
        "value" => leaf(|out, _, detail| optional(out, detail.value.as_deref())),
        "withheld" => leaf(|out, _, detail| name(out, detail.withheld.map(audit::WithheldReason::name))),
        _ => return None,
    })
}

fn recording_field(field: &str, _: Place<'_>) -> Option<Write<Recording>> {
    Some(match field {
        "route" => leaf(|out, _, recording| plain(out, recording.route.name())),
        "recordedBy" => leaf(|out, _, recording| text(out, &recording.recorded_by)),
        "clientId" => leaf(|out, _, recording| optional(out, recording.client_id.as_deref())),
        "source" => leaf(|out, _, recording| optional(out, recording.source.as_deref())),
        "sourceTenantId" => leaf(|out, _, recording| optional(out, recording.source_tenant_id.as_deref())),
        _ => return None,
    })
}
