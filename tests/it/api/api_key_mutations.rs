//! API keys by the API: created, listed, revoked and rotated by callers with the permission, in their own tenant.

use serde_json::{Value, json};

use crate::harness::access_log::until;
use crate::harness::app::TestApp;
use crate::harness::client::{Client, Response};
use crate::harness::events::HOUR;

const FIELDS: &str = "id keyId name state roles permissions services networks createdBy expiresAt revokedAt lastUsedAt";

async fn create(client: &Client, input: Value) -> Response {
    let query = format!(
        "mutation($input: CreateApiKeyInput!) {{ createApiKey(input: $input) {{ secret apiKey {{ {FIELDS} }} }} }}"
    );
    client.query_with(&query, json!({ "input": input })).await
}

async fn revoke(client: &Client, key_id: &Value) -> Response {
    let query = "mutation($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { keyId state } } }";
    client.query_with(query, json!({ "input": { "keyId": key_id } })).await
}

async fn rotate(client: &Client, input: Value) -> Response {
    let query = "mutation($input: RotateApiKeyInput!) { rotateApiKey(input: $input) {
        secret apiKey { keyId name state roles expiresAt } replaced { keyId state expiresAt } } }";
    client.query_with(query, json!({ "input": input })).await
}

fn manager(app: &TestApp) -> Client {
    Client::new(&app.url).permitted("contoso", "audit/admin")
}

