//! Values that several formats share: tenants, statuses, property changes and key-value lists.

use super::embedded::embedded_json;
use super::event_draft::fit;
use super::source_record::{JsonCursor, Member, is_absent};
use model::event::CHANGES_MAX;
use model::fold::is_blank;
use model::json::{Json, JsonNode};
use model::{Detail, ModifiedProperty, Status};
use uuid::Uuid;

/// Normalizes a tenant's id. Returns `None` for the placeholders of anonymized records.
pub(super) fn tenant_id(id: &str) -> Option<String> {
    let id = id.trim().to_lowercase();
    let is_masked = id.chars().filter(|c| c.is_alphanumeric()).all(|c| matches!(c, '0' | 'x'))
        || ["anonymized", "redacted", "masked", "scrubbed"].contains(&id.as_str());
    (!is_masked && !is_absent(&id)).then_some(id)
}

/// The encoding of property values in strings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueEncoding {
    /// Strings contain JSON (Entra's audit log). An empty string and an empty list mean that there is no value.
    JsonString,
    /// Strings are plain, unless they contain a JSON object or array (Intune and others).
    Plain,
    /// As `Plain`, but an empty string and an empty list mean that there is no value (the unified audit log).
    PlainOrEmpty,
    /// Values are JSON, not strings (events in this API's format).
    Json,
}

