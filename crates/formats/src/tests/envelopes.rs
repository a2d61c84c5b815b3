//! Records in the envelopes of collectors, and whole responses.

use super::*;

fn string(text: &str) -> String {
    model::Json::string(text).text().to_owned()
}

/// Envelopes around one record. `{}` is the record, `{s}` the record as a string, `{ss}` as a string in a string.
pub(super) const ENVELOPES: &[&str] = &[
    r#"{"@timestamp":"2026-05-04T08:20:00Z","o365audit":{},"event":{"dataset":"o365.audit"},"input":{"type":"cel"}}"#,
    r#"{"@timestamp":"2026-05-04T08:20:00Z","o365":{"audit":{}},"event":{"action":"other","outcome":"success"}}"#,
    r#"{"timestamp":"2026-05-04T08:20:00+0000","id":"179.2","rule":{"level":3,"description":"x"},"data":{"integration":"ms-graph","ms-graph":{}}}"#,
    r#"{"timestamp":"2026-05-04T08:20:00+0000","id":"179.2","data":{"office365":{},"integration":"office365"},"location":"office365"}"#,
    r#"{"date":1795169730.123,"log":{s}}"#,
    r#"{"type":"log","time":"2026-05-04T08:20:00Z","action":"forward","message":{ss}}"#,
    r#"{"headers":{"a":"b"},"body":{ss},"partition":3}"#,
    r#"{"Timestamp":"2026-05-04T08:20:00Z","ActionType":"x","ActivityType":"Add","AccountObjectId":"a-1","RawEventData":{}}"#,
    r#"{"Timestamp":"2026-05-04T08:20:00Z","ActionType":"x","AccountId":"a-1","RawEventData":{s}}"#,
    r#"{"some":{"other":{"names":{"of":{}}}},"time":"2026-05-04T08:20:00Z","action":"deliver"}"#,
    r#"{"specversion":"1.0","id":"1","source":"x","type":"y","time":"2026-05-04T08:20:00Z","data":{}}"#,
    r#"{"topic":"t","key":"k","value":{s}}"#,
    r#"{"_index":"i","_id":"1","_source":{"event":{"original":{s}},"azure":{"auditlogs":{}}}}"#,
];

/// Returns the envelope around a record.
pub(super) fn in_envelope(envelope: &str, record: &str) -> String {
    let member = |text: &str, mark: &str, value: &str| text.replacen(mark, &format!(":{value}"), 1);
    let text = member(envelope, ":{}", record);
    member(&member(&text, ":{s}", &string(record)), ":{ss}", &string(&string(record)))
}

#[test]
fn record_of_a_known_shape_is_found_in_any_envelope() {
    for (record, format) in
        RECORDS.iter().filter(|(_, format)| !matches!(format, RecordFormat::Generic | RecordFormat::CloudEvent))
    {
        let expected = body(record);
        for envelope in ENVELOPES {
            let text = in_envelope(envelope, record);
            let found = records(node(&text));
            assert_eq!(found.len(), 1, "{text}");
            let recognised = recognise(&found[0]).unwrap_or_else(|refused| panic!("{refused}: {text}"));
            assert_eq!(recognised.format, *format, "{text}");
            assert_eq!(lost(&found[0], &recognised.body), Vec::<String>::new(), "{text}");
            if !expected.event_key.starts_with("sha256:") {
                assert_eq!(recognised.body.event_key, expected.event_key, "{text}");
            }
            assert_eq!(content_hash(recognised.body), content_hash(expected.clone()), "{text}");
        }
    }
}

#[test]
fn wrapped_record_that_cannot_be_read_is_not_recorded_under_generic_names() {
    let text = r#"{"@timestamp":"2026-05-04T08:20:00Z","event":{"action":"x"},"o365":{"audit":{"Operation":"x","Workload":"y","RecordType":8,"OrganizationId":"z"}}}"#;
    assert!(recognise(&node(text)).unwrap_err().0.contains("`CreationTime`"));
}