#[tokio::test]
async fn key_is_created_used_and_revoked() {
    let app = TestApp::start().await;
    let manager = manager(&app);
    let expiry = app.now().plus(HOUR).to_string();
    let input = json!({ "name": "payroll", "roles": ["AUDIT_READER"], "permissions": ["RECORD"], "services": ["Payroll"],
        "networks": ["127.0.0.0/8"], "expiresAt": expiry });
    let created = create(&manager, input).await;
    let mut key = created.data("/createApiKey/apiKey").clone();
    let (id, key_id) = (key["id"].take(), key["keyId"].take());
    let expected = json!({ "id": null, "keyId": null, "name": "payroll", "state": "ACTIVE", "roles": ["AUDIT_READER"],
        "permissions": ["RECORD"], "services": ["Payroll"], "networks": ["127.0.0.0/8"], "createdBy": "test-user",
        "expiresAt": expiry, "revokedAt": null, "lastUsedAt": null });
    assert_eq!(key, expected);
    assert_eq!(created.header("cache-control"), "private, no-store");
    let secret = created.data("/createApiKey/secret").as_str().unwrap();
    let program = Client::new(&app.url).token(secret);
    let viewer = program.query("{ viewer { subject canManageApiKeys canRecordAuditEvents } }").await;
    let expected = json!({ "subject": format!("key:{}", key_id.as_str().unwrap()), "canManageApiKeys": false,
        "canRecordAuditEvents": true });
    assert_eq!(*viewer.data("/viewer"), expected);
    let node = "query($id: ID!) { node(id: $id) { ... on ApiKey { name } } }";
    let of = |id: &Value| json!({ "id": id });
    assert_eq!(*manager.query_with(node, of(&id)).await.data("/node/name"), "payroll");
    assert_eq!(*app.admin().query_with(node, of(&id)).await.data("/node"), Value::Null);

    let revoked = revoke(&manager, &key_id).await;
    assert_eq!(*revoked.data("/revokeApiKey/apiKey/state"), "REVOKED");
    let again = revoke(&manager, &key_id).await;
    assert_eq!(again.error().0, "BAD_USER_INPUT");
    assert!(again.error().1.contains("neither revoked nor expired"), "{}", again.text);
    let query = "{ auditEvents(occurredAt: { window: ALL }, filter: { service: { eq: \"auditgraph\" },
        category: { eq: \"ApiKeys\" } }) { nodes { activity correlationId actor { ... on UserActor { objectId ipAddress } } } } }";
    let events = app.admin().query(query).await;
    let nodes = events.data("/auditEvents/nodes");
    assert_eq!(
        (nodes[0]["activity"].as_str(), nodes[1]["activity"].as_str()),
        (Some("Revoke API key"), Some("Create API key"))
    );
    assert_eq!(nodes[1]["correlationId"], created.header("x-request-id"));
    assert_eq!(nodes[1]["actor"]["ipAddress"], "127.0.0.1", "{nodes}");
}

#[tokio::test]
async fn key_is_rotated() {
    let app = TestApp::start().await;
    let manager = manager(&app);
    let created = create(&manager, json!({ "name": "payroll", "roles": ["AUDIT_READER"] })).await;
    let key_id = created.data("/createApiKey/apiKey/keyId");
    let rotated = rotate(&manager, json!({ "keyId": key_id })).await;
    let (new, old) = (rotated.data("/rotateApiKey/apiKey"), rotated.data("/rotateApiKey/replaced"));
    assert_eq!(
        (&new["name"], &new["state"], &new["roles"]),
        (&json!("payroll"), &json!("ACTIVE"), &json!(["AUDIT_READER"]))
    );
    assert_eq!((&new["expiresAt"], &old["state"], &old["keyId"]), (&Value::Null, &json!("ACTIVE"), key_id));
    assert!(old["expiresAt"].as_str().unwrap() > app.now().plus(HOUR / 2).to_string().as_str(), "{old}");
    for secret in [created.data("/createApiKey/secret"), rotated.data("/rotateApiKey/secret")] {
        let program = Client::new(&app.url).token(secret.as_str().unwrap());
        assert_eq!(program.query("{ viewer { subject } }").await.status, 200);
    }
    let leaked = rotate(&manager, json!({ "keyId": new["keyId"], "overlapSecs": 0 })).await;
    assert_eq!(*leaked.data("/rotateApiKey/replaced/state"), "EXPIRED");
    for (input, rule) in [
        (json!({ "keyId": leaked.data("/rotateApiKey/apiKey/keyId"), "overlapSecs": -1 }), "must be from 0 to 7776000"),
        (
            json!({ "keyId": leaked.data("/rotateApiKey/apiKey/keyId"), "overlapSecs": 7_776_001 }),
            "must be from 0 to 7776000",
        ),
        (
            json!({ "keyId": leaked.data("/rotateApiKey/apiKey/keyId"), "expiresAt": "2020-01-01T00:00:00Z" }),
            "expired already",
        ),
        (json!({ "keyId": "0000010000000000" }), "no API key with the id `0000010000000000`"),
    ] {
        let refused = rotate(&manager, input).await;
        assert_eq!(refused.error().0, "BAD_USER_INPUT");
        assert!(refused.error().1.contains(rule), "{}", refused.text);
    }
}

#[tokio::test]
async fn only_the_permission_to_manage_keys_manages_keys() {
    let app = TestApp::start().await;
    let other = app.add_tenant("fabrikam").await;
    let created = create(&manager(&app), json!({ "name": "payroll", "permissions": ["RECORD"] })).await;
    let key_id = created.data("/createApiKey/apiKey/keyId");
    let (recorder, _) = app.keyed(&["audit/write"]).await;
    let (reader, _) = app.keyed(&["AUDIT_READER", "audit/read"]).await;
    let input = json!({ "name": "a", "permissions": ["READ"] });
    let list = "{ apiKeys { totalCount } }";
    for client in [app.admin(), app.auditor(), app.intune_admin(), recorder, reader] {
        for refused in [
            create(&client, input.clone()).await,
            revoke(&client, key_id).await,
            rotate(&client, json!({ "keyId": key_id })).await,
            client.query(list).await,
        ] {
            assert_eq!(
                refused.error(),
                ("FORBIDDEN", "the token does not permit managing API keys"),
                "{}",
                refused.text
            );
        }
    }
    assert_eq!(app.anonymous().query(list).await.status, 401);
    // Refusals are accesses, with one of each caller for each field.
    let refusals = until(&app.admin(), "Manage API keys", 20).await;
    assert!(refusals.iter().all(|event| event["statusReason"] == "FORBIDDEN"), "{refusals:#?}");

    // Another tenant's key does not exist.
    let foreign = Client::new(&app.url).permitted("fabrikam", "audit/admin");
    assert_eq!(revoke(&foreign, key_id).await.error().0, "BAD_USER_INPUT");
    assert_eq!(rotate(&foreign, json!({ "keyId": key_id })).await.error().0, "BAD_USER_INPUT");
    assert_eq!(*foreign.query(list).await.data("/apiKeys/totalCount"), 0);
    assert!(app.store.api_keys(&other).await.unwrap().is_empty());

    // A key may manage keys, but neither read nor record, nor create a key of its kind.
    let (key_manager, _) = app.keyed(&["audit/admin"]).await;
    create(&key_manager, input.clone()).await.data("/createApiKey/secret");
    assert_eq!(key_manager.query("{ auditEvents { nodes { id } } }").await.error().0, "FORBIDDEN");
    for (client, input) in [
        (&key_manager, json!({ "name": "a", "permissions": ["ADMINISTER"] })),
        (&manager(&app), json!({ "name": "a", "permissions": ["ADMINISTER", "READ"] })),
    ] {
        let refused = create(client, input).await;
        assert_eq!(refused.error().0, "BAD_USER_INPUT");
        assert!(refused.error().1.contains("only by the operator"), "{}", refused.text);
    }
}

#[tokio::test]
async fn invalid_keys_are_refused_and_change_nothing() {
    let app = TestApp::start().await;
    let manager = manager(&app);
    for (input, rule) in [
        (json!({ "name": "a" }), "at least one role or permission"),
        (json!({ "name": "", "permissions": ["READ"] }), "the name of an API key has 1 to 100 bytes"),
        (json!({ "name": "a\nb", "permissions": ["READ"] }), "the name of an API key has 1 to 100 bytes"),
        (json!({ "name": "a", "roles": ["GLOBAL_ADMIN"] }), "cannot have the role `GLOBAL_ADMIN`"),
        (json!({ "name": "a", "permissions": ["READ"], "networks": ["localhost"] }), "`localhost` is not a network"),
        (json!({ "name": "a", "permissions": ["READ"], "services": [""] }), "a service of an API key"),
        (json!({ "name": "a", "permissions": ["READ"], "expiresAt": "2020-01-01T00:00:00Z" }), "expired already"),
    ] {
        let refused = create(&manager, input).await;
        assert_eq!(refused.error().0, "BAD_USER_INPUT", "{}", refused.text);
        assert!(refused.error().1.contains(rule), "{rule}: {}", refused.text);
    }
    assert_eq!(*manager.query("{ apiKeys { totalCount } }").await.data("/apiKeys/totalCount"), 0);
}

#[tokio::test]
async fn list_is_paged_in_both_directions() {
    let app = TestApp::start().await;
    let manager = manager(&app);
    for name in ["a", "b", "c", "d", "e"] {
        create(&manager, json!({ "name": name, "permissions": ["READ"] })).await.data("");
    }
    let page = async |arguments: &str| {
        let query = format!(
            "{{ apiKeys({arguments}) {{ nodes {{ name }} totalCount edges {{ cursor }}
                pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
        );
        let response = manager.query(&query).await;
        let page = response.data("/apiKeys").clone();
        let names: String =
            page["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect();
        let info = &page["pageInfo"];
        assert_eq!(page["totalCount"], 5);
        let cursors = [&info["startCursor"], &info["endCursor"]].map(|cursor| cursor.as_str().unwrap_or("").to_owned());
        (names, info["hasPreviousPage"].as_bool().unwrap(), info["hasNextPage"].as_bool().unwrap(), cursors)
    };
    let (names, previous, next, [_, end]) = page("first: 2").await;
    assert_eq!((&*names, previous, next), ("ab", false, true));
    let (names, previous, next, [start, end]) = page(&format!("first: 2, after: \"{end}\"")).await;
    assert_eq!((&*names, previous, next), ("cd", true, true));
    let (names, previous, next, _) = page(&format!("first: 2, after: \"{end}\"")).await;
    assert_eq!((&*names, previous, next), ("e", true, false));
    let (names, previous, next, _) = page(&format!("last: 1, before: \"{start}\"")).await;
    assert_eq!((&*names, previous, next), ("b", true, true));
    let (names, previous, next, _) = page("last: 5").await;
    assert_eq!((&*names, previous, next), ("abcde", false, false));
    for (arguments, rule) in [
        ("first: 0", "`first` must be from 1 to 200"),
        ("last: 201", "`last` must be from 1 to 200"),
        ("first: 1, last: 1", "not both"),
        ("after: \"x\"", "`after` must be a cursor"),
    ] {
        let refused = manager.query(&format!("{{ apiKeys({arguments}) {{ totalCount }} }}")).await;
        assert_eq!(refused.error().0, "BAD_USER_INPUT");
        assert!(refused.error().1.contains(rule), "{}", refused.text);
    }
}
