//! `copy`: copies all logs of a database into another one, also of the other kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entity::{activity_type, actor, audit_event, event_key, event_target, property_change, target};
use entity::{tenant, tenant_log, term};
use model::filter::Condition;
use model::page::FeedCursor;
use proptest::test_runner::TestRunner;
use sea_orm::{EntityTrait, Iterable as _, PrimaryKeyToColumn as _, QueryOrder as _};
use store::{COPIED_TABLES, FeedError, LogIds, Observer, RowProgress, Store, StoreError};

use crate::harness::app::TestApp;
use crate::harness::cli::{RunOutput, TestCli, run};
use crate::harness::client::Response;
use crate::harness::database::{NOW, TestDatabase, record, texts};
use crate::harness::events::event;
use crate::store::arbitrary::bodies;

/// A database with the logs of two tenants.
async fn source() -> TestCli {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "fabrikam", "--name", "Fabrikam", "--domain", "fabrikam.example"]).ok();
    cli.run(&["tenant", "add", "contoso"]).ok();
    let store = cli.database.store().await;
    record_for(&store, "contoso", 1_300).await;
    record_for(&store, "fabrikam", 40).await;
    cli
}

async fn record_for(store: &Store, tenant: &str, count: usize) {
    let tenant = store.tenant(tenant).await.unwrap().unwrap();
    let events = bodies(&mut TestRunner::deterministic(), "k", count);
    record(&access::operator_writer(store, &tenant), events, NOW).await;
}

fn copy(from: &TestDatabase, to: &TestDatabase) -> RunOutput {
    run(&["copy", "--from", &from.url, "--to", &to.url])
}

fn move_to(from: &TestDatabase, to: &TestDatabase) -> RunOutput {
    run(&["copy", "--from", &from.url, "--to", &to.url, "--keep-log-ids"])
}

/// The ids of all logs.
async fn log_ids(database: &TestDatabase) -> Vec<String> {
    rows::<tenant_log::Entity>(database).await.into_iter().map(|log| log.log_id).collect()
}

async fn rows<E: EntityTrait>(database: &TestDatabase) -> Vec<E::Model> {
    let ordered = E::PrimaryKey::iter().fold(E::find(), |select, key| select.order_by_asc(key.into_column()));
    ordered.all(&database.connection().await).await.unwrap()
}

async fn same<E: EntityTrait>(a: &TestDatabase, b: &TestDatabase)
where
    E::Model: PartialEq,
{
    let (there, here) = (rows::<E>(a).await, rows::<E>(b).await);
    assert!(!there.is_empty() && there == here, "{}", E::default().table_name());
}

#[tokio::test]
async fn copy_of_a_copy_equals_the_log() {
    let (source, middle, end) = (source().await, TestDatabase::sqlite(), TestCli::new().await);
    let ids = log_ids(&source.database).await;
    assert!(copy(&source.database, &middle).ok().starts_with("copied tenants 2, events 1340\n"));
    assert_eq!(log_ids(&source.database).await, ids, "the source did not change");
    assert!(log_ids(&middle).await.iter().all(|id| !ids.contains(id)), "the copy is another log");
    let ids = log_ids(&middle).await;
    assert!(move_to(&middle, &end.database).ok().starts_with("copied tenants 2, events 1340\n"));
    assert_eq!(log_ids(&end.database).await, ids, "the log moved");
    assert!(log_ids(&middle).await.iter().all(|id| !ids.contains(id)), "the source is another log");
    let (a, b) = (&source.database, &end.database);
    same::<tenant::Entity>(a, b).await;
    let heads = async |database| {
        let logs = rows::<tenant_log::Entity>(database).await.into_iter();
        logs.map(|log| tenant_log::Model { log_id: String::new(), ..log }).collect::<Vec<_>>()
    };
    assert_eq!(heads(a).await, heads(b).await);
    same::<term::Entity>(a, b).await;
    same::<audit_event::Entity>(a, b).await;
    same::<event_key::Entity>(a, b).await;
    same::<actor::Entity>(a, b).await;
    same::<target::Entity>(a, b).await;
    same::<event_target::Entity>(a, b).await;
    same::<property_change::Entity>(a, b).await;
    same::<activity_type::Entity>(a, b).await;
    for database in [a, &middle, b] {
        let verified = run(&["verify", "--database-url", &database.url]);
        assert_eq!(verified.ok(), "tenants 2, events 1340, differences 0");
    }
    // Recording continues in the copy.
    end.run(&["tenant", "add", "northwind"]).ok();
    record_for(&end.database.store().await, "northwind", 5).await;
    assert!(copy(&source.database, &end.database).refused().contains("the target is not empty"));
}

