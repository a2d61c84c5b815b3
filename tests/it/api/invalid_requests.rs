//! Requests that are rejected before execution: status, headers and body of each error.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::client::{Client, Response};
use crate::harness::events::{DAY, EventExt as _, HOUR, event};

/// Status, media type and body of a response, in one line.
fn shown(what: &str, response: &Response) -> String {
    let media = response.header("content-type").replace("; charset=utf-8", "").replace("application/", "");
    format!("{what}: {} {media} {}\n", response.status, response.text)
}

const BOTH: [&str; 2] = ["application/graphql-response+json", "application/json"];

#[tokio::test]
async fn invalid_documents_are_rejected_before_execution() {
    let app = TestApp::start().await;
    let mut all = String::new();
    for (what, query, variables) in [
        ("parse", "{ viewer {", json!({})),
        ("empty", "", json!({})),
        ("unknown field", "{ viewr { subject } }", json!({})),
        ("unknown argument", "{ auditEvents(fist: 1) { totalCount } }", json!({})),
        ("unknown enum value", "{ auditEvents(filter: {groupSource: {eq: AZURE}}) { totalCount } }", json!({})),
        ("no selection", "{ viewer }", json!({})),
        ("missing variable", "query($id: ID!) { node(id: $id) { id } }", json!({})),
        ("null variable", "query($id: ID!) { node(id: $id) { id } }", json!({ "id": null })),
        ("wrong variable", "query($n: Int!) { auditEvents(first: $n) { totalCount } }", json!({ "n": "one" })),
        ("unknown variable", "{ node(id: $id) { id } }", json!({})),
        ("fragment cycle", "{ ...A } fragment A on Query { ...A }", json!({})),
        ("mutation", "mutation { x }", json!({})),
    ] {
        for media in BOTH {
            let body = json!({ "query": query, "variables": variables });
            let request = app.admin().request(Method::POST, "/graphql").header("accept", media).json(&body);
            let response = app.admin().send(request).await;
            assert_eq!(response.body.get("data"), None, "{what}: {}", response.text);
            assert!(!response.text.contains("Did you mean"), "{}", response.text);
            assert_eq!(response.header("x-request-id").len(), 36);
            if media == BOTH[0] {
                all += &shown(what, &response);
                assert_eq!(response.status, 400, "{what}");
            } else {
                assert_eq!(response.status, 200, "{what}: a GraphQL response, which older clients expect with 200");
            }
        }
    }
    insta::assert_snapshot!(all, @r##"
    parse: 400 graphql-response+json {"errors":[{"message":"the document is not valid GraphQL: expected a name instead of the end of the document","locations":[{"line":1,"column":11}],"extensions":{"code":"GRAPHQL_PARSE_FAILED"}}]}
    empty: 400 graphql-response+json {"errors":[{"message":"the document is not valid GraphQL: expected an operation instead of the end of the document","locations":[{"line":1,"column":1}],"extensions":{"code":"GRAPHQL_PARSE_FAILED"}}]}
    unknown field: 400 graphql-response+json {"errors":[{"message":"type `Query` has no field `viewr`","locations":[{"line":1,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}
    unknown argument: 400 graphql-response+json {"errors":[{"message":"field `Query.auditEvents` has no argument `fist`","locations":[{"line":1,"column":15}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}
    unknown enum value: 400 graphql-response+json {"errors":[{"message":"argument `filter` of field `Query.auditEvents`: `AZURE` is not a value of `GroupSource`, which has `AZURE_AD`, `O365`","locations":[{"line":1,"column":23}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}
    no selection: 400 graphql-response+json {"errors":[{"message":"field `Query.viewer` of type `Viewer!` needs a selection of fields","locations":[{"line":1,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}
    missing variable: 400 graphql-response+json {"errors":[{"message":"variable `$id` must have a value","extensions":{"code":"BAD_USER_INPUT"}}]}
    null variable: 400 graphql-response+json {"errors":[{"message":"variable `$id` must have a value","extensions":{"code":"BAD_USER_INPUT"}}]}
    wrong variable: 400 graphql-response+json {"errors":[{"message":"`$n` must be a number","extensions":{"code":"BAD_USER_INPUT"}}]}
    unknown variable: 400 graphql-response+json {"errors":[{"message":"the operation does not define the variable `$id`","locations":[{"line":1,"column":12}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}
    fragment cycle: 400 graphql-response+json {"errors":[{"message":"fragment `A` contains itself","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}
    mutation: 400 graphql-response+json {"errors":[{"message":"type `Mutation` has no field `x`","locations":[{"line":1,"column":12}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}
    "##);
}

#[tokio::test]
async fn documents_over_a_limit_are_rejected_with_the_name_of_the_limit() {
    let app = TestApp::start().await;
    let many = |count: usize, part: fn(usize) -> String| (0..count).map(part).collect::<String>();
    let mut all = String::new();
    for (what, query) in [
        ("bytes", format!("{{ viewer {{ subject }} }} #{}", " ".repeat(65_536))),
        ("tokens", format!("{{ viewer {{ {} }} }}", "subject ".repeat(4_000))),
        ("brackets", format!("{{ node(id: {}1{}) {{ id }} }}", "[".repeat(65), "]".repeat(65))),
        ("depth", format!("{}x{}", "{ x ".repeat(13), "}".repeat(13))),
        ("aliases", format!("{{ viewer {{ {} }} }}", many(101, |i| format!("a{i}: subject ")))),
        ("root fields", "{".to_owned() + &"__typename ".repeat(21) + "}"),
        ("fields", format!("{{ viewer {{ {} }} }}", "subject ".repeat(2_000))),
        ("directives", format!("{{ viewer {{ subject {} }} }}", "@skip(if: false) ".repeat(51))),
        ("operations", many(11, |i| format!("query q{i} {{ viewer {{ subject }} }} "))),
        ("fragments", many(51, |i| format!("fragment f{i} on Query {{ __typename }} ")) + "{ ...f0 }"),
        (
            "introspection",
            "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }".to_owned(),
        ),
        ("introspection depth", format!("{{ __schema {{ types {}name{} }} }}", "{ ofType ".repeat(16), "}".repeat(16))),
    ] {
        let response = app.admin().query(&query).await;
        assert_eq!(response.body.get("data"), None, "{what}: {}", response.text);
        all += &shown(what, &response);
    }
    insta::assert_snapshot!(all, @r##"
    bytes: 200 json {"errors":[{"message":"too many bytes in the document: 65560, where 65536 are allowed","extensions":{"asked":65560,"code":"LIMIT_EXCEEDED","limit":65536}}]}
    tokens: 200 json {"errors":[{"message":"too many tokens in the document: 4001, where 4000 are allowed","extensions":{"asked":4001,"code":"LIMIT_EXCEEDED","limit":4000}}]}
    brackets: 200 json {"errors":[{"message":"too many levels of brackets in the document: 65, where 64 are allowed","extensions":{"asked":65,"code":"LIMIT_EXCEEDED","limit":64}}]}
    depth: 200 json {"errors":[{"message":"too many levels of fields: 13, where 12 are allowed","extensions":{"asked":13,"code":"LIMIT_EXCEEDED","limit":12}}]}
    aliases: 200 json {"errors":[{"message":"too many aliases: 101, where 100 are allowed","extensions":{"asked":101,"code":"LIMIT_EXCEEDED","limit":100}}]}
    root fields: 200 json {"errors":[{"message":"too many root fields: 21, where 20 are allowed","extensions":{"asked":21,"code":"LIMIT_EXCEEDED","limit":20}}]}
    fields: 200 json {"errors":[{"message":"too many fields: 2001, where 2000 are allowed","extensions":{"asked":2001,"code":"LIMIT_EXCEEDED","limit":2000}}]}
    directives: 200 json {"errors":[{"message":"too many directives: 51, where 50 are allowed","extensions":{"asked":51,"code":"LIMIT_EXCEEDED","limit":50}}]}
    operations: 200 json {"errors":[{"message":"too many operations: 11, where 10 are allowed","extensions":{"asked":11,"code":"LIMIT_EXCEEDED","limit":10}}]}
    fragments: 200 json {"errors":[{"message":"too many fragments: 51, where 50 are allowed","extensions":{"asked":51,"code":"LIMIT_EXCEEDED","limit":50}}]}
    introspection: 200 json {"errors":[{"message":"too many lists of introspection inside each other: 3, where 2 are allowed","extensions":{"asked":3,"code":"LIMIT_EXCEEDED","limit":2}}]}
    introspection depth: 200 json {"errors":[{"message":"too many levels of introspection: 18, where 16 are allowed","extensions":{"asked":18,"code":"LIMIT_EXCEEDED","limit":16}}]}
    "##);
}

#[tokio::test]
async fn malformed_requests_are_rejected() {
    let app = TestApp::start_with(&["--body-bytes-max", "2000"]).await;
    let client = app.admin();
    let anonymous = app.anonymous();
    let post = || client.request(Method::POST, "/graphql");
    let get = |address: &str| client.request(Method::GET, address);
    let json_post = |body: &str| post().header("content-type", "application/json").body(body.to_owned());
    let good = r#"{"query":"{ viewer { subject } }"}"#;
    let mut all = String::new();
    for (what, request) in [
        ("no body", json_post("")),
        ("no JSON", json_post("{")),
        ("batch", json_post(&format!("[{good}]"))),
        ("no object", json_post("1")),
        ("no query", json_post("{}")),
        ("query null", json_post(r#"{"query":null}"#)),
        ("query number", json_post(r#"{"query":1}"#)),
        ("variables list", json_post(r#"{"query":"{ __typename }","variables":[]}"#)),
        ("operation number", json_post(r#"{"query":"{ __typename }","operationName":1}"#)),
        ("extensions text", json_post(r#"{"query":"{ __typename }","extensions":""}"#)),
        ("too large", json_post(&format!("{good}{}", " ".repeat(2_000)))),
        ("no type", post().body(good)),
        ("text", post().header("content-type", "text/plain").body(good)),
        ("form", post().header("content-type", "application/x-www-form-urlencoded").body("query={__typename}")),
        ("latin", post().header("content-type", "application/json; charset=latin1").body(good)),
        ("not acceptable", json_post(good).header("accept", "text/html")),
        ("refused media", json_post(good).header("accept", "application/json;q=0")),
        ("put", client.request(Method::PUT, "/graphql").body(good)),
        ("delete", client.request(Method::DELETE, "/graphql")),
        ("get, no header", anonymous.request(Method::GET, "/graphql?query=%7Ba%7D")),
        (
            "get, empty header",
            anonymous.request(Method::GET, "/graphql?query=%7Ba%7D").header("apollo-require-preflight", ""),
        ),
        ("get, query twice", get("/graphql?query=%7Ba%7D&query=%7Bb%7D")),
        ("get, no query", get("/graphql").header("graphql-require-preflight", "1")),
        ("get, variables", get("/graphql?query=%7Ba%7D&variables=x").header("x-apollo-operation-name", "a")),
        ("unknown address", get("/nowhere")),
    ] {
        let response = client.send(request).await;
        assert_eq!(response.body.get("data"), None, "{what}: {}", response.text);
        all += &shown(what, &response);
        let allow = if ["put", "delete"].contains(&what) { "GET, POST" } else { "" };
        assert_eq!(response.header("allow"), allow, "{what}");
    }
    insta::assert_snapshot!(all, @r##"
    no body: 400 json {"errors":[{"message":"the body is not valid JSON","extensions":{"code":"BAD_USER_INPUT"}}]}
    no JSON: 400 json {"errors":[{"message":"the body is not valid JSON","extensions":{"code":"BAD_USER_INPUT"}}]}
    batch: 400 json {"errors":[{"message":"one operation per request; batches are not supported","extensions":{"code":"BAD_USER_INPUT"}}]}
    no object: 400 json {"errors":[{"message":"the body must be a JSON object","extensions":{"code":"BAD_USER_INPUT"}}]}
    no query: 400 json {"errors":[{"message":"`query` is missing","extensions":{"code":"BAD_USER_INPUT"}}]}
    query null: 400 json {"errors":[{"message":"`query` must be a string","extensions":{"code":"BAD_USER_INPUT"}}]}
    query number: 400 json {"errors":[{"message":"`query` must be a string","extensions":{"code":"BAD_USER_INPUT"}}]}
    variables list: 400 json {"errors":[{"message":"`variables` must be an object","extensions":{"code":"BAD_USER_INPUT"}}]}
    operation number: 400 json {"errors":[{"message":"`operationName` must be a string","extensions":{"code":"BAD_USER_INPUT"}}]}
    extensions text: 400 json {"errors":[{"message":"`extensions` must be an object","extensions":{"code":"BAD_USER_INPUT"}}]}
    too large: 413 json {"errors":[{"message":"too many bytes in the body: 2034, where 2000 are allowed","extensions":{"asked":2034,"code":"LIMIT_EXCEEDED","limit":2000}}]}
    no type: 415 json {"errors":[{"message":"the content type must be `application/json`, in UTF-8","extensions":{"code":"BAD_USER_INPUT"}}]}
    text: 415 json {"errors":[{"message":"the content type must be `application/json`, in UTF-8","extensions":{"code":"BAD_USER_INPUT"}}]}
    form: 415 json {"errors":[{"message":"the content type must be `application/json`, in UTF-8","extensions":{"code":"BAD_USER_INPUT"}}]}
    latin: 415 json {"errors":[{"message":"the content type must be `application/json`, in UTF-8","extensions":{"code":"BAD_USER_INPUT"}}]}
    not acceptable: 406 json {"errors":[{"message":"responses are `application/graphql-response+json`, `application/json` or, for streams, `text/event-stream`","extensions":{"code":"BAD_USER_INPUT"}}]}
    refused media: 406 json {"errors":[{"message":"responses are `application/graphql-response+json`, `application/json` or, for streams, `text/event-stream`","extensions":{"code":"BAD_USER_INPUT"}}]}
    put: 405 json {"errors":[{"message":"method not allowed; use GET or POST","extensions":{"code":"BAD_USER_INPUT"}}]}
    delete: 405 json {"errors":[{"message":"method not allowed; use GET or POST","extensions":{"code":"BAD_USER_INPUT"}}]}
    get, no header: 400 json {"errors":[{"message":"GET needs the header `Authorization`, or `graphql-require-preflight` with any value","extensions":{"code":"BAD_USER_INPUT"}}]}
    get, empty header: 400 json {"errors":[{"message":"GET needs the header `Authorization`, or `graphql-require-preflight` with any value","extensions":{"code":"BAD_USER_INPUT"}}]}
    get, query twice: 400 json {"errors":[{"message":"the URL has the parameter `query` twice","extensions":{"code":"BAD_USER_INPUT"}}]}
    get, no query: 400 json {"errors":[{"message":"`query` is missing","extensions":{"code":"BAD_USER_INPUT"}}]}
    get, variables: 400 json {"errors":[{"message":"`variables` and `extensions` must be JSON","extensions":{"code":"BAD_USER_INPUT"}}]}
    unknown address: 404 json {"errors":[{"message":"not found","extensions":{"code":"BAD_USER_INPUT"}}]}
    "##);
}

#[tokio::test]
async fn get_runs_queries_only() {
    let app = TestApp::start().await;
    let client = app.admin();
    let query = "query A($id: ID!) { node(id: $id) { id } } query B { viewer { subject } }";
    let response = client.get(&[("query", query), ("operationName", "A"), ("variables", r#"{"id":"a&b=c"}"#)]).await;
    assert_eq!(*response.data(""), json!({ "node": null }));
    let response = client.get(&[("query", query), ("operationName", "B"), ("extensions", "{}"), ("other", "1")]).await;
    assert_eq!(*response.data("/viewer/subject"), json!("test-user"));
    for header in ["apollo-require-preflight", "x-apollo-operation-name"] {
        let request = client.request(Method::GET, "/graphql?query=%7B__typename%7D").header(header, "any");
        assert_eq!(*client.send(request).await.data(""), json!({ "__typename": "Query" }), "{header}");
    }
    for other in [
        "mutation { __typename }",
        "subscription { auditEventsRecorded { safeUpTo } }",
        "query Q { viewer { subject } } mutation M { __typename }",
    ] {
        let mut parameters = vec![("query", other)];
        parameters.extend(other.contains('Q').then_some(("operationName", "M")));
        let response = client.get(&parameters).await;
        assert_eq!((response.status, response.header("allow")), (405, "POST"), "{other}");
        let message = "GET runs queries only; send this operation by POST";
        assert_eq!(response.error(), ("BAD_USER_INPUT", message), "{other}");
    }
}

#[tokio::test]
async fn operation_name_selects_the_operation() {
    let app = TestApp::start().await;
    let query = "query A { viewer { subject } } query B { __typename }";
    let ask = async |name: serde_json::Value| app.admin().post(&json!({ "query": query, "operationName": name })).await;
    assert_eq!(*ask(json!("B")).await.data(""), json!({ "__typename": "Query" }));
    let mut all = String::new();
    for name in [json!(null), json!(""), json!("C")] {
        all += &shown(&name.to_string(), &ask(name).await);
    }
    insta::assert_snapshot!(all, @r##"
    null: 200 json {"errors":[{"message":"the document has several operations: select one with `operationName`","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}
    "": 200 json {"errors":[{"message":"the document has several operations: select one with `operationName`","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}
    "C": 200 json {"errors":[{"message":"the document has no operation with the name `C`","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}
    "##);
}

#[tokio::test]
async fn accept_header_selects_media_type_and_status() {
    let app = TestApp::start().await;
    let client = app.admin();
    for (accept, graphql) in [
        ("application/graphql-response+json", true),
        ("application/json", false),
        ("application/graphql-response+json, application/json;q=0.9", true),
        ("application/json, application/graphql-response+json", true),
        ("application/json, application/graphql-response+json;q=0.9", false),
        ("application/graphql-response+json;charset=utf-8;q=0.5, application/json;q=0.4", true),
        ("text/event-stream, multipart/mixed, application/json", false),
        ("application/graphql-response+json, application/json, text/event-stream, multipart/mixed", true),
        ("*/*", false),
        ("application/*", false),
        ("APPLICATION/GraphQL-Response+JSON", true),
    ] {
        let send = async |query: &str| {
            let body = json!({ "query": query });
            client.send(client.request(Method::POST, "/graphql").header("accept", accept).json(&body)).await
        };
        let (good, partial, bad) = (
            send("{ viewer { subject } }").await,
            send("{ auditEvents(first: 0) { totalCount } }").await,
            send("{").await,
        );
        let media = if graphql { BOTH[0] } else { BOTH[1] };
        for response in [&good, &partial, &bad] {
            assert_eq!(response.header("content-type"), format!("{media}; charset=utf-8"), "{accept}");
            assert_eq!(response.header("vary"), "Accept, Authorization");
            assert_eq!(response.header("cache-control"), "private, no-store");
        }
        assert_eq!((good.status, partial.status), (200, 200), "{accept}: there is data");
        assert_eq!(bad.status, if graphql { 400 } else { 200 }, "{accept}");
        assert_eq!(partial.body.get("data"), Some(&json!(null)), "executed, and null");
    }
}

#[tokio::test]
async fn responses_have_security_headers_and_request_id() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for client in [app.admin(), app.anonymous()] {
        for path in ["/graphql", "/nowhere", "/healthz", "/readyz"] {
            let method = if path == "/graphql" { Method::POST } else { Method::GET };
            let response = client.send(client.request(method, path).json(&json!({ "query": "{ __typename }" }))).await;
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("x-frame-options", "DENY"),
                ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
                ("server", ""),
                ("access-control-allow-origin", ""),
            ] {
                assert_eq!(response.header(name), value, "{path} {name}");
            }
            ids.extend((path == "/graphql").then(|| response.header("x-request-id").to_owned()));
        }
    }
    assert!(ids.iter().all(|id| id.len() == 36) && ids[0] != ids[1], "{ids:?}");
}

#[tokio::test]
async fn cached_document_gives_the_same_response() {
    const LIST: &str = "query($first: Int, $after: String, $last: Int = 1) {
        auditEvents(first: $first, after: $after, occurredAt: { window: ALL }) { nodes { id } }
        auditEvent(id: \"x\") { id __typename }
        actors: auditActors(search: \"a\", first: 1) { key }
        again: auditEvents(last: $last, occurredAt: { window: ALL }, filter: { category: { in: [\"a\", \"b\"] } }) { totalCount }
    }";
    const INSIDE: &str = "query($c: String) { auditEvents(occurredAt: { window: ALL }, filter: { category: { eq: $c }, nothing: 1 }) { totalCount } }";
    const FILTERED: &str =
        "query($filter: AuditEventFilter) { auditEvents(filter: $filter, occurredAt: { window: ALL }) { totalCount } }";
    let requests = [
        (LIST, json!({})),
        (LIST, json!({ "first": 2 })),
        (LIST, json!({ "first": 0 })),
        (LIST, json!({ "first": 2, "after": "no cursor" })),
        (LIST, json!({ "first": 2.5 })),
        (LIST, json!({ "first": "2" })),
        (LIST, json!({ "first": 4_000_000_000_u64 })),
        (LIST, json!({ "first": null, "last": null })),
        (LIST, json!({ "first": 1, "unknown": {} })),
        (INSIDE, json!({})),
        (INSIDE, json!({ "c": "x" })),
        (FILTERED, json!({ "filter": { "status": { "in": ["FAILURE"] } } })),
        (FILTERED, json!({ "filter": { "status": { "in": ["NONE"] } } })),
        (FILTERED, json!({ "filter": { "nothing": 1 } })),
        ("query($id: ID!) { node(id: $id) { nothing } }", json!({ "id": "x" })),
        ("query($id: ID) { node(id: $id) { id } }", json!({ "id": "x" })),
        ("query A { viewer { subject } } query B($id: ID!) { node(id: $id) { id } }", json!({ "id": "x" })),
    ];
    let app = TestApp::start().await;
    app.record([event("a"), event("b")]).await;
    let ask = async |query: &str, variables: &Value| {
        let response = app.admin().query_with(query, variables.clone()).await;
        (response.status, response.body)
    };
    // Each document runs on a server with an empty document cache, and on one that has cached all of them.
    let mut first = Vec::new();
    for (query, variables) in &requests {
        let unseen = format!("# {}\n{query}", first.len());
        first.push(ask(&unseen, variables).await);
    }
    for _ in 0..2 {
        for ((query, variables), (status, body)) in requests.iter().zip(&first) {
            let (again, found) = ask(query, variables).await;
            assert_eq!((again, without_lines(&found)), (*status, without_lines(body)), "{query} {variables}");
        }
    }
}

#[tokio::test]
async fn omitted_variables_have_their_defaults() {
    let app = TestApp::start().await;
    app.record([event("a").at(app.now().plus(-HOUR)), event("old").at(app.now().plus(-40 * DAY))]).await;
    let query = "query($yes: Boolean! = true, $no: Boolean! = false, $n: Int, $t: Int, $i: HistogramInterval, $p: AuditPeriodInput) {
        auditEvents(first: 1, occurredAt: $p) { totalCount @include(if: $yes) nodes { eventKey @skip(if: $no) activity @skip(if: $yes) } }
        auditEventFeed(first: $n) { nodes { eventKey } }
        auditEventSummary { facet(field: STATUS, top: $t) { otherCount } histogram(interval: $i) { count } }
    }";
    let response = app.admin().query(query).await;
    assert_eq!(*response.data("/auditEvents"), json!({ "totalCount": 1, "nodes": [{ "eventKey": "a" }] }));
    assert_eq!(*response.data("/auditEventFeed/nodes"), json!([{ "eventKey": "a" }, { "eventKey": "old" }]));
    assert_eq!(*response.data("/auditEventSummary/facet"), json!({ "otherCount": 0 }));
    assert!(response.data("/auditEventSummary/histogram").as_array().unwrap().len() >= 30);
    let switched = json!({ "yes": false, "no": true });
    let response = app.admin().query_with(query, switched).await;
    assert_eq!(response.data("/auditEvents")["nodes"][0]["activity"], "Add user");
    assert_eq!(response.data("/auditEvents").get("totalCount"), None);
    // Recorded only if the default applies.
    let mutation = "mutation($do: Boolean! = true, $events: [AuditEventInput!]!) {
        recordAuditEvents(input: { events: $events }) @include(if: $do) { recordedCount }
    }";
    let input = json!({ "eventKey": "b", "occurredAt": "2026-01-02T03:04:05Z", "service": "S", "category": "C",
        "activity": "A", "status": "SUCCESS", "actor": { "system": { "name": "Job" } } });
    let recorder = Client::new(&app.url).permitted("contoso", "audit/write");
    let skipped = recorder.query_with(mutation, json!({ "do": false, "events": [input] })).await;
    assert_eq!(*skipped.data(""), json!({}));
    let response = recorder.query_with(mutation, json!({ "events": [input] })).await;
    assert_eq!(*response.data("/recordAuditEvents"), json!({ "recordedCount": 1 }));
}

/// The response without error locations, which depend on a comment before the document.
fn without_lines(body: &Value) -> Value {
    let mut body = body.clone();
    for error in body["errors"].as_array_mut().into_iter().flatten() {
        for location in error["locations"].as_array_mut().into_iter().flatten() {
            location["line"] = json!(null);
        }
    }
    body
}

#[tokio::test]
async fn at_most_twenty_errors_are_listed() {
    let app = TestApp::start().await;
    let query = format!("{{ viewer {{ {} }} }}", "nothing ".repeat(100));
    let response = app.admin().query(&query).await;
    let errors = response.body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 20);
    assert!(errors.iter().all(|error| error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"));
}

#[tokio::test]
async fn arbitrary_requests_get_a_response() {
    let app = TestApp::start().await;
    let from = |value: &str| {
        let filter = format!("{{target: {{modifiedProperty: {{from: {value}}}}}}}");
        format!("{{ auditEvents(occurredAt: {{ window: ALL }}, filter: {filter}) {{ totalCount }} }}")
    };
    let eq = |text: &str| format!("{{ auditEvents(filter: {{category: {{eq: {text}}}}}) {{ totalCount }} }}");
    let between = |timestamp: &str| {
        format!(
            "{{ auditEvents(occurredAt: {{between: {{from: \"{timestamp}\"}}}}) {{ totalCount occurredAt {{ from }} }} }}"
        )
    };
    let documents = [
        from("1e400"),
        from("-1e-400"),
        from("123456789012345678901234567890"),
        from("$"),
        eq(r#""\ud800""#),
        eq(r#""\u{110000}""#),
        eq(r#""\u0000""#),
        eq(r#""\q""#),
        eq("\"\"\"\u{feff}\n  a\"\"\""),
        eq("\"\0\""),
        eq("\"a"),
        between("0000-01-01T00:00:00Z"),
        between("9999-12-31T23:59:59.9999999Z"),
        between("2016-12-31T23:59:60Z"),
        between("-262143-01-01T00:00:00Z"),
        "{ auditEvents(first: 99999999999) { totalCount } }".to_owned(),
        "{ auditEvents(first: 1.0) { totalCount } }".to_owned(),
        "\u{feff}{ __typename }".to_owned(),
        "\0".to_owned(),
        "query($a: [[[ID!]!]!]! = [[[1]]]) { nodes(ids: $a) { id } }".to_owned(),
        "query($a: Int = \"x\") { auditEvents(first: $a) { totalCount } }".to_owned(),
        "query($a: Int, $a: Int) { auditEvents(first: $a) { totalCount } }".to_owned(),
        "query A { __typename } query A { __typename }".to_owned(),
        "{ ...A } fragment A on Query { __typename } fragment A on Query { __typename }".to_owned(),
        "{ viewer { subject @include } }".to_owned(),
        "{ viewer { subject @skip(if: $x) } }".to_owned(),
        "subscription { x }".to_owned(),
        "type A { b: Int }".to_owned(),
        "{ node(id: \"a\", id: \"b\") { id } }".to_owned(),
        "{ __type(name: \"Query\") { fields { args { type { ofType { name } } } } } }".to_owned(),
    ];
    for document in documents {
        let response = app.admin().query(&document).await;
        assert_eq!(response.status, 200, "{document:?}: {}", response.text);
        let internal = response.text.contains("INTERNAL_SERVER_ERROR") || response.text.contains("UNAVAILABLE");
        assert!(response.body.is_object() && !internal, "{document:?}: {}", response.text);
    }
    app.admin().query("{ viewer { subject } }").await.data("/viewer");
}
