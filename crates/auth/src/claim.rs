//! Reads the header and claims of a token: JSON objects with unique names and exact types.
//!
//! Duplicate names are rejected, because another verifier of the token may have read the other value. A claim of a wrong
//! type is rejected rather than skipped, so that no rule silently lacks its claim. The only leniency is a single string
//! in place of a list, which some issuers write for a list of one element.

use std::borrow::Cow;
use std::collections::HashSet;

use super::Rejected;
use model::Timestamp;
use model::json::Node;
use model::time::SECOND;

/// The last second of the year 9999. Greater numbers are probably milliseconds.
const SECONDS_MAX: f64 = 253_402_300_799.0;

/// The members of the header or payload of a token.
pub(super) struct Claims(Vec<(String, Node)>);

impl Claims {
    /// Parses a JSON object.
    pub(super) fn parse(json: &[u8]) -> Result<Self, Rejected> {
        let node = std::str::from_utf8(json).ok().and_then(Node::parse);
        let Some(Node::Object(members)) = node else { return Err(Rejected::Malformed) };
        let mut names = HashSet::with_capacity(members.len());
        if members.iter().all(|(name, _)| names.insert(name.as_str())) {
            Ok(Self(members))
        } else {
            Err(Rejected::NameRepeated)
        }
    }

    /// Returns the value of a claim.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Returns a string claim, or `None` if it is absent or blank.
    pub(super) fn string(&self, name: &str) -> Result<Option<String>, Rejected> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let string = string(value).ok_or_else(|| malformed(name))?;
        Ok((!string.trim().is_empty()).then_some(string))
    }

    /// Returns the first of several string claims that is present.
    pub(super) fn first_string(&self, names: &[&str]) -> Result<Option<String>, Rejected> {
        for name in names {
            if let Some(string) = self.string(name)? {
                return Ok(Some(string));
            }
        }
        Ok(None)
    }

    /// Returns a list of strings, empty if the claim is absent. A single string is a list of one.
    pub(super) fn strings(&self, name: &str) -> Result<Vec<String>, Rejected> {
        self.get(name).map_or(Some(Vec::new()), strings).ok_or_else(|| malformed(name))
    }

    /// Returns the list of strings at a path through objects. Rejects duplicate names on the path.
    pub(super) fn strings_at(&self, path: &[String]) -> Result<Vec<String>, Rejected> {
        let Some((first, rest)) = path.split_first() else { return Ok(Vec::new()) };
        let mut value = self.get(first);
        for name in rest {
            let Some(Node::Object(members)) = value else { return Ok(Vec::new()) };
            let mut named = members.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
            value = named.next();
            if named.next().is_some() {
                return Err(Rejected::NameRepeated);
            }
        }
        value.map_or(Some(Vec::new()), strings).ok_or_else(|| malformed(&path.join(".")))
    }

    /// Returns a time: seconds since 1970, as an integer or with a fraction.
    pub(super) fn timestamp(&self, name: &str) -> Result<Option<Timestamp>, Rejected> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value {
            Node::Scalar(raw) => timestamp(raw).map(Some),
            _ => None,
        }
        .ok_or_else(|| malformed(name))
    }
}

fn malformed(name: &str) -> Rejected {
    Rejected::ClaimMalformed(name.to_owned())
}

/// Returns a list of strings. A single string is a list of one.
fn strings(value: &Node) -> Option<Vec<String>> {
    match value {
        Node::Array(elements) => elements.iter().map(string).collect(),
        value => string(value).map(|single| vec![single]),
    }
}

/// Returns a string. Strings with control characters or line separators are malformed: they would corrupt logs.
fn string(value: &Node) -> Option<String> {
    let is_unsafe = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    value.as_str().filter(|string| !string.contains(is_unsafe)).map(Cow::into_owned)
}

