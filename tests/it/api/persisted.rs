//! DocumentCache that are named instead of sent: automatic persisted queries, and those that the operator trusts.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::app::TestApp;

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn named(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

const QUERY: &str = "query Q($id: ID! = \"x\") { viewer { subject } node(id: $id) { id } }";

#[tokio::test]
async fn a_document_is_sent_once_and_named_from_then_on() {
    let app = TestApp::start().await;
    let name = named(&hash(QUERY));
    let unknown = app.admin().post(&json!({ "extensions": name })).await;
    assert_eq!((unknown.status, unknown.error()), (200, ("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")));
    assert_eq!(unknown.body.get("data"), None);
    app.admin().post(&json!({ "query": QUERY, "extensions": name })).await.data("/viewer");
    let answer = app.admin().post(&json!({ "extensions": name, "variables": { "id": "y" } })).await;
    assert_eq!(*answer.data("/node"), Value::Null);
    let extensions = name.to_string();
    app.admin().get(&[("extensions", &extensions)]).await.data("/viewer");
    let id = format!("sha256:{}", hash(QUERY));
    app.admin().get(&[("documentId", &id)]).await.data("/viewer");

    app.add_tenant("fabrikam").await;
    let other = app.anonymous().role_in("fabrikam", "GLOBAL_ADMIN").post(&json!({ "extensions": name })).await;
    assert_eq!(other.error().0, "PERSISTED_QUERY_NOT_FOUND", "what one tenant sends, another does not know");
}

#[tokio::test]
async fn what_does_not_pass_is_not_kept_and_a_name_is_checked() {
    let app = TestApp::start().await;
    for (text, code) in
        [("{", "GRAPHQL_PARSE_FAILED"), ("{ ...f } fragment f on Query { ...f }", "GRAPHQL_VALIDATION_FAILED")]
    {
        let name = named(&hash(text));
        assert_eq!(app.admin().post(&json!({ "query": text, "extensions": name })).await.error().0, code);
        assert_eq!(app.admin().post(&json!({ "extensions": name })).await.error().0, "PERSISTED_QUERY_NOT_FOUND");
    }
    let mutation = "mutation M { recordAuditEvents(input: { events: [] }) { recordedCount } }";
    let name = named(&hash(mutation));
    app.admin().post(&json!({ "query": mutation, "extensions": name })).await;
    let answer = app.admin().get(&[("extensions", &name.to_string())]).await;
    assert_eq!(answer.status, 405, "what is named by GET is a query, too: {}", answer.text);
    for (extensions, message) in [
        (named(&hash("{ __typename }")), "the hash is not that of `query`"),
        (named("12"), "the hash of a document has 64 hexadecimal digits"),
        (
            json!({ "persistedQuery": { "version": 2, "sha256Hash": hash(QUERY) } }),
            "`persistedQuery` must be of version 1",
        ),
        (json!({ "persistedQuery": 1 }), "`persistedQuery` must be of version 1"),
    ] {
        let answer = app.admin().post(&json!({ "query": QUERY, "extensions": extensions })).await;
        assert_eq!(answer.error(), ("BAD_USER_INPUT", message));
    }
}

#[tokio::test]
async fn with_trusted_documents_nothing_else_runs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("documents.json");
    std::fs::write(&file, json!({ "who": QUERY, "type": "{ __typename }" }).to_string()).unwrap();
    let app = TestApp::start_with(&["--trusted-documents-file", file.to_str().unwrap()]).await;
    for body in [
        json!({ "documentId": "who" }),
        json!({ "documentId": format!("sha256:{}", hash(QUERY)) }),
        json!({ "extensions": named(&hash(QUERY)) }),
        json!({ "query": QUERY }),
        json!({ "query": QUERY, "extensions": named(&hash(QUERY)) }),
    ] {
        app.auditor().post(&body).await.data("/viewer");
    }
    for body in [
        json!({ "query": "{ viewer { subject } }" }),
        json!({ "query": "{ viewer { subject } }", "extensions": named(&hash("{ viewer { subject } }")) }),
        json!({ "query": "{ viewer { subject } }", "documentId": "who" }),
    ] {
        let answer = app.admin().post(&body).await;
        assert_eq!(answer.error(), ("FORBIDDEN", "this server runs only the documents that it trusts"));
    }
    for name in ["nobody", &format!("sha256:{}", hash("{ viewer { subject } }"))] {
        let answer = app.admin().post(&json!({ "documentId": name })).await;
        assert_eq!(answer.error().0, "PERSISTED_QUERY_NOT_FOUND");
    }
}

#[tokio::test]
async fn keeping_documents_can_be_switched_off() {
    let app = TestApp::start_with(&["--persisted-queries-max", "0"]).await;
    let name = named(&hash(QUERY));
    app.admin().post(&json!({ "query": QUERY, "extensions": name })).await.data("/viewer");
    assert_eq!(app.admin().post(&json!({ "extensions": name })).await.error().0, "PERSISTED_QUERY_NOT_FOUND");
}
