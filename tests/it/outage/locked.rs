//! Another process holds a lock that recording needs: it waits up to the timeout, and other tenants are unaffected.

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, TransactionTrait as _};

use super::{assert_unavailable, mutate, post, recorder};
use crate::harness::app::TestApp;
use crate::harness::database::numbers;
use crate::harness::wait::wait_until;

/// Takes the lock that every recording in the log of the first tenant needs.
async fn hold(app: &TestApp, connection: &DatabaseConnection) -> Option<DatabaseTransaction> {
    if app.database.is_postgres() {
        let transaction = connection.begin().await.unwrap();
        transaction.execute_unprepared("SELECT 1 FROM tenant_log WHERE tenant_id = 1 FOR UPDATE").await.unwrap();
        return Some(transaction);
    }
    connection.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    None
}

async fn let_go(connection: &DatabaseConnection, held: Option<DatabaseTransaction>) {
    match held {
        Some(transaction) => transaction.rollback().await.unwrap(),
        None => {
            connection.execute_unprepared("ROLLBACK").await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locked_log_is_unavailable_after_the_timeout() {
    let app = TestApp::start_with(&["--record-timeout-ms", "2000"]).await;
    let client = recorder(&app.url, "contoso");
    let connection = app.database.single_connection().await;
    let held = hold(&app, &connection).await;
    let (by_rest, by_graphql) = tokio::join!(post(&client, &["a", "b"]), mutate(&client, "c"));
    assert_unavailable(&by_rest);
    for response in [&by_rest, &by_graphql] {
        assert!(response.error().1.starts_with("the database is locked"), "{}", response.text);
    }
    assert_eq!(by_graphql.error().0, "UNAVAILABLE", "{}", by_graphql.text);
    assert_eq!(app.admin().keys(serde_json::json!({})).await, Vec::<String>::new(), "reading goes on");
    let_go(&connection, held).await;
    wait_until("recording succeeds", async || post(&client, &["a", "b"]).await.status == 201).await;
    assert_eq!(numbers(&connection, "SELECT last_sequence FROM tenant_log").await, [2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recording_waits_for_a_lock_that_is_released_in_time() {
    let app = TestApp::start().await;
    let client = recorder(&app.url, "contoso");
    let connection = app.database.single_connection().await;
    let held = hold(&app, &connection).await;
    let waiting = tokio::spawn(async move { post(&client, &["d"]).await });
    if app.database.is_postgres() {
        wait_until("recording waits for a lock", async || app.database.is_waited_for().await).await;
        assert!(!waiting.is_finished());
    }
    let_go(&connection, held).await;
    assert_eq!(waiting.await.unwrap().status, 201);
    assert_eq!(numbers(&connection, "SELECT last_sequence FROM tenant_log").await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocked_tenant_does_not_block_another() {
    let app = TestApp::start().await;
    if !app.database.is_postgres() {
        return;
    }
    app.add_tenant("fabrikam").await;
    let connection = app.database.single_connection().await;
    let held = hold(&app, &connection).await;
    let (blocked, other) = (recorder(&app.url, "contoso"), recorder(&app.url, "fabrikam"));
    let waiting = tokio::spawn(async move { post(&blocked, &["a"]).await });
    wait_until("recording waits for a lock", async || app.database.is_waited_for().await).await;
    for i in 0..10 {
        assert_eq!(post(&other, &[&format!("k{i}")]).await.status, 201);
    }
    assert!(!waiting.is_finished());
    let_go(&connection, held).await;
    assert_eq!(waiting.await.unwrap().status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_is_cancelled_when_the_client_disconnects() {
    let app = TestApp::start().await;
    let metrics = async |series: &str| {
        let all = reqwest::get(&app.metrics_url).await.unwrap().text().await.unwrap();
        all.lines().any(|line| line == series)
    };
    let connection = app.database.single_connection().await;
    let held = hold(&app, &connection).await;
    let client = recorder(&app.url, "contoso");
    let waiting = tokio::spawn(async move { post(&client, &["a"]).await });
    wait_until("the request is running", async || metrics("auditgraph_requests_in_flight 1").await).await;
    waiting.abort();
    wait_until("the request has ended", async || metrics("auditgraph_requests_in_flight 0").await).await;
    assert!(metrics(r#"auditgraph_requests_total{field="/v1/events",code="CANCELLED"} 1"#).await);
    let_go(&connection, held).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlock_victim_is_retried() {
    let app = TestApp::start().await;
    if !app.database.is_postgres() {
        return;
    }
    let client = recorder(&app.url, "contoso");
    assert_eq!(post(&client, &["a"]).await.status, 201);
    // The test locks a key that recording needs next, then waits for the head row that recording has locked.
    let connection = app.database.single_connection().await;
    let transaction = connection.begin().await.unwrap();
    transaction.execute_unprepared("SET LOCAL deadlock_timeout = '100s'").await.unwrap();
    let key = model::EventId::of("Contoso Payroll", "b").0.map(|byte| format!("{byte:02x}")).concat();
    let held = format!("INSERT INTO event_key VALUES (99, 1, '\\x{key}', '\\x00')");
    transaction.execute_unprepared(&held).await.unwrap();
    let recording = tokio::spawn(async move { post(&client, &["b", "c"]).await });
    wait_until("recording waits for a lock", async || app.database.is_waited_for().await).await;
    transaction.execute_unprepared("SELECT 1 FROM tenant_log WHERE tenant_id = 1 FOR UPDATE").await.unwrap();
    assert!(!recording.is_finished());
    transaction.rollback().await.unwrap();
    let response = recording.await.unwrap();
    assert_eq!(response.body["recordedCount"], 2, "{}", response.text);
    assert_eq!(numbers(&connection, "SELECT sequence FROM audit_event ORDER BY 1").await, [1, 2, 3]);
}
