//! Rollups: counts that use them equal a recount, for any period, sequence and filter, whichever process wrote the
//! blocks, and after interruptions.

use model::filter::{ActorCondition, Condition, EventString, SetCondition, StringCondition, TimeRange};
use model::sensitive::SensitiveNames;
use model::{Event, EventBody, FacetField, NewEvent, Status, Timestamp};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use store::{EventQuery, IntervalCounts, RecordOutcome, Store};

use super::arbitrary::{bodies, condition, for_all, scope};
use super::filters::matching;
use super::summary::{interval_counts, recount};
use crate::harness::database::{NOW, Statements, TestLog, numbers};
use crate::harness::events::{DAY, EventExt as _, HOUR, event};

/// Number of events per block.
const BLOCK: u32 = 7;

/// A random time within four days around now, on or off the bounds of quarter hours and days.
fn timestamp() -> BoxedStrategy<Timestamp> {
    let start = NOW.0 - NOW.0.rem_euclid(DAY) - 3 * DAY;
    let quarter = (0_i64..400).prop_map(move |quarters| start + quarters * HOUR / 4);
    let off = (quarter.clone(), -2_i64..3).prop_map(|(at, micros)| at + micros);
    let day = (0_i64..5).prop_map(move |days| start + days * DAY);
    prop_oneof![quarter, off, day].prop_map(Timestamp).boxed()
}

fn period() -> impl Strategy<Value = TimeRange> {
    let end = || prop::option::weighted(0.7, timestamp());
    (end(), end()).prop_map(|(from, to)| TimeRange { from, to })
}

/// A random condition, mostly on columns of rollups.
fn rolled() -> BoxedStrategy<Condition> {
    let text = select(vec!["one", "two", "add user", "alpha", "gamma"]);
    let column = select(vec![EventString::Service, EventString::Category, EventString::Activity]);
    let texts = (column, text).prop_map(|(column, text)| {
        let one_of = Some([text.to_owned()].into());
        Condition::String(column, StringCondition { one_of, ..StringCondition::default() })
    });
    let status = vec(select(Status::ALL), 0..3)
        .prop_map(|set| Condition::Status(SetCondition { one_of: Some(set), none_of: Vec::new() }));
    let actor =
        btree_set(select(vec!["user:name:", "system:id:1", "user:id:2", "unknown:name:"]), 0..3).prop_map(|keys| {
            let keys = Some(keys.into_iter().map(str::to_owned).collect());
            Condition::Actor(Box::new(ActorCondition { keys, ..ActorCondition::default() }))
        });
    let leaf = prop_oneof![2 => Just(Condition::everything()), 3 => texts, 1 => status, 1 => actor, 1 => condition()];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Condition::All),
            vec(inner.clone(), 0..3).prop_map(Condition::Any),
            inner.prop_map(|condition| Condition::Not(Box::new(condition))),
        ]
    })
    .boxed()
}

/// Records random events of these four days.
async fn more(log: &TestLog, runner: &mut TestRunner, key: &str, events: &mut Vec<Event>) {
    let rules = SensitiveNames::default();
    let at = |body: EventBody, runner: &mut TestRunner| {
        let timestamp = timestamp().new_tree(runner).unwrap().current();
        NewEvent::parse(body.at(timestamp), NOW.plus(5 * DAY), &rules).unwrap()
    };
    let new: Vec<NewEvent> = bodies(runner, key, 11).into_iter().map(|body| at(body, runner)).collect();
    for (event, outcome) in new.iter().zip(log.writer().record(&new, NOW).await.unwrap()) {
        let RecordOutcome::Recorded(sequence) = outcome else { panic!("{outcome:?}") };
        let body = event.body().clone();
        events.push(Event { sequence, recorded_at: NOW, body, raw: None, is_redacted: false });
    }
}

