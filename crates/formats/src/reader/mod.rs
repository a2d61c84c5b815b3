//! Splits files into records, one at a time, in constant memory.
//!
//! A file is a table (see [`csv_table`]) or contains JSON values: one per line, several in a row, or one over many lines.
//! A list, and a page with its records in `value` or `records`, is not read as a whole: each element is a record, and the
//! other members of the page are skipped. An object is a page if it has a list of objects under such a name at its first
//! level, and before it no member that occurs only in records.
//!
//! A value that is not JSON ends with its line: it is reported, and reading continues with the next line. (An invalid
//! value of several lines extends to the next line that starts a value.) Within a list, reading cannot continue after
//! invalid JSON, so the file ends there. A record that is too large is reported and skipped without keeping it in memory.

mod byte_reader;
mod encoding;
mod error;
mod csv_table;

use std::collections::VecDeque;
use std::io::Read;

use byte_reader::{ByteReader, continues};
use csv_table::{CsvTable, FileHead};
use encoding::Utf8Reader;
use error::{file_error, record_error};

use super::json_scanner::{Expected, JsonScanner, ScanStep};
use super::pages::{is_page_key, is_record_key, records};
use model::json::{JsonNode, has_more_values_than};

pub use error::RecordReadError;

/// The maximum size of a record, in bytes.
pub const RECORD_BYTES_MAX: usize = 16 << 20;
/// The maximum number of values in a record. Real records have a few thousand; a tree of millions would need many times
/// the memory of its JSON and keep a core busy for seconds.
const VALUES_MAX: usize = 100_000;

/// An iterator over the records of a file, each with the line on which it starts.
pub struct RecordReader<R> {
    bytes: ByteReader<R>,
    state: ReadState,
    ready: VecDeque<(u64, JsonNode)>,
    /// The bytes of the value being read.
    value: Vec<u8>,
    record_bytes_max: usize,
}

/// The position within the structure of a file.
enum ReadState {
    /// At the start of a file of unknown format.
    Start,
    /// In a table.
    Table(Box<CsvTable>),
    /// Between values.
    Outside,
    /// In a list or a page, which is returned element by element.
    Inside { scanner: JsonScanner, list_depth: usize, key: Vec<u8>, started: u64 },
    /// At the end.
    End,
}

/// The result of reading one value.
enum ValueOutcome {
    Complete,
    TooLarge,
    Truncated,
    Invalid,
    /// The value is a page; the start of its list of records was read.
    Page(JsonScanner),
}

impl<R: Read> RecordReader<R> {
    /// Creates a reader of JSON in UTF-8.
    pub fn new(input: R) -> Self {
        Self::with(Utf8Reader::utf8(input), ReadState::Outside, RECORD_BYTES_MAX)
    }

    /// Creates a reader of a file: JSON, or a table with records, in UTF-8 or UTF-16.
    pub fn from_file(input: R) -> Self {
        Self::with(Utf8Reader::detecting(input), ReadState::Start, RECORD_BYTES_MAX)
    }

    fn with(input: Utf8Reader<R>, state: ReadState, record_bytes_max: usize) -> Self {
        Self { bytes: ByteReader::new(input), state, ready: VecDeque::new(), value: Vec::new(), record_bytes_max }
    }

    /// Reads up to the next record, error or change of structure. Returns `None` at the end.
    fn step(&mut self) -> Option<Result<(), RecordReadError>> {
        match std::mem::replace(&mut self.state, ReadState::End) {
            ReadState::End => None,
            ReadState::Start => Some(self.start()),
            ReadState::Table(table) => self.row(table),
            ReadState::Outside => self.outside(),
            ReadState::Inside { scanner, list_depth, key, started } => self.inside(scanner, list_depth, key, started),
        }
    }

