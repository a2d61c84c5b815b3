//! Which events: one condition with two faces, [`Condition::matches`] here and its translation to SQL in
//! `store::condition`. A property test holds them together.
//!
//! A condition is asked of an event *as reduced for the caller*, so a withheld value never matches. Logic is
//! two-valued: a condition on an absent text is false and its negation true. All texts are folded when a condition
//! is made, and the columns hold folded texts, so SQL has nothing to do but compare bytes.

use std::collections::BTreeSet;

use super::event::Event;
use super::fold::{fold, fold_activity};
use super::party::{Actor, ActorKind, ModifiedProperty, PropertyChange, Target};
use super::{GroupSource, Invalid, OperationType, ResourceType, Status, Timestamp};

/// The most values an `in` or `notIn` may have.
pub const LIST_MAX: usize = 100;
/// The most bytes a text in a filter may have.
pub const TEXT_BYTES_MAX: usize = 1_000;

/// Conditions on events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All of these hold; with none of them, everything matches.
    All(Vec<Condition>),
    /// At least one of these holds; with none of them, nothing matches.
    Any(Vec<Condition>),
    /// This does not hold.
    Not(Box<Condition>),
    /// A text of the event itself.
    String(EventString, StringCondition),
    /// The type of resource.
    ResourceType(SetCondition<ResourceType>),
    /// The kind of operation.
    OperationType(SetCondition<OperationType>),
    /// How it ended.
    Status(SetCondition<Status>),
    /// Where the group comes from.
    GroupSource(GroupSource),
    /// Who initiated it.
    Actor(Box<ActorCondition>),
    /// One target meets all of these.
    Target(Box<TargetCondition>),
    /// The actor or a target is this: object id, principal name or display name.
    Involving(StringCondition),
    /// When it was recorded.
    Recorded(TimeRange),
    /// Folded words, each contained in the activity, the actor or a target.
    Search(Vec<String>),
}

impl Condition {
    /// The condition that everything meets.
    pub fn everything() -> Self {
        Self::All(Vec::new())
    }

    /// Whether an event, as reduced for the caller, meets the condition.
    pub fn matches(&self, event: &Event) -> bool {
        let body = &event.body;
        match self {
            Self::All(conditions) => conditions.iter().all(|condition| condition.matches(event)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.matches(event)),
            Self::Not(condition) => !condition.matches(event),
            Self::String(text, condition) => condition.matches(&text.of(event)),
            Self::ResourceType(set) => set.matches(body.resource_type),
            Self::OperationType(set) => set.matches(body.operation_type),
            Self::Status(set) => set.matches(body.status),
            Self::GroupSource(source) => {
                body.resource_type == ResourceType::Group && body.group_source == Some(*source)
            }
            Self::Actor(condition) => condition.matches(&body.actor),
            Self::Target(condition) => body.targets.iter().any(|target| condition.matches(target)),
            Self::Involving(condition) => {
                let texts = involved(event);
                match condition.is_set {
                    Some(false) => texts.is_empty() && condition.is_only_absence(),
                    _ => texts.iter().any(|text| condition.matches(text)),
                }
            }
            Self::Recorded(range) => range.contains(event.recorded_at),
            Self::Search(words) => {
                let texts = searched(event);
                words.iter().all(|word| texts.iter().any(|text| text.contains(word)))
            }
        }
    }
}

/// A text of an event that a condition may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventString {
    /// The service that logged it.
    Service,
    /// Its category.
    Category,
    /// Its activity.
    Activity,
    /// The activity's display name, where it is another text.
    ActivityName,
    /// The part of the service.
    Component,
    /// What ties together the events of one request.
    Correlation,
    /// The key it was recorded under.
    EventKey,
}

impl EventString {
    /// The folded text of an event; empty if there is none.
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
        }
    }
}

fn folded(text: Option<&str>) -> String {
    text.map(fold).unwrap_or_default()
}

/// Names and ids of everybody and everything involved, folded, without the absent ones.
fn involved(event: &Event) -> Vec<String> {
    let actor = &event.body.actor;
    let mut texts = vec![
        folded(actor.object_id.as_deref()),
        folded(actor.user_principal_name.as_deref()),
        folded(actor.shown_name()),
    ];
    for target in &event.body.targets {
        texts.extend(target_texts(target));
    }
    texts.retain(|text| !text.is_empty());
    texts
}

