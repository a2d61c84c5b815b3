//! The input of recorded events and the results.

use async_graphql::{ID, InputObject, Interface, OneofObject, SimpleObject};

use crate::schema::enums::{ActivityStatus, GroupSource, InputProblemCode, OperationType, ResourceType};
use crate::schema::scalar::{Count, DateTime, JsonScalar};
use model::input::change;
use model::json::JsonNode;
use model::{EventInput, Json, Problem, ProblemCode};

/// Input of `recordAuditEvents`.
#[derive(Clone, Debug, InputObject)]
pub struct RecordAuditEventsInput {
    /// The events, at least 1 and at most 1,000.
    pub(crate) events: Vec<AuditEventInput>,
}

/// An event to record.
#[derive(Clone, Debug, InputObject)]
pub struct AuditEventInput {
    /// A key chosen by the caller, unique for the event within its service. Recording the same event again has no
    /// effect.
    pub(crate) event_key: String,
    /// The time of the activity: from 1970 to 24 hours ahead of the server's clock.
    occurred_at: DateTime,
    /// The key of the activity.
    activity: String,
    /// The display name of the activity. Defaults to that of the catalogue, else the key.
    activity_display_name: Option<String>,
    /// The key of the category.
    category: String,
    /// The key of the service (workload). `auditgraph` is reserved.
    service: String,
    /// The part of the service that logged the event.
    component: Option<String>,
    /// The kind of operation. Defaults to that of the catalogue, else by the activity's name.
    operation_type: Option<OperationType>,
    /// The type of resource that the activity acted on. Defaults to that of the catalogue, else by the activity's name.
    resource_type: Option<ResourceType>,
    /// The source of the group. Allowed only with the resource type GROUP.
    group_source: Option<GroupSource>,
    /// The outcome of the activity.
    status: ActivityStatus,
    /// The reason for the outcome.
    status_reason: Option<String>,
    /// An id shared by the events of one request; at most 200 bytes.
    correlation_id: Option<String>,
    /// The initiator of the activity.
    actor: ActorInput,
    /// The objects that the activity acted on; at most 50.
    #[graphql(default_with = "Some(Vec::new())")]
    targets: Option<Vec<TargetInput>>,
    /// Further details; at most 50.
    #[graphql(default_with = "Some(Vec::new())")]
    additional_details: Option<Vec<AuditDetailInput>>,
}

/// The initiator of an activity: exactly one kind of actor.
#[derive(Clone, Debug, OneofObject)]
pub enum ActorInput {
    /// A person.
    User(UserActorInput),
    /// An application acting by itself.
    Application(ApplicationActorInput),
    /// The service itself.
    System(SystemActorInput),
}

/// A person who initiated an activity. At least one of principal name, display name and object id is required.
#[derive(Clone, Debug, InputObject)]
pub struct UserActorInput {
    /// The user's principal name (UPN).
    user_principal_name: Option<String>,
    /// The user's display name.
    display_name: Option<String>,
    /// The user's object id in the directory.
    object_id: Option<String>,
    /// The permissions the user acted with.
    #[graphql(default_with = "Some(Vec::new())")]
    permissions: Option<Vec<String>>,
    /// The application used.
    application: Option<ActorApplicationInput>,
    /// The IP address the request came from.
    ip_address: Option<String>,
    /// The client software.
    user_agent: Option<String>,
}

/// An application that initiated an activity by itself.
#[derive(Clone, Debug, InputObject)]
pub struct ApplicationActorInput {
    /// The application.
    application: ActorApplicationInput,
    /// The object id of the application's service principal.
    service_principal_id: Option<String>,
    /// The name of the application's service principal.
    service_principal_name: Option<String>,
    /// The IP address the request came from.
    ip_address: Option<String>,
    /// The client software.
    user_agent: Option<String>,
}

/// A component of the service that initiated an activity.
#[derive(Clone, Debug, InputObject)]
pub struct SystemActorInput {
    /// The component's name.
    name: String,
}

/// An application, given with an event.
#[derive(Clone, Debug, InputObject)]
pub struct ActorApplicationInput {
    /// The application's id (client id).
    application_id: Option<String>,
    /// The application's display name.
    display_name: Option<String>,
}

