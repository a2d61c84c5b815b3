//! JSON that is passed through unchanged: numbers, key order and repeated keys stay as they were written.
//!
//! [`Json`] is the compact JSON text of a value; [`JsonNode`] is the same value as a tree. Only
//! [`JsonNode::canonical`], which compares values by meaning, converts numbers to floating point.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::json_parser::{self, JsonError};

/// A JSON value as its compact JSON text, otherwise byte for byte as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Json(Box<str>);

impl Json {
    /// Parses a JSON text and removes the white space between tokens. Returns `None` as [`JsonNode::parse`] does.
    pub fn parse(text: &str) -> Option<Self> {
        JsonNode::parse(text).map(|node| node.to_json())
    }

    /// Wraps a JSON text. The caller guarantees that it is one valid, compact JSON value.
    pub fn stored(text: String) -> Self {
        Self(text.into())
    }

    /// A JSON string.
    pub fn string(text: &str) -> Self {
        let mut json = String::with_capacity(text.len() + 2);
        push_string(&mut json, text);
        Self(json.into())
    }

    /// The JSON text of the value.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The value as a tree.
    pub fn node(&self) -> JsonNode {
        JsonNode::parse(&self.0).unwrap_or(JsonNode::Scalar("null".into()))
    }

    /// The value of a string, or `None` if the value is not a string.
    pub fn as_str(&self) -> Option<Cow<'_, str>> {
        string_value(&self.0)
    }

    /// A hash that is the same for two values if they are equal as JSON: key order ignored, numbers compared by value.
    pub fn equality_hash(&self) -> [u8; 16] {
        hash16(self.canonical().as_bytes())
    }

    /// Whether two values are equal as JSON, as [`Self::equality_hash`] compares them.
    pub fn is_equal(&self, other: &Self) -> bool {
        self == other || self.canonical() == other.canonical()
    }

    /// The canonical form of the value, as [`JsonNode::canonical`] writes it.
    fn canonical(&self) -> Cow<'_, str> {
        let text = &*self.0;
        // A string without escapes and a word are written in one way only.
        let is_canonical = match text.as_bytes() {
            [b'"', ..] => !text.contains('\\'),
            [first, ..] => first.is_ascii_lowercase(),
            [] => false,
        };
        if is_canonical {
            return Cow::Borrowed(text);
        }
        let mut canonical = String::with_capacity(text.len());
        self.node().canonical(&mut canonical);
        Cow::Owned(canonical)
    }
}

/// The first half of a SHA-256.
pub fn hash16(bytes: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(bytes)[..16]);
    half
}

/// [`hash16`] of the concatenated strings.
pub(super) fn hash16_of_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> [u8; 16] {
    let mut hasher = Sha256::new();
    parts.into_iter().for_each(|part| hasher.update(part));
    let mut half = [0; 16];
    half.copy_from_slice(&hasher.finalize()[..16]);
    half
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Stored bodies are compact already.
        Ok(Self(Box::<RawValue>::deserialize(deserializer)?.get().into()))
    }
}

/// A JSON value as a tree whose scalars are unparsed JSON texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonNode {
    /// Members in the order written, repeated keys included.
    Object(Vec<(String, JsonNode)>),
    /// Elements.
    Array(Vec<JsonNode>),
    /// A string (with quotes and escapes), number, `true`, `false` or `null`, as written.
    Scalar(Box<str>),
}

