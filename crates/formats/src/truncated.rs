//! Detects what export tools write in place of objects that they cut off, and error responses in place of records.
//!
//! PowerShell's `ConvertTo-Json` replaces objects below a depth of 2 by text, such as `@{app=; user=}` or
//! `System.Object[]`. An event of such a record would have a wrong actor and no targets, and would hold the key of the
//! complete record forever, so these records are refused.

use std::borrow::Cow;

use super::UnsupportedRecord;
use super::key::KeySet;
use super::source_record::{CursorValue, JsonCursor};
use model::json::JsonNode;

/// The members of records that contain objects or lists of objects.
#[rustfmt::skip]
static OBJECT_KEYS: KeySet = KeySet::new(&[
    "initiatedBy", "user", "app", "application", "targetResources", "targetResource", "targets", "target",
    "modifiedProperties", "additionalDetails", "properties", "actor", "resources", "resource", "auditData",
    "ExtendedProperties", "Parameters", "Members", "identity", "performedBy", "changes", "details", "data", "event",
    "userPermissions", "roles", "TargetObjectIds", "TargetDisplayNames", "OperationProperties", "RawEventData",
]);
/// The members with values that may contain any text.
static VALUE_KEYS: KeySet =
    KeySet::new(&["oldValue", "newValue", "old", "new", "value", "before", "after", "from", "to"]);
/// The start of the names of types that PowerShell writes in place of their objects.
const TYPE_NAMES: &[&str] = &[
    "System.Object",
    "System.String[]",
    "System.Collections.",
    "System.Management.Automation.",
    "Microsoft.Graph.PowerShell.",
    "Microsoft.Graph.Beta.PowerShell.",
    "Microsoft.Open.",
    "Deserialized.",
    "Selected.System.",
];
/// The maximum nesting of the objects that are examined.
const DEPTH_MAX: usize = 8;
/// The maximum number of characters of a quoted text.
const QUOTED_CHARS_MAX: usize = 60;

/// Whether a string is the text of an object or list, not the object itself.
pub(super) fn is_object_text(text: &str) -> bool {
    let text = text.trim();
    let is_hash = text.starts_with("@{") && text.ends_with('}');
    let is_class = text.strip_prefix("class ").is_some_and(|rest| {
        let name = rest.split('{').next().unwrap_or_default().trim_end();
        name.len() < rest.trim_end().len() && is_type_name(name)
    });
    let is_type = TYPE_NAMES.iter().any(|name| text.starts_with(name)) && text.split(' ').all(is_type_name);
    is_hash || is_class || is_type || matches!(text, "[object Object]" | "[object Array]")
}

/// Whether a string has the characters of a type name, such as ``System.Collections.Generic.List`1[System.Object]``.
fn is_type_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "._`[],+".contains(c))
}

/// Returns the error for a record in which a tool has replaced objects by text.
pub(super) fn refusal(record: &JsonCursor) -> Option<UnsupportedRecord> {
    let (path, text) = object_text(record, DEPTH_MAX)?;
    Some(error(&format!("`{path}`"), &text))
}

/// Returns the error for a string in place of a whole record.
pub(super) fn refusal_of_text(text: &str) -> Option<UnsupportedRecord> {
    is_object_text(text).then(|| error("the record", text))
}

fn error(what: &str, text: &str) -> UnsupportedRecord {
    UnsupportedRecord(format!(
        "{what} is the text `{}` in place of an object: the export has cut the record off; export it again, in \
         PowerShell with `ConvertTo-Json -Depth 10`",
        shortened(text)
    ))
}

/// Returns the path and the text of the first object that was replaced by text.
fn object_text(cursor: &JsonCursor, depth: usize) -> Option<(String, String)> {
    if depth == 0 {
        return None;
    }
    cursor.members().iter().filter(|(key, value)| !value.has_key_in(key, &VALUE_KEYS)).find_map(|(key, value)| {
        let replaced = |cursor: &JsonCursor| cursor.raw_str().filter(|text| is_object_text(text)).map(Cow::into_owned);
        let is_object_key = value.has_key_in(key, &OBJECT_KEYS);
        let here = is_object_key.then(|| replaced(value)).flatten();
        if let Some(text) = here {
            return Some((key.clone().into_owned(), text));
        }
        let (elements, is_list) = match &value.value {
            CursorValue::Array(elements) => (elements.as_slice(), true),
            CursorValue::Object(_) => (value.list_or_self(), false),
            CursorValue::Scalar { .. } if is_object_key => (value.list_or_self(), false),
            CursorValue::Scalar { .. } => return None,
        };
        elements.iter().enumerate().find_map(|(i, element)| {
            let path = || if is_list { format!("{key}.{i}") } else { key.clone().into_owned() };
            let text = is_object_key.then(|| replaced(element)).flatten().map(|text| (path(), text));
            text.or_else(|| object_text(element, depth - 1).map(|(inner, text)| (format!("{}.{inner}", path()), text)))
        })
    })
}

/// Returns the error response that a record is, or that is in its first levels.
pub(super) fn error_response(record: &JsonNode) -> Option<UnsupportedRecord> {
    let quoted = find_error(record, 4)?;
    Some(UnsupportedRecord(format!("this is an error response, not a record: {quoted}")))
}

fn find_error(node: &JsonNode, depth: usize) -> Option<String> {
    match node {
        _ if depth == 0 => None,
        JsonNode::Object(members) => {
            let error = members.iter().find(|(key, _)| key.eq_ignore_ascii_case("error"));
            let described =
                members.iter().find(|(key, _)| key == "error_description").and_then(|(_, text)| text.as_str());
            let named = error.and_then(|(_, error)| error.as_str());
            let bare = members.iter().find(|(key, _)| key == "Message").filter(|_| members.len() <= 2);
            error
                .and_then(|(_, error)| quoted_error(error))
                .or_else(|| Some(quoted(&[&named?, &described?])))
                .or_else(|| Some(quoted(&[&bare?.1.as_str()?])))
                .or_else(|| members.iter().find_map(|(_, value)| find_error(value, depth - 1)))
        }
        JsonNode::Array(elements) => elements.iter().find_map(|element| find_error(element, depth - 1)),
        JsonNode::Scalar(_) => None,
    }
}

/// Returns code and message of the `error` of a response.
pub(super) fn quoted_error(error: &JsonNode) -> Option<String> {
    let JsonNode::Object(members) = error else { return None };
    let part = |name: &str| {
        let found = members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        match &found.1 {
            // OData wraps a message with its language.
            JsonNode::Object(_) => Some(found.1.get("value")?.as_str()?.into_owned()),
            scalar => Some(scalar.as_str()?.into_owned()),
        }
    };
    let (code, message) = (part("code"), part("message"));
    if code.is_none() && message.is_none() {
        return None;
    }
    let parts: Vec<String> = [code, message].into_iter().flatten().filter(|text| !text.is_empty()).collect();
    Some(quoted(&parts.iter().map(String::as_str).collect::<Vec<_>>()))
}

fn quoted(parts: &[&str]) -> String {
    /// The maximum number of characters of an error message.
    const MESSAGE_CHARS_MAX: usize = 300;
    let parts: Vec<String> = parts.iter().map(|part| format!("`{}`", cut(part, MESSAGE_CHARS_MAX))).collect();
    parts.join(": ")
}

fn shortened(text: &str) -> String {
    cut(text, QUOTED_CHARS_MAX)
}

/// Returns a text on one line, cut to a number of characters.
pub(super) fn cut(text: &str, chars_max: usize) -> String {
    let mut chars = text.trim().chars();
    let mut short: String = chars.by_ref().take(chars_max).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}
