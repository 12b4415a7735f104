//! libFuzzer's entry to `structio_fuzz::records`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| structio_fuzz::records(bytes));
