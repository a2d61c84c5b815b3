//! Reads one value, and finds the lists in it that have to be read element by element.
//!
//! The list of a page (`value`, `records`) is read element by element from its first element on. Any other list of
//! records is found when the value is complete, because members after the list can show that the value is a record
//! itself. But a value that becomes large, or turns out to be invalid, is read again element by element if its outermost
//! open list contains records.

use std::io::Read;

use super::RecordReader;
use crate::json_scanner::{Expected, JsonScanner, ScanStep};
use crate::pages::{ListContext, is_page_key, is_record_key};
use model::json::JsonNode;

/// The size, in bytes, from which a value with a list of records is read element by element. Such a value is too small
/// to have more values than a record may have.
const LARGE_BYTES: usize = 200_000;
/// The nesting depth from which the JSON parser rejects a value.
const DEPTH_MAX: usize = 128;
/// The depths, within a value, of lists that are read element by element.
const LIST_DEPTHS: std::ops::RangeInclusive<usize> = 2..=6;

/// The result of reading one value.
pub(super) enum ValueOutcome {
    /// The bytes of the value are in [`RecordReader::value`].
    Complete,
    /// The value was read from the buffer.
    Parsed(JsonNode),
    TooLarge,
    Truncated,
    Invalid,
    /// The value contains a list of records; the opening bracket of the list was read.
    Page(FoundList),
}

/// A list of records in a value.
pub(super) struct FoundList {
    /// The state after the opening bracket.
    pub(super) scanner: JsonScanner,
    /// The key of the list.
    pub(super) key: Vec<u8>,
    /// The names of the columns if the elements are rows of a table.
    pub(super) columns: Option<Vec<String>>,
    /// Whether the members before the list have a link to the next page.
    pub(super) has_next_page: bool,
}

/// The start of the outermost open list in the value being read.
struct ListStart {
    scanner: JsonScanner,
    /// The number of bytes of the value before the first element.
    at: usize,
    line: u64,
    blanks: Option<usize>,
}

/// The state of reading a value.
struct ValueRead {
    scanner: JsonScanner,
    /// The last key at the first level.
    key: Vec<u8>,
    may_be_page: bool,
    is_too_large: bool,
    started: u64,
    list: Option<ListStart>,
    /// The size at which the open list is examined next.
    examined_at: usize,
}

impl<R: Read> RecordReader<R> {
    /// Reads a value, starting at the next byte. `is_outside` is false for elements of a list.
    pub(super) fn read_value(&mut self, is_outside: bool) -> ValueOutcome {
        self.read(is_outside, true)
    }

    /// Reads an element of a list, starting at the next byte. Lists in it are read element by element if `can_nest`.
    pub(super) fn read_element(&mut self, can_nest: bool) -> ValueOutcome {
        self.read(false, can_nest)
    }

    fn read(&mut self, is_outside: bool, can_nest: bool) -> ValueOutcome {
        if let Some(node) = self.buffered_object(is_outside) {
            return ValueOutcome::Parsed(node);
        }
        self.value.clear();
        let mut read = ValueRead {
            scanner: JsonScanner::default(),
            key: Vec::new(),
            may_be_page: is_outside,
            is_too_large: false,
            started: self.bytes.line,
            list: None,
            examined_at: LARGE_BYTES,
        };
        let outcome = self.read_bytes(&mut read, is_outside, can_nest);
        match outcome {
            ValueOutcome::Truncated | ValueOutcome::Invalid => {
                self.found_list(&mut read, false).map_or(outcome, ValueOutcome::Page)
            }
            outcome => outcome,
        }
    }

    /// Reads an object that is in the buffer as a whole. Returns `None`, and reads nothing, if the next value is another
    /// one, is not valid, or may be a page: the other functions read these byte by byte, with the same result for all
    /// values that both can read.
    fn buffered_object(&mut self, is_outside: bool) -> Option<JsonNode> {
        if is_outside && self.has_pages {
            return None;
        }
        let bytes = self.bytes.buffered();
        // A larger object may contain a list that is read element by element.
        let bytes = &bytes[..bytes.len().min(self.record_bytes_max).min(LARGE_BYTES - 1)];
        let length = object_length(bytes)?;
        let node = JsonNode::parse(std::str::from_utf8(&bytes[..length]).ok()?)?;
        if is_outside && matches!(&node, JsonNode::Object(members) if members.iter().any(|(key, _)| is_page_key(key))) {
            self.has_pages = true;
            return None;
        }
        self.bytes.consume_value(length);
        Some(node)
    }

