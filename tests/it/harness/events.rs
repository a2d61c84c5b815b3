//! Events to record: a plain one, and changes to it.

pub(crate) use model::time::{DAY, HOUR};
pub(crate) use model::{
    Actor, ActorApplication, ActorKind, Detail, EventBody, GroupSource, Json, ModifiedProperty, OperationType,
    Recording, RecordingRoute, ResourceType, Status, Target, Timestamp,
};

use super::database::NOW;

/// A plain event under a key: Ada adds a user, a minute ago.
pub(crate) fn event(key: &str) -> EventBody {
    EventBody {
        event_key: key.to_owned(),
        occurred_at: NOW.plus(-60_000_000),
        activity: "Add user".to_owned(),
        activity_display_name: "Add user".to_owned(),
        category: "UserManagement".to_owned(),
        service: "Core Directory".to_owned(),
        component: None,
        operation_type: OperationType::Create,
        resource_type: ResourceType::User,
        group_source: None,
        status: Status::Success,
        status_reason: None,
        status_reason_is_sensitive: false,
        correlation_id: None,
        actor: user("ada@contoso.example"),
        targets: vec![target("Bob")],
        additional_details: Vec::new(),
        unmapped: None,
        unmapped_is_sensitive: false,
        recording: Recording {
            route: RecordingRoute::Import,
            recorded_by: "test".to_owned(),
            issuer: None,
            client_id: None,
            source: None,
            source_tenant_id: None,
        },
    }
}

/// A person by principal name.
pub(crate) fn user(upn: &str) -> Actor {
    Actor { user_principal_name: Some(upn.to_owned()), ..Actor::new(ActorKind::User) }
}

/// An application acting by itself.
pub(crate) fn application(name: &str) -> Actor {
    let application =
        ActorApplication { application_id: Some(format!("{name}-id")), display_name: Some(name.to_owned()) };
    Actor { application: Some(application), ..Actor::new(ActorKind::Application) }
}

/// A target by display name.
pub(crate) fn target(name: &str) -> Target {
    Target {
        object_id: Some(format!("{}-id", name.to_lowercase())),
        display_name: Some(name.to_owned()),
        kind: Some("User".to_owned()),
        ..Target::default()
    }
}

/// A JSON value.
pub(crate) fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

/// A change from one JSON value to another.
pub(crate) fn change(name: &str, from: Option<&str>, to: Option<&str>) -> ModifiedProperty {
    ModifiedProperty::new(name, from.map(json), to.map(json))
}

/// Builder methods for events.
pub(crate) trait EventExt: Sized {
    fn at(self, timestamp: Timestamp) -> Self;
    fn activity(self, activity: &str) -> Self;
    fn service(self, service: &str, category: &str) -> Self;
    fn actor(self, actor: Actor) -> Self;
    fn targets(self, targets: Vec<Target>) -> Self;
    fn change(self, change: ModifiedProperty) -> Self;
}

impl EventExt for EventBody {
    fn at(mut self, timestamp: Timestamp) -> Self {
        self.occurred_at = timestamp;
        self
    }

    fn activity(mut self, activity: &str) -> Self {
        activity.clone_into(&mut self.activity);
        activity.clone_into(&mut self.activity_display_name);
        self
    }

    fn service(mut self, service: &str, category: &str) -> Self {
        service.clone_into(&mut self.service);
        category.clone_into(&mut self.category);
        self
    }

    fn actor(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    fn targets(mut self, targets: Vec<Target>) -> Self {
        self.targets = targets;
        self
    }

    /// Adds a change to the first target.
    fn change(mut self, change: ModifiedProperty) -> Self {
        self.targets[0].modified_properties.push(change);
        self
    }
}
