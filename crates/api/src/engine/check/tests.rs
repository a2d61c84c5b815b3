//! Every class of malicious documents: each is refused by name, after work that is linear in its length.

use std::fmt::Write as _;

use super::*;
use crate::engine::syntax;

/// The default limits of `auditgraph serve`.
pub(crate) const LIMITS: DocumentLimits = DocumentLimits {
    bytes: 64 << 10,
    tokens: 4_000,
    depth: 12,
    fields: 2_000,
    aliases: 100,
    directives: 50,
    root_fields: 20,
    operations: 10,
    fragments: 50,
    variables_bytes: 64 << 10,
    cost: 250_000,
    page: PageLimits { default: 50, max: 200 },
    introspection: true,
};

/// The limit that the document exceeds, `syntax` or `invalid`, or `None` if it passes.
fn refused(query: &str) -> Option<&'static str> {
    let checked = || {
        let tokens = text(query, &LIMITS)?;
        let Ok(syntax::Parsed { document: parsed, .. }) = syntax::parse(query) else { return Ok(Some("syntax")) };
        let (visited, measured) = measured(&parsed, &LIMITS);
        assert!(visited <= 4 * tokens, "{visited} visited in {tokens} tokens");
        measured?;
        if let Some(operation) = operation(&parsed, None) {
            cost(&parsed, operation, &Variables::default(), &LIMITS)?;
        }
        Ok(None)
    };
    match checked() {
        Ok(refused) => refused,
        Err(ApiError::Limit { what, asked, limit }) => {
            assert!(asked > limit);
            Some(what)
        }
        Err(_) => Some("invalid"),
    }
}

fn many(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(" ")
}

fn doubling(fragments: usize, on: &str, last: &str) -> String {
    let mut query = "query{...f0}".to_owned();
    for i in 0..fragments {
        write!(query, " fragment f{i} on {on}{{...f{} ...f{}}}", i + 1, i + 1).unwrap();
    }
    query + &format!(" fragment f{fragments} on {on}{{{last}}}")
}

#[test]
fn documents_of_real_clients_pass() {
    let event = include_str!("../../../../../tests/documents/event.graphql");
    let whole = event.split_once("fragment Whole").unwrap().1;
    let both = "nodes { ...Whole } edges { cursor node { ...Whole } } pageInfo { endCursor hasNextPage } totalCount";
    for query in [
        "{ viewer { subject } }".to_owned(),
        event.to_owned(),
        format!("{{ auditEvents(first: 200) {{ {both} }} }} fragment Whole {whole}"),
        format!("{{ auditEventFeed(first: 1000) {{ nodes {{ ...Whole }} cursor }} }} fragment Whole {whole}"),
        format!("{{ viewer {{ {} }} }}", many(100, |i| format!("a{i}: subject"))),
        "{ __schema { types { fields { args { name } type { ofType { ofType { name } } } } } } }".to_owned(),
    ] {
        assert_eq!(refused(&query), None, "{query}");
    }
}

