//! Reads lists element by element: bare lists, lists in lists, and the lists of pages.
//!
//! If a list becomes invalid, reading continues with the next line that can start a value outside of the list, or, in an
//! indented list, with the next line that starts an element with the same indentation. The error counts the lines
//! between.

use std::io::Read;

use super::ReadState;
use super::RecordReader;
use super::byte_reader::continues;
use super::error::{RecordReadError, file_error};
use super::value::{FoundList, ValueOutcome, track_key};
use crate::json_scanner::{JsonScanner, ScanStep};
use crate::pages::{is_next_link_key, is_page_key};

/// The maximum number of nested lists that are read element by element. Deeper lists are read as one value.
const LISTS_MAX: usize = 8;

/// A list that is being read.
pub(super) struct OpenList {
    /// The state within the value that contains the list.
    scanner: JsonScanner,
    /// The depth of the list's elements in that value.
    list_depth: usize,
    /// The key of the list in its page. Empty for a bare list.
    list_key: Vec<u8>,
    /// The last key in the page.
    key: Vec<u8>,
    /// The names of the columns if the elements are rows of a table.
    columns: Option<Vec<String>>,
    /// The line on which the value starts.
    started: u64,
    /// The indentation of the elements, if they start on lines of their own.
    indentation: Option<usize>,
}

/// The start of the part of an invalid list that is not read.
enum ListError {
    /// The list is invalid at the next byte, or at the byte before it.
    Between,
    /// An element that starts on this line is invalid. Its bytes are in [`RecordReader::value`].
    Element(u64),
}

/// The position at which reading continues after an invalid list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Continuation {
    /// Outside of the list.
    Outside,
    /// With an element of the list.
    Element,
    /// At the end of the file.
    End,
}

impl OpenList {
    /// Creates a list that is not in a page, after its opening bracket.
    pub(super) fn bare(started: u64) -> Self {
        let mut scanner = JsonScanner::default();
        scanner.feed(b'[');
        let (list_key, key) = (Vec::new(), Vec::new());
        Self { scanner, list_depth: 1, list_key, key, columns: None, started, indentation: None }
    }

    /// Whether an element of the list starts with this byte.
    fn is_element(&self, byte: u8) -> bool {
        let is_in_list = self.scanner.depth() == self.list_depth
            && (self.list_depth == 1
                || self.key == self.list_key
                || std::str::from_utf8(&self.key).is_ok_and(is_page_key));
        is_in_list && self.scanner.expects_value() && !byte.is_ascii_whitespace() && byte != b']'
    }

    /// Whether a bracket that starts an object or a list is invalid here.
    fn is_unexpected(&self, byte: u8) -> bool {
        matches!(byte, b'{' | b'[') && !self.scanner.expects_value() && !self.scanner.in_token()
    }

    /// Scans a byte outside of the elements. Returns whether it belongs to the link to the next page.
    fn feed(&mut self, byte: u8) -> (ScanStep, bool) {
        let (was_key, was_string) = (self.scanner.in_key(), self.scanner.in_string());
        let page_depth = self.list_depth - 1;
        let is_link = was_string
            && byte != b'"'
            && self.scanner.depth() == page_depth
            && std::str::from_utf8(&self.key).is_ok_and(is_next_link_key);
        let step = self.scanner.feed(byte);
        track_key(&mut self.key, &self.scanner, page_depth, was_key, byte);
        (step, is_link)
    }
}

impl<R: Read> RecordReader<R> {
    /// Starts to read the list of a page.
    pub(super) fn opened(&mut self, found: FoundList, started: u64) -> OpenList {
        if found.has_next_page {
            self.warn_of_next_page(started);
        }
        let FoundList { scanner, key, columns, .. } = found;
        let list_depth = scanner.depth();
        OpenList { scanner, list_depth, list_key: key.clone(), key, columns, started, indentation: None }
    }

    /// Reads up to the next record, error or change of structure in the innermost list.
    pub(super) fn inside(&mut self, mut lists: Vec<OpenList>) -> Option<Result<(), RecordReadError>> {
        let can_nest = lists.len() < LISTS_MAX;
        loop {
            let list = lists.last_mut()?;
            let Some(byte) = self.bytes.peek() else {
                let started = list.started;
                return self.bytes.error.is_none().then(|| Err(file_error(started, "the file ends inside this list")));
            };
            if list.is_element(byte) {
                let line = self.bytes.line;
                list.indentation = list.indentation.or(self.bytes.blanks_before());
                if byte == b'[' && list.columns.is_none() && can_nest {
                    self.bytes.next();
                    lists.push(OpenList::bare(line));
                    self.state = ReadState::Inside(lists);
                    return Some(Ok(()));
                }
                return Some(self.element(lists, line, can_nest));
            }
            if self.bytes.blanks_before().is_some() && list.is_unexpected(byte) {
                return Some(Err(self.recover(lists, &ListError::Between)));
            }
            self.bytes.next();
            let (step, is_link) = list.feed(byte);
            if is_link {
                let started = list.started;
                self.warn_of_next_page(started);
            }
            match step {
                ScanStep::Continue => {}
                ScanStep::Done => {
                    lists.pop();
                    self.state = match lists.last_mut() {
                        Some(outer) => {
                            outer.scanner.value_done();
                            ReadState::Inside(lists)
                        }
                        None => ReadState::Outside,
                    };
                    return Some(Ok(()));
                }
                ScanStep::Invalid => return Some(Err(self.recover(lists, &ListError::Between))),
            }
        }
    }

