//! Statement timeouts release their connections, and results over the byte limit are not read.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use model::filter::{Condition, TimeRange};
use model::page::{Order, Page};
use model::{Scope, ServiceSet};
use sea_orm::{ConnectionTrait as _, DatabaseConnection};
use store::{EventQuery, QueryBudget, Store, StoreError, StoreSettings};

use crate::harness::database::TestLog;
use crate::harness::events::{EventExt as _, change, event};
use crate::harness::wait::{WAIT_MAX, wait_for};

/// Replaces the table of events by a view that never ends.
async fn make_endless(connection: &DatabaseConnection, is_postgres: bool) {
    let endless = if is_postgres {
        "SELECT kept.* FROM kept, pg_sleep(600)"
    } else {
        "SELECT kept.* FROM kept, (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n)"
    };
    connection.execute_unprepared("ALTER TABLE audit_event RENAME TO kept").await.unwrap();
    connection.execute_unprepared(&format!("CREATE VIEW audit_event AS {endless}")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_statement_times_out_and_releases_its_connection() {
    let log = TestLog::new().await;
    log.record([event("a")]).await;
    let settings = StoreSettings { statement_timeout: Duration::from_millis(500), ..log.database.settings() };
    // The timeout applies to opening as well; a slow machine may need several attempts.
    let store = wait_for("the store opens", async || Store::open(&settings, None).await.ok()).await;
    let reader = access::operator_reader(&store, &log.tenant);
    let list = EventQuery { condition: Condition::everything(), period: TimeRange::default(), as_of: None };
    let connection = log.database.connection().await;
    make_endless(&connection, log.database.is_postgres()).await;
    // More often than there are connections.
    for _ in 0..settings.connections + 2 {
        let counted = reader.count(&list).await;
        assert!(matches!(counted, Err(StoreError::Timeout)), "{counted:?}");
    }
    connection.execute_unprepared("DROP VIEW audit_event").await.unwrap();
    connection.execute_unprepared("ALTER TABLE kept RENAME TO audit_event").await.unwrap();
    // A connection that is not released never serves one of the counts.
    let count = async || reader.count(&list).await.ok();
    let counts = wait_for("all connections are released", async || {
        let (a, b, c, d) = tokio::join!(count(), count(), count(), count());
        Some((a?, b?, c?, d?))
    });
    assert_eq!(Box::pin(counts).await, (1, 1, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statement_ends_with_its_request() {
    let log = TestLog::new().await;
    log.record([event("a")]).await;
    let settings =
        StoreSettings { statement_timeout: Duration::from_mins(1), connections: 1, ..log.database.settings() };
    let store = Store::open(&settings, None).await.unwrap();
    let reader = || access::operator_reader(&store, &log.tenant);
    let list = EventQuery { condition: Condition::everything(), period: TimeRange::default(), as_of: None };
    let connection = log.database.connection().await;
    make_endless(&connection, log.database.is_postgres()).await;
    for _ in 0..3 {
        let deadline = Instant::now() + Duration::from_millis(100);
        let counted = reader().with_budget(QueryBudget::default().with_deadline(deadline)).count(&list).await;
        assert!(matches!(counted, Err(StoreError::Timeout)), "{counted:?}");
    }
    if !log.database.is_postgres() {
        // A cancelled request releases its connection.
        let waiting = tokio::time::timeout(Duration::from_millis(100), async { reader().count(&list).await });
        assert!(waiting.await.is_err());
    }
    connection.execute_unprepared("DROP VIEW audit_event").await.unwrap();
    connection.execute_unprepared("ALTER TABLE kept RENAME TO audit_event").await.unwrap();
    assert_eq!(reader().count(&list).await.unwrap(), 1, "the only connection is released");
}

#[tokio::test]
async fn events_over_the_byte_limit_are_not_read() {
    let log = TestLog::new().await;
    let large = |i: i32, name: &str| {
        let text = format!("\"{}\"", "x".repeat(1 << 19));
        event(&format!("k{i}")).service(name, "Device").change(change("Password", None, Some(&text)))
    };
    log.record((0..40).map(|i| large(i, "Microsoft Intune"))).await;
    let page = Page { limit: 40, from_end: false, after: None, before: None, order: Order::NEWEST, window: None };
    let list = EventQuery { condition: Condition::everything(), period: TimeRange::default(), as_of: None };
    let withheld = Scope { visible: ServiceSet::All, sensitive: ServiceSet::none() };
    let soon = Instant::now() + WAIT_MAX;
    for scope in [Scope::all(), withheld] {
        for allowance in [QueryBudget::default(), QueryBudget::default().with_deadline(soon)] {
            let rows = Arc::default();
            let reader =
                log.reader_for(scope.clone()).with_budget(allowance.with_byte_limit(2 << 20)).count_rows_in(&rows);
            let read = reader.page(&list, &page).await;
            let Err(StoreError::TooLarge { requested, limit }) = read else { panic!("{read:?}") };
            assert!(limit == 2 << 20 && (limit..limit + (1 << 20)).contains(&requested), "{requested}");
            // The page is read once with its neighbours and once without them.
            assert_eq!(rows.load(Ordering::Relaxed), 2 * 3, "the remaining rows are not read");
            let small = Page { limit: 1, ..page };
            let reader = log.reader_for(scope.clone()).with_budget(QueryBudget::default().with_byte_limit(2 << 20));
            let read = reader.page(&list, &small).await.unwrap();
            assert_eq!(read.rows.len(), 1, "the connections are usable");
        }
    }
}
