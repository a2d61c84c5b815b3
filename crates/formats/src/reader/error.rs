//! Errors in reading a file.

use std::fmt;

use crate::pages::NEXT_PAGE;

/// An error at a position in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordReadError {
    /// The line, starting from 1.
    pub line: u64,
    /// The reason, safe to show.
    pub reason: String,
    /// Whether the error concerns a single record, so that the other records are not affected.
    pub is_of_record: bool,
    /// The number of lines that were skipped, at least in part, although they may contain records.
    pub lines_skipped: u64,
}

/// A remark on a part of a file whose records were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadWarning {
    /// The line, starting from 1.
    pub line: u64,
    /// The remark, safe to show.
    pub text: String,
}

impl ReadWarning {
    /// The warning for a page with a link to the next page.
    pub(super) fn next_page(line: u64) -> Self {
        Self { line, text: NEXT_PAGE.to_owned() }
    }
}

impl fmt::Display for RecordReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for RecordReadError {}

/// Creates an error of the file.
pub(super) fn file_error(line: u64, reason: &str) -> RecordReadError {
    RecordReadError { line, reason: reason.to_owned(), is_of_record: false, lines_skipped: 0 }
}

/// Creates an error of a single record.
pub(super) fn record_error(line: u64, reason: &str) -> RecordReadError {
    RecordReadError { is_of_record: true, ..file_error(line, reason) }
}
