//! Compressed bodies of recording: what collectors send, and the limits that hold for it.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Method;
use serde_json::json;

use super::recording::{event, outcomes, post, recorder};
use crate::harness::app::TestApp;
use crate::harness::client::{Client, Response};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

async fn post_gzip(client: &Client, content_type: &str, body: Vec<u8>) -> Response {
    let request = client.request(Method::POST, "/v1/events").header("content-type", content_type);
    client.send(request.header("content-encoding", "gzip").body(body)).await
}

#[tokio::test]
async fn gzip_body_records_what_the_body_itself_records() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let list = json!([event("a"), event("b")]).to_string();
    let recorded = post_gzip(&client, "application/json", gzip(&list)).await;
    assert_eq!((recorded.status, outcomes(&recorded)), (201, vec!["RECORDED".to_owned(), "RECORDED".to_owned()]));
    let again = post(&client, "application/json", list).await;
    assert_eq!((again.status, again.body["duplicateCount"].as_i64()), (200, Some(2)), "{}", again.text);
    // Fluent Bit sends lines, and may send several gzip members.
    let (first, second) = (format!("{}\n", event("c")), format!("{}\n", event("d")));
    let lines = post_gzip(&client, "application/x-ndjson", [gzip(&first), gzip(&second)].concat()).await;
    assert_eq!((lines.status, lines.body["recordedCount"].as_i64()), (201, Some(2)), "{}", lines.text);
    assert_eq!(app.admin().keys(json!({})).await.len(), 4);
}

#[tokio::test]
async fn gzip_body_that_is_too_large_or_not_complete_records_nothing() {
    let app = TestApp::start_with(&["--record-bytes-max", "3000"]).await;
    let client = recorder(&app);
    let mut large = event("a");
    large["statusReason"] = " ".repeat(3_000).into();
    let response = post_gzip(&client, "application/json", gzip(&large.to_string())).await;
    assert_eq!((response.status, response.error().0), (413, "LIMIT_EXCEEDED"), "{}", response.text);
    let extensions = &response.body["errors"][0]["extensions"];
    assert_eq!((&extensions["asked"], &extensions["limit"]), (&json!(3_001), &json!(3_000)));
    let whole = gzip(&json!([event("b"), event("c")]).to_string());
    for body in [whole[..whole.len() - 9].to_vec(), whole[..40].to_vec(), event("d").to_string().into_bytes()] {
        let response = post_gzip(&client, "application/json", body).await;
        assert_eq!(response.status, 400, "{}", response.text);
        assert_eq!(response.error(), ("BAD_USER_INPUT", "the body is not valid gzip, or is not complete"));
    }
    assert_eq!(app.admin().keys(json!({})).await.len(), 0);
}

#[tokio::test]
async fn json_body_that_ends_early_is_refused_as_a_whole() {
    let app = TestApp::start().await;
    let client = recorder(&app);
    let whole = json!([event("a"), event("b"), event("c")]).to_string();
    // Within the third event, after the second one, and without the end of the list.
    let cuts = [(whole.len() - 20, 2), (whole.find(r#"{"eventKey":"c""#).unwrap(), 2), (whole.len() - 1, 3)];
    for (end, complete) in cuts {
        for response in [
            post(&client, "application/json", &whole[..end]).await,
            post_gzip(&client, "application/json", gzip(&whole[..end])).await,
        ] {
            assert_eq!((response.status, response.error().0), (400, "BAD_USER_INPUT"), "{}", response.text);
            let expected = format!("event {complete}, counted from 0, is not valid JSON: line 1: EOF");
            assert!(response.error().1.starts_with(&expected), "{}", response.text);
        }
    }
    assert_eq!(app.admin().keys(json!({})).await.len(), 0);
    // Lines are values of their own: those before the cut are recorded.
    let lines = format!("{}\n{}\n{}", event("a"), event("b"), &event("c").to_string()[..50]);
    let response = post(&client, "application/x-ndjson", lines).await;
    assert_eq!((response.status, outcomes(&response).join(" ")), (207, "RECORDED RECORDED REJECTED".to_owned()));
    assert_eq!(app.admin().keys(json!({})).await.len(), 2);
}
