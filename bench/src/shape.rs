//! The measured requests: documents and variables as the viewer's screens send them, and how to check a response.

use serde_json::{Value, json};

/// A kind of request.
pub(crate) struct RequestShape {
    pub(crate) name: &'static str,
    pub(crate) document: &'static str,
    /// The variables of the requests, used in turn.
    pub(crate) variables: Vec<Value>,
    /// Checks the data of a response.
    pub(crate) is_expected: fn(&Value) -> bool,
}

/// All fields of an event in a detail list.
const EVERYTHING: &str = "query Page($first: Int, $after: String, $filter: AuditEventFilter) {
  auditEvents(first: $first, after: $after, occurredAt: { window: ALL }, filter: $filter) {
    edges { cursor node {
      id sequence occurredAt recordedAt eventKey activity activityDisplayName category service operationType
      resourceType status statusReason correlationId isRedacted
      actor { __typename key kind name ipAddress application { applicationId displayName }
        ... on UserActor { displayName userPrincipalName objectId } }
      targets { key objectId displayName type userPrincipalName
        modifiedProperties { name change oldValue newValue redaction } }
      additionalDetails { key value }
    } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}";

/// An event with actor, targets and changes: the page that is compared with the baselines.
pub(crate) const PAGE: &str = "query Page($first: Int, $after: String, $category: String!) {
  auditEvents(first: $first, after: $after, occurredAt: { window: ALL }, filter: { category: { eq: $category } }) {
    edges { cursor node {
      id occurredAt activity activityDisplayName category service status correlationId
      actor { kind name ipAddress ... on UserActor { objectId userPrincipalName } }
      targets { objectId displayName type modifiedProperties { name change oldValue newValue } }
    } }
    pageInfo { hasNextPage endCursor }
  }
}";

/// The same page in PostGraphile's naming, over the schema of `bench/postgraphile`.
pub(crate) const POSTGRAPHILE: &str = "query Page($first: Int, $category: String!) {
  auditEvents: allAuditEvents(first: $first, orderBy: [OCCURRED_AT_DESC, ROW_ID_DESC], condition: { category: $category }) {
    edges { cursor node {
      id occurredAt activity activityDisplayName category service status correlationId ipAddress
      actor: actorByActorId { kind name objectId userPrincipalName }
      targets: targetsByEventId { nodes { objectId displayName type
        modifiedProperties: modifiedPropertiesByEventIdAndTargetOrdinal { nodes { name change oldValue newValue } } } }
    } }
    pageInfo { hasNextPage endCursor }
  }
}";

/// The four columns of the viewer's list.
const COLUMNS: &str = "query Page($first: Int, $after: String, $category: String!) {
  auditEvents(first: $first, after: $after, occurredAt: { window: ALL }, filter: { category: { eq: $category } }) {
    edges { node { occurredAt activityDisplayName status actor { name } } }
    pageInfo { hasNextPage endCursor }
  }
}";

const COUNT: &str = "query Count($filter: AuditEventFilter) {
  auditEvents(first: 1, occurredAt: { window: ALL }, filter: $filter) { countUpTo { value isExact } }
}";

/// The overview of a month.
const SUMMARY: &str = "query Summary($filter: AuditEventFilter) {
  auditEventSummary(occurredAt: { window: LAST_30_DAYS }, filter: $filter) {
    totalCount
    activities: facet(field: ACTIVITY) { buckets { count } }
    statuses: facet(field: STATUS) { buckets { count } }
    histogram(interval: DAY) { count }
  }
}";

/// The categories of the requests, in turn.
pub(crate) const CATEGORIES: [&str; 4] =
    ["UserManagement", "GroupManagement", "ApplicationManagement", "DeviceConfiguration"];

fn nodes(data: &Value) -> Option<&Vec<Value>> {
    data.get("auditEvents")?.get("edges")?.as_array()
}

fn is_full_page(data: &Value) -> bool {
    nodes(data).is_some_and(|edges| edges.len() == 50)
}

fn is_page(data: &Value) -> bool {
    nodes(data).is_some_and(|edges| !edges.is_empty())
}

fn is_summary(data: &Value) -> bool {
    let summary = data.get("auditEventSummary");
    let total = summary.and_then(|summary| summary.get("totalCount")?.as_i64());
    let buckets = summary.and_then(|summary| summary.get("histogram")?.as_array());
    let is_counted = buckets.map(|buckets| buckets.iter().filter_map(|bucket| bucket.get("count")?.as_i64()).sum());
    total.is_some_and(|total| total > 0) && total == is_counted
}

fn is_counted(data: &Value) -> bool {
    data.pointer("/auditEvents/countUpTo/value").and_then(Value::as_i64).is_some_and(|value| value > 0)
}

/// Values that occur in a filled log.
pub(crate) struct KnownValues {
    /// A cursor far from the start of the first category's list.
    pub(crate) deep: String,
    /// Keys of actors and targets, and names of properties, that occur.
    pub(crate) actor: String,
    pub(crate) target: String,
    pub(crate) property: String,
    /// An activity with few events.
    pub(crate) rare: String,
}

/// Returns all shapes.
pub(crate) fn shapes(known: &KnownValues) -> Vec<RequestShape> {
    let by_category = |document| -> (&'static str, Vec<Value>) {
        (document, CATEGORIES.iter().map(|category| json!({ "first": 50, "category": category })).collect())
    };
    let filtered = |filter: Value| vec![json!({ "first": 50, "filter": filter })];
    let shape = |name, (document, variables), is_expected| RequestShape { name, document, variables, is_expected };
    let everything = |filter| (EVERYTHING, filtered(filter));
    vec![
        shape("page", by_category(PAGE), is_full_page),
        shape("page, four columns", by_category(COLUMNS), is_full_page),
        shape(
            "page, everything",
            (
                EVERYTHING,
                CATEGORIES.iter().map(|c| json!({ "first": 50, "filter": { "category": { "eq": c } } })).collect(),
            ),
            is_full_page,
        ),
        shape(
            "page at depth 100,000",
            (PAGE, vec![json!({ "first": 50, "category": CATEGORIES[0], "after": known.deep })]),
            is_full_page,
        ),
        shape("few match", everything(json!({ "activity": { "eq": known.rare } })), is_page),
        shape("actor", everything(json!({ "actor": { "key": { "in": [known.actor] } } })), is_page),
        shape("target", everything(json!({ "target": { "key": { "in": [known.target] } } })), is_page),
        shape(
            "changed property",
            everything(json!({ "target": { "modifiedProperty": { "name": { "eq": known.property } } } })),
            is_page,
        ),
        shape("four categories at once", everything(json!({ "category": { "in": CATEGORIES } })), is_full_page),
        shape("search", everything(json!({ "search": "conditional access" })), is_page),
        shape(
            "count up to 10,000",
            (COUNT, vec![json!({ "filter": { "category": { "eq": CATEGORIES[0] } } })]),
            is_counted,
        ),
        shape("summary of 30 days", (SUMMARY, vec![json!({})]), is_summary),
        shape(
            "summary of 30 days, one category",
            (SUMMARY, CATEGORIES.iter().map(|c| json!({ "filter": { "category": { "eq": c } } })).collect()),
            is_summary,
        ),
    ]
}
