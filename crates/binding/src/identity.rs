//! The version of this binary, for the package that has loaded it.

use napi_derive::napi;

/// Name and version, such as `"structio 0.1.0"`. The package compares it with its own: both share memory whose layout
/// may change with every release, and a broken install can pair a package with the binary of another version.
#[napi]
pub fn identity() -> &'static str {
    concat!("structio ", env!("CARGO_PKG_VERSION"))
}
