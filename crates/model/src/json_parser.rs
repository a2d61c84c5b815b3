//! Parses JSON into a [`JsonNode`] in one pass.
//!
//! serde's number types do not preserve how a number was written, and taking each level as a raw value reads the
//! innermost bytes once per level. This parser reads every byte once, so its time is linear in the length of the text
//! whatever the text contains. It accepts exactly what `serde_json` accepts, which a property test checks.

use super::json::JsonNode;

/// The most levels of objects and arrays.
pub(super) const DEPTH_MAX: usize = 127;

/// Why a text is not a JSON value that can be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JsonError {
    /// It is not JSON.
    Invalid,
    /// A string has half of a surrogate pair.
    LoneSurrogate,
    /// It has more than [`DEPTH_MAX`] levels.
    TooDeep,
}

impl JsonError {
    /// A message that continues a sentence about the text.
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::Invalid => "is not valid JSON",
            Self::LoneSurrogate => "has half of a surrogate pair in a string",
            Self::TooDeep => "nests more than 127 levels deep",
        }
    }
}

type Result<T> = std::result::Result<T, JsonError>;

/// Parses a text that is one value.
pub(super) fn parse(text: &str) -> Result<JsonNode> {
    let mut parser = JsonParser { text, bytes: text.as_bytes(), position: 0 };
    let node = parser.value(0)?;
    parser.skip_white_space();
    if parser.position == text.len() { Ok(node) } else { Err(JsonError::Invalid) }
}

/// The position of the first byte that a JSON string cannot contain as it is: a quotation mark, a backslash or a control
/// character. Examines eight bytes at once.
pub(super) fn special_position(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH_BITS: u64 = u64::from_le_bytes([0x80; 8]);
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    let mut start = 0;
    while let Some(chunk) = bytes[start..].first_chunk() {
        let word = u64::from_le_bytes(*chunk);
        // The high bit of a byte is set if the byte is less than `limit`, or follows one that is.
        let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGH_BITS;
        let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
        if (below(word, 0x20) | equal(b'"') | equal(b'\\')) != 0 {
            break;
        }
        start += chunk.len();
    }
    bytes[start..].iter().position(is_special).map(|at| start + at)
}

struct JsonParser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// The position of the next byte.
    position: usize,
}

