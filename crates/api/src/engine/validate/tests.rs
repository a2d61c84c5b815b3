//! Tests of validation: each rule accepts what is valid and refuses what is not.

use super::*;
use crate::engine::syntax;

/// The violations, or an empty string.
fn violation(query: &str) -> String {
    let parsed = syntax::parse(query).unwrap_or_else(|problem| panic!("{query}: {problem:?}"));
    assert_eq!(parsed.repetitions, [], "{query}");
    let violations = violations(&parsed.document).unwrap();
    violations.into_iter().map(|violation| violation.sentence).collect::<Vec<_>>().join("\n")
}

fn all_violate(rule: &str, queries: &[&str]) {
    for query in queries {
        let found = violation(query);
        assert!(found.contains(rule), "{query}: {found:?} instead of {rule:?}");
    }
}

#[test]
fn valid_documents_pass() {
    for query in [
        "{ __typename viewer { ... { ...V } } } fragment V on Viewer { subject tenant { key } }",
        "{ node(id: 5) { id ... on AuditEvent { sequence ... on Node { id } } } }",
        "query($t: Boolean!) { viewer { __typename @include(if: $t) } }",
        "query($t: Boolean = true) { viewer { subject @skip(if: $t) @include(if: true) } }",
        "query($n: Int = 3, $m: Int) { auditActors(search: \"a\", first: $n) { key } b: auditActors(search: \"a\", first: $m) { key } }",
        "query($w: AuditTimeWindow!) { auditEvents(occurredAt: {window: $w}) { asOf } }",
        "query($s: String) { auditEvents(filter: {and: {category: {in: [\"a\"], eq: $s}}}) { asOf } }",
        "mutation($v: JSON) { recordAuditEvents(input: {events: []}) { results { __typename } } a: __typename @skip(if: true) viewer: __typename ...M } fragment M on Mutation { b: __typename @include(if: true) }",
        "subscription { ...A ...A auditEventsRecorded { resumeCursor } } fragment A on Subscription { auditEventsRecorded { safeUpTo } }",
        "{ auditEvents { nodes { x: actor { ... on UserActor { v: displayName } ... on ApplicationActor { v: servicePrincipalId } } } } }",
        "{ auditEvents { nodes { actor { ... on UserActor { x: kind } ... on SystemActor { x: __typename } } } } }",
        "{ __schema { types { kind name fields(includeDeprecated: true) { name args { name } } } } __type(name: \"A\") { isOneOf } }",
        "{ a: auditEvents(filter: {status: {in: [SUCCESS], notIn: FAILURE}}) { asOf } a: auditEvents(filter: {status: {notIn: FAILURE, in: [SUCCESS]}}) { asOf } }",
    ] {
        if query.contains("$v: JSON") {
            assert!(violation(query).contains("`$v` is not used"));
        } else {
            assert_eq!(violation(query), "", "{query}");
        }
    }
}

#[test]
fn fields_exist_and_have_selections_as_their_type_requires() {
    all_violate(
        "has no field",
        &[
            "{ nothing }",
            "{ viewer { __schema { description } } }",
            "{ node(id: 1) { sequence } }",
            "{ auditEvents { nodes { actor { userPrincipalName } } } }",
        ],
    );
    all_violate("needs a selection", &["{ viewer }", "{ auditEvents { nodes } }"]);
    all_violate("has no fields", &["{ viewer { subject { a } } }", "{ __typename { a } }"]);
}

#[test]
fn fragments_fit_and_are_used() {
    all_violate("does not exist", &["{ ... on Nothing { a } }", "{ ...F } fragment F on Nothing { a }"]);
    all_violate("without fields", &["{ ... on DateTime { a } }", "{ ...F } fragment F on AuditEventFilter { a }"]);
    all_violate("there is no fragment `F`", &["{ ...F }"]);
    all_violate("is not used", &["{ __typename } fragment F on Query { __typename }"]);
    all_violate(
        "never applies",
        &[
            "{ viewer { ... on Tenant { key } } }",
            "{ viewer { ...F } } fragment F on Tenant { key }",
            "{ auditEvents { nodes { actor { ... on Viewer { subject } } } } }",
        ],
    );
}

