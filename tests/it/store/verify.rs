//! `verify` finds no difference in an intact log, and reports every manual change.

use proptest::test_runner::TestRunner;
use store::Difference;

use super::arbitrary::bodies;
use crate::harness::database::{NOW, TestLog};
use crate::harness::events::{EventExt as _, change, event, target};

async fn differences(log: &TestLog) -> Vec<Difference> {
    let mut found = Vec::new();
    log.store.verify(&log.tenant, &mut |difference| found.push(difference)).await.unwrap();
    found
}

/// A log of five events in two transactions, with targets and changes.
async fn log() -> TestLog {
    let log = TestLog::new().await;
    let one = |key: &str, name: &str| {
        let targets = vec![target("Bob"), target(name)];
        event(key).targets(targets).change(change("Department", Some("\"IT\""), Some("\"HR\"")))
    };
    log.record([one("1", "Carla"), one("2", "Dora"), one("3", "Carla")]).await;
    log.record([one("4", "Eve").activity("Update user"), one("5", "Carla").at(NOW)]).await;
    log
}

/// Runs statements on the database, checks the report of `verify`, and restores the tables.
async fn after(log: &TestLog, damage: &[&str]) -> Vec<String> {
    let tables = ["tenant_log", "audit_event", "event_key", "actor", "target", "event_target", "property_change"];
    let tables = tables
        .into_iter()
        .chain(["activity_type", "rollup", "rollup_key", "rollup_block"])
        .filter(|table| damage.join(" ").contains(table));
    let tables: Vec<&str> = tables.collect();
    for table in &tables {
        log.database.execute(&format!("CREATE TABLE saved_{table} AS SELECT * FROM {table}")).await;
    }
    for statement in damage {
        log.database.execute(statement).await;
    }
    let found = differences(log).await;
    for table in tables {
        log.database.execute(&format!("DELETE FROM {table}")).await;
        log.database.execute(&format!("INSERT INTO {table} SELECT * FROM saved_{table}")).await;
        log.database.execute(&format!("DROP TABLE saved_{table}")).await;
    }
    found
        .into_iter()
        .map(|found| {
            let position = found.sequence.map(|sequence| format!("{sequence} ")).unwrap_or_default();
            format!("{position}{}.{} {}", found.table, found.column, found.reason)
        })
        .collect()
}

#[tokio::test]
async fn verify_finds_no_difference_in_an_intact_log() {
    let log = TestLog::new().await;
    for batch in bodies(&mut TestRunner::default(), "k", 700).chunks(90) {
        log.record(batch.to_vec()).await;
    }
    assert_eq!(differences(&log).await, []);
    assert_eq!(differences(&self::log().await).await, []);
    assert_eq!(differences(&TestLog::new().await).await, []);
}

#[tokio::test]
async fn verify_reports_wrong_sums() {
    let log = log().await;
    log.store.roll_up(2).await.unwrap();
    assert_eq!(differences(&log).await, []);
    let wrong = "rollup.events does not match the events";
    for (damage, expected) in [
        ("UPDATE rollup SET events = events + 1000 WHERE block = 2 AND grain = 1", vec![wrong]),
        ("UPDATE rollup SET newest = 1 WHERE block = 2 AND grain = 2", vec![wrong]),
        ("UPDATE rollup_key SET status = 'FAILURE' WHERE status <> ''", vec![wrong]),
        ("DELETE FROM rollup_key", vec![wrong]),
        (
            "DELETE FROM rollup WHERE block = 1 AND grain = 0",
            vec!["2 rollup.events rows of the block that ends here are missing"],
        ),
        ("UPDATE rollup SET starts_at = 0 WHERE block = 1 AND grain = 0", vec!["rollup.block has rows without events"]),
        (
            "UPDATE rollup_block SET last_sequence = 9 WHERE block = 2",
            vec!["rollup_block.last_sequence does not continue the previous block"],
        ),
        (
            "DELETE FROM rollup_block WHERE block = 1",
            vec!["rollup_block.last_sequence does not continue the previous block"],
        ),
    ] {
        let found = after(&log, &[damage]).await;
        for expected in expected {
            assert!(found.iter().any(|line| line.ends_with(expected)), "{damage}: {found:?}");
        }
    }
    assert_eq!(differences(&log).await, []);
}

