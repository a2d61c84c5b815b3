//! Every query of the schema, and how two responses are compared.

use proptest::prelude::*;
use proptest::sample::select;
use reqwest::Method;
use serde_json::{Value, json};

use super::callers::{Log, Party};
use super::{MARKS, SENSITIVE, WORDS};
use crate::harness::client::Client;

/// The key of the last event of each caller; every subscription is read up to it.
pub(super) const LAST: &str = "last";

/// Fields of each event in lists and subscriptions.
macro_rules! seen {
    () => {
        "id eventKey occurredAt activity category service component correlationId status isRedacted
         actor { key name } targets { key displayName modifiedProperties { name oldValue newValue redaction } }"
    };
}

pub(super) const FOLLOW: &str = concat!(
    "subscription($after: String, $filter: AuditEventFilter) {
        auditEventsRecorded(after: $after, filter: $filter) { edges { node {",
    seen!(),
    "} } } }"
);
const LISTED: &str = concat!(
    "query($filter: AuditEventFilter, $positions: Boolean!) {
        auditEvents(first: 200, occurredAt: { window: ALL }, filter: $filter) { nodes {",
    seen!(),
    "raw sequence @include(if: $positions) }
            pageInfo { hasNextPage hasPreviousPage } totalCount countUpTo(limit: 3) { value isExact } } }"
);
const COUNTED: &str = include_str!("../../../documents/isolation_counted.graphql");
const SPANNED: &str = include_str!("../../../documents/isolation_spanned.graphql");
const BY_ID: &str = include_str!("../../../documents/isolation_by_id.graphql");
const PAGES: &str = include_str!("../../../documents/isolation_pages.graphql");
const FED: &str = include_str!("../../../documents/isolation_fed.graphql");
const EVERYTHING: &str = include_str!("../../../documents/isolation_everything.graphql");

/// Suggestions for each word.
fn suggestions() -> String {
    let words = WORDS.into_iter().chain(MARKS).chain(["a"]).enumerate();
    let one = |(i, word): (usize, &str)| {
        format!(
            "a{i}: auditActors(search: {word:?}) {{ name key }}
            t{i}: auditActivityTypes(search: {word:?}) {{
                key displayName category service eventCount modifiedPropertyNames isBuiltIn }}"
        )
    };
    format!("{{ {} }}", words.map(one).collect::<String>())
}

/// Lookups by keys that both callers use.
fn by_key() -> String {
    let services = ["Core Directory", "Microsoft Intune", "Windows 365", "Contoso Payroll"];
    let of = |service: &str| {
        ["key-0", "key-1", LAST].map(|key| {
            let name = format!("{service} {key}").replace([' ', '-'], "_");
            format!("{name}: auditEventByKey(service: {service:?}, eventKey: {key:?}) {{ id activity category }} ")
        })
    };
    format!("{{ {} }}", services.into_iter().flat_map(of).collect::<String>())
}

/// A condition on a string.
fn text() -> BoxedStrategy<Value> {
    let word = || select([&WORDS[..], &MARKS, &["a", "key-1", "Microsoft Intune", "Core Directory"]].concat());
    let condition = select(&["eq", "startsWith", "contains"][..]);
    prop_oneof![
        4 => (condition, word()).prop_map(|(condition, word)| json!({ condition: word })),
        1 => (word(), word()).prop_map(|(one, two)| json!({ "in": [one, two] })),
        1 => word().prop_map(|word| json!({ "notIn": [word] })),
    ]
    .boxed()
}

fn leaf() -> BoxedStrategy<Value> {
    let word = || select([&WORDS[..], &MARKS].concat());
    let fields = &["category", "service", "activity", "component", "correlationId", "involving", "eventKey"][..];
    let names = &["displayName", "userPrincipalName", "objectId"][..];
    let property = prop_oneof![
        (select(&["from", "to"][..]), word()).prop_map(|(side, word)| json!({ side: word })),
        text().prop_map(|text| json!({ "name": text })),
        word().prop_map(|word| json!({ "name": { "eq": SENSITIVE }, "to": word })),
    ];
    prop_oneof![
        1 => Just(json!({ "and": [] })),
        4 => (select(fields), text()).prop_map(|(field, text)| json!({ field: text })),
        2 => (select(names), text()).prop_map(|(name, text)| json!({ "actor": { name: text } })),
        2 => (select(names), text()).prop_map(|(name, text)| json!({ "target": { name: text } })),
        1 => word().prop_map(|word| json!({ "actor": { "search": word } })),
        1 => word().prop_map(|word| json!({ "target": { "search": word } })),
        1 => word().prop_map(|word| json!({ "target": { "key": { "in": [format!("id:{word}-id")] } } })),
        3 => property.prop_map(|property| json!({ "target": { "modifiedProperty": property } })),
        2 => word().prop_map(|word| json!({ "search": word })),
        1 => Just(json!({ "status": { "in": ["FAILURE"] } })),
    ]
    .boxed()
}

/// A filter of up to three levels.
pub(super) fn filter() -> BoxedStrategy<Value> {
    leaf()
        .prop_recursive(2, 6, 2, |inner| {
            let both = (inner.clone(), inner.clone());
            prop_oneof![
                inner.prop_map(|filter| json!({ "not": filter })),
                (select(&["and", "or"][..]), both).prop_map(|(word, (one, two))| json!({ word: [one, two] })),
            ]
        })
        .boxed()
}

/// The random queries of both callers.
pub(super) struct ScopedQuery {
    filters: Vec<Value>,
}

impl ScopedQuery {
    pub(super) fn new(filters: &[Value]) -> Self {
        Self { filters: filters.to_vec() }
    }

    /// The variables of a subscription: the events of the first filter, and the last event.
    pub(super) fn followed(&self, after: &Value) -> Value {
        json!({ "after": after, "filter": { "or": [self.filters[0], { "eventKey": { "eq": LAST } }] } })
    }
}

/// The responses of one log, each with its query.
#[derive(Default)]
struct Responses(Vec<(String, String)>);

impl Responses {
    fn add(&mut self, asked: &str, response: &Value) {
        self.0.push((asked.to_owned(), response.to_string()));
    }

    async fn ask(&mut self, client: &Client, query: &str, variables: Value) {
        let response = client.query_with(query, variables.clone()).await;
        self.add(&format!("{query} {variables}"), &response.body);
    }

    /// An export without its id, times and sequence, and whether other callers can read its status.
    async fn export(&mut self, client: &Client, other: &Client, mut asked: Value) {
        asked["columns"] = json!(["id", "eventKey", "occurredAt", "service", "activity", "actor", "targets"]);
        let response = client.send(client.request(Method::POST, "/v1/events/export").json(&asked)).await;
        let (rows, end) = response.text.trim_end().rsplit_once('\n').unwrap_or(("", &response.text));
        let end: Value = serde_json::from_str(end).unwrap();
        let end = ["state", "error", "count", "sha256"].map(|name| end["export"][name].clone());
        self.add(&format!("export {asked}"), &json!([rows, end]));
        let receipt = format!("/v1/events/export/{}", response.header("x-auditgraph-export-id"));
        let found = other.send(other.request(Method::GET, &receipt)).await;
        assert_eq!((response.status, found.status), (200, 404), "{} {}", response.text, found.text);
    }

    /// The events of a feed up to its end, regardless of page boundaries.
    async fn feed(&mut self, client: &Client, filter: &Value) {
        let (mut after, mut events) = (Value::Null, Vec::new());
        loop {
            let response = client.query_with(FED, json!({ "after": after, "filter": filter })).await;
            let page = response.data("/auditEventFeed");
            events.extend(page["nodes"].as_array().unwrap().iter().cloned());
            if page["isCaughtUp"] == true {
                return self.add(&format!("feed {filter}"), &events.into());
            }
            after = page["cursor"].clone();
        }
    }
}

/// The ids and cursors of the visible events.
struct TestServers {
    ids: Vec<Value>,
    cursors: Vec<Value>,
    feed: Value,
}

impl TestServers {
    async fn of(client: &Client) -> Self {
        let response = client.query(EVERYTHING).await;
        let edges = response.data("/auditEvents/edges").as_array().unwrap();
        Self {
            ids: edges.iter().map(|edge| edge["node"]["id"].clone()).collect(),
            cursors: edges.iter().map(|edge| edge["cursor"].clone()).collect(),
            feed: response.data("/auditLogInfo/feedCursor").clone(),
        }
    }
}

/// The responses to a caller that also uses ids and cursors of the other caller.
async fn responses(question: &ScopedQuery, party: &Party<'_>, log: &Log<'_>, other: &Party<'_>) -> Responses {
    let (client, positions) = (&log.client, party.has_same_positions());
    let (own, theirs) = (TestServers::of(client).await, TestServers::of(&other.with.client).await);
    let mut all = Responses::default();
    for filter in &question.filters {
        all.ask(client, LISTED, json!({ "filter": filter, "positions": positions })).await;
        all.ask(client, COUNTED, json!({ "filter": filter })).await;
        all.feed(client, filter).await;
    }
    let list = json!({ "occurredAt": { "window": "ALL" }, "filter": question.filters[0], "after": theirs.cursors[0] });
    all.export(client, &other.with.client, list).await;
    all.ask(client, &suggestions(), json!({})).await;
    all.ask(client, &by_key(), json!({})).await;
    all.ask(client, SPANNED, json!({ "positions": positions })).await;
    let ids: Vec<&Value> = theirs.ids.iter().chain(&own.ids).collect();
    all.ask(client, BY_ID, json!({ "id": theirs.ids[0], "ids": ids })).await;
    for cursor in theirs.cursors.iter().take(2) {
        all.ask(client, PAGES, json!({ "at": cursor })).await;
    }
    all
}

/// The responses to a caller that uses cursors of the other log.
async fn responses_at_positions(party: &Party<'_>, log: &Log<'_>, other: &Party<'_>) -> Responses {
    let theirs = TestServers::of(&other.with.client).await;
    let mut all = Responses::default();
    let order = json!({ "field": "SEQUENCE", "direction": "ASC" });
    all.ask(&log.client, PAGES, json!({ "at": theirs.cursors[0], "order": order })).await;
    let fed = log.client.query_with(FED, json!({ "after": theirs.feed })).await;
    if party.has_same_positions() {
        assert_eq!(fed.error().0, "CURSOR_EXPIRED", "{}", fed.text);
        assert_eq!(fed.body["errors"][0]["extensions"]["oldestCursor"], log.start);
    } else {
        all.add("feed after the other's cursor", &fed.body);
    }
    all
}

/// The events of the subscriptions up to the last event, by WebSocket and by server-sent events.
async fn followed(log: &mut Log<'_>) -> [Vec<Value>; 2] {
    let (mut live, mut stored) = (Vec::new(), Vec::new());
    let take = |all: &mut Vec<Value>, batch: &Value| {
        all.extend(batch["edges"].as_array().unwrap().iter().map(|edge| edge["node"].clone()));
        all.last().is_some_and(|event| event["eventKey"] == LAST)
    };
    let socket = log.live.as_mut().unwrap();
    while !take(&mut live, &socket.next().await.unwrap()["payload"]["data"]["auditEventsRecorded"]) {}
    let events = log.stored.as_mut().unwrap();
    while !take(&mut stored, &events.batch().await) {}
    [live, stored]
}

/// Checks that both logs give a caller the same responses to every query.
pub(super) async fn compare(question: &ScopedQuery, party: &mut Party<'_>, other: &Party<'_>) -> Result<(), String> {
    let mut found = responses(question, party, &party.with, other).await;
    let mut expected = responses(question, party, &party.alone, other).await;
    for (log, all) in [(&mut party.with, &mut found), (&mut party.alone, &mut expected)] {
        let [live, stored] = followed(log).await;
        if live != stored {
            return Err(format!("live {live:?}\nstored {stored:?}"));
        }
        all.add("subscription", &live.into());
    }
    let at_positions = responses_at_positions(party, &party.with, other).await;
    if party.has_same_positions() {
        expected.0.extend(responses_at_positions(party, &party.alone, other).await.0);
    }
    found.0.extend(at_positions.0);
    for (i, (asked, found)) in found.0.iter().enumerate() {
        let expected = expected.0.get(i).map_or(found, |(_, expected)| expected);
        if found != expected {
            return Err(format!("{asked}\nreturns    {found}\ninstead of {expected}"));
        }
        if found.contains(party.never()) {
            return Err(format!("{asked}\nreturns {found}"));
        }
    }
    Ok(())
}
