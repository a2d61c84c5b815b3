//! Complete, broken and too large files.

use super::*;
use model::json::Json;
use proptest::prelude::*;

/// Returns the records and errors, each with its line.
fn read(input: &[u8]) -> Vec<String> {
    read_with(input, RECORD_BYTES_MAX)
}

fn read_with(input: &[u8], limit: usize) -> Vec<String> {
    shown(RecordReader::with(Utf8Reader::utf8(input), ReadState::Outside, limit))
}

fn shown<R: Read>(records: RecordReader<R>) -> Vec<String> {
    records
        .map(|record| match record {
            Ok((line, node)) => format!("{line} {}", node.to_json().text()),
            Err(cause) => format!("{} !", cause.line),
        })
        .collect()
}

/// A reader that returns one byte per call.
struct OneByte<'a>(&'a [u8]);

impl Read for OneByte<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(1);
        self.0.read(&mut buffer[..length])
    }
}

#[test]
fn values_are_read_in_any_layout() {
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
fn lists_and_pages_are_split_into_records() {
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
fn record_with_list_named_value_is_not_a_page() {
    let record = br#"{"time":"t","value":[{"a":1}]}"#;
    assert_eq!(read(record), [format!("1 {}", String::from_utf8_lossy(record))]);
    let record = br#"{"value":[1,2],"id":"x"}"#;
    assert_eq!(read(record), [format!("1 {}", String::from_utf8_lossy(record))]);
}

#[test]
fn invalid_line_is_reported_and_skipped() {
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

/// Returns the lines of the records and, for errors, the number of skipped lines.
fn lines(input: &str) -> Vec<String> {
    let records = RecordReader::with(Utf8Reader::utf8(input.as_bytes()), ReadState::Outside, RECORD_BYTES_MAX);
    let outcome = |record| match record {
        Ok((line, _)) => format!("{line}"),
        Err(RecordReadError { line, lines_skipped, .. }) => format!("{line} skips {lines_skipped}"),
    };
    records.map(outcome).collect()
}

#[test]
fn invalid_list_ends_with_its_line() {
    assert_eq!(read(b"[{\"a\":1},{\"a\" 2},{\"a\":3}]\n{\"b\":1}"), ["1 {\"a\":1}", "1 !", "2 {\"b\":1}"]);
    let good = "{\"records\":[{\"n\":1},{\"n\":2}]}";
    for bad in [
        "{\"records\":[{\"n\":1},{\"n\":2",
        "{\"records\":[{\"n\":1},{\"n\":\"2",
        "{\"records\":[{\"n\":1},{\"n\" 2},{\"n\":3}]}",
        "{\"records\":[{\"n\":1}{\"n\":2}]}",
        "{\"records\":[{\"n\":1}],x}",
        "{\"records\":[{\"n\":1}]",
        "[{\"n\":1},{\"n\":[}]",
        "[[{\"n\":1},{\"n\" 1}],[{\"n\":2}]]",
    ] {
        let input = format!("{good}\n{bad}\n{good}\n{good}\n");
        let read = lines(&input);
        assert_eq!((read[..3].join(" "), read[4..].join(" ")), ("1 1 2".to_owned(), "3 3 4 4".to_owned()), "{bad}");
        assert!(read[3].starts_with("2 skips") || read[3] == "3 skips 0", "{bad}: {read:?}");
    }
    let wrapped = "{\"value\":[{\"a\":1},{\"id\":\"x\"{\n  \"error\": {\n    \"code\": 1\n  }\n}\n{\"b\":1}";
    assert_eq!(lines(wrapped), ["1", "1 skips 5", "6"]);
}

#[test]
fn invalid_list_over_several_lines_continues_where_a_value_starts() {
    assert_eq!(lines("{\"value\":[{\"a\":1}\n{\"a\":2}]}\n{\"b\":1}"), ["1", "2 skips 0", "2", "3"]);
    assert_eq!(lines("[\n{\"a\":1},\n{\"a\" 2},\n{\"a\":3}\n]\n{\"b\":1}"), ["2", "3 skips 1", "4", "6"]);
    let indented = "{\n  \"value\": [\n    {\n      \"a\": [\n        {}\n      ]\n    },\n    {\n      \"a\" 2\n    },\n    {\n      \"a\": 3\n    }\n  ]\n}\n{\"b\":1}";
    assert_eq!(lines(indented), ["3", "8 skips 3", "11", "16"]);
    let without_comma = "[\n  {\"a\":1}\n  {\"a\":2},\n  {\"a\":3}\n]\n{\"b\":1}";
    assert_eq!(lines(without_comma), ["2", "3 skips 0", "3", "4", "6"]);
    assert_eq!(lines("{\"value\":[\n{\"a\":1},\n{\"a\":"), ["2", "3 skips 1"]);
    assert_eq!(lines("{\"value\":[\n{\"a\":1},\n"), ["2", "1 skips 0"]);
    assert_eq!(read(b"[{\"a\":\"\xff\"},{\"a\":1}]"), ["1 !", "1 {\"a\":1}"]);
}

#[test]
fn lists_of_records_are_found_in_any_envelope() {
    let record = r#"{"activityDisplayName":"Add user","activityDateTime":"2026-03-01T10:00:00Z","n":1}"#;
    let string = |text: &str| Json::string(text).text().to_owned();
    for wrapped in [
        format!("[[{record}],[{record}]]"),
        format!("[[[{record},{record}]]]"),
        format!("[{{\"value\":[{record}]}},{{\"value\":[{record}]}}]"),
        format!("{{\"results\":[{record},{record}],\"schema\":[{{\"name\":\"n\"}}]}}"),
        format!("{{\"hits\":{{\"total\":2,\"hits\":[{{\"_source\":{record}}},{{\"_source\":{record}}}]}}}}"),
        format!("{{\"responses\":[{{\"body\":{{\"value\":[{record}]}}}},{{\"body\":{{\"value\":[{record}]}}}}]}}"),
        format!("{{\"topic\":\"t\",\"value\":{{\"records\":[{record},{record}]}}}}"),
        format!("{{\"date\":1,\"log\":{}}}", string(&format!("{{\"records\":[{record},{record}]}}"))),
        format!("{{\"type\":\"log\",\"message\":{}}}", string(&string(&format!("[{record},{record}]")))),
        format!("{{\"timestamp\":\"x\",\"data\":{{\"items\":[{record},{record}]}}}}"),
    ] {
        let reader = RecordReader::new(wrapped.as_bytes());
        let formats: Vec<_> = reader.map(|read| crate::recognise(&read.unwrap().1).map(|it| it.format)).collect();
        assert_eq!(formats, vec![Ok(crate::RecordFormat::DirectoryAudit); 2], "{wrapped}");
    }
}

#[test]
fn record_with_a_list_of_records_stays_whole() {
    let event = r#"{"time":"2026-03-01T10:00:00Z","action":"x"}"#;
    for record in [
        format!(r#"{{"time":"2026-03-01T10:00:00Z","related":[{event}],"action":"batch"}}"#),
        format!(r#"{{"related":[{event}],"action":"batch"}}"#),
        format!(r#"{{"eventKey":"k","results":[{DIRECTORY}]}}"#),
        format!(r#"{{"activityDisplayName":"x","activityDateTime":"y","data":[{DIRECTORY}]}}"#),
        r#"{"results":[{"n":1},{"n":2}]}"#.to_owned(),
    ] {
        assert_eq!(read(record.as_bytes()), [format!("1 {record}")]);
    }
    let padding = "x".repeat(300_000);
    let record = format!(r#"{{"related":[{event},{{"p":"{padding}"}}],"action":"batch"}}"#);
    assert_eq!(read(record.as_bytes()), [format!("1 {record}")]);
}

const DIRECTORY: &str = r#"{"activityDisplayName":"Add user","activityDateTime":"2026-03-01T10:00:00Z"}"#;

#[test]
fn tables_are_read_row_by_row() {
    let table = |rows: &str| {
        format!(
            r#"{{"tables":[{{"name":"R","columns":[{{"name":"A","type":"string"}},{{"name":"B"}}],"rows":[{rows}]}}],"n":1}}"#
        )
    };
    assert_eq!(read(table("[1,[2]],[3,null]").as_bytes()), [r#"1 {"A":1,"B":[2]}"#, r#"1 {"A":3,"B":null}"#]);
    assert_eq!(read(table("").as_bytes()), Vec::<String>::new());
    let kusto = r#"[{"FrameType":"DataTable","Columns":[{"ColumnName":"A"}],"Rows":[[1],[2]]}]"#;
    assert_eq!(read(kusto.as_bytes()), [r#"1 {"A":1}"#, r#"1 {"A":2}"#]);
    assert_eq!(read(br#"{"fields":["A","B"],"rows":[["1","2"]]}"#), [r#"1 {"A":"1","B":"2"}"#]);
    // A large table has more values than a record may have.
    let rows = vec!["[1,\"some text\"]"; 80_000].join(",");
    let reader = RecordReader::new(table(&rows).into_bytes().leak() as &[u8]);
    let records: Vec<_> = reader.map(|record| record.map(|(_, node)| node.to_json().text().to_owned())).collect();
    assert_eq!(records.len(), 80_000);
    assert!(records.iter().all(|record| record.as_deref() == Ok(r#"{"A":1,"B":"some text"}"#)));
    let uneven = format!("{rows},[1]");
    let last = RecordReader::new(table(&uneven).into_bytes().leak() as &[u8]).last().unwrap();
    assert_eq!(last.unwrap_err().reason, "the row has 1 cells, and the table 2 columns");
}

#[test]
fn large_responses_are_read_in_bounded_memory() {
    let record =
        format!(r#"{{"activityDisplayName":"{}","activityDateTime":"2026-03-01T10:00:00Z"}}"#, "x".repeat(500));
    for (start, end) in [
        ("{\"results\":[", "]}"),
        ("{\"hits\":{\"hits\":[", "]}}"),
        ("{\"responses\":[{\"body\":{\"value\":[", "]}}]}"),
        ("[[", "]]"),
    ] {
        let response = format!("{start}{}{end}\n{{\"n\":1}}", vec![record.as_str(); 10_000].join(","));
        let mut records = RecordReader::new(response.as_bytes());
        let count = records.by_ref().map(Result::unwrap).count();
        assert_eq!(count, 10_001, "{start}");
        assert!(records.value.capacity() < 2 << 20, "{start}");
    }
}

#[test]
fn next_page_is_a_warning() {
    let warnings = |text: &str| {
        let mut reader = RecordReader::new(text.as_bytes());
        assert!(reader.by_ref().all(|record| record.is_ok()), "{text}");
        reader.take_warnings().into_iter().map(|warning| warning.line).collect::<Vec<_>>()
    };
    assert_eq!(warnings(r#"{"value":[{"a":1}],"@odata.nextLink":"https://x"}"#), [1]);
    assert_eq!(warnings("\n{\"@odata.nextLink\":\"https://x\",\"value\":[{\"a\":1}]}"), [2]);
    assert_eq!(warnings(&format!(r#"{{"results":[{DIRECTORY}],"odata.nextLink":"x"}}"#)), [1]);
    assert_eq!(warnings(&format!(r#"[{{"value":[{DIRECTORY}],"nextLink":"x"}},{{"value":[{DIRECTORY}]}}]"#)), [1]);
    for last in [r#"{"value":[{"a":1}],"@odata.nextLink":null}"#, r#"{"value":[{"@odata.nextLink":"x"}]}"#] {
        assert_eq!(warnings(last), [0_u64; 0], "{last}");
    }
}

#[test]
fn lines_that_open_levels_are_read_in_linear_time() {
    for line in ["{\"a\":\n", "{\"a\":[\n", "{\"value\":[{\"a\":\n", "[\n", "{\"a\":[{},\n", "[{\"a\":\n"] {
        // Reading the rest of the file once per line would take minutes.
        let started = std::time::Instant::now();
        let input = line.repeat(20_000);
        assert!(RecordReader::new(input.as_bytes()).count() > 0);
        assert!(started.elapsed().as_secs() < 30, "{line:?}: {:?}", started.elapsed());
    }
}

#[test]
fn invalid_record_does_not_affect_others() {
    let deep = "[".repeat(2_000) + &"]".repeat(2_000);
    let page = format!("{{\"value\":[{{\"a\":{deep}}},\n{{\"n\":1}}]}}");
    assert_eq!(read(page.as_bytes()), ["1 !", "2 {\"n\":1}"]);
    assert_eq!(read(b"\xff\xfe{\0}\0\n\0{\0}\0"), ["1 !"]);
}

#[test]
fn too_large_record_is_skipped() {
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
fn record_with_too_many_values_is_skipped() {
    let of = |values: usize| format!("{{\"a\":\"{}\",\"b\":[{}0]}}", "\\\",".repeat(values), "0,".repeat(values));
    let all = format!("{}\n{}\n{{\"c\":1}}", of(50_000), of(VALUES_MAX));
    let found = read(all.as_bytes());
    assert_eq!(found.len(), 3);
    assert_eq!(found[1..], ["2 !", "3 {\"c\":1}"]);
}

#[test]
fn endless_page_is_read_in_bounded_memory() {
    let page = std::io::Read::chain(&b"{\"value\":[{}"[..], std::io::repeat(b' ').take(8 << 20));
    let mut records = RecordReader::new(page);
    assert!(records.next().unwrap().is_ok());
    assert!(records.next().unwrap().is_err());
    assert!(records.value.capacity() < 1 << 16);
    assert!(records.next().is_none());
}

proptest! {
    #[test]
    fn random_json_input_does_not_panic(input in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&input).len() <= 400);
    }

    #[test]
    fn random_file_does_not_panic(start in "(Id,AuditData\n|#TYPE x\n|\u{feff}|\u{1f}\u{8b})?", input in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read_file(&[start.as_bytes(), &input].concat()).len() <= 400);
        prop_assert!(read_file(&[b"\xff\xfe", &input[..]].concat()).len() <= 400);
    }

    #[test]
    fn near_json_is_read_to_the_end(input in "[\\[\\]{}\",:\\\\a1 \n]{0,60}") {
        prop_assert!(read(input.as_bytes()).len() <= 120);
    }

    /// No object is in the buffer as a whole if each read returns one byte.
    #[test]
    fn objects_in_the_buffer_are_read_as_byte_by_byte(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("{\"a\":{\"b\":[1,{\"c\":\"}]\\\"\\\\\"}]}}"),
                Just("{\"value\":[{\"id\":1},{\"id\":2}]}"),
                Just("{\"time\":1,\"records\":[{\"id\":1}]}"),
                Just("{\n \"a\": 1,\n \"b\": {}\n}"),
                Just("{\"a\":\"x\ny\"}"),
                Just("{\"a\":\"\\ud800\"}"),
                Just("{\n{\"a\":1}\n}"),
                Just("{\"a\" 1}"),
                Just("{]"),
                Just("{"),
                Just("}"),
                Just("["),
                Just("]"),
                Just(","),
                Just("\n"),
                Just("  "),
                Just("\"value\":"),
            ],
            0..12,
        ),
        limit in prop_oneof![Just(RECORD_BYTES_MAX), 5_usize..60],
    ) {
        let input = parts.concat();
        let whole = read_with(input.as_bytes(), limit);
        let bytes = RecordReader::with(Utf8Reader::utf8(OneByte(input.as_bytes())), ReadState::Outside, limit);
        prop_assert_eq!(whole, shown(bytes), "{}", input);
    }

    #[test]
    fn valid_lines_survive_invalid_ones_between(bad in "[\\[{}\",:a1 ]{0,20}") {
        let input = format!("{{\"n\":1}}\n{bad}\n{{\"n\":2}}\n");
        let read = read(input.as_bytes());
        prop_assert!(read.contains(&"1 {\"n\":1}".to_owned()), "{:?}", read);
        prop_assert!(read.contains(&"3 {\"n\":2}".to_owned()), "{:?}", read);
    }
}

/// Reads a file in any encoding.
fn read_file(input: &[u8]) -> Vec<String> {
    let records = RecordReader::with(Utf8Reader::detecting(input), ReadState::Start, 2_000);
    let outcome = |record| match record {
        Ok((line, node)) => format!("{line} {}", JsonNode::to_json(&node).text()),
        Err(RecordReadError { line, reason, .. }) => format!("{line} ! {reason}"),
    };
    records.map(outcome).collect()
}

fn utf16(text: &str, is_little: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if is_little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
}

#[test]
fn utf_8_and_utf_16_are_read_with_and_without_byte_order_mark() {
    let text = "{\"a\":\"é😀\"}\r\n[{\"b\":1},\r\n{\"c\":\"€\"}]\r\n";
    let expected = ["1 {\"a\":\"é😀\"}", "2 {\"b\":1}", "3 {\"c\":\"€\"}"];
    for text in [text.to_owned(), format!("\u{feff}{text}")] {
        for bytes in [text.as_bytes().to_vec(), utf16(&text, true), utf16(&text, false)] {
            assert_eq!(read_file(&bytes), expected);
        }
    }
    let joined = "\u{feff}{\"a\":1}\n\u{feff}{\"a\":2}";
    assert_eq!(read_file(&utf16(joined, true)), ["1 {\"a\":1}", "2 {\"a\":2}"]);
    assert_eq!(read_file(b"{"), ["1 ! the file ends inside this record"]);
    assert_eq!(read_file(b"\xff\xfe"), Vec::<String>::new());
}

#[test]
fn unpaired_surrogate_is_an_error_of_its_record() {
    for is_little in [true, false] {
        for half in [0xd83d_u16, 0xde00] {
            let half = if is_little { half.to_le_bytes() } else { half.to_be_bytes() };
            let parts = ["\u{feff}{\"n\":1}\n{\"a\":\"", "\"}\n{\"n\":2}\n"].map(|part| utf16(part, is_little));
            let reasons = read_file(&[&parts[0][..], &half, &parts[1]].concat());
            let reason = "2 ! the record has half of a surrogate pair at its byte 6";
            assert_eq!(reasons, ["1 {\"n\":1}", reason, "3 {\"n\":2}"]);
        }
    }
    let cut = utf16("\u{feff}{\"n\":1}\n", true);
    assert_eq!(read_file(&[&cut[..], b"{"].concat()), ["1 {\"n\":1}", "2 ! the line is not JSON"]);
}

#[test]
fn tables_with_records_are_read_by_row() {
    let rows =
        "1,\"{\"\"a\"\":\n[1]}\",x\r\n\r\n2,\"{\"\"a\"\":2}\",\r\n3,no,x\r\n4\r\n5,{},x,y\r\n6,{},\"it's, \"\"so\"\"\"";
    let table = format!("Id,AuditData,More\r\n{rows}");
    let expected = [
        r#"2 {"Id":"1","AuditData":{"a":[1]},"More":"x"}"#,
        r#"5 {"Id":"2","AuditData":{"a":2}}"#,
        "6 ! the cell `AuditData` does not contain a JSON object; a spreadsheet may have cut it off",
        "7 ! the row has no cell `AuditData`",
        "8 ! the row has 4 cells, and the header 3",
        r#"9 {"Id":"6","AuditData":{},"More":"it's, \"so\""}"#,
    ];
    assert_eq!(read_file(table.as_bytes()), expected);
    assert_eq!(read_file(&utf16(&format!("\u{feff}{table}"), true)), expected);
    let typed = read_file("#TYPE Selected.Object\r\n\"CreationDate\",\"AuditData\"\r\n\"x\",\"{}\"\r\n".as_bytes());
    assert_eq!(typed, [r#"3 {"CreationDate":"x","AuditData":{}}"#]);
    assert_eq!(read_file(b"Id;AuditData\n7;\"{}\"\n"), [r#"2 {"Id":"7","AuditData":{}}"#]);
    assert_eq!(read_file(b"AuditData\n\"{}\"\n"), [r#"2 {"AuditData":{}}"#]);
    assert_eq!(read_file(b"Id,AuditData"), Vec::<String>::new());
    let large = format!("Id,AuditData\n1,\"{{\"\"a\"\":\"\"{}\"\"}}\"\n2,{{}}\n", "x".repeat(2_000));
    assert_eq!(read_file(large.as_bytes()), ["2 ! the row has more than 2000 bytes", r#"3 {"Id":"2","AuditData":{}}"#]);
}

#[test]
fn other_tables_and_compressed_files_are_refused() {
    let portal = "\u{feff}Date,Initiated by (actor),Application Name\r\n\"11/20/2026, 2:03:04 PM\",rob,x\r\n";
    let typed = "#TYPE System.Object\r\n\"Date\",\"Who\"\r\n\"1\",\"2\"\r\n\"3\",\"4\"\r\n";
    for table in [portal.as_bytes().to_vec(), typed.into(), utf16(typed, true), portal.replace(',', ";").into()] {
        let reasons = read_file(&table);
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        assert!(reasons[0].starts_with("1 ! the file is a table (CSV) without a column `AuditData`"), "{reasons:?}");
    }
    let packed = read_file(b"\x1f\x8b\x08\0\0\0\0\0\n\n{\"a\":1}\n");
    assert_eq!(packed, ["1 ! the file is compressed; unpack it first: `gunzip -c FILE | auditgraph import -`"]);
    // A line before JSON records is not a header.
    assert_eq!(read_file(b"started, as planned, today\n{\"a\":1}\n"), ["1 ! the line is not JSON", "2 {\"a\":1}"]);
    assert_eq!(read_file(b"\"{\\\"a\\\":1}\"\n\"{\\\"a\\\":2}\"\n"), ["1 {\"a\":1}", "2 {\"a\":2}"]);
}

#[test]
fn endless_row_is_read_in_bounded_memory() {
    let input = std::io::Read::chain(&b"Id,AuditData\n1,\""[..], std::io::repeat(b'\n').take(40 << 20));
    let mut records = RecordReader::from_file(input);
    let problem = records.next().unwrap().unwrap_err();
    assert_eq!((problem.line, &*problem.reason), (2, "the row has more than 16777216 bytes"));
    assert!(records.next().is_none());
}
