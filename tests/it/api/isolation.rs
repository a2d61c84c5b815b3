//! What a caller may not see does not exist: a log that also holds events of another tenant, or of services that the
//! caller does not see, answers every question as a log without them does.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::client::Client;
use crate::harness::events::{EventBody, EventExt as _, HOUR, Timestamp, change, event, target, user};

/// What texts are made of, so that those of both sides are alike.
const WORDS: [&str; 3] = ["Ada", "secret", "50%_off"];
/// What only texts of the others contain.
const HUSH: &str = "hush";

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.roll(WORDS.len())]
    }
}

fn made(dice: &mut Dice, services: &[&str], key: i64, from: Timestamp, mark: &str) -> EventBody {
    let service = services[dice.roll(services.len())];
    let (from_value, to_value) = (json!(dice.word()).to_string(), json!(format!("{mark}{}", dice.word())).to_string());
    let category = format!("{mark}{} management", dice.word());
    let mut body = event(&format!("key-{key}"))
        // No two at one time, so that a cursor means the same whatever stands between.
        .at(from.plus(key * 2_000_000 + if mark.is_empty() { 0 } else { 1_000_000 }))
        .service(service, &category)
        .activity(&format!("{mark}{} was changed", dice.word()))
        .actor(user(&format!("{mark}{}@contoso.example", dice.word())))
        .targets(vec![target(&format!("{mark}{}", dice.word()))])
        .change(change(&format!("{mark}{}Name", dice.word()), Some(&from_value), Some(&to_value)));
    body.correlation_id = Some(format!("{mark}{}", dice.word()));
    body.component = Some(format!("{mark}{}", dice.word()));
    body
}

/// Everything that can be asked about texts, in one filter each.
fn filters(word: &str) -> Vec<Value> {
    let text = |condition: &str| json!({ condition: word });
    let mut all = vec![json!({ "search": word }), json!({ "not": { "search": word } })];
    for field in ["category", "service", "activity", "component", "correlationId", "involving", "eventKey"] {
        all.extend(["contains", "startsWith"].map(|condition| json!({ field: text(condition) })));
        all.push(json!({ "not": { field: text("contains") } }));
    }
    for field in ["displayName", "userPrincipalName", "objectId"] {
        all.push(json!({ "initiatedBy": { field: text("contains") } }));
        all.push(json!({ "target": { field: text("contains") } }));
    }
    all.push(json!({ "initiatedBy": { "search": word } }));
    all.push(json!({ "target": { "modifiedProperty": { "name": text("startsWith") } } }));
    all.push(json!({ "target": { "modifiedProperty": { "from": [word] } } }));
    all.push(json!({ "target": { "modifiedProperty": { "to": [format!("{HUSH}{word}")] } } }));
    all
}

const LISTED: &str = "query($filter: AuditEventFilter, $search: String!, $id: ID!) {
    auditEvents(first: 200, period: null, filter: $filter) {
        nodes { id eventKey occurredAt activity category service component correlationId isRedacted raw
            actor { key name } targets { key displayName modifiedProperties { name oldValue newValue withheld } } }
        pageInfo { hasNextPage hasPreviousPage } totalCount countUpTo(limit: 3) { value isExact }
    }
    auditActors(search: $search) { name key }
    auditActivityTypes(search: $search) { key displayName category service eventCount modifiedPropertyNames isBuiltIn }
    auditServices { key displayName eventCount categories { key } }
    auditCategories { key displayName services }
    node(id: $id) { id }
    auditLogInfo { oldestEventAt newestEventAt }
}";

/// All answers that say nothing of the place in the log or of when something was recorded.
async fn answers(client: &Client, ids: &[String], cursors: &[String]) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let mut ask = async |query: &str, variables: Value| {
        let answer = client.query_with(query, variables.clone()).await;
        all.push((variables.to_string(), answer.body));
    };
    for word in WORDS.into_iter().chain([HUSH, "a"]) {
        for (i, filter) in filters(word).into_iter().enumerate() {
            let id = &ids[i % ids.len()];
            ask(LISTED, json!({ "filter": filter, "search": word, "id": id })).await;
        }
    }
    for key in 0..30 {
        let query =
            "query($key: String!) { a: auditEventByKey(service: \"Microsoft Intune\", eventKey: $key) { id activity }
            b: auditEventByKey(service: \"Core Directory\", eventKey: $key) { id activity } }";
        ask(query, json!({ "key": format!("key-{key}") })).await;
    }
    let page = "query($after: String, $before: String, $order: AuditEventOrder) {
        auditEvents(first: 3, period: null, after: $after, before: $before, orderBy: $order) {
            nodes { eventKey service } pageInfo { hasNextPage hasPreviousPage } } }";
    for cursor in cursors {
        ask(page, json!({ "after": cursor })).await;
        ask(page, json!({ "before": cursor })).await;
        let order = json!({ "field": "SEQUENCE", "direction": "ASC" });
        ask(page, json!({ "after": cursor, "order": order })).await;
    }
    ask("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": ids })).await;
    all
}