#[test]
fn arguments_are_known_unique_and_complete() {
    all_violate(
        "has no argument",
        &["{ viewer(a: 1) { subject } }", "{ __typename(a: 1) }", "{ __typename @skip(unless: true) }"],
    );
    all_violate("given twice", &["{ node(id: 1, id: 1) { id } }"]);
    all_violate("needs its argument", &["{ node { id } }", "{ __typename @skip }", "{ auditActors { key } }"]);
    all_violate(
        "no directive `@a`",
        &["{ __typename @a }", "{ ... @a { __typename } }", "{ __typename @deprecated @a }"],
    );
    all_violate("must not be repeated", &["{ __typename @skip(if: true) @skip(if: true) }"]);
    all_violate(
        "must not be used on",
        &[
            "query @skip(if: true) { __typename }",
            "query($a: Int @nope) { auditEvents(first: $a) { asOf } }",
            "{ ...F } fragment F on Query @include(if: true) { __typename }",
        ],
    );
}

#[test]
fn literals_have_the_type_of_their_position() {
    all_violate(
        "is not a value of",
        &[
            "{ auditEvents(first: \"1\") { asOf } }",
            "{ auditEvents(first: 1.0) { asOf } }",
            "{ auditEvents(first: 2147483648) { asOf } }",
            "{ auditEvents(filter: {status: {in: \"SUCCESS\"}}) { asOf } }",
            "{ auditEvents(filter: {status: {in: [SUCCESS, success]}}) { asOf } }",
            "{ auditEvents(filter: {search: WORD}) { asOf } }",
            "{ auditEvents(filter: [{}, 1]) { asOf } }",
            "{ auditEvents(filter: {category: {in: [null]}}) { asOf } }",
            "{ node(id: 1.5) { id } }",
            "{ node(id: null) { id } }",
            "{ __typename @skip(if: 1) }",
            "{ auditEvents(filter: {category: {isSet: TRUE}}) { asOf } }",
        ],
    );
    all_violate("written without quotes", &["{ auditEvents(filter: {status: {eq: \"FAILURE\"}}) { asOf } }"]);
    all_violate("has no member", &["{ auditEvents(filter: {nothing: 1}) { asOf } }"]);
    all_violate("needs its member", &["{ auditEvents(orderBy: {field: SEQUENCE}) { asOf } }"]);
    all_violate(
        "exactly one member",
        &[
            "{ auditEvents(occurredAt: {}) { asOf } }",
            "{ auditEvents(occurredAt: {window: null}) { asOf } }",
            "{ auditEvents(occurredAt: {window: LAST_7_DAYS, between: {}}) { asOf } }",
        ],
    );
}

#[test]
fn variables_are_defined_once_used_and_fit() {
    all_violate("is not used", &["query($a: Int) { __typename }"]);
    all_violate(
        "does not define",
        &[
            "{ auditEvents(first: $a) { asOf } }",
            "query A($a: Int) { ...F } query B { ...F } fragment F on Query { auditEvents(first: $a) { asOf } }",
            "{ __typename @skip(if: $a) }",
            "query { viewer { __typename @include(if: $a) } }",
            "{ auditEvents(filter: {category: {in: [\"a\", $a]}}) { asOf } }",
        ],
    );
    all_violate("is defined twice", &["query($a: Int, $a: Int) { auditEvents(first: $a) { asOf } }"]);
    all_violate("does not exist", &["query($a: Nothing) { auditEvents(first: $a) { asOf } }"]);
    all_violate("is not an input type", &["query($a: [Viewer]) { auditEvents(first: $a) { asOf } }"]);
    all_violate(
        "wrong default: `$a` must",
        &[
            "query($a: Int = \"1\") { auditEvents(first: $a) { asOf } }",
            "query($a: Int! = null) { auditEvents(first: $a) { asOf } }",
        ],
    );
    all_violate(
        "is expected",
        &[
            "query($a: String) { auditEvents(first: $a) { asOf } }",
            "query($a: [Int]) { auditEvents(first: $a) { asOf } }",
            "query($a: ID) { node(id: $a) { id } }",
            "query($a: [String]) { auditEvents(filter: {category: {in: $a}}) { asOf } }",
            "query($a: Boolean) { __typename @skip(if: $a) }",
            "query($a: Boolean = null) { __typename @skip(if: $a) }",
        ],
    );
    all_violate(
        "must not be nullable",
        &["query($w: AuditTimeWindow) { auditEvents(occurredAt: {window: $w}) { asOf } }"],
    );
}

