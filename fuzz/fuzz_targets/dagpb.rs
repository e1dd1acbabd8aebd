#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pinreel_fuzz::dagpb::run(bytes));
