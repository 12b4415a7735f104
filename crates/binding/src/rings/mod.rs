//! The shared rings: how operations and their completions pass between TypeScript and Rust without a call for each.
//!
//! turn.rs has the map of these files and the invariants of a turn.

mod accepting;
mod agenda;
mod datagrams;
mod delivery;
mod errno;
mod handle_id;
mod handles;
mod intake;
#[cfg(test)]
mod memory_tests;
pub mod peers;
mod receiving;
mod records;
mod regions;
mod relay;
mod relaying;
mod requests;
mod rounds;
mod segments;
mod sending;
mod tls;
mod turn;
#[cfg(target_os = "linux")]
mod waits;
#[cfg(target_os = "linux")]
mod watching;

pub use errno::errno;
pub use handle_id::HandleId;
pub use handles::{Entry, Lent};
pub use peers::{IP_BYTES, write as write_peer};
pub use records::{CompletionKind, ERROR_BASE, INTERRUPTED, NUMBERS, WOULD_BLOCK, control, protocol, stdio};
pub use regions::{Regions, SharedMemory};
pub use relay::{RelayOutcome, RelayReport, WayReport};
pub use turn::Turn;
#[cfg(target_os = "linux")]
pub use waits::Number;
