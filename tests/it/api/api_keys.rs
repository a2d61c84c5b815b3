//! API keys: every route accepts them, within their grants, until they are revoked.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::access_log::accesses;
use crate::harness::api_keys::{administration, create, grants, networks, operator, revoke};
use crate::harness::app::TestApp;
use crate::harness::client::{Client, Response};
use crate::harness::events::{Detail, EventBody, HOUR, event};
use crate::harness::stream::{Events, Socket};
use crate::harness::wait::{wait_for, wait_until};
use access::{ApiKeyRequest, Rotation};
use auth::ApiKeyGrants;

const NOT_VALID: &str = "The API key is not valid.";
const FOLLOW: &str = "subscription { auditEventsRecorded { edges { node { eventKey } } } }";
const VIEWER: &str = "{ viewer { issuer subject displayName canRecordAuditEvents canManageApiKeys tokenExpiresAt
    tenant { key } grants { role services } } }";
const ALL_TIME: &str = "{ auditEvents(occurredAt: { window: ALL }) { nodes { eventKey } } }";

/// An event in the format of the API.
fn input(key: &str, service: &str) -> Value {
    json!({ "eventKey": key, "occurredAt": "2026-01-01T00:00:00Z", "service": service, "category": "c",
        "activity": "a", "status": "SUCCESS", "actor": { "user": { "objectId": "1" } } })
}

async fn record(client: &Client, key: &str, service: &str) -> Response {
    client.send(client.request(Method::POST, "/v1/events").json(&input(key, service))).await
}

#[track_caller]
fn assert_refused(response: &Response, sentence: &str) {
    assert_eq!((response.status, response.error()), (401, ("UNAUTHENTICATED", sentence)), "{}", response.text);
}

#[tokio::test]
async fn every_route_accepts_keys() {
    let app = TestApp::start().await;
    let (recorder, id) = app.keyed(&["audit/write"]).await;
    assert_eq!(record(&recorder, "one", "Payroll").await.status, 201);
    let expected = json!({ "issuer": null, "subject": format!("key:{id}"), "displayName": "payroll",
        "canRecordAuditEvents": true, "canManageApiKeys": false, "tokenExpiresAt": null,
        "tenant": { "key": "contoso" }, "grants": [] });
    assert_eq!(*recorder.query(VIEWER).await.data("/viewer"), expected);
    assert_eq!(recorder.query(ALL_TIME).await.error().0, "FORBIDDEN");

    let (reader, _) = app.keyed(&["audit/read"]).await;
    let listed = json!([{ "eventKey": "one" }]);
    assert_eq!(*reader.query(ALL_TIME).await.data("/auditEvents/nodes"), listed);
    assert_eq!(*reader.get(&[("query", ALL_TIME)]).await.data("/auditEvents/nodes"), listed);
    assert_eq!(record(&reader, "two", "Payroll").await.status, 403);
    let export = reader.request(Method::POST, "/v1/events/export").json(&json!({ "occurredAt": { "window": "ALL" } }));
    let exported = reader.send(export).await;
    assert!(exported.status == 200 && exported.text.contains("\"one\""), "{exported:?}");
    let status = format!("/v1/events/export/{}", exported.header("x-auditgraph-export-id"));
    assert_eq!(reader.send(reader.request(Method::GET, &status)).await.body["state"], "COMPLETE");
    // The export belongs to its key.
    let (other, _) = app.keyed(&["audit/read"]).await;
    assert_eq!(other.send(other.request(Method::GET, &status)).await.status, 404);

    let mut events = Events::open(&reader, FOLLOW, Value::Null).await;
    events.batch().await;
    let mut socket = Socket::open(&app.url, &reader.bearer_token()).await;
    socket.subscribe("1", FOLLOW, Value::Null).await;
    assert_eq!(socket.next().await.unwrap()["type"], "next");
    let authorization = format!("Bearer {}", reader.bearer_token());
    let mut by_header = Socket::connect(&app.url, &[("authorization", &authorization)]).await.ok().unwrap();
    by_header.send(json!({ "type": "connection_init" })).await;
    assert_eq!(by_header.next().await, Ok(json!({ "type": "connection_ack" })));
    app.record([event("live")]).await;
    assert_eq!(events.batch().await["edges"][0]["node"]["eventKey"], "live");
    assert_eq!(
        socket.next().await.unwrap()["payload"]["data"]["auditEventsRecorded"]["edges"][0]["node"]["eventKey"],
        "live"
    );
}

