//! Feeds documents to [`fuzz::document::check`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::document::check(input));
