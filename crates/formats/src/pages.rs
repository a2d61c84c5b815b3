//! Splits pages and lists into records.

use std::borrow::Cow;

use super::source_record::{embedded_json, same_key};
use model::json::Node;

/// The members of a page that contain its records.
const PAGE_KEYS: &[&str] = &["value", "records"];
/// The members in which collectors wrap a page, such as the body of an Event Hub message.
const ENVELOPE_KEYS: &[&str] = &["body", "message", "event", "_raw", "payload"];
/// The members that name an activity. An object with one of them is a record, not a wrapper.
#[rustfmt::skip]
const ACTIVITY_KEYS: &[&str] = &[
    "activity", "activityDisplayName", "activityType", "operation", "operationName", "eventName", "eventType", "action",
    "eventAction", "event.action", "type",
];
/// The members that occur in records, but not in pages.
const RECORD_KEYS: &[&str] = &[
    "activity",
    "activityDateTime",
    "activityDisplayName",
    "operation",
    "operationName",
    "creationTime",
    "createdDateTime",
    "eventTime",
    "eventName",
    "occurredAt",
    "time",
    "timestamp",
    "@timestamp",
    "timeGenerated",
    "action",
];

/// Returns the records in a value: those of a page (`{"value": […]}`, `{"records": […]}`), of a list or of a wrapped
/// page, else the value itself. A string that contains JSON is parsed.
pub fn records(value: Node) -> Vec<Node> {
    if let Some(embedded) = value.as_str().and_then(|text| embedded_json(&text)) {
        return records(embedded);
    }
    match value {
        Node::Array(elements) => elements.into_iter().flat_map(records).collect(),
        Node::Object(members) if is_page(&members) => members
            .into_iter()
            .filter(|(key, value)| is_page_key(key) && matches!(value, Node::Array(_)))
            .flat_map(|(_, value)| records(value))
            .collect(),
        Node::Object(members) => wrapped_page(&members).map_or_else(|| vec![Node::Object(members)], records),
        scalar @ Node::Scalar(_) => vec![scalar],
    }
}

/// Returns the page in a wrapper that names no activity itself.
fn wrapped_page(members: &[(String, Node)]) -> Option<Node> {
    if members.iter().any(|(key, _)| ACTIVITY_KEYS.iter().any(|name| same_key(key, name))) {
        return None;
    }
    let inner = members.iter().filter(|(key, _)| ENVELOPE_KEYS.iter().any(|name| key.eq_ignore_ascii_case(name)));
    let mut inner = inner.map(|(_, value)| match value.as_str() {
        Some(text) => embedded_json(&text).map(Cow::Owned),
        None => Some(Cow::Borrowed(value)),
    });
    inner.find_map(|value| value.filter(|node| is_page_of_records(node))).map(Cow::into_owned)
}

/// Whether a value is a page whose first element is a record or another page of records.
fn is_page_of_records(node: &Node) -> bool {
    let Node::Object(members) = node else { return false };
    let first = members.iter().find_map(|(key, value)| match value {
        Node::Array(elements) if is_page_key(key) => elements.first(),
        _ => None,
    });
    is_page(members)
        && first.is_some_and(|first| match first {
            Node::Object(members) => {
                members.iter().any(|(key, _)| is_record_key(key) || key == "properties") || is_page_of_records(first)
            }
            _ => true,
        })
}

fn is_page(members: &[(String, Node)]) -> bool {
    let is_record = |node: &Node| match node {
        Node::Object(_) => true,
        other => other.as_str().is_some_and(|text| embedded_json(&text).is_some()),
    };
    let is_list = |node: &Node| matches!(node, Node::Array(elements) if elements.iter().all(is_record));
    members.iter().any(|(key, value)| is_page_key(key) && is_list(value))
        && !members.iter().any(|(key, _)| is_record_key(key))
}

pub(super) fn is_page_key(key: &str) -> bool {
    PAGE_KEYS.iter().any(|name| key.eq_ignore_ascii_case(name))
}

pub(super) fn is_record_key(key: &str) -> bool {
    RECORD_KEYS.iter().any(|name| key.eq_ignore_ascii_case(name))
}
