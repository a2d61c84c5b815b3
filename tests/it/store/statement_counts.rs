//! Number of statements: one per page, and more only for additional fields.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use access::{AccessControl, ApiKeys};
use api::engine::Engine;
use api::engine::document::Document;
use api::engine::persisted::PersistedQueries;
use async_graphql::Value;
use auth::{Principal, Role, RoleGrant};
use futures_util::StreamExt as _;
use model::filter::{Condition, EventString, StringCondition, TimeRange};
use model::page::{Cursor, Order, Page};
use model::sensitive::SensitiveNames;
use model::{EventId, Timestamp};
use store::{EventQuery, Reader, RecordQueue};

use crate::harness::api_keys;
use crate::harness::database::{NOW, Statements, TestLog, events};
use crate::harness::events::{EventExt as _, change, event, target};

/// Ten events of several targets and changes, a second apart.
async fn filled() -> (TestLog, Statements) {
    let statements = Statements::default();
    let log = TestLog::observed(Some(statements.observer())).await;
    let one = |i: i64| {
        let targets = vec![target("Bob"), target("Eve"), target("Mallory")];
        let category = if i % 2 == 0 { "Even" } else { "Odd" };
        let body = event(&format!("k{i}")).at(Timestamp(NOW.0 - i * 1_000_000)).targets(targets);
        body.service("Core Directory", category).change(change("a", None, Some("1"))).change(change("b", None, None))
    };
    log.record((0..10).map(one)).await;
    statements.take();
    (log, statements)
}

fn page(from_end: bool, after: Option<Cursor>, before: Option<Cursor>) -> Page {
    Page { limit: 3, from_end, after, before, order: Order::NEWEST, window: None }
}

fn everything() -> EventQuery {
    EventQuery {
        condition: Condition::everything(),
        period: TimeRange { from: Some(Timestamp(0)), to: None },
        as_of: None,
    }
}

async fn read(reader: &Reader, list: &EventQuery, page: Page) -> (Vec<String>, Cursor) {
    let slice = events(reader, list, &page).await.unwrap();
    let keys = slice.rows.iter().map(|(_, event)| event.body.event_key.clone()).collect();
    (keys, slice.rows.last().unwrap().0)
}

#[tokio::test]
async fn a_page_is_one_statement() {
    let (log, statements) = filled().await;
    let (reader, list) = (log.reader(), everything());
    let (keys, third) = read(&reader, &list, page(false, None, None)).await;
    assert_eq!(keys, ["k0", "k1", "k2"]);
    assert_eq!(statements.take().len(), 1);
    let (keys, sixth) = read(&reader, &list, page(false, Some(third), None)).await;
    assert_eq!(keys, ["k3", "k4", "k5"]);
    assert_eq!(statements.take().len(), 1);
    assert_eq!(read(&reader, &list, page(true, None, Some(sixth))).await.0, ["k2", "k3", "k4"]);
    assert_eq!(statements.take().len(), 1);
    assert_eq!(read(&reader, &list, page(true, None, None)).await.0, ["k7", "k8", "k9"]);
    assert_eq!(statements.take().len(), 1);
}

#[tokio::test]
async fn cursor_outside_the_list_costs_one_probe() {
    let (log, statements) = filled().await;
    let (_, third) = read(&log.reader(), &everything(), page(false, None, None)).await;
    let one_of = Some(BTreeSet::from(["odd".to_owned()]));
    let condition = Condition::String(EventString::Category, StringCondition { one_of, ..StringCondition::default() });
    let odd = EventQuery { condition, ..everything() };
    statements.take();
    let (keys, _) = read(&log.reader(), &odd, page(false, Some(third), None)).await;
    assert_eq!(keys, ["k3", "k5", "k7"]);
    assert_eq!(statements.take().len(), 2);
}

