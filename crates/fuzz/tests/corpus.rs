//! Replays the corpus, and a few hundred variants of it, through the functions that libFuzzer calls. Needs no fuzzing
//! tools.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test program: a failure ends it, and it says at which input"
)]

use std::{env, fs, panic, path::Path};

use structio_fuzz::{addresses, records, tls_handshake, tls_session};

/// Variants of each input of the corpus; a variant depends on its number alone. `STRUCTIO_FUZZ_VARIANTS` sets another
/// count, for a search without libFuzzer.
const VARIANTS: u64 = 4;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let variants =
        env::var("STRUCTIO_FUZZ_VARIANTS").map_or(VARIANTS, |count| count.parse().expect("a number"));
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        let input = fs::read(&path).expect("an input");
        // Names the input, should it fail.
        eprintln!("{}", path.display());
        run(&input);
        for variant in 1..=variants {
            let input = changed(&input, variant);
            if panic::catch_unwind(|| run(&input)).is_err() {
                panic!("variant {variant} of {}: {input:?}", path.display());
            }
        }
        count += 1;
    }
    assert!(count > 0, "nothing in {}", folder.display());
}

/// Changes or inserts a few bytes, and may cut the end off.
fn changed(input: &[u8], variant: u64) -> Vec<u8> {
    let mut bytes = input.to_vec();
    let mut state = variant;
    let mut next = |below: usize| {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ mixed >> 31) % (below as u64).max(1)).expect("below a length")
    };
    for _ in 0..=next(3) {
        let at = next(bytes.len());
        let value = u8::try_from(next(256)).expect("below 256");
        match bytes.get_mut(at) {
            Some(byte) if next(2) == 0 => *byte = value,
            _ => bytes.insert(at, value),
        }
    }
    bytes.truncate(bytes.len() - next(bytes.len() / 4 + 1));
    bytes
}

#[test]
fn addresses_in_every_form_are_parsed_or_refused() {
    replay("addresses", addresses);
}

#[test]
fn records_that_mean_nothing_do_no_harm() {
    replay("records", records);
}

#[test]
fn a_handshake_survives_whatever_happens_to_its_bytes() {
    replay("tls_handshake", tls_handshake);
}

#[test]
fn a_session_gives_what_was_sent_whatever_happens_to_its_bytes() {
    replay("tls_session", tls_session);
}
