//! Properties of all formats: no data is lost, nothing panics, and converted records can be recorded.

mod carried;
mod envelopes;
mod exports;
mod lost;
mod platforms;
mod records;
mod robustness;
mod unified_audit;

use proptest::prelude::*;

use super::*;
use lost::{at, lost};
use model::json::JsonNode;
use model::sensitive::SensitiveNames;
use model::{ActorKind, Comparison, NewEvent, OperationType, ResourceType, Sameness, Status, Timestamp};
use records::{
    AZURE_AD_GRAPH, CLOUD_APP_EVENT, CLOUD_EVENT, DIRECTORY_AUDIT, GENERIC, INTUNE, LOG_ANALYTICS, MONITOR_2018,
    MONITOR_ENTRA, MONITOR_INTUNE, OWN_INPUT, RECORDS, UNIFIED, WINDOWS_365,
};

fn node(text: &str) -> JsonNode {
    JsonNode::parse(text).unwrap()
}

pub(crate) fn body(text: &str) -> EventBody {
    recognise(&node(text)).unwrap_or_else(|refused| panic!("{refused}: {text}")).body
}

fn now() -> Timestamp {
    Timestamp::parse("2026-12-01T00:00:00Z").unwrap()
}

/// Returns the records of the public samples, if they are present.
fn samples() -> Vec<(String, JsonNode)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let is_data = |path: &std::path::PathBuf| path.extension().is_some_and(|ext| ext == "ndjson" || ext == "json");
    let mut records = Vec::new();
    for path in paths.into_iter().filter(is_data) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for record in RecordReader::new(std::fs::File::open(&path).unwrap()) {
            let (line, record) = record.unwrap();
            records.push((format!("{name}:{line}"), record));
        }
    }
    records
}

#[test]
fn samples_are_recognised_without_loss() {
    for (index, record) in samples() {
        let is_faulty = record.get("createdDateTime").is_some() && record.get("activityDisplayName").is_some();
        match recognise(&record) {
            Ok(recognised) => {
                assert!(!is_faulty, "{index} is not to be recognised");
                assert_eq!(lost(&record, &recognised.body), Vec::<String>::new(), "{index}");
                assert_ne!(recognised.format, RecordFormat::Generic, "{index}");
                let event = NewEvent::parse(recognised.body, now(), &SensitiveNames::default());
                assert!(event.is_ok(), "{index}: {:?}", event.err());
            }
            Err(refused) => assert!(is_faulty, "{index}: {refused}"),
        }
    }
}

fn content_hash(body: EventBody) -> [u8; 16] {
    NewEvent::parse(body, now(), &SensitiveNames::default()).unwrap().content_hash()
}

#[test]
fn every_format_is_detected_and_loses_nothing() {
    for (text, format) in RECORDS {
        let recognised = recognise(&node(text)).unwrap();
        assert_eq!(recognised.format, *format);
        assert_eq!(lost(&node(text), &recognised.body), Vec::<String>::new());
        content_hash(recognised.body);
    }
}

#[test]
fn copies_of_one_event_are_equal_in_all_formats() {
    let entra = content_hash(body(DIRECTORY_AUDIT));
    assert_eq!(content_hash(body(MONITOR_ENTRA)), entra);
    assert_eq!(content_hash(body(LOG_ANALYTICS)), entra);
    assert_eq!(content_hash(body(INTUNE)), content_hash(body(MONITOR_INTUNE)));
    assert_eq!(body(INTUNE).event_key, body(MONITOR_INTUNE).event_key);
    // A copy by another route differs in the fields in which it states more.
    let differing = |stored: &str, copy: &str| {
        let imported = |text: &str| {
            let recognised = recognise(&node(text)).unwrap();
            let mut body = recognised.body;
            body.recording.source = Some(format!("{} records.json", recognised.format.name()));
            body
        };
        match Comparison::Common.of(&imported(stored), &imported(copy)) {
            Sameness::Same => Vec::new(),
            Sameness::Differing(fields) => fields,
            Sameness::Other => panic!("{stored} {copy}"),
        }
    };
    for (stored, copy, fields) in [
        (DIRECTORY_AUDIT, MONITOR_ENTRA, &[][..]),
        (MONITOR_ENTRA, DIRECTORY_AUDIT, &["groupSource", "actor", "modifiedProperties", "additionalDetails"]),
        (DIRECTORY_AUDIT, LOG_ANALYTICS, &[]),
        (
            LOG_ANALYTICS,
            DIRECTORY_AUDIT,
            &["occurredAt", "groupSource", "actor", "targets", "modifiedProperties", "additionalDetails"],
        ),
        (INTUNE, MONITOR_INTUNE, &["additionalDetails"]),
        (MONITOR_INTUNE, INTUNE, &["occurredAt", "activityDisplayName", "component", "targets", "modifiedProperties"]),
        (DIRECTORY_AUDIT, DIRECTORY_AUDIT, &[]),
    ] {
        assert_eq!(differing(stored, copy), fields, "{stored} {copy}");
    }
}