impl JsonParser<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    fn skip_white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.position += 1;
        }
    }

    /// Reads a byte if it is the next one.
    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.position += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.eat(byte) { Ok(()) } else { Err(JsonError::Invalid) }
    }

    /// Reads a value inside of `depth` containers.
    fn value(&mut self, depth: usize) -> Result<JsonNode> {
        self.skip_white_space();
        let start = self.position;
        match self.peek().ok_or(JsonError::Invalid)? {
            b'{' | b'[' if depth == DEPTH_MAX => return Err(JsonError::TooDeep),
            b'{' => return self.object(depth + 1),
            b'[' => return self.array(depth + 1),
            b'"' => {
                self.string()?;
            }
            b't' => self.literal("true")?,
            b'f' => self.literal("false")?,
            b'n' => self.literal("null")?,
            _ => self.number()?,
        }
        Ok(JsonNode::Scalar(self.text[start..self.position].into()))
    }

    fn object(&mut self, depth: usize) -> Result<JsonNode> {
        self.expect(b'{')?;
        let mut members = Vec::new();
        self.skip_white_space();
        if self.eat(b'}') {
            return Ok(JsonNode::Object(members));
        }
        loop {
            self.skip_white_space();
            let name = self.member_name()?;
            self.skip_white_space();
            self.expect(b':')?;
            members.push((name, self.value(depth)?));
            self.skip_white_space();
            if self.eat(b'}') {
                return Ok(JsonNode::Object(members));
            }
            self.expect(b',')?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<JsonNode> {
        self.expect(b'[')?;
        let mut elements = Vec::new();
        self.skip_white_space();
        if self.eat(b']') {
            return Ok(JsonNode::Array(elements));
        }
        loop {
            elements.push(self.value(depth)?);
            self.skip_white_space();
            if self.eat(b']') {
                return Ok(JsonNode::Array(elements));
            }
            self.expect(b',')?;
        }
    }

    fn literal(&mut self, word: &str) -> Result<()> {
        if !self.bytes[self.position..].starts_with(word.as_bytes()) {
            return Err(JsonError::Invalid);
        }
        self.position += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<()> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(())
    }

    /// Reads at least one digit.
    fn digits(&mut self) -> Result<()> {
        let start = self.position;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.position += 1;
        }
        if self.position > start { Ok(()) } else { Err(JsonError::Invalid) }
    }

    /// Reads the name of a member and resolves its escapes.
    fn member_name(&mut self) -> Result<String> {
        let start = self.position;
        let has_escapes = self.string()?;
        let quoted = &self.text[start..self.position];
        if has_escapes {
            serde_json::from_str(quoted).map_err(|_unreachable| JsonError::Invalid)
        } else {
            Ok(quoted[1..quoted.len() - 1].to_owned())
        }
    }

    /// Reads a string with its quotes. Returns whether it has escapes.
    fn string(&mut self) -> Result<bool> {
        self.expect(b'"')?;
        let mut has_escapes = false;
        loop {
            let rest = &self.bytes[self.position..];
            let plain = special_position(rest).ok_or(JsonError::Invalid)?;
            self.position += plain + 1;
            match rest[plain] {
                b'"' => return Ok(has_escapes),
                b'\\' => {
                    has_escapes = true;
                    self.escape()?;
                }
                _ => return Err(JsonError::Invalid),
            }
        }
    }

    /// Reads the rest of an escape, after its backslash.
    fn escape(&mut self) -> Result<()> {
        let kind = self.peek().ok_or(JsonError::Invalid)?;
        self.position += 1;
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => match self.code_unit()? {
                0xd800..=0xdbff => self.low_surrogate(),
                0xdc00..=0xdfff => Err(JsonError::LoneSurrogate),
                _ => Ok(()),
            },
            _ => Err(JsonError::Invalid),
        }
    }

    fn low_surrogate(&mut self) -> Result<()> {
        if !(self.eat(b'\\') && self.eat(b'u')) {
            return Err(JsonError::LoneSurrogate);
        }
        if matches!(self.code_unit()?, 0xdc00..=0xdfff) { Ok(()) } else { Err(JsonError::LoneSurrogate) }
    }

    /// Reads four hexadecimal digits.
    fn code_unit(&mut self) -> Result<u32> {
        let digits = self.bytes.get(self.position..self.position + 4).ok_or(JsonError::Invalid)?;
        self.position += 4;
        digits.iter().try_fold(0, |unit, digit| {
            let value = char::from(*digit).to_digit(16).ok_or(JsonError::Invalid)?;
            Ok(unit << 4 | value)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn is_valid(text: &str) -> bool {
        // `arbitrary_precision` reads an object with this one name as a number.
        serde_json::from_str::<Value>(text).is_ok() || text.contains("$serde_json::private::Number")
    }

    #[test]
    fn unusual_texts_are_valid_or_not_as_for_serde_json() {
        for text in [
            "",
            " ",
            "0",
            "-0",
            "-",
            "00",
            "01",
            "1.",
            ".1",
            "1.5",
            "1e",
            "1e+",
            "1E-07",
            "1e400",
            "-1.0e+5 ",
            "+1",
            "1_0",
            "nul",
            "null",
            "nullx",
            "true false",
            "tru",
            "\"",
            "\"a",
            "\"\\",
            "\"\\u12",
            "\"\\u12g4\"",
            "\"\\x\"",
            "\"\t\"",
            "\"\u{7f}\u{2028}é\"",
            "\"\\/\\b\\f\\n\\r\\t\\\"\\\\\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"\\ude00\"",
            "\"\\ud83d\\n\"",
            "\"\\ud83d\\ud83d\"",
            "\"\\ud83dx\"",
            "[]",
            "[ ]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1",
            "]",
            "{}",
            "{ }",
            "{\"a\":1,}",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1 \"b\":2}",
            "{\"\\u0061\":{\"\":[]}}",
            "{1:2}",
            "\u{feff}1",
            "\u{a0}1",
            "1\u{0}",
            "// 1",
            "NaN",
            "Infinity",
            "[1]]",
            "{}{}",
        ] {
            assert_eq!(parse(text).is_ok(), is_valid(text), "{text:?}");
        }
    }

    #[test]
    fn depth_is_limited_and_errors_name_the_rule() {
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(&nested(DEPTH_MAX)).is_ok() && is_valid(&nested(DEPTH_MAX)));
        assert_eq!(parse(&nested(DEPTH_MAX + 1)), Err(JsonError::TooDeep));
        assert!(!is_valid(&nested(DEPTH_MAX + 1)));
        assert_eq!(parse(&"{\"a\":".repeat(1_000_000)), Err(JsonError::TooDeep));
        assert_eq!(parse("[\"\\udabc\"]"), Err(JsonError::LoneSurrogate));
        assert_eq!(parse("{\"\\udabc\":1}"), Err(JsonError::LoneSurrogate));
        assert_eq!(parse("[1,"), Err(JsonError::Invalid));
    }

    /// Texts that are JSON, nearly JSON, or neither.
    fn text() -> impl Strategy<Value = String> {
        let token = prop_oneof![
            Just("{".to_owned()),
            Just("}".to_owned()),
            Just("[".to_owned()),
            Just("]".to_owned()),
            Just(",".to_owned()),
            Just(":".to_owned()),
            Just("\"a\":".to_owned()),
            Just("\"\"".to_owned()),
            Just("\"\\n\\u00e9\"".to_owned()),
            Just("\"\\ud83d\\ude00\"".to_owned()),
            Just("\"\\ud83d\"".to_owned()),
            Just("-1.50e+3".to_owned()),
            Just("0".to_owned()),
            Just("true".to_owned()),
            Just(" \n".to_owned()),
            "[-+0-9eE.]{1,5}",
            "\"[^\"]{0,4}\"",
        ];
        prop::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat())
    }

    proptest! {
        #[test]
        fn special_bytes_are_found(bytes in prop::collection::vec(prop_oneof![Just(b'a'), Just(b'!'), Just(b'#'), any::<u8>()], 0..40)) {
            let expected = bytes.iter().position(|byte| *byte < b' ' || [b'"', b'\\'].contains(byte));
            prop_assert_eq!(special_position(&bytes), expected);
        }

        #[test]
        fn accepts_what_serde_json_accepts(text in text()) {
            prop_assert_eq!(parse(&text).is_ok(), is_valid(&text), "{}", text);
        }

        #[test]
        fn value_is_that_of_serde_json(value in arbitrary_value()) {
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            let node = parse(&pretty).unwrap();
            let json = node.to_json();
            prop_assert_eq!(json.text(), serde_json::to_string(&value).unwrap());
            prop_assert_eq!(node.into_value(), value);
        }
    }

    fn arbitrary_value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        scalar.prop_recursive(5, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }
}
