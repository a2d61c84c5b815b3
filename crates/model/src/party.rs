//! Actors and targets, as an event saw them.
//!
//! Both are snapshots: names may change later, the event keeps the old ones. Their `key` is the identity that
//! stays the same across renames: the object id, else the folded principal name, else the application, else the
//! folded name.

use serde::{Deserialize, Serialize};

use super::fold::{bounded_key, fold};
use super::json::{Json, present};
use super::named;

named! {
    /// The kinds of actor.
    ActorKind {
        /// A person.
        User = "USER",
        /// An application acting by itself.
        Application = "APPLICATION",
        /// The service itself.
        System = "SYSTEM",
        /// The source did not say.
        Unknown = "UNKNOWN",
    }
}

/// Who initiated an activity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// What kind of actor it is.
    pub kind: ActorKind,
    /// The object id of the user, or of the application's service principal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    /// A user's principal name (UPN).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_principal_name: Option<String>,
    /// The display name of a user or system component. That of an application is in `application`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The name of an application's service principal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_principal_name: Option<String>,
    /// The application used, or acting by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<ActorApplication>,
    /// The permissions a user acted with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// The address the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// The client software.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// An application as recorded with an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActorApplication {
    /// The application's id (client id).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<String>,
    /// The application's display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

impl Actor {
    /// An actor of which nothing but the kind is known.
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

    /// The id of the application used.
    pub fn application_id(&self) -> Option<&str> {
        self.application.as_ref()?.application_id.as_deref()
    }

    /// The display name of the application used.
    pub fn application_name(&self) -> Option<&str> {
        self.application.as_ref()?.display_name.as_deref()
    }

    /// The display name; an application's own is that of its application.
    pub fn shown_name(&self) -> Option<&str> {
        match self.kind {
            ActorKind::Application => self.application_name().or(self.service_principal_name.as_deref()),
            _ => self.display_name.as_deref(),
        }
    }

    /// A name to show: the display name, else the principal name, else an id, else the kind of actor.
    pub fn name(&self) -> &str {
        let names =
            [self.shown_name(), self.user_principal_name.as_deref(), self.object_id.as_deref(), self.application_id()];
        names.into_iter().flatten().find(|name| !name.trim().is_empty()).unwrap_or(match self.kind {
            ActorKind::User => "User",
            ActorKind::Application => "Application",
            ActorKind::System => "System",
            ActorKind::Unknown => "Unknown",
        })
    }

    /// The identity of the actor, the same in every event of the same initiator.
    pub fn key(&self) -> String {
        let (sort, text) = if let Some(id) = &self.object_id {
            ("id", id.as_str())
        } else if let Some(upn) = &self.user_principal_name {
            ("upn", upn.as_str())
        } else if let Some(id) = self.application_id().filter(|_| self.kind != ActorKind::User) {
            ("app", id)
        } else {
            ("name", self.shown_name().unwrap_or_default())
        };
        let kind = match self.kind {
            ActorKind::User => "user",
            ActorKind::Application => "application",
            ActorKind::System => "system",
            ActorKind::Unknown => "unknown",
        };
        bounded_key(format!("{kind}:{sort}:{}", fold(text)))
    }
}

/// Something that an activity acted on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The target's id in the system it lives in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    /// The target's principal name, if it is a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_principal_name: Option<String>,
    /// The target's display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The target's type as the logging service names it.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The properties that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modified_properties: Vec<ModifiedProperty>,
}

impl Target {
    /// The identity of the target, the same in every event on it. An id that is unique everywhere (it holds a GUID)
    /// stands alone; another, such as `42`, only means something together with the target's type.
    pub fn key(&self) -> String {
        let identity = self.identity();
        let folded_type = self.kind.as_deref().map(fold).unwrap_or_default();
        if folded_type.is_empty() || self.user_principal_name.is_some() || holds_guid(&identity) {
            return identity;
        }
        bounded_key(format!("{identity}:{folded_type}"))
    }

    /// What two copies of one event agree on: unlike [`Target::key`] it never depends on the type, which some
    /// routes leave out.
    pub fn identity(&self) -> String {
        let (sort, text) = if let Some(id) = &self.object_id {
            ("id", id)
        } else if let Some(upn) = &self.user_principal_name {
            ("upn", upn)
        } else {
            ("name", self.display_name.as_ref().unwrap_or(const { &String::new() }))
        };
        bounded_key(format!("{sort}:{}", fold(text)))
    }
}

/// Whether a text holds 8-4-4-4-12 hexadecimal digits.
fn holds_guid(text: &str) -> bool {
    let is_guid = |window: &[u8]| {
        window.iter().enumerate().all(|(i, byte)| match i {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    text.as_bytes().windows(36).any(is_guid)
}

named! {
    /// How a property changed.
    PropertyChange {
        /// It had no value before.
        Added = "ADDED",
        /// Its value was replaced.
        Changed = "CHANGED",
        /// It has no value any more.
        Removed = "REMOVED",
        /// The source gave neither value.
        Unknown = "UNKNOWN",
    }
}

named! {
    /// Why a value is not shown.
    WithheldReason {
        /// It is sensitive, and no grant of the caller shows sensitive values of the event's service.
        Sensitive = "SENSITIVE",
    }
}

/// A property that an activity changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModifiedProperty {
    /// The property's name.
    pub name: String,
    /// Whether the property was added, changed or removed.
    pub change: PropertyChange,
    /// The value before, if there was one.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub old_value: Option<Json>,
    /// The value after, if there is one.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub new_value: Option<Json>,
    /// Whether the values are shown only to those who may see sensitive values.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_sensitive: bool,
    /// Set where the values were taken out for the caller.
    #[serde(skip)]
    pub withheld: Option<WithheldReason>,
}

impl ModifiedProperty {
    /// A change from one value to another; none stands for "there was no value".
    pub fn new(name: impl Into<String>, old_value: Option<Json>, new_value: Option<Json>) -> Self {
        let change = match (&old_value, &new_value) {
            (None, Some(_)) => PropertyChange::Added,
            (Some(_), Some(_)) => PropertyChange::Changed,
            (Some(_), None) => PropertyChange::Removed,
            (None, None) => PropertyChange::Unknown,
        };
        Self { name: name.into(), change, old_value, new_value, is_sensitive: false, withheld: None }
    }

    pub(super) fn withhold(&mut self) {
        if self.is_sensitive {
            self.old_value = None;
            self.new_value = None;
            self.withheld = Some(WithheldReason::Sensitive);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rename_keeps_the_key() {
        let mut actor = Actor::new(ActorKind::User);
        actor.object_id = Some("728309AE-1a37-4937-9afe-e35d964db09b".to_owned());
        let before = actor.key();
        actor.display_name = Some("Somebody Else".to_owned());
        assert_eq!(actor.key(), before);
        assert_eq!(before, "user:id:728309ae-1a37-4937-9afe-e35d964db09b");
    }

    #[test]
    fn a_short_id_means_something_only_with_its_type() {
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
