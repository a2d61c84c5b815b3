//! The stored form of event bodies.
//!
//! A body of about 1 kB repeats the text that all bodies have: names of members, activities, types, properties. A
//! dictionary that contains this text lets zstd replace it, so a body takes a fifth of its bytes. The stored form is a
//! standard zstd frame, which states the length of the text and the id of the dictionary; a body that does not shrink
//! is stored as it is. [`model::BodyFormat`] is the registry of formats.
//!
//! Everything outside of this crate and the rows sees the text, byte for byte. [`decode`] allocates at most the limit
//! of a body, whatever the stored bytes claim.
//!
//! [`dictionary`] has the dictionaries that ship with the program. [`train`] makes new ones, from bodies whose values are
//! masked by [`mask`].

mod codec;
pub mod dictionary;
mod frame;
pub mod mask;
pub mod train;

pub use codec::{BodyError, EncodedBody, decode, decode_with, encode, encode_with, text_bytes};
pub use dictionary::Dictionary;
pub use frame::HEADER_BYTES_MAX;

#[cfg(test)]
mod tests;
