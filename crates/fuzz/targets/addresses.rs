//! libFuzzer's entry to `structio_fuzz::addresses`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| structio_fuzz::addresses(bytes));
