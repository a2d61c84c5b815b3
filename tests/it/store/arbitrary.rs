//! Random events, conditions and scopes over small alphabets, so that they match; and the loop that runs them.

use std::collections::BTreeSet;

use model::filter::{
    ActorCondition, BodyCondition, Condition, DetailCondition, EventString, PropertyCondition, SequenceRange,
    SetCondition, StringCondition, TargetCondition, TimeRange,
};
use model::fold::{fold, fold_activity};
use model::{
    Actor, ActorApplication, ActorKind, Detail, EventBody, GroupSource, ModifiedProperty, OperationType,
    PropertyChange, Recording, RecordingRoute, ResourceType, Scope, ServiceSet, Status, Target, Timestamp,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::harness::database::NOW;
use crate::harness::events::{event, json};

pub(super) const SERVICES: [&str; 3] = ["Alpha", "Beta Service", "Gamma"];
const ACTIVITIES: [&str; 4] = ["Add user", "add user.", "Update a%b_c\\", "Löschen"];
const TEXTS: [&str; 16] = [
    "a",
    "A",
    "ab",
    "a%b",
    "a_b",
    "axb",
    "a\\b",
    "%",
    "É",
    "Straße",
    "strasse",
    "a\u{10ffff}",
    "a\0b",
    "x\u{fffe}",
    "\u{ffff}y",
    " ",
];
const IDS: [&str; 4] = ["1", "2", "EF7E527D-6C92-4234-8C6D-CF6FDFB57F95", "a\u{2013}1"];
const NAMES: [&str; 4] = ["DisplayName", "displayname", "Password", "ä%"];
const VALUES: [&str; 6] = ["1", "1.0", "\"a\"", "null", "{\"a\":[1,2]}", "{\"secret\":1}"];

fn text() -> impl Strategy<Value = Option<String>> {
    prop::option::weighted(0.7, select(&TEXTS[..]).prop_map(str::to_owned))
}

fn id() -> impl Strategy<Value = Option<String>> {
    prop::option::of(select(&IDS[..]).prop_map(str::to_owned))
}

fn actor() -> BoxedStrategy<Actor> {
    let application =
        (id(), text()).prop_map(|(application_id, name)| ActorApplication { application_id, display_name: name });
    let names = (text(), text(), text(), text());
    (select(ActorKind::ALL), id(), names, prop::option::of(application))
        .prop_map(
            |(
                kind,
                object_id,
                (user_principal_name, display_name, service_principal_name, ip_address),
                application,
            )| {
                Actor {
                    object_id,
                    user_principal_name,
                    display_name,
                    service_principal_name,
                    ip_address,
                    application,
                    ..Actor::new(kind)
                }
            },
        )
        .boxed()
}

fn change() -> BoxedStrategy<ModifiedProperty> {
    let value = || prop::option::of(select(&VALUES[..]).prop_map(json));
    (select(&NAMES[..]), value(), value(), prop::bool::weighted(0.2))
        .prop_map(|(name, from, to, is_sensitive)| ModifiedProperty {
            is_sensitive,
            ..ModifiedProperty::new(name, from, to)
        })
        .boxed()
}

fn target() -> BoxedStrategy<Target> {
    (id(), text(), text(), text(), vec(change(), 0..3))
        .prop_map(|(object_id, user_principal_name, display_name, kind, modified_properties)| Target {
            object_id,
            user_principal_name,
            display_name,
            kind,
            modified_properties,
        })
        .boxed()
}

/// The parts of an event that are in no column, and its recorder.
#[expect(clippy::type_complexity, reason = "it is used once")]
fn unindexed()
-> BoxedStrategy<(Option<String>, bool, Vec<Detail>, (RecordingRoute, String, Option<String>, Option<String>))> {
    let value = prop::option::of(select(&VALUES[..]).prop_map(json));
    let detail = (select(&NAMES[..]), value, prop::bool::weighted(0.2))
        .prop_map(|(key, value, is_sensitive)| Detail { is_sensitive, ..Detail::json(key, value) });
    let recorder = (select(RecordingRoute::ALL), select(&TEXTS[..12]).prop_map(str::to_owned), text(), text());
    (text(), prop::bool::weighted(0.2), vec(detail, 0..3), recorder).boxed()
}

/// A random event with a key; many have the same time.
pub(super) fn body(key: &str) -> BoxedStrategy<EventBody> {
    let plain = event(key);
    let what =
        (select(&SERVICES[..]), select(&["One", "one", "Two"][..]), select(&ACTIVITIES[..]), select(&TEXTS[..15]));
    let kinds = (select(ResourceType::ALL), select(OperationType::ALL), select(Status::ALL));
    let rest = (prop::option::of(select(GroupSource::ALL)), text(), id(), -5_i64..5);
    (what, kinds, rest, actor(), vec(target(), 0..4), unindexed())
        .prop_map(move |(what, kinds, rest, actor, targets, unindexed)| {
            let (group_source, component, correlation_id, ago) = rest;
            let (status_reason, status_reason_is_sensitive, additional_details, recording) = unindexed;
            EventBody {
                service: what.0.to_owned(),
                category: what.1.to_owned(),
                activity: what.2.to_owned(),
                activity_display_name: what.3.to_owned(),
                resource_type: kinds.0,
                operation_type: kinds.1,
                status: kinds.2,
                group_source: group_source.filter(|_| kinds.0 == ResourceType::Group),
                component,
                correlation_id,
                occurred_at: NOW.plus(ago),
                actor,
                targets,
                status_reason,
                status_reason_is_sensitive,
                additional_details,
                recording: Recording {
                    route: recording.0,
                    recorded_by: recording.1,
                    client_id: recording.2,
                    source: recording.3,
                    ..plain.recording.clone()
                },
                ..plain.clone()
            }
        })
        .boxed()
}

/// Random events with keys that start with `prefix`.
pub(crate) fn bodies(runner: &mut TestRunner, prefix: &str, count: usize) -> Vec<EventBody> {
    let one = |i| body(&format!("{prefix}{i}")).new_tree(runner).unwrap().current();
    (0..count).map(one).collect()
}

/// A non-empty case-folded string, often a part of a string of the events.
fn needle() -> BoxedStrategy<String> {
    let pools = [&TEXTS[..], &IDS, &NAMES, &SERVICES, &["One", "Two"], &["k1", "k2", "K"]].concat();
    let activity = select(&ACTIVITIES[..]).prop_map(fold_activity);
    let whole = prop_oneof![4 => select(pools).prop_map(fold), 1 => activity];
    let odd = select(&["%", "_", "\\", "\\%", "a%", "\u{10ffff}", "\u{fffd}", "\u{fffe}", "\u{ffff}", "ss"][..]);
    let part = (whole.clone(), any::<(prop::sample::Index, prop::sample::Index)>()).prop_map(|(text, (a, b))| {
        let chars: Vec<char> = text.chars().collect();
        let (a, b) = (a.index(chars.len() + 1), b.index(chars.len() + 1));
        fold(&chars[a.min(b)..a.max(b)].iter().collect::<String>())
    });
    prop_oneof![4 => whole, 2 => part, 1 => odd.prop_map(fold)]
        .prop_filter("needles are not empty", |n| !n.is_empty())
        .boxed()
}

fn needles() -> impl Strategy<Value = BTreeSet<String>> {
    prop::collection::btree_set(needle(), 0..4)
}

fn text_condition() -> BoxedStrategy<StringCondition> {
    let part = |weight| prop::option::weighted(weight, needle());
    let one_of = prop::option::weighted(0.4, needles());
    let none_of = prop_oneof![3 => Just(BTreeSet::new()), 1 => needles()];
    (one_of, none_of, part(0.2), part(0.3), prop::option::weighted(0.2, any::<bool>()))
        .prop_map(|(one_of, none_of, starts_with, contains, is_set)| StringCondition {
            one_of,
            none_of,
            starts_with,
            contains,
            is_set,
        })
        .boxed()
}

fn set<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = SetCondition<T>> {
    (prop::option::of(vec(select(all), 0..3)), vec(select(all), 0..2))
        .prop_map(|(one_of, none_of)| SetCondition { one_of, none_of })
}

fn keys(key: impl Strategy<Value = String>) -> impl Strategy<Value = Option<BTreeSet<String>>> {
    prop::option::weighted(0.3, prop::collection::btree_set(key, 0..4))
}

fn excluded_keys(key: impl Strategy<Value = String>) -> impl Strategy<Value = BTreeSet<String>> {
    keys(key).prop_map(Option::unwrap_or_default)
}

fn maybe_text() -> BoxedStrategy<Option<StringCondition>> {
    prop::option::weighted(0.2, text_condition()).boxed()
}

fn actor_condition() -> BoxedStrategy<ActorCondition> {
    let kind = prop::option::weighted(0.2, set(ActorKind::ALL));
    let names = (maybe_text(), maybe_text(), maybe_text());
    let others = (maybe_text(), maybe_text(), maybe_text());
    let keys = (keys(actor().prop_map(|actor| actor.key())), excluded_keys(actor().prop_map(|actor| actor.key())));
    (keys, prop::option::weighted(0.2, needle()), kind, names, others)
        .prop_map(|((keys, excluded_keys), search, kind, (user_principal_name, display_name, object_id), others)| {
            ActorCondition {
                keys,
                search,
                kind,
                excluded_keys,
                user_principal_name,
                display_name,
                object_id,
                ip_address: others.0,
                application_id: others.1,
                application_name: others.2,
            }
        })
        .boxed()
}

fn property_condition() -> BoxedStrategy<PropertyCondition> {
    let name = select(&NAMES[..])
        .prop_map(|name| StringCondition { one_of: Some(BTreeSet::from([fold(name)])), ..StringCondition::default() });
    let value = || prop::option::weighted(0.3, select(&VALUES[..]).prop_map(|value| json(value).equality_hash()));
    let name = prop_oneof![1 => Just(None), 2 => name.prop_map(Some), 1 => text_condition().prop_map(Some)];
    let change = prop::option::weighted(0.3, set(PropertyChange::ALL));
    let rare = || (prop::option::weighted(0.1, any::<bool>()), prop::option::weighted(0.1, needle()));
    (name, value(), value(), change, (rare(), rare()))
        .prop_map(|(name, from, to, change, ((from_is_null, from_contains), (to_is_null, to_contains)))| {
            PropertyCondition { name, from, to, change, from_is_null, to_is_null, from_contains, to_contains }
        })
        .boxed()
}

fn target_condition() -> BoxedStrategy<TargetCondition> {
    let texts = (maybe_text(), maybe_text(), maybe_text(), maybe_text());
    let property = prop::option::weighted(0.4, property_condition());
    let keys =
        (keys(target().prop_map(|target| target.key())), excluded_keys(target().prop_map(|target| target.key())));
    (keys, prop::option::weighted(0.2, needle()), texts, property)
        .prop_map(|((keys, excluded_keys), search, (object_id, user_principal_name, kind, display_name), property)| {
            TargetCondition {
                keys,
                excluded_keys,
                search,
                object_id,
                user_principal_name,
                kind,
                display_name,
                modified_property: property,
            }
        })
        .boxed()
}

fn moments() -> impl Strategy<Value = TimeRange> {
    let timestamp = || prop::option::of((-4_i64..4).prop_map(|ago| NOW.plus(ago)));
    (timestamp(), timestamp()).prop_map(|(from, to)| TimeRange { from, to })
}

/// A random time range, mostly unbounded.
pub(super) fn period() -> impl Strategy<Value = TimeRange> {
    prop_oneof![2 => Just(TimeRange::default()), 1 => moments()]
}

fn body_condition() -> BoxedStrategy<BodyCondition> {
    let detail = (maybe_text(), maybe_text()).prop_map(|(key, value)| DetailCondition { key, value });
    prop_oneof![
        text_condition().prop_map(BodyCondition::StatusReason),
        text_condition().prop_map(BodyCondition::ClientId),
        text_condition().prop_map(BodyCondition::Source),
        detail.prop_map(BodyCondition::Detail),
        any::<bool>().prop_map(BodyCondition::IsRedacted),
    ]
    .boxed()
}

fn sequences() -> impl Strategy<Value = SequenceRange> {
    (prop::option::of(0_i64..60), prop::option::of(0_i64..60)).prop_map(|(from, to)| SequenceRange { from, to })
}

fn leaf() -> BoxedStrategy<Condition> {
    use EventString::{Activity, Category, Component, Correlation, EventKey, RecordedBy, Service};
    let column = select(vec![Service, Category, Activity, Component, Correlation, EventKey, RecordedBy]);
    prop_oneof![
        3 => (column, text_condition()).prop_map(|(column, text)| Condition::String(column, text)),
        1 => set(ResourceType::ALL).prop_map(Condition::ResourceType),
        1 => set(OperationType::ALL).prop_map(Condition::OperationType),
        1 => set(Status::ALL).prop_map(Condition::Status),
        1 => set(GroupSource::ALL).prop_map(Condition::GroupSource),
        3 => actor_condition().prop_map(|actor| Condition::Actor(Box::new(actor))),
        4 => target_condition().prop_map(|target| Condition::Target(Box::new(target))),
        2 => text_condition().prop_map(Condition::Involving),
        1 => moments().prop_map(Condition::RecordedAt),
        2 => vec(needle(), 0..3).prop_map(Condition::Search),
        1 => set(RecordingRoute::ALL).prop_map(Condition::Route),
        1 => sequences().prop_map(Condition::Sequence),
        2 => body_condition().prop_map(Condition::Body),
    ]
    .boxed()
}

/// A condition of up to four levels.
pub(super) fn condition() -> BoxedStrategy<Condition> {
    leaf()
        .prop_recursive(4, 12, 3, |inner| {
            prop_oneof![
                2 => vec(inner.clone(), 0..4).prop_map(Condition::All),
                1 => vec(inner.clone(), 0..4).prop_map(Condition::Any),
                1 => inner.prop_map(|condition| Condition::Not(Box::new(condition))),
            ]
        })
        .boxed()
}

/// A condition whose driving table is a side table: one target or one property, and sometimes more.
pub(super) fn driven() -> BoxedStrategy<Condition> {
    let one_key = (target(), target_condition())
        .prop_map(|(target, rest)| TargetCondition { keys: Some(BTreeSet::from([target.key()])), ..rest });
    let plain_key = target().prop_map(|target| TargetCondition {
        keys: Some(BTreeSet::from([target.key()])),
        ..TargetCondition::default()
    });
    let one_name = (select(&NAMES[..]), property_condition()).prop_map(|(name, rest)| {
        let name = StringCondition { one_of: Some(BTreeSet::from([fold(name)])), ..StringCondition::default() };
        let property = PropertyCondition { name: Some(name), ..rest };
        TargetCondition { modified_property: Some(property), ..TargetCondition::default() }
    });
    let driver = prop_oneof![one_key, plain_key, one_name].prop_map(|target| Condition::Target(Box::new(target)));
    (driver, vec(condition(), 0..2))
        .prop_map(|(driver, mut rest)| {
            if rest.is_empty() {
                return driver;
            }
            rest.push(driver);
            Condition::All(rest)
        })
        .boxed()
}

fn services() -> impl Strategy<Value = ServiceSet> {
    prop_oneof![
        2 => Just(ServiceSet::All),
        4 => prop::sample::subsequence(SERVICES.to_vec(), 0..=3).prop_map(ServiceSet::of),
    ]
}

/// A random scope.
pub(super) fn scope() -> impl Strategy<Value = Scope> {
    (services(), services()).prop_map(|(visible, sensitive)| {
        let sensitive = match (&visible, sensitive) {
            (ServiceSet::All, sensitive) => sensitive,
            (visible, ServiceSet::All) => visible.clone(),
            (ServiceSet::Only(visible), ServiceSet::Only(sensitive)) => {
                ServiceSet::Only(visible.intersection(&sensitive).cloned().collect())
            }
        };
        Scope { visible, sensitive }
    })
}

/// Runs a check with `cases` random values, and fails with the smallest failing value.
pub(crate) async fn for_all<S: Strategy>(
    runner: &mut TestRunner,
    cases: usize,
    strategy: &S,
    check: impl AsyncFn(S::Value) -> Result<(), String>,
) {
    for _ in 0..cases {
        let mut tree = strategy.new_tree(runner).unwrap();
        let Err(reason) = Box::pin(check(tree.current())).await else { continue };
        let mut smallest = (tree.current(), reason);
        let mut more = tree.simplify();
        while more {
            more = match Box::pin(check(tree.current())).await {
                Ok(()) => tree.complicate(),
                Err(reason) => {
                    smallest = (tree.current(), reason);
                    tree.simplify()
                }
            };
        }
        panic!("{}\nwith {:#?}", smallest.1, smallest.0);
    }
}

/// The recording time of the n-th batch.
pub(super) fn recorded_at(batch: usize) -> Timestamp {
    NOW.plus(i64::try_from(batch).unwrap())
}
