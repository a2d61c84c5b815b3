//! Tests of the flattened selection.

use async_graphql::Name;
use async_graphql::parser::types::OperationType;
use serde_json::json;

use super::*;
use crate::engine::{check, syntax, validate};

/// The flattened selection in the syntax of GraphQL, without arguments.
fn flat(query: &str, variables: serde_json::Value) -> String {
    let parsed = syntax::parse(query).unwrap();
    assert_eq!(validate::violations(&parsed.document).unwrap(), [], "{query}");
    let selected = check::operation(&parsed.document, None).unwrap();
    print(&operation(&parsed.document, selected, &Variables::from_json(variables)).selection_set.node)
}

fn print(set: &SelectionSet) -> String {
    let items = set.items.iter().map(|item| match &item.node {
        Selection::Field(field) => {
            assert!(field.node.directives.is_empty());
            let below = print(&field.node.selection_set.node);
            let alias = field.node.alias.as_ref().map(|alias| format!("{}:", alias.node)).unwrap_or_default();
            format!("{alias}{}{below}", field.node.name.node)
        }
        Selection::InlineFragment(inline) => {
            let on = &inline.node.type_condition.as_ref().unwrap().node.on.node;
            format!("...{on}{}", print(&inline.node.selection_set.node))
        }
        Selection::FragmentSpread(_) => panic!("a named fragment"),
    });
    let items: Vec<String> = items.collect();
    if items.is_empty() { String::new() } else { format!("{{{}}}", items.join(" ")) }
}

#[test]
fn equal_fields_are_merged_in_the_order_of_their_first_occurrence() {
    for (query, expected) in [
        ("{ viewer { subject } viewer { displayName subject } }", "{viewer{subject displayName}}"),
        (
            "{ a: viewer { subject } ...F b: viewer { subject } } fragment F on Query { a: viewer { tenant { key } } ... { b: viewer { subject } } }",
            "{a:viewer{subject tenant{key}} b:viewer{subject}}",
        ),
        (
            "subscription { ...A auditEventsRecorded { edges { cursor } } ...A } fragment A on Subscription { auditEventsRecorded { safeUpTo } }",
            "{auditEventsRecorded{safeUpTo edges{cursor}}}",
        ),
        (
            "mutation { recordAuditEvents(input: {events: []}) { recordedCount } ... on Mutation { recordAuditEvents(input: {events: []}) { duplicateCount } } }",
            "{recordAuditEvents{recordedCount duplicateCount}}",
        ),
        (
            "{ auditEvents { nodes { ...N ... on AuditEvent { id sequence } } } } fragment N on Node { id }",
            "{auditEvents{nodes{id sequence}}}",
        ),
    ] {
        assert_eq!(flat(query, json!({})), expected, "{query}");
    }
}

#[test]
fn fragments_remain_below_interfaces_only() {
    let query = "{ node(id: 1) { ...A id ... on Node { id } } } fragment A on AuditEvent { sequence ...B } fragment B on AuditEvent { sequence status }";
    assert_eq!(flat(query, json!({})), "{node{...AuditEvent{sequence status} id id}}");
}

#[test]
fn skip_and_include_are_applied() {
    let query = "query($yes: Boolean!, $no: Boolean = false) { __typename @include(if: $no)
        viewer @skip(if: $no) { a: subject @include(if: $yes) b: subject @skip(if: $yes) c: subject @include(if: $no) @skip(if: $no) }
        ...F @include(if: $no) ... @skip(if: $yes) { x: __typename } ...F }
        fragment F on Query { viewer { d: subject @skip(if: false) } }";
    let given = json!({"yes": true, "no": false});
    assert_eq!(flat(query, given), "{viewer{a:subject d:subject}}");
}

#[test]
fn operation_keeps_its_kind_and_variables() {
    let query = "query($n: Int) { auditEvents(first: $n) { asOf } }";
    let parsed = syntax::parse(query).unwrap();
    let selected = check::operation(&parsed.document, None).unwrap();
    let flattened = operation(&parsed.document, selected, &Variables::default());
    assert_eq!(flattened.ty, OperationType::Query);
    assert_eq!(flattened.variable_definitions[0].node.name.node, Name::new("n"));
}
