//! Events written as JSON, straight from the stored text to the bytes of the answer.
//!
//! For each type there is a table of its fields, which gives the same results as its resolvers; a test runs random
//! documents both ways and compares the bytes. A field that is in no table makes the library resolve the whole list, so
//! nothing is lost where a table is behind the schema. Texts are stored as the JSON that the answer needs, and are
//! copied as they are.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{Context, ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

use crate::error::ApiError;
use crate::output::plan::{Place, Plan, Write, list};
use model::page::Cursor;
use model::view::{ActorView, ApplicationView, ChangeView, DetailView, EventView, RecordingView, TargetView, Text};
use model::{self, Actor, ActorKind, Target};
use store::{EventRow, Reader};

/// JSON that the response writer prints as it is.
#[derive(Debug)]
pub(crate) struct Json(Value);

impl From<Vec<u8>> for Json {
    fn from(json: Vec<u8>) -> Self {
        Self(Value::Binary(json.into()))
    }
}

/// A list of objects: written already, or for the library to resolve.
#[derive(Debug)]
pub(crate) enum Listed<T> {
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
pub(crate) struct At<'a> {
    event: &'a EventView<'a>,
    id: OnceCell<String>,
    target: Cell<usize>,
}

impl<'a> At<'a> {
    fn new(event: &'a EventView<'a>) -> Self {
        Self { event, id: OnceCell::new(), target: Cell::new(0) }
    }

    fn id(&self) -> &str {
        self.id.get_or_init(|| self.event.id().to_global())
    }
}

/// The events of a page, each with its cursor, as the selection below the present field has them. None if the library
/// has to resolve them.
pub(crate) fn edges(ctx: &Context<'_>, reader: &Reader, rows: &[(Cursor, EventRow)]) -> Result<Option<Json>, ApiError> {
    let Some(place) = Place::of(ctx) else { return Ok(None) };
    let plan = Plan::<(Cursor, EventView<'_>)>::compile(&place, "AuditEventEdge", "", |name, below| {
        Some(match name {
            "cursor" => leaf(|out, _, (cursor, _)| plain(out, &cursor.encode())),
            "node" => {
                let plan = event_plan(&below)?;
                Box::new(move |out, at, (_, event)| plan.object(out, at, event))
            }
            _ => return None,
        })
    });
    let Some(plan) = plan else { return Ok(None) };
    let views = rows.iter().map(|(cursor, row)| Ok((*cursor, reader.view(row)?)));
    written(rows.len(), views, |out, edge| plan.object(out, &At::new(&edge.1), edge)).map(Some)
}

/// Events, as the selection below the present field has them. None if the library has to resolve them.
pub(crate) fn events(
    ctx: &Context<'_>,
    reader: &Reader,
    rows: &[(Cursor, EventRow)],
) -> Result<Option<Json>, ApiError> {
    let plan = Place::of(ctx).and_then(|place| event_plan(&place));
    let Some(plan) = plan else { return Ok(None) };
    let views = rows.iter().map(|(_, row)| Ok(reader.view(row)?));
    written(rows.len(), views, |out, event| plan.object(out, &At::new(event), event)).map(Some)
}

fn written<T>(
    count: usize,
    elements: impl Iterator<Item = Result<T, ApiError>>,
    mut write: impl FnMut(&mut Vec<u8>, &T),
) -> Result<Json, ApiError> {
    let mut out = Vec::with_capacity(count * 1_024 + 2);
    let mut before = b'[';
    for element in elements {
        out.push(before);
        write(&mut out, &element?);
        before = b',';
    }
    if before == b'[' {
        out.push(before);
    }
    out.push(b']');
    Ok(out.into())
}

