//! Records have the same event by `import` and by `POST /v1/events`.

use reqwest::Method;
use serde_json::Value;

use super::source_record::Tree;
use super::{events, import};
use crate::harness::app::TestApp;
use crate::harness::client::{Client, Response};

const RECORD: &str = r#"{"id":"Directory_7d1_AB_9","activityDisplayName":"Update user","activityDateTime":"2026-03-01T10:00:00Z","loggedByService":"Core Directory","category":"UserManagement","result":"success","initiatedBy":{"user":{"id":"u-1","userPrincipalName":"ada@fabrikam.example","ipAddress":"203.0.113.9:4431"}},"targetResources":[{"id":"u-2","type":"User","modifiedProperties":[{"displayName":"City","oldValue":"[\"Bonn\"]","newValue":"[\"Ulm\"]"}]}]}"#;

fn string(text: &str) -> String {
    Value::from(text).to_string()
}

/// Bodies with one record each, which stands for the same event in all of them.
fn bodies() -> Vec<String> {
    let counted = RECORD
        .replace("\"targetResources\":[", "\"targetResources\":{\"value\":[")
        .replace("]}]}", "]}],\"Count\":1}}");
    vec![
        RECORD.to_owned(),
        format!("[[{RECORD}]]"),
        format!(r#"{{"data":{{"integration":"ms-graph","ms-graph":{RECORD}}},"timestamp":"2026-03-01T11:00:00Z"}}"#),
        format!(r#"{{"date":1,"log":{}}}"#, string(&format!(r#"{{"value":[{RECORD}]}}"#))),
        format!(r#"{{"message":{}}}"#, string(&string(RECORD))),
        format!(r#"{{"results":[{RECORD}],"schema":[]}}"#),
        format!(r#"{{"responses":[{{"id":"1","status":200,"body":{{"value":[{RECORD}]}}}}]}}"#),
        format!(r#"{{"hits":{{"hits":[{{"_index":"i","_source":{RECORD}}}]}}}}"#),
        r#"{"tables":[{"columns":[{"name":"Id"},{"name":"OperationName"},{"name":"ActivityDateTime [UTC]"},{"name":"LoggedByService"},{"name":"InitiatedBy"},{"name":"TargetResources"},{"name":"Result"},{"name":"Category"}],
            "rows":[["Directory_7d1_AB_9","Update user","3/1/2026, 10:00:00.000 AM","Core Directory","{\"user\":{\"id\":\"u-1\",\"userPrincipalName\":\"ada@fabrikam.example\",\"ipAddress\":\"203.0.113.9\"}}","[{\"id\":\"u-2\",\"type\":\"User\",\"modifiedProperties\":[{\"displayName\":\"City\",\"oldValue\":\"[\\\"Bonn\\\"]\",\"newValue\":\"[\\\"Ulm\\\"]\"}]}]","success","UserManagement"]]}]}"#
            .replace('\n', ""),
        r#"{"activity":"Update user","activityDate":"2026-03-01T10:00:00Z","activityType":"User","activityResultStatus":"Success","category":"Core Directory","id":"Directory_7d1_AB_9","actor":{"objectId":"u-1","userPrincipalName":"ada@fabrikam.example","ipAddress":"203.0.113.9"},"targets":[{"objectId":"u-2","targetResourceType":"User","modifiedProperties":[{"name":"City","oldValue":"[\"Bonn\"]","newValue":"[\"Ulm\"]"}]}]}"#.to_owned(),
        counted,
    ]
}

async fn post(client: &Client, content_type: &str, body: &str) -> Response {
    let request = client.request(Method::POST, "/v1/events").header("content-type", content_type);
    client.send(request.body(body.to_owned())).await
}

fn outcomes(response: &Response) -> Vec<&str> {
    response.body["results"].as_array().unwrap().iter().map(|it| it["status"].as_str().unwrap()).collect()
}

fn recorder(app: &TestApp) -> Client {
    Client::new(&app.url).permitted("contoso", "audit/write")
}

/// The fields of an event that do not depend on the route or the envelope.
fn meaning(event: &Tree) -> Vec<Option<&Tree>> {
    ["eventKey", "occurredAt", "activity", "service", "category", "status", "statusReason", "actor", "targets"]
        .map(|name| event.get(name))
        .to_vec()
}

#[tokio::test]
async fn record_has_the_same_event_in_every_envelope_and_by_every_route() {
    let folder = tempfile::tempdir().unwrap();
    let mut first: Option<Tree> = None;
    for body in bodies() {
        let file = folder.path().join("record.json");
        std::fs::write(&file, &body).unwrap();
        let (by_import, by_api) = (TestApp::start().await, TestApp::start().await);
        assert_eq!(import(&by_import, &[file]).ok(), "recorded 1, duplicates 0, conflicts 0, rejected 0", "{body}");
        for content_type in ["application/json", "application/x-ndjson"] {
            let response = post(&recorder(&by_api), content_type, &body).await;
            let expected = if content_type.contains("nd") { "DUPLICATE" } else { "RECORDED" };
            assert_eq!(outcomes(&response), [expected], "{body}: {}", response.text);
        }
        let (imported, recorded) = (events(&by_import.admin()).await.0, events(&by_api.admin()).await.0);
        assert_eq!(meaning(&imported[0]), meaning(&recorded[0]), "{body}");
        assert_eq!(imported[0].get("unmapped"), recorded[0].get("unmapped"), "{body}");
        let first = first.get_or_insert_with(|| imported[0].clone());
        assert_eq!(meaning(first), meaning(&imported[0]), "{body}");
    }
}

#[tokio::test]
async fn reused_id_is_kept_under_another_key_by_every_route() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let deleted = RECORD.replace("Update user", "Delete user");
    let both = post(&client, "application/json", &format!("[{RECORD},{deleted}]")).await;
    assert_eq!(outcomes(&both), ["RECORDED"; 2], "{}", both.text);
    assert_eq!(both.body["results"][1]["eventKey"], "Directory_7d1_AB_9#delete user");
    let restored = RECORD.replace("Update user", "Restore user");
    assert_eq!(outcomes(&post(&client, "application/json", &restored).await), ["RECORDED"]);
    let later = deleted.replace("10:00:00", "11:00:00");
    assert_eq!(outcomes(&post(&client, "application/json", &later).await), ["CONFLICT"]);
    let again = post(&client, "application/x-ndjson", &format!("{deleted}\n{RECORD}\n{restored}")).await;
    assert_eq!(outcomes(&again), ["DUPLICATE"; 3], "{}", again.text);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.ndjson");
    std::fs::write(&file, [RECORD, &deleted, &restored].join("\n")).unwrap();
    assert_eq!(import(&app, &[file]).ok(), "recorded 0, duplicates 3, conflicts 0, rejected 0");
    let changed = RECORD.replace("10:00:00", "11:00:00");
    assert_eq!(outcomes(&post(&client, "application/json", &changed).await), ["CONFLICT"]);
    let event = events(&app.admin()).await.0.remove(1);
    assert_eq!(super::ImportedEvent::of(&event).lost(&Tree::read(&deleted).unwrap()), Vec::<String>::new());
}

#[tokio::test]
async fn broken_list_in_a_line_is_one_rejected_result() {
    let app = TestApp::start().await;
    let record = |id: &str| RECORD.replace("7d1_AB", id);
    let broken = format!("[{},{}]", record("x_1"), record("x_2").replacen(':', " ", 1));
    let body = [record("x_3"), broken, format!("[{},{}]", record("x_4"), record("x_5")), record("x_6")].join("\n");
    let response = post(&recorder(&app), "application/x-ndjson", &body).await;
    assert_eq!(outcomes(&response), ["RECORDED", "REJECTED", "RECORDED", "RECORDED", "RECORDED"], "{}", response.text);
    assert_eq!(response.status, 207);
    let sequence = format!("\u{1e}{}\n\u{1e}{}\n", record("x_3"), record("x_7"));
    let response = post(&recorder(&app), "application/json-seq", &sequence).await;
    assert_eq!(outcomes(&response), ["DUPLICATE", "RECORDED"], "{}", response.text);
}

#[tokio::test]
async fn record_that_was_cut_off_does_not_take_the_key_of_the_complete_one() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let cut = RECORD.replace(
        r#"{"user":{"id":"u-1","userPrincipalName":"ada@fabrikam.example","ipAddress":"203.0.113.9:4431"}}"#,
        r#""@{app=; user=}""#,
    );
    let refused = post(&client, "application/json", &cut).await;
    assert_eq!(outcomes(&refused), ["REJECTED"]);
    let message = refused.body["results"][0]["problems"][0]["message"].as_str().unwrap();
    assert!(message.ends_with("in PowerShell with `ConvertTo-Json -Depth 10`"), "{message}");
    assert_eq!(outcomes(&post(&client, "application/json", RECORD).await), ["RECORDED"]);
}
