//! Words and values that several shapes share: how things ended, what changed, key-value lists.

use super::draft::fit;
use super::original::{Part, held_json, is_absent};
use model::fold::fold;
use model::json::{Json, JsonNode};
use model::{Detail, ModifiedProperty, Status};

/// What the strings that stand for property values are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Strings are JSON text (the directory's own log).
    JsonText,
    /// Strings are what they are, and only an object or a list is JSON text (Intune, the unified log, others).
    Plain,
    /// Values are real JSON (events in this service's own words).
    Json,
}

/// How an activity ended, in the words that sources use. Of numbers only those that everybody reads alike.
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

/// A reason, unless it says that there is none.
pub(super) fn reason(part: Option<&Part>) -> Option<String> {
    part?.word().filter(|word| !word.trim().eq_ignore_ascii_case("none"))?;
    part?.take()
}

/// Entries among the changed properties that are no changes.
fn is_meta(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    ["included updated properties", "devicemanagementapiversion"].contains(&name.as_str())
        || ["targetid.", "actorid.", "methodexecutionresult."].iter().any(|prefix| name.starts_with(prefix))
}

/// The changes in a list of properties, under the names that the directory, Intune and the unified log use.
pub(super) fn changes(properties: &[Part], encoding: Encoding) -> Vec<ModifiedProperty> {
    let mut changes = Vec::new();
    for property in properties {
        let name_part = NAMES.iter().find_map(|key| property.find(key));
        let Some(name) = name_part.and_then(Part::text) else { continue };
        if fold(&name).is_empty() || is_meta(&name) {
            continue;
        }
        let name = fit(&name);
        name_part.into_iter().for_each(Part::take_all);
        let mut change = change(name, property, encoding);
        change.is_sensitive = property.word_at("isSensitive").is_some_and(|word| word == "true");
        changes.push(change);
    }
    changes
}

/// Where a property's name stands, its value before, and its value after.
const NAMES: &[&str] = &["displayName", "name", "propertyName", "property", "field", "attribute"];
const OLD: &[&str] = &["oldValue", "old", "before", "from"];
const NEW: &[&str] = &["newValue", "new", "after", "to"];

fn change(name: String, property: &Part, encoding: Encoding) -> ModifiedProperty {
    let value = |keys: &[&str]| keys.iter().find_map(|key| property.get(key)).and_then(|part| value(part, encoding));
    ModifiedProperty::new(name, value(OLD), value(NEW))
}

/// The changes in an object `{"email": {"old": …, "new": …}}`, or in a list as [`changes`] reads it.
pub(super) fn changes_by_name(part: &Part, encoding: Encoding) -> Vec<ModifiedProperty> {
    let is_change = |part: &Part| part.is_object() && OLD.iter().chain(NEW).any(|key| part.find(key).is_some());
    let members = part.members();
    if members.is_empty() || !members.iter().all(|(name, part)| is_change(part) && !fold(name).is_empty()) {
        return changes(part.elements(), encoding);
    }
    members.iter().map(|(name, part)| change(fit(name), part, encoding)).collect()
}

/// Why the call behind an event failed, if it is noted among the changed properties.
pub(super) fn execution_result(properties: &[Part]) -> Option<String> {
    let property = properties.iter().find(|property| {
        let name = NAMES.iter().find_map(|key| property.find(key)).and_then(Part::text);
        name.is_some_and(|name| name.to_ascii_lowercase().starts_with("methodexecutionresult."))
    })?;
    let part = ["newValue", "new"].iter().find_map(|key| property.find(key))?;
    let text = part.text()?;
    let text = JsonNode::parse(&text).and_then(|node| Some(node.as_str()?.into_owned())).unwrap_or(text.into_owned());
    (!is_absent(&text)).then_some(text)
}

/// The value that a part stands for.
fn value(part: &Part, encoding: Encoding) -> Option<Json> {
    if part.is_null() {
        return None;
    }
    let Some(text) = part.text().filter(|_| encoding != Encoding::Json) else {
        part.take_all();
        return Some(part.node().to_json());
    };
    if text.trim() == "<null>" {
        return None;
    }
    let held = match encoding {
        Encoding::JsonText => JsonNode::parse(&text),
        Encoding::Plain | Encoding::Json => held_json(&text),
    };
    let value = match held {
        None => Json::string(&text),
        Some(node) if node.is_null() => return None,
        Some(node) => match node.as_str() {
            Some(inner) if inner.trim() == "<null>" => return None,
            Some(inner) => held_json(&inner).as_ref().unwrap_or(&node).to_json(),
            None => node.to_json(),
        },
    };
    part.take_all();
    Some(value)
}

/// The pairs of a list of `{key, value}`, or of an object, in order.
pub(super) fn details(part: &Part) -> Vec<Detail> {
    let is_pair = |element: &Part| element.find("key").or_else(|| element.find("name")).is_some();
    let elements = part.elements();
    if part.is_object() && !is_pair(part) {
        return part.members().iter().map(|(key, value)| Detail::new(key.as_str(), detail_value(value))).collect();
    }
    elements
        .iter()
        .filter_map(|element| {
            let key = ["key", "name"].iter().find_map(|key| element.get(key)).and_then(Part::take)?;
            Some(Detail::new(key, element.get("value").and_then(detail_value)))
        })
        .collect()
}

/// A detail's value as text; what is no string as JSON.
fn detail_value(part: &Part) -> Option<String> {
    part.take_all();
    match part.text() {
        Some(text) => Some(text.into_owned()),
        None if part.is_null() => None,
        None => Some(part.node().to_json().text().to_owned()),
    }
}

/// The value of the first detail with this key.
pub(super) fn detail<'a>(details: &'a [Detail], key: &str) -> Option<&'a str> {
    let found = details.iter().find(|detail| detail.key.eq_ignore_ascii_case(key));
    found?.value.as_deref().filter(|value| !is_absent(value))
}
