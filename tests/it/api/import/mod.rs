//! Imported records read back: all data of a record is in the event or in `unmapped`.

mod source_record;
mod records;
mod routes;

use std::path::{Path, PathBuf};

use records::RECORDS;
use source_record::{ImportedEvent, Tree};

use crate::harness::app::TestApp;
use crate::harness::cli::{RunOutput, run};
use crate::harness::client::Client;
use crate::harness::events::event;

const EVERYTHING: &str = include_str!("../../../documents/import_everything.graphql");

/// Every visible event in recording order, and the bodies of all responses.
async fn events(client: &Client) -> (Vec<Tree>, String) {
    let (mut events, mut texts, mut after) = (Vec::new(), String::new(), None::<String>);
    loop {
        let response = client.query_with(EVERYTHING, serde_json::json!({ "after": after })).await;
        assert_eq!(response.body.get("errors"), None, "{}", response.text);
        let tree = Tree::read(&response.text).unwrap();
        let page = tree.get("data").and_then(|data| data.get("auditEvents")).unwrap();
        events.extend_from_slice(page.get("nodes").unwrap().elements());
        texts.push_str(&response.text);
        let info = page.get("pageInfo").unwrap();
        if *info.get("hasNextPage").unwrap() == Tree::Word("false".to_owned()) {
            return (events, texts);
        }
        after = info.get("endCursor").and_then(Tree::text).map(str::to_owned);
    }
}

fn import(app: &TestApp, files: &[PathBuf]) -> RunOutput {
    let mut arguments = vec!["import", "--tenant", "contoso", "--database-url", &app.database.url];
    arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
    run(&arguments)
}

/// Imports the records above and returns their events, in the same order.
async fn imported(app: &TestApp) -> Vec<Tree> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.ndjson");
    std::fs::write(&file, RECORDS.join("\n")).unwrap();
    let ended = import(app, &[file]);
    assert_eq!(ended.ok(), format!("recorded {}, duplicates 0, conflicts 0, rejected 0", RECORDS.len()));
    events(&app.admin()).await.0
}

#[tokio::test]
async fn imported_record_keeps_all_its_data() {
    let app = TestApp::start().await;
    let events = imported(&app).await;
    assert_eq!(events.len(), RECORDS.len());
    for (text, event) in RECORDS.iter().zip(&events) {
        let lost = ImportedEvent::of(event).lost(&Tree::read(text).unwrap());
        assert_eq!(lost, Vec::<String>::new(), "{text}");
    }
}

#[tokio::test]
async fn completeness_check_detects_lost_data() {
    let event = Tree::read(
        r#"{"eventKey":"k-1","targets":[{"modifiedProperties":[{"oldValue":{"n":1.1},"newValue":["x"]}]}],
        "unmapped":{"a":[null,{"b":"c"}]},"raw":{"secret":"only here"},"ownId":"made up","isRedacted":false}"#,
    )
    .unwrap();
    let imported = ImportedEvent::of(&event);
    let lost = |text: &str| imported.lost(&Tree::read(text).unwrap()).len();
    for kept in [r#"{"id":"k-1"}"#, r#"{"v":"{\"n\": 1.1}"}"#, r#"{"v":"[\"x\"]"}"#, r#"{"a":["k-1",{"b":"c"}]}"#] {
        assert_eq!(lost(kept), 0, "{kept}");
    }
    for gone in [r#"["k-2"]"#, "[1.10]", r#"["{\"n\":1.10}"]"#, r#"{"a":[{"b":"c"}]}"#, "[false]", r#"["only here"]"#] {
        assert_eq!(lost(gone), 1, "{gone}");
    }
    assert_eq!(lost(r#"["made up"]"#), 1);
}

#[tokio::test]
async fn unusual_values_are_returned_verbatim() {
    let app = TestApp::start().await;
    imported(&app).await;
    let text = events(&app.admin()).await.1;
    for written in [
        r#""oldValue":1.10,"newValue":12345678901234567890123"#,
        r#""oldValue":{"a":[1.0,"x"]},"newValue":[{"a":{},"b":[]}]"#,
        r#""oldValue":"plain \u0000 text","newValue":null"#,
        r#""statusReason":"No\u0000pe""#,
        r#""activityDateTime":"2026-03-01T10:00:00.1234567Z""#,
        r#""newcomer":{"n":1.10,"big":12345678901234567890123,"none":null,"empty":[],"deep":[{"x":"😀"}]}"#,
        r#""category":"GroupManagement""#,
        r#""extra":1,"extra":"1""#,
        r#""ActivityType":4"#,
        r#""oldValue":"007","newValue":"8""#,
        r#""name":"AppAddress","change":"ADDED","oldValue":null,"newValue":[{"Address":"https://x","n":1.10}]"#,
        r#""a/b":{"~":[1e400]},"n":0.1e1"#,
        r#""name":"flag","change":"CHANGED","oldValue":true,"newValue":false"#,
    ] {
        assert!(text.contains(written), "{written}");
    }
}

#[tokio::test]
async fn source_annotations_are_not_modified_properties() {
    let app = TestApp::start().await;
    let events = imported(&app).await;
    let names: Vec<&str> = events
        .iter()
        .flat_map(|event| event.get("targets").unwrap().elements())
        .flat_map(|target| target.get("modifiedProperties").unwrap().elements())
        .map(|change| change.get("name").and_then(Tree::text).unwrap())
        .collect();
    assert!(
        names.contains(&"Size") && names.contains(&"ScriptContent") && names.contains(&"AccountEnabled"),
        "{names:?}"
    );
    for note in ["Included Updated Properties", "TargetId.UserType", "DeviceManagementAPIVersion", ""] {
        assert!(!names.contains(&note), "{note} in {names:?}");
    }
}

#[tokio::test]
async fn auditor_sees_no_sensitive_value_of_an_imported_event() {
    let app = TestApp::start().await;
    imported(&app).await;
    let (all, text) = events(&app.admin()).await;
    assert!(["entra", "intune", "exchange", "shop", "details"].iter().all(|it| text.contains(&format!("hush-{it}"))));
    let (seen, text) = events(&app.auditor()).await;
    assert_eq!(seen.len(), all.len());
    assert!(!text.contains("hush"), "{text}");
    let redacted = |events: &[Tree]| {
        events.iter().filter(|event| *event.get("isRedacted").unwrap() == Tree::Word("true".to_owned())).count()
    };
    assert_eq!((redacted(&all), redacted(&seen)), (0, 5));
    let (seen, text) = events(&app.intune_admin()).await;
    assert_eq!(seen.len(), 3);
    assert!(text.contains("hush-intune") && !text.contains("hush-entra"), "{text}");
}

#[tokio::test]
async fn reused_source_id_is_kept_under_another_key() {
    let app = TestApp::start().await;
    let record = |activity: &str| {
        format!(
            r#"{{"id":"r-1","activityDisplayName":"{activity}","activityDateTime":"2026-03-01T10:00:00Z","initiatedBy":{{}}}}"#
        )
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("reused.ndjson");
    std::fs::write(&file, [record("Add user"), record("Delete user.")].join("\n")).unwrap();
    assert_eq!(import(&app, &[file]).ok(), "recorded 2, duplicates 0, conflicts 0, rejected 0");
    let (events, _) = events(&app.admin()).await;
    let keys: Vec<_> = events.iter().map(|event| event.get("eventKey").and_then(Tree::text).unwrap()).collect();
    assert_eq!(keys, ["r-1", "r-1#delete user"]);
    assert_eq!(ImportedEvent::of(&events[1]).lost(&Tree::read(&record("Delete user.")).unwrap()), Vec::<String>::new());
}

/// The files of the public samples, if they exist.
fn samples() -> Vec<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/samples"));
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ext| ext == "ndjson" || ext == "json"));
    files.sort();
    files
}

