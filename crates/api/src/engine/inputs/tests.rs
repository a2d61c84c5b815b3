//! Tests of input values: conversion of variables, and null as omitted.

use serde_json::{Value as Json, json};

use super::*;
use crate::engine::check;
use crate::engine::{flatten, syntax};

/// The arguments of the first field as JSON, or the error.
fn arguments(query: &str, given: Json) -> Result<Json, String> {
    let parsed = syntax::parse(query).unwrap();
    assert_eq!(parsed.repetitions, []);
    assert_eq!(crate::engine::validate::violations(&parsed.document).unwrap(), [], "{query}");
    let operation = check::operation(&parsed.document, None).unwrap();
    let message = |error: ApiError| error.into_message();
    let variables = variables(operation, Variables::from_json(given)).map_err(message)?;
    let mut operation = flatten::operation(&parsed.document, operation, &variables);
    let variables = resolve(&mut operation, variables).map_err(message)?;
    let Selection::Field(field) = &operation.selection_set.node.items[0].node else { panic!("{query}") };
    let value = |name: Name| variables.get(&name).cloned().ok_or(());
    let arguments = field.node.arguments.iter();
    Ok(Json::Object(
        arguments
            .map(|(name, given)| {
                let value = given.node.clone().into_const_with(value).unwrap();
                (name.node.to_string(), value.into_json().unwrap())
            })
            .collect(),
    ))
}

fn events(literal: &str) -> Result<Json, String> {
    arguments(&format!("{{ auditEvents({literal}) {{ asOf }} }}"), json!({}))
}

#[test]
fn null_is_as_omitted() {
    for (literal, expected) in [
        ("first: null, filter: null, orderBy: null", json!({})),
        ("filter: {category: null}", json!({})),
        ("filter: {category: {eq: null}}", json!({})),
        ("filter: {category: {eq: null, in: [\"a\"]}}", json!({"filter": {"category": {"in": ["a"]}}})),
        ("filter: {and: [{category: {eq: null}}, {search: \"a\"}]}", json!({"filter": {"and": [{"search": "a"}]}})),
        ("filter: {and: {category: {eq: null}}, search: \"b\"}", json!({"filter": {"search": "b"}})),
        ("filter: {not: null, or: null, search: \"a\"}", json!({"filter": {"search": "a"}})),
        ("occurredAt: {between: {from: null, to: null}}", json!({})),
        // What is empty itself stays.
        ("filter: {category: {}}", json!({"filter": {"category": {}}})),
        ("filter: {status: {in: []}}", json!({"filter": {"status": {"in": []}}})),
    ] {
        assert_eq!(events(literal), Ok(expected), "{literal}");
    }
}

#[test]
fn unset_variable_is_as_omitted_whether_null_or_absent() {
    let query = "query($n: Int, $m: Int = 7, $c: String, $f: AuditEventFilter, $in: [String!]) {
        auditEvents(first: $n, last: $m, filter: {category: {eq: $c, in: $in}, and: [$f], search: $c}) { asOf } }";
    let query = query.replace("[$f]", "$fs").replace("$f: AuditEventFilter", "$fs: [AuditEventFilter!]");
    for unset in [json!({}), json!({"n": null, "m": null, "c": null, "fs": null, "in": null})] {
        assert_eq!(arguments(&query, unset), Ok(json!({"last": 7})));
    }
    let given = json!({"n": 1.0, "m": 2, "fs": {"category": {"eq": null}}, "in": "x"});
    let expected = json!({"first": 1, "last": 2, "filter": {"category": {"in": ["x"]}}});
    assert_eq!(arguments(&query, given), Ok(expected));
}

#[test]
fn null_and_empty_conditions_below_not_and_or_are_refused() {
    let null = "must not be null below `not` and `or`: leaving it out would reverse the meaning of the filter";
    let empty = "must have at least one condition below `not` and `or`";
    for (literal, path, rule) in [
        ("filter: {not: {category: null}}", "filter.not.category", null),
        ("filter: {not: {category: {eq: null}}}", "filter.not.category.eq", null),
        ("filter: {not: {category: {eq: null, in: [\"a\"]}}}", "filter.not.category.eq", null),
        ("filter: {not: {}}", "filter.not", empty),
        ("filter: {or: [{search: \"a\"}, {category: {}}]}", "filter.or[1].category", empty),
        ("filter: {or: [{}]}", "filter.or[0]", empty),
        ("filter: {or: [{and: [{service: null}]}]}", "filter.or[0].and[0].service", null),
        ("filter: {and: [{not: {not: null}}]}", "filter.and[0].not.not", null),
    ] {
        assert_eq!(events(literal), Err(format!("`{path}` {rule}")), "{literal}");
    }
    let query = "query($f: AuditEventFilter, $c: String) { auditEvents(filter: {not: $f, search: $c}) { asOf } }";
    let given = json!({"f": {"status": {"in": null}}});
    assert_eq!(arguments(query, given), Err(format!("`filter.not.status.in` {null}")));
}

