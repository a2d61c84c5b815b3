//! The cost of an operation in points, calculated before it runs, in time linear in the document whatever its fragments
//! and pages are.
//!
//! A field costs one point; the cost of the fields below a list is multiplied by the number of its elements. For a page
//! the query sets that number; for other lists a typical length is assumed ([`LISTS`]). Work of the database costs
//! extra: an event read, a count, a filter that is evaluated on the bodies of events. The cost of fields below the rows of
//! a page is multiplied by the number of rows, which is known only at the field with the page arguments; so the cost of a
//! selection is a pair, the cost once and the cost per row, and every fragment is calculated once.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Value, Variables};

use model::page::PageLimits;

/// The points of reading an event.
const EVENT: usize = 100;
/// The points of counting a whole list.
const COUNT: usize = 20_000;
/// The points of counting by the values of a field. A dashboard selects all fields at once.
const FACET: usize = 15_000;
/// The points of reading the bodies of all events that the other conditions of a filter select.
const BODY_SCAN: usize = 20_000;
/// The most rows that a field reads.
const ROWS_MAX: usize = 1_000;

/// The number of rows that a field reads.
#[derive(Clone, Copy)]
enum Rows {
    /// The value of one of these arguments, else this default, else the default page size. The rows are the elements of
    /// fields below ([`ROWS`]).
    Page(&'static [&'static str], Option<usize>),
    /// The value of this argument, else this default. The rows are the elements of the field itself.
    List(&'static str, usize),
    /// The number of elements of this argument, or one. The rows are the elements of the field itself.
    Each(&'static str),
}

/// Fields whose arguments set the number of rows, with the points of reading one row.
const SIZED: &[(&str, Rows, usize)] = &[
    ("auditEvents", Rows::Page(&["first", "last"], None), EVENT),
    ("auditEventFeed", Rows::Page(&["first"], Some(200)), EVENT),
    ("auditActivityTypes", Rows::Page(&["first", "last"], Some(100)), 1),
    ("apiKeys", Rows::Page(&["first", "last"], Some(50)), 1),
    ("auditActors", Rows::List("first", 20), EVENT),
    ("node", Rows::Each("id"), EVENT),
    ("nodes", Rows::Each("ids"), EVENT),
];

/// Fields that list the rows of their page.
const ROWS: &[&str] = &["edges", "nodes"];

/// Fields with additional points, independent of the number of rows.
const EXPENSIVE: &[(&str, usize)] = &[
    ("auditEvent", EVENT),
    ("auditEventByKey", EVENT),
    ("totalCount", COUNT),
    ("countUpTo", COUNT / 2),
    ("facet", FACET),
    ("histogram", COUNT),
    ("auditLogInfo", 3 * EVENT),
];

/// The fields whose argument `filter` selects events.
const FILTERED: &[&str] = &["auditEvents", "auditEventFeed", "auditEventSummary"];

/// The members of a filter that are evaluated on the bodies of events, because no column contains what they compare.
const BODY_CONDITIONS: &[&str] =
    &["statusReason", "additionalDetail", "isRedacted", "clientId", "source", "fromContains", "toContains"];

/// Strings of which columns have only hashes.
const HASHED_STRINGS: [&str; 2] = ["correlationId", "eventKey"];
/// The members of a filter that are JSON values, in which names have no meaning.
const JSON_VALUES: &[&str] = &["from", "to"];

/// Other lists, with their assumed number of elements.
const LISTS: &[(&str, usize)] = &[
    ("targets", 2),
    ("modifiedProperties", 4),
    ("additionalDetails", 4),
    ("auditServices", 20),
    ("auditCategories", 50),
    ("categories", 10),
    ("services", 2),
    ("aliases", 1),
    ("modifiedPropertyNames", 4),
    ("permissions", 2),
    ("roles", 1),
    ("networks", 2),
    ("grants", 3),
    ("domains", 2),
    ("results", 200),
    ("problems", 2),
    ("buckets", 10),
    ("histogram", 30),
    ("path", 4),
    // Introspection.
    ("types", 100),
    ("directives", 5),
    ("fields", 5),
    ("inputFields", 4),
    ("args", 2),
    ("enumValues", 4),
    ("interfaces", 1),
    ("possibleTypes", 1),
    ("locations", 3),
];

/// The cost of a selection.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// Independent of rows.
    once: usize,
    /// Per row of the page that contains the selection.
    each_row: usize,
}