#[tokio::test]
async fn key_is_limited_to_its_services() {
    let app = TestApp::start().await;
    app.record([event("core")]).await;
    let limited = ApiKeyGrants { services: vec!["Payroll".to_owned()], ..grants(&["audit/write", "audit/read"]) };
    let key = create(&app.store, &app.tenant, limited, None).await;
    let client = Client::new(&app.url).token(&key.secret);
    assert_eq!(record(&client, "pay", "payroll").await.status, 201);
    let refused = record(&client, "crm", "CRM").await;
    assert_eq!((refused.status, &refused.body["results"][0]["problems"][0]["code"]), (400, &json!("NOT_PERMITTED")));
    assert_eq!(*client.query(ALL_TIME).await.data("/auditEvents/nodes"), json!([{ "eventKey": "pay" }]));
}

#[tokio::test]
async fn provenance_and_access_log_name_the_key() {
    let app = TestApp::start().await;
    let (client, id) = app.keyed(&["audit/write", "AUDIT_READER"]).await;
    record(&client, "one", "Payroll").await;
    let query =
        "{ auditEventByKey(service: \"Payroll\", eventKey: \"one\") { recording { recordedBy issuer clientId } } }";
    let expected = json!({ "recordedBy": format!("key:{id}"), "issuer": null, "clientId": "payroll" });
    assert_eq!(*app.admin().query(query).await.data("/auditEventByKey/recording"), expected);
    let filter = json!({ "recording": { "recordedBy": { "eq": format!("key:{id}") } } });
    assert_eq!(client.keys(filter).await, ["one"]);
    let admin = app.admin();
    let actor = wait_for("the access of the key", async || {
        let filter = json!({ "service": { "eq": "auditgraph" }, "activity": { "eq": "Query audit events" } });
        let query = "query($filter: AuditEventFilter!) { auditEvents(occurredAt: { window: ALL }, filter: $filter) {
            nodes { actor { kind name ... on ApplicationActor { servicePrincipalId application { applicationId } } } } } }";
        let found = admin.query_with(query, json!({ "filter": filter })).await;
        let actors = found.data("/auditEvents/nodes").as_array().unwrap().clone();
        actors.into_iter().map(|node| node["actor"].clone()).find(|actor| actor["name"] == "payroll")
    })
    .await;
    let expected = json!({ "kind": "APPLICATION", "name": "payroll", "servicePrincipalId": format!("key:{id}"),
        "application": { "applicationId": "payroll" } });
    assert_eq!(actor, expected);
}

