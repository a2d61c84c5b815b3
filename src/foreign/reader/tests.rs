//! Files as they come: whole, broken, and too large.

use super::*;
use proptest::prelude::*;

/// Records as JSON and problems, each with its line.
fn read(input: &[u8]) -> Vec<String> {
    read_with(input, RECORD_BYTES_MAX)
}

fn read_with(input: &[u8], limit: usize) -> Vec<String> {
    let records = Records::with_limit(input, limit);
    records
        .map(|record| match record {
            Ok((line, node)) => format!("{line} {}", node.to_json().text()),
            Err(cause) => format!("{} !", cause.line),
        })
        .collect()
}

#[test]
fn values_are_read_however_they_are_laid_out() {
    assert_eq!(read(b"{\"a\":1}\n{\"a\":2}\r\n\n{\"a\":3}"), ["1 {\"a\":1}", "2 {\"a\":2}", "4 {\"a\":3}"]);
    assert_eq!(
        read(b"{\n \"a\": [1,\n 2]\n}\n{\"b\": {\"c\": 1}} {\"d\":1}"),
        ["1 {\"a\":[1,2]}", "5 {\"b\":{\"c\":1}}", "5 {\"d\":1}"]
    );
    assert_eq!(read(b"\xef\xbb\xbf{\"a\":1},\n{\"a\":2}"), ["1 {\"a\":1}", "2 {\"a\":2}"]);
    assert_eq!(read(b""), Vec::<String>::new());
    assert_eq!(read(b"\"{\\\"a\\\":1}\""), ["1 {\"a\":1}"]);
}

