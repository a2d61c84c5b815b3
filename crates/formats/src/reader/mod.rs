//! Cuts files into records, one at a time, in constant memory.
//!
//! A file is a table of records (see `table.rs`), or has JSON values: one per line, several in a row, or one over many
//! lines. A list, and a page with its records in `value` or `records`, is not read as a whole: each element is a
//! record, and the page's other members are skipped. An object counts as a page once such a list of objects is found at
//! its first level, with no member before it that only a record has.
//!
//! A value that is not JSON ends with its line: it is reported, and reading goes on with the next line. (What follows
//! a broken value of many lines, up to the next line that starts a value, belongs to it.) Inside a list there is no
//! such place to go on from: the file ends there. A record that is too large is reported and skipped, never kept in
//! memory.

mod bytes;
mod encoding;
mod table;

use std::collections::VecDeque;
use std::fmt;
use std::io::Read;

use bytes::{Bytes, continues};
use encoding::Text;
use table::{Head, Table};

use super::grammar::{Expected, Grammar, Step, values_beyond};
use super::{is_page_key, is_record_key, records};
use model::json::JsonNode;

/// The most bytes that a record may have.
pub const RECORD_BYTES_MAX: usize = 16 << 20;
/// The most values that a record may have. Real ones have a few thousand; a tree of millions would take many times the
/// memory of its text and keep a core busy for seconds.
const VALUES_MAX: usize = 100_000;

/// A place in a file that has no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadProblem {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// What is wrong with it, safe to show.
    pub reason: String,
    /// Whether it is about one record alone, so that the others are read as if it were not there.
    pub is_of_record: bool,
}

impl fmt::Display for ReadProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for ReadProblem {}

/// The records of a file, each with the line on which it begins.
pub struct Records<R> {
    bytes: Bytes<R>,
    place: Place,
    ready: VecDeque<(u64, JsonNode)>,
    /// The bytes of the value being read.
    value: Vec<u8>,
    record_bytes_max: usize,
}

/// Where reading stands.
enum Place {
    /// Before a file that may be anything.
    Start,
    /// In a table.
    Table(Box<Table>),
    /// Between values.
    Outside,
    /// In a list, or a page, that is passed on element by element.
    Inside { grammar: Grammar, list_depth: usize, key: Vec<u8>, started: u64 },
    /// Nothing more is read.
    End,
}

/// What became of reading one value.
enum Outcome {
    Whole,
    TooLarge,
    Truncated,
    Wrong,
    /// The value turned out to be a page, whose list of records has just been entered.
    Page(Grammar),
}

impl<R: Read> Records<R> {
    /// The records of JSON in UTF-8.
    pub fn new(input: R) -> Self {
        Self::with(Text::of_utf8(input), Place::Outside, RECORD_BYTES_MAX)
    }

    /// The records of a file: JSON, or a table with records in it, in UTF-8 or UTF-16.
    pub fn of_file(input: R) -> Self {
        Self::with(Text::of_file(input), Place::Start, RECORD_BYTES_MAX)
    }

    fn with(input: Text<R>, place: Place, record_bytes_max: usize) -> Self {
        Self { bytes: Bytes::new(input), place, ready: VecDeque::new(), value: Vec::new(), record_bytes_max }
    }

    /// Reads on until there is something to say; none at the end.
    fn step(&mut self) -> Option<Result<(), ReadProblem>> {
        match std::mem::replace(&mut self.place, Place::End) {
            Place::End => None,
            Place::Start => Some(self.start()),
            Place::Table(table) => self.row(table),
            Place::Outside => self.outside(),
            Place::Inside { grammar, list_depth, key, started } => self.inside(grammar, list_depth, key, started),
        }
    }

