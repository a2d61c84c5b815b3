//! Counts by value and by time equal a recount of the matching events, for any filter, scope, period and sequence.

use std::collections::BTreeMap;

use model::filter::Condition;
use model::{Event, FacetField, FacetValue, Status, Timestamp};
use proptest::collection::btree_set;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use store::{EventQuery, Facet, IntervalCounts};

use super::arbitrary::{condition, driven, for_all, period, scope};
use super::filters::{matching, recorded};
use crate::harness::database::{NOW, TestLog};

/// The facet, counted event by event.
pub(super) fn recount(events: &[Event], field: FacetField, top: usize) -> Facet {
    let mut counted: BTreeMap<String, (i64, FacetValue)> = BTreeMap::new();
    for event in events {
        for (key, value) in field.values(event) {
            let count = counted.get(&key).map_or(0, |(count, _)| *count);
            // Events come in the order of recording: the last one spells the value.
            counted.insert(key, (count + 1, value));
        }
    }
    let mut sorted: Vec<_> = counted.into_iter().collect();
    sorted.sort_by(|(a, (m, _)), (b, (n, _))| n.cmp(m).then(a.cmp(b)));
    sorted.truncate(top);
    let is_shown = |key: &String| sorted.iter().any(|(shown, _)| shown == key);
    let count = |test: &dyn Fn(&BTreeMap<String, FacetValue>) -> bool| {
        i64::try_from(events.iter().filter(|event| test(&field.values(event))).count()).unwrap()
    };
    Facet {
        other: count(&|values| values.keys().any(|key| !is_shown(key))),
        none: count(&|values| values.is_empty()),
        buckets: sorted.into_iter().map(|(_, (count, value))| (value, count)).collect(),
    }
}

/// Counts events by their statuses.
pub(super) fn interval_counts(statuses: &(impl Iterator<Item = Status> + Clone)) -> IntervalCounts {
    let count =
        |kinds: &[Status]| i64::try_from(statuses.clone().filter(|status| kinds.contains(status)).count()).unwrap();
    IntervalCounts {
        events: count(Status::ALL),
        failures: count(&[Status::Failure, Status::Timeout]),
        unknown: count(&[Status::Unknown]),
    }
}

async fn counts_equal_a_recount(condition: impl Strategy<Value = Condition>, cases: usize) {
    let mut runner = TestRunner::default();
    let edges = btree_set(-4_i64..5, 0..5);
    let what = (select(FacetField::ALL), 1_u32..6, edges);
    let strategy = (condition, scope(), period(), prop::option::of(0_i64..=60), what);
    for _ in 0..2 {
        let log = TestLog::new().await;
        let events = recorded(&log, &mut runner, 60).await;
        for_all(&mut runner, cases, &strategy, async |(condition, scope, period, as_of, (field, top, edges))| {
            let list = EventQuery { condition, period, as_of };
            let expected = matching(&events, &scope, &list);
            let reader = log.reader_for(scope);
            let (found, meant) =
                (reader.facet(&list, field, top, true).await.unwrap(), recount(&expected, field, top as usize));
            if found != meant {
                return Err(format!("counted by {field:?} {found:?}\ninstead of {meant:?}"));
            }
            let edges: Vec<Timestamp> =
                [-10].into_iter().chain(edges).chain([10]).map(|micros| NOW.plus(micros)).collect();
            let bar = |edges: &[Timestamp]| {
                let within = expected.iter().filter(|event| (edges[0]..edges[1]).contains(&event.body.occurred_at));
                interval_counts(&within.map(|event| event.body.status))
            };
            let (found, meant) =
                (reader.histogram(&list, &edges).await.unwrap(), edges.windows(2).map(bar).collect::<Vec<_>>());
            if found != meant {
                return Err(format!("bars {found:?} instead of {meant:?}"));
            }
            let moments: Vec<Timestamp> = expected.iter().map(|event| event.body.occurred_at).collect();
            let meant = moments.iter().min().copied().zip(moments.iter().max().copied());
            let found = reader.span(&list).await.unwrap();
            if found == meant { Ok(()) } else { Err(format!("spans {found:?} instead of {meant:?}")) }
        })
        .await;
    }
}

#[tokio::test]
async fn counts_equal_a_recount_of_matching_events() {
    counts_equal_a_recount(condition(), 250).await;
}

#[tokio::test]
async fn counts_equal_a_recount_with_a_driving_side_table() {
    counts_equal_a_recount(driven(), 150).await;
}
