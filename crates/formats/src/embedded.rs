//! Records inside other values: wrapped in a member by a collector, or encoded as a string.

use std::borrow::Cow;

use super::key::KeySet;
use model::json::JsonNode;

/// The members in which collectors wrap one record of another format.
#[rustfmt::skip]
pub(super) static WRAPPERS: KeySet = KeySet::new(&[
    "data", "message", "_source", "_raw", "event", "raw", "original", "record", "body", "log", "azure", "auditLogs",
    "result", "payload", "detail", "protoPayload", "RawEventData", "o365", "o365audit", "audit", "office365",
    "ms-graph", "value",
]);
/// The maximum number of times that a record is encoded as a string.
const ENCODINGS_MAX: usize = 3;

/// Parses the JSON object or array in a string.
pub(super) fn embedded_json(text: &str) -> Option<JsonNode> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    JsonNode::parse(text)
}

/// Parses the JSON object or array in a string, which may be encoded as a string several times.
pub(super) fn embedded_record(text: &str) -> Option<JsonNode> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..ENCODINGS_MAX {
        if let Some(node) = embedded_json(&text) {
            return Some(node);
        }
        if !text.trim_start().starts_with('"') {
            return None;
        }
        text = Cow::Owned(JsonNode::parse(&text)?.as_str()?.into_owned());
    }
    None
}
