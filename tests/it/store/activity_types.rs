//! Activity types: counted with their events.

use std::collections::BTreeSet;

use model::{OperationType, Scope, ServiceSet};
use sea_orm::ConnectionTrait as _;
use store::{RecordOutcome, RecordedActivity};

use crate::harness::database::{NOW, TestLog, numbers, record};
use crate::harness::events::{EventExt as _, change, event};

async fn activities(log: &TestLog) -> Vec<RecordedActivity> {
    let mut found = log.reader().recorded_activities().await.unwrap();
    found.sort_by(|a, b| (&a.service, &a.activity).cmp(&(&b.service, &b.activity)));
    found
}

#[tokio::test]
async fn activity_types_have_counts_and_recording_times() {
    let log = TestLog::new().await;
    let at = |key: &str, offset| event(key).at(NOW.plus(offset)).change(change("Title", None, Some("1")));
    log.record([at("a", -50), at("b", -10), at("c", -30), at("d", -20).activity("Delete user")]).await;
    record(&log.writer(), [at("e", -70).activity("ADD USER.").change(change("age", None, Some("1")))], NOW.plus(9))
        .await;
    let found = activities(&log).await;
    assert_eq!(found.len(), 2);
    let add = &found[0];
    // The spelling is that of the event recorded last.
    assert_eq!((add.activity.as_str(), add.display_name.as_str(), add.event_count), ("ADD USER.", "ADD USER.", 4));
    assert_eq!((add.first_seen_at, add.last_seen_at), (NOW, NOW.plus(9)));
    assert_eq!(add.property_names.iter().map(String::as_str).collect::<BTreeSet<_>>(), ["Title", "age"].into());
    let mut newer = at("f", -5).activity("add USER");
    newer.operation_type = OperationType::Update;
    log.record([newer]).await;
    let add = &activities(&log).await[1];
    assert_eq!((add.activity.as_str(), add.operation_type), ("add USER", OperationType::Update));
}

#[tokio::test]
async fn duplicates_and_conflicts_are_not_counted() {
    let log = TestLog::new().await;
    log.record([event("a"), event("a"), event("a").activity("Delete user")]).await;
    log.record([event("a"), event("b")]).await;
    let found = activities(&log).await;
    assert_eq!(found.iter().map(|activity| activity.event_count).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn activity_types_are_limited_and_events_are_not() {
    let log = TestLog::new().await;
    log.record([event("a")]).await;
    let connection = log.database.connection().await;
    connection.execute_unprepared("UPDATE tenant_log SET activity_type_count = 4999").await.unwrap();
    let bodies = ["One", "Two", "Two", "Add user"].into_iter().enumerate();
    let outcomes = log.record(bodies.map(|(i, activity)| event(&format!("k{i}")).activity(activity))).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, RecordOutcome::Recorded(_))));
    let counts: Vec<_> = activities(&log).await.into_iter().map(|found| (found.activity, found.event_count)).collect();
    assert_eq!(counts, [("Add user".to_owned(), 2), ("One".to_owned(), 1)]);
    assert_eq!(numbers(&connection, "SELECT uncatalogued_count FROM tenant_log").await, [2]);
    assert_eq!(numbers(&connection, "SELECT activity_type_count FROM tenant_log").await, [5_000]);
    assert_eq!(numbers(&connection, "SELECT COUNT(*) FROM audit_event").await, [5]);
}

#[tokio::test]
async fn activity_types_are_limited_to_visible_services() {
    let log = TestLog::new().await;
    log.record([event("a"), event("b").service("Microsoft Intune", "Device")]).await;
    let seen = async |visible: ServiceSet| {
        let scope = Scope { sensitive: ServiceSet::none(), visible };
        let found = log.reader_for(scope).recorded_activities().await.unwrap();
        found.into_iter().map(|activity| activity.service).collect::<Vec<_>>()
    };
    assert_eq!(seen(ServiceSet::of(["microsoft INTUNE"])).await, ["Microsoft Intune"]);
    assert_eq!(seen(ServiceSet::All).await.len(), 2);
    assert!(seen(ServiceSet::none()).await.is_empty());
}
