//! Properties that hold for every untrusted input, one module per kind of input.
//!
//! Each `check` function states the properties of an accepted input independently of the product code, and panics if
//! one is violated; it is not only a search for panics. `tests/corpus.rs` runs the checks on the files in `corpus`;
//! the binaries in `fuzz_targets` let libFuzzer search for inputs.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a panic reports a violated property"
)]

pub mod body;
pub mod cursor;
pub mod document;
pub mod filter;
pub mod record;
pub mod token;