fn leaf<'e, T: 'e>(write: fn(&mut Vec<u8>, &At<'_>, &T)) -> Write<'e, T> {
    Box::new(write)
}

/// Writes a text as JSON.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    // A string always serialises, and a vector takes it.
    let _ = serde_json::to_writer(out, text);
}

/// Writes a name or number, which needs no escapes.
fn plain(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn optional(out: &mut Vec<u8>, value: Option<&Text<'_>>) {
    match value {
        Some(value) => value.write(out),
        None => out.extend_from_slice(b"null"),
    }
}

fn name(out: &mut Vec<u8>, value: Option<&str>) {
    match value {
        Some(value) => plain(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

fn json(out: &mut Vec<u8>, value: Option<&str>) {
    out.extend_from_slice(value.unwrap_or("null").as_bytes());
}

fn boolean(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

fn actor_name(out: &mut Vec<u8>, actor: &ActorView<'_>) {
    match actor.name() {
        Some(name) => name.write(out),
        None => plain(out, Actor::new(actor.kind).name()),
    }
}

fn event_plan<'e>(place: &Place<'_>) -> Option<Plan<'e, EventView<'e>>> {
    Plan::compile(place, "AuditEvent", "Node", |name, below| event_field(name, &below))
}

fn event_field<'e>(field: &str, below: &Place<'_>) -> Option<Write<'e, EventView<'e>>> {
    Some(match field {
        "id" => leaf(|out, at, _| plain(out, at.id())),
        "occurredAt" => leaf(|out, _, event| event.body.occurred_at.write(out)),
        "recordedAt" => leaf(|out, _, event| plain(out, &event.recorded_at.to_string())),
        "sequence" => leaf(|out, _, event| out.extend_from_slice(event.sequence.to_string().as_bytes())),
        "eventKey" => leaf(|out, _, event| event.body.event_key.write(out)),
        "activity" => leaf(|out, _, event| event.body.activity.write(out)),
        "activityDisplayName" => leaf(|out, _, event| event.body.activity_display_name.write(out)),
        "category" => leaf(|out, _, event| event.body.category.write(out)),
        "service" => leaf(|out, _, event| event.body.service.write(out)),
        "component" => leaf(|out, _, event| optional(out, event.body.component.as_ref())),
        "operationType" => leaf(|out, _, event| plain(out, event.body.operation_type.name())),
        "activityResourceType" => leaf(|out, _, event| plain(out, event.body.resource_type.name())),
        "groupSource" => leaf(|out, _, event| name(out, event.body.group_source.map(model::GroupSource::name))),
        "status" => leaf(|out, _, event| plain(out, event.body.status.name())),
        "statusReason" => leaf(|out, _, event| optional(out, event.body.status_reason.as_ref())),
        "correlationId" => leaf(|out, _, event| optional(out, event.body.correlation_id.as_ref())),
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
        "unmapped" => leaf(|out, _, event| json(out, event.body.unmapped)),
        "recording" => {
            let plan = Plan::compile(below, "Recording", "", recording_field)?;
            Box::new(move |out, at, event| plan.object(out, at, &event.body.recording))
        }
        "isRedacted" => leaf(|out, _, event| boolean(out, event.is_redacted)),
        "raw" => leaf(|out, _, event| json(out, event.raw)),
        _ => return None,
    })
}

/// What is selected of an actor of each kind.
struct ActorPlans<'e> {
    user: Plan<'e, ActorView<'e>>,
    application: Plan<'e, ActorView<'e>>,
    system: Plan<'e, ActorView<'e>>,
    unknown: Plan<'e, ActorView<'e>>,
}

impl<'e> ActorPlans<'e> {
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

    const fn of(&self, kind: ActorKind) -> &Plan<'e, ActorView<'e>> {
        match kind {
            ActorKind::User => &self.user,
            ActorKind::Application => &self.application,
            ActorKind::System => &self.system,
            ActorKind::Unknown => &self.unknown,
        }
    }
}

fn actor_field<'e>(kind: ActorKind, field: &str, below: &Place<'_>) -> Option<Write<'e, ActorView<'e>>> {
    Some(match (kind, field) {
        (_, "id") => leaf(|out, at, _| plain(out, &format!("{}:actor", at.id()))),
        (_, "key") => leaf(|out, _, actor| text(out, &Actor::from(actor).key())),
        (_, "kind") => leaf(|out, _, actor| plain(out, actor.kind.name())),
        (_, "name") => leaf(|out, _, actor| actor_name(out, actor)),
        (_, "ipAddress") => leaf(|out, _, actor| optional(out, actor.ip_address.as_ref())),
        (_, "userAgent") => leaf(|out, _, actor| optional(out, actor.user_agent.as_ref())),
        (_, "application") => {
            let plan = Plan::compile(below, "ActorApplication", "", application_field)?;
            Box::new(move |out, at, actor| match &actor.application {
                Some(application) => plan.object(out, at, application),
                None => out.extend_from_slice(b"null"),
            })
        }
        (ActorKind::User, "displayName") => leaf(|out, _, actor| optional(out, actor.display_name.as_ref())),
        (ActorKind::User, "userPrincipalName") => {
            leaf(|out, _, actor| optional(out, actor.user_principal_name.as_ref()))
        }
        (ActorKind::User, "objectId") | (ActorKind::Application, "servicePrincipalId") => {
            leaf(|out, _, actor| optional(out, actor.object_id.as_ref()))
        }
        (ActorKind::User, "permissions") => {
            leaf(|out, _, actor| list(out, &actor.permissions, |out, permission| permission.write(out)))
        }
        (ActorKind::Application, "servicePrincipalName") => {
            leaf(|out, _, actor| optional(out, actor.service_principal_name.as_ref()))
        }
        _ => return None,
    })
}

fn application_field<'e>(field: &str, _: Place<'_>) -> Option<Write<'e, ApplicationView<'e>>> {
    Some(match field {
        "applicationId" => leaf(|out, _, application| optional(out, application.application_id.as_ref())),
        "displayName" => leaf(|out, _, application| optional(out, application.display_name.as_ref())),
        _ => return None,
    })
}

fn target_field<'e>(field: &str, below: &Place<'_>) -> Option<Write<'e, TargetView<'e>>> {
    Some(match field {
        "id" => leaf(|out, at, _| plain(out, &format!("{}:target:{}", at.id(), at.target.get()))),
        "key" => leaf(|out, _, target| text(out, &Target::from(target).key())),
        "objectId" => leaf(|out, _, target| optional(out, target.object_id.as_ref())),
        "displayName" => leaf(|out, _, target| optional(out, target.display_name.as_ref())),
        "type" => leaf(|out, _, target| optional(out, target.kind.as_ref())),
        "userPrincipalName" => leaf(|out, _, target| optional(out, target.user_principal_name.as_ref())),
        "modifiedProperties" => {
            let plan = Plan::compile(below, "ModifiedProperty", "", change_field)?;
            Box::new(move |out, at, target| {
                list(out, &target.modified_properties, |out, change| plan.object(out, at, change));
            })
        }
        _ => return None,
    })
}

