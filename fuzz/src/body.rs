//! Stored bodies: what is decoded is bounded, and is what was encoded.

use body_codec::{HEADER_BYTES_MAX, decode, encode, text_bytes};
use model::event::BODY_BYTES_MAX;

/// Checks stored bytes, after one byte with the code of their format. The bytes are also checked as a text.
pub fn check(input: &[u8]) {
    let Some((&format, stored)) = input.split_first() else { return };
    let format = i16::from(format);
    let start = &stored[..stored.len().min(HEADER_BYTES_MAX)];
    let bytes = text_bytes(format, start, stored.len());
    if let Ok(bytes) = bytes {
        assert!(bytes <= stored.len().max(BODY_BYTES_MAX), "{bytes} bytes");
    }
    if let Ok(text) = decode(format, stored) {
        assert_eq!(bytes, Ok(text.len()), "the length is known before");
        survives(&text);
    }
    if let Ok(text) = std::str::from_utf8(stored) {
        survives(text);
    }
}

/// Checks that a text survives, in no more bytes than its own.
fn survives(text: &str) {
    let encoded = encode(text);
    assert!(encoded.bytes.len() <= text.len());
    assert_eq!(decode(encoded.format.code(), &encoded.bytes).as_deref(), Ok(text));
}
