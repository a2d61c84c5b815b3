//! What must hold of every input that comes from outside, one module for each door. A fuzzer feeds them
//! (`fuzz_targets`), and a test feeds them what is in `corpus`.
//!
//! None of them only waits for a panic: each says what a verified token, a cursor, a filter, a document and a record
//! have to be, in other words than the program does.

pub mod cursor;
pub mod document;
pub mod filter;
pub mod record;
pub mod token;
