//! Decodes the bodies of rows of `audit_event`. Everything above the rows sees the text.

use body_codec::{BodyError, HEADER_BYTES_MAX};
use entity::audit_event;

use crate::StoreError;

/// Returns the text of an event's body.
pub(crate) fn body_text(row: &audit_event::Model) -> Result<String, StoreError> {
    body_codec::decode(row.body_format, &row.body).map_err(|error| corrupt_body(row.sequence, &error))
}

/// Returns the error for a body that cannot be decoded.
pub(crate) fn corrupt_body(sequence: i64, error: &BodyError) -> StoreError {
    let column = match error {
        BodyError::UnknownFormat(_) => "body_format",
        _ => "body",
    };
    StoreError::Corrupt { table: "audit_event", column, id: sequence.to_string(), reason: error.to_string() }
}

/// Returns the memory in bytes that the text of a body takes, or its stored bytes if the text cannot be decoded.
/// `start` are the first bytes of the body.
pub(crate) fn text_bytes(body_format: i16, start: &[u8], stored_bytes: usize) -> usize {
    let start = &start[..start.len().min(HEADER_BYTES_MAX)];
    body_codec::text_bytes(body_format, start, stored_bytes).unwrap_or(stored_bytes)
}
