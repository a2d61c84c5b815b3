//! Feeds files of records to [`fuzz::record::check`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::record::check(input));
