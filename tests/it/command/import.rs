//! `import`: the outcome of each record, and the report.

use std::fmt::Write as _;

use crate::harness::cli::{TestCli, run};
use crate::harness::database::TestDatabase;

/// Peak memory of an import in a debug build: about 130 MiB for a file of any length. With a copy of a 20 MB file and
/// its parsed form it would be far more.
#[cfg(target_os = "linux")]
const PEAK_KIB: std::ops::Range<u64> = 1_000..160 << 10;

fn record(id: &str) -> String {
    directory_audit(id, "Add user", "2026-03-01T10:00:00Z")
}

fn directory_audit(id: &str, activity: &str, timestamp: &str) -> String {
    format!(
        r#"{{"id":"{id}","activityDisplayName":"{activity}","activityDateTime":"{timestamp}","loggedByService":"Core Directory",
        "category":"UserManagement","initiatedBy":{{"user":{{"id":"u-1"}}}},"targetResources":[{{"id":"u-2","type":"User"}}]}}"#
    )
    .replace('\n', "")
}

#[tokio::test]
async fn import_reports_an_invalid_line_and_records_the_rest() {
    let cli = TestCli::new().await;
    let text = format!("{}\n{{\"no\": json}}\n[1,2]\n\n{}\n", record("a1"), record("a2"));
    let file = cli.file("log.ndjson", text);
    let ended = cli.import(&[&file]);
    assert_eq!(ended.out, "recorded 2, duplicates 0, conflicts 0, rejected 3\n");
    let complaints: Vec<&str> = ended.refused().lines().collect();
    assert_eq!(complaints.len(), 3, "{ended:?}");
    assert!(complaints[0].starts_with(&format!("{}:2: ", file.display())), "{ended:?}");
    assert!(complaints[1..].iter().all(|line| line.contains("log.ndjson:3: ")), "{ended:?}");
    let again = cli.import(&[&file]);
    assert_eq!(again.out, "recorded 0, duplicates 2, conflicts 0, rejected 3\n");
}

#[tokio::test]
async fn import_keeps_the_records_around_invalid_json() {
    let cli = TestCli::new().await;
    let page = format!("{{\"value\":[{},\n{},\n{{\"id\":,\n{}]}}", record("a1"), record("a2"), record("a3"));
    let broken = cli.file("page.json", page);
    let good = cli.file("good.json", format!("{{\"value\":[{}]}}", record("b1")));
    let ended = cli.import(&[&broken, &good]);
    assert_eq!(ended.out, "lines not read: 1\nrecorded 4, duplicates 0, conflicts 0, rejected 1\n");
    assert!(ended.refused().contains("page.json:3: "), "{ended:?}");
}

#[tokio::test]
async fn invalid_page_ends_with_its_line() {
    let cli = TestCli::new().await;
    let page = |ids: [&str; 2]| format!("{{\"records\":[{},{}]}}", record(ids[0]), record(ids[1]));
    let lines = [page(["a1", "a2"]), page(["a3", "a4"]).replace("},{", "}{"), page(["a5", "a6"]), record("a7")];
    let file = cli.file("messages.ndjson", lines.join("\n"));
    let ended = cli.import(&[&file]);
    assert_eq!(ended.out, "lines not read: 1\nrecorded 6, duplicates 0, conflicts 0, rejected 1\n", "{ended:?}");
    let complaint = "messages.ndjson:2: the list is not JSON from here on; the rest of the line is not read";
    assert!(ended.refused().ends_with(complaint), "{ended:?}");
    let cut = cli.file("cut.ndjson", format!("{}\n{}", lines[0], &lines[2][..lines[2].len() - 20]));
    let ended = cli.import(&[&cut]);
    assert_eq!(ended.out, "lines not read: 1\nrecorded 0, duplicates 3, conflicts 0, rejected 1\n", "{ended:?}");
}

#[tokio::test]
async fn page_with_a_next_page_is_imported_with_a_warning() {
    let cli = TestCli::new().await;
    let page = |id: &str| format!("{{\"value\":[{}],\"@odata.nextLink\":\"https://x\"}}\n", record(id));
    let file = cli.file("page.json", page("a1") + &page("a2"));
    let ended = cli.import(&[&file]);
    assert_eq!(ended.ok(), "recorded 2, duplicates 0, conflicts 0, rejected 0");
    assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
    assert!(ended.err.contains("page.json:1: warning: the page has a link to a next page"), "{ended:?}");
}

