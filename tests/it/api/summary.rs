//! Summaries: totals, facets and histograms by role, tenant and time zone, and as of a sequence.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::client::Client;
use crate::harness::events::{
    DAY, EventBody, EventExt as _, HOUR, Status, Timestamp, application, change, event, target, user,
};

const FACETS: &str = include_str!("../../documents/summary_facets.graphql");

fn timestamp(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Three events of Entra and two of Intune, on one day; the last one of each failed.
async fn five() -> TestApp {
    let app = TestApp::start().await;
    let failed = |event: EventBody| EventBody { status: Status::Failure, ..event };
    let at = |key: &str, hour: i64| event(key).at(timestamp("2026-03-10T00:00:00Z").plus(hour * HOUR));
    let bob = vec![target("Bob"), target("Eve"), target("Bob")];
    app.record([
        at("e1", 1).activity("add USER").targets(bob).change(change("Mail", None, Some("1"))),
        at("e2", 2).change(change("mail", None, Some("2"))).change(change("Phone", None, Some("3"))),
        failed(at("e3", 3).activity("Delete user").actor(application("Sync")).targets(Vec::new())),
        at("i1", 4).service("Microsoft Intune", "Device").activity("Wipe device").targets(vec![target("Laptop")]),
        failed(at("i2", 5).service("Microsoft Intune", "Device").activity("Wipe device").actor(user("eve@x.example"))),
    ])
    .await;
    app
}

async fn facets(client: &Client, variables: Value) -> Value {
    client.query_with(FACETS, variables).await.data("/auditEventSummary").clone()
}

fn bucket(value: &str, display_name: &str, count: u32) -> Value {
    json!({ "value": value, "displayName": display_name, "count": count })
}

#[tokio::test]
async fn events_are_counted_by_every_field() {
    let app = five().await;
    let found = facets(&app.admin(), json!({})).await;
    let (ada, eve) =
        (("user:upn:ada@contoso.example", "ada@contoso.example"), ("user:upn:eve@x.example", "eve@x.example"));
    let sync = ("application:app:sync-id", "Sync");
    let expected = json!({
        "asOf": 5, "totalCount": 5,
        "service": { "buckets": [
            bucket("Core Directory", "Core Directory", 3), bucket("Microsoft Intune", "Microsoft Intune", 2),
        ], "otherCount": 0, "noneCount": 0 },
        // Spelled as in the event recorded last.
        "activity": { "buckets": [bucket("Add user", "Add user", 2)], "otherCount": 3, "noneCount": 0 },
        "actor": { "buckets": [bucket(ada.0, ada.1, 3), bucket(sync.0, sync.1, 1), bucket(eve.0, eve.1, 1)] },
        "application": { "buckets": [bucket("Sync-id", "Sync", 1)], "otherCount": 0, "noneCount": 4 },
        "status": { "buckets": [bucket("SUCCESS", "Success", 3), bucket("FAILURE", "Failure", 2)] },
        // The first event has a visible and a withheld target.
        "target": { "buckets": [bucket("id:bob-id:user", "Bob", 3)], "otherCount": 2, "noneCount": 1 },
        "property": { "buckets": [bucket("mail", "mail", 2), bucket("Phone", "Phone", 1)], "noneCount": 3 },
        "histogram": [{ "count": 5, "failureCount": 2 }],
    });
    assert_eq!(found["activity"], expected["activity"]);
    assert_eq!(found, expected);
}

#[tokio::test]
async fn counts_exclude_events_outside_the_scope() {
    let app = five().await;
    let found = facets(&app.intune_admin(), json!({})).await;
    assert_eq!(found["totalCount"], json!(2));
    assert_eq!(found["service"]["buckets"], json!([bucket("Microsoft Intune", "Microsoft Intune", 2)]));
    assert_eq!(found["histogram"], json!([{ "count": 2, "failureCount": 1 }]));
    let text = found.to_string();
    for entra in ["Core Directory", "Add user", "Delete user", "Sync", "Phone", "Eve"] {
        assert!(!text.contains(entra), "{entra}: {text}");
    }
    // Withheld values do not match and are not counted.
    app.record([event("secret").change(change("Password", None, Some("\"s3cret\"")))]).await;
    let filter = json!({ "filter": { "target": { "modifiedProperty": { "to": "s3cret" } } } });
    assert_eq!(facets(&app.admin(), filter.clone()).await["totalCount"], json!(1));
    let hidden = facets(&app.auditor(), filter).await;
    assert_eq!(hidden["totalCount"], json!(0));
    assert_eq!(hidden["property"], json!({ "buckets": [], "noneCount": 0 }));
    assert_eq!(hidden["histogram"], json!([]));
    let recorder = app.anonymous().permitted("contoso", "audit/write");
    let response = recorder.query("{ auditEventSummary { totalCount } }").await;
    assert_eq!(response.error(), ("FORBIDDEN", "the token grants no access role"));
    assert_eq!(response.body["data"], json!({ "auditEventSummary": null }));
}

#[tokio::test]
async fn counts_are_per_tenant() {
    let app = five().await;
    let fabrikam = app.add_tenant("fabrikam").await;
    app.record_for(&fabrikam, [event("theirs").activity("Theirs")]).await;
    let them = app.anonymous().role_in("fabrikam", "GLOBAL_ADMIN");
    let theirs = facets(&them, json!({})).await;
    assert_eq!((&theirs["asOf"], &theirs["totalCount"]), (&json!(1), &json!(1)));
    assert_eq!(theirs["activity"]["buckets"], json!([bucket("Theirs", "Theirs", 1)]));
    assert_eq!(facets(&app.admin(), json!({})).await["totalCount"], json!(5));
}

#[tokio::test]
async fn histogram_days_begin_at_midnight_of_the_time_zone() {
    let app = TestApp::start().await;
    // Clocks went forward in Berlin on the 29th.
    let times = ["2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"];
    app.record(times.map(|time| event(time).at(timestamp(time)))).await;
    let query = include_str!("../../documents/histogram_days_begin_at_midnight_of_the_time_zone.graphql");
    let bars = async |zone: &str, interval: &str, to: Value| {
        let variables = json!({ "zone": zone, "interval": interval, "to": to });
        let response = app.admin().query_with(query, variables).await;
        let bars = response.data("/auditEventSummary/histogram").as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap().replace(":00.000000Z", "");
        let bar = |bar: &Value| format!("{}..{} {}", text(&bar["startsAt"]), text(&bar["endsAt"]), bar["count"]);
        bars.iter().map(bar).collect::<Vec<_>>()
    };
    let berlin = bars("Europe/Berlin", "DAY", Value::Null).await;
    let expected = [
        "2026-03-27T23:00..2026-03-28T23:00 1",
        "2026-03-28T23:00..2026-03-29T22:00 2",
        "2026-03-29T22:00..2026-03-30T22:00 1",
    ];
    assert_eq!(berlin, expected);
    let utc = bars("UTC", "DAY", json!("2026-03-31T00:00:00Z")).await;
    let expected = [
        "2026-03-28T00:00..2026-03-29T00:00 2",
        "2026-03-29T00:00..2026-03-30T00:00 2",
        "2026-03-30T00:00..2026-03-31T00:00 0",
    ];
    assert_eq!(utc, expected);
    assert_eq!(bars("Asia/Kolkata", "WEEK", json!("2026-03-29T22:00:00Z")).await.len(), 2);
    assert_eq!(bars("UTC", "HOUR", json!("2026-03-28T12:00:00Z")).await, [""; 0]);
}

#[tokio::test]
async fn invalid_summary_arguments_are_rejected() {
    let app = five().await;
    let ask = async |field: &str| {
        app.admin().query(&format!("{{ auditEventSummary(occurredAt: {{ window: ALL }}) {{ asOf {field} }} }}")).await
    };
    for (field, message) in [
        ("facet(field: STATUS, top: 0) { otherCount }", "`top` must be from 1 to 100"),
        ("facet(field: STATUS, top: 101) { otherCount }", "`top` must be from 1 to 100"),
        (
            "histogram(timeZone: \"Atlantis\") { count }",
            "`timeZone` must be the IANA name of a time zone, such as `Europe/Berlin`",
        ),
    ] {
        let response = ask(field).await;
        assert_eq!(response.error(), ("BAD_USER_INPUT", message));
        // Only the failed field is null.
        assert_eq!(response.body["data"]["auditEventSummary"]["asOf"], json!(5), "{}", response.text);
    }
    let query = include_str!("../../documents/invalid_summary_arguments_are_rejected.graphql");
    let response = app.admin().query(query).await;
    assert_eq!(response.error().0, "LIMIT_EXCEEDED");
    let asked = response.body["errors"][0]["extensions"]["asked"].as_i64().unwrap();
    assert!((200_000..300_000).contains(&asked), "{}", response.text);
}

#[tokio::test]
async fn summary_can_be_read_as_of_a_sequence() {
    let app = five().await;
    let found = facets(&app.admin(), json!({ "asOf": 3 })).await;
    assert_eq!((&found["asOf"], &found["totalCount"]), (&json!(3), &json!(3)));
    assert_eq!(found["service"]["buckets"], json!([bucket("Core Directory", "Core Directory", 3)]));
    assert_eq!(facets(&app.admin(), json!({ "asOf": 0 })).await["totalCount"], json!(0));
    let list = include_str!("../../documents/summary_can_be_read_as_of_a_sequence_list.graphql");
    let page = async |variables: Value| app.admin().query_with(list, variables).await.data("/auditEvents").clone();
    let keys = |page: &Value| -> String {
        page["nodes"].as_array().unwrap().iter().map(|node| node["eventKey"].as_str().unwrap()).collect()
    };
    let whole = page(json!({})).await;
    assert_eq!((&whole["asOf"], keys(&whole).as_str()), (&json!(5), "i2i1e3e2e1"));
    let first = page(json!({ "asOf": 3, "first": 2 })).await;
    assert_eq!((keys(&first).as_str(), &first["totalCount"]), ("e3e2", &json!(3)));
    assert_eq!(first["countUpTo"], json!({ "value": 2, "isExact": false }));
    assert_eq!(
        (&first["pageInfo"]["hasNextPage"], &first["pageInfo"]["hasPreviousPage"]),
        (&json!(true), &json!(false))
    );
    let second = page(json!({ "asOf": 3, "first": 2, "after": first["pageInfo"]["endCursor"] })).await;
    assert_eq!(keys(&second), "e1");
    assert_eq!(
        (&second["pageInfo"]["hasNextPage"], &second["pageInfo"]["hasPreviousPage"]),
        (&json!(false), &json!(true))
    );
    // A cursor beyond the last event is a valid position, with no event before it.
    let after = page(json!({ "asOf": 3, "first": 1, "after": whole["pageInfo"]["startCursor"] })).await;
    assert_eq!((keys(&after).as_str(), &after["pageInfo"]["hasPreviousPage"]), ("e3", &json!(false)));
    for field in ["auditEvents(asOf: 6) { asOf }", "auditEventSummary(asOf: 6) { asOf }"] {
        let response = app.admin().query(&format!("{{ {field} }}")).await;
        assert_eq!(response.error(), ("BAD_USER_INPUT", "`asOf` is beyond the log, which ends at 5"));
    }
}

#[tokio::test]
async fn fields_of_one_request_read_the_same_state() {
    let app = five().await;
    let query = include_str!("../../documents/fields_of_one_request_read_the_same_state.graphql");
    let start = app.now().plus(-DAY);
    app.record(["x", "y"].map(|key| event(key).at(start))).await;
    let response = app.admin().query(query).await;
    let expected = json!({
        "auditEvents": { "nodes": [{ "eventKey": "y", "sequence": 7 }], "asOf": 7, "totalCount": 2 },
        "auditEventSummary": { "asOf": 7, "totalCount": 2 },
    });
    assert_eq!(*response.data(""), expected);
}

/// Replaces the table of events by a view that never ends.
pub(super) async fn make_endless(app: &TestApp) {
    let endless = if app.database.is_postgres() {
        "pg_sleep(600)"
    } else {
        "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n)"
    };
    app.database.execute("ALTER TABLE audit_event RENAME TO kept").await;
    app.database.execute(&format!("CREATE VIEW audit_event AS SELECT kept.* FROM kept, {endless}")).await;
}

#[tokio::test]
async fn slow_field_is_null_with_timeout_and_the_rest_is_returned() {
    let app = TestApp::start_with(&["--statement-timeout-ms", "2000"]).await;
    app.record([event("a")]).await;
    make_endless(&app).await;
    let query = include_str!("../../documents/slow_field_is_null_with_timeout_and_the_rest_is_returned.graphql");
    let response = app.admin().query(query).await;
    let expected = json!({
        "auditEventSummary": { "asOf": 1, "totalCount": null },
        "parts": { "asOf": 1, "facet": null, "histogram": null },
    });
    assert_eq!(response.body["data"], expected, "{}", response.text);
    let errors = response.body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 3, "{}", response.text);
    assert!(errors.iter().all(|error| error["extensions"]["code"] == "TIMEOUT"), "{}", response.text);
}
