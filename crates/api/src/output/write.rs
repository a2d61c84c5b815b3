//! Events written as JSON, directly from the stored bodies to the bytes of the response.
//!
//! For each type there is a function from a field's name to its writer, which gives the same result as the field's
//! resolver; `tests/it/api/output.rs` compares both on random documents. If a selected field has no writer,
//! async-graphql resolves the whole list. Strings are stored as the JSON that the response needs and are copied
//! unchanged. The scalar fields of an event come from [`model::fields`].

use std::borrow::Cow;
use std::cell::OnceCell;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{Context, ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

use crate::error::ApiError;
use crate::output::selection::{FieldWriter, SelectionPath, SelectionPlan, write_list};
use model::page::Cursor;
use model::{
    ActorKind, ActorView, ApplicationView, BodyView, ChangeView, DetailView, EventId, EventView, RawJson,
    RecordingView, TargetView, WriteJson,
};
use store::{EventRow, Reader};

/// A complete JSON value, which the response serializer copies unchanged.
#[derive(Debug)]
pub(crate) struct PrerenderedJson(Value);

impl From<Vec<u8>> for PrerenderedJson {
    fn from(json: Vec<u8>) -> Self {
        Self(Value::Binary(json.into()))
    }
}

/// A list of objects: already written as JSON, or to be resolved by async-graphql.
#[derive(Debug)]
pub(crate) enum PrerenderedList<T> {
    /// The whole list as JSON.
    Written(PrerenderedJson),
    /// The objects of the list.
    Objects(Vec<T>),
}

impl<T: OutputType> OutputType for PrerenderedList<T> {
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
            // The clone shares the bytes.
            Self::Written(json) => Ok(json.0.clone()),
            Self::Objects(objects) => objects.resolve(ctx, field).await,
        }
    }
}

/// The event that is being written.
pub(crate) struct WriteContext<'a> {
    service: &'a str,
    event_key: &'a str,
    id: OnceCell<String>,
}

impl<'a> WriteContext<'a> {
    fn new(event: &'a EventView<'_>) -> Self {
        let (service, event_key) = (&event.body.service, &event.body.event_key);
        Self { service, event_key, id: OnceCell::new() }
    }

    /// The global id of the event.
    fn id(&self) -> &str {
        self.id.get_or_init(|| EventId::of(self.service, self.event_key).to_global())
    }
}

/// Writes the edges of a page by the selection of the field that is being resolved. Returns `None` if async-graphql has
/// to resolve them.
pub(crate) fn edges(
    ctx: &Context<'_>,
    reader: &Reader,
    rows: &[(Cursor, EventRow)],
) -> Result<Option<PrerenderedJson>, ApiError> {
    let Some(selection) = SelectionPath::of(ctx) else { return Ok(None) };
    let plan = SelectionPlan::<(Cursor, EventView<'_>)>::compile(&selection, "AuditEventEdge", "", |name, below| {
        Some(match name {
            "cursor" => scalar(|out, _, (cursor, _)| raw_string(out, &cursor.encode())),
            "node" => {
                let plan = event_plan(&below)?;
                Box::new(move |out, context, (_, event)| plan.write_object(out, context, event))
            }
            _ => return None,
        })
    });
    let Some(plan) = plan else { return Ok(None) };
    let views = rows.iter().map(|(cursor, row)| Ok((*cursor, reader.view(row)?)));
    write_elements(rows.len(), views, |out, edge| plan.write_object(out, &WriteContext::new(&edge.1), edge)).map(Some)
}

/// Writes the events of a page by the selection of the field that is being resolved. Returns `None` if async-graphql
/// has to resolve them.
pub(crate) fn events(
    ctx: &Context<'_>,
    reader: &Reader,
    rows: &[(Cursor, EventRow)],
) -> Result<Option<PrerenderedJson>, ApiError> {
    let plan = SelectionPath::of(ctx).and_then(|selection| event_plan(&selection));
    let Some(plan) = plan else { return Ok(None) };
    let views = rows.iter().map(|(_, row)| Ok(reader.view(row)?));
    write_elements(rows.len(), views, |out, event| plan.write_object(out, &WriteContext::new(event), event)).map(Some)
}

fn write_elements<T>(
    count: usize,
    elements: impl Iterator<Item = Result<T, ApiError>>,
    mut write: impl FnMut(&mut Vec<u8>, &T),
) -> Result<PrerenderedJson, ApiError> {
    let mut out = Vec::with_capacity(count * 1_024 + 2);
    let mut separator = b'[';
    for element in elements {
        out.push(separator);
        write(&mut out, &element?);
        separator = b',';
    }
    if separator == b'[' {
        out.push(separator);
    }
    out.push(b']');
    Ok(out.into())
}