#[expect(clippy::cast_possible_truncation, reason = "in range; truncated to microseconds")]
fn timestamp(raw: &str) -> Option<Timestamp> {
    if let Ok(seconds) = raw.parse::<i64>() {
        return (0..=SECONDS_MAX as i64).contains(&seconds).then(|| Timestamp(seconds * SECOND));
    }
    // JSON strings start with a quote, so they do not parse; nor do `true`, `false` and `null`.
    let seconds: f64 = raw.parse().ok()?;
    (0.0..=SECONDS_MAX).contains(&seconds).then_some(Timestamp((seconds * 1e6) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claims(json: &str) -> Claims {
        Claims::parse(json.as_bytes()).unwrap_or_else(|why| panic!("{json}: {why}"))
    }

    #[test]
    fn duplicate_names_are_rejected_in_any_escaping() {
        let refused = |json: &str| Claims::parse(json.as_bytes()).err();
        assert_eq!(refused(r#"{"roles":[],"sub":"a","roles":["GlobalAdmin"]}"#), Some(Rejected::NameRepeated));
        assert_eq!(refused(r#"{"tid":"a","t\u0069d":"b"}"#), Some(Rejected::NameRepeated));
        assert_eq!(refused(r#"{"a":{"x":1,"x":2},"b":1}"#), None);
        for other in ["", "[]", "\"a\"", "null", "{}{}", "{\"a\":1", "\u{feff}{}"] {
            assert_eq!(refused(other), Some(Rejected::Malformed), "{other}");
        }
        assert_eq!(Claims::parse(b"{\"a\":\"\xff\"}").err(), Some(Rejected::Malformed));
    }

    #[test]
    fn single_string_is_a_list_of_one() {
        let claims = claims(r#"{"a":"x","b":["x","y"],"c":[],"d":["x",1],"e":null,"f":{"x":1},"g":1,"h":[["x"]]}"#);
        assert_eq!(claims.strings("a"), Ok(vec!["x".to_owned()]));
        assert_eq!(claims.strings("b"), Ok(vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!(claims.strings("c"), Ok(Vec::new()));
        assert_eq!(claims.strings("absent"), Ok(Vec::new()));
        for name in ["d", "e", "f", "g", "h"] {
            assert_eq!(claims.strings(name), Err(malformed(name)));
        }
    }

    #[test]
    fn blank_string_is_none_and_control_characters_are_malformed() {
        let claims = claims(r#"{"a":" ","b":"","c":"\u0000x","d":"x\ny","e":"x","f":["x"],"g":null}"#);
        assert_eq!(claims.first_string(&["absent", "a", "b", "e"]), Ok(Some("x".to_owned())));
        assert_eq!(claims.string("a"), Ok(None));
        for name in ["c", "d", "f", "g"] {
            assert_eq!(claims.string(name), Err(malformed(name)));
        }
    }

    #[test]
    fn timestamp_is_an_integer_or_a_fraction() {
        let read = |raw: &str| claims(&format!("{{\"exp\":{raw}}}")).timestamp("exp");
        assert_eq!(read("1700000000"), Ok(Some(Timestamp(1_700_000_000_000_000))));
        assert_eq!(read("1700000000.25"), Ok(Some(Timestamp(1_700_000_000_250_000))));
        assert_eq!(read("1.7e9"), Ok(Some(Timestamp(1_700_000_000_000_000))));
        assert_eq!(read("0"), Ok(Some(Timestamp(0))));
        assert_eq!(read("253402300799"), Ok(Some(Timestamp(253_402_300_799_000_000))));
        let invalid = ["-1", "-0.5", "1700000000000", "253402300800", "1e400", "99999999999999999999", "null"];
        for raw in invalid.into_iter().chain(["\"1700000000\"", "true", "[1700000000]", "{}", "\"inf\"", "\"NaN\""]) {
            assert_eq!(read(raw), Err(malformed("exp")), "{raw}");
        }
        assert_eq!(claims("{}").timestamp("exp"), Ok(None));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(bytes in any::<Vec<u8>>(), text in "[\\[\\]{}\":,a1 ]{0,40}") {
            let _ = Claims::parse(&bytes);
            let _ = Claims::parse(text.as_bytes());
        }
    }
}
