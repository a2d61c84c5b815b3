//! Recording: idempotent, atomic and lossless.

use model::filter::{Condition, EventString, StringCondition, TimeRange};
use model::fold::fold;
use model::page::{Order, Page};
use model::sensitive::SensitiveNames;
use model::{Actor, Event, EventId, NewEvent, Status, Target};
use sea_orm::ConnectionTrait as _;
use store::{EventQuery, Reader, RecordOutcome, RecordQueue, StoreError};

use crate::harness::database::{NOW, TestLog, add_tenant, events, numbers, record};
use crate::harness::events::{EventExt as _, application, change, event, target, user};

async fn found(reader: &Reader, condition: Condition) -> Vec<Event> {
    let page = Page { limit: 100, from_end: false, after: None, before: None, order: Order::NEWEST, window: None };
    let list = EventQuery { condition, period: TimeRange::default(), as_of: None };
    let slice = events(reader, &list, &page).await.unwrap();
    slice.rows.into_iter().map(|(_, event)| event).collect()
}

#[tokio::test]
async fn same_event_is_a_duplicate_and_a_different_one_a_conflict() {
    let log = TestLog::new().await;
    assert_eq!(log.record([event("a"), event("a")]).await, [RecordOutcome::Recorded(1), RecordOutcome::Duplicate]);
    let again = [event("a"), event("a").activity("Delete user"), event("b"), event("b").activity("Delete user")];
    let outcomes =
        [RecordOutcome::Duplicate, RecordOutcome::Conflict, RecordOutcome::Recorded(2), RecordOutcome::Conflict];
    assert_eq!(log.record(again).await, outcomes);
    assert_eq!(log.reader().event(EventId::of("Core Directory", "a")).await.unwrap().unwrap().body, event("a"));
}

#[tokio::test]
async fn copies_of_an_imported_event_are_duplicates_that_name_their_differences() {
    let log = TestLog::new().await;
    let imported = |category: &str, status: Status| {
        let mut body = event("a").service("Core Directory", category);
        body.status = status;
        body.recording.source = Some("graph.directoryAudit a.json".to_owned());
        body
    };
    let outcomes = [
        RecordOutcome::Recorded(1),
        RecordOutcome::Duplicate,
        RecordOutcome::DifferingDuplicate(vec!["category", "status"]),
        RecordOutcome::Conflict,
    ];
    let batch = || {
        [
            imported("UserManagement", Status::Success),
            imported("UserManagement", Status::Success),
            imported("Users", Status::Unknown),
            imported("UserManagement", Status::Failure),
        ]
    };
    assert_eq!(log.record(batch()).await, outcomes);
    let again = log.record(batch()).await;
    assert_eq!((&again[0], &again[1..]), (&RecordOutcome::Duplicate, &outcomes[1..]));
    let mut own = imported("UserManagement", Status::Unknown);
    own.recording.source = None;
    assert_eq!(log.record([own]).await, [RecordOutcome::Conflict], "an event of this API is compared as a whole");
}

#[tokio::test]
async fn batch_of_duplicates_changes_nothing() {
    let log = TestLog::new().await;
    log.record([event("a")]).await;
    let connection = log.database.connection().await;
    let before =
        numbers(&connection, "SELECT h.last_recorded_at + t.event_count FROM tenant_log h, activity_type t").await;
    assert_eq!(record(&log.writer(), [event("a")], NOW.plus(1_000)).await, [RecordOutcome::Duplicate]);
    assert_eq!(log.writer().record(&[], NOW).await.unwrap(), []);
    let after =
        numbers(&connection, "SELECT h.last_recorded_at + t.event_count FROM tenant_log h, activity_type t").await;
    assert_eq!(after, before);
}

#[tokio::test]
async fn event_key_is_unique_per_service_and_tenant() {
    let log = TestLog::new().await;
    let other = add_tenant(&log.store, "fabrikam").await;
    let bodies = || {
        [
            event("a"),
            event("a").service("Other", "UserManagement"),
            event("A"),
            event("a").service("CORE directory", "x"),
        ]
    };
    let outcomes =
        [RecordOutcome::Recorded(1), RecordOutcome::Recorded(2), RecordOutcome::Recorded(3), RecordOutcome::Conflict];
    assert_eq!(log.record(bodies()).await, outcomes);
    assert_eq!(record(&log.store.writer(&other), bodies(), NOW).await, outcomes);
}