    fn read_bytes(&mut self, read: &mut ValueRead, is_outside: bool, can_nest: bool) -> ValueOutcome {
        let mut kept_line = None;
        while self.bytes.peek().is_some() {
            if read.scanner.in_plain_string() && !read.is_too_large {
                let room = self.record_bytes_max - self.value.len();
                self.bytes.take_plain(&mut self.value, room);
            }
            let Some(byte) = self.bytes.peek() else { break };
            if read.ends_before(byte) {
                break;
            }
            if self.bytes.blanks_before() == Some(0)
                && !read.is_too_large
                && read.is_broken_before(byte, self.bytes.line)
            {
                return ValueOutcome::Invalid;
            }
            if read.is_page_before(byte)
                && let Some(found) = self.page(read)
            {
                return ValueOutcome::Page(found);
            }
            self.bytes.next();
            read.is_too_large |= self.value.len() >= self.record_bytes_max;
            if read.is_too_large && byte == b'\n' {
                // Of a skipped value, only the last line is kept, because another value may start there.
                self.value.clear();
                kept_line = Some(self.bytes.line);
            } else if self.value.len() < self.record_bytes_max {
                self.value.push(byte);
            } else {
                kept_line = None;
            }
            match read.feed(byte) {
                ScanStep::Continue => {}
                ScanStep::Done => break,
                ScanStep::Invalid if read.is_too_large && is_outside => {
                    match kept_line {
                        Some(line) => self.bytes.push_back(std::mem::take(&mut self.value), line),
                        None => self.bytes.skip_line(),
                    }
                    return ValueOutcome::TooLarge;
                }
                ScanStep::Invalid => return ValueOutcome::Invalid,
            }
            if can_nest {
                read.track_list(byte, self.value.len(), self.bytes.line, self.bytes.blanks_before());
                if self.value.len() >= read.examined_at && read.list.is_some() {
                    read.examined_at *= 2;
                    if let Some(found) = self.found_list(read, true) {
                        return ValueOutcome::Page(found);
                    }
                }
            }
        }
        match (read.is_too_large, read.scanner.is_done() || read.scanner.in_outer_literal()) {
            (true, _) => ValueOutcome::TooLarge,
            (false, true) => ValueOutcome::Complete,
            (false, false) => ValueOutcome::Truncated,
        }
    }

    /// Returns the list of the page whose first element starts at the next byte.
    fn page(&mut self, read: &mut ValueRead) -> Option<FoundList> {
        let context = ListContext::parse(&self.value, &read.scanner)?;
        let key = std::mem::take(&mut read.key);
        let has_next_page = context.has_next_page();
        Some(FoundList { scanner: std::mem::take(&mut read.scanner), key, columns: None, has_next_page })
    }

    /// Returns the outermost open list of the value if it contains records, and pushes its elements back.
    fn found_list(&mut self, read: &mut ValueRead, is_open_ended: bool) -> Option<FoundList> {
        let list = read.list.as_ref().filter(|_| !read.is_too_large)?;
        let context = ListContext::parse(&self.value[..list.at], &list.scanner)?;
        if !context.contains_records(is_open_ended, || first_element(&self.value[list.at..])) {
            return None;
        }
        let list = read.list.take()?;
        let rest = self.value.split_off(list.at);
        self.bytes.push_back_within(rest, list.line, list.blanks);
        Some(FoundList {
            scanner: list.scanner,
            key: context.key().as_bytes().to_vec(),
            columns: context.columns(),
            has_next_page: context.has_next_page(),
        })
    }
}

impl ValueRead {
    /// Whether the value ends before this byte.
    fn ends_before(&self, byte: u8) -> bool {
        let is_outer = self.scanner.depth() == 0 && self.scanner.expected() == Expected::End;
        // A literal ends before the byte that follows it.
        is_outer || (self.scanner.depth() == 0 && self.scanner.in_literal() && matches!(byte, b',' | b']' | b'}'))
    }

