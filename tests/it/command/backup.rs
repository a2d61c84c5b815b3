//! `verify`, `backup` and `restore`.

use auditgraph::system;
use model::filter::Condition;
use sea_orm::ConnectionTrait as _;
use store::{FeedError, RecordOutcome, Store, StoreSettings};

use crate::harness::app::TestApp;
use crate::harness::cli::{TestCli, run};
use crate::harness::database::record;
use crate::harness::events::event;

/// Records events of `contoso` with keys from a range of numbers.
async fn record_some(store: &Store, keys: std::ops::Range<u32>) -> Vec<RecordOutcome> {
    let tenant = store.tenant("contoso").await.unwrap().unwrap();
    let events = keys.map(|key| event(&key.to_string()));
    record(&access::operator_writer(store, &tenant), events, system::now()).await
}

#[tokio::test]
async fn verify_reports_differences_and_fails() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    cli.run(&["tenant", "add", "fabrikam"]).ok();
    record_some(&cli.database.store().await, 0..40).await;
    assert_eq!(cli.run(&["verify"]).ok(), "tenants 2, events 40, differences 0");
    assert_eq!(cli.run(&["verify", "--tenant", "fabrikam"]).ok(), "tenants 1, events 0, differences 0");
    assert!(cli.run(&["verify", "--tenant", "unknown"]).refused().contains("there is no tenant `unknown`"));
    cli.database.execute("UPDATE audit_event SET category = category + 1 WHERE sequence > 30").await;
    let ended = cli.run(&["verify", "--differences-max", "3"]);
    let lines: Vec<&str> = ended.refused().lines().collect();
    let line = |n: u32| format!("contoso event {n}: audit_event.category does not match the body");
    assert_eq!(lines, [&line(31), &line(32), &line(33), "and 7 more"]);
    assert_eq!(ended.out, "tenants 2, events 40, differences 10\n");
    assert_eq!(cli.run(&["verify", "--tenant", "fabrikam"]).ok(), "tenants 1, events 0, differences 0");
}

#[tokio::test]
async fn verify_reports_an_index_without_some_of_its_rows() {
    let cli = TestCli::new().await;
    if cli.database.is_postgres() {
        return;
    }
    cli.run(&["tenant", "add", "contoso"]).ok();
    record_some(&cli.database.store().await, 0..40).await;
    // The index is built while its definition excludes rows; then the definition is put back.
    let redefine = |from: &str, to: &str| {
        format!(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, '{from}', '{to}') WHERE name = 'audit_event_actor'"
        )
    };
    let (whole, part) = ("sequence DESC)", "sequence DESC) WHERE sequence > 7");
    cli.database.execute(&redefine(whole, part)).await;
    cli.database.execute("REINDEX audit_event_actor").await;
    let narrowed = cli.run(&["verify"]);
    assert!(narrowed.refused().contains("index audit_event_actor differs from the schema"), "{narrowed:?}");
    cli.database.execute(&redefine(part, whole)).await;
    let ended = cli.run(&["verify"]);
    let expected = "database file fails the integrity check: row 1 missing from index audit_event_actor";
    assert!(ended.refused().contains(expected), "{ended:?}");
    assert_eq!(ended.out, "tenants 1, events 40, differences 8\n", "{ended:?}");
}

#[tokio::test]
async fn backup_of_a_served_log_is_restored_as_a_new_log() {
    let app = TestApp::start().await;
    if app.database.is_postgres() {
        return;
    }
    record_some(&app.store, 0..30).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (saved, brought_back) = (path("saved.db"), format!("sqlite://{}", path("new %3F.db").replace('%', "%25")));
    let on = |url: &str, arguments: &[&str]| run(&[arguments, &["--database-url", url]].concat());
    assert!(on(&app.database.url, &["backup", &saved]).ok().starts_with("saved "));
    let refused = on(&app.database.url, &["backup", &saved]);
    assert!(refused.refused().ends_with("saved.db exists already"), "{refused:?}");
    let ahead = access::operator_reader(&app.store, &app.tenant).feed_head().await.unwrap();
    record_some(&app.store, 30..40).await;

    assert!(on(&brought_back, &["restore", &saved]).ok().starts_with("logs 1, each with a new id"));
    assert!(on(&brought_back, &["restore", &saved]).refused().contains("exists already"));
    assert_eq!(on(&brought_back, &["verify"]).ok(), "tenants 1, events 30, differences 0");
    #[cfg(unix)]
    for file in [path("saved.db"), path("new %3F.db")] {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".auditgraph-")), "{left:?}");

    // The restored log is independent: a cursor of the old log is rejected.
    let store = Store::open(&StoreSettings { url: brought_back, ..app.database.settings() }, None).await.unwrap();
    let tenant = store.tenant("contoso").await.unwrap().unwrap();
    assert_eq!(record_some(&store, 29..31).await, [RecordOutcome::Duplicate, RecordOutcome::Recorded(31)]);
    let reader = access::operator_reader(&store, &tenant);
    let refused = reader.feed(Some(ahead), &Condition::everything(), 10).await;
    assert!(matches!(refused, Err(FeedError::Restored { .. })), "{refused:?}");
    assert_ne!(reader.feed_head().await.unwrap().log_id, ahead.log_id);
    let original = access::operator_reader(&app.store, &app.tenant);
    assert_eq!(original.feed_head().await.unwrap().log_id, ahead.log_id);
}

