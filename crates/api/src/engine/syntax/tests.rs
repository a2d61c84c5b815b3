//! Tests of the parser: what follows the grammar is accepted, and nothing else.

use async_graphql::Value;

use super::*;

fn error(text: &str) -> String {
    match parse(text) {
        Ok(parsed) => parsed.repetitions.first().map_or("valid".to_owned(), |problem| problem.sentence.clone()),
        Err(problem) => format!("{} at {}", problem.sentence, problem.pos),
    }
}

/// The first argument of the first field.
fn argument(literal: &str) -> Value {
    let parsed = parse(&format!("{{ a(b: {literal}) }}")).unwrap();
    assert_eq!(parsed.repetitions, []);
    let DocumentOperations::Single(operation) = parsed.document.operations else { panic!("{literal}") };
    let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else { panic!("{literal}") };
    field.node.arguments[0].1.node.clone().into_const().unwrap()
}

#[test]
fn documents_of_every_form_are_parsed() {
    for text in [
        "{ a }",
        "\u{feff}{a,b,,c #comment\r\n}",
        "query { a }",
        "query A($a: [Int!]! = [1] $b: T = {c: {d: ENUM}}) @d(e: $a) { a }",
        "\"described\" query A(\"\"\"v\"\"\" $a: Int) { a } \"f\" fragment F on T @x { b }",
        "mutation query { fragment: on }",
        "subscription { ... @include(if: true) { a } ... on T { b } ...F @skip(if: $x) }",
        "fragment fragment on on { on } { ...fragment }",
        "{ a: b(c: \"\", d: [], e: {}, f: [[1], -1.5e+3, null, true, $v]) { c } }",
    ] {
        assert_eq!(error(text), "valid", "{text}");
    }
}

#[test]
fn text_that_is_not_a_document_is_refused_with_its_position() {
    for (text, expected) in [
        ("", "expected an operation instead of the end of the document at 1:1"),
        ("query() { a }", "expected `$` instead of `)` at 1:7"),
        ("{ a() }", "expected a name instead of `)` at 1:5"),
        ("{}", "expected a name instead of `}` at 1:2"),
        ("{ a {} }", "expected a name instead of `}` at 1:6"),
        ("{ a }\n\n  fragment on on T { b }", "which must not be `on`, instead of `on` at 3:12"),
        ("\"d\" { a }", "expected an operation or a fragment instead of `{` at 1:5"),
        ("fragment F on T { a }", "expected an operation instead of"),
        ("type T { a: Int }", "expected an operation or a fragment"),
        ("query($a: Int = $b) { a }", "a value without variables"),
        ("query($a: Int @d(e: $a)) { a }", "a value without variables"),
        ("{ a(b: 01) }", "must not start with `0`"),
        ("{ a(b: 1x) }", "followed by a letter"),
        ("{ a(b: 1.) }", "a digit after the point"),
        ("{ a(b: .5) }", "unexpected character `.`"),
        ("{ a(b: -) }", "at least one digit"),
        ("{ a(b: 1e) }", "exponent"),
        ("{ a(b: \"\\x\") }", "escape"),
        ("{ a\u{a0}b }", "unexpected character"),
        ("{ é }", "unexpected character `é` at 1:3"),
        ("# é\r\n{ a(b: \"é😀\") ? }", "unexpected character `?` at 2:14"),
        ("{ a", "expected a name instead of the end"),
    ] {
        assert!(error(text).contains(expected), "{text}: {}", error(text));
    }
    assert!(error(&"[".repeat(300)).contains("an operation"));
    let deep = format!("{{ a(b: {}1{}) }}", "[".repeat(300), "]".repeat(300));
    assert!(error(&deep).contains("200 levels"));
}

#[test]
fn repeated_names_are_found_at_every_depth() {
    for (text, expected) in [
        ("{ a(b: {c: 1, c: 1}) }", "an object has two members with the name `c`"),
        ("{ a(b: [{d: [{c: 1, e: {}, c: 2}]}]) }", "an object has two members with the name `c`"),
        ("query($a: T = {b: 1, b: 2}) { a }", "an object has two members with the name `b`"),
        ("{ a } { b }", "an operation without a name must be the only one"),
        ("{ a } query B { b }", "an operation without a name must be the only one"),
        ("query A { a } query A { b }", "two operations have the name `A`"),
        ("{ a } fragment F on T { a } fragment F on T { b }", "two fragments have the name `F`"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn literals_have_their_values() {
    for (literal, json) in [
        ("1", "1"),
        ("-0", "-0"),
        ("12345678901234567890.123456789012345678901234567890", "12345678901234567890.123456789012345678901234567890"),
        ("\"\\uD83D\\uDE00\"", "\"😀\""),
        ("[1 , \"a\" {b: null c: true}]", "[1,\"a\",{\"b\":null,\"c\":true}]"),
        ("\"\"\"\n  a\n\"\"\"", "\"a\""),
    ] {
        assert_eq!(argument(literal).into_json().unwrap().to_string(), json, "{literal}");
    }
    assert_eq!(argument("ENUM"), Value::Enum(Name::new("ENUM")));
}