impl Cost {
    fn merge(self, other: Self) -> Self {
        Self { once: self.once.saturating_add(other.once), each_row: self.each_row.saturating_add(other.each_row) }
    }
}

/// The cost of an operation with these variables. The document must have passed [`super::check::document`].
pub(super) fn of(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    page: PageLimits,
) -> usize {
    let mut visitor = CostVisitor { document, operation, variables, page, fragments: HashMap::new() };
    let cost = visitor.selection(&operation.selection_set.node);
    // Rows outside of any known page: as many as a page may have.
    cost.once.saturating_add(cost.each_row.saturating_mul(page.max as usize))
}

struct CostVisitor<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    page: PageLimits,
    fragments: HashMap<&'a str, Cost>,
}

impl<'a> CostVisitor<'a> {
    fn selection(&mut self, set: &'a SelectionSet) -> Cost {
        set.items.iter().fold(Cost::default(), |sum, item| {
            sum.merge(match &item.node {
                Selection::Field(field) => {
                    let below = self.selection(&field.node.selection_set.node);
                    self.field(&field.node, below)
                }
                Selection::InlineFragment(fragment) => self.selection(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
            })
        })
    }

    fn fragment(&mut self, name: &'a str) -> Cost {
        if let Some(cost) = self.fragments.get(name) {
            return *cost;
        }
        let Some(fragment) = self.document.fragments.get(name) else { return Cost::default() };
        let cost = self.selection(&fragment.node.selection_set.node);
        self.fragments.insert(name, cost);
        cost
    }

    fn field(&self, field: &Field, mut below: Cost) -> Cost {
        let name = field.name.node.as_str();
        let mut scan = 0;
        if FILTERED.contains(&name) && self.argument(field, "filter").is_some_and(|filter| scans_bodies(&filter)) {
            // Each count below reads the bodies as well.
            (scan, below.once) = (BODY_SCAN, below.once.saturating_mul(2));
        }
        let is_sized = |(sized, rows, _): &&(&str, Rows, usize)| {
            // `node` and `nodes` are fields of the root as well as of a page.
            *sized == name && !matches!(rows, Rows::Each(argument) if field.get_argument(argument).is_none())
        };
        if let Some((_, rows, read)) = SIZED.iter().find(is_sized) {
            let (merge, each) = match rows {
                Rows::Page(..) => (below.once, below.each_row),
                Rows::List(..) | Rows::Each(_) => (0, below.once.saturating_add(below.each_row)),
            };
            let rows = self.count(field, rows).saturating_mul(read.saturating_add(each));
            return Cost { once: rows.saturating_add(merge).saturating_add(scan).saturating_add(1), each_row: 0 };
        }
        if ROWS.contains(&name) {
            return Cost { once: 1, each_row: below.once.saturating_add(below.each_row).saturating_add(1) };
        }
        let own = EXPENSIVE.iter().find(|(expensive, _)| *expensive == name).map_or(1, |(_, points)| *points);
        let elements = LISTS.iter().find(|(list, _)| *list == name).map_or(1, |(_, elements)| *elements);
        Cost {
            once: below.once.saturating_mul(elements).saturating_add(own).saturating_add(scan),
            each_row: below.each_row.saturating_mul(elements),
        }
    }

    /// The number of rows that the arguments of a field set. A value that is invalid or too large is refused when it is
    /// used; here it counts as the maximum.
    fn count(&self, field: &Field, rows: &Rows) -> usize {
        let number = |argument: &str| match self.argument(field, argument)? {
            Value::Null => None,
            Value::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()).or(Some(ROWS_MAX)),
            _ => Some(ROWS_MAX),
        };
        let (requested, default, max) = match rows {
            Rows::Page(arguments, default) => {
                let requested = arguments.iter().find_map(|argument| number(argument));
                let max = if default.is_none() { self.page.max as usize } else { ROWS_MAX };
                (requested, default.unwrap_or(self.page.default as usize), max)
            }
            Rows::List(argument, default) => (number(argument), *default, ROWS_MAX),
            Rows::Each(argument) => match self.argument(field, argument) {
                Some(Value::List(elements)) => (None, elements.len(), ROWS_MAX),
                _ => (None, 1, 1),
            },
        };
        requested.unwrap_or(default).min(max)
    }

