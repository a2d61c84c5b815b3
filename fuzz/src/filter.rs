//! Filters: one that is taken keeps its limits, means the same to the database as to the program itself, and its
//! negation means the rest.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::Selection;
use async_graphql::{InputType, Value};
use model::filter::{Condition, TimeRange};
use model::json::JsonNode;
use model::page::{Order, Page};
use model::sensitive::SensitiveNames;
use model::{Event, NewEvent, Scope, ServiceSet, Timestamp};
use formats::recognise;
use api::filter::AuditEventFilter;
use store::{List, Reader, Settings, Store};
use tokio::runtime::Runtime;

/// Events with texts that are hard to compare, one a line.
const EVENTS: &str = include_str!("filter/events.ndjson");
const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
const CONDITIONS_MAX: usize = 50;
const LEVELS_MAX: usize = 5;

/// A log, as several see it, with what they see.
struct Log {
    runtime: Runtime,
    views: Vec<(Reader, Vec<Event>)>,
    _folder: tempfile::TempDir,
}

static LOG: LazyLock<Log> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let views = runtime.block_on(views(&format!("sqlite://{}", folder.path().join("log.db").display())));
    Log { runtime, views, _folder: folder }
});

async fn views(url: &str) -> Vec<(Reader, Vec<Event>)> {
    let patience = Duration::from_secs(20);
    let settings =
        Settings { url: url.to_owned(), connections: 1, statement_timeout: patience, record_timeout: patience };
    let store = Store::open(&settings, None).await.expect("a log");
    store.migrate().await.expect("tables");
    let id = "0f3c1a2b-1111-4222-8333-444455556666".to_owned();
    let tenant = store.add_tenant("contoso", "Contoso", &[], id).await.expect("a tenant");
    let event = |line: &str| {
        let record = JsonNode::parse(line).expect("a line is JSON");
        let body = recognise(&record).expect("a record is recognised").body;
        NewEvent::parse(body, NOW, &SensitiveNames::default()).expect("an event can be recorded")
    };
    let events: Vec<NewEvent> = EVENTS.lines().map(event).collect();
    store.writer(&tenant).record(&events, NOW).await.expect("they are recorded");
    let some = ServiceSet::of(["Shop", "Core Directory"]);
    let scopes = [
        Scope::all(),
        Scope { visible: ServiceSet::All, sensitive: ServiceSet::of(["Shop"]) },
        Scope { visible: some, sensitive: ServiceSet::none() },
    ];
    let mut views = Vec::new();
    for scope in scopes {
        let reader = store.reader(&tenant, scope);
        let seen = listed(&reader, Condition::everything()).await;
        views.push((reader, seen));
    }
    assert_eq!(views[0].1.len(), events.len());
    views
}

async fn listed(reader: &Reader, condition: Condition) -> Vec<Event> {
    let list = List { condition, period: TimeRange::default(), as_of: None };
    let page = Page { limit: 200, from_end: false, after: None, before: None, order: Order::NEWEST, window: None };
    let slice = reader.page(&list, &page).await.expect("a filter that is taken is answered");
    slice.rows.into_iter().map(|(_, row)| reader.event_of(row).expect("a row is an event")).collect()
}

/// The input is a filter: JSON as in variables, or as it stands in a document.
pub fn check(input: &[u8]) {
    let Some(value) = std::str::from_utf8(input).ok().and_then(read) else { return };
    let Ok(filter) = AuditEventFilter::parse(Some(value)) else { return };
    let Ok(condition) = filter.condition() else { return };
    let (leaves, levels) = size(&condition);
    assert!(leaves <= CONDITIONS_MAX && levels <= LEVELS_MAX, "{leaves} conditions in {levels} levels");
    let log = &*LOG;
    for (reader, seen) in &log.views {
        let found: BTreeSet<i64> = sequences(&log.runtime.block_on(listed(reader, condition.clone())));
        let negation = Condition::Not(Box::new(condition.clone()));
        let rest = sequences(&log.runtime.block_on(listed(reader, negation)));
        let matching = seen.iter().filter(|event| condition.matches(event)).map(|event| event.sequence);
        assert_eq!(found, matching.collect(), "{condition:?}");
        assert!(found.is_disjoint(&rest) && found.len() + rest.len() == seen.len(), "{condition:?}");
    }
}

fn sequences(events: &[Event]) -> BTreeSet<i64> {
    events.iter().map(|event| event.sequence).collect()
}

fn read(text: &str) -> Option<Value> {
    if let Ok(json) = serde_json::from_str::<serde_json::Value>(text) {
        return Value::from_json(json).ok();
    }
    let document = parse_query(format!("{{ a(b: {text}) }}")).ok()?;
    let (_, operation) = document.operations.iter().next()?;
    let Selection::Field(field) = &operation.node.selection_set.node.items.first()?.node else { return None };
    field.node.get_argument("b")?.node.clone().into_const()
}

/// How many conditions there are that are no logic, and how many filters stand in each other.
fn size(condition: &Condition) -> (usize, usize) {
    let of = |conditions: &[Condition]| {
        let sizes = conditions.iter().map(size);
        sizes.fold((0, 0), |(leaves, levels), one| (leaves + one.0, levels.max(one.1)))
    };
    match condition {
        // A filter is all of its conditions; `and`, `or` and `not` have filters inside.
        Condition::All(conditions) => {
            let (leaves, levels) = of(conditions);
            let holds_filters = conditions.iter().all(|inner| matches!(inner, Condition::All(_)));
            (leaves, levels + usize::from(!holds_filters || conditions.is_empty()))
        }
        Condition::Any(conditions) => of(conditions),
        Condition::Not(inner) => size(inner),
        _ => (1, 0),
    }
}
