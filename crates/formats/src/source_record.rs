//! The record of another system during its conversion: a JSON tree that tracks which values were converted.
//!
//! Mappers look up fields with [`JsonCursor::get`], which marks them as known, and *take* the strings that they copy into
//! the event. Values that were not taken go to `unmapped` (see [`super::unmapped`]), so a field that a mapper overlooks
//! or changes is kept by default. A string that contains a JSON object or array is treated like that value, and so is
//! `{"value": [...], "Count": 2}`, as which Windows PowerShell writes some lists.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};

use model::json::JsonNode;

/// The members in which collectors wrap one record of another format.
#[rustfmt::skip]
pub(super) const WRAPPERS: &[&str] = &[
    "data", "message", "_source", "_raw", "event", "raw", "original", "record", "body", "log", "azure", "auditLogs",
    "result", "payload", "detail", "protoPayload", "RawEventData", "o365", "o365audit", "audit", "office365",
    "ms-graph", "value",
];
/// The maximum number of times that a record is encoded as a string.
const ENCODINGS_MAX: usize = 3;
/// Strings that mean "no value".
const ABSENT: &[&str] =
    &["", "<null>", "N/A", "NA", "NotSet", "Not Available", "__NULL__", "00000000-0000-0000-0000-000000000000"];

/// Whether a string means "no value".
pub(super) fn is_absent(string: &str) -> bool {
    let string = string.trim();
    ABSENT.iter().any(|absent| string.eq_ignore_ascii_case(absent))
}

/// Normalizes a tenant's id. Returns `None` for the placeholders of anonymized records.
pub(super) fn tenant_id(id: &str) -> Option<String> {
    let id = id.trim().to_lowercase();
    let is_masked = id.chars().filter(|c| c.is_alphanumeric()).all(|c| matches!(c, '0' | 'x'))
        || ["anonymized", "redacted", "masked", "scrubbed"].contains(&id.as_str());
    (!is_masked && !is_absent(&id)).then_some(id)
}

/// Whether two keys are equal without regard to case, spaces, underscores, hyphens, parentheses and the suffix `[UTC]` of
/// columns.
pub(super) fn same_key(a: &str, b: &str) -> bool {
    normalized_key(a).eq(normalized_key(b))
}

/// Whether a key is equal to one of these names, as [`same_key`] compares them.
pub(super) fn is_one_of(key: &str, names: &[&str]) -> bool {
    names.iter().any(|name| same_key(key, name))
}

/// Returns a hash that is the same for keys that [`same_key`] considers equal.
fn key_hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    normalized_key(key).for_each(|byte| hasher.write_u8(byte));
    hasher.finish()
}

fn normalized_key(key: &str) -> impl Iterator<Item = u8> {
    let (name, suffix) = key.split_at_checked(key.len().saturating_sub(UTC_SUFFIX.len())).unwrap_or((key, ""));
    let name = if suffix.eq_ignore_ascii_case(UTC_SUFFIX) { name } else { key };
    name.bytes().filter(|byte| !b"_- ()".contains(byte)).map(|byte| byte.to_ascii_lowercase())
}

/// The suffix of a column with times in UTC in tables that the Azure portal shows.
const UTC_SUFFIX: &str = " [UTC]";

/// A value in a record: an object, an array or a scalar.
pub(super) struct JsonCursor {
    pub(super) value: CursorValue,
    known: Cell<bool>,
    taken: Cell<bool>,
    /// The positions of an object's members by the hash of their normalized key, once the object has been searched.
    positions: OnceCell<HashMap<u64, Vec<usize>>>,
}

/// The number of members from which an object is searched by hash, so that many look-ups take linear time.
const INDEXED_MEMBERS: usize = 64;

/// The kinds of values.
pub(super) enum CursorValue {
    Object(Vec<(String, JsonCursor)>),
    Array(Vec<JsonCursor>),
    Scalar {
        raw: JsonNode,
        /// The JSON in a string, once it has been parsed.
        embedded: OnceCell<Option<Box<JsonCursor>>>,
    },
}

