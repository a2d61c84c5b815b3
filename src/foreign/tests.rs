//! What holds for every shape: nothing is lost, nothing panics, and what is recognised can be recorded.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::audit::sensitive::SensitiveNames;
use crate::audit::{ActorKind, NewEvent, OperationType, ResourceType, Status, Timestamp};

fn node(text: &str) -> Node {
    Node::parse(text).unwrap()
}

fn body(text: &str) -> EventBody {
    recognise(&node(text)).unwrap_or_else(|refused| panic!("{refused}: {text}")).body
}

/// Every scalar with its pointer; of repeated members each one.
fn scalars(node: &Node, pointer: &mut Vec<String>, out: &mut Vec<(Vec<String>, Node)>) {
    match node {
        Node::Object(members) => {
            for (key, value) in members {
                pointer.push(key.clone());
                scalars(value, pointer, out);
                pointer.pop();
            }
        }
        Node::Array(elements) => {
            for (i, value) in elements.iter().enumerate() {
                pointer.push(i.to_string());
                scalars(value, pointer, out);
                pointer.pop();
            }
        }
        scalar @ Node::Scalar(_) => out.push((pointer.clone(), scalar.clone())),
    }
}

/// All values at a pointer; repeated members give several.
fn at<'a>(node: &'a Node, pointer: &[String]) -> Vec<&'a Node> {
    let Some((first, rest)) = pointer.split_first() else { return vec![node] };
    match node {
        Node::Object(members) => {
            members.iter().filter(|(key, _)| key == first).flat_map(|(_, value)| at(value, rest)).collect()
        }
        Node::Array(elements) => first.parse().ok().and_then(|i: usize| elements.get(i)).map_or(vec![], |e| at(e, rest)),
        Node::Scalar(_) => vec![],
    }
}

/// The scalars that the event itself answers with, and all values of changes.
fn answered(body: &EventBody) -> (HashSet<Node2>, HashSet<String>) {
    let mut without = body.clone();
    without.unmapped = None;
    let mut leaves = Vec::new();
    let text = serde_json::to_string(&without).unwrap();
    scalars(&node(&text), &mut Vec::new(), &mut leaves);
    let values = body.targets.iter().flat_map(|target| &target.modified_properties);
    let values = values.flat_map(|change| [&change.old_value, &change.new_value]).flatten();
    (leaves.into_iter().map(|(_, leaf)| plain(&leaf)).collect(), values.map(|value| value.text().to_owned()).collect())
}

/// A scalar with its escapes resolved.
type Node2 = (bool, String);

fn plain(scalar: &Node) -> Node2 {
    match (scalar.as_str(), scalar) {
        (Some(text), _) => (true, text.into_owned()),
        (None, Node::Scalar(raw)) => (false, raw.to_string()),
        _ => unreachable!(),
    }
}

/// Whether a string holds JSON that is answered: as a value, or scalar by scalar.
fn holds_answered(text: &str, leaves: &HashSet<Node2>, values: &HashSet<String>) -> bool {
    let Some(held) = Node::parse(text) else { return false };
    if values.contains(held.to_json().text()) {
        return true;
    }
    if let Some(inner) = held.as_str() {
        return holds_answered(&inner, leaves, values);
    }
    let mut inner = Vec::new();
    scalars(&held, &mut Vec::new(), &mut inner);
    matches!(held, Node::Object(_) | Node::Array(_))
        && inner.iter().all(|(_, scalar)| {
            scalar.is_null()
                || leaves.contains(&plain(scalar))
                || scalar.as_str().is_some_and(|text| holds_answered(&text, leaves, values))
        })
}

/// What of a record is neither answered nor unmapped.
fn lost(record: &Node, body: &EventBody) -> Vec<String> {
    let (leaves, values) = answered(body);
    let unmapped = body.unmapped.as_ref().map(crate::audit::Json::node);
    let mut originals = Vec::new();
    scalars(record, &mut Vec::new(), &mut originals);
    originals
        .into_iter()
        .filter(|(pointer, scalar)| {
            let is_kept = unmapped.as_ref().is_some_and(|node| at(node, pointer).contains(&scalar));
            let is_held = scalar.as_str().is_some_and(|text| holds_answered(&text, &leaves, &values));
            !scalar.is_null() && !is_kept && !is_held && !leaves.contains(&plain(scalar))
        })
        .map(|(pointer, scalar)| format!("/{} = {}", pointer.join("/"), scalar.to_json().text()))
        .collect()
}

fn now() -> Timestamp {
    Timestamp::parse("2026-12-01T00:00:00Z").unwrap()
}

/// The records of the public samples, if they are there.
fn samples() -> Vec<(String, Node)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/samples");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let is_data = |path: &std::path::PathBuf| path.extension().is_some_and(|ext| ext == "ndjson" || ext == "json");
    let mut records = Vec::new();
    for path in paths.into_iter().filter(is_data) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for record in Records::new(std::fs::File::open(&path).unwrap()) {
            let (line, record) = record.unwrap();
            records.push((format!("{name}:{line}"), record));
        }
    }
    records
}

#[test]
fn all_samples_but_the_faulty_one_are_recognised_and_nothing_of_them_is_lost() {
    for (place, record) in samples() {
        let is_faulty = record.get("createdDateTime").is_some() && record.get("activityDisplayName").is_some();
        match recognise(&record) {
            Ok(recognised) => {
                assert!(!is_faulty, "{place} is not to be recognised");
                assert_eq!(lost(&record, &recognised.body), Vec::<String>::new(), "{place}");
                assert_ne!(recognised.shape, Shape::Generic, "{place}");
                let event = NewEvent::parse(recognised.body, now(), &SensitiveNames::default());
                assert!(event.is_ok(), "{place}: {:?}", event.err());
            }
            Err(refused) => assert!(is_faulty, "{place}: {refused}"),
        }
    }
}
