//! Files as UTF-8, however they are encoded: UTF-16 is detected by its byte order mark, or by where its zeros are.
//!
//! Half of a surrogate pair, and an extra byte at the end, become bytes that are not UTF-8, so that the error is found
//! in the record, or on the line, where they are.

use std::io::{self, ErrorKind, Read};

/// How many bytes are read at once.
const CHUNK: usize = 1 << 14;

/// The text of a file.
pub(super) struct Utf8Reader<R> {
    input: R,
    encoding: TextEncoding,
    /// What was read and is not passed on yet, as UTF-8.
    ready: Vec<u8>,
    /// How much of that was passed on.
    passed: usize,
    /// A byte of UTF-16 without its other half.
    odd: Option<u8>,
    /// The first half of a surrogate pair.
    high: Option<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TextEncoding {
    /// Nothing has been read.
    Unknown,
    Utf8,
    Utf16 {
        is_little: bool,
    },
    /// The end of a file in UTF-16 has been reached.
    End,
}

impl<R: Read> Utf8Reader<R> {
    /// The text of a file in any encoding.
    pub(super) fn of_file(input: R) -> Self {
        Self::new(input, TextEncoding::Unknown)
    }

    /// ByteReader that are passed on as they are.
    pub(super) fn of_utf8(input: R) -> Self {
        Self::new(input, TextEncoding::Utf8)
    }

    fn new(input: R, encoding: TextEncoding) -> Self {
        Self { input, encoding, ready: Vec::new(), passed: 0, odd: None, high: None }
    }

    /// Tells the encoding by the first two bytes, which are then ready.
    fn begin(&mut self) -> io::Result<()> {
        let mut first = [0; 2];
        let mut length = 0;
        while length < 2 {
            match self.input.read(&mut first[length..]) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
        self.encoding = match first[..length] {
            [0xff, 0xfe] => TextEncoding::Utf16 { is_little: true },
            [0xfe, 0xff] => TextEncoding::Utf16 { is_little: false },
            [byte, 0] if byte != 0 => TextEncoding::Utf16 { is_little: true },
            [0, byte] if byte != 0 => TextEncoding::Utf16 { is_little: false },
            _ => TextEncoding::Utf8,
        };
        match self.encoding {
            TextEncoding::Utf16 { is_little } => self.decode(&first[..length], is_little),
            _ => self.ready.extend_from_slice(&first[..length]),
        }
        Ok(())
    }

    /// Makes UTF-8 of more UTF-16.
    fn decode(&mut self, bytes: &[u8], is_little: bool) {
        for byte in bytes {
            let Some(first) = self.odd.take() else {
                self.odd = Some(*byte);
                continue;
            };
            let pair = [first, *byte];
            let unit = if is_little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) };
            match (self.high.take(), unit) {
                (Some(high), 0xdc00..=0xdfff) => {
                    let whole = char::decode_utf16([high, unit]).filter_map(Result::ok);
                    self.ready.extend_from_slice(whole.collect::<String>().as_bytes());
                }
                (high, unit) => {
                    self.half(high);
                    match unit {
                        0xd800..=0xdbff => self.high = Some(unit),
                        _ => self.unit(unit),
                    }
                }
            }
        }
    }

    /// One unit that is no first half of a pair.
    fn unit(&mut self, unit: u16) {
        match char::from_u32(u32::from(unit)) {
            Some(c) => self.ready.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => self.half(Some(unit)),
        }
    }

    /// Half of a pair that stands alone, as three bytes that UTF-8 does not have.
    fn half(&mut self, half: Option<u16>) {
        let Some(half) = half else { return };
        let [high, low] = half.to_be_bytes();
        self.ready.extend_from_slice(&[0xe0 | high >> 4, 0x80 | (high & 0x0f) << 2 | low >> 6, 0x80 | low & 0x3f]);
    }

    /// Sees to it that something is ready, unless the end has been reached.
    fn refill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.passed = 0;
        if self.encoding == TextEncoding::Unknown {
            self.begin()?;
        }
        let mut chunk = [0; CHUNK];
        while let TextEncoding::Utf16 { is_little } = self.encoding
            && self.ready.is_empty()
        {
            match self.input.read(&mut chunk) {
                Ok(0) => {
                    self.encoding = TextEncoding::End;
                    let high = self.high.take();
                    self.half(high);
                    // No byte of UTF-8 at all.
                    self.ready.extend(self.odd.take().map(|_| 0xff));
                }
                Ok(read) => self.decode(&chunk[..read], is_little),
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.passed == self.ready.len() {
            if self.encoding == TextEncoding::Utf8 {
                return self.input.read(out);
            }
            self.refill()?;
        }
        let rest = &self.ready[self.passed..];
        let length = rest.len().min(out.len());
        out[..length].copy_from_slice(&rest[..length]);
        self.passed += length;
        // A file in UTF-8 of which nothing is ready is at its end: it had no second byte.
        Ok(length)
    }
}