/// An object that an activity acted on.
#[derive(Clone, Debug, InputObject)]
pub struct TargetInput {
    /// The target's id in its own system.
    object_id: Option<String>,
    /// The target's display name.
    display_name: Option<String>,
    /// The target's type as the logging service names it.
    #[graphql(name = "type")]
    kind: String,
    /// The target's principal name, if it is a user.
    user_principal_name: Option<String>,
    /// The application's id (client id), if the target is an application or a service principal.
    application_id: Option<String>,
    /// The properties that changed; at most 200.
    #[graphql(default_with = "Some(Vec::new())")]
    modified_properties: Option<Vec<ModifiedPropertyInput>>,
}

/// A property that an activity changed. If there was no value before or there is none after, omit it. JSON null is
/// `oldValueText: "null"` or `newValueText: "null"`.
#[derive(Clone, Debug, InputObject)]
pub struct ModifiedPropertyInput {
    /// The property's name.
    name: String,
    /// The value before.
    old_value: Option<JsonScalar>,
    /// The value before as JSON text, instead of `oldValue`: numbers keep all digits.
    old_value_text: Option<String>,
    /// The value after.
    new_value: Option<JsonScalar>,
    /// The value after as JSON text, instead of `newValue`: numbers keep all digits.
    new_value_text: Option<String>,
    /// Whether the values are to be withheld from readers.
    #[graphql(default_with = "Some(false)")]
    is_sensitive: Option<bool>,
}

/// A further detail of an event.
#[derive(Clone, Debug, InputObject)]
pub struct AuditDetailInput {
    /// The name of the detail.
    key: String,
    /// Its value: any JSON value.
    value: Option<JsonScalar>,
    /// Its value as JSON text, instead of `value`: numbers keep all digits, and `"null"` is JSON null.
    value_text: Option<String>,
}

/// Reads values that are given as JSON or as JSON text, and collects their problems.
#[derive(Default)]
struct ValueReader {
    problems: Vec<Problem>,
}

impl ValueReader {
    /// The value of a member `name`, or of the member `nameText`, of the object at `path`.
    fn read(&mut self, path: &str, name: &str, value: Option<JsonScalar>, text: Option<String>) -> Option<Json> {
        let Some(text) = text else { return value.map(|value| value.0) };
        let path = format!("{path}.{name}Text");
        let mut invalid = |rule: &str| {
            self.problems.push(Problem::new(&path, ProblemCode::Invalid, rule));
            None
        };
        if value.is_some() {
            return invalid(&format!("must not be given together with `{name}`"));
        }
        match JsonNode::read(&text) {
            Err(rule) => invalid(&format!("{rule}; a string needs its quotes, such as `\"text\"`")),
            Ok(node) => match node.repeated() {
                Some(member) => invalid(&format!("has the member `{member}` twice")),
                None => Some(node.to_json()),
            },
        }
    }
}

impl From<ActorApplicationInput> for model::ActorApplication {
    fn from(input: ActorApplicationInput) -> Self {
        Self { application_id: input.application_id, display_name: input.display_name }
    }
}

impl From<ActorInput> for model::Actor {
    fn from(input: ActorInput) -> Self {
        match input {
            ActorInput::User(user) => Self {
                object_id: user.object_id,
                user_principal_name: user.user_principal_name,
                display_name: user.display_name,
                application: user.application.map(Into::into),
                permissions: user.permissions.unwrap_or_default(),
                ip_address: user.ip_address,
                user_agent: user.user_agent,
                ..Self::new(model::ActorKind::User)
            },
            ActorInput::Application(application) => Self {
                object_id: application.service_principal_id,
                service_principal_name: application.service_principal_name,
                application: Some(application.application.into()),
                ip_address: application.ip_address,
                user_agent: application.user_agent,
                ..Self::new(model::ActorKind::Application)
            },
            ActorInput::System(system) => {
                Self { display_name: Some(system.name), ..Self::new(model::ActorKind::System) }
            }
        }
    }
}

impl TargetInput {
    fn into_target(self, path: &str, values: &mut ValueReader) -> model::Target {
        let changes = self.modified_properties.unwrap_or_default().into_iter().enumerate();
        let change = |(i, input): (usize, ModifiedPropertyInput)| {
            let path = format!("{path}.modifiedProperties.{i}");
            let old = values.read(&path, "oldValue", input.old_value, input.old_value_text);
            let new = values.read(&path, "newValue", input.new_value, input.new_value_text);
            change(input.name, old, new, input.is_sensitive.unwrap_or_default())
        };
        model::Target {
            object_id: self.object_id,
            user_principal_name: self.user_principal_name,
            display_name: self.display_name,
            kind: Some(self.kind),
            application_id: self.application_id,
            modified_properties: changes.map(change).collect(),
        }
    }
}

