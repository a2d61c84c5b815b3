//! Actors and targets, as recorded with an event.
//!
//! Both are snapshots: names may change later, the event keeps the old ones. Their `key` is the identity that stays
//! the same when names change: the object id, else the folded principal name, else the application's id, else the
//! folded display name.

use uuid::Uuid;

use super::fold::{bounded_key, fold};
use super::stored::{JsonStr, stored_object};
use super::{Json, wire_enum};

wire_enum! {
    /// The kinds of actor.
    ActorKind {
        /// A person.
        User = "USER",
        /// An application acting by itself.
        Application = "APPLICATION",
        /// The service itself.
        System = "SYSTEM",
        /// The source did not name the kind.
        Unknown = "UNKNOWN",
    }
}

stored_object! {
    /// The initiator of an activity.
    Actor / ActorView {
        /// The kind of actor.
        kind: required ActorKind,
        /// The object id of the user, or of the application's service principal.
        object_id: optional String,
        /// A user's principal name (UPN).
        user_principal_name: optional String,
        /// The display name of a user or system component. That of an application is in `application`.
        display_name: optional String,
        /// The name of an application's service principal.
        service_principal_name: optional String,
        /// The application used, or acting by itself.
        application: optional ActorApplication,
        /// The permissions a user acted with.
        permissions: list String,
        /// The IP address the request came from.
        ip_address: optional String,
        /// The client software.
        user_agent: optional String,
    }
}

stored_object! {
    /// An application as recorded with an event.
    #[derive(Default)]
    ActorApplication / ApplicationView {
        /// The application's id (client id).
        application_id: optional String,
        /// The application's display name.
        display_name: optional String,
    }
}

impl Actor {
    /// An actor of which only the kind is known.
    pub fn new(kind: ActorKind) -> Self {
        Self {
            kind,
            object_id: None,
            user_principal_name: None,
            display_name: None,
            service_principal_name: None,
            application: None,
            permissions: Vec::new(),
            ip_address: None,
            user_agent: None,
        }
    }

    /// The name to show: the display name, else the principal name, else an id, else the kind of actor.
    pub fn name(&self) -> &str {
        self.recorded_name().map_or(self.kind.title(), String::as_str)
    }
}

impl ActorKind {
    /// The name to show for an actor without any name or id.
    pub const fn title(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Application => "Application",
            Self::System => "System",
            Self::Unknown => "Unknown",
        }
    }

    const fn key_prefix(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Application => "application",
            Self::System => "system",
            Self::Unknown => "unknown",
        }
    }
}

/// The names and the identity of an actor, for the owned form and for the view.
macro_rules! actor_identity {
    ([$($lifetime:lifetime)?] $actor:ty, $string:ty) => {
        impl $(<$lifetime>)? $actor {
            /// The id of the application used.
            pub fn application_id(&self) -> Option<&str> {
                self.application.as_ref()?.application_id.as_deref()
            }

            /// The display name of the application used.
            pub fn application_name(&self) -> Option<&str> {
                self.application.as_ref()?.display_name.as_deref()
            }

            /// The display name. That of an application is its application's, else its service principal's.
            pub fn shown_name(&self) -> Option<&str> {
                self.display_string().map(|name| &**name)
            }

            fn display_string(&self) -> Option<&$string> {
                match self.kind {
                    ActorKind::Application => {
                        let application = self.application.as_ref();
                        let name = application.and_then(|application| application.display_name.as_ref());
                        name.or(self.service_principal_name.as_ref())
                    }
                    _ => self.display_name.as_ref(),
                }
            }

            /// The first of the actor's names and ids that is not blank: the display name, the principal name, the
            /// object id, the application's id.
            pub fn recorded_name(&self) -> Option<&$string> {
                let application = self.application.as_ref();
                let names = [
                    self.display_string(),
                    self.user_principal_name.as_ref(),
                    self.object_id.as_ref(),
                    application.and_then(|application| application.application_id.as_ref()),
                ];
                names.into_iter().flatten().find(|name| !name.trim().is_empty())
            }

            /// The identity of the actor, the same in every event of the same initiator.
            pub fn key(&self) -> String {
                let (sort, id) = if let Some(id) = &self.object_id {
                    ("id", &**id)
                } else if let Some(name) = &self.user_principal_name {
                    ("upn", &**name)
                } else if let Some(id) = self.application_id().filter(|_| self.kind != ActorKind::User) {
                    ("app", id)
                } else {
                    ("name", self.shown_name().unwrap_or_default())
                };
                bounded_key(format!("{}:{sort}:{}", self.kind.key_prefix(), fold(id)))
            }
        }
    };
}

