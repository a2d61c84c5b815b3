//! Trains dictionaries.
//!
//! A dictionary has two parts: statistics of what no match covers, and the text that matches refer to. The statistics
//! come from bodies as they are recorded, because real values have to be encoded. The text comes from the same bodies
//! with all values masked: it is what remains in the dictionary, and nothing of a value is in it.
//!
//! Equal arguments give equal dictionaries, with the same version of zstd.

use zstd::zstd_safe;

/// The first bytes of a dictionary, before its id.
const MAGIC: [u8; 4] = [0x37, 0xa4, 0x30, 0xec];
/// The end of the header of a trained dictionary: the offsets 1, 4 and 8, before the text.
const HEADER_END: [u8; 12] = [1, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0];

/// The reason why no dictionary was trained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    /// zstd cannot train a dictionary on these bodies, for example because they are few.
    #[error("no dictionary can be trained on these bodies: {0}")]
    Unsuitable(&'static str),
    /// zstd returned a dictionary of another form than this module knows.
    #[error("the trained dictionary has an unknown form")]
    UnknownForm,
}

/// Trains a dictionary of at most `bytes` bytes on bodies, and on the same bodies with their values masked.
pub fn train(id: u32, bytes: usize, bodies: &[String], masked: &[String]) -> Result<Vec<u8>, TrainError> {
    let statistics = trained(bytes, bodies)?;
    let text = trained(bytes, masked)?;
    let (header, _) = parts(&statistics)?;
    let (_, text) = parts(&text)?;
    let mut dictionary = header.to_vec();
    dictionary.splice(MAGIC.len()..MAGIC.len() + 4, id.to_le_bytes());
    // The end of the text is the part that most bodies share, and the nearest to what is compressed.
    let room = bytes.saturating_sub(dictionary.len());
    dictionary.extend_from_slice(&text[text.len().saturating_sub(room)..]);
    Ok(dictionary)
}

/// Returns the text of a dictionary.
pub fn text_of(dictionary: &[u8]) -> Result<&[u8], TrainError> {
    Ok(parts(dictionary)?.1)
}

fn trained(bytes: usize, bodies: &[String]) -> Result<Vec<u8>, TrainError> {
    let sizes: Vec<usize> = bodies.iter().map(String::len).collect();
    let mut dictionary = Vec::with_capacity(bytes);
    let trained = zstd_safe::train_from_buffer(&mut dictionary, bodies.concat().as_bytes(), &sizes);
    trained.map_err(|code| TrainError::Unsuitable(zstd_safe::get_error_name(code)))?;
    Ok(dictionary)
}

/// Splits a dictionary into its header and its text.
fn parts(dictionary: &[u8]) -> Result<(&[u8], &[u8]), TrainError> {
    let at = dictionary.windows(HEADER_END.len()).position(|window| window == HEADER_END);
    let at = at.filter(|_| dictionary.starts_with(&MAGIC)).ok_or(TrainError::UnknownForm)?;
    Ok(dictionary.split_at(at + HEADER_END.len()))
}
