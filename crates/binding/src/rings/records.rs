//! The protocol of the rings: records, control words, and every other number that both languages rely on.
//!
//! A record is four 32-bit words: `index << 5 | kind`, the handle's generation, and two operands.
//!
//! Invariants:
//! 1. Every constant here is in [`protocol`], by the name that `src/native/protocol.ts` gives it, and
//!    `__test__/unit/native/protocol.spec.ts` compares the two tables.
//! 2. [`decode`] accepts any four words: a record without a meaning is `None`, and no operand is trusted to lie in a
//!    region.

use super::peers;

/// 32-bit words of a record.
pub const RECORD_WORDS: usize = 4;

/// Words before the first record of either ring.
pub const HEADER_WORDS: usize = 20;

/// The word of the completion ring's header with the end of the received bytes. The header's first word is the number
/// of records.
pub const RECEIVED_END: usize = 1;

/// The word of the completion ring's header that becomes [`control::REPORTED`] after the batch has been delivered.
pub const REPORTED_BY: usize = 2;

/// Words of the submission ring's header.
pub mod control {
    /// Number of records in the ring.
    pub const COUNT: usize = 0;
    /// 1 while the driver's turn runs JavaScript. Submissions are then carried out when it returns, without a call.
    pub const IN_TURN: usize = 1;
    /// Number of operations and listeners that keep the process alive.
    pub const REFS: usize = 2;
    /// Bytes of the send slab in use.
    pub const SEND_USED: usize = 3;
    /// Number of submissions carried out. Bytes of an earlier submission have left the send slab.
    pub const SUBMITTED: usize = 4;
    /// 1 while JavaScript reads the completion ring and the receive slab. Neither may be written then.
    pub const DISPATCHING: usize = 5;
    /// Arguments of the call that sends datagrams: the handle, the offset of the first in the send slab, and their
    /// number.
    pub const SEND_INDEX: usize = 6;
    pub const SEND_GENERATION: usize = 7;
    pub const SEND_OFFSET: usize = 8;
    pub const SEND_COUNT: usize = 9;
    /// Its result: how many have left, and the error number of the next one, or 0.
    pub const SENT: usize = 10;
    pub const SEND_ERROR: usize = 11;
    /// Arguments of the call that reads a file or sets its position: the slot; then the range in the memory, or the
    /// lower and the upper half of the position.
    pub const FILE_SLOT: usize = 12;
    pub const FILE_START: usize = 13;
    pub const FILE_END: usize = 14;
    /// Its result: bytes read, 0 for a move, [`super::WOULD_BLOCK`], or [`super::ERROR_BASE`]` - errno`.
    pub const FILE_RESULT: usize = 15;
    /// Number of submissions whose reports (`Unsent`, `SendFailed`) JavaScript has. Less than `SUBMITTED` while such
    /// reports are staged.
    pub const REPORTED: usize = 16;
    /// Number of `SendFailed` reports not delivered yet. While there are any, JavaScript asks with `sendFailure`.
    pub const SEND_FAILURES: usize = 17;
}

/// Stands in place of an error number: TLS has failed, and `tlsFailure` gives the failure.
pub const TLS_FAILED: i32 = 100_000;

/// Result of a call: the call would have to wait.
pub const WOULD_BLOCK: i32 = -1;

/// Results at or below this are errors: `ERROR_BASE - errno`.
pub const ERROR_BASE: i32 = -1000;

/// Stands in place of an error number: a request on a file was interrupted.
pub const INTERRUPTED: i32 = -1;

/// A handle crosses as one number: `index + generation * GENERATION_UNIT`. This leaves 29 bits of a double's 53 for the
/// generation.
pub const GENERATION_UNIT: i32 = 1 << 24;

/// Stand in place of a descriptor in a child's standard streams.
pub mod stdio {
    pub const PIPE: i32 = -1;
    pub const NULL: i32 = -2;
    /// Of standard error only: where standard output goes.
    pub const STDOUT: i32 = -3;
}

/// Datagrams in the send slab start at multiples of this.
pub const DATAGRAM_ALIGN: usize = 8;

/// A lingering connection discards this many received bytes at most. Then it closes, whatever the peer still sends.
pub const LINGER_BYTES: usize = 16 << 20;