/// Maps the status words of other systems. Of numbers, only the unambiguous ones.
pub(super) fn status(word: &str) -> Status {
    match word.trim().to_ascii_lowercase().as_str() {
        "success" | "succeeded" | "successful" | "succeed" | "partiallysucceeded" | "ok" | "0" | "true" | "passed"
        | "completed" => Status::Success,
        "failure"
        | "failed"
        | "fail"
        | "error"
        | "clienterror"
        | "servererror"
        | "authorizationfailure"
        | "denied"
        | "-1"
        | "false" => Status::Failure,
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
    let name = name.trim();
    ["included updated properties", "devicemanagementapiversion"].iter().any(|meta| name.eq_ignore_ascii_case(meta))
        || ["targetid.", "actorid.", RESULT_PREFIX].iter().any(|prefix| starts_with(name, prefix))
}

/// The start of the name of the property that holds the result of the underlying call.
const RESULT_PREFIX: &str = "methodexecutionresult.";

/// Whether a name starts with a prefix, without regard to case.
fn starts_with(name: &str, prefix: &str) -> bool {
    name.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// Reads a list of property changes, with the field names of Entra, Intune and the unified audit log.
pub(super) fn changes(properties: &[JsonCursor], encoding: ValueEncoding) -> Vec<ModifiedProperty> {
    let mut changes = Vec::new();
    for property in properties {
        // What exceeds the limit is not taken, so that it stays in `unmapped` whatever the event contains.
        if changes.len() == CHANGES_MAX {
            break;
        }
        let name_part = NAMES.iter().find_map(|key| property.find(key));
        let Some(name) = name_part.and_then(JsonCursor::raw_str) else {
            changes.extend(named_changes(property, encoding).unwrap_or_default());
            continue;
        };
        if is_blank(&name) || is_meta(&name) {
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

/// Creates a change from the parts of a property. Returns `None` if it is metadata or has no name.
pub(super) fn change_of(
    name: &str,
    old: Option<&JsonCursor>,
    new: Option<&JsonCursor>,
    encoding: ValueEncoding,
) -> Option<ModifiedProperty> {
    if is_blank(name) || is_meta(name) {
        return None;
    }
    let value = |cursor: Option<&JsonCursor>| cursor.and_then(|cursor| value(cursor, encoding));
    Some(ModifiedProperty::new(fit(name), value(old), value(new)))
}

/// Reads an object `{"email": {"old": …, "new": …}}`, or a list as in [`changes`].
pub(super) fn changes_by_name(cursor: &JsonCursor, encoding: ValueEncoding) -> Vec<ModifiedProperty> {
    named_changes(cursor, encoding).unwrap_or_else(|| changes(cursor.elements(), encoding))
}

/// Reads an object `{"email": {"old": …, "new": …}}`. Returns `None` if the members are not changes.
fn named_changes(cursor: &JsonCursor, encoding: ValueEncoding) -> Option<Vec<ModifiedProperty>> {
    let is_change =
        |cursor: &JsonCursor| cursor.is_object() && OLD.iter().chain(NEW).any(|key| cursor.find(key).is_some());
    let members = cursor.members();
    if members.is_empty() || !members.iter().all(|(name, cursor)| is_change(cursor) && !is_blank(name)) {
        return None;
    }
    let is_kept = |(name, _): &&Member| encoding == ValueEncoding::Json || !is_meta(name);
    let kept = members.iter().filter(is_kept).take(CHANGES_MAX);
    Some(kept.map(|(name, cursor)| change(fit(name), cursor, encoding)).collect())
}

/// Returns the failure reason of the underlying call, which Entra puts among the changed properties.
pub(super) fn execution_result(properties: &[JsonCursor]) -> Option<String> {
    let property = properties.iter().find(|property| {
        let name = NAMES.iter().find_map(|key| property.find(key)).and_then(JsonCursor::raw_str);
        name.is_some_and(|name| starts_with(&name, RESULT_PREFIX))
    })?;
    let cursor = ["newValue", "new"].iter().find_map(|key| property.find(key))?;
    let text = cursor.raw_str()?;
    let text = JsonNode::parse(&text).and_then(|node| Some(node.as_str()?.into_owned())).unwrap_or(text.into_owned());
    (!is_absent(&text)).then_some(text)
}

/// Whether a string is a GUID in its hyphenated form.
pub(super) fn is_guid(string: &str) -> bool {
    string.len() == uuid::fmt::Hyphenated::LENGTH && Uuid::try_parse(string).is_ok()
}

/// Returns the first GUID in a string such as a list of service principal names, `<application id>;https://...`.
pub(super) fn application_id_in(names: &str) -> Option<String> {
    names
        .split(|c: char| !c.is_ascii_hexdigit() && c != '-')
        .find(|word| is_guid(word) && !is_absent(word))
        .map(str::to_owned)
}

/// Whether a target type is that of an application or of its service principal.
pub(super) fn is_application(kind: &str) -> bool {
    ["Application", "ServicePrincipal"].iter().any(|known| kind.eq_ignore_ascii_case(known))
}

/// Returns the application id of a target that the properties changed with it state.
pub(super) fn changed_application_id(properties: &[JsonCursor], kind: Option<&str>) -> Option<String> {
    let of_any_target: &[&str] = &["TargetId.ServicePrincipalNames"];
    let of_application: &[&str] =
        if kind.is_some_and(is_application) { &["AppId", "ServicePrincipalName"] } else { &[] };
    let names = of_any_target.iter().chain(of_application);
    names.filter_map(|name| changed_value(properties, name)).find_map(|value| application_id_in(&value))
}

/// Returns the new value of a changed property, else the old one, as a string. A value in a JSON string or in a list of one
/// is unwrapped.
pub(super) fn changed_value(properties: &[JsonCursor], name: &str) -> Option<String> {
    let is_named = |property: &&JsonCursor| {
        let found = NAMES.iter().find_map(|key| property.find(key)).and_then(JsonCursor::raw_str);
        found.is_some_and(|found| found.trim().eq_ignore_ascii_case(name))
    };
    let property = properties.iter().find(is_named)?;
    let string = |cursor: &JsonCursor| {
        let text = cursor.raw_str()?;
        let node = JsonNode::parse(&text);
        let inner = match &node {
            Some(JsonNode::Array(elements)) => elements.first().and_then(JsonNode::as_str),
            Some(node) => node.as_str(),
            None => None,
        };
        Some(inner.map_or_else(|| text.into_owned(), std::borrow::Cow::into_owned))
    };
    let values = [NEW, OLD].into_iter().flatten().filter_map(|key| string(property.find(key)?));
    values.into_iter().find(|value| !is_absent(value))
}

/// Whether a value is the empty string or the empty list, as text or as JSON.
fn is_empty(text: &str, decoded: Option<&JsonNode>) -> bool {
    match decoded {
        None => text.trim().is_empty(),
        Some(JsonNode::Array(elements)) => elements.is_empty(),
        Some(node) => node.as_str().is_some_and(|inner| inner.trim().is_empty()),
    }
}

/// Decodes a property value.
pub(super) fn value(cursor: &JsonCursor, encoding: ValueEncoding) -> Option<Json> {
    if cursor.is_null() {
        return None;
    }
    let empty_is_none = matches!(encoding, ValueEncoding::JsonString | ValueEncoding::PlainOrEmpty);
    let Some(text) = cursor.raw_str().filter(|_| encoding != ValueEncoding::Json) else {
        let is_own = encoding == ValueEncoding::Json;
        let node = if is_own { cursor.node() } else { cursor.node_with_plain_lists() };
        if empty_is_none && matches!(&node, JsonNode::Array(elements) if elements.is_empty()) {
            return None;
        }
        cursor.take_all();
        return Some(node.to_json());
    };
    if text.trim() == "<null>" {
        return None;
    }
    let decoded = match encoding {
        ValueEncoding::JsonString => JsonNode::parse(&text),
        ValueEncoding::Plain | ValueEncoding::PlainOrEmpty | ValueEncoding::Json => embedded_json(&text),
    };
    if empty_is_none && is_empty(&text, decoded.as_ref()) {
        return None;
    }
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
        return cursor.members().iter().map(|(key, value)| Detail::new(&**key, detail_value(value))).collect();
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
