//! Conditions on events. [`Condition::matches`] evaluates a condition; `store::query::condition` translates it to SQL. A
//! property test compares the two.
//!
//! A condition is evaluated on an event *as redacted for the caller*, so a withheld value never matches. Logic is
//! two-valued: a condition on an absent string is false and its negation true. Strings are folded when a condition is
//! created, and the log contains folded strings, so SQL only compares bytes.

mod body;
mod party;

use std::collections::BTreeSet;

pub use body::{BodyCondition, DetailCondition};
pub use party::{ActorCondition, PropertyCondition, TargetCondition};

use crate::event::Event;
use crate::fold::{fold, fold_activity};
use crate::party::{Actor, Target};
use crate::{GroupSource, Invalid, OperationType, RecordingRoute, ResourceType, Status, Timestamp};

/// The most values of an `in` or `notIn`.
pub const LIST_MAX: usize = 100;
/// The most words of a search.
pub const SEARCH_WORDS_MAX: usize = 20;
/// The most bytes of a string in a filter.
pub const STRING_BYTES_MAX: usize = 1_000;

/// The most bytes of a string that another one must contain, after folding. SQLite compares it with each position of a
/// name and cannot be interrupted meanwhile, so both are short.
pub const NEEDLE_BYTES_MAX: usize = 256;

/// A condition on an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All of these conditions hold. An empty list matches every event.
    All(Vec<Condition>),
    /// At least one of these conditions holds. An empty list matches no event.
    Any(Vec<Condition>),
    /// The condition does not hold.
    Not(Box<Condition>),
    /// A condition on a string of the event itself.
    String(EventString, StringCondition),
    /// The type of resource.
    ResourceType(SetCondition<ResourceType>),
    /// The kind of operation.
    OperationType(SetCondition<OperationType>),
    /// The outcome of the activity.
    Status(SetCondition<Status>),
    /// The source of the group, which must be present.
    GroupSource(SetCondition<GroupSource>),
    /// A condition on the actor.
    Actor(Box<ActorCondition>),
    /// A condition that at least one target matches.
    Target(Box<TargetCondition>),
    /// The object id, principal name, display name or application id of the actor or of a target matches.
    Involving(StringCondition),
    /// The time of recording.
    RecordedAt(TimeRange),
    /// The route by which the event was recorded.
    Route(SetCondition<RecordingRoute>),
    /// The position in the log.
    Sequence(SequenceRange),
    /// A condition on a part of the event that no column contains.
    Body(BodyCondition),
    /// Folded words, each of which the activity, the actor or a target contains.
    Search(Vec<String>),
}

impl Condition {
    /// The condition that every event matches.
    pub fn everything() -> Self {
        Self::All(Vec::new())
    }

    /// Whether an index of the log has the matching events in the order of a list, so that a page reads few others.
    pub fn is_indexed(&self) -> bool {
        match self {
            Self::All(conditions) => match conditions.as_slice() {
                [] => true,
                [condition] => condition.is_indexed(),
                _ => false,
            },
            Self::String(string, condition) => {
                use EventString::{Activity, Category, Correlation, Service};
                matches!(string, Activity | Category | Correlation | Service) && condition.is_only_one_of()
            }
            _ => false,
        }
    }

    /// Whether an event, as redacted for the caller, matches the condition.
    pub fn matches(&self, event: &Event) -> bool {
        let body = &event.body;
        match self {
            Self::All(conditions) => conditions.iter().all(|condition| condition.matches(event)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.matches(event)),
            Self::Not(condition) => !condition.matches(event),
            Self::String(string, condition) => condition.matches(&string.of(event)),
            Self::ResourceType(set) => set.matches(body.resource_type),
            Self::OperationType(set) => set.matches(body.operation_type),
            Self::Status(set) => set.matches(body.status),
            Self::GroupSource(set) => {
                body.resource_type == ResourceType::Group && body.group_source.is_some_and(|source| set.matches(source))
            }
            Self::Actor(condition) => condition.matches(&body.actor),
            Self::Target(condition) => body.targets.iter().any(|target| condition.matches(target)),
            Self::Involving(condition) => {
                let strings = involved(event);
                match condition.is_set {
                    Some(false) => strings.is_empty() && condition.is_only_absence(),
                    _ => strings.iter().any(|string| condition.matches(string)),
                }
            }
            Self::RecordedAt(range) => range.contains(event.recorded_at),
            Self::Route(set) => set.matches(body.recording.route),
            Self::Sequence(range) => range.contains(event.sequence),
            Self::Body(condition) => condition.matches(event),
            Self::Search(words) => {
                let strings = searched(event);
                words.iter().all(|word| strings.iter().any(|string| string.contains(word)))
            }
        }
    }
}