#[test]
fn directory_audit_is_converted() {
    let body = body(DIRECTORY_AUDIT);
    assert_eq!((body.service.as_str(), body.status), ("Core Directory", Status::Success));
    assert_eq!(body.actor.kind, ActorKind::User);
    assert_eq!(body.actor.application_id(), Some("de8bc8b5-d9f9-48b1-a8ad-b748da725064"));
    assert_eq!(body.actor.user_agent.as_deref(), Some("Mozilla/5.0"));
    assert_eq!(body.status_reason, None);
    let changes: Vec<String> = body.targets[0]
        .modified_properties
        .iter()
        .map(|change| {
            let text = |value: &Option<model::Json>| value.as_ref().map_or("-".to_owned(), |v| v.text().to_owned());
            format!("{} {} {}", change.name, text(&change.old_value), text(&change.new_value))
        })
        .collect();
    let expected =
        ["Group.DisplayName - \"Finance\"", "Rules {\"n\":1.10} [12345678901234567890123]", "Plain \"no json\" -"];
    assert_eq!(changes, expected);
    assert_eq!(body.additional_details[1].string().as_deref(), Some("3"));
    let unmapped = body.unmapped.unwrap();
    assert_eq!(
        at(&unmapped.node(), &["targetResources".into(), "0".into(), "displayName".into()]),
        [&node("\"<null>\"")]
    );
    assert!(unmapped.text().contains(r#""newcomer":{"a":null,"b":[],"c":[1,{"d":true}]}"#));
    assert!(
        unmapped.text().contains(r#""modifiedProperties":[null,null,{"newValue":"<null>"},{"#),
        "{}",
        unmapped.text()
    );
}

#[test]
fn exported_rows_are_converted() {
    let entra = body(MONITOR_ENTRA);
    assert_eq!(entra.activity, "Add member to group");
    assert_eq!(entra.recording.source_tenant_id.as_deref(), Some("9c0ffee0-1234-4321-abcd-001122334455"));
    let old = body(MONITOR_2018);
    assert_eq!((old.activity.as_str(), old.service.as_str()), ("Update user", "Microsoft Entra ID"));
    assert_eq!(old.targets[0].object_id.as_deref(), Some("7a7a7a7a-0000-4111-8222-333344445555"));
    assert_eq!(old.status_reason.as_deref(), Some("Not allowed"));
    assert!(old.event_key.starts_with("sha256:"));
    let row = body(LOG_ANALYTICS);
    assert_eq!(row.recording.source_tenant_id.as_deref(), Some("9c0ffee0-1234-4321-abcd-001122334455"));
    assert!(row.unmapped.unwrap().text().contains("workspace-1"));
}

#[test]
fn intune_numbers_become_names() {
    let body = body(MONITOR_INTUNE);
    assert_eq!((body.service.as_str(), body.category.as_str()), ("Microsoft Intune", "Application"));
    assert_eq!(body.operation_type, OperationType::Delete);
    let details: Vec<_> = body.additional_details.iter().map(|detail| (detail.key.clone(), detail.string())).collect();
    assert_eq!(details, [("A".into(), Some("one".into())), ("B".into(), Some("two".into()))]);
    let text = INTUNE.replace("\"category\":\"Application\"", "\"category\":\"cloudPC\"");
    let recognised = recognise(&node(&text)).unwrap();
    assert_eq!((recognised.format, recognised.body.service.as_str()), (RecordFormat::CloudPcAuditEvent, "Windows 365"));
    let table = MONITOR_INTUNE.replace("\"time\"", "\"TimeGenerated\"");
    let packed = JsonNode::Object(match node(&table) {
        JsonNode::Object(members) => members
            .into_iter()
            .map(|(key, value)| match key.as_str() {
                "properties" => ("Properties".to_owned(), model::Json::string(value.to_json().text()).node()),
                _ => (key, value),
            })
            .collect(),
        _ => unreachable!(),
    });
    let row = recognise(&packed).unwrap();
    assert_eq!(content_hash(row.body.clone()), content_hash(body));
    assert_eq!((lost(&packed, &row.body), row.body.recording.source_tenant_id), (vec![], None));
}

#[test]
fn windows_365_is_split_at_its_keys() {
    let body = body(WINDOWS_365);
    assert_eq!(body.event_key, "11112222-3333-4444-5555-666677778888");
    assert_eq!((body.status, body.category.as_str()), (Status::Failure, "CloudPC"));
    assert_eq!(body.actor.application_name(), Some("Portal"));
    assert_eq!(body.targets.len(), 2);
    assert_eq!(body.targets[0].display_name.as_deref(), Some("Lovelace, Ada}"));
    let changes = &body.targets[0].modified_properties;
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0].new_value.as_ref().unwrap().text(), r#"["a","b, c"]"#);
    assert_eq!(changes[1].old_value.as_ref().unwrap().text(), r#""x, y}""#);
    assert_eq!(changes[1].new_value.as_ref().unwrap().text(), r#""{z]""#);
    assert_eq!(body.targets[1].object_id.as_deref(), Some("42"));
}

#[test]
fn objects_with_time_and_activity_are_converted() {
    let event = body(CLOUD_EVENT);
    assert_eq!((event.event_key.as_str(), event.service.as_str()), ("ev-17", "/shop/orders"));
    assert_eq!(event.activity, "order.cancelled");
    assert_eq!(event.targets[0].object_id.as_deref(), Some("order-4711"));
    let own = body(OWN_INPUT);
    assert_eq!((own.operation_type, own.resource_type), (OperationType::Create, ResourceType::Group));
    assert_eq!((own.actor.kind, own.actor.application_name()), (ActorKind::Application, Some("Scheduler")));
    let change = &own.targets[0].modified_properties[0];
    assert_eq!(change.old_value.as_ref().unwrap().text(), "\"[1]\"");
    assert!(change.is_sensitive);
    let plain = body(GENERIC);
    assert_eq!(plain.occurred_at.to_string(), "2026-05-04T08:15:30.123000Z");
    assert_eq!((plain.actor.name(), plain.status, plain.service.as_str()), ("ada", Status::Failure, "Other"));
    assert_eq!(plain.actor.ip_address.as_deref(), Some("203.0.113.9"));
    let other = body(
        r#"{"operation":"x","workload":"CRM","timestamp":"2026-05-04T08:15:30Z","initiatedBy":"bob@fabrikam.example"}"#,
    );
    assert_eq!((other.service.as_str(), other.actor.name()), ("CRM", "bob@fabrikam.example"));
    let wrapped = format!(r#"{{"tag":"x","message":{}}}"#, model::Json::string(DIRECTORY_AUDIT).text());
    let recognised = recognise(&node(&wrapped)).unwrap();
    assert_eq!(recognised.format, RecordFormat::DirectoryAudit);
    assert_eq!(lost(&node(&wrapped), &recognised.body), Vec::<String>::new());
}

#[test]
fn other_objects_are_refused_with_what_is_missing() {
    for (text, lacking) in [
        ("[]", "object"),
        ("17", "object"),
        (r#"{"action":"x"}"#, "`time`"),
        (r#"{"time":"2026-05-04T08:15:30Z"}"#, "`activity`"),
        (r#"{"time":"yesterday","action":"x"}"#, "`time`"),
        (
            r#"{"activityDisplayName":"x","createdDateTime":"2026-05-04T08:15:30Z","initiatedBy":{}}"#,
            "`activityDateTime`",
        ),
        (r#"{"Operation":"x","Workload":"y","OrganizationId":"z"}"#, "`CreationTime`"),
        (
            r#"{"activityDisplayName":"x","activityDateTime":"20/11/2026 10:00:01","initiatedBy":{}}"#,
            "`activityDateTime` is not a time that can be read without guessing: `20/11/2026 10:00:01`",
        ),
        (r#"{"category":"AuditLogs","time":"20.11.2026","properties":{"AuditEventId":"5"}}"#, "`time` is not a time"),
    ] {
        let refused = recognise(&node(text)).unwrap_err();
        assert!(refused.0.contains(lacking), "{text}: {refused}");
    }
}

#[test]
fn keys_depend_only_on_the_record() {
    let key = |text: &str| body(text).event_key;
    let a = key(r#"{"id":"id","time":"2026-05-04T08:15:30Z","action":"x"}"#);
    assert!(a.starts_with("sha256:"));
    assert_eq!(key(r#"{"action":"x","time":"2026-05-04T08:15:30Z","id":"id"}"#), a);
    assert_ne!(key(r#"{"action":"x","time":"2026-05-04T08:15:30Z","id":"id","more":1}"#), a);
    assert_ne!(key(r#"{"action":"x","time":"2026-05-04T08:15:30Z","id":"id","action":"x"}"#), a);
    let long = format!(r#"{{"id":"{}","time":"2026-05-04T08:15:30Z","action":"x"}}"#, "7".repeat(300));
    assert_eq!(key(&long).len(), 39);
}

#[test]
fn too_long_names_are_truncated_and_kept_in_unmapped() {
    let long = "\u{fdfa}".repeat(200);
    let text = DIRECTORY_AUDIT
        .replace("Add member to group", &long)
        .replace("Core Directory", &long)
        .replace("Group.DisplayName", &long)
        .replace("GroupManagement", &long);
    let event = body(&text);
    assert_eq!(lost(&node(&text), &event), Vec::<String>::new());
    content_hash(event);
}

#[test]
fn pages_are_split() {
    assert_eq!(records(node(r#"{"@odata.context":"x","value":[{"a":1},{"a":2}]}"#)).len(), 2);
    assert_eq!(records(node(r#"{"records":[]}"#)).len(), 0);
    assert_eq!(records(node(r#"{"time":"x","value":[{"a":1}]}"#)).len(), 1);
    assert_eq!(records(node(r#"[{"a":1},[{"a":2}]]"#)).len(), 2);
    assert_eq!(records(node(r#""[{\"a\":1}]""#)), [node(r#"{"a":1}"#)]);
}