    /// Sees what a file is.
    fn start(&mut self) -> Result<(), ReadProblem> {
        self.bytes.skip_mark();
        while self.bytes.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.bytes.next();
        }
        if self.bytes.peek() == Some(0x1f) {
            let first = self.bytes.first_bytes(2, 1);
            let is_gzip = first == [0x1f, 0x8b];
            let line = self.bytes.line;
            self.bytes.read_again(first, line);
            if is_gzip {
                let reason = "the file is compressed; unpack it first: `gunzip -c FILE | auditgraph import -`";
                return Err(problem(1, reason));
            }
        }
        match Head::of(&mut self.bytes, self.record_bytes_max) {
            Head::Other => self.place = Place::Outside,
            Head::Records(table) => self.place = Place::Table(table),
            Head::Columns => {
                let reason = "the file is a table (CSV) without a column `AuditData`: it has lost parts of the records \
                    that it was made from, so nothing of it is read; export them as JSON instead";
                return Err(problem(self.bytes.line, reason));
            }
        }
        Ok(())
    }

    fn row(&mut self, mut table: Box<Table>) -> Option<Result<(), ReadProblem>> {
        let row = table.next(&mut self.bytes)?;
        self.place = Place::Table(table);
        Some(row.map(|row| self.ready.push_back(row)))
    }

    fn outside(&mut self) -> Option<Result<(), ReadProblem>> {
        let first = loop {
            match self.bytes.peek()? {
                // Separators that people and tools put between values.
                b' ' | b'\t' | b'\r' | b'\n' | b',' | 0x1e => _ = self.bytes.next(),
                // Files that were joined each bring their mark.
                0xef if self.bytes.skip_mark() => {}
                first => break first,
            }
        };
        let started = self.bytes.line;
        if matches!(first, 0xff | 0xfe) && started == 1 {
            self.place = Place::End;
            return Some(Err(problem(started, "the file is not UTF-8; if it is UTF-16, convert it")));
        }
        self.place = Place::Outside;
        if first == b'[' {
            self.bytes.next();
            let mut grammar = Grammar::default();
            grammar.feed(b'[');
            self.place = Place::Inside { grammar, list_depth: 1, key: Vec::new(), started };
            return Some(Ok(()));
        }
        if !matches!(first, b'{' | b'"') {
            self.bytes.skip_line();
            return Some(Err(problem(started, "the line is not JSON")));
        }
        match self.read_value(true) {
            Outcome::Whole => Some(self.keep(started)),
            Outcome::TooLarge => Some(Err(self.too_large(started))),
            Outcome::Truncated => {
                if self.resume(started) {
                    return Some(Err(problem(started, "the line is not a whole JSON value")));
                }
                self.place = Place::End;
                Some(Err(problem(started, "the file ends inside this record")))
            }
            Outcome::Wrong => {
                self.resume(started);
                Some(Err(problem(started, "the line is not JSON")))
            }
            Outcome::Page(grammar) => {
                self.place = Place::Inside { grammar, list_depth: 2, key: b"value".to_vec(), started };
                Some(Ok(()))
            }
        }
    }

    fn inside(
        &mut self,
        mut grammar: Grammar,
        list_depth: usize,
        mut key: Vec<u8>,
        started: u64,
    ) -> Option<Result<(), ReadProblem>> {
        let is_page = list_depth == 2;
        loop {
            let Some(byte) = self.bytes.peek() else {
                return self.bytes.problem.is_none().then(|| Err(problem(started, "the file ends inside this list")));
            };
            let in_list = grammar.depth() == list_depth && (!is_page || is_page_name(&key));
            let starts_value = !byte.is_ascii_whitespace() && byte != b']';
            if in_list && grammar.expects_value() && starts_value {
                let line = self.bytes.line;
                let outcome = self.read_value(false);
                grammar.value_done();
                self.place = Place::Inside { grammar, list_depth, key, started };
                return Some(match outcome {
                    Outcome::Whole => self.keep(line),
                    Outcome::TooLarge => Err(self.too_large(line)),
                    Outcome::Truncated | Outcome::Wrong | Outcome::Page(_) => {
                        self.place = Place::End;
                        Err(problem(line, "the list is not JSON from here on; the rest of the file is not read"))
                    }
                });
            }
            self.bytes.next();
            let was_key = grammar.in_key();
            match grammar.feed(byte) {
                Step::Going => {}
                Step::Done => {
                    self.place = Place::Outside;
                    return Some(Ok(()));
                }
                Step::Wrong => {
                    let reason = "the list is not JSON from here on; the rest of the file is not read";
                    return Some(Err(problem(self.bytes.line, reason)));
                }
            }
            note_key(&mut key, &grammar, was_key, byte);
        }
    }

    /// Reads a value whose first byte is next.
    fn read_value(&mut self, is_outside: bool) -> Outcome {
        self.value.clear();
        let mut grammar = Grammar::default();
        let mut key = Vec::new();
        let mut may_be_page = is_outside;
        let mut is_too_large = false;
        let mut held_line = None;
        while self.bytes.peek().is_some() {
            if grammar.in_plain_text() && !is_too_large {
                let room = self.record_bytes_max - self.value.len();
                self.bytes.take_plain(&mut self.value, room);
            }
            let Some(byte) = self.bytes.peek() else { break };
            let was_key = grammar.in_key();
            let is_outer = grammar.depth() == 0 && grammar.expected() == Expected::Nothing;
            // A bare word ends before the byte that follows it.
            if is_outer || (grammar.depth() == 0 && grammar.in_word() && matches!(byte, b',' | b']' | b'}')) {
                break;
            }
            if may_be_page
                && byte == b'{'
                && grammar.depth() == 2
                && grammar.expected() == Expected::ValueOrEnd
                && is_page_name(&key)
            {
                return Outcome::Page(grammar);
            }
            self.bytes.next();
            is_too_large |= self.value.len() >= self.record_bytes_max;
            if is_too_large && byte == b'\n' {
                // Of what is passed over, only the last line is held: another value may begin there.
                self.value.clear();
                held_line = Some(self.bytes.line);
            } else if self.value.len() < self.record_bytes_max {
                self.value.push(byte);
            } else {
                held_line = None;
            }
            match grammar.feed(byte) {
                Step::Going => {}
                Step::Done => break,
                Step::Wrong if is_too_large && is_outside => {
                    match held_line {
                        Some(line) => self.bytes.read_again(std::mem::take(&mut self.value), line),
                        None => self.bytes.skip_line(),
                    }
                    return Outcome::TooLarge;
                }
                Step::Wrong => return Outcome::Wrong,
            }
            note_key(&mut key, &grammar, was_key, byte);
            if was_key && !grammar.in_key() && std::str::from_utf8(&key).is_ok_and(is_record_key) {
                may_be_page = false;
            }
        }
        match (is_too_large, grammar.is_done() || grammar.in_outer_word()) {
            (true, _) => Outcome::TooLarge,
            (false, true) => Outcome::Whole,
            (false, false) => Outcome::Truncated,
        }
    }

    /// Makes records of the value that was read.
    fn keep(&mut self, line: u64) -> Result<(), ReadProblem> {
        let text = std::str::from_utf8(&self.value).map_err(|cause| {
            let at = cause.valid_up_to();
            let is_half = matches!(self.value[at..], [0xed, 0xa0..=0xbf, ..]);
            let what = if is_half { "has half of a surrogate pair at" } else { "is not UTF-8 from" };
            of_record(line, &format!("the record {what} its byte {at}{}", if is_half { "" } else { " on" }))
        })?;
        if values_beyond(text, VALUES_MAX) {
            return Err(of_record(line, &format!("the record has more than {VALUES_MAX} values")));
        }
        let node = JsonNode::read(text).map_err(|reason| of_record(line, &format!("the record {reason}")))?;
        // Lists are cut into their elements before; one that is an element is a record, and none that can be read.
        let found = if matches!(node, JsonNode::Array(_)) { vec![node] } else { records(node) };
        self.ready.extend(found.into_iter().map(|record| (line, record)));
        self.value.shrink_to(1 << 20);
        Ok(())
    }

    fn too_large(&self, line: u64) -> ReadProblem {
        of_record(line, &format!("the record has more than {} bytes", self.record_bytes_max))
    }

    /// Goes on after a value that is not JSON: with the line after it, or with the next line that starts a value.
    /// Whether there is one among what was read.
    fn resume(&mut self, started: u64) -> bool {
        let mut line = started;
        let mut at = 0;
        while let Some(length) = self.value[at..].iter().position(|byte| *byte == b'\n') {
            at += length + 1;
            line += 1;
            if self.value.get(at).is_none_or(|byte| !continues(*byte)) {
                let rest = self.value.split_off(at);
                let has_rest = !rest.is_empty();
                self.bytes.read_again(rest, line);
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

fn problem(line: u64, reason: &str) -> ReadProblem {
    ReadProblem { line, reason: reason.to_owned(), is_of_record: false }
}

fn of_record(line: u64, reason: &str) -> ReadProblem {
    ReadProblem { is_of_record: true, ..problem(line, reason) }
}

/// Remembers the last key at the first level of an object.
fn note_key(key: &mut Vec<u8>, grammar: &Grammar, was_key: bool, byte: u8) {
    /// No key that matters is longer.
    const KEY_BYTES: usize = 64;
    if grammar.depth() != 1 {
        return;
    }
    match (was_key, grammar.in_key()) {
        (false, true) => key.clear(),
        (true, true) if key.len() < KEY_BYTES => key.push(byte),
        _ => {}
    }
}

fn is_page_name(key: &[u8]) -> bool {
    std::str::from_utf8(key).is_ok_and(is_page_key)
}

impl<R: Read> Iterator for Records<R> {
    type Item = Result<(u64, JsonNode), ReadProblem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Some(Ok(record));
            }
            let step = self.step();
            if let Some(cause) = self.bytes.problem.take() {
                self.place = Place::End;
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