impl TryFrom<AuditEventInput> for EventInput {
    type Error = Vec<Problem>;

    fn try_from(input: AuditEventInput) -> Result<Self, Vec<Problem>> {
        let mut values = ValueReader::default();
        let targets = input.targets.unwrap_or_default().into_iter().enumerate();
        let targets = targets.map(|(i, target)| target.into_target(&format!("targets.{i}"), &mut values)).collect();
        let details = input.additional_details.unwrap_or_default().into_iter().enumerate();
        let detail = |(i, detail): (usize, AuditDetailInput)| {
            let path = format!("additionalDetails.{i}");
            model::Detail::json(detail.key, values.read(&path, "value", detail.value, detail.value_text))
        };
        let additional_details = details.map(detail).collect();
        if !values.problems.is_empty() {
            return Err(values.problems);
        }
        Ok(Self {
            event_key: input.event_key,
            occurred_at: input.occurred_at.0,
            activity: input.activity,
            activity_display_name: input.activity_display_name,
            category: input.category,
            service: input.service,
            component: input.component,
            operation_type: input.operation_type.map(Into::into),
            resource_type: input.resource_type.map(Into::into),
            group_source: input.group_source.map(Into::into),
            status: input.status.into(),
            status_reason: input.status_reason,
            correlation_id: input.correlation_id,
            actor: input.actor.into(),
            targets,
            additional_details,
            unmapped: None,
        })
    }
}

/// Result of `recordAuditEvents`.
#[derive(Debug, SimpleObject)]
pub struct RecordAuditEventsPayload {
    /// The result of each event, in the order of the input.
    pub(crate) results: Vec<RecordAuditEventResult>,
    /// The number of recorded events.
    pub(crate) recorded_count: Count,
    /// The number of duplicates.
    pub(crate) duplicate_count: Count,
    /// The number of conflicts.
    pub(crate) conflict_count: Count,
    /// The number of rejected events.
    pub(crate) rejected_count: Count,
}

/// The result of recording one event. Kinds of result may be added: select the interface's fields as a fallback.
#[derive(Debug, Interface)]
#[graphql(
    field(name = "index", ty = "&i32", desc = "The index of the event in the input, from 0."),
    field(name = "event_key", ty = "&Option<String>", desc = "The event's key, as given.")
)]
pub enum RecordAuditEventResult {
    /// Recorded.
    Recorded(AuditEventRecorded),
    /// Recorded earlier.
    Duplicate(AuditEventDuplicate),
    /// The key belongs to another event.
    Conflict(AuditEventConflict),
    /// Not recorded.
    Rejected(AuditEventRejected),
}

/// The event was recorded.
#[derive(Debug, SimpleObject)]
pub struct AuditEventRecorded {
    /// The index of the event in the input, from 0.
    pub(crate) index: i32,
    /// The event's key, as given.
    pub(crate) event_key: Option<String>,
    /// The event's global id.
    pub(crate) event_id: ID,
}

/// The same event was recorded earlier under this key; nothing changed.
#[derive(Debug, SimpleObject)]
pub struct AuditEventDuplicate {
    /// The index of the event in the input, from 0.
    pub(crate) index: i32,
    /// The event's key, as given.
    pub(crate) event_key: Option<String>,
    /// The global id of the event recorded earlier.
    pub(crate) event_id: ID,
}

/// Another event was recorded under this key; nothing changed.
#[derive(Debug, SimpleObject)]
pub struct AuditEventConflict {
    /// The index of the event in the input, from 0.
    pub(crate) index: i32,
    /// The event's key, as given.
    pub(crate) event_key: Option<String>,
    /// The global id of the event that has the key.
    pub(crate) event_id: ID,
}

/// The event was not recorded.
#[derive(Debug, SimpleObject)]
pub struct AuditEventRejected {
    /// The index of the event in the input, from 0.
    pub(crate) index: i32,
    /// The event's key, as given.
    pub(crate) event_key: Option<String>,
    /// The problems of the event; at least one.
    pub(crate) problems: Vec<InputProblem>,
}

/// A reason why an event cannot be recorded.
#[derive(Debug, SimpleObject)]
pub struct InputProblem {
    /// The path of the invalid part: field names and list indices, starting at the event.
    path: Vec<String>,
    /// A stable code.
    code: InputProblemCode,
    /// The rule that the part breaks, for developers.
    message: String,
}

impl From<model::Problem> for InputProblem {
    fn from(problem: model::Problem) -> Self {
        Self { path: problem.path, code: problem.code.into(), message: problem.message }
    }
}
