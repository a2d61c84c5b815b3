//! A foreign record while it is being read: a tree that remembers what was carried over.
//!
//! Mappers look fields up with [`Part::get`], which marks them as known, and *take* the texts that they carry over
//! verbatim. What was not taken goes to `unmapped` (see [`super::unmapped`]), so a field that a mapper overlooks or
//! changes is kept by default. A string that contains JSON is treated as if its value stood there.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

use model::json::JsonNode;

/// Texts that stand for "no value".
const ABSENT: &[&str] = &["", "<null>", "N/A", "NA", "NotSet", "Not Available", "__NULL__"];

/// Whether a text stands for "no value".
pub(super) fn is_absent(text: &str) -> bool {
    let text = text.trim();
    ABSENT.iter().any(|absent| text.eq_ignore_ascii_case(absent))
}

/// Whether two keys are the same but for case, blanks, underscores, dashes and brackets.
pub(super) fn same_key(a: &str, b: &str) -> bool {
    plain_key(a).eq(plain_key(b))
}

fn plain_key(key: &str) -> impl Iterator<Item = u8> {
    key.bytes().filter(|byte| !b"_- ()".contains(byte)).map(|byte| byte.to_ascii_lowercase())
}

/// A part of a record: an object, an array or a scalar.
pub(super) struct Part {
    pub(super) value: Value,
    known: Cell<bool>,
    taken: Cell<bool>,
}

/// What a part is.
pub(super) enum Value {
    Object(Vec<(String, Part)>),
    Array(Vec<Part>),
    Scalar {
        raw: JsonNode,
        /// What a string holds, once it has been looked into.
        inside: OnceCell<Option<Box<Part>>>,
    },
}

impl Part {
    /// A record of which nothing has been looked at.
    pub(super) fn of(node: JsonNode) -> Self {
        let value = match node {
            JsonNode::Object(members) => {
                let part = |(key, value): (String, JsonNode)| {
                    let value = if is_list(&key) { numbered_as_list(value) } else { value };
                    (key, Self::of(value))
                };
                Value::Object(members.into_iter().map(part).collect())
            }
            JsonNode::Array(elements) => Value::Array(elements.into_iter().map(Self::of).collect()),
            raw @ JsonNode::Scalar(_) => Value::Scalar { raw, inside: OnceCell::new() },
        };
        Self { value, known: Cell::new(false), taken: Cell::new(false) }
    }

    /// The part as it was read.
    pub(super) fn node(&self) -> JsonNode {
        match &self.value {
            Value::Object(members) => {
                JsonNode::Object(members.iter().map(|(key, part)| (key.clone(), part.node())).collect())
            }
            Value::Array(elements) => JsonNode::Array(elements.iter().map(Self::node).collect()),
            Value::Scalar { raw, .. } => raw.clone(),
        }
    }

    /// Whether a mapper looked the part up.
    pub(super) fn is_known(&self) -> bool {
        self.known.get()
    }

    /// Whether a mapper carried the part over.
    pub(super) fn is_taken(&self) -> bool {
        self.taken.get()
    }

    /// What a string holds, if it was looked into and is JSON.
    pub(super) fn opened(&self) -> Option<&Self> {
        match &self.value {
            Value::Scalar { inside, .. } => inside.get()?.as_deref(),
            _ => None,
        }
    }

    /// What a string holds, if that is a JSON object or array.
    fn inside(&self) -> Option<&Self> {
        let Value::Scalar { raw, inside } = &self.value else { return None };
        inside.get_or_init(|| held_json(&raw.as_str()?).map(|node| Box::new(Self::of(node)))).as_deref()
    }

    /// The members of an object, or of the object that a string holds.
    pub(super) fn members(&self) -> &[(String, Self)] {
        match &self.value {
            Value::Object(members) => members,
            Value::Array(_) => &[],
            Value::Scalar { .. } => self.inside().map_or(&[], Self::members),
        }
    }

    /// The elements of an array, or of the array that a string holds. An object stands for a list of one.
    pub(super) fn elements(&self) -> &[Self] {
        self.known.set(true);
        let elements = match &self.value {
            Value::Object(members) if members.is_empty() => &[],
            Value::Object(_) => std::slice::from_ref(self),
            Value::Array(elements) => elements.as_slice(),
            Value::Scalar { .. } => self.inside().map_or(&[][..], Self::elements),
        };
        for element in elements {
            element.known.set(true);
        }
        elements
    }