/// The records of a sample; a page is recognized by its two keys.
fn originals(file: &Path) -> Vec<Tree> {
    let text = std::fs::read_to_string(file).unwrap();
    match Tree::read(&text) {
        Some(page) if file.extension().is_some_and(|ext| ext == "json") => {
            page.get("value").or_else(|| page.get("records")).unwrap().elements().to_vec()
        }
        _ => text.lines().filter(|line| !line.trim().is_empty()).map(|line| Tree::read(line).unwrap()).collect(),
    }
}

#[tokio::test]
async fn public_samples_are_complete_and_imported_once() {
    let files = samples();
    if files.is_empty() {
        return;
    }
    let app = TestApp::start().await;
    let first = import(&app, &files);
    let complaints: Vec<&str> = first.refused().lines().filter(|line| !line.contains(": warning: ")).collect();
    assert!(
        complaints.iter().all(|line| line.contains("wazuh") && line.contains("`activityDateTime`")),
        "{complaints:?}"
    );
    let (events, _) = events(&app.admin()).await;
    assert!(first.out.starts_with(&format!("recorded {}, ", events.len())), "{}", first.out);
    assert!(first.out.contains("conflicts 0"), "{}", first.out);
    let id =
        |event: &Tree| event.get("eventKey").and_then(Tree::text).map(|key| key.split('#').next().unwrap().to_owned());
    let imported: Vec<(String, ImportedEvent)> =
        events.iter().map(|event| (id(event).unwrap(), ImportedEvent::of(event))).collect();
    let mut refused = 0;
    for file in &files {
        for original in originals(file) {
            if original.get("createdDateTime").is_some() && original.get("activityDisplayName").is_some() {
                refused += 1;
                continue;
            }
            let texts = original.texts();
            let may_be = |id: &str| texts.contains(id) || id.starts_with("sha256:");
            let losses = imported.iter().filter(|(id, _)| may_be(id)).map(|(_, event)| event.lost(&original));
            let least = losses.min_by_key(Vec::len);
            assert_eq!(least.as_deref(), Some(&[][..]), "{}: {texts}", file.display());
        }
    }
    assert_eq!(complaints.len(), refused);
    let again = import(&app, &files);
    assert!(again.out.starts_with("recorded 0, "), "{}", again.out);
    assert_eq!(again.err, first.err);
}

#[tokio::test]
async fn own_export_is_rejected_by_import() {
    let app = TestApp::start().await;
    app.record([event("1"), event("2")]).await;
    let admin = app.admin();
    let request = admin
        .request(reqwest::Method::POST, "/v1/events/export")
        .json(&serde_json::json!({ "occurredAt": { "window": "ALL" } }));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("export.ndjson");
    std::fs::write(&file, admin.send(request).await.text).unwrap();
    let command = ["import", "--tenant", "contoso", "--database-url", &app.database.url, file.to_str().unwrap()];
    let imported = run(&command);
    assert_eq!(imported.out.trim(), "recorded 0, duplicates 0, conflicts 0, rejected 3");
    assert_eq!(imported.err.matches("the record comes from an export of this service").count(), 3, "{}", imported.err);
}