    /// Reads an element of the innermost list, which starts at the next byte.
    fn element(&mut self, mut lists: Vec<OpenList>, line: u64, can_nest: bool) -> Result<(), RecordReadError> {
        let columns = lists.last().and_then(|list| list.columns.as_deref());
        let outcome = self.read_element(can_nest && columns.is_none());
        let result = match outcome {
            ValueOutcome::Complete => self.keep(line, columns),
            ValueOutcome::Parsed(node) => self.keep_node(line, node, columns),
            ValueOutcome::TooLarge => Err(self.too_large(line)),
            ValueOutcome::Truncated | ValueOutcome::Invalid => {
                return Err(self.recover(lists, &ListError::Element(line)));
            }
            ValueOutcome::Page(found) => {
                let inner = self.opened(found, line);
                lists.push(inner);
                self.state = ReadState::Inside(lists);
                return Ok(());
            }
        };
        if let Some(list) = lists.last_mut() {
            list.scanner.value_done();
        }
        self.state = ReadState::Inside(lists);
        result
    }

    /// Skips the part of an invalid list that cannot be read, and returns the error.
    fn recover(&mut self, mut lists: Vec<OpenList>, error: &ListError) -> RecordReadError {
        let line = match error {
            ListError::Between => self.bytes.line,
            ListError::Element(line) => {
                self.push_back_later_lines(*line);
                *line
            }
        };
        let is_on_one_line = lists.first().is_some_and(|list| list.started == line);
        let innermost = lists.last().filter(|list| list.scanner.depth() >= list.list_depth);
        let indentation = innermost.and_then(|list| list.indentation).filter(|blanks| *blanks > 0);
        let continuation = self.skip_to_value(|blanks, byte| match (blanks, byte) {
            (0, b'{' | b'[') => Some(Continuation::Outside),
            (0, byte) if is_on_one_line && !continues(byte) => Some(Continuation::Outside),
            (blanks, b'{') if indentation == Some(blanks) => Some(Continuation::Element),
            _ => None,
        });
        let next = self.bytes.line;
        let end =
            if continuation == Continuation::End && self.bytes.blanks_before() != Some(0) { next + 1 } else { next };
        self.state = match continuation {
            Continuation::End => ReadState::End,
            Continuation::Outside => ReadState::Outside,
            Continuation::Element => {
                if let Some(list) = lists.last_mut() {
                    list.scanner.expect_element(list.list_depth);
                }
                ReadState::Inside(lists)
            }
        };
        self.may_be_closed = continuation == Continuation::Outside && !is_on_one_line;
        let lines_skipped = end.saturating_sub(line);
        let reason = match (continuation, lines_skipped) {
            (_, 0) => "the list is not JSON here: a comma or the end of the list is missing".to_owned(),
            (Continuation::End, 1) => {
                "the list is not JSON from here on; the rest of the line, which is the last, is not read".to_owned()
            }
            (_, 1) => "the list is not JSON from here on; the rest of the line is not read".to_owned(),
            (Continuation::End, lines) => format!(
                "the list is not JSON from here on; the rest of the file is not read ({lines} lines, counted from this one)"
            ),
            (_, _) => format!("the list is not JSON from here on; up to line {} it is not read", end - 1),
        };
        RecordReadError { lines_skipped, ..file_error(line, &reason) }
    }

    /// Pushes back the part of the value after its first line, which is this one. If the value ends on that line, skips
    /// the rest of the line.
    fn push_back_later_lines(&mut self, line: u64) {
        if let Some(length) = self.value.iter().position(|byte| *byte == b'\n') {
            let rest = self.value.split_off(length + 1);
            self.bytes.push_back(rest, line + 1);
        } else {
            self.bytes.skip_line();
        }
    }

    /// Skips the rest of the line, and then lines up to one that starts a value, as determined by its number of blanks
    /// and its first other byte.
    fn skip_to_value(&mut self, start: impl Fn(usize, u8) -> Option<Continuation>) -> Continuation {
        loop {
            while self.bytes.blanks_before().is_some() && matches!(self.bytes.peek(), Some(b' ' | b'\t')) {
                self.bytes.next();
            }
            let Some(byte) = self.bytes.peek() else { return Continuation::End };
            if let Some(found) = self.bytes.blanks_before().and_then(|blanks| start(blanks, byte)) {
                return found;
            }
            self.bytes.skip_line();
            self.bytes.next();
        }
    }

    fn warn_of_next_page(&mut self, line: u64) {
        let warning = super::ReadWarning::next_page(line);
        if self.warnings.last() != Some(&warning) {
            self.warnings.push(warning);
        }
    }
}
