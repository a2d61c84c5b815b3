//! The record of another system during its conversion: a JSON tree that tracks which values were converted.
//!
//! Mappers look up fields with [`JsonCursor::get`], which marks them as known, and *take* the strings that they copy into
//! the event. Values that were not taken go to `unmapped` (see [`super::unmapped`]), so a field that a mapper overlooks
//! or changes is kept by default. A string that contains a JSON object or array is treated like that value, and so is
//! `{"value": [...], "Count": 2}`, as which Windows PowerShell writes some lists.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::sync::LazyLock;

use super::embedded::embedded_record;
use super::key::{KeyHash, KeySet, same_key};
use super::value::tenant_id;
use model::json::{JsonNode, string_value};

/// Strings that mean "no value".
const ABSENT: &[&str] =
    &["", "<null>", "N/A", "NA", "NotSet", "Not Available", "__NULL__", "00000000-0000-0000-0000-000000000000"];

/// Whether a string means "no value".
pub(super) fn is_absent(string: &str) -> bool {
    let string = string.trim();
    ABSENT.iter().any(|absent| string.eq_ignore_ascii_case(absent))
}

/// A value in a record: an object, an array or a scalar.
pub(super) struct JsonCursor<'a> {
    pub(super) value: CursorValue<'a>,
    /// The hash of the key of a member, or that of the empty key for other values.
    key_hash: KeyHash,
    known: Cell<bool>,
    taken: Cell<bool>,
    /// The positions of an object's members by the hash of their key, once the object has been searched.
    positions: OnceCell<HashMap<KeyHash, Vec<usize>>>,
}

/// A member of an object: its key and its value.
pub(super) type Member<'a> = (Cow<'a, str>, JsonCursor<'a>);

/// The number of members from which an object is searched by hash, so that many look-ups take linear time.
const INDEXED_MEMBERS: usize = 64;

/// The kinds of values.
pub(super) enum CursorValue<'a> {
    Object(Vec<Member<'a>>),
    Array(Vec<JsonCursor<'a>>),
    Scalar {
        raw: RawScalar<'a>,
        /// The JSON in a string, once it has been parsed.
        embedded: OnceCell<Option<Box<JsonCursor<'static>>>>,
    },
}

/// The JSON text of a scalar.
#[derive(Clone)]
pub(super) struct RawScalar<'a>(Cow<'a, str>);

impl RawScalar<'_> {
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    pub(super) fn as_str(&self) -> Option<Cow<'_, str>> {
        string_value(&self.0)
    }

    pub(super) fn is_null(&self) -> bool {
        self.0 == "null"
    }

    fn node(&self) -> JsonNode {
        JsonNode::Scalar(self.text().into())
    }
}

impl<'a> JsonCursor<'a> {
    fn new(value: CursorValue<'a>) -> Self {
        static NO_KEY: LazyLock<KeyHash> = LazyLock::new(|| KeyHash::of(""));
        let (known, taken) = (Cell::new(false), Cell::new(false));
        Self { value, key_hash: *NO_KEY, known, taken, positions: OnceCell::new() }
    }

    /// Creates the tree of a record, with nothing marked.
    pub(super) fn of(node: &'a JsonNode) -> Self {
        Self::tree(node, None)
    }

    /// Creates the tree of the first levels of a record. Objects and lists below them are empty objects, and lists within
    /// them are empty.
    pub(super) fn outline(node: &'a JsonNode, levels: usize) -> Self {
        Self::tree(node, Some(levels))
    }

    /// Creates the tree of all levels, or of the first ones.
    fn tree(node: &'a JsonNode, levels: Option<usize>) -> Self {
        let below = levels.map(|levels| levels.saturating_sub(1));
        Self::new(match node {
            JsonNode::Object(_) | JsonNode::Array(_) if levels == Some(0) => CursorValue::Object(Vec::new()),
            JsonNode::Object(members) => {
                CursorValue::Object(members.iter().map(|(key, node)| Self::member(key, node, below)).collect())
            }
            JsonNode::Array(_) if levels.is_some() => CursorValue::Array(Vec::new()),
            JsonNode::Array(elements) => {
                CursorValue::Array(elements.iter().map(|node| Self::tree(node, below)).collect())
            }
            JsonNode::Scalar(raw) => {
                CursorValue::Scalar { raw: RawScalar(Cow::Borrowed(raw)), embedded: OnceCell::new() }
            }
        })
    }

