//! What other threads have finished for this one: look-ups, work on files, handshakes, a helper's rounds, and children that they
//! have reaped.

#[cfg(unix)]
use structio_core::files;
use structio_core::{
    resolve,
    tls::{Failure, SocketHandshake, Step},
};
use structio_wakeups::Queue;

use super::wake::Target;
use crate::rings::HandleId;

/// What other threads have finished.
#[derive(Debug)]
pub enum Outside {
    LookedUp(u32, resolve::Outcome),
    #[cfg(unix)]
    File(u32, files::Outcome),
    /// A handshake comes back, with what it has come to.
    Handshake(HandleId, Box<SocketHandshake>, Result<Step, Failure>),
    Settled,
    /// A child process has ended, with this return code.
    Exited(u32, i32),
}

/// The queue of [`Outside`] completions; each push asks for a turn.
pub type OutsideQueue = Queue<Outside, Target>;
