//! libFuzzer's entry to `structio_fuzz::tls_session`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| structio_fuzz::tls_session(bytes));
