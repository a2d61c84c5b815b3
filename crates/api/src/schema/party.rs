//! Actors and targets: snapshots inside an event, with the key of the party. They have no id, because the same party
//! has other names in other events.

use std::sync::Arc;

use async_graphql::{Interface, Object, SimpleObject};

use crate::schema::enums::{ActorKind, PropertyChange, RedactionReason};
use crate::schema::scalar::JsonScalar;

/// An actor, as some event recorded it.
#[derive(Clone, Debug)]
pub struct ActorSnapshot {
    actor: model::Actor,
}

/// The initiator of an activity. Kinds of actor may be added: select the interface's fields as a fallback.
#[derive(Debug, Interface)]
#[expect(clippy::duplicated_attributes, reason = "each belongs to its own field")]
#[graphql(
    field(
        name = "key",
        ty = "String",
        desc = "The identity of the actor, the same in all its events; `ActorFilter.key` compares it."
    ),
    field(name = "kind", ty = "ActorKind", desc = "The kind of actor."),
    field(
        name = "name",
        ty = "String",
        desc = "The name to show: the display name, else the principal name, else an id, else the kind of actor."
    ),
    field(
        name = "application",
        ty = "Option<ActorApplication>",
        desc = "The application used, or the application that acted by itself."
    ),
    field(name = "ip_address", ty = "Option<&str>", desc = "The IP address the request came from, if recorded."),
    field(name = "user_agent", ty = "Option<&str>", desc = "The client software, if recorded.")
)]
pub enum Actor {
    /// A person.
    User(UserActor),
    /// An application.
    Application(ApplicationActor),
    /// The service.
    System(SystemActor),
    /// An unknown actor.
    Unknown(UnknownActor),
}

impl Actor {
    /// Wraps an actor.
    pub fn new(actor: model::Actor) -> Self {
        let kind = actor.kind;
        let snapshot = ActorSnapshot { actor };
        match kind {
            model::ActorKind::User => Self::User(UserActor(snapshot)),
            model::ActorKind::Application => Self::Application(ApplicationActor(snapshot)),
            model::ActorKind::System => Self::System(SystemActor(snapshot)),
            model::ActorKind::Unknown => Self::Unknown(UnknownActor(snapshot)),
        }
    }
}

/// An application as recorded with an event.
#[derive(Clone, Debug, SimpleObject)]
pub struct ActorApplication {
    /// The application's id (client id).
    application_id: Option<String>,
    /// The application's display name at the time.
    display_name: Option<String>,
}

impl ActorSnapshot {
    fn application(&self) -> Option<ActorApplication> {
        self.actor.application.as_ref().map(|application| ActorApplication {
            application_id: application.application_id.clone(),
            display_name: application.display_name.clone(),
        })
    }
}

/// A person, possibly using an application.
#[derive(Clone, Debug)]
pub struct UserActor(ActorSnapshot);

/// A person, possibly using an application.
#[Object]
impl UserActor {
    /// The identity of the actor, the same in all its events; `ActorFilter.key` compares it.
    async fn key(&self) -> String {
        self.0.actor.key()
    }
    /// The kind of actor.
    async fn kind(&self) -> ActorKind {
        self.0.actor.kind.into()
    }
    /// The name to show: the display name, else the principal name, else an id.
    async fn name(&self) -> String {
        self.0.actor.name().to_owned()
    }
    /// The user's display name at the time.
    async fn display_name(&self) -> Option<&str> {
        self.0.actor.display_name.as_deref()
    }
    /// The user's principal name (UPN) at the time.
    async fn user_principal_name(&self) -> Option<&str> {
        self.0.actor.user_principal_name.as_deref()
    }
    /// The user's object id in the directory.
    async fn object_id(&self) -> Option<&str> {
        self.0.actor.object_id.as_deref()
    }
    /// The permissions the user acted with.
    async fn permissions(&self) -> &[String] {
        &self.0.actor.permissions
    }
    /// The application used.
    async fn application(&self) -> Option<ActorApplication> {
        self.0.application()
    }
    /// The IP address the request came from, if recorded.
    async fn ip_address(&self) -> Option<&str> {
        self.0.actor.ip_address.as_deref()
    }
    /// The client software, if recorded.
    async fn user_agent(&self) -> Option<&str> {
        self.0.actor.user_agent.as_deref()
    }
}

/// An application acting by itself, with no person signed in.
#[derive(Clone, Debug)]
pub struct ApplicationActor(ActorSnapshot);

/// An application acting by itself, with no person signed in.
#[Object]
impl ApplicationActor {
    /// The identity of the actor, the same in all its events; `ActorFilter.key` compares it.
    async fn key(&self) -> String {
        self.0.actor.key()
    }
    /// The kind of actor.
    async fn kind(&self) -> ActorKind {
        self.0.actor.kind.into()
    }
    /// The name to show: the application's display name, else its service principal's name, else an id.
    async fn name(&self) -> String {
        self.0.actor.name().to_owned()
    }
    /// The application.
    async fn application(&self) -> Option<ActorApplication> {
        self.0.application()
    }
    /// The object id of the application's service principal.
    async fn service_principal_id(&self) -> Option<&str> {
        self.0.actor.object_id.as_deref()
    }
    /// The name of the application's service principal.
    async fn service_principal_name(&self) -> Option<&str> {
        self.0.actor.service_principal_name.as_deref()
    }
    /// The IP address the request came from, if recorded.
    async fn ip_address(&self) -> Option<&str> {
        self.0.actor.ip_address.as_deref()
    }
    /// The client software, if recorded.
    async fn user_agent(&self) -> Option<&str> {
        self.0.actor.user_agent.as_deref()
    }
}

