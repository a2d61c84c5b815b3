//! Pages are exact and stable in every direction, also during recording: compared with a sorted list.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use model::filter::{Condition, EventText, TextCondition, TimeRange};
use model::page::{Cursor, Order, OrderField, Page, Position};
use model::{Event, EventBody};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use store::EventQuery;

use super::arbitrary::for_all;
use crate::harness::database::{NOW, TestLog, events};
use crate::harness::events::{EventExt as _, event};

const ORDERS: [Order; 4] = [
    Order::NEWEST,
    Order { field: OrderField::OccurredAt, descending: false },
    Order { field: OrderField::Sequence, descending: true },
    Order { field: OrderField::Sequence, descending: false },
];

/// A random step.
#[derive(Clone, Debug)]
enum Step {
    /// Events are recorded: at one of a few times, and inside or outside the filtered list.
    Arrive(Vec<(i64, bool)>),
    /// A page is read: its size, from which end, between earlier cursors, of all events or of the filtered list.
    Read { limit: u32, from_end: bool, after: Option<Index>, before: Option<Index>, filtered: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let read = (1_u32..6, any::<bool>(), any::<Option<Index>>(), any::<Option<Index>>(), any::<bool>());
    prop_oneof![
        1 => vec((-2_i64..3, any::<bool>()), 0..4).prop_map(Step::Arrive),
        3 => read.prop_map(|(limit, from_end, after, before, filtered)| Step::Read {
            limit, from_end, after, before, filtered
        }),
    ]
}

fn arriving(count: usize, (at, filtered): (i64, bool)) -> EventBody {
    let category = if filtered { "Filtered" } else { "Other" };
    event(&format!("k{count}")).at(NOW.plus(at)).service("Core Directory", category)
}

fn list(filtered: bool) -> EventQuery {
    let one_of = Some(BTreeSet::from(["filtered".to_owned()]));
    let only = Condition::Text(EventText::Category, TextCondition { one_of, ..TextCondition::default() });
    let condition = if filtered { only } else { Condition::everything() };
    EventQuery { condition, period: TimeRange::default(), as_of: None }
}

/// All events of the log, and whether each is in the filtered list; sorted on demand.
#[derive(Default)]
struct Model(Vec<(Position, bool)>);

impl Model {
    /// The rows of a page and its two flags, as `Step::Read` asks.
    fn page(&self, page: &Page, filtered: bool) -> (Vec<i64>, bool, bool) {
        let rank = |position: Position| {
            let key = match page.order.field {
                OrderField::OccurredAt => (position.occurred_at.0, position.sequence),
                OrderField::Sequence => (position.sequence, 0),
            };
            if page.order.descending { (-key.0, -key.1) } else { key }
        };
        let mut list: Vec<Position> = self.0.iter().filter(|(_, of)| *of || !filtered).map(|(at, _)| *at).collect();
        list.sort_by_key(|position| rank(*position));
        let start = page.after.map_or(0, |after| list.partition_point(|at| rank(*at) <= rank(after.position)));
        let end = page.before.map_or(list.len(), |end| list.partition_point(|at| rank(*at) < rank(end.position)));
        let window = if start < end { &list[start..end] } else { &[] };
        let limit = page.limit as usize;
        let more = window.len() > limit;
        let rows = match page.from_end {
            true if more => &window[window.len() - limit..],
            false if more => &window[..limit],
            _ => window,
        };
        let has_next = end < list.len() || more && !page.from_end;
        let has_previous = start > 0 || more && page.from_end;
        (rows.iter().map(|at| at.sequence).collect(), has_next, has_previous)
    }
}

async fn walk(order: Order, steps: Vec<Step>) -> Result<(), String> {
    let log = TestLog::new().await;
    let (mut model, mut cursors) = (Model::default(), Vec::<Cursor>::new());
    for (i, step) in steps.into_iter().enumerate() {
        match step {
            Step::Arrive(events) => {
                let held = model.0.len();
                let bodies: Vec<EventBody> = (held..).zip(&events).map(|(n, what)| arriving(n, *what)).collect();
                log.record(bodies).await;
                model.0.extend((held..).zip(events).map(|(n, (at, filtered))| {
                    let sequence = i64::try_from(n + 1).unwrap();
                    (Position { occurred_at: NOW.plus(at), sequence }, filtered)
                }));
            }
            Step::Read { limit, from_end, after, before, filtered } => {
                let at = |index: Option<Index>| index.filter(|_| !cursors.is_empty()).map(|index| *index.get(&cursors));
                let page = Page { limit, from_end, after: at(after), before: at(before), order, window: None };
                let slice = events(&log.reader(), &list(filtered), &page).await.unwrap();
                let found: Vec<i64> = slice.rows.iter().map(|(_, event)| event.sequence).collect();
                let expected = model.page(&page, filtered);
                let found = (found, slice.has_next, slice.has_previous);
                if found != expected {
                    return Err(format!("step {i}: {found:?} instead of {expected:?} for {page:?}"));
                }
                cursors.extend(slice.rows.into_iter().map(|(cursor, _)| cursor));
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn page_equals_a_slice_of_the_sorted_list() {
    let mut runner = TestRunner::default();
    for order in ORDERS {
        for_all(&mut runner, 6, &vec(step(), 20..80), async |steps| walk(order, steps).await).await;
    }
}

/// Reads a list from one end to the other during recording, and counts how often each event was returned.
async fn occurrences(
    log: &TestLog,
    mut page: Page,
    arrivals: &[Vec<(i64, bool)>],
    count: &Mutex<usize>,
) -> BTreeMap<i64, u32> {
    let mut occurrences = BTreeMap::new();
    let mut arrivals = arrivals.iter();
    loop {
        let slice = events(&log.reader(), &list(true), &page).await.unwrap();
        for (_, Event { sequence, .. }) in &slice.rows {
            *occurrences.entry(*sequence).or_default() += 1;
        }
        let (end, more) =
            if page.from_end { (slice.rows.first(), slice.has_previous) } else { (slice.rows.last(), slice.has_next) };
        let Some((cursor, _)) = end.filter(|_| more) else { return occurrences };
        *(if page.from_end { &mut page.before } else { &mut page.after }) = Some(*cursor);
        if let Some(events) = arrivals.next() {
            let held = *count.lock().unwrap();
            *count.lock().unwrap() += events.len();
            log.record((held..).zip(events).map(|(n, what)| arriving(n, *what))).await;
        }
    }
}

#[tokio::test]
async fn paging_returns_everything_once_during_recording() {
    let mut runner = TestRunner::default();
    let events = || vec((-3_i64..4, prop::bool::weighted(0.8)), 0..5);
    let strategy = (vec((-3_i64..4, prop::bool::weighted(0.8)), 0..40), vec(events(), 0..12), 1_u32..6);
    for order in ORDERS {
        for from_end in [false, true] {
            for_all(&mut runner, 2, &strategy, async |(first, arrivals, limit)| {
                let log = TestLog::new().await;
                log.record((0..).zip(&first).map(|(n, what)| arriving(n, *what))).await;
                let there: BTreeSet<i64> =
                    (1..).zip(&first).filter(|(_, (_, filtered))| *filtered).map(|(n, _)| n).collect();
                let page = Page { limit, from_end, after: None, before: None, order, window: None };
                let occurrences = occurrences(&log, page, &arrivals, &Mutex::new(first.len())).await;
                let missed: Vec<&i64> = there.iter().filter(|sequence| !occurrences.contains_key(sequence)).collect();
                let again: Vec<_> = occurrences.iter().filter(|(_, times)| **times > 1).collect();
                let clean = missed.is_empty() && again.is_empty();
                clean.then_some(()).ok_or_else(|| format!("missed {missed:?}, again {again:?} in {order:?}"))
            })
            .await;
        }
    }
}
