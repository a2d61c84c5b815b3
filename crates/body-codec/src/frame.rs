//! The header of a zstd frame (RFC 8878, section 3.1.1).

use zstd::zstd_safe;

use crate::BodyError;
use model::event::BODY_BYTES_MAX;

/// The most bytes of a frame's header.
pub const HEADER_BYTES_MAX: usize = 18;

/// The first bytes of a frame. Frames of other versions of zstd and skippable frames begin with others.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// What the header of a frame states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// The length of the text in bytes, at most the limit of a body.
    pub(crate) text_bytes: usize,
    /// The id of the dictionary.
    pub(crate) dictionary_id: u32,
}

impl FrameHeader {
    /// Reads the header of a frame from its first bytes, at least [`HEADER_BYTES_MAX`] of them if it has as many.
    pub(crate) fn read(start: &[u8]) -> Result<Self, BodyError> {
        if !start.starts_with(&MAGIC) {
            return Err(BodyError::NoFrame);
        }
        let claimed = zstd_safe::get_frame_content_size(start).map_err(|_invalid| BodyError::NoFrame)?;
        let claimed = claimed.ok_or(BodyError::NoLength)?;
        let too_long = || BodyError::TooLong { claimed, max: BODY_BYTES_MAX };
        let text_bytes = usize::try_from(claimed).map_err(|_overflow| too_long())?;
        if text_bytes > BODY_BYTES_MAX {
            return Err(too_long());
        }
        let dictionary_id = zstd_safe::get_dict_id_from_frame(start).ok_or(BodyError::NoDictionary)?.get();
        Ok(Self { text_bytes, dictionary_id })
    }
}
