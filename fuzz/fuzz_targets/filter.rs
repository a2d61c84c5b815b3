#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| auditgraph_fuzz::filter::check(input));