#[tokio::test]
async fn restore_rejects_files_that_are_not_a_log() {
    let cli = TestCli::new().await;
    let target = cli.file("a", "").with_file_name("target.db");
    let restore = |file: &str| {
        let url = format!("sqlite://{}", target.display());
        run(&["restore", file, "--database-url", &url])
    };
    let text = cli.file("text.db", "this is no database, but it is long enough to be looked at".repeat(100));
    assert!(restore(text.to_str().unwrap()).refused().contains("text.db cannot be restored"));
    let empty = cli.file("empty.db", "");
    let refused = restore(empty.to_str().unwrap());
    assert!(refused.refused().contains("the database is empty"), "{refused:?}");
    assert!(restore("no/such.db").refused().contains("cannot open no/such.db"));
    if !cli.database.is_postgres() {
        let saved = cli.file("b", "").with_file_name("saved.db");
        cli.run(&["backup", saved.to_str().unwrap()]).ok();
        let url = format!("sqlite://{}", saved.display());
        let connection = sea_orm::Database::connect(&url).await.unwrap();
        connection.execute_unprepared("INSERT INTO seaql_migrations VALUES ('m2999', 0)").await.unwrap();
        connection.close().await.unwrap();
        let refused = restore(saved.to_str().unwrap());
        assert!(refused.refused().contains("migrations that this version does not know"), "{refused:?}");
    }
    assert!(!target.exists());
}

#[tokio::test]
async fn log_restored_by_database_tools_gets_a_new_id() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let store = cli.database.store().await;
    record_some(&store, 0..3).await;
    let tenant = store.tenant("contoso").await.unwrap().unwrap();
    let reader = access::operator_reader(&store, &tenant);
    let before = reader.feed_head().await.unwrap();
    assert!(cli.run(&["restore", "--in-place"]).ok().starts_with("logs 1, each with a new id"));
    let now = reader.feed_head().await.unwrap();
    assert!(now.log_id != before.log_id && now.sequence == before.sequence);
    assert_eq!(cli.run(&["verify"]).ok(), "tenants 1, events 3, differences 0");
}

#[tokio::test]
async fn backup_of_postgresql_names_its_tools() {
    let url = "postgres://unknown:hush@127.0.0.1:1/none";
    let refused = run(&["backup", "copy.dump", "--database-url", url]);
    assert!(refused.refused().contains("pg_dump --format=custom --file=copy.dump"), "{refused:?}");
    let refused = run(&["restore", "copy.dump", "--database-url", url]);
    assert!(refused.refused().contains("pg_restore") && refused.err.contains("--in-place"), "{refused:?}");
    let bare = run(&["restore"]);
    assert!(bare.code == Some(2) && bare.err.contains("<FILE|--in-place>"), "{bare:?}");
    let refused = run(&["backup", "copy.db", "--database-url", "sqlite://no/such.db"]);
    assert!(refused.refused().contains("there is no log at no/such.db"), "{refused:?}");
    // A mistyped name does not create a log.
    for command in [&["restore", "--in-place"][..], &["tenant", "list"], &["tenant", "disable", "contoso"]] {
        let refused = run(&[command, &["--database-url", "sqlite://no/such.db"]].concat());
        assert!(refused.refused().contains("there is no log at no/such.db"), "{refused:?}");
    }
}
