#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| auditgraph_fuzz::token::check(input));
