//! Feeds stored bodies to [`fuzz::body::check`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::body::check(input));