#[test]
fn document_over_a_limit_is_refused_by_name() {
    let mut wrong = Vec::new();
    let deep = "[".repeat(20_000) + &"]".repeat(20_000);
    for (what, query) in [
        ("bytes in the document", format!("{{ a }} #{}", "x".repeat(65_536))),
        ("bytes in the document", format!("{{ a(b: \"{}\") }}", "x".repeat(65_536))),
        ("bytes in the document", "\u{feff}".repeat(30_000)),
        ("tokens in the document", "{a}".repeat(4_000)),
        ("tokens in the document", "{".to_owned() + &"ä".repeat(5_000)),
        ("levels of brackets in the document", format!("{{a(b:{deep})}}")),
        ("levels of brackets in the document", format!("query($a: {deep}) {{ b }}")),
        ("levels of brackets in the document", "{a".repeat(65) + &"}".repeat(65)),
        ("levels of fields", "{a".repeat(13) + &"}".repeat(13)),
        (
            "levels of selections",
            "{ ...f0 }".to_owned() + &many(49, |i| format!("fragment f{i} on Q {{...{{...f{}}}}}", i + 1)),
        ),
        ("root fields", format!("{{{}}}", "a:b ".repeat(21))),
        ("fields", doubling(40, "Query", "a b")),
        ("fields", format!("{{ ...f }} fragment f on Query {{ a {{ {} }} }}", "b ".repeat(2_000))),
        ("fields", doubling(40, "X", "b").replace("query{...f0}", "query{a{...f0}}")),
        ("aliases", format!("{{ x {{ {} }} }}", many(101, |i| format!("a{i}: b")))),
        ("aliases", doubling(8, "X", "c: b").replace("query{...f0}", "query{a{...f0}}")),
        ("directives", format!("{{ x{} }}", " @a".repeat(51))),
        ("directives", format!("query {} {{ x }}", "@a ".repeat(51))),
        ("directives", format!("{{ ...f {} }} fragment f on Query {{ a }}", "@a ".repeat(51))),
        ("operations", many(11, |i| format!("query q{i} {{ a }}"))),
        ("fragments", many(51, |i| format!("fragment f{i} on Query {{ a }}")) + "{ ...f0 }"),
        (
            "lists of introspection inside each other",
            "{__schema{types{fields{type{fields{type{fields{name}}}}}}}}".to_owned(),
        ),
        (
            "levels of introspection",
            format!("{{ __schema {{ types {}name{} }} }}", "{ ofType ".repeat(16), "}".repeat(16)),
        ),
        (
            "points of cost",
            format!("{{ {} }}", many(20, |i| format!("a{i}: auditEvents(first: 200) {{ edges {{ node {{ id }} }} }}"))),
        ),
        ("points of cost", format!("{{ {} }}", many(20, |i| format!("a{i}: auditEvents(first: 1) {{ totalCount }}")))),
        ("invalid", "query{...f} fragment f on Query{...f}".to_owned()),
        ("invalid", "{ ...a } fragment a on Query { ...b ...b } fragment b on Query { ...a ...a }".to_owned()),
        ("invalid", "{ x } fragment f on Query { ...f }".to_owned()),
        ("syntax", format!("{{ a(b: \"\"\"{}", "x".repeat(60_000))),
        ("syntax", format!("{{ a(b: \"{}", "\\\"".repeat(30_000))),
        ("syntax", format!("{{ a(b: \"\"\"{}", "\\\"\"\"".repeat(10_000))),
        ("syntax", "#\n".repeat(30_000)),
        ("syntax", "\u{feff}, ".repeat(10_000)),
    ] {
        let found = refused(&query);
        if found != Some(what) {
            wrong.push(format!("{found:?} instead of {what}: {}", query.chars().take(120).collect::<String>()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn variables_and_lists_are_bounded_by_tokens() {
    let variables = many(600, |i| format!("$v{i}: Int"));
    assert_eq!(refused(&format!("query({variables}) {{ a }}")), None);
    assert_eq!(refused(&format!("query({variables} {variables}) {{ a }}")), Some("tokens in the document"));
    assert_eq!(refused(&format!("{{ a(b: [{}]) }}", "1,".repeat(4_000))), Some("tokens in the document"));
    assert_eq!(refused(&format!("{{ a(b: {{{}}}) }}", "c:1,".repeat(2_000))), Some("tokens in the document"));
}

#[test]
fn variables_of_a_query_are_limited_and_of_a_mutation_not() {
    let check = |query: &str, value: serde_json::Value| {
        let document = syntax::parse(query).unwrap().document;
        let given = Variables::from_json(serde_json::json!({ "v": value }));
        match variables(operation(&document, None).unwrap(), &given, &LIMITS) {
            Err(ApiError::Limit { what, .. }) => Some(what),
            other => other.map_or(Some("invalid"), |()| None),
        }
    };
    let query = "query($v: X) { a(b: $v) }";
    let large = "x".repeat(65_600);
    for value in [
        serde_json::json!(large),
        serde_json::json!({ large.as_str(): null }),
        serde_json::json!(vec![1; 8_000]),
        (0..100).fold(serde_json::json!("x".repeat(65_000)), |inner, _| serde_json::json!([{ "and": inner }])),
    ] {
        assert_eq!(check(query, value.clone()), Some("bytes in the variables"));
        assert_eq!(check("mutation($v: X) { a(b: $v) }", value), None);
    }
    assert_eq!(check(query, serde_json::json!("x".repeat(60_000))), None);
}

#[test]
fn introspection_can_be_disabled() {
    let closed = DocumentLimits { introspection: false, ..LIMITS };
    for (query, shown) in [
        ("{ __schema { queryType { name } } }", false),
        ("{ ...f } fragment f on Query { x: __type(name: \"Query\") { name } }", false),
        ("{ __typename viewer { __typename } }", true),
    ] {
        let parsed = syntax::parse(query).unwrap().document;
        assert!(document(&parsed, &LIMITS).is_ok());
        assert_eq!(document(&parsed, &closed).is_ok(), shown, "{query}");
    }
}

#[test]
fn brackets_in_strings_and_comments_do_not_count() {
    let many = "[".repeat(100);
    assert_eq!(refused(&format!("{{ a(b: \"{many}\\\"\", c: \"\"\"{many}\"\"\") # {many}\n }}")), None);
}
