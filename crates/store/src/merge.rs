//! Lists filtered by a few values, as one index walk per value, merged in order.
//!
//! An index that leads with a column gives the rows of one value in the order of a page, but those of several values
//! only one value after the other. So a list that asks for 2 to 16 values of such a column is split into lists of one
//! value each; together they are the list, and a page of it consists of the first rows of all of them.

use std::collections::BTreeSet;

use super::select::Driver;
use model::filter::{Condition, EventString, PropertyCondition, SetCondition, StringCondition};
use model::page::{Order, OrderField};
use model::{Scope, ServiceSet, Status};

/// The most values that are walked one by one. With more, the walk is by time.
pub(super) const PARTS_MAX: usize = 16;

/// A list taken apart.
pub(super) struct Parts {
    /// Conditions and scopes that together allow what those of the list allow.
    pub(super) lists: Vec<(Condition, Scope)>,
    /// Whether an event can be in several of them.
    pub(super) overlap: bool,
}

/// The parts of a list; none if one walk serves it, or no index does.
pub(super) fn parts(condition: &Condition, scope: &Scope, order: Order) -> Option<Parts> {
    if order.field == OrderField::Sequence || Driver::of(condition, order) != Driver::Event {
        return None;
    }
    let conjuncts = conjuncts(condition);
    let expanded: Vec<_> = conjuncts.iter().map(values).collect();
    if expanded.iter().flatten().any(|values| values.len() == 1) {
        return None;
    }
    if let Some(place) = fewest(&expanded) {
        let overlap = matches!(conjuncts[place], Condition::Target(_) | Condition::Any(_));
        let lists = each_with(conjuncts, place, expanded[place].as_deref().unwrap_or_default());
        return Some(Parts { lists: lists.map(|condition| (condition, scope.clone())).collect(), overlap });
    }
    let ServiceSet::Only(services) = &scope.visible else { return None };
    if !(2..=PARTS_MAX).contains(&services.len()) {
        return None;
    }
    let with = |service: &String| {
        let visible = ServiceSet::Only(BTreeSet::from([service.clone()]));
        (condition.clone(), Scope { visible, ..scope.clone() })
    };
    Some(Parts { lists: services.iter().map(with).collect(), overlap: false })
}

/// A list as one for each of some conditions, of which an event of the list meets at least one.
pub(super) fn narrowed(condition: &Condition, scope: &Scope, narrow: &[Condition]) -> Parts {
    let with = |one: &Condition| {
        let all = std::iter::once(one).chain(conjuncts(condition));
        (Condition::All(all.cloned().collect()), scope.clone())
    };
    Parts { lists: narrow.iter().map(with).collect(), overlap: true }
}

/// What has to hold, all of it.
pub(super) fn conjuncts(condition: &Condition) -> &[Condition] {
    match condition {
        Condition::All(conditions) => conditions,
        one => std::slice::from_ref(one),
    }
}

/// Where the fewest values stand, if those are not too many.
fn fewest(expanded: &[Option<Vec<Condition>>]) -> Option<usize> {
    let count = |place: &usize| expanded[*place].as_ref().map_or(usize::MAX, Vec::len);
    (0..expanded.len()).min_by_key(count).filter(|place| count(place) <= PARTS_MAX)
}

/// The conjuncts with each of these in the place of one.
fn each_with(conjuncts: &[Condition], place: usize, values: &[Condition]) -> impl Iterator<Item = Condition> {
    values.iter().map(move |value| {
        let before = conjuncts[..place].iter();
        let all = before.chain(self::conjuncts(value)).chain(&conjuncts[place + 1..]);
        Condition::All(all.cloned().collect())
    })
}

/// An alternative, once for each value of one of its columns.
fn alternative(condition: &Condition) -> Option<Vec<Condition>> {
    let conjuncts = conjuncts(condition);
    let expanded: Vec<_> = conjuncts.iter().map(values).collect();
    let place = fewest(&expanded)?;
    Some(each_with(conjuncts, place, expanded[place].as_deref()?).collect())
}

/// A condition on a column that leads an index, once for each value that it allows; none for any other condition.
fn values(condition: &Condition) -> Option<Vec<Condition>> {
    use EventString::{Activity, Category, Correlation, Service};
    let values = match condition {
        Condition::String(column @ (Service | Category | Activity | Correlation), text) => {
            each(text.one_of.as_ref()?, |value| Condition::String(*column, single(text, value)))
        }
        Condition::Actor(actor) => match (&actor.keys, &actor.application_id) {
            (Some(keys), _) => each(keys, |value| {
                let mut actor = actor.clone();
                actor.keys = Some(value);
                Condition::Actor(actor)
            }),
            (None, Some(application)) => each(application.one_of.as_ref()?, |value| {
                let mut actor = actor.clone();
                actor.application_id = Some(single(application, value));
                Condition::Actor(actor)
            }),
            (None, None) => return None,
        },
        Condition::Target(target) => match (&target.keys, &target.modified_property) {
            (Some(keys), _) => each(keys, |value| {
                let mut target = target.clone();
                target.keys = Some(value);
                Condition::Target(target)
            }),
            (None, Some(property)) => {
                let name = property.name.as_ref()?;
                each(name.one_of.as_ref()?, |value| {
                    let name = Some(single(name, value));
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
            alternatives.iter().map(alternative).collect::<Option<Vec<_>>>()?.into_iter().flatten().collect()
        }
        _ => return None,
    };
    Some(values).filter(|values| !values.is_empty())
}

fn each(values: &BTreeSet<String>, one: impl Fn(BTreeSet<String>) -> Condition) -> Vec<Condition> {
    values.iter().map(|value| one(BTreeSet::from([value.clone()]))).collect()
}

fn single(text: &StringCondition, value: BTreeSet<String>) -> StringCondition {
    StringCondition { one_of: Some(value), ..text.clone() }
}
