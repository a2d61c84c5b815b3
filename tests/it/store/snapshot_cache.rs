//! The snapshot cache: it saves statements, and is correct after changes by other processes and after rollbacks.

use model::sensitive::SensitiveNames;
use model::{Actor, EventBody, NewEvent};
use sea_orm::ConnectionTrait as _;

use crate::harness::database::{NOW, Statements, TestLog, numbers, record};
use crate::harness::events::{EventExt as _, change, event, target, user};

fn by(key: &str, name: &str) -> EventBody {
    event(key).actor(Actor { display_name: Some(name.to_owned()), ..user(name) }).targets(vec![target(name)])
}

/// Checks that every event refers to its snapshots.
async fn check_references(log: &TestLog) {
    let connection = log.database.connection().await;
    for wrong in [
        "SELECT COUNT(*) FROM audit_event e LEFT JOIN actor a ON a.tenant_id = e.tenant_id AND a.id = e.actor_id
         LEFT JOIN term k ON k.tenant_id = e.tenant_id AND k.id = e.actor_key AND k.kind = 10
         WHERE a.key IS NULL OR a.key <> e.actor_key OR k.id IS NULL",
        "SELECT COUNT(*) FROM event_target e LEFT JOIN target t ON t.tenant_id = e.tenant_id AND t.id = e.target_id
         LEFT JOIN term k ON k.tenant_id = e.tenant_id AND k.id = e.target_key AND k.kind = 11
         WHERE t.key IS NULL OR t.key <> e.target_key OR k.id IS NULL",
    ] {
        assert_eq!(numbers(&connection, wrong).await, [0]);
    }
}

#[tokio::test]
async fn cached_snapshots_are_not_queried_again() {
    let statements = Statements::default();
    let log = TestLog::observed(Some(statements.observer())).await;
    let of = |key: &str| by(key, "Ada").change(change("Title", None, Some("1")));
    log.record([of("a")]).await;
    statements.take();
    log.record([of("b")]).await;
    let asked = statements.take();
    let reads = |table: &str| asked.iter().filter(|sql| sql.contains(&format!("FROM {table}"))).count();
    assert_eq!((reads("event_key"), reads("term"), reads("actor"), reads("target")), (1, 0, 0, 0), "{asked:#?}");
    assert!(!asked.iter().any(|sql| sql.contains("FROM \"activity_type\"")), "{asked:#?}");
    // A new name must be merged with the stored ones.
    log.record([of("c").change(change("Age", None, Some("1")))]).await;
    assert!(statements.take().iter().any(|sql| sql.contains("FROM \"activity_type\"")));
    let found = log.reader().recorded_activities().await.unwrap().remove(0);
    assert_eq!((found.property_names.as_slice(), found.event_count), (&["Title".to_owned(), "Age".to_owned()][..], 3));
}

#[tokio::test]
async fn snapshots_of_another_process_are_reused() {
    let log = TestLog::new().await;
    let other = log.database.store().await;
    let other = other.writer(&other.tenant("contoso").await.unwrap().unwrap());
    let named = |key: &str, who: &str, property: &str| by(key, who).change(change(property, None, Some("1")));
    log.record([named("a", "Ada", "One")]).await;
    record(&other, [named("b", "Bob", "Two"), named("c", "Ada", "One")], NOW).await;
    log.record([named("d", "Bob", "Three"), named("e", "Ada", "Two"), named("f", "Eve", "One")]).await;
    record(&other, [named("g", "Eve", "Three"), named("h", "Ada", "Four")], NOW).await;
    log.record([named("i", "Ada", "Four")]).await;
    let connection = log.database.connection().await;
    assert_eq!(numbers(&connection, "SELECT id FROM actor ORDER BY id").await, [1, 2, 3]);
    assert_eq!(numbers(&connection, "SELECT id FROM target ORDER BY id").await, [1, 2, 3]);
    let terms = numbers(&connection, "SELECT COUNT(*) FROM term").await;
    assert_eq!(numbers(&connection, "SELECT MAX(id) FROM term").await, terms);
    assert_eq!(numbers(&connection, "SELECT last_term_id FROM tenant_log").await, terms);
    check_references(&log).await;
    let found = log.reader().recorded_activities().await.unwrap().remove(0);
    assert_eq!((found.property_names.join(" "), found.event_count), ("One Two Three Four".to_owned(), 9));
}

#[tokio::test]
async fn rolled_back_snapshots_are_not_cached() {
    let log = TestLog::new().await;
    let other = log.database.store().await;
    let other = other.writer(&other.tenant("contoso").await.unwrap().unwrap());
    log.record([by("a", "Ada")]).await;
    let connection = log.database.connection().await;
    connection.execute_unprepared("ALTER TABLE activity_type RENAME TO elsewhere").await.unwrap();
    let undone = NewEvent::parse(by("b", "Bob"), NOW, &SensitiveNames::default()).unwrap();
    assert!(log.writer().record(&[undone], NOW).await.is_err());
    connection.execute_unprepared("ALTER TABLE elsewhere RENAME TO activity_type").await.unwrap();
    // The id of the rolled-back snapshot is reused.
    record(&other, [by("c", "Eve")], NOW).await;
    log.record([by("b", "Bob"), by("d", "Eve")]).await;
    assert_eq!(numbers(&connection, "SELECT actor_id FROM audit_event ORDER BY sequence").await, [1, 2, 3, 2]);
    check_references(&log).await;
    let found = log.reader().recorded_activities().await.unwrap();
    assert_eq!(found.iter().map(|activity| activity.event_count).sum::<i64>(), 4);
}
