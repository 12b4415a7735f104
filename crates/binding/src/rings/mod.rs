//! The shared rings: how operations and their completions pass between TypeScript and Rust without a call for each.

mod datagrams;
mod handles;
#[cfg(test)]
mod memory_tests;
pub mod peers;
mod receiving;
mod records;
mod regions;
mod relaying;
mod requests;
mod sending;
mod tls;
mod turn;
#[cfg(target_os = "linux")]
mod watching;

pub use handles::{Entry, HandleId, Lent};
pub use peers::{IP_BYTES, write as write_peer};
pub use records::{CompletionKind, ERROR_BASE, INTERRUPTED, WOULD_BLOCK, control, protocol, stdio};
pub use regions::{Regions, SharedMemory};
pub use relaying::{RelayOutcome, RelayReport, WayReport};
pub use turn::{Turn, errno};
#[cfg(target_os = "linux")]
pub use watching::Number;
