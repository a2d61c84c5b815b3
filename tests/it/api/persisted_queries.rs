//! Persisted queries: automatic ones by hash, and trusted documents.

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
async fn persisted_query_is_registered_once_and_run_by_hash() {
    let app = TestApp::start().await;
    let name = named(&hash(QUERY));
    let unknown = app.admin().post(&json!({ "extensions": name })).await;
    assert_eq!((unknown.status, unknown.error()), (200, ("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")));
    assert_eq!(unknown.body.get("data"), None);
    app.admin().post(&json!({ "query": QUERY, "extensions": name })).await.data("/viewer");
    let response = app.admin().post(&json!({ "extensions": name, "variables": { "id": "y" } })).await;
    assert_eq!(*response.data("/node"), Value::Null);
    let extensions = name.to_string();
    app.admin().get(&[("extensions", &extensions)]).await.data("/viewer");
    let id = format!("sha256:{}", hash(QUERY));
    app.admin().get(&[("documentId", &id)]).await.data("/viewer");

    // Sending the text does not help if an id is unknown, so clients must not take this for an unknown hash.
    for unknown in ["id", &format!("sha256:{}", hash("{ __typename }"))] {
        assert_eq!(app.admin().post(&json!({ "documentId": unknown })).await.error().0, "DOCUMENT_NOT_FOUND");
    }

    app.add_tenant("fabrikam").await;
    let other = app.anonymous().role_in("fabrikam", "GLOBAL_ADMIN").post(&json!({ "extensions": name })).await;
    assert_eq!(other.error().0, "PERSISTED_QUERY_NOT_FOUND", "persisted queries are per tenant");
}

#[tokio::test]
async fn invalid_document_is_not_persisted_and_the_hash_is_verified() {
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
    let response = app.admin().get(&[("extensions", &name.to_string())]).await;
    assert_eq!(response.status, 405, "what is named by GET is a query, too: {}", response.text);
    for (extensions, message) in [
        (named(&hash("{ __typename }")), "the hash is not that of `query`"),
        (named("12"), "the hash of a document has 64 hexadecimal digits"),
        (
            json!({ "persistedQuery": { "version": 2, "sha256Hash": hash(QUERY) } }),
            "`persistedQuery` must be of version 1",
        ),
        (json!({ "persistedQuery": 1 }), "`persistedQuery` must be of version 1"),
    ] {
        let response = app.admin().post(&json!({ "query": QUERY, "extensions": extensions })).await;
        assert_eq!(response.error(), ("BAD_USER_INPUT", message));
    }
}

#[tokio::test]
async fn only_trusted_documents_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("documents.json");
    std::fs::write(&file, json!({ "who": QUERY, "type": "{ __typename }" }).to_string()).unwrap();
    let app = TestApp::start_with(&["--trusted-documents", file.to_str().unwrap()]).await;
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
        let response = app.admin().post(&body).await;
        assert_eq!(response.error(), ("FORBIDDEN", "this server runs only the documents that it trusts"));
    }
    for name in ["unknown", &format!("sha256:{}", hash("{ viewer { subject } }"))] {
        let response = app.admin().post(&json!({ "documentId": name })).await;
        assert_eq!(response.error(), ("DOCUMENT_NOT_FOUND", "the server has no document with this id"));
    }
    let name = named(&hash("{ viewer { subject } }"));
    assert_eq!(app.admin().post(&json!({ "extensions": name })).await.error().0, "DOCUMENT_NOT_FOUND");
}

#[tokio::test]
async fn persisted_queries_can_be_disabled() {
    let app = TestApp::start_with(&["--persisted-queries-max", "0"]).await;
    let name = named(&hash(QUERY));
    app.admin().post(&json!({ "query": QUERY, "extensions": name })).await.data("/viewer");
    assert_eq!(app.admin().post(&json!({ "extensions": name })).await.error().0, "PERSISTED_QUERY_NOT_FOUND");
}
