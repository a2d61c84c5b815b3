//! Mutated records and unusual structures: no data is lost, nothing panics, and the time is linear in the size.

use std::time::Instant;

use super::envelopes::{ENVELOPES, in_envelope};
use super::*;

/// Returns unexpected values.
fn unexpected() -> impl Strategy<Value = String> {
    let fixed = [
        "null",
        "true",
        "1.10",
        "12345678901234567890123",
        "-0",
        "1e400",
        "\"\"",
        "\"a\\u0000b\"",
        "\"<null>\"",
        "\"N/A\"",
        "\"{}\"",
        "\"[]\"",
        "[]",
        "{}",
        "[[[]]]",
        "{\"id\":\"x1\",\"id\":null}",
        "\"{\\\"user\\\":{\\\"id\\\":7}}\"",
        "\"\\\"[1]\\\"\"",
        "[null,{\"key\":1,\"value\":[2]}]",
        "0",
        "1",
        "\"5/4/2026 8:15:30 PM\"",
        "\"success\"",
        "[{\"displayName\":\"A\",\"oldValue\":{\"b\":1.0},\"newValue\":[1]}]",
        "\"\\ud83d\\ude00\"",
        "\"__\"",
    ];
    prop_oneof![
        proptest::sample::select(fixed.to_vec()).prop_map(str::to_owned),
        any::<String>().prop_map(|text| model::Json::string(&text).text().to_owned()),
    ]
}

/// Replaces, repeats, adds or removes the value with this number.
fn mutate(node: &mut JsonNode, index: &mut usize, how: u8, with: &JsonNode) {
    let at = |index: &mut usize| {
        *index = index.wrapping_sub(1);
        *index == usize::MAX
    };
    match node {
        JsonNode::Object(members) => {
            for i in 0..members.len() {
                if at(index) {
                    let key = members[i].0.clone();
                    match how {
                        0 => members[i].1 = with.clone(),
                        1 => members.push((key, with.clone())),
                        2 => members.insert(i, (key.to_uppercase(), with.clone())),
                        3 => _ = members.remove(i),
                        4 => members.push(("anything".to_owned(), with.clone())),
                        _ => members[i].1 = model::Json::string(members[i].1.to_json().text()).node(),
                    }
                    return;
                }
                mutate(&mut members[i].1, index, how, with);
                if *index == usize::MAX {
                    return;
                }
            }
        }
        JsonNode::Array(elements) => {
            for i in 0..elements.len() {
                if at(index) {
                    match how {
                        0 | 1 => elements[i] = with.clone(),
                        2 => elements.insert(i, with.clone()),
                        _ => elements.push(with.clone()),
                    }
                    return;
                }
                mutate(&mut elements[i], index, how, with);
                if *index == usize::MAX {
                    return;
                }
            }
        }
        JsonNode::Scalar(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_data_of_mutated_records_is_lost(
        which in 0..RECORDS.len(),
        changes in proptest::collection::vec((0_usize..90, 0_u8..6, unexpected()), 0..6),
    ) {
        let mut record = node(RECORDS[which].0);
        for (mut index, how, with) in changes {
            let before = record.clone();
            mutate(&mut record, &mut index, how, &node(&with));
            prop_assume!(before != record || index != 0);
        }
        if let Ok(recognised) = recognise(&record) {
            prop_assert_eq!(lost(&record, &recognised.body), Vec::<String>::new(), "{}", record.to_json().text());
            let parsed = NewEvent::parse(recognised.body, now(), &SensitiveNames::default());
            if let Err(problems) = parsed {
                prop_assert!(problems.iter().all(|problem| problem.path == ["occurredAt"]), "{:?}", problems);
            }
        }
    }

    #[test]
    fn no_data_of_mutated_records_in_envelopes_is_lost(
        which in 0..RECORDS.len(),
        envelope in 0..ENVELOPES.len(),
        changes in proptest::collection::vec((0_usize..90, 0_u8..6, unexpected()), 0..4),
    ) {
        let mut value = node(&in_envelope(ENVELOPES[envelope], RECORDS[which].0));
        for (mut index, how, with) in changes {
            mutate(&mut value, &mut index, how, &node(&with));
        }
        for record in records(value) {
            if let Ok(recognised) = recognise(&record) {
                prop_assert_eq!(lost(&record, &recognised.body), Vec::<String>::new(), "{}", record.to_json().text());
            }
        }
    }
}

/// Structures of about `size` values that could take more than linear time.
fn structures(size: usize) -> Vec<(&'static str, String)> {
    let list = |item: &dyn Fn(usize) -> String| (0..size).map(item).collect::<Vec<_>>().join(",");
    let string = |text: &str| model::Json::string(text).text().to_owned();
    let mut encoded = String::from("1");
    for _ in 0..8 {
        encoded = format!(r#"{{"data":{},"b":[{}]}}"#, string(&encoded), string(&encoded));
    }
    let deep = r#"{"data":{"message":[{"record":"#.repeat(30) + "1" + &"}]}}".repeat(30);
    vec![
        ("many members", format!("{{{}}}", list(&|i| format!(r#""k{i}":{i}"#)))),
        ("many objects", format!("{{{}}}", list(&|i| format!(r#""k{i}":{{"data":{{}}}}"#)))),
        ("many lists", format!("{{{}}}", list(&|i| format!(r#""k{i}":[{{"a":[{{}}]}}]"#)))),
        ("strings that look like JSON", format!("{{{}}}", list(&|i| format!(r#""k{i}":"{{\"a\":[\"{{\"]}}""#)))),
        ("equal members", format!("{{{}}}", list(&|_| r#""data":{"time":"x"}"#.to_owned()))),
        (
            "flattened columns",
            format!(
                r#"{{"activityDisplayName":"x","activityDateTime":"2026-05-04T08:15:30Z",{}}}"#,
                list(&|i| format!(r#""targetResources_{i}_id":"{i}""#))
            ),
        ),
        (
            "changes by name",
            format!(
                r#"{{"activityDisplayName":"x","activityDateTime":"2026-05-04T08:15:30Z","targetResources":[{{"modifiedProperties":{{{}}}}}]}}"#,
                list(&|i| format!(r#""p{i}":{{"newValue":"{i}"}}"#))
            ),
        ),
        ("lists in lists", format!("[{}]", list(&|_| "[[{}]]".to_owned()))),
        ("a wide table", format!(r#"{{"columns":[{}],"rows":[[]]}}"#, list(&|i| format!(r#"{{"name":"c{i}"}}"#)))),
        ("nested envelopes", format!("[{}]", vec![deep; size / 100 + 1].join(","))),
        ("encodings in encodings", encoded),
    ]
}

#[test]
fn unusual_structures_are_read_in_linear_time() {
    for (name, text) in structures(10_000) {
        let started = Instant::now();
        for record in records(node(&text)) {
            if let Ok(recognised) = recognise(&record) {
                NewEvent::parse(recognised.body, now(), &SensitiveNames::default()).unwrap();
            }
        }
        // With quadratic time, minutes.
        assert!(started.elapsed().as_secs() < 30, "{name}: {:?}", started.elapsed());
    }
}