/// The service itself, for example an automated password rollover.
#[derive(Clone, Debug)]
pub struct SystemActor(ActorSnapshot);

/// The service itself, for example an automated password rollover.
#[Object]
impl SystemActor {
    /// The identity of the actor, the same in all its events; `ActorFilter.key` compares it.
    async fn key(&self) -> String {
        self.0.actor.key()
    }
    /// The kind of actor.
    async fn kind(&self) -> ActorKind {
        self.0.actor.kind.into()
    }
    /// The name of the component that acted.
    async fn name(&self) -> String {
        self.0.actor.name().to_owned()
    }
    /// The component's application, if it has one.
    async fn application(&self) -> Option<ActorApplication> {
        self.0.application()
    }
    /// The IP address the request came from, if recorded.
    async fn ip_address(&self) -> Option<&str> {
        self.0.actor.ip_address.as_deref()
    }
    /// The client software, if recorded.
    async fn user_agent(&self) -> Option<&str> {
        self.0.actor.user_agent.as_deref()
    }
}

/// An actor that the source does not identify.
#[derive(Clone, Debug)]
pub struct UnknownActor(ActorSnapshot);

/// An actor that the source does not identify.
#[Object]
impl UnknownActor {
    /// The identity of the actor, the same in all its events; `ActorFilter.key` compares it.
    async fn key(&self) -> String {
        self.0.actor.key()
    }
    /// The kind of actor.
    async fn kind(&self) -> ActorKind {
        self.0.actor.kind.into()
    }
    /// The name to show.
    async fn name(&self) -> String {
        self.0.actor.name().to_owned()
    }
    /// The application used, if recorded.
    async fn application(&self) -> Option<ActorApplication> {
        self.0.application()
    }
    /// The IP address the request came from, if recorded.
    async fn ip_address(&self) -> Option<&str> {
        self.0.actor.ip_address.as_deref()
    }
    /// The client software, if recorded.
    async fn user_agent(&self) -> Option<&str> {
        self.0.actor.user_agent.as_deref()
    }
}

/// A target of an event, by its index among the event's targets.
#[derive(Clone, Debug)]
pub struct Target {
    event: Arc<model::Event>,
    index: usize,
}

impl Target {
    /// The targets of an event.
    pub fn all(event: &Arc<model::Event>) -> Vec<Self> {
        (0..event.body.targets.len()).map(|index| Self { event: Arc::clone(event), index }).collect()
    }

    fn target(&self) -> &model::Target {
        &self.event.body.targets[self.index]
    }
}

/// An object that an activity acted on, as recorded at the time.
#[Object]
impl Target {
    /// The identity of the target, the same in all its events; `TargetFilter.key` compares it.
    async fn key(&self) -> String {
        self.target().key()
    }
    /// The target's id in its own system.
    async fn object_id(&self) -> Option<&str> {
        self.target().object_id.as_deref()
    }
    /// The target's display name at the time.
    async fn display_name(&self) -> Option<&str> {
        self.target().display_name.as_deref()
    }
    /// The target's type as the logging service names it, for example `DeviceConfiguration`.
    #[graphql(name = "type")]
    async fn kind(&self) -> Option<&str> {
        self.target().kind.as_deref()
    }
    /// The target's principal name, if it is a user.
    async fn user_principal_name(&self) -> Option<&str> {
        self.target().user_principal_name.as_deref()
    }
    /// The properties that changed, with their values before and after.
    async fn modified_properties(&self) -> Vec<ModifiedProperty> {
        self.target().modified_properties.iter().map(ModifiedProperty::from).collect()
    }
}

/// A property that an activity changed.
#[derive(Clone, Debug, SimpleObject)]
pub struct ModifiedProperty {
    /// The property's name.
    name: String,
    /// Whether the property was added, changed or removed.
    change: PropertyChange,
    /// The value before. Null if there was none, or JSON null, or withheld.
    old_value: Option<JsonScalar>,
    /// The value before as JSON text, with all digits of its numbers: `"null"` is JSON null. Null if there was none, or
    /// withheld.
    old_value_text: Option<String>,
    /// The value after. Null if there is none, or JSON null, or withheld.
    new_value: Option<JsonScalar>,
    /// The value after as JSON text, in the same way.
    new_value_text: Option<String>,
    /// Why the values are withheld from the caller; null if they are not.
    redaction: Option<RedactionReason>,
}

impl From<&model::ModifiedProperty> for ModifiedProperty {
    fn from(change: &model::ModifiedProperty) -> Self {
        Self {
            name: change.name.clone(),
            change: change.change.into(),
            old_value_text: text(change.old_value.as_ref()),
            new_value_text: text(change.new_value.as_ref()),
            old_value: change.old_value.clone().map(JsonScalar),
            new_value: change.new_value.clone().map(JsonScalar),
            redaction: change.redaction.map(Into::into),
        }
    }
}

/// A value as JSON text.
pub(crate) fn text(value: Option<&model::Json>) -> Option<String> {
    value.map(|value| value.text().to_owned())
}