/// A writer without captured state.
fn scalar<'e, T: 'e>(write: fn(&mut Vec<u8>, &WriteContext<'_>, &T)) -> FieldWriter<'e, T> {
    Box::new(write)
}

/// Appends a JSON string, with escapes where needed.
fn escaped_string(out: &mut Vec<u8>, string: &str) {
    // Serialising a string into a vector does not fail.
    let _ = serde_json::to_writer(out, string);
}

/// Appends a JSON string that needs no escapes, such as a name, a number or an id.
pub(crate) fn raw_string(out: &mut Vec<u8>, string: &str) {
    out.push(b'"');
    out.extend_from_slice(string.as_bytes());
    out.push(b'"');
}

/// Appends a JSON value as a string that contains its text.
fn text(out: &mut Vec<u8>, value: Option<&RawJson<'_>>) {
    match value {
        Some(value) => escaped_string(out, value.text()),
        None => out.extend_from_slice(b"null"),
    }
}

fn event_plan<'e>(selection: &SelectionPath<'_>) -> Option<SelectionPlan<'e, EventView<'e>>> {
    SelectionPlan::compile(selection, "AuditEvent", "Node", |name, below| event_field(name, &below))
}

/// Returns the writer of a field of `AuditEvent`, or `None` if async-graphql has to resolve the list.
pub(crate) fn event_field<'e>(field: &str, below: &SelectionPath<'_>) -> Option<FieldWriter<'e, EventView<'e>>> {
    Some(match field {
        "id" => scalar(|out, context, _| raw_string(out, context.id())),
        "recordedAt" => scalar(|out, _, event| raw_string(out, &event.recorded_at.to_string())),
        "sequence" => scalar(|out, _, event| out.extend_from_slice(event.sequence.to_string().as_bytes())),
        "actor" => {
            let plans = ActorPlans::compile(below)?;
            Box::new(move |out, context, event| {
                plans.of(event.body.actor.kind).write_object(out, context, &event.body.actor);
            })
        }
        "targets" => {
            let plan = SelectionPlan::compile(below, "Target", "", |name, below| target_field(name, &below))?;
            Box::new(move |out, context, event| {
                write_list(out, &event.body.targets, |out, target| plan.write_object(out, context, target));
            })
        }
        "additionalDetails" => {
            let plan = SelectionPlan::compile(below, "AuditDetail", "", detail_field)?;
            Box::new(move |out, context, event| {
                write_list(out, &event.body.additional_details, |out, detail| plan.write_object(out, context, detail));
            })
        }
        "recording" => {
            let plan = SelectionPlan::compile(below, "Recording", "", recording_field)?;
            Box::new(move |out, context, event| plan.write_object(out, context, &event.body.recording))
        }
        "isRedacted" => scalar(|out, _, event| event.is_redacted.write_json(out)),
        "raw" => scalar(|out, _, event| event.raw.write_json(out)),
        field => {
            let write = BodyView::scalar_writer(field)?;
            Box::new(move |out, _, event: &EventView<'e>| write(&event.body, out))
        }
    })
}

/// The compiled selection of an actor, for each kind of actor.
struct ActorPlans<'e> {
    user: SelectionPlan<'e, ActorView<'e>>,
    application: SelectionPlan<'e, ActorView<'e>>,
    system: SelectionPlan<'e, ActorView<'e>>,
    unknown: SelectionPlan<'e, ActorView<'e>>,
}

impl<'e> ActorPlans<'e> {
    fn compile(selection: &SelectionPath<'_>) -> Option<Self> {
        let plan = |kind, type_name| {
            SelectionPlan::compile(selection, type_name, "Actor", move |name, below| actor_field(kind, name, &below))
        };
        Some(Self {
            user: plan(ActorKind::User, "UserActor")?,
            application: plan(ActorKind::Application, "ApplicationActor")?,
            system: plan(ActorKind::System, "SystemActor")?,
            unknown: plan(ActorKind::Unknown, "UnknownActor")?,
        })
    }

    const fn of(&self, kind: ActorKind) -> &SelectionPlan<'e, ActorView<'e>> {
        match kind {
            ActorKind::User => &self.user,
            ActorKind::Application => &self.application,
            ActorKind::System => &self.system,
            ActorKind::Unknown => &self.unknown,
        }
    }
}