    /// Creates a member of an object.
    fn member(key: &'a str, node: &'a JsonNode, levels: Option<usize>) -> Member<'a> {
        let key_hash = KeyHash::of(key);
        let cursor = match node {
            JsonNode::Object(members)
                if levels != Some(0) && LISTS.contains_hashed(key, key_hash) && is_numbered(members) =>
            {
                let below = levels.map(|levels| levels - 1);
                Self::new(CursorValue::Array(members.iter().map(|(_, node)| Self::tree(node, below)).collect()))
            }
            node => Self::tree(node, levels),
        };
        (Cow::Borrowed(key), Self { key_hash, ..cursor })
    }

    /// Returns the tree with its own copy of the record.
    fn into_owned(self) -> JsonCursor<'static> {
        let value = match self.value {
            CursorValue::Object(members) => CursorValue::Object(
                members.into_iter().map(|(key, cursor)| (Cow::Owned(key.into_owned()), cursor.into_owned())).collect(),
            ),
            CursorValue::Array(elements) => CursorValue::Array(elements.into_iter().map(Self::into_owned).collect()),
            CursorValue::Scalar { raw, embedded } => {
                CursorValue::Scalar { raw: RawScalar(Cow::Owned(raw.0.into_owned())), embedded }
            }
        };
        JsonCursor { value, ..self }
    }

    /// Returns the original value.
    pub(super) fn node(&self) -> JsonNode {
        match &self.value {
            CursorValue::Object(members) => JsonNode::Object(
                members.iter().map(|(key, cursor)| (key.clone().into_owned(), cursor.node())).collect(),
            ),
            CursorValue::Array(elements) => JsonNode::Array(elements.iter().map(Self::node).collect()),
            CursorValue::Scalar { raw, .. } => raw.node(),
        }
    }

    /// Returns the value with lists in place of lists with their count.
    pub(super) fn node_with_plain_lists(&self) -> JsonNode {
        match (&self.value, self.counted_list()) {
            (_, Some(list)) => list.node_with_plain_lists(),
            (CursorValue::Object(members), None) => JsonNode::Object(
                members
                    .iter()
                    .map(|(key, cursor)| (key.clone().into_owned(), cursor.node_with_plain_lists()))
                    .collect(),
            ),
            (CursorValue::Array(elements), None) => {
                JsonNode::Array(elements.iter().map(Self::node_with_plain_lists).collect())
            }
            (CursorValue::Scalar { raw, .. }, None) => raw.node(),
        }
    }

    /// Whether the key of a member is in a set.
    pub(super) fn has_key_in(&self, key: &str, set: &KeySet) -> bool {
        set.contains_hashed(key, self.key_hash)
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
        let parse = || embedded_record(&raw.as_str()?).map(|node| Box::new(JsonCursor::of(&node).into_owned()));
        embedded.get_or_init(parse).as_deref()
    }

    /// Returns the members of an object, or of the object in a string.
    pub(super) fn members(&self) -> &[Member<'a>] {
        match &self.value {
            CursorValue::Object(_) if self.counted_list().is_some() => &[],
            CursorValue::Object(members) => members,
            CursorValue::Array(_) => &[],
            CursorValue::Scalar { .. } => self.embedded().map_or(&[], JsonCursor::members),
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
        let hash = KeyHash::of(key);
        if members.len() < INDEXED_MEMBERS {
            return best(members.iter().rev().filter(|(_, cursor)| cursor.key_hash == hash), key);
        }
        let positions = self.positions.get_or_init(|| {
            let mut positions: HashMap<KeyHash, Vec<usize>> = HashMap::with_capacity(members.len());
            for (position, (_, cursor)) in members.iter().enumerate() {
                positions.entry(cursor.key_hash).or_default().push(position);
            }
            positions
        });
        best(positions.get(&hash)?.iter().rev().map(|position| &members[*position]), key)
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
        match raw.as_str() {
            Some(text) => Some(text).filter(|text| !is_absent(text)),
            None => Some(Cow::Borrowed(raw.text())).filter(|_| !raw.is_null()),
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

/// Returns the first member whose key is exactly this one, else the first member.
fn best<'m, 'a: 'm>(members: impl Iterator<Item = &'m Member<'a>>, key: &str) -> Option<&'m JsonCursor<'a>> {
    let mut best = None;
    for (name, cursor) in members {
        if *name == *key {
            return Some(cursor);
        }
        if best.is_none() && same_key(name, key) {
            best = Some(cursor);
        }
    }
    best
}

/// The members that are lists, and which Elastic writes as objects with the keys `0`, `1`, ... JSON pointers into such an
/// object stay valid for the list.
static LISTS: KeySet = KeySet::new(&["targetResources", "modifiedProperties", "additionalDetails"]);

/// Whether an object has the keys `0`, `1`, ... in order.
fn is_numbered(members: &[(String, JsonNode)]) -> bool {
    !members.is_empty() && members.iter().enumerate().all(|(i, (key, _))| *key == i.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(text: &str) -> JsonCursor<'static> {
        JsonCursor::of(&JsonNode::parse(text).unwrap()).into_owned()
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