#[tokio::test]
async fn failed_batch_leaves_nothing() {
    let log = TestLog::new().await;
    let connection = log.database.connection().await;
    let held = async || {
        let tables = ["term", "audit_event", "event_key", "actor", "target", "event_target"];
        let mut counts = Vec::new();
        for table in tables {
            counts.extend(numbers(&connection, &format!("SELECT COUNT(*) FROM {table}")).await);
        }
        let heads = "SELECT last_sequence + last_recorded_at + last_term_id + last_actor_id + last_target_id
            FROM tenant_log";
        counts.extend(numbers(&connection, heads).await);
        counts
    };
    log.record([event("a")]).await;
    let before = held().await;
    connection.execute_unprepared("ALTER TABLE property_change RENAME TO elsewhere").await.unwrap();
    let new = |key: &str| event(key).actor(user("new")).targets(vec![target("New")]);
    let events = |bodies: Vec<_>| {
        let parse = |body| NewEvent::parse(body, NOW, &SensitiveNames::default()).unwrap();
        bodies.into_iter().map(parse).collect::<Vec<_>>()
    };
    let batch = events(vec![new("b"), new("c").change(change("x", None, Some("1")))]);
    assert!(matches!(log.writer().record(&batch, NOW).await, Err(StoreError::Database(_))));
    assert_eq!(held().await, before);
    connection.execute_unprepared("ALTER TABLE elsewhere RENAME TO property_change").await.unwrap();
    connection.execute_unprepared("ALTER TABLE activity_type RENAME TO elsewhere").await.unwrap();
    assert!(matches!(log.writer().record(&batch, NOW).await, Err(StoreError::Database(_))));
    assert_eq!(held().await, before);
    connection.execute_unprepared("ALTER TABLE elsewhere RENAME TO activity_type").await.unwrap();
    assert_eq!(
        log.writer().record(&batch, NOW).await.unwrap(),
        [RecordOutcome::Recorded(2), RecordOutcome::Recorded(3)]
    );
}

#[tokio::test]
async fn snapshots_are_stored_once() {
    let log = TestLog::new().await;
    let named = |name: &str| Actor { display_name: Some(name.to_owned()), ..user("ada") };
    log.record([event("a").actor(named("Ada")), event("b").actor(named("ADA"))]).await;
    log.record([event("c").actor(named("Ada")), event("d").actor(named("Ada Lovelace"))]).await;
    log.record([event("e").actor(application("App")).targets(vec![target("Bob"), target("Bob"), target("Eve")])]).await;
    let connection = log.database.connection().await;
    assert_eq!(numbers(&connection, "SELECT COUNT(*) FROM actor").await, [3]);
    assert_eq!(numbers(&connection, "SELECT COUNT(*) FROM target").await, [2]);
    assert_eq!(numbers(&connection, "SELECT actor_id FROM audit_event ORDER BY sequence").await, [1, 1, 1, 2, 3]);
    // Snapshots are per service, because their visibility depends on the service.
    log.record([event("f").actor(named("Ada")).service("Other", "UserManagement")]).await;
    assert_eq!(numbers(&connection, "SELECT COUNT(*) FROM actor").await, [4]);
}

#[tokio::test]
async fn unusual_strings_are_stored_and_found_case_folded() {
    let log = TestLog::new().await;
    let odd = "Nul \0 é \u{10ffff} 'quoted\" \\ % _ \u{1f600} ＦＵＬＬ";
    let mut body = event(odd).activity(odd).service(odd, odd).actor(user(odd)).targets(vec![target(odd)]);
    body.component = Some(odd.to_owned());
    body.correlation_id = Some(odd.to_owned());
    body.recording.recorded_by = odd.to_owned();
    body = body.change(change(odd, Some("\"\\u0000\""), Some("1e400")));
    assert_eq!(log.record([body.clone()]).await, [RecordOutcome::Recorded(1)]);
    let is = |text: &str| StringCondition { contains: Some(fold(text)), ..StringCondition::default() };
    for condition in [
        Condition::everything(),
        Condition::Search(vec![fold("NUL \0 É"), fold("full")]),
        Condition::Involving(is("\u{10ffff}")),
        Condition::String(EventString::Service, is("\\ % _ \u{1f600}")),
        Condition::String(EventString::EventKey, is("'QUOTED\"")),
    ] {
        let events = found(&log.reader(), condition.clone()).await;
        assert_eq!(events.len(), 1, "{condition:?}");
        assert_eq!(events[0].body, body);
    }
    assert_eq!(found(&log.reader(), Condition::Search(vec!["nul%".to_owned()])).await, []);
    let types = log.reader().recorded_activities().await.unwrap();
    assert_eq!(fold(&types[0].service), fold(odd));
    assert_eq!(types[0].property_names, [odd]);
    assert_eq!(log.reader().actors(&fold("ＦＵＬＬ"), 5).await.unwrap().len(), 1);
}

