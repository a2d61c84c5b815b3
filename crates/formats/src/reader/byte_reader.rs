//! Reads the bytes of a file with their line number, and can push bytes back.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, ErrorKind, Read};

use super::encoding::Utf8Reader;
use super::error::{RecordReadError, file_error};

/// A reader of single bytes with push-back.
pub(super) struct ByteReader<R> {
    input: BufReader<Utf8Reader<R>>,
    pushed_back: VecDeque<u8>,
    /// The line of the next byte, starting from 1.
    pub(super) line: u64,
    /// The number of blanks before the next byte on its line, or `None` if there are other bytes.
    blanks: Option<usize>,
    /// The read error that ended the input.
    pub(super) error: Option<RecordReadError>,
}

impl<R: Read> ByteReader<R> {
    /// Creates a reader.
    pub(super) fn new(input: Utf8Reader<R>) -> Self {
        Self {
            input: BufReader::with_capacity(1 << 16, input),
            pushed_back: VecDeque::new(),
            line: 1,
            blanks: Some(0),
            error: None,
        }
    }

    /// Returns the next byte without consuming it.
    pub(super) fn peek(&mut self) -> Option<u8> {
        if let Some(byte) = self.pushed_back.front() {
            return Some(*byte);
        }
        loop {
            match self.input.fill_buf() {
                Ok(bytes) => return bytes.first().copied(),
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) => {
                    self.error
                        .get_or_insert(file_error(self.line, &format!("the file cannot be read: {}", cause.kind())));
                    return None;
                }
            }
        }
    }

    /// Returns and consumes the next byte.
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        if self.pushed_back.pop_front().is_none() {
            self.input.consume(1);
        }
        match byte {
            b'\n' => (self.line, self.blanks) = (self.line + 1, Some(0)),
            b' ' | b'\t' => self.blanks = self.blanks.map(|blanks| blanks + 1),
            _ => self.blanks = None,
        }
        Some(byte)
    }

    /// Returns the number of blanks before the next byte on its line, or `None` if there are other bytes.
    pub(super) fn blanks_before(&self) -> Option<usize> {
        self.blanks
    }

    /// Moves buffered bytes up to the next quote, backslash or line break, at most `most`.
    pub(super) fn take_plain(&mut self, into: &mut Vec<u8>, most: usize) {
        if !self.pushed_back.is_empty() {
            return;
        }
        let bytes = self.input.buffer();
        let most = most.min(bytes.len());
        let end = bytes[..most].iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n')).unwrap_or(most);
        into.extend_from_slice(&bytes[..end]);
        self.input.consume(end);
        if end > 0 {
            self.blanks = None;
        }
    }

    /// Returns the buffered bytes. Empty at the end of the input.
    pub(super) fn buffered(&mut self) -> &[u8] {
        self.peek();
        if self.pushed_back.is_empty() { self.input.buffer() } else { self.pushed_back.as_slices().0 }
    }

    /// Consumes buffered bytes.
    pub(super) fn consume(&mut self, count: usize) {
        let lines: u64 = self.buffered()[..count].iter().map(|byte| u64::from(*byte == b'\n')).sum();
        self.line += lines;
        if self.pushed_back.is_empty() {
            self.input.consume(count);
        } else {
            self.pushed_back.drain(..count);
        }
    }

    /// Consumes buffered bytes that are a value.
    pub(super) fn consume_value(&mut self, length: usize) {
        self.consume(length);
        self.blanks = None;
    }

    /// Consumes and returns at most `most` bytes or `lines` lines.
    pub(super) fn first_bytes(&mut self, most: usize, lines: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut ends = 0;
        while bytes.len() < most && ends < lines {
            let Some(byte) = self.next() else { break };
            ends += usize::from(byte == b'\n');
            bytes.push(byte);
        }
        bytes
    }

    /// Skips a byte order mark, if it is one.
    pub(super) fn skip_mark(&mut self) -> bool {
        let mut bytes = Vec::new();
        let blanks = self.blanks;
        for expected in [0xef, 0xbb, 0xbf] {
            if self.peek() != Some(expected) {
                let line = self.line;
                self.push_back_within(bytes, line, blanks);
                return false;
            }
            bytes.extend(self.next());
        }
        self.blanks = blanks;
        true
    }

    /// Skips the rest of the line, but not the line break.
    pub(super) fn skip_line(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'\n' {
                break;
            }
            self.next();
        }
    }

    /// Skips the continuation lines of a value.
    pub(super) fn skip_continued(&mut self) {
        while self.next().is_some() && self.peek().is_some_and(continues) {
            self.skip_line();
        }
    }

    /// Pushes back bytes of which the first starts this line.
    pub(super) fn push_back(&mut self, bytes: Vec<u8>, line: u64) {
        self.push_back_within(bytes, line, Some(0));
    }

    /// Pushes back bytes that start on this line after a number of blanks, or after other bytes.
    pub(super) fn push_back_within(&mut self, bytes: Vec<u8>, line: u64, blanks: Option<usize>) {
        bytes.into_iter().rev().for_each(|byte| self.pushed_back.push_front(byte));
        (self.line, self.blanks) = (line, blanks);
    }
}

/// Whether a line that starts with this byte continues the value before it.
pub(super) fn continues(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'}' | b']')
}