/// A string of an event that a filter can compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventString {
    /// The service that logged the event.
    Service,
    /// The category.
    Category,
    /// The activity.
    Activity,
    /// The activity's display name, if it differs from the activity.
    ActivityName,
    /// The part of the service.
    Component,
    /// The correlation id.
    Correlation,
    /// The event key.
    EventKey,
    /// The recorder.
    RecordedBy,
}

impl EventString {
    /// The folded string of an event; empty if absent.
    fn of(self, event: &Event) -> String {
        let body = &event.body;
        match self {
            Self::Service => fold(&body.service),
            Self::Category => fold(&body.category),
            Self::Activity => fold_activity(&body.activity),
            Self::ActivityName => {
                let name = fold(&body.activity_display_name);
                if name == fold_activity(&body.activity) { String::new() } else { name }
            }
            Self::Component => folded(body.component.as_deref()),
            Self::Correlation => folded(body.correlation_id.as_deref()),
            Self::EventKey => fold(&body.event_key),
            Self::RecordedBy => fold(&body.recording.recorded_by),
        }
    }
}

fn folded(string: Option<&str>) -> String {
    string.map(fold).unwrap_or_default()
}

/// The folded names and ids of the actor and the targets that are present.
fn involved(event: &Event) -> Vec<String> {
    let actor = &event.body.actor;
    let mut strings = vec![
        folded(actor.object_id.as_deref()),
        folded(actor.user_principal_name.as_deref()),
        folded(actor.shown_name()),
        folded(actor.application_id()),
    ];
    for target in &event.body.targets {
        strings.extend(target_strings(target));
    }
    strings.retain(|string| !string.is_empty());
    strings
}

fn target_strings(target: &Target) -> [String; 4] {
    [&target.object_id, &target.user_principal_name, &target.display_name, &target.application_id]
        .map(|string| folded(string.as_deref()))
}

/// The strings that `search` searches: the activity's key and display name, the actor's names, ids and application, the
/// targets' names, object ids and application ids.
fn searched(event: &Event) -> Vec<String> {
    let body = &event.body;
    let mut strings = vec![fold_activity(&body.activity), fold(&body.activity_display_name)];
    strings.extend(actor_strings(&body.actor));
    strings.push(folded(body.actor.object_id.as_deref()));
    strings.push(folded(body.actor.application_id()));
    for target in &body.targets {
        strings.extend(target_strings(target));
    }
    strings
}

/// The strings that a search for an actor searches.
fn actor_strings(actor: &Actor) -> [String; 4] {
    [
        folded(actor.shown_name()),
        folded(actor.user_principal_name.as_deref()),
        folded(actor.service_principal_name.as_deref()),
        folded(actor.application_name()),
    ]
}

/// The distinct folded words of a search.
///
/// # Errors
///
/// Fails if there is no word, more than [`SEARCH_WORDS_MAX`], or one of more than [`NEEDLE_BYTES_MAX`] bytes.
pub fn search_words(search: &str) -> Result<Vec<String>, Invalid> {
    check_length("search", search)?;
    let words: BTreeSet<String> = fold(search).split_whitespace().map(fold).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Err(Invalid::new("`search` must contain at least one word"));
    }
    if words.len() > SEARCH_WORDS_MAX {
        return Err(Invalid::new(format!("`search` may contain at most {SEARCH_WORDS_MAX} words")));
    }
    if words.iter().any(|word| word.len() > NEEDLE_BYTES_MAX) {
        return Err(Invalid::new(format!("a word of `search` may have at most {NEEDLE_BYTES_MAX} bytes")));
    }
    Ok(words.into_iter().collect())
}

/// The folded form of a string that another one must contain. `part` names the argument in an error.
///
/// # Errors
///
/// As [`needle`], or if the folded string has more than [`NEEDLE_BYTES_MAX`] bytes.
pub fn contained(part: &str, string: &str) -> Result<String, Invalid> {
    let folded = needle(part, string, fold)?;
    if folded.len() > NEEDLE_BYTES_MAX {
        return Err(Invalid::new(format!("`{part}` may have at most {NEEDLE_BYTES_MAX} bytes")));
    }
    Ok(folded)
}

