//! Lists filtered by a few values, as one index walk per value, merged in order.
//!
//! An index that leads with a column gives the rows of one value in the order of a page, but those of several values
//! only one value after the other. So a list that asks for 2 to 16 values of such a column is split into lists of one
//! value each; together they are the list, and a page of it consists of the first rows of all of them.

use std::collections::BTreeSet;

use crate::query::driving_table::DrivingTable;
use model::filter::{Condition, EventText, PropertyCondition, SetCondition, TextCondition};
use model::page::{Order, OrderField};
use model::{Scope, ServiceSet, Status};

/// The most values that are walked one by one. With more, the walk is by time.
pub(crate) const PARTS_MAX: usize = 16;

/// A list taken apart.
pub(crate) struct MergeBranches {
    /// Conditions and scopes that together allow what those of the list allow.
    pub(crate) branches: Vec<(Condition, Scope)>,
    /// Whether an event can be in several of them.
    pub(crate) may_overlap: bool,
}

/// The parts of a list; none if one walk serves it, or no index does.
pub(crate) fn branches(condition: &Condition, scope: &Scope, order: Order) -> Option<MergeBranches> {
    if order.field == OrderField::Sequence || DrivingTable::of(condition, order) != DrivingTable::Event {
        return None;
    }
    let conjuncts = conjuncts(condition);
    let split: Vec<_> = conjuncts.iter().map(split_values).collect();
    if split.iter().flatten().any(|values| values.len() == 1) {
        return None;
    }
    if let Some(index) = fewest_values(&split) {
        let may_overlap = matches!(conjuncts[index], Condition::Target(_) | Condition::Any(_));
        let branches = replace_conjunct(conjuncts, index, split[index].as_deref().unwrap_or_default());
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

/// A list as one for each of some conditions, of which an event of the list meets at least one.
pub(crate) fn branches_for_keys(condition: &Condition, scope: &Scope, keys: &[Condition]) -> MergeBranches {
    let with = |one: &Condition| {
        let all = std::iter::once(one).chain(conjuncts(condition));
        (Condition::All(all.cloned().collect()), scope.clone())
    };
    MergeBranches { branches: keys.iter().map(with).collect(), may_overlap: true }
}

/// What has to hold, all of it.
pub(crate) fn conjuncts(condition: &Condition) -> &[Condition] {
    match condition {
        Condition::All(conditions) => conditions,
        one => std::slice::from_ref(one),
    }
}

/// Where the fewest values stand, if those are not too many.
fn fewest_values(split: &[Option<Vec<Condition>>]) -> Option<usize> {
    let count = |index: &usize| split[*index].as_ref().map_or(usize::MAX, Vec::len);
    (0..split.len()).min_by_key(count).filter(|index| count(index) <= PARTS_MAX)
}

/// The conjuncts with each of these in the place of one.
fn replace_conjunct(conjuncts: &[Condition], index: usize, values: &[Condition]) -> impl Iterator<Item = Condition> {
    values.iter().map(move |value| {
        let before = conjuncts[..index].iter();
        let all = before.chain(self::conjuncts(value)).chain(&conjuncts[index + 1..]);
        Condition::All(all.cloned().collect())
    })
}

/// An alternative, once for each value of one of its columns.
fn split_alternative(condition: &Condition) -> Option<Vec<Condition>> {
    let conjuncts = conjuncts(condition);
    let split: Vec<_> = conjuncts.iter().map(split_values).collect();
    let index = fewest_values(&split)?;
    Some(replace_conjunct(conjuncts, index, split[index].as_deref()?).collect())
}

/// A condition on a column that leads an index, once for each value that it allows; none for any other condition.
fn split_values(condition: &Condition) -> Option<Vec<Condition>> {
    use EventText::{Activity, Category, Correlation, Service};
    let values = match condition {
        Condition::Text(column @ (Service | Category | Activity | Correlation), text) => {
            per_value(text.one_of.as_ref()?, |value| Condition::Text(*column, with_single_value(text, value)))
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
            // Success is what nearly all have: the index leaves it out.
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

fn with_single_value(text: &TextCondition, value: BTreeSet<String>) -> TextCondition {
    TextCondition { one_of: Some(value), ..text.clone() }
}