    /// The value of an argument, with variables and their defaults substituted.
    fn argument(&self, field: &Field, name: &str) -> Option<Value> {
        let value = field.get_argument(name)?.node.clone();
        let default = |name: &str| {
            let mut definitions = self.operation.variable_definitions.iter();
            let definition = definitions.find(|definition| definition.node.name.node == name)?;
            definition.node.default_value.as_ref().map(|value| value.node.clone())
        };
        value.into_const_with(|name| self.variables.get(&name).cloned().or_else(|| default(&name)).ok_or(())).ok()
    }
}

/// Whether a filter has a condition that is evaluated on the body of each event that other conditions leave.
fn scans_bodies(filter: &Value) -> bool {
    match filter {
        Value::Object(members) => members.iter().any(|(name, value)| {
            let name = name.as_str();
            !matches!(value, Value::Null)
                && (BODY_CONDITIONS.contains(&name)
                    || HASHED_STRINGS.contains(&name) && has_part(value)
                    || !JSON_VALUES.contains(&name) && scans_bodies(value))
        }),
        Value::List(filters) => filters.iter().any(scans_bodies),
        _ => false,
    }
}

/// Whether a filter of a string has a condition on a part of it.
fn has_part(filter: &Value) -> bool {
    let Value::Object(members) = filter else { return false };
    ["startsWith", "contains"].iter().any(|name| members.get(*name).is_some_and(|value| *value != Value::Null))
}

#[cfg(test)]
mod tests {
    use async_graphql::InputType as _;
    use async_graphql::parser::types::{BaseType, TypeKind, TypeSystemDefinition};
    use async_graphql::parser::{parse_query, parse_schema};
    use serde_json::json;

    use super::*;
    use crate::engine::check;

    const PAGE: PageLimits = PageLimits { default: 50, max: 200 };

    fn cost_with(query: &str, variables: serde_json::Value) -> usize {
        let document = parse_query(query).unwrap();
        let operation = check::operation(&document, None).unwrap();
        of(&document, operation, &Variables::from_json(variables), PAGE)
    }

    fn cost(query: &str) -> usize {
        cost_with(query, json!({}))
    }

    #[test]
    fn page_costs_by_its_size() {
        let event = EVENT + 2;
        assert_eq!(cost("{ auditEvents(first: 7) { nodes { id } } }"), 2 + 7 * event);
        assert_eq!(cost("{ auditEvents { nodes { id } } }"), 2 + 50 * event);
        assert_eq!(cost("{ auditEvents(first: null, last: 3) { nodes { id } } }"), 2 + 3 * event);
        assert_eq!(cost("{ auditEvents(first: 1000000) { nodes { id } } }"), 2 + 200 * event);
        assert_eq!(cost("{ auditEvents(first: -1) { nodes { id } } }"), 2 + 200 * event);
        let query = "query($n: Int = 9) { auditEvents(first: $n) { nodes { id } } }";
        assert_eq!(cost(query), 2 + 9 * event);
        assert_eq!(cost_with(query, json!({ "n": 4 })), 2 + 4 * event);
        assert_eq!(cost_with("query($n: Int) { auditEvents(first: $n) { nodes { id } } }", json!({})), 2 + 50 * event);
        assert_eq!(
            cost_with("query($i: [ID!]!) { nodes(ids: $i) { id } }", json!({ "i": ["a", "b"] })),
            1 + 2 * (EVENT + 1)
        );
        assert_eq!(cost("{ auditActors(search: \"a\", first: 5) { id name } }"), 1 + 5 * (EVENT + 2));
        assert_eq!(cost("{ auditEventFeed { nodes { id } cursor } }"), 3 + 200 * event);
    }

    #[test]
    fn filter_on_bodies_costs_a_scan_and_doubles_the_counts() {
        let page = |filter: &str| {
            cost(&format!("{{ auditEvents(first: 1, filter: {{ {filter} }}) {{ nodes {{ id }} totalCount }} }}"))
        };
        let plain = page("status: { eq: FAILURE }");
        assert_eq!(plain, 2 + COUNT + EVENT + 2);
        assert_eq!(page("statusReason: { contains: \"a\" }"), plain + BODY_SCAN + COUNT + 1);
        let summary = |filter: &str| {
            cost(&format!("{{ auditEventSummary(filter: {filter}) {{ facet(field: STATUS) {{ noneCount }} }} }}"))
        };
        assert_eq!(summary("{ isRedacted: true }"), 2 * summary("{ search: \"a\" }") - 1 + BODY_SCAN);
        let query = "query($f: AuditEventFilter) { auditEventFeed(first: 1, filter: $f) { cursor } }";
        let feed = |filter: serde_json::Value| cost_with(query, json!({ "f": filter }));
        let plain = feed(json!({ "search": "a" }));
        let nested = json!({ "and": [{ "not": { "recording": { "source": { "contains": "a" } } } }] });
        assert!(feed(nested) > plain + BODY_SCAN);
        assert_eq!(feed(json!({ "statusReason": null, "isRedacted": null })), plain, "null is as omitted");
    }