fn actor_field<'e>(kind: ActorKind, field: &str, below: &SelectionPath<'_>) -> Option<FieldWriter<'e, ActorView<'e>>> {
    Some(match (kind, field) {
        (_, "key") => scalar(|out, _, actor| escaped_string(out, &actor.key())),
        (_, "kind") => scalar(|out, _, actor| actor.kind.write_json(out)),
        (_, "name") => scalar(|out, _, actor| match actor.recorded_name() {
            Some(name) => name.write_json(out),
            None => raw_string(out, actor.kind.title()),
        }),
        (_, "ipAddress") => scalar(|out, _, actor| actor.ip_address.write_json(out)),
        (_, "userAgent") => scalar(|out, _, actor| actor.user_agent.write_json(out)),
        (_, "application") => {
            let plan = SelectionPlan::compile(below, "ActorApplication", "", application_field)?;
            Box::new(move |out, context, actor| match &actor.application {
                Some(application) => plan.write_object(out, context, application),
                None => out.extend_from_slice(b"null"),
            })
        }
        (ActorKind::User, "displayName") => scalar(|out, _, actor| actor.display_name.write_json(out)),
        (ActorKind::User, "userPrincipalName") => scalar(|out, _, actor| actor.user_principal_name.write_json(out)),
        (ActorKind::User, "objectId") | (ActorKind::Application, "servicePrincipalId") => {
            scalar(|out, _, actor| actor.object_id.write_json(out))
        }
        (ActorKind::User, "permissions") => {
            scalar(|out, _, actor| write_list(out, &actor.permissions, |out, permission| permission.write_json(out)))
        }
        (ActorKind::Application, "servicePrincipalName") => {
            scalar(|out, _, actor| actor.service_principal_name.write_json(out))
        }
        _ => return None,
    })
}

fn application_field<'e>(field: &str, _: SelectionPath<'_>) -> Option<FieldWriter<'e, ApplicationView<'e>>> {
    Some(match field {
        "applicationId" => scalar(|out, _, application| application.application_id.write_json(out)),
        "displayName" => scalar(|out, _, application| application.display_name.write_json(out)),
        _ => return None,
    })
}

fn target_field<'e>(field: &str, below: &SelectionPath<'_>) -> Option<FieldWriter<'e, TargetView<'e>>> {
    Some(match field {
        "key" => scalar(|out, _, target| escaped_string(out, &target.key())),
        "objectId" => scalar(|out, _, target| target.object_id.write_json(out)),
        "displayName" => scalar(|out, _, target| target.display_name.write_json(out)),
        "type" => scalar(|out, _, target| target.kind.write_json(out)),
        "userPrincipalName" => scalar(|out, _, target| target.user_principal_name.write_json(out)),
        "modifiedProperties" => {
            let plan = SelectionPlan::compile(below, "ModifiedProperty", "", change_field)?;
            Box::new(move |out, context, target| {
                write_list(out, &target.modified_properties, |out, change| plan.write_object(out, context, change));
            })
        }
        _ => return None,
    })
}

fn change_field<'e>(field: &str, _: SelectionPath<'_>) -> Option<FieldWriter<'e, ChangeView<'e>>> {
    Some(match field {
        "name" => scalar(|out, _, change| change.name.write_json(out)),
        "change" => scalar(|out, _, change| change.change.write_json(out)),
        "oldValue" => scalar(|out, _, change| change.old_value.write_json(out)),
        "newValue" => scalar(|out, _, change| change.new_value.write_json(out)),
        "oldValueText" => scalar(|out, _, change| text(out, change.old_value.as_ref())),
        "newValueText" => scalar(|out, _, change| text(out, change.new_value.as_ref())),
        "redaction" => scalar(|out, _, change| change.redaction.write_json(out)),
        _ => return None,
    })
}

fn detail_field<'e>(field: &str, _: SelectionPath<'_>) -> Option<FieldWriter<'e, DetailView<'e>>> {
    Some(match field {
        "key" => scalar(|out, _, detail| detail.key.write_json(out)),
        "value" => scalar(|out, _, detail| detail.value.write_json(out)),
        "valueText" => scalar(|out, _, detail| text(out, detail.value.as_ref())),
        "redaction" => scalar(|out, _, detail| detail.redaction.write_json(out)),
        _ => return None,
    })
}

fn recording_field<'e>(field: &str, _: SelectionPath<'_>) -> Option<FieldWriter<'e, RecordingView<'e>>> {
    Some(match field {
        "route" => scalar(|out, _, recording| recording.route.write_json(out)),
        "recordedBy" => scalar(|out, _, recording| recording.recorded_by.write_json(out)),
        "clientId" => scalar(|out, _, recording| recording.client_id.write_json(out)),
        "source" => scalar(|out, _, recording| recording.source.write_json(out)),
        "sourceTenantId" => scalar(|out, _, recording| recording.source_tenant_id.write_json(out)),
        _ => return None,
    })
}