/// What a feed gives, page by page, and what the pages of a list give.
async fn walked(client: &Client) -> (Vec<String>, Vec<String>) {
    let (mut fed, mut listed) = (Vec::new(), Vec::new());
    let keys = |found: &Value| -> Vec<String> {
        found.as_array().unwrap().iter().map(|event| format!("{} {}", event["service"], event["eventKey"])).collect()
    };
    let mut after = Value::Null;
    loop {
        let query = "query($after: String) { auditEventFeed(first: 4, after: $after) { events { eventKey service } cursor isCaughtUp } }";
        let answer = client.query_with(query, json!({ "after": after })).await;
        let page = answer.data("/auditEventFeed");
        fed.extend(keys(&page["events"]));
        after = page["cursor"].clone();
        if page["isCaughtUp"] == true {
            break;
        }
    }
    let mut after = Value::Null;
    loop {
        let query = "query($after: String) { auditEvents(first: 4, period: null, after: $after) { nodes { eventKey service } pageInfo { endCursor hasNextPage } } }";
        let answer = client.query_with(query, json!({ "after": after })).await;
        let page = answer.data("/auditEvents");
        listed.extend(keys(&page["nodes"]));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    (fed, listed)
}

/// The ids of everything that somebody sees who sees it all, and the cursors of what the others do not see.
async fn places(client: &Client) -> (Vec<String>, Vec<String>) {
    let query = "{ auditEvents(first: 200, period: null) { edges { cursor node { id category } } } }";
    let answer = client.query(query).await;
    let edges = answer.data("/auditEvents/edges").as_array().unwrap().clone();
    let text = |edge: &Value, pointer: &str| edge.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let hidden = edges.iter().filter(|edge| text(edge, "/node/category").contains(HUSH));
    (edges.iter().map(|edge| text(edge, "/node/id")).collect(), hidden.map(|edge| text(edge, "/cursor")).collect())
}

/// Both answer the same, whatever is asked.
async fn alike(with: &Client, alone: &Client, everything: &Client) {
    let (ids, cursors) = places(everything).await;
    let cursors: Vec<_> = cursors.into_iter().step_by(9).collect();
    let (found, expected) = (answers(with, &ids, &cursors).await, answers(alone, &ids, &cursors).await);
    assert!(
        expected.iter().any(|(_, body)| body.pointer("/data/auditEvents/totalCount").is_some_and(|n| *n != json!(0)))
    );
    for ((asked, found), (_, expected)) in found.iter().zip(&expected) {
        // Sequences decide in their order, and a place in another log is another place.
        if !asked.contains("SEQUENCE") {
            assert_eq!(found, expected, "{asked}");
        }
        assert!(!found.to_string().contains(HUSH), "{asked}: {found}");
    }
    assert_eq!(walked(with).await, walked(alone).await);
}

#[tokio::test]
async fn another_tenant_changes_no_answer() {
    let (with, alone) = (TestApp::start().await, TestApp::start().await);
    let fabrikam = with.add_tenant("fabrikam").await;
    let from = with.now().plus(-HOUR);
    let mut dice = Dice(7);
    let services = ["Core Directory", "Microsoft Intune", "Contoso Payroll"];
    for key in 0..30 {
        let own = made(&mut dice, &services, key, from, "");
        with.record_for(&fabrikam, [made(&mut dice, &services, key, from, HUSH)]).await;
        with.record([own.clone()]).await;
        alone.record([own]).await;
    }
    let them = with.anonymous().role_in("fabrikam", "GLOBAL_ADMIN");
    alike(&with.admin(), &alone.admin(), &them).await;
    alike(&with.auditor(), &alone.auditor(), &them).await;
}

#[tokio::test]
async fn services_out_of_sight_change_no_answer() {
    let (with, alone) = (TestApp::start().await, TestApp::start().await);
    let from = with.now().plus(-HOUR);
    let mut dice = Dice(11);
    for key in 0..30 {
        let own = made(&mut dice, &["Microsoft Intune", "Windows 365"], key, from, "");
        with.record([made(&mut dice, &["Core Directory", "Contoso Payroll"], key, from, HUSH)]).await;
        with.record([own.clone()]).await;
        alone.record([own]).await;
    }
    alike(&with.intune_admin(), &alone.intune_admin(), &with.admin()).await;
}
