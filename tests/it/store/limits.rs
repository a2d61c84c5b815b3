//! A statement that takes too long is given up, says so, and holds nobody else up.

use std::time::Duration;

use auditgraph::audit::filter::{Condition, TimeRange};
use auditgraph::store::{List, Settings, Store, StoreError};
use sea_orm::{ConnectionTrait as _, DatabaseConnection};

use crate::harness::database::TestLog;
use crate::harness::events::event;

/// Puts a view in the place of the events that never comes to an end.
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
async fn a_statement_that_takes_too_long_is_a_timeout_and_frees_its_connection() {
    let log = TestLog::new().await;
    log.record([event("a")]).await;
    let settings = Settings { statement_timeout: Duration::from_millis(100), ..log.database.settings() };
    let store = Store::open(&settings, None).await.unwrap();
    let reader = auditgraph::access::operator_reader(&store, &log.tenant);
    let list = List { condition: Condition::everything(), period: TimeRange::default(), as_of: None };
    let connection = log.database.connection().await;
    make_endless(&connection, log.database.is_postgres()).await;
    // More often than there are connections.
    for _ in 0..settings.connections + 2 {
        let counted = reader.count(&list).await;
        assert!(matches!(counted, Err(StoreError::Timeout)), "{counted:?}");
    }
    connection.execute_unprepared("DROP VIEW audit_event").await.unwrap();
    connection.execute_unprepared("ALTER TABLE kept RENAME TO audit_event").await.unwrap();
    let count = || async { reader.count(&list).await.unwrap() };
    assert_eq!(tokio::join!(count(), count(), count(), count()), (1, 1, 1, 1));
}
