//! Searches for parts of names look among the names first: a word that few actors, targets and activities contain gives
//! few keys, and an index leads from keys to events, however large the log is. If there are many keys but few events,
//! the events are found first and then sorted.
//!
//! The keys only narrow a list down: every event of the list has one of them, and the condition still decides on each
//! event. There are far fewer names than events, so looking through them costs little; without this, a page for a rare
//! word would scan the whole period.

use std::collections::BTreeSet;

use crate::query::driving_table::DrivingTable;
use crate::query::merge::{PARTS_MAX, conjuncts};
use model::filter::{ActorCondition, Condition, EventText, TargetCondition, TextCondition};
use model::page::{Order, OrderField};

/// What a list is narrowed down for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// A page in an order.
    Page(Order),
    /// Counting all of it.
    Count,
    /// Counting up to a limit.
    CountUpTo,
}

/// What was found out about a list: every event of it meets one of these conditions on keys.
#[derive(Debug)]
pub(crate) enum Prefilter {
    /// On a single key each. The events of each are walked.
    SingleKeys(Vec<Condition>),
    /// On many keys each, of few events; or of any number, where it is only counted up to a limit.
    KeySets(Vec<Condition>),
}

impl Prefilter {
    /// The conditions.
    pub(crate) fn conditions(&self) -> &[Condition] {
        match self {
            Self::SingleKeys(conditions) | Self::KeySets(conditions) => conditions,
        }
    }
}

/// What keys are of.
#[derive(Clone, Copy)]
pub(crate) enum KeyKind {
    Actor,
    Target,
    Text(EventText),
}

impl KeyKind {
    /// That an event has one of some keys.
    pub(crate) fn with_keys(self, keys: BTreeSet<String>) -> Condition {
        match self {
            Self::Actor => Condition::Actor(Box::new(ActorCondition { keys: Some(keys), ..ActorCondition::default() })),
            Self::Target => {
                Condition::Target(Box::new(TargetCondition { keys: Some(keys), ..TargetCondition::default() }))
            }
            Self::Text(text) => Condition::Text(text, TextCondition { one_of: Some(keys), ..TextCondition::default() }),
        }
    }
}

/// Keys of one kind.
pub(crate) type KindKeys = (KeyKind, BTreeSet<String>);

pub(crate) fn key_count(resolved: &[KindKeys]) -> usize {
    resolved.iter().map(|(_, keys)| keys.len()).sum()
}

/// Whether a condition is about a single name.
pub(crate) fn is_single_term(condition: &Condition) -> bool {
    match conjuncts(condition) {
        [Condition::Search(words)] => words.len() == 1,
        [_] => true,
        _ => false,
    }
}

/// Whether an index leads to a list without looking any further.
pub(crate) fn is_index_served(condition: &Condition, purpose: Purpose) -> bool {
    let order = if let Purpose::Page(order) = purpose { order } else { Order::NEWEST };
    let is_key = |conjunct: &Condition| match conjunct {
        Condition::Actor(actor) => actor.keys.as_ref().is_some_and(|keys| keys.len() <= PARTS_MAX),
        Condition::Target(target) => target.keys.as_ref().is_some_and(|keys| keys.len() <= PARTS_MAX),
        Condition::Text(EventText::Correlation | EventText::EventKey, text) => text.one_of.is_some(),
        _ => false,
    };
    let has_names =
        |conjunct: &Condition| matches!(conjunct, Condition::Search(_) | Condition::Actor(_) | Condition::Target(_));
    order.field == OrderField::Sequence
        || !conjuncts(condition).iter().any(has_names)
        || DrivingTable::of(condition, order) != DrivingTable::Event
        || conjuncts(condition).iter().any(is_key)
}