actor_identity!([] Actor, String);
actor_identity!(['a] ActorView<'a>, JsonStr<'a>);

stored_object! {
    /// An object that an activity acted on.
    #[derive(Default)]
    Target / TargetView {
        /// The target's id in its own system.
        object_id: optional String,
        /// The target's principal name, if it is a user.
        user_principal_name: optional String,
        /// The target's display name.
        display_name: optional String,
        /// The target's type as the logging service names it.
        #[serde(rename = "type")]
        kind: optional String,
        /// The application's id (client id), if the target is an application or a service principal.
        application_id: optional String,
        /// The properties that changed.
        modified_properties: list ModifiedProperty,
    }
}

/// The identity of a target, for the owned form and for the view.
macro_rules! target_identity {
    ($target:ty) => {
        impl $target {
            /// The identity of the target, the same in every event on it. An id that contains a GUID is unique by
            /// itself; any other id, such as `42`, is unique only together with the target's type.
            pub fn key(&self) -> String {
                let identity = self.identity();
                let folded_type = self.kind.as_deref().map(fold).unwrap_or_default();
                if folded_type.is_empty() || self.user_principal_name.is_some() || contains_guid(&identity) {
                    return identity;
                }
                bounded_key(format!("{identity}:{folded_type}"))
            }

            /// The identity without the type. Two copies of an event agree on it even if only one of their sources
            /// states the type.
            pub fn identity(&self) -> String {
                let (sort, id) = if let Some(id) = &self.object_id {
                    ("id", &**id)
                } else if let Some(name) = &self.user_principal_name {
                    ("upn", &**name)
                } else if let Some(id) = &self.application_id {
                    ("app", &**id)
                } else {
                    ("name", self.display_name.as_deref().unwrap_or_default())
                };
                bounded_key(format!("{sort}:{}", fold(id)))
            }
        }
    };
}

target_identity!(Target);
target_identity!(TargetView<'_>);

/// Whether a string contains a GUID in its hyphenated form.
fn contains_guid(string: &str) -> bool {
    string.as_bytes().windows(uuid::fmt::Hyphenated::LENGTH).any(|window| Uuid::try_parse_ascii(window).is_ok())
}

wire_enum! {
    /// How a property changed.
    PropertyChange {
        /// It had no value before.
        Added = "ADDED",
        /// Its value was replaced.
        Changed = "CHANGED",
        /// Its value was removed.
        Removed = "REMOVED",
        /// The source gave neither value, or the same value twice.
        Unknown = "UNKNOWN",
    }
}

wire_enum! {
    /// Why a value is not shown.
    RedactionReason {
        /// It is sensitive, and no grant of the caller shows sensitive values of the event's service.
        Sensitive = "SENSITIVE",
    }
}

stored_object! {
    /// A property that an activity changed.
    ModifiedProperty / ChangeView {
        /// The property's name.
        name: required String,
        /// Whether the property was added, changed or removed.
        change: required PropertyChange,
        /// The value before the change, if there was one.
        old_value: json Json,
        /// The value after the change, if there is one.
        new_value: json Json,
        /// Whether the values are shown only to callers who may see sensitive values.
        is_sensitive: flag bool,
        /// Why the values were removed for this caller; `None` if they were not.
        redaction: unstored RedactionReason,
    }
}

impl ModifiedProperty {
    /// A change from one value to another; `None` means that there was no value.
    pub fn new(name: impl Into<String>, old_value: Option<Json>, new_value: Option<Json>) -> Self {
        let change = match (&old_value, &new_value) {
            (None, Some(_)) => PropertyChange::Added,
            (Some(old), Some(new)) if old.is_equal(new) => PropertyChange::Unknown,
            (Some(_), Some(_)) => PropertyChange::Changed,
            (Some(_), None) => PropertyChange::Removed,
            (None, None) => PropertyChange::Unknown,
        };
        Self { name: name.into(), change, old_value, new_value, is_sensitive: false, redaction: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actor_key_survives_a_rename() {
        let mut actor = Actor::new(ActorKind::User);
        actor.object_id = Some("728309AE-1a37-4937-9afe-e35d964db09b".to_owned());
        let before = actor.key();
        actor.display_name = Some("Another Name".to_owned());
        assert_eq!(actor.key(), before);
        assert_eq!(before, "user:id:728309ae-1a37-4937-9afe-e35d964db09b");
    }

    #[test]
    fn target_key_contains_the_type_unless_the_id_is_a_guid() {
        let target = |id: &str, kind: Option<&str>| Target {
            object_id: Some(id.to_owned()),
            kind: kind.map(ToOwned::to_owned),
            ..Target::default()
        };
        assert_ne!(target("42", Some("User")).key(), target("42", Some("Order")).key());
        let guid = "ef7e527d-6c92-4234-8c6d-cf6fdfb57f95";
        assert_eq!(target(guid, Some("Group")).key(), target(guid, None).key());
    }
}