    #[test]
    fn conditions_on_bodies_are_those_that_no_column_decides() {
        use crate::schema::filter::AuditEventFilter;
        let string = || json!({ "contains": "a" });
        let change =
            |member: &str, value: serde_json::Value| json!({ "target": { "modifiedProperty": { member: value } } });
        let filters = [
            json!({ "statusReason": string() }),
            json!({ "additionalDetail": { "key": string() } }),
            json!({ "additionalDetail": { "value": string() } }),
            json!({ "isRedacted": false }),
            json!({ "recording": { "clientId": string() } }),
            json!({ "recording": { "source": string() } }),
            json!({ "recording": { "recordedBy": string() } }),
            json!({ "recording": { "route": { "eq": "IMPORT" } } }),
            change("fromContains", json!("a")),
            change("toContains", json!("a")),
            change("name", string()),
            change("from", json!({ "source": 1, "statusReason": [{ "isRedacted": true }] })),
            change("to", json!(["toContains"])),
            change("toIsNull", json!(true)),
            change("change", json!({ "eq": "ADDED" })),
            json!({ "actor": { "applicationId": string() }, "involving": string(), "search": "source" }),
            json!({ "sequence": { "from": 1 }, "component": string(), "eventKey": { "eq": "a" } }),
            json!({ "eventKey": string() }),
            json!({ "correlationId": { "startsWith": "a" } }),
            json!({ "correlationId": { "in": ["a"] } }),
            json!({ "or": [{ "service": string() }, { "not": { "isRedacted": true } }] }),
        ];
        for filter in filters {
            let value = Value::from_json(filter.clone()).unwrap();
            let parsed =
                AuditEventFilter::parse(Some(value.clone())).unwrap_or_else(|error| panic!("{filter}: {error:?}"));
            assert_eq!(scans_bodies(&value), parsed.condition().unwrap().scans_bodies(), "{filter}");
        }
    }

    #[test]
    fn fragments_cost_the_same_as_their_fields() {
        let plain = cost(
            "{ auditEvents(first: 9) { edges { cursor node { id targets { key modifiedProperties { name } } } } pageInfo { endCursor } } }",
        );
        let parts = "query { ...q } fragment q on Query { auditEvents(first: 9) { ...c pageInfo { endCursor } } }
            fragment c on AuditEventConnection { edges { ... { cursor } node { ...n } } }
            fragment n on AuditEvent { id targets { ...t } } fragment t on Target { key modifiedProperties { name } }";
        assert_eq!(cost(parts), plain);
        assert_eq!(plain, 1 + 1 + 2 + 9 * (EVENT + 1 + 1 + 1 + 1 + 1 + 2 * (1 + 1 + 4)));
    }

    #[test]
    fn every_list_of_the_schema_has_an_assumed_length() {
        let is_list = |base: &BaseType| matches!(base, BaseType::List(_));
        let mut unknown = Vec::new();
        for definition in parse_schema(crate::sdl()).unwrap().definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let TypeKind::Object(object) = definition.node.kind else { continue };
            for field in object.fields.iter().filter(|field| is_list(&field.node.ty.node.base)) {
                let name = field.node.name.node.as_str();
                let sized = SIZED.iter().any(|(sized, ..)| *sized == name);
                if !sized && !ROWS.contains(&name) && !LISTS.iter().any(|(list, _)| *list == name) {
                    unknown.push(format!("{}.{name}", definition.node.name.node));
                }
            }
        }
        assert!(unknown.is_empty(), "lists that are missing in `LISTS`: {unknown:?}");
    }

    #[test]
    fn doubling_fragments_saturate_the_cost() {
        let fragments = (0..80)
            .fold(String::new(), |all, i| all + &format!(" fragment f{i} on Query {{ ...f{} ...f{} }}", i + 1, i + 1));
        assert_eq!(cost(&format!("{{ ...f0 }} {fragments} fragment f80 on Query {{ a }}")), usize::MAX);
    }
}
