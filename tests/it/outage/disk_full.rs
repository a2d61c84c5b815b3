//! The disk is full: recording fails, reading works, and recording resumes once there is space.

use std::process::{Command, Stdio};

use super::{assert_unavailable, is_ready, post, recorder};
use crate::harness::app::SECRET;
use crate::harness::cli::{Running, TestCli, program};
use crate::harness::client::Client;
use crate::harness::database::numbers;

/// Limits the file size of a process in bytes, which has the effect of a full disk for any user.
fn limit_files(pid: u32, bytes: &str) {
    let limit = format!("--fsize={bytes}:");
    let set = Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status().unwrap();
    assert!(set.success());
}

#[tokio::test]
async fn full_disk_is_reported_and_no_batch_is_partial() {
    let cli = TestCli::new().await;
    if cli.database.is_postgres() {
        return;
    }
    cli.run(&["tenant", "add", "contoso"]).ok();
    let server = program(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--jwt-secret",
        SECRET,
        "--log",
        "info",
        "--database-url",
        &cli.database.url,
    ]);
    // Otherwise SIGXFSZ ends the process.
    let mut ignoring = Command::new("sh");
    ignoring.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(server.get_program()).args(server.get_args());
    ignoring.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    for (name, value) in server.get_envs() {
        match value {
            Some(value) => ignoring.env(name, value),
            None => ignoring.env_remove(name),
        };
    }
    let mut server = Running::start(ignoring);
    let url = server.address();
    let client = recorder(&url, "contoso");
    assert_eq!(post(&client, &["first"]).await.status, 201);
    limit_files(server.id(), "2000000");
    let mut recorded = 1;
    let refused = loop {
        let keys: Vec<String> = (0..100).map(|i| format!("{recorded}-{i}")).collect();
        let response = post(&client, &keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
        if response.status != 201 {
            break response;
        }
        recorded += 100;
    };
    assert_unavailable(&refused);
    assert!(recorded > 100, "{recorded}");
    // Smaller batches may still fit; if acknowledged, they must persist.
    for i in 0..30 {
        let response = post(&client, &[&format!("small {i}")]).await;
        if response.status == 201 {
            recorded += 1;
        } else {
            assert_unavailable(&response);
        }
    }
    assert!(is_ready(&client).await, "recorded events are readable");
    let counted = Client::new(&url)
        .role("GLOBAL_ADMIN")
        .query("{ auditEvents(occurredAt: { window: ALL }) { totalCount } }")
        .await;
    assert_eq!(*counted.data("/auditEvents/totalCount"), recorded);
    limit_files(server.id(), "unlimited");
    assert_eq!(post(&client, &["more"]).await.status, 201);
    drop(server);
    let connection = cli.database.connection().await;
    assert_eq!(numbers(&connection, "SELECT COUNT(*) - MAX(sequence) FROM audit_event").await, [0]);
    assert_eq!(numbers(&connection, "SELECT COUNT(*) FROM event_key").await, [recorded + 1]);
    assert_eq!(numbers(&connection, "SELECT COUNT(*) FROM event_target").await, [recorded + 1]);
}
