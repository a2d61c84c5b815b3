//! Feeds cursors and ids to [`fuzz::cursor::check`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::cursor::check(input));