#[tokio::test]
async fn copy_serves_the_same_responses() {
    let source = source().await;
    let middle = TestDatabase::sqlite();
    copy(&source.database, &middle).ok();
    let (a, b) = (TestApp::over(source.database).await, TestApp::over(middle).await);
    let page = include_str!("../../documents/copy_serves_the_same_responses_page.graphql");
    let (there, here) = (a.admin().query(page).await, b.admin().query(page).await);
    assert_eq!(there.data("/auditEvents/nodes").as_array().unwrap().len(), 100);
    let without_cursor = |mut response: Response| {
        response.body["data"]["auditEventFeed"]["cursor"].take();
        response.body
    };
    // The cursor of a feed names the log.
    assert_ne!(there.data("/auditEventFeed/cursor"), here.data("/auditEventFeed/cursor"));
    assert_eq!(without_cursor(there), without_cursor(here));
}

#[tokio::test]
async fn aborted_copy_leaves_nothing() {
    let (source, target) = (source().await, TestCli::new().await);
    target.database.fail_from_sequence(900).await;
    assert!(copy(&source.database, &target.database).refused().starts_with("auditgraph: "));
    assert_eq!(target.run(&["tenant", "list"]).ok(), "");
    target.database.fail_no_more().await;
    assert_eq!(target.run(&["verify"]).ok(), "tenants 0, events 0, differences 0");
    copy(&source.database, &target.database).ok();
}

#[tokio::test]
async fn cursor_of_the_source_never_skips_events_of_the_copy() {
    let (source, copied, moved) = (source().await, TestDatabase::sqlite(), TestCli::new().await);
    let feed = async |database: &TestDatabase, cursor: Option<FeedCursor>| {
        let store = database.store().await;
        let tenant = store.tenant("contoso").await.unwrap().unwrap();
        access::operator_reader(&store, &tenant).feed(cursor, &Condition::everything(), 200).await
    };
    let cursor = async |database: &TestDatabase| {
        let store = database.store().await;
        let tenant = store.tenant("contoso").await.unwrap().unwrap();
        access::operator_reader(&store, &tenant).feed_head().await.unwrap()
    };
    let before = cursor(&source.database).await;
    copy(&source.database, &copied).ok();
    let expired = |page: Result<_, FeedError>| matches!(page, Err(FeedError::Restored { .. }));
    assert!(expired(feed(&copied, Some(before)).await), "the source may go on");
    // A log that moved continues in the copy, and nowhere else.
    move_to(&source.database, &moved.database).ok();
    assert!(expired(feed(&source.database, Some(before)).await));
    for database in [&source.database, &moved.database] {
        let store = database.store().await;
        let tenant = store.tenant("contoso").await.unwrap().unwrap();
        record(&access::operator_writer(&store, &tenant), [event("later")], NOW).await;
    }
    let page = feed(&moved.database, Some(before)).await.unwrap();
    assert_eq!(page.events.len(), 1);
    let after = cursor(&source.database).await;
    assert!(expired(feed(&moved.database, Some(after)).await));
}

#[tokio::test]
async fn copy_fails_if_the_source_changed_meanwhile() {
    for new_ids in [LogIds::New, LogIds::Moved] {
        let (source, target) = (source().await, TestCli::new().await);
        let ids = log_ids(&source.database).await;
        // Another process changes the source after its first tables were copied.
        let (url, is_changed) = (source.database.url.clone(), AtomicBool::new(false));
        let observer: Observer = Arc::new(move |sql, _, _| {
            if sql.contains("COUNT") && sql.contains("tenant_log") && !is_changed.swap(true, Ordering::SeqCst) {
                run(&["tenant", "add", "northwind", "--database-url", &url]).ok();
            }
        });
        let (from, to) = (source.database.observed(Some(observer)).await, target.database.store().await);
        let progress = RowProgress::default();
        let copied = from.copy_to(&to, new_ids, || uuid::Uuid::new_v4().to_string(), &progress).await;
        assert_eq!(progress.current().table, "activity_type", "the last table");
        assert!(progress.current().rows > 0);
        assert!(matches!(copied, Err(StoreError::SourceChanged)), "{copied:?}");
        assert_eq!(log_ids(&source.database).await[..ids.len()], ids);
        assert_eq!(target.run(&["tenant", "list"]).ok(), "");
    }
}

#[tokio::test]
async fn copy_needs_a_log_and_a_migrated_database() {
    let (source, empty) = (source().await, TestCli::unmigrated().await);
    let refused = run(&["copy", "--from", "sqlite://no/such.db", "--to", &empty.database.url]);
    assert!(refused.refused().contains("there is no log at no/such.db"), "{refused:?}");
    let refused = run(&["copy", "--from", &source.database.url, "--to", &source.database.url]);
    assert!(refused.refused().contains("the same"), "{refused:?}");
    if source.database.is_postgres() {
        assert!(copy(&source.database, &empty.database).refused().contains("run `auditgraph migrate`"));
    }
}

#[tokio::test]
async fn copy_covers_every_table() {
    let cli = TestCli::new().await;
    let sql = if cli.database.is_postgres() {
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()"
    } else {
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    };
    let mut found = texts(&cli.database.connection().await, sql).await;
    // Rollups behind the end of the log are rebuilt.
    found.retain(|name| name != "seaql_migrations" && !name.starts_with("rollup"));
    found.sort_unstable();
    let mut copied: Vec<&str> = COPIED_TABLES.to_vec();
    copied.sort_unstable();
    assert_eq!(found, copied);
}
