//! The domain types of the audit log: events, filters, pages, scopes and the catalogue of activities.
//!
//! This crate does no I/O, knows no framework, reads no clock and holds no lock, so every other crate can use its types
//! without side effects.
//!
//! Terms: an *event* is one recorded activity; its *actor* initiated it, its *targets* were acted on, their *modified
//! properties* changed. An *activity* is the action itself, an *activity type* its catalogue entry. A *service* logged
//! the event, in a *category*. The *sequence* is an event's position in its tenant's log, a *scope* the part of the log
//! that a caller may see.

pub mod event;
pub mod body_format;
pub mod fields;
pub mod party;
pub mod stored;
mod stored_code;
pub mod view;
pub mod redaction;
pub mod same_event;
pub mod input;
pub mod json_input;
mod json_parser;
pub mod filter;
pub mod facet;
pub mod histogram;
pub mod page;
pub mod scope;
pub mod sensitive;
pub mod catalogue;
pub mod classification;
pub mod fold;
pub mod base62;
pub mod json;
pub mod time;

pub use body_format::StoredBodyFormat;
pub use event::{
    Detail, DetailView, Event, EventId, NewEvent, Problem, ProblemCode, Recording, RecordingRoute, RecordingView,
};
pub use facet::{FacetField, FacetValue};
pub use fields::{BodyView, EVENT_FIELDS, EventBody, EventField, EventInput};
pub use histogram::Interval;
pub use json::Json;
pub use party::{
    Actor, ActorApplication, ActorKind, ActorView, ApplicationView, ChangeView, ModifiedProperty, PropertyChange,
    RedactionReason, Target, TargetView,
};
pub use same_event::{Comparison, Sameness};
pub use scope::{Scope, ServiceGrant, ServiceSet};
pub use stored::{JsonStr, RawJson, WriteJson};
pub use time::Timestamp;
pub use view::EventView;

/// An invalid input of a caller. The message names the part and the rule, and is safe to show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

impl Invalid {
    /// Creates the error from a message that names the part and the rule.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// Defines an enum whose values have a name in the API, which is also their name in stored bodies.
#[macro_export]
macro_rules! wire_enum {
    ($(#[$meta:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $type { $($(#[$doc])* #[serde(rename = $name)] $variant),+ }

        impl $type {
            /// All values, in the order of the schema.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name of the value.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Returns the value with a name, or `None` if there is none.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }

        impl $crate::stored::StoredType for $type {
            type View<'a> = Self;
        }

        impl $crate::stored::WriteJson for $type {
            /// Appends the name, which contains no character that needs an escape.
            fn write_json(&self, out: &mut Vec<u8>) {
                out.push(b'"');
                out.extend_from_slice(self.name().as_bytes());
                out.push(b'"');
            }
        }
    };
}

wire_enum! {
    /// The type of resource that an activity acts on.
    ResourceType {
        /// Groups.
        Group = "GROUP",
        /// The directory itself: its settings, domains, roles.
        Directory = "DIRECTORY",
        /// Users.
        User = "USER",
        /// Applications and service principals.
        Application = "APPLICATION",
        /// Policies and configuration profiles.
        Policy = "POLICY",
        /// Devices.
        Device = "DEVICE",
        /// Any other.
        Other = "OTHER",
    }
}

wire_enum! {
    /// The source of a group.
    GroupSource {
        /// A directory group.
        AzureAd = "AZURE_AD",
        /// An Office 365 group.
        O365 = "O365",
    }
}

wire_enum! {
    /// The kind of operation of an activity.
    OperationType {
        /// An object was created.
        Create = "CREATE",
        /// An object was changed.
        Update = "UPDATE",
        /// An object was deleted.
        Delete = "DELETE",
        /// An object was assigned or unassigned.
        Assign = "ASSIGN",
        /// A task was sent to a device.
        RemoteTask = "REMOTE_TASK",
        /// An object was read or searched, without a change.
        Read = "READ",
        /// Any other.
        Other = "OTHER",
    }
}

wire_enum! {
    /// The outcome of an activity.
    Status {
        /// The activity succeeded.
        Success = "SUCCESS",
        /// The activity failed.
        Failure = "FAILURE",
        /// The activity timed out.
        Timeout = "TIMEOUT",
        /// The source reported no outcome, or one that this service does not know.
        Unknown = "UNKNOWN",
    }
}