#[test]
fn several_records_in_one_object_are_refused() {
    let other = DIRECTORY_AUDIT.replace("1234567", "7654321");
    let refused = recognise(&node(&format!(r#"{{"first":{DIRECTORY_AUDIT},"second":{other}}}"#))).unwrap_err();
    assert_eq!(refused.0, "the object contains 2 records with different ids: put them in a list");
    assert!(recognise(&node(&format!(r#"{{"first":{DIRECTORY_AUDIT},"second":{DIRECTORY_AUDIT}}}"#))).is_ok());
}

#[test]
fn lists_of_records_are_found_in_whole_responses() {
    let other = DIRECTORY_AUDIT.replace("1234567", "7654321");
    let both = format!("{DIRECTORY_AUDIT},{other}");
    let row = |record: &str| {
        let JsonNode::Object(members) = node(record) else { unreachable!() };
        let (keys, values): (Vec<_>, Vec<_>) = members.into_iter().unzip();
        (keys, JsonNode::Array(values).to_json().text().to_owned())
    };
    let (columns, first) = row(LOG_ANALYTICS);
    let (_, second) = row(&LOG_ANALYTICS.replace("1234567", "7654321"));
    let columns: Vec<String> = columns.iter().map(|name| format!(r#"{{"name":"{name}","type":"string"}}"#)).collect();
    let tables =
        format!(r#"{{"tables":[{{"name":"P","columns":[{}],"rows":[{first},{second}]}}]}}"#, columns.join(","));
    for text in [
        format!("[[{DIRECTORY_AUDIT}],[{other}]]"),
        format!(r#"{{"results":[{both}],"schema":[{{"name":"a"}}]}}"#),
        format!(r#"{{"body":[{both}]}}"#),
        format!(r#"{{"data":[{both}],"status":200}}"#),
        format!(r#"{{"items":[{both}],"count":2}}"#),
        format!(r#"{{"value":{{"records":[{both}]}},"topic":"x"}}"#),
        format!(r#"{{"date":1,"log":{}}}"#, string(&format!(r#"{{"records":[{both}]}}"#))),
        format!(r#"{{"message":{}}}"#, string(&string(&format!("[{both}]")))),
        format!(r#"{{"hits":{{"hits":[{{"_source":{DIRECTORY_AUDIT}}},{{"_source":{other}}}]}}}}"#),
        format!(r#"{{"responses":[{{"id":"1","body":{{"value":[{both}]}}}},{{"id":"2","body":{{"value":[]}}}}]}}"#),
        format!(r#"{{"data":{{"logs":{{"edges":[{{"node":{DIRECTORY_AUDIT}}},{{"node":{other}}}]}}}}}}"#),
        format!(r#"{{"value":[{both}],"Count":2}}"#),
        tables,
    ] {
        let found = records(node(&text));
        let keys: Vec<String> = found.iter().map(|record| recognise(record).unwrap().body.event_key).collect();
        assert_eq!(keys.len(), 2, "{text}");
        assert!(keys[0].ends_with("_1234567") && keys[1].ends_with("_7654321"), "{keys:?}: {text}");
        assert!(found.iter().all(|record| lost(record, &recognise(record).unwrap().body).is_empty()), "{text}");
    }
}

#[test]
fn other_responses_are_refused_with_what_they_contain() {
    for (text, contents) in [
        (r#"{"results":[{"n":1},{"n":2},{"n":3}]}"#, "it has a list of 3 objects in `results`"),
        (r#"{"hits":{"total":1,"hits":[[1]]}}"#, "it has a list of 1 list in `hits.hits`"),
        (r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}"#, "it has `a`, `b`, `c`, `d`, `e`, ..."),
        ("{}", "it has no members"),
    ] {
        let found = records(node(text));
        assert!(recognise(&found[0]).unwrap_err().0.ends_with(contents), "{:?}", recognise(&found[0]));
    }
}

#[test]
fn error_responses_are_quoted() {
    for (text, quoted) in [
        (
            r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges"}}"#,
            "`Authorization_RequestDenied`: `Insufficient privileges`",
        ),
        (
            r#"{"odata.error":{"code":"x"},"error":{"code":"Request_BadRequest","message":{"lang":"en","value":"Bad filter"}}}"#,
            "`Request_BadRequest`: `Bad filter`",
        ),
        (
            r#"{"error":"invalid_client","error_description":"The secret expired"}"#,
            "`invalid_client`: `The secret expired`",
        ),
        (r#"{"Message":"Authorization has been denied"}"#, "`Authorization has been denied`"),
        (
            r#"{"responses":[{"id":"1","status":403,"body":{"error":{"code":"Forbidden","message":"No"}}}]}"#,
            "`Forbidden`: `No`",
        ),
    ] {
        let found = records(node(text));
        let refused = recognise(&found[0]).unwrap_err();
        assert_eq!(refused.0, format!("this is an error response, not a record: {quoted}"));
    }
    let event = body(r#"{"time":"2026-05-04T08:15:30Z","action":"x","error":{"code":"7","message":"no"}}"#);
    assert_eq!(event.activity, "x");
    let partial = split(node(&format!(
        r#"{{"value":[{DIRECTORY_AUDIT}],"error":{{"code":"PartialError","message":"Timeout"}}}}"#
    )));
    assert_eq!(partial.warnings, ["the page reports an error, so it may not be complete: `PartialError`: `Timeout`"]);
}

#[test]
fn columns_with_a_zone_are_read_in_utc_only() {
    let portal = LOG_ANALYTICS
        .replace("\"TimeGenerated\"", "\"TimeGenerated [UTC]\"")
        .replace("\"ActivityDateTime\"", "\"ActivityDateTime [UTC]\"");
    let recognised = recognise(&node(&portal)).unwrap();
    assert_eq!(content_hash(recognised.body.clone()), content_hash(body(LOG_ANALYTICS)));
    assert_eq!(lost(&node(&portal), &recognised.body), Vec::<String>::new());
    let refused = recognise(&node(&portal.replace("[UTC]", "[Local Time]"))).unwrap_err();
    assert!(refused.0.contains("is a time in the zone `Local Time`"), "{refused}");
}

#[test]
fn row_of_cloud_app_events_without_its_record_is_converted() {
    let text = CLOUD_APP_EVENT;
    let recognised = recognise(&node(text)).unwrap();
    let event = &recognised.body;
    assert_eq!((recognised.format, event.activity.as_str()), (RecordFormat::CloudAppEvent, "Add member to role."));
    assert_eq!((event.actor.kind, event.actor.name()), (ActorKind::User, "Ada"));
    assert_eq!(event.targets[0].object_id.as_deref(), Some("u-2"));
    assert_eq!(lost(&node(text), event), Vec::<String>::new());
}
