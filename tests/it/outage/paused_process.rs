//! Another process is suspended while it records and holds the lock of a tenant.

use sea_orm::{ConnectionTrait as _, TransactionTrait as _};

use super::{post, recorder};
use crate::harness::cli::TestCli;
use crate::harness::database::numbers;
use crate::harness::wait::wait_until;

/// Timeout of recording. A lock holder that is idle loses the lock after half of it.
const RECORD_TIMEOUT_MS: &str = "8000";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paused_process_blocks_a_tenant_only_until_the_timeout() {
    let cli = TestCli::new().await;
    if !cli.database.is_postgres() {
        return;
    }
    cli.run(&["tenant", "add", "contoso"]).ok();
    let serve = || cli.serve(&["--record-timeout-ms", RECORD_TIMEOUT_MS]);
    let ((first, url), (second, second_url)) = (serve(), serve());
    // The second server waits for a key that the test has locked, while it holds the head row of the log.
    let connection = cli.database.single_connection().await;
    let transaction = connection.begin().await.unwrap();
    let key = model::EventId::of("Contoso Payroll", "a").0.map(|byte| format!("{byte:02x}")).concat();
    let held = format!("INSERT INTO event_key VALUES (99, 1, '\\x{key}', '\\x00')");
    transaction.execute_unprepared(&held).await.unwrap();
    let paused = recorder(&second_url, "contoso");
    let paused = tokio::spawn(async move { post(&paused, &["a", "b"]).await });
    wait_until("recording waits for a lock", async || cli.database.is_waited_for().await).await;
    second.signal("-STOP");
    transaction.rollback().await.unwrap();
    let client = recorder(&url, "contoso");
    // Succeeds only if the lock is free before the timeout of recording.
    let response = post(&client, &["c"]).await;
    assert_eq!(response.status, 201, "{}", response.text);
    // Once resumed, the second server has lost its transaction and reports an error; nothing was recorded.
    second.signal("-CONT");
    assert_eq!(paused.await.unwrap().status, 503);
    let again = post(&recorder(&second_url, "contoso"), &["a", "b"]).await;
    assert_eq!(again.status, 201, "{}", again.text);
    drop((first, second));
    assert_eq!(numbers(&connection, "SELECT sequence FROM audit_event ORDER BY 1").await, [1, 2, 3]);
}