#[test]
fn lists_and_pages_are_passed_on_record_by_record() {
    assert_eq!(read(b"[{\"a\":1},\n{\"a\":2}\n]\n{\"a\":3}"), ["1 {\"a\":1}", "2 {\"a\":2}", "4 {\"a\":3}"]);
    let page = br#"{"@odata.context":"x","Value":[
        {"a":{"value":[{"b":1}]}},
        {"a":"]}"}
    ],"@odata.nextLink":"y","more":{"value":[{"not":"me"}]}}
    {"records":[{"c":1}],"x":[1],"records":[{"c":2}]}"#;
    assert_eq!(read(page), ["2 {\"a\":{\"value\":[{\"b\":1}]}}", "3 {\"a\":\"]}\"}", "5 {\"c\":1}", "5 {\"c\":2}"]);
    assert_eq!(read(br#"{"value":[],"@odata.context":"x"}"#), Vec::<String>::new());
    assert_eq!(read(br#"[{"records":[{"a":1},{"a":2}]},"{\"a\":3}"]"#), ["1 {\"a\":1}", "1 {\"a\":2}", "1 {\"a\":3}"]);
    assert_eq!(read(b"[]\n[ ]"), Vec::<String>::new());
}

#[test]
fn a_record_with_a_list_named_value_is_no_page() {
    let record = br#"{"time":"t","value":[{"a":1}]}"#;
    assert_eq!(read(record), [format!("1 {}", String::from_utf8_lossy(record))]);
    let record = br#"{"value":[1,2],"id":"x"}"#;
    assert_eq!(read(record), [format!("1 {}", String::from_utf8_lossy(record))]);
}

#[test]
fn a_bad_line_is_named_and_passed_over() {
    let bad = [
        "{\"a\":1,",
        "{\"a\":\"x",
        "{\"a\":",
        "{",
        "{\"a\" 1}",
        "garbage",
        "{\"a\":01}",
        "\"open",
        "{\"a\":\"\\ud800\"}",
        "}",
    ];
    for bad in bad {
        let input = format!("{{\"n\":1}}\n{bad}\n{{\"n\":2}}\n{{\"n\":3}}\n");
        assert_eq!(read(input.as_bytes()), ["1 {\"n\":1}", "2 !", "3 {\"n\":2}", "4 {\"n\":3}"], "{bad}");
    }
    assert_eq!(read(b"{\"n\":1}\n{\"a\":1,"), ["1 {\"n\":1}", "2 !"]);
    assert_eq!(read(b"{\n \"a\": oops oops\n}\n{\"n\":2}\n"), ["1 !", "4 {\"n\":2}"]);
    assert_eq!(read(b"{\"a\":1,\ngarbage\n{\"n\":2}"), ["1 !", "2 !", "3 {\"n\":2}"]);
    assert_eq!(read(b"{\"a\":\xff\"}\n{\"b\":\"\xff\"}\n{\"n\":2}"), ["1 !", "2 !", "3 {\"n\":2}"]);
}

#[test]
fn a_list_that_breaks_ends_the_file_and_keeps_what_came_before() {
    assert_eq!(read(b"[{\"a\":1},{\"a\" 2},{\"a\":3}]\n{\"b\":1}"), ["1 {\"a\":1}", "1 !"]);
    assert_eq!(read(b"{\"value\":[{\"a\":1}\n{\"a\":2}]}\n{\"b\":1}"), ["1 {\"a\":1}", "2 !"]);
    assert_eq!(read(b"{\"value\":[\n{\"a\":1},\n{\"a\":"), ["2 {\"a\":1}", "3 !"]);
    assert_eq!(read(b"{\"value\":[\n{\"a\":1},\n"), ["2 {\"a\":1}", "1 !"]);
    assert_eq!(read(b"[{\"a\":\"\xff\"},{\"a\":1}]"), ["1 !", "1 {\"a\":1}"]);
}

#[test]
fn what_cannot_be_a_record_is_reported_alone() {
    let deep = "[".repeat(2_000) + &"]".repeat(2_000);
    let page = format!("{{\"value\":[{{\"a\":{deep}}},\n{{\"n\":1}}]}}");
    assert_eq!(read(page.as_bytes()), ["1 !", "2 {\"n\":1}"]);
    assert_eq!(read(b"\xff\xfe{\0}\0\n\0{\0}\0"), ["1 !"]);
}

#[test]
fn a_record_that_is_too_large_is_passed_over() {
    let long = "x".repeat(100);
    let lines = format!("{{\"n\":1}}\n{{\"a\":\"{long}\"}}\n{{\"n\":2}}\n");
    assert_eq!(read_with(lines.as_bytes(), 50), ["1 {\"n\":1}", "2 !", "3 {\"n\":2}"]);
    let page = format!("{{\"value\":[{{\"n\":1}},{{\"a\":\"{long}\"}},{{\"n\":2}}]}}");
    assert_eq!(read_with(page.as_bytes(), 50), ["1 {\"n\":1}", "1 !", "1 {\"n\":2}"]);
    let broken =
        format!("{{\"n\":1}}\n{{\"a\":\"{long}\n{{\"n\":2}}\n{{\"a\":\"{long}\",\n{{\"n\":3}}\n{long}\n{{\"n\":4}}");
    let expected = ["1 {\"n\":1}", "2 !", "3 {\"n\":2}", "4 !", "5 {\"n\":3}", "6 !", "7 {\"n\":4}"];
    assert_eq!(read_with(broken.as_bytes(), 50), expected);
    let many = format!("[{}]", vec!["{\"n\":1}"; 100].join(","));
    assert_eq!(read_with(many.as_bytes(), 50).len(), 100);
}

#[test]
fn a_page_without_end_is_read_in_bounded_memory() {
    let page = std::io::Read::chain(&b"{\"value\":[{}"[..], std::io::repeat(b' ').take(8 << 20));
    let mut records = Records::new(page);
    assert!(records.next().unwrap().is_ok());
    assert!(records.next().unwrap().is_err());
    assert!(records.value.capacity() < 1 << 16);
    assert!(records.next().is_none());
}

proptest! {
    #[test]
    fn no_input_is_too_odd_to_read(input in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&input).len() <= 400);
    }

    #[test]
    fn near_json_is_read_to_its_end(input in "[\\[\\]{}\",:\\\\a1 \n]{0,60}") {
        prop_assert!(read(input.as_bytes()).len() <= 120);
    }

    #[test]
    fn good_lines_survive_whatever_stands_between(bad in "[\\[{}\",:a1 ]{0,20}") {
        // A list that breaks takes the rest of the file with it.
        prop_assume!(!bad.trim_start_matches([' ', ',']).starts_with('[') && !bad.contains("}[") && !bad.contains("} [") && !bad.contains('['));
        let input = format!("{{\"n\":1}}\n{bad}\n{{\"n\":2}}\n");
        let read = read(input.as_bytes());
        prop_assert!(read.contains(&"1 {\"n\":1}".to_owned()), "{:?}", read);
        prop_assert!(read.contains(&"3 {\"n\":2}".to_owned()), "{:?}", read);
    }
}
