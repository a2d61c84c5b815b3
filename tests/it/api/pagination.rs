//! Pagination: both directions, every order, invalid arguments, counting and page sizes.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::client::Client;
use crate::harness::events::{EventExt as _, HOUR, event};

const PAGE: &str = include_str!("../../documents/page.graphql");

/// Events a to g; b, c, d have the same time, and so do e and f; g was recorded last and has the earliest time.
async fn seven() -> TestApp {
    let app = TestApp::start().await;
    let start = app.now().plus(-HOUR);
    let ages = [("a", 1), ("b", 2), ("c", 2), ("d", 2), ("e", 3), ("f", 3), ("g", 0)];
    app.record(ages.map(|(key, at)| event(key).at(start.plus(at)))).await;
    app
}

async fn page(client: &Client, variables: Value) -> Value {
    client.query_with(PAGE, variables).await.data("/auditEvents").clone()
}

fn keys(page: &Value) -> String {
    page["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["eventKey"].as_str().unwrap()).collect()
}

/// Reads a whole list in pages, forwards or backwards, and checks the page info of each.
async fn walk(client: &Client, order: &Value, size: usize, forwards: bool) -> Vec<String> {
    let (count, cursor) = if forwards { ("first", "after") } else { ("last", "before") };
    let (ahead, behind, end) = if forwards {
        ("hasNextPage", "hasPreviousPage", "endCursor")
    } else {
        ("hasPreviousPage", "hasNextPage", "startCursor")
    };
    let (mut pages, mut from) = (Vec::new(), Value::Null);
    loop {
        let page = page(client, json!({ count: size, cursor: from, "orderBy": order })).await;
        let (edges, info) = (page["edges"].as_array().unwrap(), &page["pageInfo"]);
        assert_eq!(info[behind], json!(!from.is_null()), "{page}");
        assert_eq!(info["startCursor"], edges[0]["cursor"]);
        assert_eq!(info["endCursor"], edges[edges.len() - 1]["cursor"]);
        pages.push(keys(&page));
        if info[ahead] == json!(false) {
            return pages;
        }
        from = info[end].clone();
        assert!(pages.len() < 10, "the walk does not end: {pages:?}");
    }
}

#[tokio::test]
async fn pages_have_no_gaps_or_repetitions_in_any_order() {
    let app = seven().await;
    let client = app.admin();
    let orders = [
        (json!({ "field": "OCCURRED_AT", "direction": "DESC" }), "fedcbag"),
        (json!({ "field": "OCCURRED_AT", "direction": "ASC" }), "gabcdef"),
        (json!({ "field": "SEQUENCE", "direction": "DESC" }), "gfedcba"),
        (json!({ "field": "SEQUENCE", "direction": "ASC" }), "abcdefg"),
    ];
    for (order, expected) in orders {
        for size in [1, 2, 3, 7, 200] {
            let forwards = walk(&client, &order, size, true).await;
            assert_eq!(forwards.concat(), expected, "{order} {size}");
            assert_eq!(forwards.len(), 7_usize.div_ceil(size), "{order} {size}");
            let mut backwards = walk(&client, &order, size, false).await;
            backwards.reverse();
            assert_eq!(backwards.concat(), expected, "{order} {size} backwards");
        }
    }
    let newest = page(&client, json!({ "first": 7 })).await;
    assert_eq!(keys(&newest), "fedcbag", "newest first unless ordered otherwise");
}

#[tokio::test]
async fn page_lies_between_its_cursors() {
    let app = seven().await;
    let client = app.admin();
    let all = page(&client, json!({ "first": 7 })).await;
    let cursor = |at: usize| all["edges"][at]["cursor"].clone();
    // f e d c b a g: the events between `after` e and `before` a.
    let between = |count: &str, size: usize| json!({ count: size, "after": cursor(1), "before": cursor(5) });
    for (variables, expected, previous, next) in [
        (between("first", 2), "dc", true, true),
        (between("first", 9), "dcb", true, true),
        (between("last", 2), "cb", true, true),
        (json!({ "first": 2, "before": cursor(2) }), "fe", false, true),
        (json!({ "last": 1, "after": cursor(5) }), "g", true, false),
        (json!({ "first": 2, "after": cursor(6) }), "", true, false),
        (json!({ "last": 2, "before": cursor(0) }), "", false, true),
    ] {
        let page = page(&client, variables.clone()).await;
        let info = &page["pageInfo"];
        assert_eq!(keys(&page), expected, "{variables}");
        assert_eq!((&info["hasPreviousPage"], &info["hasNextPage"]), (&json!(previous), &json!(next)), "{variables}");
        assert_eq!(info["startCursor"].is_null(), expected.is_empty(), "{variables}");
    }
    app.record([event("new").at(app.now())]).await;
    let after = page(&client, json!({ "first": 2, "after": cursor(1) })).await;
    assert_eq!(keys(&after), "dc", "new events do not move a page");
    let first = page(&client, json!({ "last": 7, "before": cursor(1) })).await;
    assert_eq!(keys(&first), "newf");
}

#[tokio::test]
async fn page_info_is_complete_in_every_selection() {
    let app = seven().await;
    let query = include_str!("../../documents/page_info_is_complete_in_every_selection.graphql");
    let response = app.admin().query_with(query, json!({ "no": false })).await;
    let expected = json!({ "there": { "more": true }, "pageInfo": { "hasNextPage": true, "hasPreviousPage": false } });
    assert_eq!(*response.data("/auditEvents"), expected);
}

#[tokio::test]
async fn invalid_page_arguments_are_rejected_with_the_reason() {
    let app = seven().await;
    let client = app.admin();
    let sequence = json!({ "field": "SEQUENCE", "direction": "DESC" });
    let all = page(&client, json!({ "first": 1, "orderBy": sequence })).await;
    let of_another_order = all["pageInfo"]["endCursor"].clone();
    let forged = "`after` must be a cursor that this service returned";
    for (variables, message) in [
        (json!({ "first": 1, "last": 1 }), "give `first` or `last`, not both"),
        (json!({ "first": 0 }), "`first` must be from 1 to 200"),
        (json!({ "first": -1 }), "`first` must be from 1 to 200"),
        (json!({ "first": 201 }), "`first` must be from 1 to 200"),
        (json!({ "last": 0 }), "`last` must be from 1 to 200"),
        (json!({ "last": -1 }), "`last` must be from 1 to 200"),
        (json!({ "last": 201 }), "`last` must be from 1 to 200"),
        (json!({ "after": "forged" }), forged),
        (json!({ "after": "" }), forged),
        (json!({ "after": "AQAAAAAAAAAAAAAAAAAAAAA" }), forged),
        (json!({ "before": "%%%" }), "`before` must be a cursor that this service returned"),
        (json!({ "after": of_another_order }), "`after` must be a cursor of a list in the same order"),
        (json!({ "before": of_another_order }), "`before` must be a cursor of a list in the same order"),
    ] {
        let response = client.query_with(PAGE, variables.clone()).await;
        assert_eq!(response.error(), ("BAD_USER_INPUT", message), "{variables}");
        assert_eq!(response.body["errors"][0]["path"], json!(["auditEvents"]), "{variables}");
        assert_eq!(response.body["data"], json!({ "auditEvents": null }));
    }
    let sequence_page = page(&client, json!({ "first": 2, "after": of_another_order, "orderBy": sequence })).await;
    assert_eq!(keys(&sequence_page), "fe");
}

#[tokio::test]
async fn default_page_size_is_fifty_and_configurable() {
    let app = TestApp::start_with(&["--page-size-default", "3", "--page-size-max", "5"]).await;
    app.record((0..7).map(|i| event(&i.to_string()).at(app.now()))).await;
    let client = app.admin();
    assert_eq!(keys(&page(&client, json!({})).await).len(), 3);
    assert_eq!(keys(&page(&client, json!({ "last": 5 })).await).len(), 5);
    let response = client.query_with(PAGE, json!({ "first": 6 })).await;
    assert_eq!(response.error(), ("BAD_USER_INPUT", "`first` must be from 1 to 5"));
    let response = client.query("{ auditLogInfo { maxPageSize } }").await;
    assert_eq!(*response.data("/auditLogInfo/maxPageSize"), json!(5));

    let app = TestApp::start().await;
    app.record((0..51).map(|i| event(&i.to_string()).at(app.now()))).await;
    let response = app.admin().query("{ auditEvents { nodes { id } pageInfo { hasNextPage } } }").await;
    assert_eq!(response.data("/auditEvents/nodes").as_array().unwrap().len(), 50);
    assert_eq!(*response.data("/auditEvents/pageInfo/hasNextPage"), json!(true));
}

#[tokio::test]
async fn total_count_is_exact_up_to_its_limit() {
    let app = seven().await;
    let client = app.admin();
    let query = include_str!("../../documents/total_count_is_exact_up_to_its_limit.graphql");
    for (limit, value, exact) in [(1, 1, false), (5, 5, false), (6, 6, true), (7, 6, true), (100_000, 6, true)] {
        let response = client.query_with(query, json!({ "limit": limit })).await;
        let expected = json!({
            "totalCount": 6, "countUpTo": { "value": value, "isExact": exact }, "default": { "value": 6 },
        });
        assert_eq!(*response.data("/auditEvents"), expected, "{limit}");
    }
    for limit in [0, -1, 100_001] {
        let response = client.query_with(query, json!({ "limit": limit })).await;
        assert_eq!(response.error(), ("BAD_USER_INPUT", "`limit` must be from 1 to 100000"));
        let rest = json!({ "totalCount": 6, "countUpTo": null, "default": { "value": 6 } });
        assert_eq!(response.body["data"]["auditEvents"], rest, "a count that fails leaves the rest");
    }
}
