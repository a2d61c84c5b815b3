//! Splits files into records, one at a time, in constant memory.
//!
//! A file is a table (see [`csv_table`]) or contains JSON values: one per line, several in a row, or one over many lines.
//! A list, and a page with its records in `value` or `records`, is not read as a whole: each element is a record, and the
//! other members of the page are skipped (see [`list`]). Other values that contain records are read as a whole, and
//! element by element only if they are large (see [`value`]).
//!
//! A value that is not JSON ends with its line: it is reported, and reading continues with the next line. (An invalid
//! value of several lines extends to the next line that starts a value.) The same applies to a list that becomes invalid;
//! its error counts the lines that are not read. A record that is too large is reported and skipped without keeping it in
//! memory.

mod byte_reader;
mod csv_table;
mod encoding;
mod error;
mod list;
mod value;

use std::collections::VecDeque;
use std::io::Read;

use byte_reader::{ByteReader, continues};
use csv_table::{CsvTable, FileHead};
use encoding::Utf8Reader;
use error::{file_error, record_error};
use list::OpenList;
use value::ValueOutcome;

use super::pages::{row_as_object, split};
use model::json::{JsonNode, has_more_values_than};

pub use error::{ReadWarning, RecordReadError};

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
    warnings: Vec<ReadWarning>,
    /// The bytes of the value being read.
    value: Vec<u8>,
    /// Whether a list over several lines was invalid, so that the brackets that end it may follow.
    may_be_closed: bool,
    /// Whether a value that may be a page was found, so that others are expected.
    has_pages: bool,
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
    /// In lists or pages, which are returned element by element. The last one is the innermost.
    Inside(Vec<OpenList>),
    /// At the end.
    End,
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
        Self {
            bytes: ByteReader::new(input),
            state,
            ready: VecDeque::new(),
            warnings: Vec::new(),
            value: Vec::new(),
            may_be_closed: false,
            has_pages: false,
            record_bytes_max,
        }
    }

    /// Returns the warnings since the last call.
    pub fn take_warnings(&mut self) -> Vec<ReadWarning> {
        std::mem::take(&mut self.warnings)
    }

    /// Reads up to the next record, error or change of structure. Returns `None` at the end.
    fn step(&mut self) -> Option<Result<(), RecordReadError>> {
        match std::mem::replace(&mut self.state, ReadState::End) {
            ReadState::End => None,
            ReadState::Start => Some(self.start()),
            ReadState::Table(table) => self.row(table),
            ReadState::Outside => self.outside(),
            ReadState::Inside(lists) => self.inside(lists),
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
                // The end of an invalid list.
                b']' | b'}' if self.may_be_closed => _ = self.bytes.next(),
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
            self.may_be_closed = false;
            self.bytes.next();
            self.state = ReadState::Inside(vec![OpenList::bare(started)]);
            return Some(Ok(()));
        }
        if !matches!(first, b'{' | b'"') {
            self.bytes.skip_line();
            return Some(Err(file_error(started, "the line is not JSON")));
        }
        match self.read_value(true) {
            ValueOutcome::Complete => Some(self.keep(started, None)),
            ValueOutcome::Parsed(node) => Some(self.keep_node(started, node, None)),
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
            ValueOutcome::Page(list) => {
                self.may_be_closed = false;
                self.state = ReadState::Inside(vec![self.opened(list, started)]);
                Some(Ok(()))
            }
        }
    }

    /// Parses the value that was read, and queues its records. `columns` are those of the table whose row it is.
    fn keep(&mut self, line: u64, columns: Option<&[String]>) -> Result<(), RecordReadError> {
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
        self.value.shrink_to(1 << 20);
        self.keep_node(line, node, columns)
    }

    /// Queues the records of a value.
    fn keep_node(&mut self, line: u64, node: JsonNode, columns: Option<&[String]>) -> Result<(), RecordReadError> {
        if let Some(columns) = columns {
            let row = row_as_object(columns, node).map_err(|reason| record_error(line, &reason))?;
            self.ready.push_back((line, row));
            return Ok(());
        }
        let found = split(node);
        self.warnings.extend(found.warnings.into_iter().map(|text| ReadWarning { line, text }));
        self.ready.extend(found.records.into_iter().map(|record| (line, record)));
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