fn change_field<'e>(field: &str, _: Place<'_>) -> Option<Write<'e, ChangeView<'e>>> {
    Some(match field {
        "name" => leaf(|out, _, change| change.name.write(out)),
        "change" => leaf(|out, _, change| plain(out, change.change.name())),
        "oldValue" => leaf(|out, _, change| json(out, change.old_value)),
        "newValue" => leaf(|out, _, change| json(out, change.new_value)),
        "withheld" => leaf(|out, _, change| name(out, change.withheld.map(model::WithheldReason::name))),
        _ => return None,
    })
}

fn detail_field<'e>(field: &str, _: Place<'_>) -> Option<Write<'e, DetailView<'e>>> {
    Some(match field {
        "key" => leaf(|out, _, detail| detail.key.write(out)),
        "value" => leaf(|out, _, detail| optional(out, detail.value.as_ref())),
        "withheld" => leaf(|out, _, detail| name(out, detail.withheld.map(model::WithheldReason::name))),
        _ => return None,
    })
}

fn recording_field<'e>(field: &str, _: Place<'_>) -> Option<Write<'e, RecordingView<'e>>> {
    Some(match field {
        "route" => leaf(|out, _, recording| plain(out, recording.route.name())),
        "recordedBy" => leaf(|out, _, recording| recording.recorded_by.write(out)),
        "clientId" => leaf(|out, _, recording| optional(out, recording.client_id.as_ref())),
        "source" => leaf(|out, _, recording| optional(out, recording.source.as_ref())),
        "sourceTenantId" => leaf(|out, _, recording| optional(out, recording.source_tenant_id.as_ref())),
        _ => return None,
    })
}
