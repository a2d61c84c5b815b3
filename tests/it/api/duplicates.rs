//! Recording under a used key: what makes an event the same, another copy, or a different one.

use serde_json::{Value, json};

use super::recording::{event, outcomes, post, record, recorder};
use crate::harness::app::TestApp;

#[tokio::test]
async fn event_with_a_used_key_is_a_conflict_if_it_differs_in_anything() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    assert_eq!(outcomes(&post(&client, "application/json", event("a").to_string()).await), ["RECORDED"]);
    let mut same = event("a");
    same["statusReason"] = Value::Null;
    same["operationType"] = Value::Null;
    assert_eq!(outcomes(&post(&client, "application/json", same.to_string()).await), ["DUPLICATE"]);
    let different: [(&str, Value); 7] = [
        ("/status", json!("FAILURE")),
        ("/additionalDetails/0/value", json!("app")),
        ("/targets/0/modifiedProperties/0/newValue", json!(["approved", 2])),
        ("/targets/0/objectId", json!("43")),
        ("/actor/user/application/displayName", json!("Other")),
        ("/occurredAt", json!("2026-01-02T03:04:05.123457Z")),
        ("/category", json!("Payouts")),
    ];
    for (pointer, value) in different {
        let mut other = event("a");
        *other.pointer_mut(pointer).unwrap() = value;
        let response = post(&client, "application/json", other.to_string()).await;
        assert_eq!(outcomes(&response), ["CONFLICT"], "{pointer}");
        let response = record(&client, json!([other])).await;
        let kind = &response.data("/recordAuditEvents/results/0")["__typename"];
        assert_eq!(*kind, "AuditEventConflict", "{pointer}");
    }
    assert_eq!(app.admin().keys(json!({})).await, ["a"]);
}

#[tokio::test]
async fn duplicate_of_an_imported_record_names_the_fields_in_which_it_differs() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let audit = |result: &str, category: &str| {
        json!({ "id": "d-1", "activityDisplayName": "Add user", "activityDateTime": "2026-03-01T10:00:00Z",
            "loggedByService": "Core Directory", "category": category, "result": result,
            "initiatedBy": { "user": { "id": "u-1" } }, "targetResources": [{ "id": "u-2", "type": "User" }] })
    };
    let post = async |record: Value| post(&client, "application/json", record.to_string()).await;
    assert_eq!(outcomes(&post(audit("success", "UserManagement")).await), ["RECORDED"]);
    let same = post(audit("success", "UserManagement")).await;
    assert_eq!((same.status, same.body["results"][0]["status"].as_str()), (200, Some("DUPLICATE")));
    assert_eq!(same.body["results"][0].get("differsIn"), None);
    let differing = post(audit("success", "Users")).await;
    assert_eq!(differing.body["results"][0]["differsIn"], json!(["category"]), "{}", differing.text);
    assert_eq!((differing.status, differing.body["duplicateCount"].as_i64()), (200, Some(1)));
    assert_eq!(outcomes(&post(audit("failure", "UserManagement")).await), ["CONFLICT"]);
}