/// Rust → TypeScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum CompletionKind {
    /// Offset and length in the receive slab.
    Received = 0,
    ReceivedEnd = 1,
    /// The error number.
    ReceiveFailed = 2,
    Readable = 3,
    /// The error number of a send with ancillary data, or 0; and the number of the `WaitSend` that this answers.
    SendSettled = 4,
    /// The error number of the sending half. TypeScript keeps it for the next call on that half.
    SendFailed = 5,
    /// Bytes that the connection holds and the kernel has not taken, 0 once it has; and the number of all bytes,
    /// modulo 2³², that JavaScript had given to the connection by then.
    Unsent = 6,
    /// The handle of the attempt is now a connection.
    Connected = 7,
    /// The error number. Only closing the handle is left.
    ConnectFailed = 8,
    /// Index and generation of the new connection.
    Accepted = 9,
    /// The error number. The demand is 0 until TypeScript submits another.
    AcceptFailed = 10,
    /// The handshake is done: the handle is a connection again.
    Handshaken = 11,
    /// `tlsFailure` gives the failure. Only that and closing the handle are left.
    HandshakeFailed = 12,
    /// `clientName` gives the name that the client has sent. The handshake goes on with `continueTls`.
    ClientHello = 13,
    /// As `Received`, and `takeFds` gives descriptors.
    ReceivedFds = 14,
    /// Offset and length of a datagram in the receive slab, behind its peer record ([`super::peers`]). More datagrams
    /// follow.
    Datagram = 15,
    /// The last datagram of an answer.
    LastDatagram = 16,
    /// A relay, by its first handle. 1: it is over, and `endRelay` gives the report. 0: bytes have moved.
    Relayed = 17,
    /// The index is the request's number.
    LookedUp = 18,
    /// The helper thread has polled the reactor once (thread driver).
    Settled = 19,
    /// The index is the wait's number.
    DescriptorReady = 20,
    /// The index is the request's number, the operand the return code of a child process.
    Exited = 21,
    /// The index is the request's number: work on a file is done.
    FileDone = 22,
}

