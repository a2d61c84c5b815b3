//! The database is unreachable: it refuses connections, drops them, or does not respond.

use std::time::{Duration, Instant};

use model::EventId;

use super::{SHORT_TIMEOUTS, assert_unavailable, is_ready, mutate, post, recorder};
use crate::harness::app::TestApp;
use crate::harness::database::{TestDatabase, numbers};
use crate::harness::database_proxy::{Proxy, ProxyMode};
use crate::harness::wait::wait_until;

/// Longest time to a response while the database does not respond: above the timeouts of [`SHORT_TIMEOUTS`] and of a
/// connection attempt, far below those of TCP.
const RESPONSE_TIME_MAX: Duration = Duration::from_secs(30);
const LIST: &str = "{ auditEvents(occurredAt: { window: ALL }) { nodes { eventKey } } }";

/// A server with a proxy in front of its database. `None` on SQLite.
async fn wired() -> Option<(TestApp, Proxy)> {
    let database = TestDatabase::new().await;
    if !database.is_postgres() {
        return None;
    }
    let proxy = Proxy::start(&database.url).await;
    let url = proxy.url(&database.url);
    Some((TestApp::start_over(database, &url, &SHORT_TIMEOUTS).await, proxy))
}

async fn goes_away_and_comes_back(wire: ProxyMode) {
    let Some((app, proxy)) = wired().await else { return };
    let client = recorder(&app.url, "contoso");
    wait_until("recording succeeds", async || post(&client, &["before"]).await.status != 503).await;
    wait_until("the server is ready", async || is_ready(&client).await).await;
    proxy.set(wire);
    // More requests than connections, so that every stale connection is used.
    for i in 0..12 {
        let started = Instant::now();
        let response = post(&client, &[&format!("during {i}"), "during"]).await;
        assert_unavailable(&response);
        assert!(started.elapsed() < RESPONSE_TIME_MAX, "{:?}", started.elapsed());
    }
    assert_eq!(mutate(&client, "during").await.error().0, "UNAVAILABLE");
    let response = app.admin().query(LIST).await;
    assert!(["UNAVAILABLE", "TIMEOUT"].contains(&response.error().0), "{}", response.text);
    // The result of the readiness check is cached for a short time.
    wait_until("the server is not ready", async || !is_ready(&client).await).await;
    proxy.set(ProxyMode::Open);
    wait_until("the server is ready", async || is_ready(&client).await).await;
    wait_until("recording succeeds", async || post(&client, &["after"]).await.status != 503).await;
    wait_until("reading succeeds", async || app.admin().query(LIST).await.body.get("errors").is_none()).await;
    let connection = app.database.connection().await;
    // Requests during the outage were recorded completely or not at all, and once.
    let key = |key| EventId::of("Contoso Payroll", key).0.map(|byte| format!("{byte:02x}")).concat();
    let whole = format!(
        "SELECT COUNT(*) FROM audit_event e JOIN event_key k ON k.tenant_id = e.tenant_id AND k.sequence = e.sequence
         WHERE k.key_hash IN ('\\x{}', '\\x{}')",
        key("before"),
        key("after")
    );
    assert_eq!(numbers(&connection, &whole).await, [2]);
    let dense = "SELECT MAX(sequence) - COUNT(*) FROM audit_event";
    assert_eq!(numbers(&connection, dense).await, [0]);
    assert_eq!(post(&client, &["before", "after"]).await.body["duplicateCount"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_database_connection_is_unavailable_and_recovers() {
    goes_away_and_comes_back(ProxyMode::Cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unresponsive_database_is_unavailable_in_bounded_time_and_recovers() {
    goes_away_and_comes_back(ProxyMode::Silent).await;
}