impl JsonNode {
    /// Parses a JSON text. Returns `None` if it is not JSON, nests deeper than 127 levels, or has lone surrogates.
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(text).ok()
    }

    /// Parses a JSON text.
    ///
    /// # Errors
    ///
    /// A message that continues a sentence about the text.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        json_parser::parse(text).map_err(JsonError::message)
    }

    /// The path of the first member whose name occurs twice in its object, or `None` if there is none.
    pub fn repeated(&self) -> Option<String> {
        let below = |name: &str, value: &Self| value.repeated().map(|path| format!("{name}.{path}"));
        match self {
            Self::Scalar(_) => None,
            Self::Array(elements) => elements.iter().enumerate().find_map(|(i, value)| below(&i.to_string(), value)),
            Self::Object(members) => {
                let mut names = std::collections::HashSet::with_capacity(members.len());
                let again = members.iter().find(|(name, _)| !names.insert(name)).map(|(name, _)| name.clone());
                again.or_else(|| members.iter().find_map(|(name, value)| below(name, value)))
            }
        }
    }

    /// The member of an object by name. If the name occurs more than once, the last member.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value of a string, or `None` if the node is not a string.
    pub fn as_str(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Scalar(raw) => string_value(raw),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(raw) if &**raw == "null")
    }

    /// The value in the data model of `serde_json`. Of repeated members, the last one counts.
    pub fn into_value(self) -> Value {
        match self {
            Self::Object(members) => {
                Value::Object(members.into_iter().map(|(name, value)| (name, value.into_value())).collect())
            }
            Self::Array(elements) => Value::Array(elements.into_iter().map(Self::into_value).collect()),
            Self::Scalar(raw) => match &*raw {
                "null" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                // A string or a number, which `serde_json` can read, as the parser has accepted it.
                raw => serde_json::from_str(raw).unwrap_or(Value::Null),
            },
        }
    }

    /// The value as compact JSON.
    pub fn to_json(&self) -> Json {
        let mut text = String::new();
        self.write(&mut text);
        Json(text.into())
    }

    /// Appends the value as compact JSON.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Scalar(raw) => out.push_str(raw),
            Self::Array(elements) => {
                out.push('[');
                for (i, element) in elements.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    element.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (i, (name, value)) in members.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    push_string(out, name);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Appends the canonical form of the value, which is the same for equal values: members sorted, the last of
    /// repeated members, strings with the same escapes, numbers by value. Integers are compared exactly up to 64 bits,
    /// all other numbers as doubles.
    fn canonical(&self, out: &mut String) {
        match self {
            Self::Scalar(raw) => match (self.as_str(), raw.as_bytes().first()) {
                (Some(text), _) => push_string(out, &text),
                (None, Some(b'-' | b'0'..=b'9')) => canonical_number(raw, out),
                _ => out.push_str(raw),
            },
            Self::Array(elements) => {
                out.push('[');
                for element in elements {
                    element.canonical(out);
                    out.push(',');
                }
                out.push(']');
            }
            Self::Object(members) => {
                let last: std::collections::BTreeMap<&str, &JsonNode> =
                    members.iter().map(|(name, value)| (name.as_str(), value)).collect();
                out.push('{');
                for (name, value) in last {
                    push_string(out, name);
                    out.push(':');
                    value.canonical(out);
                    out.push(',');
                }
                out.push('}');
            }
        }
    }
}

/// Whether JSON has more values than `limit`. Counts the commas outside of strings, plus one, without parsing: the tree of
/// millions of values would need a multiple of the memory of the JSON.
pub fn has_more_values_than(json: &str, limit: usize) -> bool {
    // A value has at least two bytes.
    if json.len() < 2 * limit {
        return false;
    }
    let (mut in_string, mut is_escaped, mut values) = (false, false, 1);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b',' if !in_string => values += 1,
            _ => {}
        }
    }
    values > limit
}

/// The value of a JSON text that is a string, or `None` if it is another value.
pub fn string_value(json: &str) -> Option<Cow<'_, str>> {
    let plain = json.strip_prefix('"')?.strip_suffix('"')?;
    if plain.contains('\\') { serde_json::from_str(json).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(plain)) }
}

/// Appends a string as JSON.
pub fn push_string(out: &mut String, string: &str) {
    if json_parser::special_position(string.as_bytes()).is_some() {
        // Writing to a String does not fail.
        let _ = write!(out, "{}", Value::from(string));
    } else {
        out.push('"');
        out.push_str(string);
        out.push('"');
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "checked to be a small integer")]
fn canonical_number(raw: &str, out: &mut String) {
    let written = if let Ok(integer) = raw.parse::<i64>() {
        write!(out, "{integer}")
    } else if let Ok(integer) = raw.parse::<u64>() {
        write!(out, "{integer}")
    } else {
        let double: f64 = raw.parse().unwrap_or(f64::NAN);
        if double.fract() == 0.0 && double.abs() < (1_i64 << 53) as f64 {
            write!(out, "{}", double as i64)
        } else {
            write!(out, "{double:e}")
        }
    };
    // Writing to a String does not fail.
    let _ = written;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusual_json_is_preserved() {
        let text = r#"{"b":1.10,"a":12345678901234567890123,"a":[1e400,"\/\u00e9",{}],"":null}"#;
        assert_eq!(Json::parse(text).unwrap().text(), text);
        assert_eq!(Json::parse("[ 1 ,\r\n true ]").unwrap().text(), "[1,true]");
        assert!(Json::parse(r#""\ud800""#).is_none());
        assert!(Json::parse(&("[".repeat(200) + &"]".repeat(200))).is_none());
    }

    #[test]
    fn equality_hash_compares_json_values() {
        let equal =
            |a: &str, b: &str| Json::parse(a).unwrap().equality_hash() == Json::parse(b).unwrap().equality_hash();
        assert!(equal(r#"{"a":1.0,"b":"é"}"#, r#"{"b":"\u00e9","a":1}"#));
        assert!(equal("100", "1e2"));
        assert!(equal("-0.0", "0"));
        assert!(!equal("9007199254740993", "9007199254740992"));
        assert!(!equal(r#""1""#, "1"));
        assert!(!equal("[1,2]", "[2,1]"));
        assert!(!equal("null", r#""null""#));
    }

    #[test]
    fn values_are_counted_by_commas_outside_of_strings() {
        let list = |values: usize| format!("[{}1]", "1,".repeat(values - 1));
        assert!(!has_more_values_than(&list(10), 10));
        assert!(has_more_values_than(&list(11), 10));
        assert!(!has_more_values_than(r#"["\\",",\",",",,,,,,,,,"]"#, 5), "commas in strings");
    }
}
