//! The language everyone speaks: plain types of what is recorded, asked for and answered.
//!
//! Nothing here does I/O, knows a framework, reads the clock or holds a lock: every other room may use these types
//! without side effects.
//!
//! Words: an *event* is one recorded activity; its *actor* initiated it, its *targets* were acted on, their
//! *modified properties* changed. An *activity* is what was done, an *activity type* its catalogue entry. A
//! *service* logged it, in a *category*. The *sequence* is an event's place in its tenant's log, a *scope* what a
//! caller may see of it.

pub mod event;
pub mod party;
pub mod input;
pub mod json_input;
pub mod filter;
pub mod facet;
pub mod histogram;
pub mod page;
pub mod scope;
pub mod sensitive;
pub mod catalogue;
pub mod classification;
pub mod fold;
pub mod json;
pub mod view;
pub mod time;

pub use event::{Detail, Event, EventBody, EventId, NewEvent, Problem, ProblemCode, Recording, RecordingRoute};
pub use facet::{FacetField, FacetValue};
pub use histogram::Interval;
pub use json::Json;
pub use party::{Actor, ActorApplication, ActorKind, ModifiedProperty, PropertyChange, Target, WithheldReason};
pub use scope::{Grant, Scope, ServiceSet};
pub use time::Timestamp;

/// Why a caller's input is not valid. The sentence is safe to show, and names the part and the rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

impl Invalid {
    /// An explanation that names the part and the rule.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// Declares an enum together with its name on the wire, which is also its text in the database and in bodies.
#[macro_export]
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// All values, in the order of the schema.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name of the value.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

named! {
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
        /// Anything else.
        Other = "OTHER",
    }
}

named! {
    /// Where a group comes from.
    GroupSource {
        /// A directory group.
        AzureAd = "AZURE_AD",
        /// An Office 365 group.
        O365 = "O365",
    }
}

named! {
    /// What kind of operation an activity is.
    OperationType {
        /// Something was created.
        Create = "CREATE",
        /// Something was changed.
        Update = "UPDATE",
        /// Something was deleted.
        Delete = "DELETE",
        /// Something was assigned or unassigned.
        Assign = "ASSIGN",
        /// A task was sent to a device.
        RemoteTask = "REMOTE_TASK",
        /// Something was read or searched; nothing changed.
        Read = "READ",
        /// Anything else.
        Other = "OTHER",
    }
}

named! {
    /// How an activity ended.
    Status {
        /// It succeeded.
        Success = "SUCCESS",
        /// It failed.
        Failure = "FAILURE",
        /// It timed out.
        Timeout = "TIMEOUT",
        /// Not known, or reported with a value that this service does not know.
        Unknown = "UNKNOWN",
    }
}