#[tokio::test]
async fn nodes_take_one_statement_and_counting_one_more() {
    let (log, statements) = filled().await;
    let ids: Vec<EventId> = (0..12).map(|i| EventId::of("core directory", &format!("k{i}"))).collect();
    let found = log.reader().events_by_id(&ids).await.unwrap();
    assert_eq!(found.iter().flatten().count(), 10);
    assert_eq!(found[3].as_ref().unwrap().body.event_key, "k3");
    assert_eq!(statements.take().len(), 1);
    assert!(log.reader().events_by_id(&[]).await.unwrap().is_empty());
    assert_eq!(statements.take().len(), 0);
    assert_eq!(log.reader().count(&everything()).await.unwrap(), 10);
    assert_eq!(log.reader().count_up_to(&everything(), 4).await.unwrap(), (4, false));
    assert_eq!(statements.take().len(), 2);
    assert_eq!(log.reader().actors("ada", 5).await.unwrap().len(), 1);
    assert_eq!(statements.take().len(), 1);
}

#[tokio::test]
async fn batch_takes_as_many_statements_as_one_event() {
    let (log, statements) = filled().await;
    log.record([event("first of its activity")]).await;
    statements.take();
    log.record([event("one")]).await;
    let single = statements.take().len();
    log.record((0..100).map(|i| event(&format!("many {i}")))).await;
    assert_eq!(statements.take().len(), single);
}

#[tokio::test]
async fn api_key_is_looked_up_once_for_many_requests() {
    let (log, statements) = filled().await;
    let key = api_keys::create(&log.store, &log.tenant, api_keys::grants(&["audit/read"]), None).await;
    let keys = ApiKeys::new(log.store.clone(), Vec::new());
    statements.take();
    let address = IpAddr::from([127, 0, 0, 1]);
    for _ in 0..1_000 {
        keys.verify(&key.secret, address, NOW).await.unwrap();
    }
    // On a busy machine, the key may have been looked up again.
    assert!((1..10).contains(&statements.take().len()));
    let mistyped = key.secret.replace("agk_0", "agk_1");
    assert!(keys.verify(&mistyped, address, NOW).await.is_err());
    assert_eq!(statements.take(), [""; 0], "the checksum suffices");
}

/// The library executes a field once per fragment, and merges the results by path.
#[tokio::test]
async fn page_of_several_fragments_is_read_once() {
    let (log, statements) = filled().await;
    let queue = RecordQueue::start(log.store.clone(), Arc::new(|| NOW));
    let access = AccessControl::new(
        log.store.clone(),
        queue,
        SensitiveNames::default(),
        store::ConnectionShares::new(4),
        access::RandomSource { ids: Arc::new(String::new), secrets: Arc::new(|| [0; 32]) },
    );
    let principal = Principal {
        issuer: None,
        subject: "test-user".to_owned(),
        user_principal_name: None,
        display_name: None,
        tenant: log.tenant.key.clone(),
        client_id: None,
        object_id: None,
        is_application: false,
        grants: vec![RoleGrant { role: Role::GlobalAdmin, services: None, sees_sensitive: true }],
        record: None,
        administers: false,
        expires_at: Some(NOW),
    };
    let caller = access.caller(Arc::new(principal)).await.unwrap();
    let visit = Arc::new(caller.access_record(None, "", "", NOW));
    statements.take();
    let limits = crate::documents::LIMITS;
    let engine = Engine::new(limits, PersistedQueries::new(None, 0));
    let query = include_str!("../../documents/page_of_several_fragments_is_read_once.graphql");
    let executable = engine.prepare_internal(&Document::internal(query).unwrap(), serde_json::Map::new()).unwrap();
    let session = Arc::new(api::Session::new(caller, visit, NOW));
    let response = engine.execute_stream(executable, session).boxed().next().await.unwrap();
    assert_eq!(response.errors, Vec::new());
    let Value::Object(data) = response.data else { panic!("no data") };
    let Some(Value::Object(page)) = data.get("auditEvents") else { panic!("no page") };
    let Some(Value::Binary(nodes)) = page.get("nodes") else { panic!("not written") };
    let nodes: serde_json::Value = serde_json::from_slice(nodes).unwrap();
    assert_eq!(nodes[2]["eventKey"], "k2");
    assert!(nodes[2]["id"].is_string());
    assert_eq!(page.get("pageInfo").unwrap().to_string(), "{hasNextPage: true}");
    assert_eq!(statements.take().len(), 2, "one for each list");
}