fn target_texts(target: &Target) -> [String; 3] {
    [&target.object_id, &target.user_principal_name, &target.display_name].map(|text| folded(text.as_deref()))
}

/// What `search` looks into: the activity's key and display name, the actor's names, ids and application, the targets'
/// names and object ids.
fn searched(event: &Event) -> Vec<String> {
    let body = &event.body;
    let mut texts = vec![fold_activity(&body.activity), fold(&body.activity_display_name)];
    texts.extend(actor_texts(&body.actor));
    texts.push(folded(body.actor.object_id.as_deref()));
    texts.push(folded(body.actor.application_id()));
    for target in &body.targets {
        texts.extend(target_texts(target));
    }
    texts
}

/// What a search for an actor looks into.
fn actor_texts(actor: &Actor) -> [String; 4] {
    [
        folded(actor.shown_name()),
        folded(actor.user_principal_name.as_deref()),
        folded(actor.service_principal_name.as_deref()),
        folded(actor.application_name()),
    ]
}

/// The folded words of a search, each once. At least one is needed.
pub fn search_words(text: &str) -> Result<Vec<String>, Invalid> {
    bounded("search", text)?;
    let words: BTreeSet<String> = fold(text).split_whitespace().map(fold).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Err(Invalid::new("`search` must hold at least one word"));
    }
    if words.len() > 20 {
        return Err(Invalid::new("`search` may hold at most 20 words"));
    }
    Ok(words.into_iter().collect())
}

fn bounded(part: &str, text: &str) -> Result<(), Invalid> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Invalid::new(format!("`{part}` may have at most {TEXT_BYTES_MAX} bytes")));
    }
    Ok(())
}

/// The folded form of a text in a filter, which must not be empty.
pub fn needle(part: &str, text: &str, fold: fn(&str) -> String) -> Result<String, Invalid> {
    bounded(part, text)?;
    let folded = fold(text);
    if folded.is_empty() {
        return Err(Invalid::new(format!("`{part}` must not be empty")));
    }
    Ok(folded)
}

/// The folded forms of a list of texts in a filter.
pub fn needles(part: &str, texts: &[String], fold: fn(&str) -> String) -> Result<BTreeSet<String>, Invalid> {
    if texts.len() > LIST_MAX {
        return Err(Invalid::new(format!("`{part}` may hold at most {LIST_MAX} values")));
    }
    texts.iter().enumerate().map(|(i, text)| needle(&format!("{part}.{i}"), text, fold)).collect()
}

/// Conditions on one text, all of which have to hold. Texts are folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StringCondition {
    /// The text is one of these.
    pub one_of: Option<BTreeSet<String>>,
    /// The text is none of these; with no values, this always holds.
    pub none_of: BTreeSet<String>,
    /// It starts with this.
    pub starts_with: Option<String>,
    /// It contains this.
    pub contains: Option<String>,
    /// There is a text at all.
    pub is_set: Option<bool>,
}

impl StringCondition {
    /// Whether a folded text, empty if absent, meets the condition.
    pub fn matches(&self, text: &str) -> bool {
        let present = !text.is_empty();
        self.one_of.as_ref().is_none_or(|texts| texts.contains(text))
            && (self.none_of.is_empty() || present && !self.none_of.contains(text))
            && self.starts_with.as_ref().is_none_or(|start| text.starts_with(start.as_str()))
            && self.contains.as_ref().is_none_or(|part| text.contains(part.as_str()))
            && self.is_set.is_none_or(|set| set == present)
    }

    /// Narrows the texts allowed to those that are also among `texts`.
    pub fn restrict(&mut self, texts: BTreeSet<String>) {
        self.one_of = Some(match self.one_of.take() {
            Some(allowed) => allowed.intersection(&texts).cloned().collect(),
            None => texts,
        });
    }

    /// Whether "there is no such text" is the only condition.
    pub fn is_only_absence(&self) -> bool {
        *self == Self { is_set: Some(false), ..Self::default() }
    }
}

/// One of these, and none of those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetCondition<T> {
    /// One of these.
    pub one_of: Option<Vec<T>>,
    /// None of these.
    pub none_of: Vec<T>,
}

impl<T: Copy + PartialEq> SetCondition<T> {
    /// Whether a value meets the condition.
    pub fn matches(&self, value: T) -> bool {
        self.one_of.as_ref().is_none_or(|values| values.contains(&value)) && !self.none_of.contains(&value)
    }
}

