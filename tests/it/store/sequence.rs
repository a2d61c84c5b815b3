//! The sequence: dense, in commit order, and `recorded_at` never decreases along it.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use model::sensitive::SensitiveNames;
use model::{NewEvent, Timestamp};
use store::{RecordOutcome, Store, StoreError, Writer};

use crate::harness::database::{NOW, TestDatabase, TestLog, add_tenant, numbers, record};
use crate::harness::events::event;

fn new_event(key: &str) -> NewEvent {
    NewEvent::parse(event(key), NOW, &SensitiveNames::default()).unwrap()
}

#[tokio::test]
async fn sequence_has_no_gaps_over_batches_and_stores() {
    let log = TestLog::new().await;
    let second = log.database.store().await;
    let tenant = second.tenant("contoso").await.unwrap().unwrap();
    let other = second.writer(&tenant);
    assert_eq!(log.record([event("a"), event("b")]).await, [RecordOutcome::Recorded(1), RecordOutcome::Recorded(2)]);
    assert_eq!(
        record(&other, [event("b"), event("c")], NOW).await,
        [RecordOutcome::Duplicate, RecordOutcome::Recorded(3)]
    );
    assert_eq!(log.record([event("c"), event("d")]).await, [RecordOutcome::Duplicate, RecordOutcome::Recorded(4)]);
}

#[tokio::test]
async fn recorded_at_does_not_go_back_with_the_clock() {
    let log = TestLog::new().await;
    for (key, offset) in [("a", 0), ("b", -1_000_000), ("c", 5), ("d", 4)] {
        record(&log.writer(), [event(key)], NOW.plus(offset)).await;
    }
    let connection = log.database.connection().await;
    let recorded = numbers(&connection, "SELECT recorded_at FROM audit_event ORDER BY sequence").await;
    assert_eq!(recorded, [NOW, NOW, NOW.plus(5), NOW.plus(5)].map(|timestamp| timestamp.0));
}

/// Records small batches in sequence; other writers use some of the same keys.
async fn record_batches(writer: Writer, name: &'static str, clock: impl Fn(i64) -> Timestamp) {
    for i in 0..25 {
        let keys = [format!("{name} {i}"), format!("shared {i}"), format!("{name} {i} again")];
        let batch: Vec<NewEvent> = keys.iter().map(|key| new_event(key)).collect();
        let outcomes = writer.record(&batch, clock(i)).await.unwrap();
        assert!(matches!(outcomes[0], RecordOutcome::Recorded(_)) && matches!(outcomes[2], RecordOutcome::Recorded(_)));
        assert_ne!(outcomes[1], RecordOutcome::Conflict);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequence_order_is_commit_order() {
    let log = TestLog::new().await;
    let mut writers = Vec::new();
    for (name, direction) in [("up", 10), ("down", -10), ("still", 0)] {
        let store = log.database.store().await;
        let writer = store.writer(&store.tenant("contoso").await.unwrap().unwrap());
        writers.push(tokio::spawn(record_batches(writer, name, move |i| NOW.plus(i * direction))));
    }
    let connection = log.database.connection().await;
    // A reader that sees n sees everything up to n.
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        let missing = "SELECT COALESCE(MAX(sequence), 0) - COUNT(*) FROM audit_event";
        assert_eq!(numbers(&connection, missing).await, [0]);
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let sequences = numbers(&connection, "SELECT sequence FROM audit_event ORDER BY sequence").await;
    assert_eq!(sequences, (1..=25 * 7).collect::<Vec<_>>());
    assert!(numbers(&connection, "SELECT recorded_at FROM audit_event ORDER BY sequence").await.is_sorted());
    assert_eq!(numbers(&connection, "SELECT event_count FROM activity_type").await, [25 * 7]);
}

/// Polls a future at most `times` times, then drops it.
async fn abandoned<F: Future>(future: F, mut polls: usize, before: bool) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| {
        if polls == 0 {
            return Poll::Ready(None);
        }
        polls -= 1;
        match future.as_mut().poll(context) {
            Poll::Pending if before && polls == 0 => Poll::Ready(None),
            other => other.map(Some),
        }
    })
    .await
}

#[tokio::test]
async fn cancelled_recording_is_atomic() {
    for before in [false, true] {
        let log = TestLog::new().await;
        let writer = log.writer();
        let mut dropped = 0;
        for i in 0..40 {
            let batch = [new_event(&format!("a {i}")), new_event(&format!("b {i}"))];
            let done = abandoned(writer.record(&batch, NOW), i % 20 + 1, before).await;
            dropped += usize::from(done.is_none());
            let again = writer.record(&batch, NOW).await.unwrap();
            match (&again[..], &done) {
                ([RecordOutcome::Recorded(a), RecordOutcome::Recorded(b)], None) => assert_eq!(a + 1, *b),
                ([RecordOutcome::Duplicate, RecordOutcome::Duplicate], _) => {}
                _ => panic!("after {i} {done:?}, then {again:?}"),
            }
        }
        assert!(dropped > 1, "{dropped} dropped only");
        let connection = log.database.connection().await;
        let sequences = numbers(&connection, "SELECT sequence FROM audit_event ORDER BY sequence").await;
        let count = 80;
        assert_eq!(sequences, (1..=count).collect::<Vec<_>>());
        assert_eq!(numbers(&connection, "SELECT last_sequence FROM tenant_log").await, [count]);
        assert_eq!(numbers(&connection, "SELECT event_count FROM activity_type").await, [count]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_migrations_and_tenant_creation_succeed() {
    let database = TestDatabase::new().await;
    // Only one process may create the file and switch it to WAL.
    Store::open(&database.settings(), None).await.unwrap();
    let stores: Vec<_> = (0..4)
        .map(|_| {
            let settings = database.settings();
            tokio::spawn(async move {
                let store = Store::open(&settings, None).await.unwrap();
                store.migrate().await.unwrap();
                store.check_schema().await.unwrap();
                store.add_tenant("contoso", "Contoso", &[], "log".to_owned()).await
            })
        })
        .collect();
    let mut added = 0;
    for store in stores {
        match store.await.unwrap() {
            Ok(_) => added += 1,
            Err(error) => assert!(matches!(error, StoreError::TenantExists(_)), "{error:?}"),
        }
    }
    assert_eq!(added, 1);
    let store = database.store().await;
    add_tenant(&store, "fabrikam").await;
    assert_eq!(store.tenants().await.unwrap().len(), 2);
}
