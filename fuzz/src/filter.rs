//! Filters: an accepted filter stays within the limits, selects the same events in SQL as in memory, and its negation
//! selects all other events.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use api::schema::filter::AuditEventFilter;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::Selection;
use async_graphql::{InputType, Value};
use formats::recognise;
use model::filter::{Condition, TimeRange};
use model::json::Node;
use model::page::{Order, Page};
use model::sensitive::SensitiveNames;
use model::{Event, NewEvent, Scope, ServiceSet, Timestamp};
use store::{EventQuery, Reader, Store, StoreSettings};
use tokio::runtime::Runtime;

/// Events with strings that are hard to compare, one per line.
const EVENTS: &str = include_str!("filter/events.ndjson");
const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
const CONDITIONS_MAX: usize = 50;
const LEVELS_MAX: usize = 5;

/// A log with one reader per scope, each with the events that it can read.
struct SampleLog {
    runtime: Runtime,
    views: Vec<(Reader, Vec<Event>)>,
    _folder: tempfile::TempDir,
}

static LOG: LazyLock<SampleLog> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the runtime starts");
    let folder = tempfile::tempdir().expect("a temporary folder is created");
    let views = runtime.block_on(views(&format!("sqlite://{}", folder.path().join("log.db").display())));
    SampleLog { runtime, views, _folder: folder }
});

async fn views(url: &str) -> Vec<(Reader, Vec<Event>)> {
    let timeout = Duration::from_secs(20);
    let settings =
        StoreSettings { url: url.to_owned(), connections: 1, statement_timeout: timeout, record_timeout: timeout };
    let store = Store::open(&settings, None).await.expect("the store opens");
    store.migrate().await.expect("the schema is created");
    let id = "0f3c1a2b-1111-4222-8333-444455556666".to_owned();
    let tenant = store.add_tenant("contoso", "Contoso", &[], id).await.expect("the tenant is added");
    let event = |line: &str| {
        let record = Node::parse(line).expect("each line is JSON");
        let body = recognise(&record).expect("each record is recognised").body;
        NewEvent::parse(body, NOW, &SensitiveNames::default()).expect("each event is valid")
    };
    let events: Vec<NewEvent> = EVENTS.lines().map(event).collect();
    store.writer(&tenant).record(&events, NOW).await.expect("the events are recorded");
    let two_services = ServiceSet::of(["Shop", "Core Directory"]);
    let scopes = [
        Scope::all(),
        Scope { visible: ServiceSet::All, sensitive: ServiceSet::of(["Shop"]) },
        Scope { visible: two_services, sensitive: ServiceSet::none() },
    ];
    let mut views = Vec::new();
    for scope in scopes {
        let reader = store.reader(&tenant, scope);
        let visible = listed(&reader, Condition::everything()).await;
        views.push((reader, visible));
    }
    assert_eq!(views[0].1.len(), events.len());
    views
}

async fn listed(reader: &Reader, condition: Condition) -> Vec<Event> {
    let query = EventQuery { condition, period: TimeRange::default(), as_of: None };
    let page = Page { limit: 200, from_end: false, after: None, before: None, order: Order::NEWEST, window: None };
    let slice = reader.page(&query, &page).await.expect("a query with an accepted filter succeeds");
    slice.rows.into_iter().map(|(_, row)| reader.event_of(row).expect("each row converts to an event")).collect()
}

/// Checks a filter, written as JSON (as in variables) or as a GraphQL literal.
pub fn check(input: &[u8]) {
    let Some(value) = std::str::from_utf8(input).ok().and_then(read) else { return };
    let Ok(filter) = AuditEventFilter::parse(Some(value)) else { return };
    let Ok(condition) = filter.condition() else { return };
    let (leaves, levels) = size(&condition);
    assert!(leaves <= CONDITIONS_MAX && levels <= LEVELS_MAX, "{leaves} conditions in {levels} levels");
    let log = &*LOG;
    for (reader, visible) in &log.views {
        let found: BTreeSet<i64> = sequences(&log.runtime.block_on(listed(reader, condition.clone())));
        let negation = Condition::Not(Box::new(condition.clone()));
        let rest = sequences(&log.runtime.block_on(listed(reader, negation)));
        let matching = visible.iter().filter(|event| condition.matches(event)).map(|event| event.sequence);
        assert_eq!(found, matching.collect(), "{condition:?}");
        assert!(found.is_disjoint(&rest) && found.len() + rest.len() == visible.len(), "{condition:?}");
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

/// Returns the number of conditions that are not `and`, `or` or `not`, and the number of nested filters.
fn size(condition: &Condition) -> (usize, usize) {
    let of = |conditions: &[Condition]| {
        let sizes = conditions.iter().map(size);
        sizes.fold((0, 0), |(leaves, levels), one| (leaves + one.0, levels.max(one.1)))
    };
    match condition {
        // A filter is the conjunction of its conditions; `and`, `or` and `not` contain filters.
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
