//! Limits of a request: each can be configured, and an error names the limit and both numbers.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::client::Response;
use crate::harness::events::{EventExt as _, HOUR, change, event};
use crate::harness::stream::Socket;

/// The exceeded limit, the requested and the allowed number; nothing was executed.
#[track_caller]
fn exceeded(response: &Response) -> (String, Value, Value) {
    assert_eq!(response.body.get("data"), None, "{}", response.text);
    let (code, message) = response.error();
    assert_eq!(code, "LIMIT_EXCEEDED", "{}", response.text);
    let what = message.strip_prefix("too many ").and_then(|rest| rest.split_once(':')).unwrap().0.to_owned();
    let extensions = &response.body["errors"][0]["extensions"];
    (what, extensions["asked"].clone(), extensions["limit"].clone())
}

#[tokio::test]
async fn every_document_limit_can_be_configured() {
    for (option, limit, what, within, beyond) in [
        (
            "--document-bytes-max",
            "30",
            "bytes in the document",
            "{ viewer { subject } }",
            "{ viewer { subject } } #        ",
        ),
        (
            "--document-tokens-max",
            "6",
            "tokens in the document",
            "{ viewer { subject } }",
            "{ viewer { subject __typename } }",
        ),
        ("--depth-max", "2", "levels of fields", "{ viewer { subject } }", "{ viewer { tenant { key } } }"),
        ("--fields-max", "2", "fields", "{ viewer { subject } }", "{ viewer { subject __typename } }"),
        (
            "--root-fields-max",
            "1",
            "root fields",
            "{ viewer { subject } }",
            "{ ...f } fragment f on Query { viewer { subject } __typename }",
        ),
        ("--aliases-max", "1", "aliases", "{ a: __typename }", "{ a: viewer { b: subject } }"),
        (
            "--directives-max",
            "1",
            "directives",
            "{ __typename @skip(if: false) }",
            "{ viewer @skip(if: false) { subject @skip(if: true) } }",
        ),
        (
            "--fragments-max",
            "1",
            "fragments",
            "{ ...f } fragment f on Query { __typename }",
            "{ ...f ...g } fragment f on Query { __typename } fragment g on Query { __typename }",
        ),
        ("--operations-max", "1", "operations", "{ __typename }", "query a { __typename } query b { __typename }"),
        (
            "--cost-max",
            "1000",
            "points of cost",
            "{ auditEvents(first: 9) { nodes { id } } }",
            "{ auditEvents(first: 10) { nodes { id } } }",
        ),
    ] {
        let app = TestApp::start_with(&[option, limit]).await;
        app.admin().query(within).await.data("");
        let response = app.admin().query(beyond).await;
        let (named, asked, allowed) = exceeded(&response);
        assert_eq!((named.as_str(), allowed), (what, json!(limit.parse::<u64>().unwrap())), "{option}");
        assert!(asked.as_u64() > limit.parse().ok(), "{option}");
    }
}

#[tokio::test]
async fn page_and_variable_limits_can_be_configured() {
    let options = ["--page-size-max", "3", "--page-size-default", "2", "--variables-bytes-max", "40"];
    let app = TestApp::start_with(&options).await;
    let start = app.now().plus(-HOUR);
    app.record((0..5).map(|i| event(&format!("e{i}")).at(start.plus(i)))).await;
    let count = async |arguments: &str| {
        let response = app.admin().query(&format!("{{ auditEvents{arguments} {{ nodes {{ id }} }} }}")).await;
        response.data("/auditEvents/nodes").as_array().unwrap().len()
    };
    assert_eq!((count("").await, count("(first: 3)").await), (2, 3));
    let response = app.admin().query("{ auditEvents(first: 4) { nodes { id } } }").await;
    assert_eq!(response.error().0, "BAD_USER_INPUT", "{}", response.text);
    assert_eq!(
        *app.admin().query("{ auditLogInfo { maxPageSize } }").await.data("/auditLogInfo/maxPageSize"),
        json!(3)
    );

    let query = "query($id: ID!) { node(id: $id) { id } }";
    app.admin().query_with(query, json!({ "id": "x".repeat(20) })).await.data("/node");
    let response = app.admin().query_with(query, json!({ "id": "x".repeat(40) })).await;
    assert_eq!(exceeded(&response), ("bytes in the variables".to_owned(), json!(48), json!(40)));
}

#[tokio::test]
async fn response_size_is_limited() {
    let app = TestApp::start_with(&["--response-bytes-max", "22000"]).await;
    let start = app.now().plus(-HOUR);
    app.record((0..5).map(|i| {
        let large = json!("x".repeat(6_000)).to_string();
        event(&format!("e{i}")).at(start.plus(i)).change(change("Large", None, Some(&large)))
    }))
    .await;
    let page = |first: usize| format!("auditEvents(first: {first}) {{ nodes {{ id }} }}");
    app.admin().query(&format!("{{ {} }}", page(2))).await.data("/auditEvents");
    let mut socket = Socket::open(&app.url, &app.admin().bearer_token()).await;
    for beyond in [page(4), format!("a: {} b: {}", page(1), page(2))] {
        let document = format!("{{ {beyond} }}");
        let response = app.admin().query(&document).await;
        assert_eq!(response.error().0, "LIMIT_EXCEEDED", "{}", response.text);
        assert!(response.error().1.starts_with("too many bytes of events in one response: "), "{}", response.text);
        assert_eq!(response.body["errors"][0]["extensions"]["limit"], json!(22_000));
        socket.subscribe(&beyond, &document, json!({})).await;
        let message = socket.next().await.unwrap();
        assert_eq!(message["payload"]["errors"][0]["extensions"]["limit"], json!(22_000), "{message}");
        assert_eq!(socket.next().await.unwrap()["type"], "complete");
    }
    // The feed still advances, with fewer events per page.
    let (mut polled, mut cursor) = (Vec::new(), Value::Null);
    while polled.len() < 5 {
        let query = "query($after: String) { auditEventFeed(after: $after) { nodes { eventKey } cursor } }";
        let page = app.admin().query_with(query, json!({ "after": cursor })).await;
        let events = page.data("/auditEventFeed/nodes").as_array().unwrap();
        assert!((1..=3).contains(&events.len()), "{}", page.text);
        polled.extend(events.iter().map(|event| event["eventKey"].clone()));
        cursor = page.data("/auditEventFeed/cursor").clone();
    }
    assert_eq!(json!(polled), json!(["e0", "e1", "e2", "e3", "e4"]));
}

#[tokio::test]
async fn introspection_needs_a_token_and_can_be_disabled() {
    let schema = "{ __schema { queryType { name } } }";
    let app = TestApp::start().await;
    assert_eq!(*app.auditor().query(schema).await.data("/__schema/queryType/name"), json!("Query"));
    assert_eq!(app.anonymous().query(schema).await.status, 401);
    let closed = TestApp::start_with(&["--introspection", "false"]).await;
    for query in [schema, "{ ...f } fragment f on Query { __type(name: \"Query\") { name } }"] {
        let response = closed.admin().query(query).await;
        assert_eq!(response.error(), ("FORBIDDEN", "introspection is disabled on this server"));
    }
    closed.admin().query("{ __typename viewer { __typename } }").await.data("/viewer");
    let response = closed.admin().query("{ viewr { subject } }").await;
    assert_eq!(response.error(), ("GRAPHQL_VALIDATION_FAILED", "type `Query` has no field `viewr`"));
}
