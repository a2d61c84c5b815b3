//! SQL and `Condition::matches` select the same events, for every scope.

use std::collections::BTreeSet;

use model::filter::{Condition, TimeRange};
use model::page::{Order, OrderField, Page};
use model::sensitive::SensitiveNames;
use model::{Event, NewEvent, Scope, ServiceSet};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use store::{EventQuery, Reader, RecordOutcome};

use super::arbitrary::{bodies, condition, driven, for_all, period, recorded_at, scope};
use crate::harness::database::{NOW, TestLog, events};
use crate::harness::events::event;

/// Records random events in several batches, and returns them as read with full scope.
pub(super) async fn recorded(log: &TestLog, runner: &mut TestRunner, count: usize) -> Vec<Event> {
    let rules = SensitiveNames::default();
    let mut events = Vec::new();
    for (i, batch) in bodies(runner, "k", count).chunks(20).enumerate() {
        let new: Vec<NewEvent> = batch.iter().map(|body| NewEvent::parse(body.clone(), NOW, &rules).unwrap()).collect();
        let outcomes = log.writer().record(&new, recorded_at(i)).await.unwrap();
        for (event, outcome) in new.iter().zip(outcomes) {
            let RecordOutcome::Recorded(sequence) = outcome else { panic!("{outcome:?}") };
            let body = event.body().clone();
            events.push(Event { sequence, recorded_at: recorded_at(i), body, raw: None, is_redacted: false });
        }
    }
    events
}

/// The sequences of a list, over all its pages.
async fn listed(reader: &Reader, list: &EventQuery, order: Order, limit: u32) -> Vec<i64> {
    let mut page = Page { limit, from_end: false, after: None, before: None, order, window: None };
    let mut found = Vec::new();
    loop {
        let slice = events(reader, list, &page).await.unwrap();
        found.extend(slice.rows.iter().map(|(_, event)| event.sequence));
        match slice.rows.last() {
            Some((cursor, _)) if slice.has_next => page.after = Some(*cursor),
            _ => return found,
        }
    }
}

fn orders() -> impl Strategy<Value = Order> {
    (any::<bool>(), any::<bool>()).prop_map(|(by_time, descending)| Order {
        field: if by_time { OrderField::OccurredAt } else { OrderField::Sequence },
        descending,
    })
}

/// The events of a scope that `Condition::matches` accepts.
pub(super) fn matching(events: &[Event], scope: &Scope, list: &EventQuery) -> Vec<Event> {
    events
        .iter()
        .filter(|event| list.period.contains(event.body.occurred_at))
        .filter(|event| list.as_of.is_none_or(|as_of| event.sequence <= as_of))
        .filter_map(|event| event.clone().redacted_for(scope).filter(|event| list.condition.matches(event)))
        .collect()
}

/// The sequences of the events that `Condition::matches` accepts.
fn matching_sequences(events: &[Event], scope: &Scope, list: &EventQuery, order: Order) -> Vec<i64> {
    let mut found = matching(events, scope, list);
    found.sort_by_key(|event| match order.field {
        OrderField::OccurredAt => (event.body.occurred_at.0, event.sequence),
        OrderField::Sequence => (event.sequence, 0),
    });
    if order.descending {
        found.reverse();
    }
    found.iter().map(|event| event.sequence).collect()
}

async fn both_faces_agree(condition: impl Strategy<Value = Condition>, logs: usize, cases: usize) {
    let mut runner = TestRunner::default();
    let as_of = prop::option::of(0_i64..=60);
    let strategy = (condition, scope(), period(), orders(), 8_u32..40, as_of);
    for _ in 0..logs {
        let log = TestLog::new().await;
        let events = recorded(&log, &mut runner, 60).await;
        for_all(&mut runner, cases, &strategy, async |(condition, scope, period, order, limit, as_of)| {
            let list = EventQuery { condition, period, as_of };
            let expected = matching_sequences(&events, &scope, &list, order);
            let reader = log.reader_for(scope);
            let found = listed(&reader, &list, order, limit).await;
            if found != expected {
                let differing: BTreeSet<i64> = found
                    .iter()
                    .chain(&expected)
                    .filter(|s| found.contains(s) != expected.contains(s))
                    .copied()
                    .collect();
                let differing: Vec<&Event> = events.iter().filter(|e| differing.contains(&e.sequence)).collect();
                return Err(format!("SQL: {found:?}\nRust: {expected:?}\ndiffering: {differing:#?}"));
            }
            let count = i64::try_from(expected.len()).unwrap();
            let (counted, bounded) = (reader.count(&list).await.unwrap(), reader.count_up_to(&list, 5).await.unwrap());
            if counted != count || bounded != (count.min(5), count <= 5) {
                return Err(format!("counted {counted} and {bounded:?}, there are {count}"));
            }
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn sql_selects_matching_events() {
    both_faces_agree(condition(), 3, 250).await;
}

#[tokio::test]
async fn sql_selects_matching_events_with_a_driving_side_table() {
    both_faces_agree(driven(), 2, 200).await;
}

#[tokio::test]
async fn scope_of_services_without_events_shows_nothing() {
    let log = TestLog::new().await;
    log.record([event("a"), event("b")]).await;
    let everything = EventQuery { condition: Condition::everything(), period: TimeRange::default(), as_of: None };
    for (services, shown) in [
        (vec!["Payroll"], 0),
        (vec!["Payroll", "Ticketing"], 0),
        (vec!["Payroll", "CORE Directory"], 2),
        (Vec::new(), 0),
    ] {
        let visible = ServiceSet::of(services.iter().copied());
        let reader = log.reader_for(Scope { visible, sensitive: ServiceSet::none() });
        for order in [Order::NEWEST, Order { field: OrderField::Sequence, descending: false }] {
            assert_eq!(listed(&reader, &everything, order, 8).await.len(), shown, "{services:?}");
        }
        assert_eq!(reader.count(&everything).await.unwrap(), i64::try_from(shown).unwrap(), "{services:?}");
        assert_eq!(reader.actors("ada", 5).await.unwrap().len(), shown.min(1), "{services:?}");
    }
}
