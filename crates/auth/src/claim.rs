//! Reading a token's header and claims: JSON objects in which each name appears once and each type is exact.
//!
//! Two equal names are refused, because another party that checked the token may have read the other one. A claim of
//! a wrong type is refused rather than skipped, so that a rule never silently lacks its claim; the one leniency is a
//! single string in place of a list, which is how some issuers write a list of one.

use std::borrow::Cow;
use std::collections::HashSet;

use super::Rejected;
use model::Timestamp;
use model::json::JsonNode;
use model::time::SECOND;

/// The last second of the year 9999. What is later is no moment, but milliseconds taken for seconds.
const SECONDS_MAX: f64 = 253_402_300_799.0;

/// The members of a token's header or payload.
pub(super) struct Claims(Vec<(String, JsonNode)>);

impl Claims {
    /// Reads a JSON object.
    pub(super) fn parse(json: &[u8]) -> Result<Self, Rejected> {
        let node = std::str::from_utf8(json).ok().and_then(JsonNode::parse);
        let Some(JsonNode::Object(members)) = node else { return Err(Rejected::Malformed) };
        let mut names = HashSet::with_capacity(members.len());
        if members.iter().all(|(name, _)| names.insert(name.as_str())) {
            Ok(Self(members))
        } else {
            Err(Rejected::NameRepeated)
        }
    }

    /// The value with this name.
    pub(super) fn get(&self, name: &str) -> Option<&JsonNode> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// A text. A blank one is as good as none.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Rejected> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = text(value).ok_or_else(|| malformed(name))?;
        Ok((!text.trim().is_empty()).then_some(text))
    }

    /// The first of several texts that is there.
    pub(super) fn first_text(&self, names: &[&str]) -> Result<Option<String>, Rejected> {
        for name in names {
            if let Some(text) = self.text(name)? {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// A list of texts, empty if it is not there; a single text is a list of one.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Rejected> {
        self.get(name).map_or(Some(Vec::new()), texts).ok_or_else(|| malformed(name))
    }

    /// A list of texts at a path through objects, likewise. Also there, a name stands once.
    pub(super) fn texts_at(&self, path: &[String]) -> Result<Vec<String>, Rejected> {
        let Some((first, rest)) = path.split_first() else { return Ok(Vec::new()) };
        let mut value = self.get(first);
        for name in rest {
            let Some(JsonNode::Object(members)) = value else { return Ok(Vec::new()) };
            let mut named = members.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
            value = named.next();
            if named.next().is_some() {
                return Err(Rejected::NameRepeated);
            }
        }
        value.map_or(Some(Vec::new()), texts).ok_or_else(|| malformed(&path.join(".")))
    }

    /// A moment: seconds since 1970 as an integer or a fraction.
    pub(super) fn moment(&self, name: &str) -> Result<Option<Timestamp>, Rejected> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value {
            JsonNode::Scalar(raw) => moment(raw).map(Some),
            _ => None,
        }
        .ok_or_else(|| malformed(name))
    }
}

fn malformed(name: &str) -> Rejected {
    Rejected::ClaimMalformed(name.to_owned())
}

/// A list of texts, or one.
fn texts(value: &JsonNode) -> Option<Vec<String>> {
    match value {
        JsonNode::Array(elements) => elements.iter().map(text).collect(),
        value => text(value).map(|single| vec![single]),
    }
}

/// A string. One with control characters or breaks of lines names nothing and would garble whatever it is written to.
fn text(value: &JsonNode) -> Option<String> {
    let garbles = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    value.as_str().filter(|text| !text.contains(garbles)).map(Cow::into_owned)
}

#[expect(clippy::cast_possible_truncation, reason = "in range, and finer than a microsecond is cut off")]
fn moment(raw: &str) -> Option<Timestamp> {
    if let Ok(seconds) = raw.parse::<i64>() {
        return (0..=SECONDS_MAX as i64).contains(&seconds).then(|| Timestamp(seconds * SECOND));
    }
    // A JSON string begins with a quote and so is no number; neither are `true`, `false` and `null`.
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
    fn a_name_stands_once_however_it_is_written() {
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
    fn a_single_text_is_a_list_of_one_and_anything_else_is_malformed() {
        let claims = claims(r#"{"a":"x","b":["x","y"],"c":[],"d":["x",1],"e":null,"f":{"x":1},"g":1,"h":[["x"]]}"#);
        assert_eq!(claims.texts("a"), Ok(vec!["x".to_owned()]));
        assert_eq!(claims.texts("b"), Ok(vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!(claims.texts("c"), Ok(Vec::new()));
        assert_eq!(claims.texts("absent"), Ok(Vec::new()));
        for name in ["d", "e", "f", "g", "h"] {
            assert_eq!(claims.texts(name), Err(malformed(name)));
        }
    }

    #[test]
    fn a_blank_text_is_none_and_control_characters_are_malformed() {
        let claims = claims(r#"{"a":" ","b":"","c":"\u0000x","d":"x\ny","e":"x","f":["x"],"g":null}"#);
        assert_eq!(claims.first_text(&["absent", "a", "b", "e"]), Ok(Some("x".to_owned())));
        assert_eq!(claims.text("a"), Ok(None));
        for name in ["c", "d", "f", "g"] {
            assert_eq!(claims.text(name), Err(malformed(name)));
        }
    }

    #[test]
    fn a_moment_is_an_integer_or_a_fraction_and_no_nonsense() {
        let read = |raw: &str| claims(&format!("{{\"exp\":{raw}}}")).moment("exp");
        assert_eq!(read("1700000000"), Ok(Some(Timestamp(1_700_000_000_000_000))));
        assert_eq!(read("1700000000.25"), Ok(Some(Timestamp(1_700_000_000_250_000))));
        assert_eq!(read("1.7e9"), Ok(Some(Timestamp(1_700_000_000_000_000))));
        assert_eq!(read("0"), Ok(Some(Timestamp(0))));
        assert_eq!(read("253402300799"), Ok(Some(Timestamp(253_402_300_799_000_000))));
        let nonsense = ["-1", "-0.5", "1700000000000", "253402300800", "1e400", "99999999999999999999", "null"];
        for raw in nonsense.into_iter().chain(["\"1700000000\"", "true", "[1700000000]", "{}", "\"inf\"", "\"NaN\""]) {
            assert_eq!(read(raw), Err(malformed("exp")), "{raw}");
        }
        assert_eq!(claims("{}").moment("exp"), Ok(None));
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_reading_them_ends(bytes in any::<Vec<u8>>(), text in "[\\[\\]{}\":,a1 ]{0,40}") {
            let _ = Claims::parse(&bytes);
            let _ = Claims::parse(text.as_bytes());
        }
    }
}