impl JsonCursor {
    /// Creates the tree of a record, with nothing marked.
    pub(super) fn of(node: JsonNode) -> Self {
        let value = match node {
            JsonNode::Object(members) => {
                let cursor = |(key, value): (String, JsonNode)| {
                    let value = if is_list(&key) { numbered_as_list(value) } else { value };
                    (key, Self::of(value))
                };
                CursorValue::Object(members.into_iter().map(cursor).collect())
            }
            JsonNode::Array(elements) => CursorValue::Array(elements.into_iter().map(Self::of).collect()),
            raw @ JsonNode::Scalar(_) => CursorValue::Scalar { raw, embedded: OnceCell::new() },
        };
        Self { value, known: Cell::new(false), taken: Cell::new(false), positions: OnceCell::new() }
    }

    /// Returns the original value.
    pub(super) fn node(&self) -> JsonNode {
        match &self.value {
            CursorValue::Object(members) => {
                JsonNode::Object(members.iter().map(|(key, cursor)| (key.clone(), cursor.node())).collect())
            }
            CursorValue::Array(elements) => JsonNode::Array(elements.iter().map(Self::node).collect()),
            CursorValue::Scalar { raw, .. } => raw.clone(),
        }
    }

    /// Returns the value with lists in place of lists with their count.
    pub(super) fn node_with_plain_lists(&self) -> JsonNode {
        match (&self.value, self.counted_list()) {
            (_, Some(list)) => list.node_with_plain_lists(),
            (CursorValue::Object(members), None) => JsonNode::Object(
                members.iter().map(|(key, cursor)| (key.clone(), cursor.node_with_plain_lists())).collect(),
            ),
            (CursorValue::Array(elements), None) => {
                JsonNode::Array(elements.iter().map(Self::node_with_plain_lists).collect())
            }
            (CursorValue::Scalar { raw, .. }, None) => raw.clone(),
        }
    }

    /// Whether a mapper looked up the value.
    pub(super) fn is_known(&self) -> bool {
        self.known.get()
    }

    /// Whether a mapper took the value.
    pub(super) fn is_taken(&self) -> bool {
        self.taken.get()
    }

    /// Returns the JSON in a string, if a mapper has read it.
    pub(super) fn embedded_if_read(&self) -> Option<&Self> {
        match &self.value {
            CursorValue::Scalar { embedded, .. } => embedded.get()?.as_deref(),
            _ => None,
        }
    }

    /// Returns the JSON object or array in a string.
    fn embedded(&self) -> Option<&Self> {
        let CursorValue::Scalar { raw, embedded } = &self.value else { return None };
        embedded.get_or_init(|| embedded_record(&raw.as_str()?).map(|node| Box::new(Self::of(node)))).as_deref()
    }

    /// Returns the members of an object, or of the object in a string.
    pub(super) fn members(&self) -> &[(String, Self)] {
        match &self.value {
            CursorValue::Object(_) if self.counted_list().is_some() => &[],
            CursorValue::Object(members) => members,
            CursorValue::Array(_) => &[],
            CursorValue::Scalar { .. } => self.embedded().map_or(&[], Self::members),
        }
    }

    /// Returns the elements of an array, or of the array in a string. A non-empty object is a list of one.
    pub(super) fn elements(&self) -> &[Self] {
        self.known.set(true);
        let elements = match &self.value {
            CursorValue::Object(members) if members.is_empty() => &[],
            CursorValue::Object(_) => match self.counted_list() {
                Some(list) => list.elements(),
                None => std::slice::from_ref(self),
            },
            CursorValue::Array(elements) => elements.as_slice(),
            CursorValue::Scalar { .. } => self.embedded().map_or(&[][..], Self::elements),
        };
        for element in elements {
            element.known.set(true);
        }
        elements
    }

    /// Returns the elements of a list, also in a string or with a count, else the value itself. Marks nothing.
    pub(super) fn list_or_self(&self) -> &[Self] {
        match &self.value {
            CursorValue::Array(elements) => elements,
            CursorValue::Object(_) => self.counted_list().map_or(std::slice::from_ref(self), Self::list_or_self),
            CursorValue::Scalar { .. } => match self.embedded() {
                Some(embedded) => embedded.list_or_self(),
                None => std::slice::from_ref(self),
            },
        }
    }