/// A span between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment of the span.
    pub from: Option<Timestamp>,
    /// The first moment after the span.
    pub to: Option<Timestamp>,
}

impl TimeRange {
    /// Whether a moment is in the span.
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.from.is_none_or(|from| moment >= from) && self.to.is_none_or(|to| moment < to)
    }
}

/// Conditions on who initiated an activity, all of which have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActorCondition {
    /// Exactly these actors, by key.
    pub keys: Option<BTreeSet<String>>,
    /// A name contains this.
    pub search: Option<String>,
    /// Which kinds.
    pub kinds: Option<Vec<ActorKind>>,
    /// The principal name.
    pub user_principal_name: Option<StringCondition>,
    /// The display name.
    pub display_name: Option<StringCondition>,
    /// The object id.
    pub object_id: Option<StringCondition>,
    /// The address.
    pub ip_address: Option<StringCondition>,
    /// The application's id.
    pub application_id: Option<StringCondition>,
    /// The application's display name.
    pub application_name: Option<StringCondition>,
}

impl ActorCondition {
    fn matches(&self, actor: &Actor) -> bool {
        let holds = |condition: &Option<StringCondition>, text: Option<&str>| {
            condition.as_ref().is_none_or(|condition| condition.matches(&folded(text)))
        };
        let [name, upn, principal, _] = actor_texts(actor);
        self.keys.as_ref().is_none_or(|keys| keys.contains(&actor.key()))
            && self.search.as_ref().is_none_or(|part| [name, upn, principal].iter().any(|t| t.contains(part.as_str())))
            && self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&actor.kind))
            && holds(&self.user_principal_name, actor.user_principal_name.as_deref())
            && holds(&self.display_name, actor.shown_name())
            && holds(&self.object_id, actor.object_id.as_deref())
            && holds(&self.ip_address, actor.ip_address.as_deref())
            && holds(&self.application_id, actor.application_id())
            && holds(&self.application_name, actor.application_name())
    }
}

/// Conditions on a target, all of which have to hold for one and the same target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetCondition {
    /// Exactly these targets, by key.
    pub keys: Option<BTreeSet<String>>,
    /// A name or the object id contains this.
    pub search: Option<String>,
    /// The object id.
    pub object_id: Option<StringCondition>,
    /// The principal name.
    pub user_principal_name: Option<StringCondition>,
    /// The type.
    pub kind: Option<StringCondition>,
    /// The display name.
    pub display_name: Option<StringCondition>,
    /// A change of the target.
    pub modified_property: Option<PropertyCondition>,
}

impl TargetCondition {
    fn matches(&self, target: &Target) -> bool {
        let [object_id, upn, name] = target_texts(target);
        let holds = |condition: &Option<StringCondition>, text: &str| {
            condition.as_ref().is_none_or(|condition| condition.matches(text))
        };
        self.keys.as_ref().is_none_or(|keys| keys.contains(&target.key()))
            && self.search.as_ref().is_none_or(|part| [&name, &upn, &object_id].iter().any(|t| t.contains(part)))
            && holds(&self.object_id, &object_id)
            && holds(&self.user_principal_name, &upn)
            && holds(&self.display_name, &name)
            && holds(&self.kind, &folded(target.kind.as_deref()))
            && self
                .modified_property
                .as_ref()
                .is_none_or(|condition| target.modified_properties.iter().any(|change| condition.matches(change)))
    }
}

/// Conditions on a property that changed, all of which have to hold for one and the same change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PropertyCondition {
    /// The property's name.
    pub name: Option<StringCondition>,
    /// The value before, by its equality hash.
    pub from: Option<[u8; 16]>,
    /// The value after, by its equality hash.
    pub to: Option<[u8; 16]>,
    /// How it changed.
    pub change: Option<PropertyChange>,
}

impl PropertyCondition {
    fn matches(&self, change: &ModifiedProperty) -> bool {
        let equal = |wanted: Option<[u8; 16]>, value: &Option<super::Json>| {
            wanted.is_none_or(|hash| value.as_ref().is_some_and(|value| value.equality_hash() == hash))
        };
        self.name.as_ref().is_none_or(|condition| condition.matches(&fold(&change.name)))
            && equal(self.from, &change.old_value)
            && equal(self.to, &change.new_value)
            && self.change.is_none_or(|kind| kind == change.change)
    }
}