pub type Completion = [i32; RECORD_WORDS];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submission {
    /// Offset and length in the send slab.
    Send {
        offset: usize,
        length: usize,
    },
    /// `limit` bytes and `descriptors` file descriptors at most; (0, 0) waits for readability. For a datagram socket,
    /// `limit` is a number of datagrams.
    Receive {
        limit: u32,
        descriptors: u32,
    },
    CancelReceive,
    /// The condition to wait for, and a number that the completion carries.
    WaitSend(SendWait, i32),
    CancelSend,
    /// `demand` connections from now on.
    Accept {
        demand: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendWait {
    /// The connection takes more bytes.
    Writable,
    /// The kernel has taken everything.
    Flushed,
    /// The same, and the sending half is shut down.
    Shutdown,
    /// Bidirectional shutdown: `close_notify` or FIN is sent, and the peer's EOF has arrived. Received bytes are
    /// discarded.
    Goodbye,
    /// The same, discarding [`LINGER_BYTES`] at most.
    Linger,
    /// The posted ancillary data has left.
    Parcel,
}

mod submission {
    pub const SEND: i32 = 0;
    pub const RECEIVE: i32 = 1;
    pub const CANCEL_RECEIVE: i32 = 2;
    pub const WAIT_SEND: i32 = 3;
    pub const CANCEL_SEND: i32 = 4;
    pub const ACCEPT: i32 = 5;
}

mod wait {
    pub const WRITABLE: i32 = 0;
    pub const FLUSHED: i32 = 1;
    pub const SHUTDOWN: i32 = 2;
    pub const GOODBYE: i32 = 3;
    pub const PARCEL: i32 = 4;
    pub const LINGER: i32 = 5;
}

const KIND_BITS: u32 = 5;

/// Requests and waits have numbers below this: a record's head has room for so many beside its kind.
pub const NUMBERS: u32 = 1 << (u32::BITS - KIND_BITS);

pub fn completion(index: u32, generation: i32, kind: CompletionKind, a: i32, b: i32) -> Completion {
    [(index << KIND_BITS).cast_signed() | kind as i32, generation, a, b]
}

/// A record's handle index, generation and meaning; `None` if it has none.
pub fn decode(record: Completion) -> Option<(u32, i32, Submission)> {
    let [head, generation, a, b] = record;
    let index = head.cast_unsigned() >> KIND_BITS;
    let kind = head & ((1 << KIND_BITS) - 1);
    let submission = match kind {
        submission::SEND => Submission::Send {
            offset: usize::try_from(a).ok()?,
            length: usize::try_from(b).ok()?,
        },
        submission::RECEIVE => Submission::Receive {
            limit: u32::try_from(a).ok()?,
            descriptors: u32::try_from(b).ok()?,
        },
        submission::CANCEL_RECEIVE => Submission::CancelReceive,
        submission::WAIT_SEND => {
            let what = match a {
                wait::WRITABLE => SendWait::Writable,
                wait::FLUSHED => SendWait::Flushed,
                wait::SHUTDOWN => SendWait::Shutdown,
                wait::GOODBYE => SendWait::Goodbye,
                wait::LINGER => SendWait::Linger,
                wait::PARCEL => SendWait::Parcel,
                _ => return None,
            };
            Submission::WaitSend(what, b)
        }
        submission::CANCEL_SEND => Submission::CancelSend,
        submission::ACCEPT => Submission::Accept {
            demand: u32::try_from(a).ok()?,
        },
        _ => return None,
    };
    Some((index, generation, submission))
}

fn word(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Every constant by its TypeScript name (invariant 1).
pub fn protocol() -> Vec<(&'static str, i32)> {
    use CompletionKind as Kind;
    let words = [
        ("RECORD_WORDS", RECORD_WORDS),
        ("HEADER_WORDS", HEADER_WORDS),
        ("RECEIVED_END", RECEIVED_END),
        ("REPORTED_BY", REPORTED_BY),
        ("Control.Count", control::COUNT),
        ("Control.InTurn", control::IN_TURN),
        ("Control.Refs", control::REFS),
        ("Control.SendUsed", control::SEND_USED),
        ("Control.Submitted", control::SUBMITTED),
        ("Control.Dispatching", control::DISPATCHING),
        ("Control.SendIndex", control::SEND_INDEX),
        ("Control.SendGeneration", control::SEND_GENERATION),
        ("Control.SendOffset", control::SEND_OFFSET),
        ("Control.SendCount", control::SEND_COUNT),
        ("Control.Sent", control::SENT),
        ("Control.SendError", control::SEND_ERROR),
        ("Control.FileSlot", control::FILE_SLOT),
        ("Control.FileStart", control::FILE_START),
        ("Control.FileEnd", control::FILE_END),
        ("Control.FileResult", control::FILE_RESULT),
        ("Control.Reported", control::REPORTED),
        ("Control.SendFailures", control::SEND_FAILURES),
    ]
    .map(|(name, count)| (name, word(count)));
    let kinds = [
        ("KIND_BITS", KIND_BITS.cast_signed()),
        ("Completion.Received", Kind::Received as i32),
        ("Completion.ReceivedEnd", Kind::ReceivedEnd as i32),
        ("Completion.ReceiveFailed", Kind::ReceiveFailed as i32),
        ("Completion.Readable", Kind::Readable as i32),
        ("Completion.SendSettled", Kind::SendSettled as i32),
        ("Completion.SendFailed", Kind::SendFailed as i32),
        ("Completion.Unsent", Kind::Unsent as i32),
        ("Completion.Connected", Kind::Connected as i32),
        ("Completion.ConnectFailed", Kind::ConnectFailed as i32),
        ("Completion.Accepted", Kind::Accepted as i32),
        ("Completion.AcceptFailed", Kind::AcceptFailed as i32),
        ("Completion.Handshaken", Kind::Handshaken as i32),
        ("Completion.HandshakeFailed", Kind::HandshakeFailed as i32),
        ("Completion.ClientHello", Kind::ClientHello as i32),
        ("Completion.ReceivedFds", Kind::ReceivedFds as i32),
        ("Completion.Datagram", Kind::Datagram as i32),
        ("Completion.LastDatagram", Kind::LastDatagram as i32),
        ("Completion.Relayed", Kind::Relayed as i32),
        ("Completion.LookedUp", Kind::LookedUp as i32),
        ("Completion.Settled", Kind::Settled as i32),
        ("Completion.DescriptorReady", Kind::DescriptorReady as i32),
        ("Completion.Exited", Kind::Exited as i32),
        ("Completion.FileDone", Kind::FileDone as i32),
        ("Submission.Send", submission::SEND),
        ("Submission.Receive", submission::RECEIVE),
        ("Submission.CancelReceive", submission::CANCEL_RECEIVE),
        ("Submission.WaitSend", submission::WAIT_SEND),
        ("Submission.CancelSend", submission::CANCEL_SEND),
        ("Submission.Accept", submission::ACCEPT),
        ("Wait.Writable", wait::WRITABLE),
        ("Wait.Flushed", wait::FLUSHED),
        ("Wait.Shutdown", wait::SHUTDOWN),
        ("Wait.Goodbye", wait::GOODBYE),
        ("Wait.Linger", wait::LINGER),
        ("Wait.Parcel", wait::PARCEL),
        ("TLS_FAILED", TLS_FAILED),
        ("LINGER_BYTES", word(LINGER_BYTES)),
        ("WOULD_BLOCK", WOULD_BLOCK),
        ("ERROR_BASE", ERROR_BASE),
        ("INTERRUPTED", INTERRUPTED),
        ("GENERATION_UNIT", GENERATION_UNIT),
        ("Stdio.Pipe", stdio::PIPE),
        ("Stdio.Null", stdio::NULL),
        ("Stdio.Stdout", stdio::STDOUT),
        ("DATAGRAM_ALIGN", word(DATAGRAM_ALIGN)),
        ("Peer.Family", word(peers::FAMILY)),
        ("Peer.Port", word(peers::PORT)),
        ("Peer.Address", word(peers::ADDRESS)),
        ("Peer.Scope", word(peers::SCOPE)),
        ("NO_PEER", peers::NO_PEER),
        ("IP_PEER_BYTES", word(peers::IP_BYTES)),
        ("UNIX_PEER_BYTES", word(peers::UNIX_BYTES)),
    ];
    words.into_iter().chain(kinds).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_the_largest_index() {
        let index = (1 << 27) - 1;
        let record = completion(index, 7, CompletionKind::Unsent, 1, 2);
        assert_eq!(record[0].cast_unsigned() >> KIND_BITS, index);
        assert_eq!(record[0] & 31, CompletionKind::Unsent as i32);
    }

    #[test]
    fn records_that_mean_nothing_are_refused() {
        assert_eq!(decode([31, 0, 0, 0]), None);
        assert_eq!(decode([submission::SEND, 0, -1, 4]), None);
        assert_eq!(decode([submission::WAIT_SEND, 0, 9, 0]), None);
    }
}