    /// Whether the value is an object, or a string that contains one.
    pub(super) fn is_object(&self) -> bool {
        match &self.value {
            CursorValue::Object(_) => self.counted_list().is_none(),
            CursorValue::Array(_) => false,
            CursorValue::Scalar { .. } => self.embedded().is_some_and(Self::is_object),
        }
    }

    /// Returns the list in `{"value": [...], "Count": 2}`.
    fn counted_list(&self) -> Option<&Self> {
        let CursorValue::Object(members) = &self.value else { return None };
        let (list, count) = match members.as_slice() {
            [(list, value), (count, number)] | [(count, number), (list, value)]
                if list.eq_ignore_ascii_case("value") && count.eq_ignore_ascii_case("count") =>
            {
                (value, number)
            }
            _ => return None,
        };
        let is_number =
            matches!(&count.value, CursorValue::Scalar { raw, .. } if !raw.is_null() && raw.as_str().is_none());
        (is_number && matches!(list.value, CursorValue::Array(_))).then_some(list)
    }

    /// Whether the value is `null`.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, CursorValue::Scalar { raw, .. } if raw.is_null())
    }

    /// Returns the member with this key, without marking it. Of several, the last one; an exact match takes precedence.
    pub(super) fn find(&self, key: &str) -> Option<&Self> {
        if let CursorValue::Scalar { .. } = self.value {
            return self.embedded()?.find(key);
        }
        let members = self.members();
        if members.len() < INDEXED_MEMBERS {
            let exact = members.iter().rev().find(|(name, _)| name == key);
            return exact.or_else(|| members.iter().rev().find(|(name, _)| same_key(name, key))).map(|(_, it)| it);
        }
        let positions = self.positions.get_or_init(|| {
            let mut positions: HashMap<u64, Vec<usize>> = HashMap::with_capacity(members.len());
            for (position, (name, _)) in members.iter().enumerate() {
                positions.entry(key_hash(name)).or_default().push(position);
            }
            positions
        });
        let found = positions.get(&key_hash(key))?.iter().rev().map(|position| &members[*position]);
        let exact = found.clone().find(|(name, _)| name == key);
        exact.or_else(|| found.clone().find(|(name, _)| same_key(name, key))).map(|(_, cursor)| cursor)
    }

    /// Whether there is a member with this key that is not `null`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.find(key).is_some_and(|cursor| !cursor.is_null())
    }

    /// Returns the member with this key, and marks it as known. `a.b` is also the member `b` of `a`, or of the first object
    /// in the list `a`.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.known.set(true);
        if let Some(cursor) = self.find(key) {
            cursor.known.set(true);
            return Some(cursor);
        }
        let (head, rest) = key.split_once('.')?;
        self.find(head)?.elements().first()?.get(rest)
    }

    /// Returns the elements of the member with this key.
    pub(super) fn list(&self, key: &str) -> &[Self] {
        self.get(key).map_or(&[], Self::elements)
    }

    /// Returns the content of a string, unchanged.
    pub(super) fn raw_str(&self) -> Option<Cow<'_, str>> {
        match &self.value {
            CursorValue::Scalar { raw, .. } => raw.as_str(),
            _ => None,
        }
    }

    /// Returns a scalar as a string: the content of a string, or the spelling of a number or boolean. `None` if it means
    /// "no value".
    pub(super) fn as_str(&self) -> Option<Cow<'_, str>> {
        let CursorValue::Scalar { raw, .. } = &self.value else { return None };
        match (raw.as_str(), raw) {
            (Some(text), _) => Some(text).filter(|text| !is_absent(text)),
            (None, JsonNode::Scalar(raw)) if !self.is_null() => Some(Cow::Borrowed(&**raw)),
            _ => None,
        }
    }

    /// Returns the scalar at a key, to be interpreted, not copied.
    pub(super) fn str_at(&self, key: &str) -> Option<String> {
        self.get(key)?.as_str().map(Cow::into_owned)
    }

    /// Returns the scalar and marks it as taken.
    pub(super) fn take(&self) -> Option<String> {
        let string = self.as_str()?.into_owned();
        self.taken.set(true);
        Some(string)
    }

    /// Returns the scalar at a key and marks it as taken.
    pub(super) fn take_at(&self, key: &str) -> Option<String> {
        self.get(key)?.take()
    }

    /// Returns the scalar at the first of these keys that has one, and marks it as taken.
    pub(super) fn take_first(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| self.take_at(key))
    }

    /// Takes the scalar at the first of these keys that has one, if `slot` has none yet. A scalar that equals the one in
    /// `slot` is marked as taken as well, any other one is left.
    pub(super) fn fill(&self, keys: &[&str], slot: &mut Option<String>) {
        let found = keys.iter().filter_map(|key| self.get(key)).find(|cursor| cursor.as_str().is_some());
        let Some(cursor) = found else { return };
        match slot {
            Some(known) if cursor.as_str().as_deref() != Some(known) => {}
            Some(_) => cursor.taken.set(true),
            None => *slot = cursor.take(),
        }
    }

    /// Returns the tenant's id at a key, and marks it as taken if the event contains it in this spelling.
    pub(super) fn take_tenant_at(&self, key: &str) -> Option<String> {
        let id = self.str_at(key)?;
        self.take_equal(key, &[tenant_id(&id).as_ref()]);
        Some(id)
    }

    /// Marks the scalar at a key as taken if it equals one of these values.
    pub(super) fn take_equal(&self, key: &str, values: &[Option<&String>]) {
        if let Some(cursor) = self.get(key)
            && cursor.as_str().is_some_and(|string| values.iter().flatten().any(|value| **value == *string))
        {
            cursor.taken.set(true);
        }
    }

    /// Marks all values in this one as taken.
    pub(super) fn take_all(&self) {
        self.known.set(true);
        self.taken.set(true);
        match &self.value {
            CursorValue::Object(members) => members.iter().for_each(|(_, cursor)| cursor.take_all()),
            CursorValue::Array(elements) => elements.iter().for_each(Self::take_all),
            CursorValue::Scalar { .. } => {}
        }
    }
}

