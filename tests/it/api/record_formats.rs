//! The formats that `POST /v1/events` accepts, and how its results name them.

use reqwest::Method;
use serde_json::{Value, json};

use super::recording::{event, outcomes, post, recorder};
use crate::harness::app::TestApp;
use crate::harness::client::Response;

#[tokio::test]
async fn object_in_no_known_format_is_recorded_only_if_asked() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let send = async |address: &str, body: &Value| {
        let request = client.request(Method::POST, address).header("content-type", "application/json");
        client.send(request.body(body.to_string())).await
    };
    let plain = json!({ "time": "2026-03-01T10:00:00Z", "operation": "Sign out", "who": "ada", "id": "p-1" });
    // A misspelt name must not turn an event of this API into a record of another system.
    let mut misspelt = event("m-1");
    let fields = misspelt.as_object_mut().unwrap();
    let (key, time) = (fields.remove("eventKey").unwrap(), fields.remove("occurredAt").unwrap());
    fields.extend([("event_key".to_owned(), key), ("timestamp".to_owned(), time)]);
    let refused = send("/v1/events", &json!([plain, misspelt, { "records": [plain] }])).await;
    assert_eq!((refused.status, outcomes(&refused)), (400, vec!["REJECTED".to_owned(); 3]), "{}", refused.text);
    for result in refused.body["results"].as_array().unwrap() {
        assert_eq!(result["problems"][0]["path"], json!(["event"]));
        let message = result["problems"][0]["message"].as_str().unwrap();
        assert!(message.contains("`eventKey`") && message.contains("`?format=generic`"), "{message}");
    }
    assert_eq!(app.admin().keys(json!({})).await, [""; 0]);
    let chosen = send("/v1/events?format=generic", &json!([plain, event("own")])).await;
    assert_eq!((chosen.status, outcomes(&chosen)), (201, vec!["RECORDED".to_owned(); 2]), "{}", chosen.text);
    assert_eq!(chosen.body["results"][0]["source"], "generic");
    assert_eq!(chosen.body["results"][1].get("source"), None);
    for address in ["/v1/events?format=", "/v1/events?format=any", "/v1/events?format=generic&format=own"] {
        let response = send(address, &plain).await;
        assert_eq!((response.status, response.error().0), (400, "BAD_USER_INPUT"), "{}", response.text);
        assert!(response.text.contains("`format` must be `generic` or omitted"), "{}", response.text);
    }
}

#[tokio::test]
async fn result_names_the_format_of_a_record_of_another_system() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let audit = json!({ "id": "d-9", "activityDisplayName": "Update group", "activityDateTime": "2026-03-01T10:00:00Z",
        "loggedByService": "Core Directory", "initiatedBy": { "app": { "displayName": "Sync" } } });
    let cloud = json!({ "specversion": "1.0", "type": "com.example.logout", "source": "/app", "id": "c-9",
        "time": "2026-11-20T10:00:00Z", "data": 5 });
    let first = post(&client, "application/json", json!([audit, cloud, event("own")]).to_string()).await;
    let mut other = audit.clone();
    other["activityDateTime"] = json!("2026-03-01T11:00:00Z");
    let again = post(&client, "application/json", json!([audit, cloud, other]).to_string()).await;
    assert_eq!(outcomes(&first), ["RECORDED"; 3], "{}", first.text);
    assert_eq!(outcomes(&again), ["DUPLICATE", "DUPLICATE", "CONFLICT"], "{}", again.text);
    let sources = |response: &Response| -> Vec<Value> {
        response.body["results"].as_array().unwrap().iter().map(|result| result["source"].clone()).collect()
    };
    assert_eq!(sources(&first), [json!("graph.directoryAudit"), json!("cloudEvents"), Value::Null]);
    assert_eq!(sources(&again), [json!("graph.directoryAudit"), json!("cloudEvents"), json!("graph.directoryAudit")]);
    let foreign = json!({ "time": "2026-03-01T10:00:00Z", "category": "AuditLogs", "tenantId": "fabrikam",
        "operationVersion": "1.0", "properties": { "id": "x", "activityDisplayName": "Add user",
        "activityDateTime": "2026-03-01T10:00:00Z", "loggedByService": "Core Directory" } });
    let refused = post(&client, "application/json", foreign.to_string()).await;
    assert_eq!(
        (outcomes(&refused), sources(&refused)),
        (vec!["REJECTED".to_owned()], vec![json!("azureMonitor.auditLogs")])
    );
}

#[tokio::test]
async fn problem_of_an_enum_lists_its_values() {
    let app = TestApp::start().await;
    let mut wrong = event("e-1");
    let fields = [("status", "success"), ("operationType", "WRITE"), ("resourceType", ""), ("groupSource", "LDAP")];
    for (name, value) in fields {
        wrong[name] = json!(value);
    }
    let response = post(&recorder(&app), "application/json", wrong.to_string()).await;
    let problems = response.body["results"][0]["problems"].as_array().unwrap();
    let message = |name: &str| {
        let found = problems.iter().find(|problem| problem["path"] == json!([name]));
        found.unwrap_or_else(|| panic!("{name}: {}", response.text))["message"].as_str().unwrap()
    };
    assert_eq!(message("status"), "must be one of `SUCCESS`, `FAILURE`, `TIMEOUT`, `UNKNOWN`");
    assert_eq!(
        message("operationType"),
        "must be one of `CREATE`, `UPDATE`, `DELETE`, `ASSIGN`, `REMOTE_TASK`, `READ`, `OTHER`"
    );
    assert!(message("resourceType").starts_with("must be one of `GROUP`, `DIRECTORY`, "));
    assert_eq!(message("groupSource"), "must be one of `AZURE_AD`, `O365`");
}
