//! libFuzzer's entry to `structio_fuzz::tls_handshake`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| structio_fuzz::tls_handshake(bytes));
