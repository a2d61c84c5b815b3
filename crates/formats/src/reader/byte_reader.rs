//! The bytes of a file one by one, with their line number, and with a way back.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, ErrorKind, Read};

use super::encoding::Utf8Reader;
use super::{RecordReadError, problem};

/// The bytes of the input, some of which may be read pushed_back.
pub(super) struct ByteReader<R> {
    input: BufReader<Utf8Reader<R>>,
    pushed_back: VecDeque<u8>,
    /// The line that the next byte is on, from 1.
    pub(super) line: u64,
    /// Why nothing more can be read.
    pub(super) problem: Option<RecordReadError>,
}

impl<R: Read> ByteReader<R> {
    /// The bytes of an input.
    pub(super) fn new(input: Utf8Reader<R>) -> Self {
        Self { input: BufReader::with_capacity(1 << 16, input), pushed_back: VecDeque::new(), line: 1, problem: None }
    }

    /// The next byte, which stays.
    pub(super) fn peek(&mut self) -> Option<u8> {
        if let Some(byte) = self.pushed_back.front() {
            return Some(*byte);
        }
        loop {
            match self.input.fill_buf() {
                Ok(bytes) => return bytes.first().copied(),
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) => {
                    self.problem
                        .get_or_insert(problem(self.line, &format!("the file cannot be read: {}", cause.kind())));
                    return None;
                }
            }
        }
    }

    /// The next byte.
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        if self.pushed_back.pop_front().is_none() {
            self.input.consume(1);
        }
        if byte == b'\n' {
            self.line += 1;
        }
        Some(byte)
    }

    /// Moves bytes that say nothing about where a string ends, at most so many, as far as they are at hand.
    pub(super) fn take_plain(&mut self, into: &mut Vec<u8>, most: usize) {
        if !self.pushed_back.is_empty() {
            return;
        }
        let bytes = self.input.buffer();
        let most = most.min(bytes.len());
        let end = bytes[..most].iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n')).unwrap_or(most);
        into.extend_from_slice(&bytes[..end]);
        self.input.consume(end);
    }

    /// ByteReader that come next, as many as are at hand; none at the end.
    pub(super) fn buffered(&mut self) -> &[u8] {
        self.peek();
        if self.pushed_back.is_empty() { self.input.buffer() } else { self.pushed_back.as_slices().0 }
    }

    /// Passes over bytes that were at hand.
    pub(super) fn consume(&mut self, count: usize) {
        let lines: u64 = self.buffered()[..count].iter().map(|byte| u64::from(*byte == b'\n')).sum();
        self.line += lines;
        if self.pushed_back.is_empty() {
            self.input.consume(count);
        } else {
            self.pushed_back.drain(..count);
        }
    }

    /// Takes so many bytes, or so many lines if they have less.
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
        for expected in [0xef, 0xbb, 0xbf] {
            if self.peek() != Some(expected) {
                let line = self.line;
                self.push_back(bytes, line);
                return false;
            }
            bytes.extend(self.next());
        }
        true
    }

    /// Skips what is left of the line, but not its end.
    pub(super) fn skip_line(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'\n' {
                break;
            }
            self.next();
        }
    }

    /// Skips the lines that belong to a value of which the last line was skipped.
    pub(super) fn skip_continued(&mut self) {
        while self.next().is_some() && self.peek().is_some_and(continues) {
            self.skip_line();
        }
    }

    /// Puts bytes back that begin on this line.
    pub(super) fn push_back(&mut self, bytes: Vec<u8>, line: u64) {
        bytes.into_iter().rev().for_each(|byte| self.pushed_back.push_front(byte));
        self.line = line;
    }
}

/// Whether a line that starts so belongs to the value before it.
pub(super) fn continues(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'}' | b']')
}