    /// Whether the value is invalid because another value starts with this byte, which is the first of its line, or
    /// because it is too deep for the parser. Without this limit, a file of lines that each open a level would be read
    /// once per line.
    fn is_broken_before(&self, byte: u8, line: u64) -> bool {
        let is_start = matches!(byte, b'{' | b'[') && self.scanner.depth() > 0;
        is_start && !self.scanner.in_token() && !self.scanner.expects_value()
            || self.scanner.depth() > DEPTH_MAX && line > self.started
    }

    /// Whether the value is a page whose first record starts with this byte.
    fn is_page_before(&self, byte: u8) -> bool {
        self.may_be_page
            && byte == b'{'
            && self.scanner.depth() == 2
            && self.scanner.expected() == Expected::ValueOrEnd
            && std::str::from_utf8(&self.key).is_ok_and(is_page_key)
    }

    fn feed(&mut self, byte: u8) -> ScanStep {
        let was_key = self.scanner.in_key();
        let step = self.scanner.feed(byte);
        if step == ScanStep::Continue {
            track_key(&mut self.key, &self.scanner, 1, was_key, byte);
            if was_key && !self.scanner.in_key() && std::str::from_utf8(&self.key).is_ok_and(is_record_key) {
                self.may_be_page = false;
            }
        }
        step
    }

    /// Tracks the outermost open list. `at` is the number of bytes read.
    fn track_list(&mut self, byte: u8, at: usize, line: u64, blanks: Option<usize>) {
        if self.scanner.in_token() {
            return;
        }
        let depth = self.scanner.depth();
        if byte == b']' && self.list.as_ref().is_some_and(|list| list.scanner.depth() > depth) {
            self.list = None;
        } else if byte == b'[' && self.list.is_none() && LIST_DEPTHS.contains(&depth) {
            self.list = Some(ListStart { scanner: self.scanner.clone(), at, line, blanks });
        }
    }
}

/// Returns the length of the object that these bytes start with, if its end is among them. Only strings and brackets are
/// examined, up to a line that may start another value.
fn object_length(bytes: &[u8]) -> Option<usize> {
    if bytes.first() != Some(&b'{') {
        return None;
    }
    let (mut depth, mut at) = (0, 0);
    loop {
        match bytes.get(at)? {
            b'"' => at += string_length(&bytes[at + 1..])?,
            b'{' | b'[' if depth < DEPTH_MAX => depth += 1,
            b'{' | b'[' => return None,
            b'}' | b']' if depth == 1 => return Some(at + 1),
            b'}' | b']' => depth -= 1,
            b'\n' if matches!(bytes.get(at + 1), Some(b'{' | b'[')) => return None,
            _ => {}
        }
        at += 1;
    }
}

/// Returns the number of bytes up to and including the quotation mark that ends a string.
fn string_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n'))?;
        match bytes[at] {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => return None,
        }
    }
}

/// Returns the first element of a list whose elements these bytes are, if it is complete.
fn first_element(bytes: &[u8]) -> Option<JsonNode> {
    let mut scanner = JsonScanner::default();
    for (at, byte) in bytes.iter().enumerate() {
        match scanner.feed(*byte) {
            ScanStep::Continue => {}
            ScanStep::Done => return JsonNode::parse(std::str::from_utf8(&bytes[..=at]).ok()?),
            ScanStep::Invalid => return None,
        }
    }
    None
}

/// Tracks the last key in the object at this depth.
pub(super) fn track_key(key: &mut Vec<u8>, scanner: &JsonScanner, depth: usize, was_key: bool, byte: u8) {
    /// The maximum length of a tracked key, which exceeds all relevant keys.
    const KEY_BYTES_MAX: usize = 64;
    if scanner.depth() != depth {
        return;
    }
    match (was_key, scanner.in_key()) {
        (false, true) => key.clear(),
        (true, true) if key.len() < KEY_BYTES_MAX => key.push(byte),
        _ => {}
    }
}