#[tokio::test]
async fn verify_reports_a_log_without_tenant() {
    let log = log().await;
    let owners = async || {
        let mut found = Vec::new();
        log.store.verify_owners(&mut |difference| found.push(difference.reason)).await.unwrap();
        found
    };
    assert_eq!(owners().await, Vec::<String>::new());
    // Other tools may ignore foreign keys.
    if log.database.is_postgres() {
        return;
    }
    log.database.execute("PRAGMA foreign_keys = OFF; DELETE FROM tenant").await;
    assert_eq!(owners().await, ["row of a log with 5 events is missing"]);
}

#[tokio::test]
async fn verify_reports_every_column_that_differs_from_the_body() {
    let log = log().await;
    let bytes = if log.database.is_postgres() { "'\\x00'::bytea" } else { "x'00'" };
    #[rustfmt::skip]
    let texts = [
        ("audit_event", &["service", "component", "category", "activity_key", "activity_name", "resource_type",
            "operation_type", "group_source", "status", "actor_key", "application_id", "ip_address", "correlation_key",
            "event_key", "recorded_by", "recorded_via"][..]),
        ("event_target", &["target_key"]),
        ("property_change", &["name_key", "change"]),
        ("actor", &["key", "service", "kind", "object_id", "user_principal_name", "display_name",
            "service_principal_name", "application_id", "application_name"]),
        ("target", &["key", "service", "type", "object_id", "user_principal_name", "display_name", "application_id"]),
        ("activity_type", &["activity", "display_name", "resource_type", "operation_type"]),
    ];
    #[rustfmt::skip]
    let numbers = [
        ("audit_event", &["occurred_at", "actor_id"][..]),
        ("event_target", &["occurred_at", "target_id", "is_first"]),
        ("property_change", &["occurred_at", "target_ordinal", "sensitive", "is_first"]),
        ("activity_type", &["first_seen_at", "last_seen_at", "event_count"]),
        ("tenant_log", &["last_sequence", "last_recorded_at", "activity_type_count", "uncatalogued_count"]),
    ];
    let hashes = [
        ("event_key", &["content_hash"][..]),
        ("property_change", &["old_hash", "new_hash"]),
        ("actor", &["fingerprint"]),
        ("target", &["fingerprint"]),
    ];
    let changes = (texts.iter().map(|list| (list, "{} || 'x'")))
        .chain(numbers.iter().map(|list| (list, "{} + 7")))
        .chain(hashes.iter().map(|list| (list, bytes)));
    for ((table, columns), change) in changes {
        let one = match *table {
            "audit_event" | "event_target" | "property_change" => "sequence = 3",
            "event_key" => "sequence = 2",
            "actor" | "target" => "id = 1",
            "activity_type" => "activity_key = 'update user'",
            _ => "1 = 1",
        };
        for column in *columns {
            let sql = format!("UPDATE {table} SET {column} = {} WHERE {one}", change.replace("{}", column));
            let found = after(&log, &[&sql]).await;
            let named = found.iter().filter(|line| line.contains(&format!("{table}.{column} "))).count();
            assert!(named > 0, "{sql}: {found:?}");
            let all_of_it = found.iter().all(|line| line.contains(&format!("{table}.")) || line.contains(".id "));
            assert!(all_of_it, "{sql}: {found:?}");
        }
    }
    assert_eq!(differences(&log).await, []);
}