fn check_length(part: &str, string: &str) -> Result<(), Invalid> {
    if string.len() > STRING_BYTES_MAX {
        return Err(Invalid::new(format!("`{part}` may have at most {STRING_BYTES_MAX} bytes")));
    }
    Ok(())
}

/// The folded form of a string in a filter. `part` names the argument in an error.
///
/// # Errors
///
/// Fails if the string is too long or folds to an empty one.
pub fn needle(part: &str, string: &str, fold: fn(&str) -> String) -> Result<String, Invalid> {
    check_length(part, string)?;
    let folded = fold(string);
    if folded.is_empty() {
        return Err(Invalid::new(format!("`{part}` must not be empty")));
    }
    Ok(folded)
}

/// The folded forms of a list of strings in a filter.
///
/// # Errors
///
/// As [`needle`], or if there are more than [`LIST_MAX`].
pub fn needles(part: &str, strings: &[String], fold: fn(&str) -> String) -> Result<BTreeSet<String>, Invalid> {
    if strings.len() > LIST_MAX {
        return Err(Invalid::new(format!("`{part}` may have at most {LIST_MAX} values")));
    }
    strings.iter().enumerate().map(|(i, string)| needle(&format!("{part}.{i}"), string, fold)).collect()
}

/// Conditions on one string, all of which must hold. All strings are folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StringCondition {
    /// The string is one of these.
    pub one_of: Option<BTreeSet<String>>,
    /// The string is present and none of these. An empty set does not restrict.
    pub none_of: BTreeSet<String>,
    /// The string starts with this.
    pub starts_with: Option<String>,
    /// The string contains this.
    pub contains: Option<String>,
    /// Whether the string is present.
    pub is_set: Option<bool>,
}

impl StringCondition {
    /// Whether a folded string, empty if absent, matches the condition.
    pub fn matches(&self, string: &str) -> bool {
        let present = !string.is_empty();
        self.one_of.as_ref().is_none_or(|strings| strings.contains(string))
            && (self.none_of.is_empty() || present && !self.none_of.contains(string))
            && self.starts_with.as_ref().is_none_or(|start| string.starts_with(start.as_str()))
            && self.contains.as_ref().is_none_or(|part| string.contains(part.as_str()))
            && self.is_set.is_none_or(|set| set == present)
    }

    /// Restricts the condition to strings that are also in `strings`.
    pub fn restrict(&mut self, strings: BTreeSet<String>) {
        self.one_of = Some(match self.one_of.take() {
            Some(allowed) => allowed.intersection(&strings).cloned().collect(),
            None => strings,
        });
    }

    /// Whether the only condition is that the string is one of some.
    fn is_only_one_of(&self) -> bool {
        self.one_of.is_some() && *self == Self { one_of: self.one_of.clone(), ..Self::default() }
    }

    /// Whether the only condition is that the string is absent.
    pub fn is_only_absence(&self) -> bool {
        *self == Self { is_set: Some(false), ..Self::default() }
    }
}

/// A condition on a value of a closed set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetCondition<T> {
    /// The value is one of these.
    pub one_of: Option<Vec<T>>,
    /// The value is none of these.
    pub none_of: Vec<T>,
}

impl<T: Copy + PartialEq> SetCondition<T> {
    /// Whether a value matches the condition.
    pub fn matches(&self, value: T) -> bool {
        self.one_of.as_ref().is_none_or(|values| values.contains(&value)) && !self.none_of.contains(&value)
    }
}

/// A half-open range of time, `from..to`. A bound that is `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The start of the range, inclusive.
    pub from: Option<Timestamp>,
    /// The end of the range, exclusive.
    pub to: Option<Timestamp>,
}

impl TimeRange {
    /// Whether a time is in the range.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
    }
}

/// A half-open range of positions in the log, `from..to`. A bound that is `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SequenceRange {
    /// The start of the range, inclusive.
    pub from: Option<i64>,
    /// The end of the range, exclusive.
    pub to: Option<i64>,
}

impl SequenceRange {
    /// Whether a position is in the range.
    pub fn contains(&self, sequence: i64) -> bool {
        self.from.is_none_or(|from| sequence >= from) && self.to.is_none_or(|to| sequence < to)
    }
}