#[tokio::test]
async fn keys_that_are_not_valid_look_the_same_to_the_caller() {
    let app = TestApp::start().await;
    let (store, tenant) = (&app.store, &app.tenant);
    let reader = || grants(&["audit/read"]);
    let good = create(store, tenant, reader(), Some(app.now().plus(HOUR))).await;
    let ask = async |key: &str| Client::new(&app.url).token(key).query("{ viewer { tokenExpiresAt } }").await;
    assert!(ask(&good.secret).await.data("/viewer/tokenExpiresAt").is_string());

    let unknown_id = format!("{}0000000000", &good.id[..6]);
    let (unknown, _) = auth::new_api_key(&unknown_id, [1; 32]);
    let (no_tenant, _) = auth::new_api_key("zzzzzz0000000000", [1; 32]);
    let (guessed, _) = auth::new_api_key(&good.id, [1; 32]);
    let foreign = ApiKeyGrants { networks: networks(&["192.0.2.0/24", "2001:db8::/32"]), ..reader() };
    let foreign = create(store, tenant, foreign, None).await;
    let revoked = create(store, tenant, reader(), None).await;
    revoke(store, tenant, &revoked.id).await;
    let expired = create(store, tenant, reader(), Some(app.now().plus(HOUR))).await;
    app.database.execute(&format!("UPDATE api_key SET expires_at = 1 WHERE id = '{}'", expired.id)).await;
    for key in [&unknown, &no_tenant, &guessed, &foreign.secret, &revoked.secret, &expired.secret] {
        let response = ask(key).await;
        assert_refused(&response, NOT_VALID);
        assert_eq!(response.header("www-authenticate"), "Bearer realm=\"auditgraph\", error=\"invalid_token\"");
    }
    let mistyped = good.secret.replacen(&good.id[10..], &good.id[10..].chars().rev().collect::<String>(), 1);
    let sentence = "The API key is mistyped or incomplete: its checksum does not match.";
    for key in [&mistyped, &good.secret[..60], "agk_", "agk_a_b_c"] {
        assert_refused(&ask(key).await, sentence);
    }
    let own = ApiKeyGrants { networks: networks(&["127.0.0.0/8"]), ..reader() };
    let own = create(store, tenant, own, None).await;
    assert_eq!(ask(&own.secret).await.status, 200);
    let metrics = reqwest::get(&app.metrics_url).await.unwrap().text().await.unwrap();
    for (reason, count) in [
        ("api_key_unknown", 2),
        ("api_key_secret", 1),
        ("api_key_network", 1),
        ("api_key_revoked", 1),
        ("api_key_expired", 1),
        ("api_key_malformed", 4),
    ] {
        let line = format!("auditgraph_tokens_rejected_total{{reason=\"{reason}\"}} {count}");
        assert!(metrics.contains(&line), "{line} is not in {metrics}");
    }
}

#[tokio::test]
async fn key_of_a_disabled_tenant_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.add_tenant("fabrikam").await;
    let key = create(&app.store, &tenant, grants(&["audit/read"]), None).await;
    let client = Client::new(&app.url).token(&key.secret);
    assert_eq!(*client.query(VIEWER).await.data("/viewer/tenant/key"), "fabrikam");
    app.close_tenant("fabrikam").await;
    wait_until("the key is refused", async || client.query(VIEWER).await.status == 403).await;
}

#[tokio::test]
async fn key_records_the_hour_of_its_last_use() {
    let app = TestApp::start().await;
    let (client, id) = app.keyed(&["audit/read"]).await;
    let last_used_at = async || app.store.api_key(&id).await.unwrap().unwrap().last_used_at;
    assert_eq!(last_used_at().await, None);
    client.query(VIEWER).await.data("/viewer");
    let hour = wait_for("the use is written", async || last_used_at().await).await;
    assert!(hour.0 % HOUR == 0 && hour <= app.now() && hour.plus(2 * HOUR) > app.now(), "{hour}");
}

