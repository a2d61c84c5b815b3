//! `verify` finds no difference in an intact log, and reports every manual change.

use proptest::test_runner::TestRunner;
use store::{Difference, RowProgress, TableProgress};

use super::arbitrary::bodies;
use crate::harness::database::{NOW, TestLog};
use crate::harness::events::{EventExt as _, change, event, target};

/// The last line of a report if an event cannot be read.
const INCOMPLETE: &str =
    "tenant_log does not allow a comparison of counts, terms, snapshots and rollups, because events cannot be read";

async fn differences(log: &TestLog) -> Vec<Difference> {
    let mut found = Vec::new();
    log.store.verify(&log.tenant, &mut |difference| found.push(difference), &RowProgress::default()).await.unwrap();
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
    let tables = ["tenant_log", "term", "audit_event", "event_key", "actor", "target", "event_target"];
    let tables = tables
        .into_iter()
        .chain(["property_change", "activity_type", "rollup", "rollup_key", "rollup_block"])
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
            format!("{position}{} {}", found.part, found.reason)
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
        ("UPDATE rollup_key SET status = 2 WHERE status <> 0", vec![wrong]),
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
        ("term", &["key"][..]),
        ("actor", &["object_id", "user_principal_name", "display_name", "service_principal_name", "application_id",
            "application_name"]),
        ("target", &["type", "object_id", "user_principal_name", "display_name", "application_id"]),
        ("activity_type", &["activity", "display_name", "resource_type", "operation_type"]),
    ];
    #[rustfmt::skip]
    let numbers = [
        ("audit_event", &["occurred_at", "correlation_hash", "service", "component", "category", "activity_key",
            "activity_name", "actor_id", "actor_key", "application_id", "ip_address", "recorded_by", "event_key_hash",
            "resource_type", "operation_type", "group_source", "status", "recorded_via"][..]),
        ("event_target", &["occurred_at", "target_id", "target_key", "is_first"]),
        ("property_change", &["occurred_at", "name_key", "old_hash", "new_hash", "flags", "is_first"]),
        ("term", &["kind"]),
        ("actor", &["key", "service", "kind"]),
        ("target", &["key", "service"]),
        ("activity_type", &["first_seen_at", "last_seen_at", "event_count"]),
        ("tenant_log", &["last_sequence", "last_recorded_at", "last_term_id", "last_actor_id", "last_target_id",
            "activity_type_count", "uncatalogued_count"]),
    ];
    let hashes = [("audit_event", &["checksum"][..]), ("actor", &["fingerprint"]), ("target", &["fingerprint"])];
    let changes = (texts.iter().map(|list| (list, "{} || 'x'")))
        .chain(numbers.iter().map(|list| (list, "{} + 7")))
        .chain(hashes.iter().map(|list| (list, bytes)));
    for ((table, columns), change) in changes {
        let one = match *table {
            "audit_event" | "event_target" | "property_change" => "sequence = 3",
            "term" | "actor" | "target" => "id = 1",
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
            "3 property_change.ordinal part 0 of target 0 is not in the event",
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
    check(
        &[&gone("property_change", "sequence = 2")],
        &["2 property_change.ordinal row of part 0 of target 0 is missing"],
    )
    .await;
    check(&[&gone("actor", "id = 1")], &["1 actor.id row with id 1 is missing"]).await;
    check(&[&gone("target", "id = 1")], &["1 target.id row with id 1 is missing"]).await;
    check(&[&gone("term", "id = 1")], &["1 term.id row with id 1 is missing"]).await;
    let extra =
        "INSERT INTO term (tenant_id, id, kind, key) SELECT tenant_id, 99, kind, 'no event' FROM term WHERE id = 1";
    check(&[extra], &["term.id 99 belongs to no event", "tenant_log.last_term_id is less than 99"]).await;
    check(
        &[&gone("activity_type", "activity_key = 'update user'")],
        &["tenant_log.activity_type_count", "tenant_log.uncatalogued_count"],
    )
    .await;
    let bytes = if log.database.is_postgres() { "'\\x00'::bytea" } else { "x'00'" };
    check(
        &[&copied("event_key", &format!("sequence, tenant_id, {bytes}, input_hash"), "sequence = 2")],
        &["2 event_key.key_hash belongs to no event"],
    )
    .await;
    let columns = "sequence, occurred_at, tenant_id, target_id, target_key, 9, is_first";
    check(&[&copied("event_target", columns, "sequence = 2 AND ordinal = 0")], &["2 event_target.ordinal part 9"])
        .await;
    let columns = "77, occurred_at, tenant_id, target_id, target_key, ordinal, is_first";
    check(&[&copied("event_target", columns, "sequence = 2 AND ordinal = 0")], &["77 event_target.ordinal part 0"])
        .await;
    let columns = format!(
        "tenant_id, 99, key, service, kind, {bytes}, object_id, user_principal_name, display_name, \
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
    let found = after(&log, &["UPDATE audit_event SET body = 'no', body_format = 1 WHERE sequence = 4"]).await;
    assert_eq!(found, ["4 audit_event.body cannot be decoded", INCOMPLETE]);
    let found = after(&log, &["UPDATE audit_event SET body_format = 7 WHERE sequence = 4"]).await;
    assert_eq!(found, ["4 audit_event.body_format is unknown", INCOMPLETE]);
    let sql = log.database.replacing_in_body(4, "ada@", "eva@").await;
    let found = after(&log, &[&sql]).await;
    let is_term = |line: &String| line.starts_with("4 term.key (id ") && line.ends_with(" does not match the body");
    assert!(found.iter().any(is_term), "{found:?}");
    let found = after(&log, &["UPDATE audit_event SET recorded_at = recorded_at - 1 WHERE sequence = 2"]).await;
    let checksum = "2 audit_event.checksum does not match the body".to_owned();
    assert_eq!(found, ["2 audit_event.recorded_at is earlier than that of the previous event".to_owned(), checksum]);
    let other = log.store.add_tenant("fabrikam", "Fabrikam", &[], "b".to_owned()).await.unwrap();
    assert_eq!(
        log.store.verify(&other, &mut |_| panic!("nothing is there"), &RowProgress::default()).await.unwrap(),
        0
    );
}

#[tokio::test]
async fn verify_reports_a_body_that_changed_alone() {
    let log = log().await;
    let replaced = |from: &'static str, to: &'static str| (from, to);
    let layout = "2 audit_event.body is not what its parts serialise to: it has unknown members or another layout";
    let checksum = "2 audit_event.checksum does not match the body";
    for (change, expected) in [
        (replaced("\"recording\":", "\"seal\":[1],\"recording\":"), vec![layout, checksum]),
        (replaced("\"actor\":{", "\"actor\":{\"shoeSize\":46,"), vec![layout, checksum]),
        (replaced("\"status\":", "\"status\": "), vec![layout, checksum]),
        (replaced("\"status\":\"SUCCESS\"", "\"status\":\"SUCCESS\",\"statusReason\":\"by order\""), vec![checksum]),
        (
            replaced("\"recording\":", "\"additionalDetails\":[{\"key\":\"Ticket\",\"value\":\"7\"}],\"recording\":"),
            vec![layout, checksum],
        ),
        (replaced("\"kind\":\"USER\"", "\"kind\":\"USER\",\"userAgent\":\"lynx\""), vec![layout, checksum]),
    ] {
        let (from, to) = change;
        let change = log.database.replacing_in_body(2, from, to).await;
        let found = after(&log, &[&change]).await;
        // Where a member is inserted decides whether the layout is another one; the checksum differs in any case.
        assert!(found.contains(&checksum.to_owned()), "{change}: {found:?}");
        assert!(found.iter().all(|line| expected.contains(&line.as_str())), "{change}: {found:?}");
    }
    // Rows that changed places, or their time, without a change of the bodies.
    let swapped = [
        "UPDATE audit_event SET sequence = -1 WHERE sequence = 1",
        "UPDATE audit_event SET sequence = 1 WHERE sequence = 2",
        "UPDATE audit_event SET sequence = 2 WHERE sequence = -1",
    ];
    let found = after(&log, &swapped).await;
    assert!(found.contains(&"1 audit_event.checksum does not match the body".to_owned()), "{found:?}");
    let later = "UPDATE audit_event SET recorded_at = recorded_at + 1 WHERE sequence <= 3";
    assert_eq!(after(&log, &[later]).await.iter().filter(|line| line.contains(".checksum ")).count(), 3);
    assert_eq!(differences(&log).await, []);
}

#[tokio::test]
async fn verify_reports_bodies_that_cannot_be_decompressed_and_goes_on() {
    let log = log().await;
    let is_postgres = log.database.is_postgres();
    let literal = |bytes: &[u8]| {
        let hex = hex::encode(bytes);
        if is_postgres { format!("'\\x{hex}'::bytea") } else { format!("x'{hex}'") }
    };
    let set = |sql: &str| format!("UPDATE audit_event SET body = {sql} WHERE sequence = 2");
    // Frames without the end of the text, of another dictionary, and with a length of 4 GB.
    let frame = |dictionary: u8, text_bytes: u64| {
        [&[0x28, 0xb5, 0x2f, 0xfd, 0b1110_0001, dictionary][..], &text_bytes.to_le_bytes(), &[3, 0, 0, b'x']].concat()
    };
    for (damage, expected) in [
        (set("substr(body, 1, 40)"), "the frame is damaged: "),
        (set(&literal(&frame(254, 1))), "there is no dictionary 254"),
        (
            set(&literal(&frame(1, 4 << 30))),
            "the frame claims a text of 4294967296 bytes, but a body has at most 4194304",
        ),
        (set("'{}'"), "no zstd frame"),
    ] {
        let other = "UPDATE event_target SET target_key = 0 WHERE sequence = 5 AND ordinal = 1";
        let found = after(&log, &[&damage, other]).await;
        let expected = format!("2 audit_event.body cannot be decompressed: {expected}");
        assert!(found[0].starts_with(&expected), "{damage}: {found:?}");
        assert_eq!(found[1..], ["5 event_target.target_key (part 1) does not match the body", INCOMPLETE], "{damage}");
    }
    assert_eq!(differences(&log).await, []);
}

/// Makes the bodies of two events unreadable: the statement that reads them fails.
async fn break_events(log: &TestLog) {
    if log.database.is_postgres() {
        for sql in [
            "ALTER TABLE audit_event RENAME TO events_of_a_damaged_table",
            "CREATE FUNCTION damaged() RETURNS bytea LANGUAGE plpgsql STABLE AS
                'BEGIN RAISE data_corrupted USING MESSAGE = ''the block is damaged''; END'",
        ] {
            log.database.execute(sql).await;
        }
        let columns = "tenant_id, sequence, occurred_at, recorded_at, correlation_hash, service, component, category,
            activity_key, activity_name, actor_id, actor_key, application_id, ip_address, recorded_by, event_key_hash,
            resource_type, operation_type, group_source, status, recorded_via, body_format, checksum";
        let view = format!(
            "CREATE VIEW audit_event AS SELECT {columns}, CASE WHEN sequence IN (2, 3) THEN damaged() ELSE body END AS body
             FROM events_of_a_damaged_table"
        );
        log.database.execute(&view).await;
    } else {
        // A value of a type that the column cannot have.
        log.database.execute("UPDATE audit_event SET occurred_at = 'noon' WHERE sequence IN (2, 3)").await;
    }
}

#[tokio::test]
async fn verify_reports_unreadable_events_and_goes_on() {
    let log = log().await;
    break_events(&log).await;
    log.database.execute("UPDATE event_target SET target_key = 99 WHERE sequence = 5 AND ordinal = 1").await;
    let (mut found, progress) = (Vec::new(), RowProgress::default());
    let mut report = |difference| found.push(difference);
    let events = log.store.verify(&log.tenant, &mut report, &progress).await.unwrap();
    assert_eq!(progress.current(), TableProgress { table: "audit_event", rows: 3 });
    assert_eq!(events, 3, "{found:#?}");
    assert_eq!((found[0].sequence, found[0].part.as_str()), (Some(2), "audit_event"), "{found:#?}");
    assert!(found[0].reason.starts_with("cannot be read up to event 3: "), "{found:#?}");
    assert_eq!((found[1].sequence, found[1].part.as_str()), (Some(5), "event_target.target_key"), "{found:#?}");
    assert_eq!((found.len(), found[2].part.as_str()), (3, "tenant_log"), "{found:#?}");
}

#[tokio::test]
async fn verify_reports_unreadable_side_tables_and_goes_on() {
    let log = log().await;
    for table in ["term", "event_target", "actor", "activity_type", "event_key"] {
        log.database.execute(&format!("ALTER TABLE {table} RENAME TO lost_{table}")).await;
    }
    log.database.execute("UPDATE property_change SET name_key = 99 WHERE sequence = 4").await;
    let mut found = Vec::new();
    let events =
        log.store.verify(&log.tenant, &mut |difference| found.push(difference), &RowProgress::default()).await.unwrap();
    assert_eq!(events, 5, "{found:#?}");
    for table in ["term", "event_target", "actor", "activity_type", "event_key"] {
        let is_reported = |found: &Difference| found.part == table && found.reason.starts_with("cannot be read");
        assert!(found.iter().any(is_reported), "{table}: {found:#?}");
    }
    assert!(found.iter().any(|found| found.part == "property_change.name_key"), "{found:#?}");
}

async fn schema_differences(log: &TestLog) -> Vec<String> {
    let mut found = Vec::new();
    log.store
        .verify_schema(&mut |found_one| found.push(format!("{} {}", found_one.part, found_one.reason)))
        .await
        .unwrap();
    found
}

#[tokio::test]
async fn verify_compares_the_schema_with_the_migrations() {
    let log = log().await;
    let is_postgres = log.database.is_postgres();
    // Tables and views of other programs are none of ours.
    log.database.execute("CREATE TABLE replication_state (id integer)").await;
    log.database.execute("CREATE VIEW services AS SELECT DISTINCT service FROM audit_event").await;
    assert_eq!(schema_differences(&log).await, Vec::<String>::new());
    let recreate = "CREATE INDEX audit_event_correlation ON audit_event
        (tenant_id, correlation_hash, occurred_at DESC, sequence DESC) WHERE correlation_hash <> 0";
    let differs = "index audit_event_correlation differs from the schema of this version";
    let narrower = recreate.replace("<> 0", "<> 0 AND sequence > 2");
    let ascending = recreate.replace("occurred_at DESC", "occurred_at");
    let unique = recreate.replace("CREATE INDEX", "CREATE UNIQUE INDEX");
    for index in [narrower, ascending, unique] {
        log.database.execute("DROP INDEX audit_event_correlation").await;
        assert_eq!(schema_differences(&log).await, ["index audit_event_correlation is missing"]);
        log.database.execute(&index).await;
        assert_eq!(schema_differences(&log).await, [differs], "{index}");
    }
    log.database.execute("DROP INDEX audit_event_correlation").await;
    log.database.execute(recreate).await;
    log.database.execute("CREATE INDEX of_another ON EVENT_KEY (sequence)").await;
    assert_eq!(schema_differences(&log).await, ["index of_another is not part of the schema"]);
    log.database.execute("DROP INDEX of_another").await;
    log.database.fail_from_sequence(1_000).await;
    assert_eq!(schema_differences(&log).await, ["trigger refuse on audit_event is not part of the schema"]);
    log.database.fail_no_more().await;
    assert_eq!(schema_differences(&log).await, Vec::<String>::new());
    if is_postgres {
        for (damage, repair, expected) in [
            (
                "ALTER TABLE audit_event ALTER COLUMN component TYPE bigint",
                "ALTER TABLE audit_event ALTER COLUMN component TYPE integer",
                "column audit_event.component differs from the schema of this version",
            ),
            (
                "ALTER TABLE actor ALTER COLUMN key DROP NOT NULL",
                "ALTER TABLE actor ALTER COLUMN key SET NOT NULL",
                "column actor.key differs from the schema of this version",
            ),
            (
                "CREATE RULE silent AS ON INSERT TO event_target DO INSTEAD NOTHING",
                "DROP RULE silent ON event_target",
                "rule silent on event_target is not part of the schema",
            ),
            (
                "ALTER TABLE target ENABLE ROW LEVEL SECURITY",
                "ALTER TABLE target DISABLE ROW LEVEL SECURITY",
                "table target differs from the schema of this version",
            ),
            (
                "CREATE TABLE child () INHERITS (event_key)",
                "DROP TABLE child",
                "table event_key differs from the schema of this version",
            ),
        ] {
            log.database.execute(damage).await;
            let found = schema_differences(&log).await;
            assert!(found.contains(&expected.to_owned()), "{damage}: {found:?}");
            log.database.execute(repair).await;
        }
        log.database.execute("ALTER TABLE rollup SET UNLOGGED").await;
        let found = schema_differences(&log).await;
        assert_eq!(found, ["table rollup differs from the schema of this version"]);
        log.database.execute("ALTER TABLE rollup SET LOGGED").await;
    } else {
        log.database.execute("ALTER TABLE actor ADD COLUMN nickname text").await;
        assert_eq!(schema_differences(&log).await, ["table actor differs from the schema of this version"]);
        log.database.execute("ALTER TABLE actor DROP COLUMN nickname").await;
    }
    log.database.execute("DROP TABLE rollup").await;
    assert_eq!(schema_differences(&log).await, ["table rollup is missing"]);
}
