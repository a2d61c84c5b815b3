//! Values that several formats share: statuses, property changes and key-value lists.

use super::event_draft::fit;
use super::source_record::{JsonCursor, embedded_json, is_absent};
use model::fold::fold;
use model::json::{Json, JsonNode};
use model::{Detail, ModifiedProperty, Status};

/// The encoding of property values in strings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueEncoding {
    /// Strings contain JSON (Entra's audit log).
    JsonString,
    /// Strings are plain, unless they contain a JSON object or array (Intune, the unified audit log and others).
    Plain,
    /// Values are JSON, not strings (events in this API's format).
    Json,
}

/// Maps the status words of other systems. Of numbers, only the unambiguous ones.
pub(super) fn status(word: &str) -> Status {
    match word.trim().to_ascii_lowercase().as_str() {
        "success" | "succeeded" | "successful" | "succeed" | "ok" | "0" | "true" | "passed" | "completed" => {
            Status::Success
        }
        "failure" | "failed" | "fail" | "error" | "clienterror" | "servererror" | "denied" | "-1" | "false" => {
            Status::Failure
        }
        "timeout" | "timedout" | "timed out" => Status::Timeout,
        _ => Status::Unknown,
    }
}

/// Takes a reason, unless it is the word "none".
pub(super) fn reason(cursor: Option<&JsonCursor>) -> Option<String> {
    cursor?.as_str().filter(|word| !word.trim().eq_ignore_ascii_case("none"))?;
    cursor?.take()
}

/// Whether an entry in the list of changed properties is metadata, not a change.
fn is_meta(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    ["included updated properties", "devicemanagementapiversion"].contains(&name.as_str())
        || ["targetid.", "actorid.", "methodexecutionresult."].iter().any(|prefix| name.starts_with(prefix))
}

/// Reads a list of property changes, with the field names of Entra, Intune and the unified audit log.
pub(super) fn changes(properties: &[JsonCursor], encoding: ValueEncoding) -> Vec<ModifiedProperty> {
    let mut changes = Vec::new();
    for property in properties {
        let name_part = NAMES.iter().find_map(|key| property.find(key));
        let Some(name) = name_part.and_then(JsonCursor::raw_str) else { continue };
        if fold(&name).is_empty() || is_meta(&name) {
            continue;
        }
        let name = fit(&name);
        name_part.into_iter().for_each(JsonCursor::take_all);
        let mut change = change(name, property, encoding);
        change.is_sensitive = property.str_at("isSensitive").is_some_and(|word| word == "true");
        changes.push(change);
    }
    changes
}

/// The fields of a property's name, old value and new value.
const NAMES: &[&str] = &["displayName", "name", "propertyName", "property", "field", "attribute"];
const OLD: &[&str] = &["oldValue", "old", "before", "from"];
const NEW: &[&str] = &["newValue", "new", "after", "to"];

fn change(name: String, property: &JsonCursor, encoding: ValueEncoding) -> ModifiedProperty {
    let value =
        |keys: &[&str]| keys.iter().find_map(|key| property.get(key)).and_then(|cursor| value(cursor, encoding));
    ModifiedProperty::new(name, value(OLD), value(NEW))
}

/// Reads an object `{"email": {"old": …, "new": …}}`, or a list as in [`changes`].
pub(super) fn changes_by_name(cursor: &JsonCursor, encoding: ValueEncoding) -> Vec<ModifiedProperty> {
    let is_change =
        |cursor: &JsonCursor| cursor.is_object() && OLD.iter().chain(NEW).any(|key| cursor.find(key).is_some());
    let members = cursor.members();
    if members.is_empty() || !members.iter().all(|(name, cursor)| is_change(cursor) && !fold(name).is_empty()) {
        return changes(cursor.elements(), encoding);
    }
    members.iter().map(|(name, cursor)| change(fit(name), cursor, encoding)).collect()
}

/// Returns the failure reason of the underlying call, which Entra puts among the changed properties.
pub(super) fn execution_result(properties: &[JsonCursor]) -> Option<String> {
    let property = properties.iter().find(|property| {
        let name = NAMES.iter().find_map(|key| property.find(key)).and_then(JsonCursor::raw_str);
        name.is_some_and(|name| name.to_ascii_lowercase().starts_with("methodexecutionresult."))
    })?;
    let cursor = ["newValue", "new"].iter().find_map(|key| property.find(key))?;
    let text = cursor.raw_str()?;
    let text = JsonNode::parse(&text).and_then(|node| Some(node.as_str()?.into_owned())).unwrap_or(text.into_owned());
    (!is_absent(&text)).then_some(text)
}

/// Decodes a property value.
fn value(cursor: &JsonCursor, encoding: ValueEncoding) -> Option<Json> {
    if cursor.is_null() {
        return None;
    }
    let Some(text) = cursor.raw_str().filter(|_| encoding != ValueEncoding::Json) else {
        cursor.take_all();
        return Some(cursor.node().to_json());
    };
    if text.trim() == "<null>" {
        return None;
    }
    let decoded = match encoding {
        ValueEncoding::JsonString => JsonNode::parse(&text),
        ValueEncoding::Plain | ValueEncoding::Json => embedded_json(&text),
    };
    let value = match decoded {
        None => Json::string(&text),
        Some(node) if node.is_null() => return None,
        Some(node) => match node.as_str() {
            Some(inner) if inner.trim() == "<null>" => return None,
            Some(inner) => embedded_json(&inner).as_ref().unwrap_or(&node).to_json(),
            None => node.to_json(),
        },
    };
    cursor.take_all();
    Some(value)
}

/// Reads a list of `{key, value}`, or the members of an object.
pub(super) fn details(cursor: &JsonCursor) -> Vec<Detail> {
    let is_pair = |element: &JsonCursor| element.find("key").or_else(|| element.find("name")).is_some();
    let elements = cursor.elements();
    if cursor.is_object() && !is_pair(cursor) {
        return cursor.members().iter().map(|(key, value)| Detail::new(key.as_str(), detail_value(value))).collect();
    }
    elements
        .iter()
        .filter_map(|element| {
            let key = ["key", "name"].iter().find_map(|key| element.get(key)).and_then(JsonCursor::take)?;
            Some(Detail::new(key, element.get("value").and_then(detail_value)))
        })
        .collect()
}

/// Returns the value of a detail as a string. Values other than strings are JSON.
fn detail_value(cursor: &JsonCursor) -> Option<String> {
    cursor.take_all();
    match cursor.raw_str() {
        Some(text) => Some(text.into_owned()),
        None if cursor.is_null() => None,
        None => Some(cursor.node().to_json().text().to_owned()),
    }
}

/// Returns the value of the first detail with this key.
pub(super) fn detail(details: &[Detail], key: &str) -> Option<String> {
    let found = details.iter().find(|detail| detail.key.eq_ignore_ascii_case(key));
    found?.string().filter(|value| !is_absent(value))
}