#[tokio::test]
async fn every_change_is_an_event_without_the_secret() {
    let app = TestApp::start().await;
    let (keys, by, now) = (administration(&app.store), operator(), app.now());
    let limited = ApiKeyGrants {
        services: vec!["Payroll".to_owned()],
        networks: networks(&["10.0.0.0/8"]),
        ..grants(&["AUDIT_READER", "audit/write"])
    };
    let request = ApiKeyRequest { name: "payroll".to_owned(), grants: limited, expires_at: None };
    let first = keys.create(&app.tenant, request, &by, now).await.unwrap();
    let rotation = Rotation { old_expires_at: now.plus(HOUR), new_expires_at: Some(now.plus(2 * HOUR)) };
    let second = keys.rotate(&app.tenant, &first.id, rotation, &by, now).await.unwrap();
    keys.revoke(&app.tenant, &second.id, &by, now).await.unwrap();
    let query = "query($filter: AuditEventFilter!) { auditEventFeed(filter: $filter) { nodes {
        activity category operationType status actor { kind name } recording { route recordedBy }
        targets { type objectId displayName modifiedProperties { name change oldValue newValue } } } } }";
    let filter = json!({ "service": { "eq": "auditgraph" }, "category": { "eq": "ApiKeys" } });
    let found = app.admin().query_with(query, json!({ "filter": filter })).await;
    for key in [&first, &second] {
        assert!(!found.text.contains(key.secret.split('_').nth(2).unwrap()));
    }
    let nodes = found.data("/auditEventFeed/nodes");
    let added =
        |name: &str, value: Value| json!({ "name": name, "change": "ADDED", "oldValue": null, "newValue": value });
    let target = |id: &str, properties: Value| json!({ "type": "ApiKey", "objectId": id, "displayName": "payroll", "modifiedProperties": properties });
    let granted = [
        added("Roles", json!(["AUDIT_READER"])),
        added("Permissions", json!(["audit/write"])),
        added("Services", json!(["Payroll"])),
        added("Networks", json!(["10.0.0.0/8"])),
    ];
    let with_expiry = [&granted[..], &[added("Expiry", json!(now.plus(2 * HOUR).to_string()))]].concat();
    let expiry = json!([added("Expiry", json!(now.plus(HOUR).to_string()))]);
    let state = json!([{ "name": "State", "change": "CHANGED", "oldValue": "active", "newValue": "revoked" }]);
    let event = |activity: &str, operation: &str, targets: Value| {
        json!({ "activity": activity, "category": "ApiKeys", "operationType": operation, "status": "SUCCESS",
            "actor": { "kind": "USER", "name": "test" }, "recording": { "route": "INTERNAL", "recordedBy": "auditgraph" },
            "targets": targets })
    };
    let expected = json!([
        event("Create API key", "CREATE", json!([target(&first.id, json!(granted))])),
        event("Rotate API key", "UPDATE", json!([target(&first.id, expiry), target(&second.id, json!(with_expiry))])),
        event("Revoke API key", "DELETE", json!([target(&second.id, state)])),
    ]);
    assert_eq!(*nodes, expected, "{nodes:#}");
    // A change that is refused is no event.
    assert!(keys.revoke(&app.tenant, &second.id, &by, now).await.is_err());
    assert!(keys.rotate(&app.tenant, &second.id, rotation, &by, now).await.is_err());
    let other = app.add_tenant("fabrikam").await;
    assert!(keys.revoke(&other, &first.id, &by, now).await.is_err());
    assert_eq!(accesses(&app.admin()).await.iter().filter(|event| event["category"] == "ApiKeys").count(), 3);
}

/// Records in a loop until the key is refused. Returns the number of acknowledged events, and the time at which the last
/// request that was accepted began.
async fn record_until_refused(client: Client) -> (usize, Instant) {
    let (mut accepted, mut last) = (0, Instant::now());
    loop {
        let began = Instant::now();
        let response = record(&client, &format!("loop-{accepted}"), "Payroll").await;
        match response.status {
            201 => (accepted, last) = (accepted + 1, began),
            401 => return (accepted, last),
            _ => panic!("{response:?}"),
        }
    }
}