    /// Detects the format of a file.
    fn start(&mut self) -> Result<(), RecordReadError> {
        self.bytes.skip_mark();
        while self.bytes.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.bytes.next();
        }
        if self.bytes.peek() == Some(0x1f) {
            let first = self.bytes.first_bytes(2, 1);
            let is_gzip = first == [0x1f, 0x8b];
            let line = self.bytes.line;
            self.bytes.push_back(first, line);
            if is_gzip {
                let reason = "the file is compressed; unpack it first: `gunzip -c FILE | auditgraph import -`";
                return Err(file_error(1, reason));
            }
        }
        match FileHead::of(&mut self.bytes, self.record_bytes_max) {
            FileHead::Other => self.state = ReadState::Outside,
            FileHead::WithRecords(table) => self.state = ReadState::Table(table),
            FileHead::Columns => {
                let reason = "the file is a table (CSV) without a column `AuditData`: it has lost parts of the records \
                    that it was made from, so nothing of it is read; export them as JSON instead";
                return Err(file_error(self.bytes.line, reason));
            }
        }
        Ok(())
    }

    fn row(&mut self, mut table: Box<CsvTable>) -> Option<Result<(), RecordReadError>> {
        let row = table.next(&mut self.bytes)?;
        self.state = ReadState::Table(table);
        Some(row.map(|row| self.ready.push_back(row)))
    }

    fn outside(&mut self) -> Option<Result<(), RecordReadError>> {
        let first = loop {
            match self.bytes.peek()? {
                // Separators between values.
                b' ' | b'\t' | b'\r' | b'\n' | b',' | 0x1e => _ = self.bytes.next(),
                // Concatenated files have one byte order mark each.
                0xef if self.bytes.skip_mark() => {}
                first => break first,
            }
        };
        let started = self.bytes.line;
        if matches!(first, 0xff | 0xfe) && started == 1 {
            self.state = ReadState::End;
            return Some(Err(file_error(started, "the file is not UTF-8; if it is UTF-16, convert it")));
        }
        self.state = ReadState::Outside;
        if first == b'[' {
            self.bytes.next();
            let mut scanner = JsonScanner::default();
            scanner.feed(b'[');
            self.state = ReadState::Inside { scanner, list_depth: 1, key: Vec::new(), started };
            return Some(Ok(()));
        }
        if !matches!(first, b'{' | b'"') {
            self.bytes.skip_line();
            return Some(Err(file_error(started, "the line is not JSON")));
        }
        match self.read_value(true) {
            ValueOutcome::Complete => Some(self.keep(started)),
            ValueOutcome::TooLarge => Some(Err(self.too_large(started))),
            ValueOutcome::Truncated => {
                if self.resume(started) {
                    return Some(Err(file_error(started, "the line is not a whole JSON value")));
                }
                self.state = ReadState::End;
                Some(Err(file_error(started, "the file ends inside this record")))
            }
            ValueOutcome::Invalid => {
                self.resume(started);
                Some(Err(file_error(started, "the line is not JSON")))
            }
            ValueOutcome::Page(scanner) => {
                self.state = ReadState::Inside { scanner, list_depth: 2, key: b"value".to_vec(), started };
                Some(Ok(()))
            }
        }
    }

    fn inside(
        &mut self,
        mut scanner: JsonScanner,
        list_depth: usize,
        mut key: Vec<u8>,
        started: u64,
    ) -> Option<Result<(), RecordReadError>> {
        let is_page = list_depth == 2;
        loop {
            let Some(byte) = self.bytes.peek() else {
                return self.bytes.error.is_none().then(|| Err(file_error(started, "the file ends inside this list")));
            };
            let in_list = scanner.depth() == list_depth && (!is_page || is_page_name(&key));
            let starts_value = !byte.is_ascii_whitespace() && byte != b']';
            if in_list && scanner.expects_value() && starts_value {
                let line = self.bytes.line;
                let outcome = self.read_value(false);
                scanner.value_done();
                self.state = ReadState::Inside { scanner, list_depth, key, started };
                return Some(match outcome {
                    ValueOutcome::Complete => self.keep(line),
                    ValueOutcome::TooLarge => Err(self.too_large(line)),
                    ValueOutcome::Truncated | ValueOutcome::Invalid | ValueOutcome::Page(_) => {
                        self.state = ReadState::End;
                        Err(file_error(line, "the list is not JSON from here on; the rest of the file is not read"))
                    }
                });
            }
            self.bytes.next();
            let was_key = scanner.in_key();
            match scanner.feed(byte) {
                ScanStep::Continue => {}
                ScanStep::Done => {
                    self.state = ReadState::Outside;
                    return Some(Ok(()));
                }
                ScanStep::Invalid => {
                    let reason = "the list is not JSON from here on; the rest of the file is not read";
                    return Some(Err(file_error(self.bytes.line, reason)));
                }
            }
            track_key(&mut key, &scanner, was_key, byte);
        }
    }

    /// Reads a value, starting at the next byte.
    fn read_value(&mut self, is_outside: bool) -> ValueOutcome {
        self.value.clear();
        let mut scanner = JsonScanner::default();
        let mut key = Vec::new();
        let mut may_be_page = is_outside;
        let mut is_too_large = false;
        let mut kept_line = None;
        while self.bytes.peek().is_some() {
            if scanner.in_plain_string() && !is_too_large {
                let room = self.record_bytes_max - self.value.len();
                self.bytes.take_plain(&mut self.value, room);
            }
            let Some(byte) = self.bytes.peek() else { break };
            let was_key = scanner.in_key();
            let is_outer = scanner.depth() == 0 && scanner.expected() == Expected::End;
            // A literal ends before the byte that follows it.
            if is_outer || (scanner.depth() == 0 && scanner.in_literal() && matches!(byte, b',' | b']' | b'}')) {
                break;
            }
            if may_be_page
                && byte == b'{'
                && scanner.depth() == 2
                && scanner.expected() == Expected::ValueOrEnd
                && is_page_name(&key)
            {
                return ValueOutcome::Page(scanner);
            }
            self.bytes.next();
            is_too_large |= self.value.len() >= self.record_bytes_max;
            if is_too_large && byte == b'\n' {
                // Of a skipped value, only the last line is kept, because another value may start there.
                self.value.clear();
                kept_line = Some(self.bytes.line);
            } else if self.value.len() < self.record_bytes_max {
                self.value.push(byte);
            } else {
                kept_line = None;
            }
            match scanner.feed(byte) {
                ScanStep::Continue => {}
                ScanStep::Done => break,
                ScanStep::Invalid if is_too_large && is_outside => {
                    match kept_line {
                        Some(line) => self.bytes.push_back(std::mem::take(&mut self.value), line),
                        None => self.bytes.skip_line(),
                    }
                    return ValueOutcome::TooLarge;
                }
                ScanStep::Invalid => return ValueOutcome::Invalid,
            }
            track_key(&mut key, &scanner, was_key, byte);
            if was_key && !scanner.in_key() && std::str::from_utf8(&key).is_ok_and(is_record_key) {
                may_be_page = false;
            }
        }
        match (is_too_large, scanner.is_done() || scanner.in_outer_literal()) {
            (true, _) => ValueOutcome::TooLarge,
            (false, true) => ValueOutcome::Complete,
            (false, false) => ValueOutcome::Truncated,
        }
    }

    /// Parses the value that was read, and queues its records.
    fn keep(&mut self, line: u64) -> Result<(), RecordReadError> {
        let text = std::str::from_utf8(&self.value).map_err(|cause| {
            let at = cause.valid_up_to();
            let is_surrogate = matches!(self.value[at..], [0xed, 0xa0..=0xbf, ..]);
            let what = if is_surrogate { "has half of a surrogate pair at" } else { "is not UTF-8 from" };
            record_error(line, &format!("the record {what} its byte {at}{}", if is_surrogate { "" } else { " on" }))
        })?;
        if has_more_values_than(text, VALUES_MAX) {
            return Err(record_error(line, &format!("the record has more than {VALUES_MAX} values")));
        }
        let node = JsonNode::read(text).map_err(|reason| record_error(line, &format!("the record {reason}")))?;
        // Lists were split into elements before, so a list here is an element, and no valid record.
        let found = if matches!(node, JsonNode::Array(_)) { vec![node] } else { records(node) };
        self.ready.extend(found.into_iter().map(|record| (line, record)));
        self.value.shrink_to(1 << 20);
        Ok(())
    }

    fn too_large(&self, line: u64) -> RecordReadError {
        record_error(line, &format!("the record has more than {} bytes", self.record_bytes_max))
    }

    /// Continues after a value that is not JSON, with the next line that starts a value. Returns whether that line was
    /// already read.
    fn resume(&mut self, started: u64) -> bool {
        let mut line = started;
        let mut at = 0;
        while let Some(length) = self.value[at..].iter().position(|byte| *byte == b'\n') {
            at += length + 1;
            line += 1;
            if self.value.get(at).is_none_or(|byte| !continues(*byte)) {
                let rest = self.value.split_off(at);
                let has_rest = !rest.is_empty();
                self.bytes.push_back(rest, line);
                return has_rest;
            }
        }
        self.bytes.skip_line();
        if line > started {
            self.bytes.skip_continued();
        }
        false
    }
}

/// Tracks the last key at the first level of an object.
fn track_key(key: &mut Vec<u8>, scanner: &JsonScanner, was_key: bool, byte: u8) {
    /// The maximum length of a tracked key, which exceeds all relevant keys.
    const KEY_BYTES_MAX: usize = 64;
    if scanner.depth() != 1 {
        return;
    }
    match (was_key, scanner.in_key()) {
        (false, true) => key.clear(),
        (true, true) if key.len() < KEY_BYTES_MAX => key.push(byte),
        _ => {}
    }
}

fn is_page_name(key: &[u8]) -> bool {
    std::str::from_utf8(key).is_ok_and(is_page_key)
}

impl<R: Read> Iterator for RecordReader<R> {
    type Item = Result<(u64, JsonNode), RecordReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Some(Ok(record));
            }
            let step = self.step();
            if let Some(cause) = self.bytes.error.take() {
                self.state = ReadState::End;
                return Some(Err(cause));
            }
            match step? {
                Ok(()) => {}
                Err(cause) => return Some(Err(cause)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
