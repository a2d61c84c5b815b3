//! The enums of the API. Each corresponds to a type of another crate.

use async_graphql::Enum;

/// The type of resource that an activity acts on. Values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "model::ResourceType")]
pub enum ResourceType {
    /// Groups.
    Group,
    /// The directory itself: its settings, domains, roles.
    Directory,
    /// Users.
    User,
    /// Applications and service principals.
    Application,
    /// Policies and configuration profiles.
    Policy,
    /// Devices.
    Device,
    /// Any other.
    Other,
}

/// The source of a group. Set only if the resource type is GROUP. Values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "model::GroupSource")]
pub enum GroupSource {
    /// A directory group.
    AzureAd,
    /// An Office 365 group.
    #[graphql(name = "O365")]
    O365,
}

/// The kind of operation of an activity. Values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "model::OperationType")]
pub enum OperationType {
    /// An object was created.
    Create,
    /// An object was changed.
    Update,
    /// An object was deleted.
    Delete,
    /// An object was assigned or unassigned.
    Assign,
    /// A task was sent to a device.
    RemoteTask,
    /// An object was read or searched, without a change.
    Read,
    /// Any other.
    Other,
}

/// The outcome of an activity. Values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "model::Status")]
pub enum ActivityStatus {
    /// The activity succeeded.
    Success,
    /// The activity failed.
    Failure,
    /// The activity timed out.
    Timeout,
    /// The source reported no outcome, or one that this service does not know.
    Unknown,
}

/// How an event was recorded. Values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "model::RecordingRoute")]
pub enum RecordingRoute {
    /// By the mutation `recordAuditEvents`.
    #[graphql(name = "GRAPHQL")]
    GraphQl,
    /// By `POST /v1/events`.
    Rest,
    /// Imported from a file.
    Import,
    /// By this service itself.
    Internal,
}

/// Why a value is not shown. Values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "model::RedactionReason")]
pub enum RedactionReason {
    /// It is sensitive, and no grant of the caller shows sensitive values of this service.
    Sensitive,
}

/// The kinds of actor. Values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "model::ActorKind")]
pub enum ActorKind {
    /// A person.
    User,
    /// An application acting by itself.
    Application,
    /// The service itself.
    System,
    /// The source did not name the kind.
    Unknown,
}

/// How a property changed. Values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "model::PropertyChange")]
pub enum PropertyChange {
    /// It had no value before.
    Added,
    /// Its value was replaced.
    Changed,
    /// Its value was removed.
    Removed,
    /// The source gave neither value.
    Unknown,
}

/// The access roles that a caller's token can grant. Values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "auth::Role")]
pub enum AccessRole {
    /// Reads every service and sees all values.
    GlobalAdmin,
    /// Reads the Intune services and sees all values.
    IntuneServiceAdmin,
    /// Reads the services granted, all by default; sensitive values are withheld.
    AuditReader,
}

/// The field by which a list of events is ordered. Values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "model::page::OrderField")]
pub enum AuditEventOrderField {
    /// The time of the activity.
    OccurredAt,
    /// The position in the log, which is also the order of `recordedAt`.
    Sequence,
}

/// The field by which events are counted. Values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "model::FacetField")]
pub enum AuditFacetField {
    /// By the key of the activity.
    Activity,
    /// By actor; the value is the actor's key.
    Actor,
    /// By the application used; the value is the application's id.
    Application,
    /// By the key of the category.
    Category,
    /// By the name of a property that changed.
    ModifiedProperty,
    /// By the kind of operation.
    OperationType,
    /// By the type of resource.
    ResourceType,
    /// By the key of the service (workload).
    Service,
    /// By the outcome of the activity.
    Status,
    /// By target; the value is the target's key.
    Target,
}

/// The width of a histogram's bars. Values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "model::Interval")]
pub enum HistogramInterval {
    /// One hour; longer if the clocks of the time zone were set back by a part of an hour.
    Hour,
    /// One day.
    Day,
    /// One week, starting on Monday.
    Week,
    /// One calendar month.
    Month,
}

/// The direction of an order. The values are complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smallest or oldest first.
    Asc,
    /// Largest or newest first.
    Desc,
}

/// A window of time that ends now. Values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AuditTimeWindow {
    /// The last 24 hours.
    #[graphql(name = "LAST_24_HOURS")]
    Last24Hours,
    /// The last 7 days.
    #[graphql(name = "LAST_7_DAYS")]
    Last7Days,
    /// The last 30 days.
    #[graphql(name = "LAST_30_DAYS")]
    Last30Days,
    /// The last 90 days.
    #[graphql(name = "LAST_90_DAYS")]
    Last90Days,
    /// The last 180 days.
    #[graphql(name = "LAST_180_DAYS")]
    Last180Days,
    /// The last 365 days.
    #[graphql(name = "LAST_365_DAYS")]
    Last365Days,
    /// All events in the log.
    All,
}

/// The kind of an input problem. Values may be added: treat an unknown one as INVALID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "model::ProblemCode")]
pub enum InputProblemCode {
    /// The value is not valid.
    Invalid,
    /// The value is too long, or the list has too many elements.
    TooLong,
    /// The time is outside the range that the log accepts.
    OutOfRange,
    /// The caller may not record events of this service.
    NotPermitted,
}
