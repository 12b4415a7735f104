//! What this file says it is, for the side that has loaded it.

use napi_derive::napi;

/// `"structio 0.1.0"`. The package compares it with its own version: both sides share memory, whose layout may change with
/// every release, and an install can go wrong in ways that pair a package with the binary of another.
#[napi]
pub fn identity() -> &'static str {
    concat!("structio ", env!("CARGO_PKG_VERSION"))
}