    /// Whether it is an object, or a string that holds one.
    pub(super) fn is_object(&self) -> bool {
        match &self.value {
            Value::Object(_) => true,
            Value::Array(_) => false,
            Value::Scalar { .. } => self.inside().is_some_and(Self::is_object),
        }
    }

    /// Whether it is `null`.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { raw, .. } if raw.is_null())
    }

    /// The member with this key, without marking it; of several the last, an exact spelling before others.
    pub(super) fn find(&self, key: &str) -> Option<&Self> {
        let members = self.members();
        let exact = members.iter().rev().find(|(name, _)| name == key);
        exact.or_else(|| members.iter().rev().find(|(name, _)| same_key(name, key))).map(|(_, part)| part)
    }

    /// Whether there is a member with this key that is not `null`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.find(key).is_some_and(|part| !part.is_null())
    }

    /// The member with this key, which is known from now on. `a.b` is also the member `b` of `a`, or of the first
    /// object in the list `a`.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.known.set(true);
        if let Some(part) = self.find(key) {
            part.known.set(true);
            return Some(part);
        }
        let (head, rest) = key.split_once('.')?;
        self.find(head)?.elements().first()?.get(rest)
    }

    /// The elements of the member with this key.
    pub(super) fn list(&self, key: &str) -> &[Self] {
        self.get(key).map_or(&[], Self::elements)
    }

    /// The text of a string, exactly.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        match &self.value {
            Value::Scalar { raw, .. } => raw.as_str(),
            _ => None,
        }
    }

    /// The text of a scalar that has a value: of a string its content, of a number or boolean how it is written.
    pub(super) fn word(&self) -> Option<Cow<'_, str>> {
        let Value::Scalar { raw, .. } = &self.value else { return None };
        match (raw.as_str(), raw) {
            (Some(text), _) => Some(text).filter(|text| !is_absent(text)),
            (None, JsonNode::Scalar(raw)) if !self.is_null() => Some(Cow::Borrowed(&**raw)),
            _ => None,
        }
    }

    /// The word at a key, to be interpreted rather than carried over.
    pub(super) fn word_at(&self, key: &str) -> Option<String> {
        self.get(key)?.word().map(Cow::into_owned)
    }

    /// The word, carried over.
    pub(super) fn take(&self) -> Option<String> {
        let word = self.word()?.into_owned();
        self.taken.set(true);
        Some(word)
    }

    /// The word at a key, carried over.
    pub(super) fn take_at(&self, key: &str) -> Option<String> {
        self.get(key)?.take()
    }

    /// The word at the first of these keys that has one, carried over.
    pub(super) fn take_first(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| self.take_at(key))
    }

    /// Marks everything in the part as carried over.
    pub(super) fn take_all(&self) {
        self.known.set(true);
        self.taken.set(true);
        match &self.value {
            Value::Object(members) => members.iter().for_each(|(_, part)| part.take_all()),
            Value::Array(elements) => elements.iter().for_each(Self::take_all),
            Value::Scalar { .. } => {}
        }
    }
}

/// Members that hold lists which Elastic writes as objects with the keys `0`, `1`, ...
fn is_list(key: &str) -> bool {
    ["targetResources", "modifiedProperties", "additionalDetails"].iter().any(|list| same_key(list, key))
}

/// An object with the keys `0`, `1`, ... in order as the list that it stands for: pointers into it stay the same.
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

/// The JSON object or array that a text holds.
pub(super) fn held_json(text: &str) -> Option<JsonNode> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    JsonNode::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Part {
        Part::of(JsonNode::parse(text).unwrap())
    }

    #[test]
    fn keys_are_found_in_any_spelling_and_the_exact_one_wins() {
        let record = part(r#"{"Type":1,"type":2,"type":3,"user_principal_name":"a@b"}"#);
        assert_eq!(record.word_at("type").unwrap(), "3");
        assert_eq!(record.word_at("TYPE").unwrap(), "3");
        assert_eq!(record.word_at("userPrincipalName").unwrap(), "a@b");
    }

    #[test]
    fn a_string_that_holds_json_is_looked_into() {
        let record = part(r#"{"a":"{\"b\":[\"c\"]}","d":"{no"}"#);
        let list = record.get("a").unwrap().list("b");
        assert_eq!(list[0].take().unwrap(), "c");
        assert!(record.get("d").unwrap().members().is_empty());
    }

    #[test]
    fn placeholders_are_no_words() {
        let record = part(r#"["<null>","n/a","NotSet"," ",null,{},"None",0,false]"#);
        let words: Vec<_> = record.elements().iter().filter_map(Part::word).collect();
        assert_eq!(words, ["None", "0", "false"]);
    }
}