#[tokio::test]
async fn revoked_key_is_shut_out_on_every_server_and_stream() {
    let app = TestApp::start().await;
    let other = TestApp::start_over(app.database.shared(), &app.database.url, &["--page-size-max", "2"]).await;
    let large = |i: i32| {
        let details = vec![Detail::new("Log", Some("x".repeat(1 << 18)))];
        EventBody { additional_details: details, ..event(&format!("k{i}")) }
    };
    app.record((0..64).map(large)).await;
    let (client, id) = app.keyed(&["audit/write", "audit/read"]).await;
    let here = client.clone();
    let there = Client::new(&other.url).token(&client.bearer_token());
    let recording = tokio::spawn(record_until_refused(here.clone()));
    let mut events = Events::open(&there, FOLLOW, Value::Null).await;
    let mut socket = Socket::open(&other.url, &client.bearer_token()).await;
    socket.subscribe("1", FOLLOW, Value::Null).await;
    let mut idle = Socket::open(&app.url, &client.bearer_token()).await;
    let export = there.request(Method::POST, "/v1/events/export").json(&json!({ "occurredAt": { "window": "ALL" } }));
    let unread = export.send().await.unwrap();
    assert_eq!(unread.status(), 200);
    // All of them have begun.
    wait_until("an event is recorded", async || {
        let filter = json!({ "service": { "eq": "Payroll" } });
        !app.admin().keys(filter).await.is_empty()
    })
    .await;
    let revoked_at = Instant::now();
    revoke(&app.store, &app.tenant, &id).await;

    let (accepted, last) = recording.await.unwrap();
    assert!(last.saturating_duration_since(revoked_at) < Duration::from_secs(5), "{:?}", last - revoked_at);
    wait_until("the other server refuses the key", async || there.query(VIEWER).await.status == 401).await;
    let code = loop {
        let (_, result) = events.next().await.unwrap();
        if let Some(errors) = result.get("errors") {
            break errors[0]["extensions"]["code"].clone();
        }
    };
    assert_eq!(code, "UNAUTHENTICATED");
    let end = loop {
        match socket.next().await {
            Ok(message) if message["type"] == "error" => break message["payload"][0]["extensions"]["code"].clone(),
            Ok(_) => {}
            Err(code) => break json!(code),
        }
    };
    assert!(end == "UNAUTHENTICATED" || end == 4403, "{end}");
    assert_eq!(idle.next().await, Err(4403));
    let text = unread.text().await.unwrap_or_default();
    assert!(text.len() < 64 << 18, "the rest is not sent");

    // Everything that was acknowledged is in the log.
    let query = "query($filter: AuditEventFilter!) { auditEvents(occurredAt: { window: ALL }, filter: $filter) { totalCount } }";
    let filter = json!({ "recording": { "recordedBy": { "eq": format!("key:{id}") } } });
    let counted = app.admin().query_with(query, json!({ "filter": filter })).await;
    let counted = usize::try_from(counted.data("/auditEvents/totalCount").as_u64().unwrap()).unwrap();
    // The response to the last event may have been the refusal.
    assert!(accepted > 0 && counted >= accepted, "{accepted} acknowledged, {counted} recorded");
}

#[tokio::test]
async fn rotated_key_and_its_successor_are_valid_until_the_overlap_ends() {
    let app = TestApp::start().await;
    let now = app.now();
    let keys = administration(&app.store);
    let old = create(&app.store, &app.tenant, grants(&["audit/read"]), Some(now.plus(10 * HOUR))).await;
    let rotation = Rotation { old_expires_at: now.plus(HOUR), new_expires_at: None };
    let new = keys.rotate(&app.tenant, &old.id, rotation, &operator(), now).await.unwrap();
    for key in [&old, &new] {
        assert_eq!(Client::new(&app.url).token(&key.secret).query(VIEWER).await.status, 200);
    }
    let entries = keys.list(&app.tenant).await.unwrap();
    let of = |id: &str| entries.iter().find(|entry| entry.key.id == id).unwrap();
    assert_eq!(of(&old.id).key.expires_at, Some(now.plus(HOUR)));
    // The successor has the validity of the old key, to the time between the two calls.
    let validity = of(&new.id).key.expires_at.unwrap().0 - now.0;
    assert!((validity - 10 * HOUR).abs() < HOUR, "{validity}");
    assert_eq!((of(&new.id).grants.clone(), of(&new.id).key.name.as_str()), (grants(&["audit/read"]), "payroll"));
    // A key that leaked is replaced without an overlap.
    let rotation = Rotation { old_expires_at: now, new_expires_at: None };
    keys.rotate(&app.tenant, &new.id, rotation, &operator(), now).await.unwrap();
    let client = Client::new(&app.url).token(&new.secret);
    wait_until("the old key is refused", async || client.query(VIEWER).await.status == 401).await;
}
