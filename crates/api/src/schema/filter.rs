//! The filter inputs. [`crate::schema::condition`] converts them to conditions.

use async_graphql::{InputObject, MaybeUndefined, OneofObject};

use crate::error::ApiError;
use crate::schema::condition::FilterParser;
use crate::schema::enums::{
    ActivityStatus, ActorKind, AuditTimeWindow, GroupSource, OperationType, PropertyChange, RecordingRoute,
    ResourceType,
};
use crate::schema::filter_values::distinct;
use crate::schema::scalar::{DateTime, JsonScalar, Sequence};
use model::filter::{SequenceRange, SetCondition, TimeRange};
use model::page::Page;
use model::time::DAY;
use model::{Invalid, Timestamp};

/// A period: either a window that ends now or a range of time.
#[derive(Clone, Debug, OneofObject)]
pub enum AuditPeriodInput {
    /// A window that ends now.
    Window(AuditTimeWindow),
    /// A range of time.
    Between(DateTimeRangeInput),
}

impl AuditPeriodInput {
    /// The default period of a list.
    pub(crate) const DEFAULT: Self = Self::Window(AuditTimeWindow::Last30Days);
}

impl AuditTimeWindow {
    /// The length of the window in days, or `None` if it has no start.
    const fn days(self) -> Option<u16> {
        Some(match self {
            Self::Last24Hours => 1,
            Self::Last7Days => 7,
            Self::Last30Days => 30,
            Self::Last90Days => 90,
            Self::Last180Days => 180,
            Self::Last365Days => 365,
            Self::All => return None,
        })
    }
}

/// A range of time. At least one bound is required.
#[derive(Clone, Debug, InputObject)]
pub struct DateTimeRangeInput {
    /// The start of the range, inclusive.
    pub(crate) from: Option<DateTime>,
    /// The end of the range, exclusive.
    pub(crate) to: Option<DateTime>,
}

impl DateTimeRangeInput {
    /// Converts the input to a range of time. `part` names the argument in an error.
    pub(crate) fn range(&self, part: &str) -> Result<TimeRange, Invalid> {
        let range = TimeRange { from: self.from.map(|from| from.0), to: self.to.map(|to| to.0) };
        match (range.from, range.to) {
            (None, None) => Err(Invalid::new(format!("`{part}` must have `from` or `to`"))),
            (Some(from), Some(to)) if from > to => {
                Err(Invalid::new(format!("`{part}.from` must not be later than `{part}.to`")))
            }
            _ => Ok(range),
        }
    }
}

/// The period of a list; the default one if there is no input. A window ends at `now`; it starts at the position in the
/// cursors of the page, if there are cursors.
pub fn period(input: Option<AuditPeriodInput>, now: Timestamp, page: Option<&mut Page>) -> Result<TimeRange, Invalid> {
    let days = match input.unwrap_or(AuditPeriodInput::DEFAULT) {
        AuditPeriodInput::Between(range) => return range.range("occurredAt.between"),
        AuditPeriodInput::Window(window) => match window.days() {
            Some(days) => days,
            None => return Ok(TimeRange::default()),
        },
    };
    let from = match page {
        Some(page) => page.keep_window(days, now)?.from,
        None => now.plus(-i64::from(days) * DAY),
    };
    // `to` is exclusive, and `now` belongs to the period.
    Ok(TimeRange { from: Some(from), to: Some(now.plus(1)) })
}

/// Conditions on a string, all of which must hold. Case, the kind of dash and surrounding white space are ignored.
#[derive(Clone, Debug, InputObject)]
pub struct StringFilter {
    /// The string equals this, which must not be empty.
    pub(crate) eq: MaybeUndefined<String>,
    /// The string equals one of these; at most 100.
    #[graphql(name = "in")]
    pub(crate) one_of: MaybeUndefined<Vec<String>>,
    /// The string is present and equals none of these; at most 100.
    pub(crate) not_in: MaybeUndefined<Vec<String>>,
    /// The string starts with this.
    pub(crate) starts_with: MaybeUndefined<String>,
    /// The string contains this.
    pub(crate) contains: MaybeUndefined<String>,
    /// Whether the string is present.
    pub(crate) is_set: MaybeUndefined<bool>,
}