#[tokio::test]
async fn verify_reports_missing_and_extra_rows() {
    let log = log().await;
    let check = async |damage: &[&str], expected: &[&str]| {
        let found = after(&log, damage).await;
        for line in expected {
            assert!(found.iter().any(|found| found.starts_with(line)), "{damage:?}: {line} is not in {found:#?}");
        }
    };
    let gone = |table: &str, row: &str| format!("DELETE FROM {table} WHERE {row}");
    let copied = |table: &str, columns: &str, row: &str| {
        format!("INSERT INTO {table} SELECT {columns} FROM {table} WHERE {row}")
    };
    check(
        &[&gone("audit_event", "sequence = 3")],
        &[
            "3 audit_event.sequence gap of 1",
            "3 event_key.key_hash belongs to no event",
            "3 event_target.ordinal part 0 is not in the event",
            "3 property_change.ordinal part 0 is not in the event",
            "activity_type.event_count (`add user`",
        ],
    )
    .await;
    check(&[&gone("audit_event", "sequence = 5")], &["tenant_log.last_sequence", "5 event_target.ordinal part 1"])
        .await;
    check(&[&gone("event_key", "sequence = 2")], &["2 event_key.key_hash row is missing"]).await;
    check(
        &[&gone("event_target", "sequence = 2 AND ordinal = 1")],
        &["2 event_target.ordinal row of part 1 is missing"],
    )
    .await;
    check(&[&gone("property_change", "sequence = 2")], &["2 property_change.ordinal row of part 0 is missing"]).await;
    check(&[&gone("actor", "id = 1")], &["1 actor.id row with id 1 is missing"]).await;
    check(&[&gone("target", "id = 1")], &["1 target.id row with id 1 is missing"]).await;
    check(
        &[&gone("activity_type", "activity_key = 'update user'")],
        &["tenant_log.activity_type_count", "tenant_log.uncatalogued_count"],
    )
    .await;
    let bytes = if log.database.is_postgres() { "'\\x00'::bytea" } else { "x'00'" };
    check(
        &[&copied("event_key", &format!("tenant_id, {bytes}, sequence, content_hash, input_hash"), "sequence = 2")],
        &["2 event_key.key_hash belongs to no event"],
    )
    .await;
    let columns = "tenant_id, sequence, 9, occurred_at, target_id, target_key, is_first";
    check(&[&copied("event_target", columns, "sequence = 2 AND ordinal = 0")], &["2 event_target.ordinal part 9"])
        .await;
    let columns = "tenant_id, 77, ordinal, occurred_at, target_id, target_key, is_first";
    check(&[&copied("event_target", columns, "sequence = 2 AND ordinal = 0")], &["77 event_target.ordinal part 0"])
        .await;
    let columns = format!(
        "tenant_id, 99, {bytes}, key, service, kind, object_id, user_principal_name, display_name, \
         service_principal_name, application_id, application_name"
    );
    check(
        &[&copied("actor", &columns, "id = 1")],
        &["actor.id 99 belongs to no event", "tenant_log.last_actor_id is less than 99"],
    )
    .await;
    assert_eq!(differences(&log).await, []);
}

#[tokio::test]
async fn verify_checks_bodies_and_recording_order() {
    let log = log().await;
    let found = after(&log, &["UPDATE audit_event SET body = 'no' WHERE sequence = 4"]).await;
    assert!(found.contains(&"4 audit_event.body cannot be decoded".to_owned()), "{found:?}");
    let found = after(&log, &["UPDATE audit_event SET body_format = 7 WHERE sequence = 4"]).await;
    assert!(found.contains(&"4 audit_event.body_format is unknown".to_owned()), "{found:?}");
    let sql = "UPDATE audit_event SET body = replace(body, 'ada@', 'eva@') WHERE sequence = 4";
    let found = after(&log, &[sql]).await;
    assert!(found.contains(&"4 audit_event.actor_key does not match the body".to_owned()), "{found:?}");
    let found = after(&log, &["UPDATE audit_event SET recorded_at = recorded_at - 1 WHERE sequence = 2"]).await;
    assert_eq!(found, ["2 audit_event.recorded_at is earlier than that of the previous event"]);
    let other = log.store.add_tenant("fabrikam", "Fabrikam", &[], "b".to_owned()).await.unwrap();
    assert_eq!(log.store.verify(&other, &mut |_| panic!("nothing is there")).await.unwrap(), 0);
}