/// Whether a member is a list that Elastic writes as an object with the keys `0`, `1`, ...
fn is_list(key: &str) -> bool {
    ["targetResources", "modifiedProperties", "additionalDetails"].iter().any(|list| same_key(list, key))
}

/// Converts an object with the keys `0`, `1`, ... in order into a list. JSON pointers into it stay valid.
fn numbered_as_list(node: JsonNode) -> JsonNode {
    match node {
        JsonNode::Object(members)
            if !members.is_empty() && members.iter().enumerate().all(|(i, (key, _))| *key == i.to_string()) =>
        {
            JsonNode::Array(members.into_iter().map(|(_, value)| value).collect())
        }
        other => other,
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(text: &str) -> JsonCursor {
        JsonCursor::of(JsonNode::parse(text).unwrap())
    }

    #[test]
    fn keys_match_in_any_spelling_and_exact_match_wins() {
        let record = cursor(r#"{"Type":1,"type":2,"type":3,"user_principal_name":"a@b"}"#);
        assert_eq!(record.str_at("type").unwrap(), "3");
        assert_eq!(record.str_at("TYPE").unwrap(), "3");
        assert_eq!(record.str_at("userPrincipalName").unwrap(), "a@b");
    }

    #[test]
    fn json_in_a_string_is_parsed() {
        let record = cursor(r#"{"a":"{\"b\":[\"c\"]}","d":"{no"}"#);
        let list = record.get("a").unwrap().list("b");
        assert_eq!(list[0].take().unwrap(), "c");
        assert!(record.get("d").unwrap().members().is_empty());
    }

    #[test]
    fn placeholders_have_no_value() {
        let record = cursor(r#"["<null>","n/a","NotSet"," ",null,{},"None",0,false]"#);
        let strings: Vec<_> = record.elements().iter().filter_map(JsonCursor::as_str).collect();
        assert_eq!(strings, ["None", "0", "false"]);
    }
}