#[test]
fn subscription_selects_one_unconditional_field() {
    all_violate(
        "exactly one field",
        &[
            "subscription { a: auditEventsRecorded { safeUpTo } b: auditEventsRecorded { safeUpTo } }",
            "subscription { ...A auditEventsRecorded { safeUpTo } } fragment A on Subscription { b: auditEventsRecorded { safeUpTo } }",
        ],
    );
    all_violate(
        "must not have `@skip`",
        &[
            "subscription { auditEventsRecorded @skip(if: false) { safeUpTo } }",
            "subscription { ... @include(if: true) { auditEventsRecorded { safeUpTo } } }",
        ],
    );
    all_violate("must not select `__typename`", &["subscription { __typename }"]);
}

#[test]
fn fields_with_one_response_key_are_the_same_at_every_depth() {
    let different = "are different fields";
    all_violate(
        different,
        &[
            "{ viewer { x: subject } viewer { x: displayName } }",
            "{ auditEvents { edges { node { x: id } } } ...F } fragment F on Query { auditEvents { edges { node { x: activity } } } }",
            "{ auditEvents { nodes { actor { x: key ... on UserActor { x: name } } } } }",
            "{ auditEvents { nodes { actor { ... on UserActor { x: name } ... on Actor { ... { x: key } } } } } }",
        ],
    );
    all_violate(
        "have different arguments",
        &[
            "{ auditEvents(first: 1) { asOf } auditEvents { asOf } }",
            "query($a: Int, $b: Int) { auditEvents(first: $a) { asOf } auditEvents(first: $b) { asOf } }",
            "{ ...A ...B } fragment A on Query { auditEventSummary { histogram(interval: MONTH) { count } } } fragment B on Query { auditEventSummary { histogram(interval: WEEK) { count } } }",
            "{ a: auditEvents(filter: {category: {in: [\"a\", \"b\"]}}) { asOf } a: auditEvents(filter: {category: {in: [\"b\", \"a\"]}}) { asOf } }",
        ],
    );
    all_violate(
        "have the types",
        &[
            "{ auditEvents { nodes { actor { ... on UserActor { x: permissions } ... on SystemActor { x: name } } } } }",
            "{ auditEvents { nodes { actor { ... on UserActor { x: displayName } ... on SystemActor { x: name } } } } }",
            "{ auditEvents { nodes { actor { ... on UserActor { x: application { y: displayName } } ... on SystemActor { x: key } } } } }",
        ],
    );
}

#[test]
fn conflict_names_both_fields_and_their_positions() {
    let query = "{ auditEvents(first: 1) { nodes { x: id } }\n auditEvents(first: 1) { nodes { x: activity } } }";
    let found = violations(&syntax::parse(query).unwrap().document).unwrap();
    let sentence = "fields `AuditEvent.id` and `AuditEvent.activity` are different fields, so they need different \
                    aliases, not both `x`";
    assert_eq!(found[0].sentence, sentence);
    assert_eq!(found[0].positions, [Pos { line: 1, column: 35 }, Pos { line: 2, column: 34 }]);
}

#[test]
fn comparing_fields_is_bounded() {
    let actors = "... on UserActor { application { displayName } } ".repeat(200);
    let query = format!("{{ auditEvents {{ nodes {{ actor {{ {actors} }} }} }} }}");
    assert_eq!(violation(&query), "");
    let fields = "a:viewer{subject} ".repeat(60_000);
    let parsed = syntax::parse(&format!("{{ {fields} }}")).unwrap();
    assert!(matches!(violations(&parsed.document), Err(ApiError::Limit { .. })));
}
