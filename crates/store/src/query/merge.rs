//! Splits a list into one index scan per value, merged in order.
//!
//! An index that leads with a column returns the rows of one value in page order, but those of several values only one
//! value after another. A list with 2 to [`PARTS_MAX`] values of such a column is therefore split into lists of one
//! value each. Their union is the list, and a page consists of the first rows of all of them.

use std::collections::BTreeSet;

use crate::query::driving_table::DrivingTable;
use model::filter::{Condition, EventString, PropertyCondition, SetCondition, StringCondition};
use model::page::{Order, OrderField};
use model::{Scope, ServiceSet, Status};

/// The most values that are scanned separately. With more values, the scan is by time.
pub(crate) const PARTS_MAX: usize = 16;

/// A list as the union of several lists.
pub(crate) struct MergeBranches {
    /// The condition and the scope of each list.
    pub(crate) branches: Vec<(Condition, Scope)>,
    /// Whether an event can be in more than one of the lists.
    pub(crate) may_overlap: bool,
}

/// Splits a list. Returns `None` if a single scan serves it, or if no index does.
pub(crate) fn branches(condition: &Condition, scope: &Scope, order: Order) -> Option<MergeBranches> {
    if order.field == OrderField::Sequence || DrivingTable::of(condition, order) != DrivingTable::Event {
        return None;
    }
    let conjuncts = conjuncts(condition);
    let split: Vec<_> = conjuncts.iter().map(split_values).collect();
    if split.iter().flatten().any(|values| values.len() == 1) {
        return None;
    }
    if let Some((index, values)) = fewest_values(&split) {
        let may_overlap = matches!(conjuncts[index], Condition::Target(_) | Condition::Any(_));
        let branches = replace_conjunct(conjuncts, index, values);
        return Some(MergeBranches {
            branches: branches.map(|condition| (condition, scope.clone())).collect(),
            may_overlap,
        });
    }
    let ServiceSet::Only(services) = &scope.visible else { return None };
    if !(2..=PARTS_MAX).contains(&services.len()) {
        return None;
    }
    let with = |service: &String| {
        let visible = ServiceSet::Only(BTreeSet::from([service.clone()]));
        (condition.clone(), Scope { visible, ..scope.clone() })
    };
    Some(MergeBranches { branches: services.iter().map(with).collect(), may_overlap: false })
}

/// Splits a list by conditions on keys of which each of its events matches at least one.
pub(crate) fn branches_for_keys(condition: &Condition, scope: &Scope, keys: &[Condition]) -> MergeBranches {
    let with = |one: &Condition| {
        let all = std::iter::once(one).chain(conjuncts(condition));
        (Condition::All(all.cloned().collect()), scope.clone())
    };
    MergeBranches { branches: keys.iter().map(with).collect(), may_overlap: true }
}

/// Returns the conditions that all have to match.
pub(crate) fn conjuncts(condition: &Condition) -> &[Condition] {
    match condition {
        Condition::All(conditions) => conditions,
        one => std::slice::from_ref(one),
    }
}

/// Index of the conjunct with the fewest values, and these values. `None` if no conjunct was split, or if all have more
/// than [`PARTS_MAX`].
fn fewest_values(split: &[Option<Vec<Condition>>]) -> Option<(usize, &[Condition])> {
    let split = split.iter().enumerate().filter_map(|(index, values)| Some((index, values.as_deref()?)));
    split.min_by_key(|(_, values)| values.len()).filter(|(_, values)| values.len() <= PARTS_MAX)
}

/// Returns the conjuncts once for each value, with the conjunct at `index` replaced by the value's condition.
fn replace_conjunct(conjuncts: &[Condition], index: usize, values: &[Condition]) -> impl Iterator<Item = Condition> {
    values.iter().map(move |value| {
        let before = conjuncts[..index].iter();
        let all = before.chain(self::conjuncts(value)).chain(&conjuncts[index + 1..]);
        Condition::All(all.cloned().collect())
    })
}

/// Splits one alternative of an `Any` by the values of one of its columns.
fn split_alternative(condition: &Condition) -> Option<Vec<Condition>> {
    let conjuncts = conjuncts(condition);
    let split: Vec<_> = conjuncts.iter().map(split_values).collect();
    let (index, values) = fewest_values(&split)?;
    Some(replace_conjunct(conjuncts, index, values).collect())
}

/// Splits a condition on the leading column of an index by value. Returns `None` for any other condition.
fn split_values(condition: &Condition) -> Option<Vec<Condition>> {
    use EventString::{Activity, Category, Correlation, Service};
    let values = match condition {
        Condition::String(column @ (Service | Category | Activity | Correlation), text) => {
            per_value(text.one_of.as_ref()?, |value| Condition::String(*column, with_single_value(text, value)))
        }
        Condition::Actor(actor) => match (&actor.keys, &actor.application_id) {
            (Some(keys), _) => per_value(keys, |value| {
                let mut actor = actor.clone();
                actor.keys = Some(value);
                Condition::Actor(actor)
            }),
            (None, Some(application)) => per_value(application.one_of.as_ref()?, |value| {
                let mut actor = actor.clone();
                actor.application_id = Some(with_single_value(application, value));
                Condition::Actor(actor)
            }),
            (None, None) => return None,
        },
        Condition::Target(target) => match (&target.keys, &target.modified_property) {
            (Some(keys), _) => per_value(keys, |value| {
                let mut target = target.clone();
                target.keys = Some(value);
                Condition::Target(target)
            }),
            (None, Some(property)) => {
                let name = property.name.as_ref()?;
                per_value(name.one_of.as_ref()?, |value| {
                    let name = Some(with_single_value(name, value));
                    let mut target = target.clone();
                    target.modified_property = Some(PropertyCondition { name, ..property.clone() });
                    Condition::Target(target)
                })
            }
            (None, None) => return None,
        },
        Condition::Status(set) => {
            let values: BTreeSet<Status> = set.one_of.iter().flatten().copied().collect();
            // The partial index leaves out successful events, which are nearly all.
            let rare = !values.contains(&Status::Success);
            let one = |value| SetCondition { one_of: Some(vec![value]), none_of: set.none_of.clone() };
            values.into_iter().filter(|_| rare).map(|value| Condition::Status(one(value))).collect()
        }
        Condition::Any(alternatives) => {
            alternatives.iter().map(split_alternative).collect::<Option<Vec<_>>>()?.into_iter().flatten().collect()
        }
        _ => return None,
    };
    Some(values).filter(|values| !values.is_empty())
}

fn per_value(values: &BTreeSet<String>, one: impl Fn(BTreeSet<String>) -> Condition) -> Vec<Condition> {
    values.iter().map(|value| one(BTreeSet::from([value.clone()]))).collect()
}

fn with_single_value(text: &StringCondition, value: BTreeSet<String>) -> StringCondition {
    StringCondition { one_of: Some(value), ..text.clone() }
}
