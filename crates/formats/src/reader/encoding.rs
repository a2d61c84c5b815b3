//! Decodes files to UTF-8. UTF-16 is detected by its byte order mark, or by the positions of zero bytes.
//!
//! An unpaired surrogate, and an extra byte at the end, become invalid UTF-8, so that the error is reported for the
//! record or line that contains it.

use std::io::{self, ErrorKind, Read};

/// The size of a read, in bytes.
const CHUNK: usize = 1 << 14;

/// A reader that returns a file as UTF-8.
pub(super) struct Utf8Reader<R> {
    input: R,
    encoding: TextEncoding,
    /// Decoded UTF-8 that was not returned yet.
    ready: Vec<u8>,
    /// The number of bytes of `ready` that were returned.
    returned: usize,
    /// The first byte of an incomplete UTF-16 unit.
    odd: Option<u8>,
    /// The high surrogate of an incomplete pair.
    high: Option<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TextEncoding {
    /// Not detected yet.
    Unknown,
    Utf8,
    Utf16 {
        is_little: bool,
    },
    /// The end of a UTF-16 file.
    End,
}

impl<R: Read> Utf8Reader<R> {
    /// Creates a reader that detects the encoding.
    pub(super) fn detecting(input: R) -> Self {
        Self::new(input, TextEncoding::Unknown)
    }

    /// Creates a reader of UTF-8.
    pub(super) fn utf8(input: R) -> Self {
        Self::new(input, TextEncoding::Utf8)
    }

    fn new(input: R, encoding: TextEncoding) -> Self {
        Self { input, encoding, ready: Vec::new(), returned: 0, odd: None, high: None }
    }

    /// Detects the encoding from the first two bytes, and decodes them.
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

    /// Decodes UTF-16.
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
                    self.unpaired(high);
                    match unit {
                        0xd800..=0xdbff => self.high = Some(unit),
                        _ => self.unit(unit),
                    }
                }
            }
        }
    }

    /// Decodes a unit that is not a high surrogate.
    fn unit(&mut self, unit: u16) {
        match char::from_u32(u32::from(unit)) {
            Some(c) => self.ready.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => self.unpaired(Some(unit)),
        }
    }

    /// Writes an unpaired surrogate as three bytes that are not valid UTF-8.
    fn unpaired(&mut self, half: Option<u16>) {
        let Some(half) = half else { return };
        let [high, low] = half.to_be_bytes();
        self.ready.extend_from_slice(&[0xe0 | high >> 4, 0x80 | (high & 0x0f) << 2 | low >> 6, 0x80 | low & 0x3f]);
    }

    /// Decodes at least one byte, unless the end is reached.
    fn refill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.returned = 0;
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
                    self.unpaired(high);
                    // 0xff never occurs in UTF-8.
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
        if self.returned == self.ready.len() {
            if self.encoding == TextEncoding::Utf8 {
                return self.input.read(out);
            }
            self.refill()?;
        }
        let rest = &self.ready[self.returned..];
        let length = rest.len().min(out.len());
        out[..length].copy_from_slice(&rest[..length]);
        self.returned += length;
        // An empty UTF-8 buffer here means the end: the file has less than two bytes.
        Ok(length)
    }
}