#[tokio::test]
async fn counts_with_rollups_equal_a_recount() {
    let mut runner = TestRunner::default();
    let edges = prop_oneof![btree_set(timestamp(), 0..4), Just([].into())];
    let strategy = (rolled(), scope(), period(), 0_i64..=66, (select(FacetField::ALL), edges));
    let (mut log, mut events) = (TestLog::new().await, Vec::new());
    // Cached counts stay valid while more events are recorded and rolled up.
    for batch in 0..18 {
        if batch % 6 == 0 {
            (log, events) = (TestLog::new().await, Vec::new());
        }
        more(&log, &mut runner, &format!("{batch}-"), &mut events).await;
        if batch % 4 != 1 {
            log.store.roll_up(BLOCK).await.unwrap();
        }
        for_all(&mut runner, 34, &strategy, async |(condition, scope, period, as_of, (field, edges))| {
            let as_of = if as_of % 3 == 0 { i64::try_from(events.len()).unwrap() } else { as_of };
            let list = EventQuery { condition, period, as_of: Some(as_of) };
            let expected = matching(&events, &scope, &list);
            let reader = log.reader_for(scope);
            let (found, meant) = (reader.facet(&list, field, 5, true).await.unwrap(), recount(&expected, field, 5));
            if found != meant {
                return Err(format!("counted by {field:?} {found:?}\ninstead of {meant:?}"));
            }
            let found = reader.count(&list).await.unwrap();
            if found != i64::try_from(expected.len()).unwrap() {
                return Err(format!("counted {found}, there are {}", expected.len()));
            }
            let day = NOW.0 - NOW.0.rem_euclid(DAY);
            let ends = [-9 * DAY, 9 * DAY].map(|far| Timestamp(day + far));
            let edges: Vec<Timestamp> =
                ends[..1].iter().copied().chain(edges).chain(ends[1..].iter().copied()).collect();
            let bar = |edges: &[Timestamp]| {
                let within = expected.iter().filter(|event| (edges[0]..edges[1]).contains(&event.body.occurred_at));
                interval_counts(&within.map(|event| event.body.status))
            };
            let meant: Vec<IntervalCounts> = edges.windows(2).map(bar).collect();
            let found = reader.histogram(&list, &edges).await.unwrap();
            if found == meant { Ok(()) } else { Err(format!("bars {found:?} instead of {meant:?}")) }
        })
        .await;
    }
}

#[tokio::test]
async fn rollup_blocks_are_written_once() {
    let log = TestLog::new().await;
    log.record((0..50).map(|i| event(&format!("k{i}")))).await;
    let others = [log.database.store().await, log.database.store().await];
    let roll = |store: &Store| {
        let store = store.clone();
        async move { store.roll_up(BLOCK).await.unwrap() }
    };
    let (a, b, c) = tokio::join!(roll(&log.store), roll(&others[0]), roll(&others[1]));
    // A process that finds an existing block stops; every complete range has one block.
    assert!(a + b + c <= 7, "{a} {b} {c}");
    let rest = log.store.roll_up(BLOCK).await.unwrap();
    assert_eq!(a + b + c + rest, 7);
    assert_eq!(log.store.roll_up(BLOCK).await.unwrap(), 0);
    let connection = log.database.connection().await;
    assert_eq!(
        numbers(&connection, "SELECT last_sequence FROM rollup_block ORDER BY block").await,
        [7, 14, 21, 28, 35, 42, 49]
    );
    for grain in 0..3 {
        let sql = format!("SELECT CAST(SUM(events) AS bigint) FROM rollup WHERE grain = {grain}");
        assert_eq!(numbers(&connection, &sql).await, [49]);
    }
}

#[tokio::test]
async fn interrupted_rollup_block_is_absent() {
    let log = TestLog::new().await;
    log.record((0..10).map(|i| event(&format!("k{i}")))).await;
    log.database.execute("ALTER TABLE rollup RENAME TO elsewhere").await;
    assert!(log.store.roll_up(BLOCK).await.is_err());
    log.database.execute("ALTER TABLE elsewhere RENAME TO rollup").await;
    let list = EventQuery { condition: Condition::everything(), period: TimeRange::default(), as_of: Some(10) };
    assert_eq!(log.reader().count(&list).await.unwrap(), 10);
    assert_eq!(log.store.roll_up(BLOCK).await.unwrap(), 1);
    assert_eq!(log.reader().count(&list).await.unwrap(), 10);
}

#[tokio::test]
async fn rolled_up_events_are_not_read_again() {
    let statements = Statements::default();
    let log = TestLog::observed(Some(statements.observer())).await;
    log.record((0..20).map(|i| event(&format!("k{i}")))).await;
    log.store.roll_up(BLOCK).await.unwrap();
    // The blocks are wrong on purpose, to detect their use.
    log.database.execute("UPDATE rollup SET events = 100 * events").await;
    let list = |as_of| EventQuery { condition: Condition::everything(), period: TimeRange::default(), as_of };
    for (as_of, count) in [(Some(20), 1_406), (Some(14), 1_400), (Some(13), 706), (Some(6), 6), (None, 20)] {
        assert_eq!(log.reader().count(&list(as_of)).await.unwrap(), count, "{as_of:?}");
    }
    statements.take();
    log.reader().facet(&list(Some(20)), FacetField::Status, 5, true).await.unwrap();
    assert_eq!(statements.take().len(), 1, "only the end of the log is read; the rest is cached");
}