#[tokio::test]
async fn response_without_records_is_rejected_with_its_contents() {
    let cli = TestCli::new().await;
    let denied = cli.file("denied.json", r#"{"error":{"code":"Forbidden","message":"Missing\nrole"}}"#);
    let counts = cli.file("counts.json", r#"{"results":[{"n":1},{"n":2}]}"#);
    let cut = cli.file("cut.json", record("a1").replace(r#"{"user":{"id":"u-1"}}"#, r#""@{user=}""#));
    let ended = cli.import(&[&denied, &counts, &cut]);
    assert_eq!(ended.out, "recorded 0, duplicates 0, conflicts 0, rejected 3\n");
    let complaints: Vec<&str> = ended.refused().lines().collect();
    assert!(
        complaints[0].ends_with("this is an error response, not a record: `Forbidden`: `Missing role`"),
        "{ended:?}"
    );
    assert!(complaints[1].ends_with("it has a list of 2 objects in `results`"), "{ended:?}");
    assert!(complaints[2].ends_with("export it again, in PowerShell with `ConvertTo-Json -Depth 10`"), "{ended:?}");
}

#[tokio::test]
async fn import_reads_every_file_format() {
    let cli = TestCli::new().await;
    let marked = cli.file("bom.ndjson", format!("\u{feff}{}\r\n{}\r\n", record("a1"), record("a2")));
    let (empty, blank) = (cli.file("empty.json", ""), cli.file("blank.json", "\r\n \n"));
    let pretty = cli.file("pretty.json", record("a3").replace(',', ",\r\n  "));
    let ended = cli.import(&[&marked, &empty, &blank, &pretty]);
    assert_eq!(ended.ok(), "recorded 3, duplicates 0, conflicts 0, rejected 0");
    assert_eq!(ended.err, "");
    let typed = cli.run_with(&["import", "-"], record("a4").as_bytes());
    assert_eq!(typed.ok(), "recorded 1, duplicates 0, conflicts 0, rejected 0");
}

/// A table as Purview exports it: `AuditData` and the columns of the search.
fn purview(ids: &[&str]) -> String {
    let mut table = "RecordId,CreationDate,RecordType,Operation,UserId,AuditData,AssociatedAdminUnits\r\n".to_owned();
    for id in ids {
        let record = format!(
            r#"{{"CreationTime":"2026-11-20T12:20:01","Id":"{id}","Operation":"Update user.","RecordType":8,"UserId":"ada@contoso.example","Workload":"AzureActiveDirectory"}}"#
        );
        let record = record.replace('"', "\"\"");
        let _ = write!(table, "{id},2026-11-20T12:20:01.0000000Z,8,Update user.,ada@contoso.example,\"{record}\",\r\n");
    }
    table
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[tokio::test]
async fn import_of_tables_and_utf_16_is_idempotent() {
    let cli = TestCli::new().await;
    let plain = cli.file("purview.csv", format!("\u{feff}{}", purview(&["u-1", "u-2"])));
    let wide = cli.file("wide.csv", utf16(&format!("\u{feff}{}", purview(&["u-2", "u-3"]))));
    let log = cli.file("wide.ndjson", utf16(&format!("\u{feff}{}\r\n{}\r\n", record("a1"), record("a2"))));
    let typed = cli.file("shell.csv", format!("#TYPE Selected.Object\r\n{}", purview(&["u-4"])));
    let ended = cli.import(&[&plain, &wide, &log, &typed]);
    assert_eq!(ended.ok(), "recorded 6, duplicates 1, conflicts 0, rejected 0", "{ended:?}");
    let broken = cli.file("broken.csv", purview(&["u-1", "u-5"]).replacen(":8", "", 1));
    let ended = cli.import(&[&broken]);
    assert_eq!(ended.out, "recorded 1, duplicates 0, conflicts 0, rejected 1\n");
    assert!(ended.refused().contains("broken.csv:2: the cell `AuditData` does not contain a JSON object"), "{ended:?}");
    let json = r#"{"RecordId":"u-5","CreationDate":"2026-11-20T12:20:01.0000000Z","AuditData":{"CreationTime":"2026-11-20T12:20:01",
        "Id":"u-5","Operation":"Update user.","RecordType":8,"UserId":"ada@contoso.example","Workload":"AzureActiveDirectory"}}"#;
    let same = cli.file("same.json", json);
    assert_eq!(cli.import(&[&same]).ok(), "recorded 0, duplicates 1, conflicts 0, rejected 0");
}

#[tokio::test]
async fn unreadable_file_is_rejected_once_with_a_hint() {
    let cli = TestCli::new().await;
    let portal =
        "Date (UTC),Service,Activity\r\n".to_owned() + &"2026-11-20T10:20:01Z,Core Directory,Add user\r\n".repeat(9);
    let portal = cli.file("portal.csv", portal);
    let packed = cli.file("log.gz", b"\x1f\x8b\x08\0\n\n\xff\n");
    let ended = cli.import(&[&portal, &packed, &cli.file("good.json", record("a1"))]);
    assert_eq!(ended.out, "recorded 1, duplicates 0, conflicts 0, rejected 2\n");
    let complaints: Vec<&str> = ended.refused().lines().collect();
    assert!(
        complaints[0].contains("portal.csv:1: the file is a table (CSV) without a column `AuditData`"),
        "{ended:?}"
    );
    assert!(complaints[0].ends_with("export them as JSON instead"), "{ended:?}");
    assert!(complaints[1].ends_with("`gunzip -c FILE | auditgraph import -`"), "{ended:?}");
}

#[tokio::test]
async fn missing_file_does_not_stop_the_import() {
    let cli = TestCli::new().await;
    let good = cli.file("good.json", record("a1"));
    let ended = cli.import(&[&good.with_file_name("missing.json"), &good, good.parent().unwrap()]);
    assert_eq!(ended.out, "recorded 1, duplicates 0, conflicts 0, rejected 2\n");
    let complaints: Vec<&str> = ended.refused().lines().collect();
    assert!(complaints[0].contains("missing.json: the file cannot be opened: No such file"), "{ended:?}");
    assert_eq!(complaints.len(), 2, "{ended:?}");
    assert!(cli.run(&["import"]).err.contains("Usage"));
}

#[tokio::test]
async fn record_of_another_tenant_is_rejected() {
    let cli = TestCli::new().await;
    let of = |tenant: &str, id: &str| {
        format!(
            r#"{{"time":"2026-03-01T10:00:00Z","category":"AuditLogs","operationName":"Add user","tenantId":"{tenant}","properties":{}}}"#,
            record(id)
        )
    };
    let (ours, theirs) = ("0f3c1a2b-1111-2222-3333-44445555aaaa", "0f3c1a2b-1111-2222-3333-44445555bbbb");
    let file = cli.file("rows.ndjson", [of(&ours.to_uppercase(), "a1"), of(theirs, "a2"), record("a3")].join("\n"));
    let import = |expected| {
        cli.run(&[
            "import",
            "--tenant",
            "contoso",
            "--create-tenant",
            "--expect-tenant",
            expected,
            file.to_str().unwrap(),
        ])
    };
    let ended = import(ours);
    assert_eq!(ended.out, "recorded 2, duplicates 0, conflicts 0, rejected 1\n");
    assert!(ended.refused().ends_with(&format!("rows.ndjson:2: the record belongs to tenant `{theirs}`")), "{ended:?}");
    for wrong in ["notaguid", ""] {
        let ended = import(wrong);
        assert!(ended.code == Some(2) && ended.err.contains("must be a GUID"), "{ended:?}");
    }
}

#[tokio::test]
async fn readme_sample_is_imported() {
    let cli = TestCli::new().await;
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/events.ndjson");
    assert_eq!(cli.import(&[&sample]).ok(), "recorded 6, duplicates 0, conflicts 0, rejected 0");
}

#[tokio::test]
async fn import_needs_a_tenant() {
    let cli = TestCli::new().await;
    let file = cli.file("a.json", record("a1"));
    let import = |tenant: &[&str]| cli.run(&[&["import", file.to_str().unwrap()], tenant].concat());
    assert!(import(&[]).refused().contains("there is no tenant: add one with `auditgraph tenant add KEY`"));
    let new = ["--tenant", "one", "--create-tenant"];
    assert_eq!(import(&new).ok(), "recorded 1, duplicates 0, conflicts 0, rejected 0");
    assert_eq!(import(&[]).ok(), "recorded 0, duplicates 1, conflicts 0, rejected 0");
    assert_eq!(import(&new).ok(), "recorded 0, duplicates 1, conflicts 0, rejected 0");
    let unknown = "there is no tenant `two`, but `one`: correct the key, or add the tenant with --create-tenant";
    assert!(import(&["--tenant", "two"]).refused().ends_with(unknown));
    assert_eq!(import(&["--create-tenant"]).code, Some(2));
    let new = ["--tenant", "two", "--create-tenant"];
    assert_eq!(import(&new).ok(), "recorded 1, duplicates 0, conflicts 0, rejected 0");
    assert!(import(&[]).refused().contains("there are several tenants: choose one with --tenant KEY"));
    cli.run(&["tenant", "disable", "two"]).ok();
    assert!(import(&["--tenant", "two"]).refused().contains("tenant `two` is disabled"));
    let bad = cli.file("bad.json", "{}");
    cli.run(&["import", bad.to_str().unwrap(), "--tenant", "three", "--create-tenant"]).refused();
    assert!(import(&["--tenant", "three"]).refused().contains("there is no tenant `three`"), "nothing was recorded");
}

#[tokio::test]
async fn failed_import_leaves_no_log() {
    let database = TestDatabase::sqlite();
    let path = database.url.strip_prefix("sqlite://").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.json");
    std::fs::write(&bad, "{}\nno\n").unwrap();
    let missing = folder.path().join("missing.json");
    let import = |options: &[&str], file: &std::path::Path| {
        run(&[&["import", "--database-url", &database.url, file.to_str().unwrap()], options].concat())
    };
    let new = ["--tenant", "contoso", "--create-tenant"];
    for file in [&bad, &missing] {
        assert!(import(&[], file).refused().contains("name a tenant with --tenant KEY --create-tenant"));
        assert!(import(&new[..2], file).refused().ends_with("to create it, add --create-tenant"));
        assert!(import(&new, file).out.starts_with("recorded 0, "));
        assert!(!std::path::Path::new(path).exists(), "{file:?}");
    }
    std::fs::write(&bad, "no\n".to_owned() + &record("a1")).unwrap();
    assert_eq!(import(&new, &bad).out, "recorded 1, duplicates 0, conflicts 0, rejected 1\n");
    assert!(std::path::Path::new(path).exists());
}

#[tokio::test]
async fn reused_id_gets_its_own_key_or_is_a_conflict() {
    let cli = TestCli::new().await;
    let first = directory_audit("r1", "Add user", "2026-03-01T10:00:00Z");
    let other = directory_audit("r1", "Update user", "2026-03-01T10:00:00Z");
    let later = directory_audit("r1", "Add user", "2026-03-01T11:00:00Z");
    let file = cli.file("reused.ndjson", [&*first, &other, &first, &later].join("\n"));
    let ended = cli.import(&[&file]);
    assert_eq!(ended.out, "recorded 2, duplicates 1, conflicts 1, rejected 0\n", "{ended:?}");
    let again = cli.import(&[&file]);
    assert_eq!(again.out, "recorded 0, duplicates 3, conflicts 1, rejected 0\n", "{again:?}");
    let third = cli.file("third.ndjson", directory_audit("r1", "Update user", "2026-03-01T12:00:00Z"));
    let conflict = cli.import(&[&third]);
    assert_eq!(conflict.out, "recorded 0, duplicates 0, conflicts 1, rejected 0\n");
    let complaint = conflict.refused();
    assert!(complaint.ends_with("third.ndjson:1: another event holds the key `r1#update user`"), "{complaint}");
}

#[tokio::test]
async fn invalid_records_are_rejected_with_the_reason() {
    let cli = TestCli::new().await;
    let future = directory_audit("f1", "Add user", "9999-12-31T23:59:59Z");
    let past = directory_audit("f2", "Add user", "1969-12-31T23:59:59Z");
    let large =
        record("f3").replace("Core Directory", "Core").replace("\"u-1\"", &format!("\"{}\"", "x".repeat(5 << 20)));
    let reserved = record("f4").replace("Core Directory", "auditgraph");
    let file = cli.file("odd.ndjson", [future, past, large, reserved, record("f5")].join("\n"));
    let ended = cli.import(&[&file]);
    assert_eq!(ended.out, "recorded 1, duplicates 0, conflicts 0, rejected 4\n");
    let complaints: Vec<&str> = ended.refused().lines().collect();
    for (line, reason) in
        ["`occurredAt` must be", "`occurredAt` must be", "4194304 bytes", "is reserved"].iter().enumerate()
    {
        assert!(complaints[line].contains(&format!("odd.ndjson:{}: ", line + 1)), "{complaints:?}");
        assert!(complaints[line].contains(reason), "{complaints:?}");
    }
}

#[tokio::test]
async fn failed_store_aborts_the_import_after_the_reported_events() {
    let cli = TestCli::new().await;
    let lines: Vec<String> = (0..1_200).map(|i| record(&format!("n{i}"))).collect();
    let file = cli.file("many.ndjson", lines.join("\n"));
    cli.run(&["tenant", "add", "contoso"]).ok();
    cli.database.fail_from_sequence(700).await;
    let ended = cli.import(&[&file]);
    assert_eq!(ended.out, "recorded 500, duplicates 0, conflicts 0, rejected 0\n");
    assert!(ended.refused().contains("many.ndjson"), "{ended:?}");
    cli.database.fail_no_more().await;
    assert_eq!(cli.import(&[&file]).ok(), "recorded 700, duplicates 500, conflicts 0, rejected 0");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn large_page_is_imported_in_constant_memory() {
    let cli = TestCli::new().await;
    let mut page = String::from("{\"@odata.context\":\"x\",\"value\":[");
    let padding = "y".repeat(60_000);
    // Mostly duplicates, so that the database is not the bottleneck.
    for i in 0..340 {
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(page, "{comma}{}", record(&format!("n{}", i % 7)).replace("\"u-1\"", &format!("\"{padding}\"")));
    }
    page.push_str("]}");
    assert!(page.len() > 20_000_000);
    let (ended, peak_kib) =
        cli.run_measured(&["import", "--tenant", "contoso", "--create-tenant", "-"], page.as_bytes());
    assert_eq!(ended.ok(), "recorded 7, duplicates 333, conflicts 0, rejected 0");
    assert!(PEAK_KIB.contains(&peak_kib), "{peak_kib} KiB");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn large_utf_16_table_is_imported_in_constant_memory() {
    let cli = TestCli::new().await;
    let table = purview(&["u-1", "u-2"]).replace("ada@contoso.example", &"y".repeat(20_000));
    let (header, rows) = table.split_once('\n').unwrap();
    let table = utf16(&format!("\u{feff}{header}\n{}", rows.repeat(250)));
    assert!(table.len() > 20_000_000);
    let (ended, peak_kib) = cli.run_measured(&["import", "--tenant", "contoso", "--create-tenant", "-"], &table);
    assert_eq!(ended.ok(), "recorded 2, duplicates 498, conflicts 0, rejected 0", "{ended:?}");
    assert!(PEAK_KIB.contains(&peak_kib), "{peak_kib} KiB");
}

#[tokio::test]
async fn duplicate_that_differs_is_reported_with_its_position() {
    let cli = TestCli::new().await;
    let first = directory_audit("d1", "Add user", "2026-03-01T10:00:00Z");
    let differing = first.replace("UserManagement", "Users");
    let failed = first.replace(r#""category""#, r#""result":"failure","category""#);
    let succeeded = first.replace(r#""category""#, r#""result":"success","category""#);
    let file = cli.file("copies.ndjson", [&*first, &first, &differing].join("\n"));
    let ended = cli.import(&[&file]);
    assert_eq!(ended.ok(), "recorded 1, duplicates 2, conflicts 0, rejected 0");
    let expected = "copies.ndjson:3: duplicate of the event with the key `d1`, which differs in `category`";
    assert!(ended.err.trim_end().ends_with(expected) && ended.err.lines().count() == 1, "{ended:?}");
    let more = cli.file("more.ndjson", [&*failed.replace("d1", "d2"), &succeeded.replace("d1", "d2")].join("\n"));
    let ended = cli.import(&[&more]);
    assert_eq!(ended.out, "recorded 1, duplicates 0, conflicts 1, rejected 0\n", "a failure is not a success");
    assert!(ended.refused().contains("more.ndjson:2: "), "{ended:?}");
}

#[tokio::test]
async fn event_of_this_api_in_a_file_is_compared_as_a_whole() {
    let cli = TestCli::new().await;
    let event = |amount: u32| {
        format!(
            r#"{{"eventKey":"p-1","occurredAt":"2026-03-01T10:00:00Z","service":"Shop","category":"Payments","activity":"Pay",
            "status":"SUCCESS","actor":{{"user":{{"objectId":"u-1"}}}},"additionalDetails":[{{"key":"amount","value":"{amount}"}}]}}"#
        )
        .replace('\n', "")
    };
    let file = cli.file("own.ndjson", [event(1), event(1), event(2)].join("\n"));
    let ended = cli.import(&[&file]);
    assert_eq!(ended.out, "recorded 1, duplicates 1, conflicts 1, rejected 0\n", "{ended:?}");
    assert!(ended.refused().contains("own.ndjson:3: another event holds the key `p-1`"), "{ended:?}");
}