#[test]
fn variables_are_converted_to_their_types() {
    let query = "query($id: ID!, $first: Int!, $w: AuditTimeWindow = LAST_7_DAYS, $o: AuditEventOrder, $s: Sequence) {
        auditEvents(after: \"a\", first: $first, occurredAt: {window: $w}, orderBy: $o, asOf: $s) { asOf } node(id: $id) { id } }";
    let query = query.replace("$w: AuditTimeWindow =", "$w: AuditTimeWindow! =");
    let refused = |given: Json| arguments(&query, given).unwrap_err();
    for (given, sentence) in [
        (json!({"id": "a"}), "variable `$first` must have a value"),
        (json!({"id": "a", "first": null}), "variable `$first` must have a value"),
        (json!({"id": "a", "first": "1"}), "`$first` must be a number"),
        (json!({"id": "a", "first": 1.5}), "`$first` must be a whole number of 32 bits"),
        (json!({"id": "a", "first": 2_147_483_648_i64}), "`$first` must be a whole number of 32 bits"),
        (json!({"id": 1.5, "first": 1}), "`$id` must be a string or a whole number"),
        (json!({"id": true, "first": 1}), "`$id` must be a string or a whole number"),
        (json!({"id": 1, "first": 1, "o": []}), "`$o` must be an object"),
        (
            json!({"id": 1, "first": 1, "o": {"field": "SEQUENCE", "direction": "UP"}}),
            "`$o.direction` must be one of `ASC`",
        ),
        (json!({"id": 1, "first": 1, "o": {"field": "SEQUENCE"}}), "`$o.direction` is required"),
        (json!({"id": 1, "first": 1, "o": {"fields": 1}}), "`$o.fields` is unknown"),
    ] {
        let message = refused(given);
        assert!(message.starts_with(sentence), "{message}");
    }
    let given = json!({"id": 12, "first": -0.0, "other": [1], "o": {"field": "SEQUENCE", "direction": "ASC"}, "s": 3});
    let expected = json!({
        "after": "a", "first": 0, "occurredAt": {"window": "LAST_7_DAYS"},
        "orderBy": {"field": "SEQUENCE", "direction": "ASC"}, "asOf": 3
    });
    assert_eq!(arguments(&query, given), Ok(expected));
    let period = "query($p: AuditPeriodInput) { auditEvents(occurredAt: $p) { asOf } }";
    for wrong in [json!({}), json!({"window": null}), json!({"window": "LAST_7_DAYS", "between": null})] {
        let message = arguments(period, json!({ "p": wrong })).unwrap_err();
        assert_eq!(message, "`$p` must have exactly one member, which is not null");
    }
}

#[test]
fn recorded_values_keep_their_nulls_inside_json_and_their_empty_objects() {
    let query = "mutation($input: RecordAuditEventsInput!) { recordAuditEvents(input: $input) { recordedCount } }";
    let event = |value: Json| {
        json!({"input": {"events": [{
            "eventKey": "k", "occurredAt": "2026-01-01T00:00:00Z", "activity": "a", "category": "c", "service": "s",
            "status": "SUCCESS", "actor": {"user": {"displayName": null}},
            "targets": [{"type": "T", "modifiedProperties": [{"name": "p", "newValue": value}]}]
        }]}})
    };
    let recorded = |value: Json| arguments(query, event(value)).unwrap()["input"]["events"][0].clone();
    let kept = recorded(json!({"a": null, "b": {}}));
    assert_eq!(kept["targets"][0]["modifiedProperties"][0]["newValue"], json!({"a": null, "b": {}}));
    assert_eq!(kept["actor"], json!({"user": {}}));
    assert_eq!(recorded(json!(null))["targets"][0]["modifiedProperties"], json!([{"name": "p"}]));
}