macro_rules! set_filter {
    ($(#[$doc:meta])* $name:ident of $value:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, InputObject)]
        pub struct $name {
            /// The value is this.
            pub(crate) eq: MaybeUndefined<$value>,
            /// The value is one of these.
            #[graphql(name = "in")]
            pub(crate) one_of: MaybeUndefined<Vec<$value>>,
            /// The value is present and none of these.
            pub(crate) not_in: MaybeUndefined<Vec<$value>>,
        }

        impl $name {
            pub(crate) fn parse<T: From<$value> + PartialEq>(self, parser: &mut FilterParser, part: &str) -> Result<SetCondition<T>, ApiError> {
                let equal = parser.given(part, "eq", self.eq)?.map(T::from);
                let one_of = parser.given(part, "in", self.one_of)?;
                let none_of = parser.given(part, "notIn", self.not_in)?;
                FilterParser::not_empty(part, equal.is_some() || one_of.is_some() || none_of.is_some())?;
                let values = |values: Vec<$value>| distinct(values.into_iter().map(T::from));
                let one_of = match (equal, one_of.map(values)) {
                    (Some(equal), Some(values)) => Some(values.into_iter().filter(|value| *value == equal).collect()),
                    (Some(equal), None) => Some(vec![equal]),
                    (None, values) => values,
                };
                Ok(SetCondition { one_of, none_of: none_of.map(values).unwrap_or_default() })
            }
        }
    };
}

set_filter! {
    /// Conditions on the type of resource.
    ResourceTypeFilter of ResourceType
}
set_filter! {
    /// Conditions on the source of a group, which must be present. They imply the resource type GROUP.
    GroupSourceFilter of GroupSource
}
set_filter! {
    /// Conditions on how an event was recorded.
    RecordingRouteFilter of RecordingRoute
}
set_filter! {
    /// Conditions on the kind of actor.
    ActorKindFilter of ActorKind
}
set_filter! {
    /// Conditions on how a property changed.
    PropertyChangeFilter of PropertyChange
}
set_filter! {
    /// Conditions on the kind of operation.
    OperationTypeFilter of OperationType
}
set_filter! {
    /// Conditions on the outcome of an activity.
    ActivityStatusFilter of ActivityStatus
}

/// Conditions on a key, compared exactly, all of which must hold.
#[derive(Clone, Debug, InputObject)]
pub struct KeyFilter {
    /// The key equals this.
    pub(crate) eq: MaybeUndefined<String>,
    /// The key equals one of these; at most 100.
    #[graphql(name = "in")]
    pub(crate) one_of: MaybeUndefined<Vec<String>>,
    /// The key equals none of these; at most 100.
    pub(crate) not_in: MaybeUndefined<Vec<String>>,
}

/// Conditions on the initiator of an activity, all of which must hold.
#[derive(Clone, Debug, InputObject)]
pub struct ActorFilter {
    /// The identity of the actor, `Actor.key`.
    pub(crate) key: MaybeUndefined<KeyFilter>,
    /// The display name or the principal name (UPN), as recorded, contains this.
    pub(crate) search: MaybeUndefined<String>,
    /// The kind of actor.
    pub(crate) kind: MaybeUndefined<ActorKindFilter>,
    /// The user principal name.
    pub(crate) user_principal_name: MaybeUndefined<StringFilter>,
    /// The display name.
    pub(crate) display_name: MaybeUndefined<StringFilter>,
    /// The object id of the user or service principal.
    pub(crate) object_id: MaybeUndefined<StringFilter>,
    /// The IP address the request came from.
    pub(crate) ip_address: MaybeUndefined<StringFilter>,
    /// The id of the application used.
    pub(crate) application_id: MaybeUndefined<StringFilter>,
    /// The display name of the application used.
    pub(crate) application_display_name: MaybeUndefined<StringFilter>,
}

/// Conditions on a target, all of which must hold for the same target.
#[derive(Clone, Debug, InputObject)]
pub struct TargetFilter {
    /// The identity of the target, `Target.key`.
    pub(crate) key: MaybeUndefined<KeyFilter>,
    /// The display name, principal name, object id or application id, as recorded, contains this.
    pub(crate) search: MaybeUndefined<String>,
    /// The target's id in its own system.
    pub(crate) object_id: MaybeUndefined<StringFilter>,
    /// The application's id (client id), if the target is an application or a service principal.
    pub(crate) application_id: MaybeUndefined<StringFilter>,
    /// The target's principal name.
    pub(crate) user_principal_name: MaybeUndefined<StringFilter>,
    /// The target's type as the logging service names it.
    #[graphql(name = "type")]
    pub(crate) kind: MaybeUndefined<StringFilter>,
    /// The target's display name.
    pub(crate) display_name: MaybeUndefined<StringFilter>,
    /// A changed property and its values.
    pub(crate) modified_property: MaybeUndefined<ModifiedPropertyFilter>,
}

/// Conditions on a property that changed, all of which must hold for the same change.
#[derive(Clone, Debug, InputObject)]
pub struct ModifiedPropertyFilter {
    /// The property's name.
    pub(crate) name: MaybeUndefined<StringFilter>,
    /// The value before, equal as JSON: key order ignored, numbers by value.
    pub(crate) from: MaybeUndefined<JsonScalar>,
    /// Whether the value before is JSON null. Neither holds if there was no value.
    pub(crate) from_is_null: MaybeUndefined<bool>,
    /// A string, number, boolean or member name within the value before contains this.
    pub(crate) from_contains: MaybeUndefined<String>,
    /// The value after, compared in the same way.
    pub(crate) to: MaybeUndefined<JsonScalar>,
    /// Whether the value after is JSON null. Neither holds if there is no value.
    pub(crate) to_is_null: MaybeUndefined<bool>,
    /// A string, number, boolean or member name within the value after contains this.
    pub(crate) to_contains: MaybeUndefined<String>,
    /// Whether the property was added, changed or removed.
    pub(crate) change: MaybeUndefined<PropertyChangeFilter>,
}

/// Conditions on a detail, all of which must hold for the same detail.
#[derive(Clone, Debug, InputObject)]
pub struct AuditDetailFilter {
    /// The name of the detail.
    pub(crate) key: MaybeUndefined<StringFilter>,
    /// Its value: a string as it is, any other value as its JSON text.
    pub(crate) value: MaybeUndefined<StringFilter>,
}

/// Conditions on the provenance of an event, all of which must hold.
#[derive(Clone, Debug, InputObject)]
pub struct RecordingFilter {
    /// How the event was recorded.
    pub(crate) route: MaybeUndefined<RecordingRouteFilter>,
    /// The subject of the recorder's token, or the operator's account for an import.
    pub(crate) recorded_by: MaybeUndefined<StringFilter>,
    /// The client application of the recorder's token.
    pub(crate) client_id: MaybeUndefined<StringFilter>,
    /// The source of an imported record: its format and file name.
    pub(crate) source: MaybeUndefined<StringFilter>,
}

/// A range of positions in the log. At least one bound is required.
#[derive(Clone, Debug, InputObject)]
pub struct SequenceRangeInput {
    /// The start of the range, inclusive.
    pub(crate) from: Option<Sequence>,
    /// The end of the range, exclusive.
    pub(crate) to: Option<Sequence>,
}

impl SequenceRangeInput {
    /// Converts the input to a range. `part` names the argument in an error.
    pub(crate) fn range(&self, part: &str) -> Result<SequenceRange, Invalid> {
        let range = SequenceRange { from: self.from.map(|from| from.0), to: self.to.map(|to| to.0) };
        match (range.from, range.to) {
            (None, None) => Err(Invalid::new(format!("`{part}` must have `from` or `to`"))),
            (Some(from), Some(to)) if from > to => {
                Err(Invalid::new(format!("`{part}.from` must not be greater than `{part}.to`")))
            }
            _ => Ok(range),
        }
    }
}

/// Conditions on audit events, all of which must hold. A condition that is omitted, null or has only nulls does not
/// restrict; `{}` is an error (BAD_USER_INPUT), and below `not` and `or` null is one too. An empty `in` or `or` matches
/// nothing, an empty `notIn` or `and` everything. A condition on an absent value is false, and its `not` is true.
/// `target` holds if any target matches, `not: {target}` if none does. At most 5 levels and 50 conditions. Conditions on
/// `statusReason`, `additionalDetail`, `isRedacted`, `recording.clientId`, `recording.source`, and on parts of changed
/// values read every event that matches the others, so combine them with a short period.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AuditEventFilter {
    /// The initiator of the activity.
    pub(crate) actor: Option<ActorFilter>,
    /// The key of the category.
    pub(crate) category: Option<StringFilter>,
    /// The key of the service (workload).
    pub(crate) service: Option<StringFilter>,
    /// The key of the activity.
    pub(crate) activity: Option<StringFilter>,
    /// The type of resource that the activity acted on.
    pub(crate) resource_type: Option<ResourceTypeFilter>,
    /// The source of the group.
    pub(crate) group_source: Option<GroupSourceFilter>,
    /// The kind of operation.
    pub(crate) operation_type: Option<OperationTypeFilter>,
    /// The outcome of the activity.
    pub(crate) status: Option<ActivityStatusFilter>,
    /// The objects that the activity acted on.
    pub(crate) target: Option<TargetFilter>,
    /// The object id, principal name, display name or application id of the actor or of a target. At least one of these
    /// strings must match the conditions; with `notIn`, none of them may be among the values.
    pub(crate) involving: Option<StringFilter>,
    /// The part of the service that logged the event.
    pub(crate) component: Option<StringFilter>,
    /// The id shared by the events of one request.
    pub(crate) correlation_id: Option<StringFilter>,
    /// The key under which the event was recorded.
    pub(crate) event_key: Option<StringFilter>,
    /// The time at which this server recorded the event.
    pub(crate) recorded_at: Option<DateTimeRangeInput>,
    /// The position of the event in the log.
    pub(crate) sequence: Option<SequenceRangeInput>,
    /// The provenance of the event.
    pub(crate) recording: Option<RecordingFilter>,
    /// The reason for the outcome.
    pub(crate) status_reason: Option<StringFilter>,
    /// A further detail; holds if any detail matches.
    pub(crate) additional_detail: Option<AuditDetailFilter>,
    /// Whether any part of the event is withheld from the caller.
    pub(crate) is_redacted: Option<bool>,
    /// Words, each of which must occur in the activity or in a name or id of the actor, its application or a target.
    /// Other fields are not searched.
    pub(crate) search: Option<String>,
    /// All of these filters.
    pub(crate) and: Option<Vec<AuditEventFilter>>,
    /// At least one of these filters.
    pub(crate) or: Option<Vec<AuditEventFilter>>,
    /// Not this filter.
    pub(crate) not: Option<Box<AuditEventFilter>>,
}
