//! Converts between the text of a body and its stored form.

use std::cell::RefCell;

use zstd::zstd_safe::{self, CCtx, DCtx};

use crate::dictionary::{self, Dictionary};
use crate::frame::FrameHeader;
use model::BodyFormat;

/// A body as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedBody {
    /// How the text is stored.
    pub format: BodyFormat,
    /// The stored bytes.
    pub bytes: Vec<u8>,
}

/// The reason why stored bytes are not a body. The messages contain nothing of the bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The code of the format is not in the registry.
    #[error("unknown format {0}")]
    UnknownFormat(i16),
    /// The bytes do not begin with the header of a zstd frame.
    #[error("no zstd frame")]
    NoFrame,
    /// The frame does not state the length of its text.
    #[error("the frame does not state the length of its text")]
    NoLength,
    /// The frame states a length that no body has.
    #[error("the frame claims a text of {claimed} bytes, but a body has at most {max}")]
    TooLong {
        /// The stated length in bytes.
        claimed: u64,
        /// The limit in bytes.
        max: usize,
    },
    /// The frame does not name a dictionary.
    #[error("the frame names no dictionary")]
    NoDictionary,
    /// The frame names a dictionary that does not exist.
    #[error("there is no dictionary {0}")]
    UnknownDictionary(u32),
    /// The frame is followed by other bytes.
    #[error("the frame is followed by other bytes")]
    TrailingBytes,
    /// The frame cannot be decompressed.
    #[error("the frame is damaged: {0}")]
    Damaged(&'static str),
    /// The text is not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
}

thread_local! {
    // A context has buffers of several hundred kilobytes, which each thread allocates once. `None` if there is no
    // memory for it.
    static COMPRESSION: RefCell<Option<CCtx<'static>>> = RefCell::new(CCtx::try_create());
    static DECOMPRESSION: RefCell<Option<DCtx<'static>>> = RefCell::new(DCtx::try_create());
}

/// Encodes a text with the newest dictionary that ships with the program.
pub fn encode(text: &str) -> EncodedBody {
    encode_with(text, dictionary::newest())
}

/// Encodes a text with a dictionary. The text is stored plain if the compressed form is not shorter.
pub fn encode_with(text: &str, dictionary: Option<&Dictionary>) -> EncodedBody {
    match dictionary.and_then(|dictionary| compress(text, dictionary)) {
        Some(bytes) if bytes.len() < text.len() => EncodedBody { format: BodyFormat::Zstd, bytes },
        _ => EncodedBody { format: BodyFormat::Plain, bytes: text.as_bytes().to_vec() },
    }
}

/// Returns the frame of a text, or `None` if there is no memory to compress it.
fn compress(text: &str, dictionary: &Dictionary) -> Option<Vec<u8>> {
    let mut frame = Vec::with_capacity(zstd_safe::compress_bound(text.len()));
    COMPRESSION.with_borrow_mut(|context| {
        context.as_mut()?.compress_using_cdict(&mut frame, text.as_bytes(), &dictionary.encoder).ok()
    })?;
    frame.shrink_to_fit();
    Some(frame)
}

/// Returns the length of a body's text in bytes, without decompressing it: from the code of its format, its first
/// [`crate::HEADER_BYTES_MAX`] bytes, and the number of its stored bytes.
///
/// # Errors
///
/// The format is unknown, or the start is not the header of a body's frame.
pub fn text_bytes(format: i16, start: &[u8], stored_bytes: usize) -> Result<usize, BodyError> {
    match BodyFormat::from_code(format) {
        None => Err(BodyError::UnknownFormat(format)),
        Some(BodyFormat::Plain) => Ok(stored_bytes),
        Some(BodyFormat::Zstd) => Ok(FrameHeader::read(start)?.text_bytes),
    }
}

/// Decodes the text of a body that was encoded with a dictionary that ships with the program.
///
/// # Errors
///
/// The bytes are not a body in this format. At most the limit of a body is allocated.
pub fn decode(format: i16, stored: &[u8]) -> Result<String, BodyError> {
    decode_with(format, stored, dictionary::shipped)
}

/// Decodes the text of a body, with the dictionary that `find` returns for the id in its frame.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_with<'d>(
    format: i16,
    stored: &[u8],
    find: impl FnOnce(u32) -> Option<&'d Dictionary>,
) -> Result<String, BodyError> {
    let text = match BodyFormat::from_code(format) {
        None => return Err(BodyError::UnknownFormat(format)),
        Some(BodyFormat::Plain) => stored.to_vec(),
        Some(BodyFormat::Zstd) => decompress(stored, find)?,
    };
    String::from_utf8(text).map_err(|_invalid| BodyError::NotUtf8)
}

fn decompress<'d>(frame: &[u8], find: impl FnOnce(u32) -> Option<&'d Dictionary>) -> Result<Vec<u8>, BodyError> {
    let header = FrameHeader::read(frame)?;
    let dictionary = find(header.dictionary_id).ok_or(BodyError::UnknownDictionary(header.dictionary_id))?;
    let damaged = |code| BodyError::Damaged(zstd_safe::get_error_name(code));
    if zstd_safe::find_frame_compressed_size(frame).map_err(damaged)? != frame.len() {
        return Err(BodyError::TrailingBytes);
    }
    // zstd writes no byte beyond the capacity.
    let mut text = Vec::with_capacity(header.text_bytes);
    DECOMPRESSION.with_borrow_mut(|context| {
        let context = context.as_mut().ok_or(BodyError::Damaged("there is no memory to decompress it"))?;
        context.decompress_using_ddict(&mut text, frame, &dictionary.decoder).map_err(damaged)
    })?;
    if text.len() == header.text_bytes { Ok(text) } else { Err(BodyError::Damaged("its length is not the stated one")) }
}