#[tokio::test]
async fn large_events_and_full_batches_are_recorded() {
    let log = TestLog::new().await;
    let mut large = event("large");
    for i in 0..2_000 {
        large = large.change(change(&format!("property {i}"), Some("1"), Some("2")));
    }
    assert_eq!(log.record([large.clone()]).await, [RecordOutcome::Recorded(1)]);
    let of_all = |i: usize| {
        let targets: Vec<Target> = (0..6).map(|j| target(&format!("target {i} {j}"))).collect();
        event(&format!("k{i}")).actor(user(&format!("user {i}"))).activity(&format!("Act {i}")).targets(targets)
    };
    let parse = |body| NewEvent::parse(body, NOW, &SensitiveNames::default()).unwrap();
    let batch: Vec<_> =
        (0..1_000).map(of_all).map(|body| body.change(change("x", None, Some("1")))).map(parse).collect();
    let outcomes = log.writer().record(&batch, NOW).await.unwrap();
    assert_eq!(outcomes, (2..=1_001).map(RecordOutcome::Recorded).collect::<Vec<_>>());
    assert_eq!(log.writer().record(&batch, NOW).await.unwrap(), vec![RecordOutcome::Duplicate; 1_000]);
    let connection = log.database.connection().await;
    assert_eq!(numbers(&connection, "SELECT COUNT(*) FROM event_target").await, [6_001]);
    assert_eq!(numbers(&connection, "SELECT COUNT(*) FROM property_change").await, [3_000]);
    let read = log.reader().event(EventId::of("Core Directory", "large")).await.unwrap().unwrap();
    assert_eq!(read.body, large);
    let ids: Vec<EventId> = batch.iter().map(NewEvent::id).collect();
    assert!(log.reader().events_by_id(&ids).await.unwrap().iter().all(Option::is_some));
}

#[tokio::test]
async fn log_with_all_numbers_records_only_known_strings() {
    let log = TestLog::new().await;
    log.record([event("a")]).await;
    let last = i32::MAX;
    log.database.execute(&format!("UPDATE tenant_log SET last_term_id = {last}")).await;
    let parse = |body| NewEvent::parse(body, NOW, &SensitiveNames::default()).unwrap();
    let new = [parse(event("b").activity("Never seen"))];
    let refused = log.writer().record(&new, NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::NumbersExhausted { table: "term" }), "{refused:?}");
    let connection = log.database.connection().await;
    assert_eq!(numbers(&connection, "SELECT last_sequence FROM tenant_log").await, [1]);
    assert_eq!(log.record([event("c")]).await, [RecordOutcome::Recorded(2)]);
    // Requests that are recorded together do not fail together.
    let queue = RecordQueue::start(log.store.clone(), std::sync::Arc::new(|| NOW));
    let (known, unknown) = (parse(event("d")), parse(event("e").activity("Never seen")));
    let (known, unknown) = (&[&known][..], &[&unknown][..]);
    let (a, b, c) = tokio::join!(
        queue.record(&log.tenant, known),
        queue.record(&log.tenant, unknown),
        queue.record(&log.tenant, known)
    );
    assert_eq!((a.unwrap(), c.unwrap()), (vec![RecordOutcome::Recorded(3)], vec![RecordOutcome::Duplicate]));
    assert!(matches!(b, Err(StoreError::NumbersExhausted { .. })), "{b:?}");
}
