//! Prefilters: the keys of actors, targets and activities that the events of a list must have.
//!
//! A search for a substring first looks for matching names among the snapshots. If few names match, an index leads from
//! their keys to the events, however large the log is. If there are many keys but few events, the events are collected
//! first and then sorted. There are far fewer names than events, so finding them is cheap; without a prefilter, a page
//! for a rare word scans the whole period.
//!
//! A prefilter never decides: every event of the list has one of the keys, and the condition is still evaluated on each
//! event.

use std::collections::BTreeSet;

use crate::query::driving_table::DrivingTable;
use crate::query::merge::{PARTS_MAX, conjuncts};
use model::filter::{ActorCondition, Condition, EventString, StringCondition, TargetCondition};
use model::page::{Order, OrderField};

/// What a prefilter is for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// A page in this order.
    Page(Order),
    /// An exact count.
    Count,
    /// A count up to a limit.
    CountUpTo,
}

/// Conditions on keys of which every event of the list matches at least one.
#[derive(Debug)]
pub(crate) enum Prefilter {
    /// One key per condition. The events of each key are scanned in order.
    SingleKeys(Vec<Condition>),
    /// Many keys per condition. The number of their events is bounded, except for a count up to a limit.
    KeySets(Vec<Condition>),
}

impl Prefilter {
    /// Returns the conditions.
    pub(crate) fn conditions(&self) -> &[Condition] {
        match self {
            Self::SingleKeys(conditions) | Self::KeySets(conditions) => conditions,
        }
    }
}

/// The column that keys belong to.
#[derive(Clone, Copy)]
pub(crate) enum KeyKind {
    Actor,
    Target,
    String(EventString),
}

impl KeyKind {
    /// Returns the condition that an event has one of these keys.
    pub(crate) fn with_keys(self, keys: BTreeSet<String>) -> Condition {
        match self {
            Self::Actor => Condition::Actor(Box::new(ActorCondition { keys: Some(keys), ..ActorCondition::default() })),
            Self::Target => {
                Condition::Target(Box::new(TargetCondition { keys: Some(keys), ..TargetCondition::default() }))
            }
            Self::String(string) => {
                Condition::String(string, StringCondition { one_of: Some(keys), ..StringCondition::default() })
            }
        }
    }
}

/// Keys of one kind.
pub(crate) type KindKeys = (KeyKind, BTreeSet<String>);

pub(crate) fn key_count(resolved: &[KindKeys]) -> usize {
    resolved.iter().map(|(_, keys)| keys.len()).sum()
}

/// Returns whether a condition is about a single name.
pub(crate) fn is_single_term(condition: &Condition) -> bool {
    match conjuncts(condition) {
        [Condition::Search(words)] => words.len() == 1,
        [_] => true,
        _ => false,
    }
}

/// Returns whether an index serves the list without a prefilter, or a prefilter cannot help.
pub(crate) fn is_index_served(condition: &Condition, purpose: Purpose) -> bool {
    let order = if let Purpose::Page(order) = purpose { order } else { Order::NEWEST };
    let is_key = |conjunct: &Condition| match conjunct {
        Condition::Actor(actor) => actor.keys.as_ref().is_some_and(|keys| keys.len() <= PARTS_MAX),
        Condition::Target(target) => target.keys.as_ref().is_some_and(|keys| keys.len() <= PARTS_MAX),
        Condition::String(EventString::Correlation, text) => text.one_of.is_some(),
        _ => false,
    };
    let has_names =
        |conjunct: &Condition| matches!(conjunct, Condition::Search(_) | Condition::Actor(_) | Condition::Target(_));
    order.field == OrderField::Sequence
        || !conjuncts(condition).iter().any(has_names)
        || DrivingTable::of(condition, order) != DrivingTable::Event
        || conjuncts(condition).iter().any(is_key)
}
