//! An incremental JSON scanner: finds the end of a value, one byte at a time, and detects invalid structure early.
//!
//! It knows strings, literals and brackets. The parser that reads the whole value validates numbers and escapes.

/// The maximum nesting depth, which bounds memory. The parser of records accepts a much smaller depth.
const DEPTH_MAX: usize = 1 << 20;

/// The tokens that may come next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Expected {
    #[default]
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    End,
}

/// The result of scanning a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScanStep {
    Continue,
    /// The value is complete.
    Done,
    /// The input is not JSON.
    Invalid,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum JsonToken {
    #[default]
    None,
    Key,
    String,
    Literal,
}

/// The state within a value.
#[derive(Clone, Debug, Default)]
pub(super) struct JsonScanner {
    /// For each open container, whether it is an object.
    open: Vec<bool>,
    expected: Expected,
    token: JsonToken,
    is_escaped: bool,
}

impl JsonScanner {
    /// Returns the number of open containers.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    pub(super) fn expected(&self) -> Expected {
        self.expected
    }

    /// Whether a value may begin here.
    pub(super) fn expects_value(&self) -> bool {
        self.token == JsonToken::None && matches!(self.expected, Expected::Value | Expected::ValueOrEnd)
    }

    /// Whether the last byte was in a key of an object, including the opening quote.
    pub(super) fn in_key(&self) -> bool {
        self.token == JsonToken::Key
    }

    /// Whether the last byte was in a string that is not a key, including the opening quote.
    pub(super) fn in_string(&self) -> bool {
        self.token == JsonToken::String
    }

    /// Whether the last byte was in a key, a string or a literal.
    pub(super) fn in_token(&self) -> bool {
        self.token != JsonToken::None
    }

    /// Returns the brackets that close all open containers.
    pub(super) fn closing_brackets(&self) -> String {
        self.open.iter().rev().map(|is_object| if *is_object { '}' } else { ']' }).collect()
    }

    /// Continues with an element of the list at this depth, as after a comma.
    pub(super) fn expect_element(&mut self, list_depth: usize) {
        self.open.truncate(list_depth);
        (self.expected, self.token, self.is_escaped) = (Expected::Value, JsonToken::None, false);
    }

    /// Whether the next byte is in a string and not escaped.
    pub(super) fn in_plain_string(&self) -> bool {
        self.token == JsonToken::String && !self.is_escaped
    }

    pub(super) fn in_literal(&self) -> bool {
        self.token == JsonToken::Literal
    }

    /// Whether the whole input so far is a literal, which ends with the input.
    pub(super) fn in_outer_literal(&self) -> bool {
        self.in_literal() && self.open.is_empty()
    }

    pub(super) fn is_done(&self) -> bool {
        self.expected == Expected::End && self.token == JsonToken::None
    }

    /// Marks the current value as read by another scanner.
    pub(super) fn value_done(&mut self) {
        self.token = JsonToken::None;
        self.expected = if self.open.is_empty() { Expected::End } else { Expected::CommaOrEnd };
    }

    /// Scans the next byte.
    pub(super) fn feed(&mut self, byte: u8) -> ScanStep {
        match self.token {
            JsonToken::Key | JsonToken::String => return self.feed_string(byte),
            JsonToken::Literal if is_literal(byte) => return ScanStep::Continue,
            JsonToken::Literal => {
                self.value_done();
                if self.open.is_empty() {
                    return if byte.is_ascii_whitespace() { ScanStep::Done } else { ScanStep::Invalid };
                }
            }
            JsonToken::None => {}
        }
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            return ScanStep::Continue;
        }
        self.feed_outer(byte)
    }

    fn feed_string(&mut self, byte: u8) -> ScanStep {
        match byte {
            // A string cannot contain a line break.
            b'\n' => return ScanStep::Invalid,
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = true,
            b'"' if self.token == JsonToken::Key => {
                self.token = JsonToken::None;
                self.expected = Expected::Colon;
            }
            b'"' => {
                self.value_done();
                if self.is_done() {
                    return ScanStep::Done;
                }
            }
            _ => {}
        }
        ScanStep::Continue
    }

    fn feed_outer(&mut self, byte: u8) -> ScanStep {
        use Expected::{Colon, CommaOrEnd, Key, KeyOrEnd, Value, ValueOrEnd};
        let in_object = self.open.last().copied();
        match (byte, self.expected) {
            (b'{' | b'[', Value | ValueOrEnd) => {
                if self.open.len() == DEPTH_MAX {
                    return ScanStep::Invalid;
                }
                self.open.push(byte == b'{');
                self.expected = if byte == b'{' { KeyOrEnd } else { ValueOrEnd };
            }
            (b'"', Value | ValueOrEnd) => self.token = JsonToken::String,
            (_, Value | ValueOrEnd) if is_literal(byte) => self.token = JsonToken::Literal,
            (b'"', Key | KeyOrEnd) => self.token = JsonToken::Key,
            (b':', Colon) => self.expected = Value,
            (b',', CommaOrEnd) => self.expected = if in_object == Some(true) { Key } else { Value },
            (b'}', KeyOrEnd | CommaOrEnd) if in_object == Some(true) => return self.close(),
            (b']', ValueOrEnd | CommaOrEnd) if in_object == Some(false) => return self.close(),
            _ => return ScanStep::Invalid,
        }
        ScanStep::Continue
    }

    fn close(&mut self) -> ScanStep {
        self.open.pop();
        self.value_done();
        if self.open.is_empty() { ScanStep::Done } else { ScanStep::Continue }
    }
}

/// Whether a byte can be in a number, `true`, `false` or `null`.
fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}
