/**
 * The protocol of the shared rings, and every other number that both languages rely on. The Rust half,
 * `crates/binding/src/rings/records.rs`, explains each operand; `__test__/unit/native/protocol.spec.ts` compares the
 * two.
 *
 * A record is four 32-bit words: `index << KIND_BITS | kind`, the handle's generation, and two operands.
 */

export const RECORD_WORDS = 4
export const HEADER_WORDS = 20
export const KIND_BITS = 5

/**
 * The word of the completion ring's header with the end of the received bytes. The first word is the number of records.
 */
export const RECEIVED_END = 1

/** The word of the completion ring's header that becomes `Control.Reported` after the batch has been delivered. */
export const REPORTED_BY = 2

/** Stands in place of an error number: TLS has failed, and `tlsFailure` gives the failure. */
export const TLS_FAILED = 100_000

/** A lingering connection discards this many received bytes at most. */
export const LINGER_BYTES = 2 ** 24

/** Result of a call: the call would have to wait. */
export const WOULD_BLOCK = -1

/** Results at or below this are errors: `ERROR_BASE - errno`. */
export const ERROR_BASE = -1000

/** Stands in place of an error number: a request on a file was interrupted. */
export const INTERRUPTED = -1

/** A handle crosses as one number: `index + generation * GENERATION_UNIT`. */
export const GENERATION_UNIT = 2 ** 24

/** Stands in place of a descriptor in a child's standard streams. */
export const Stdio = {
  Pipe: -1,
  Null: -2,
  Stdout: -3,
} as const

/** Datagrams in the send slab start at multiples of this. */
export const DATAGRAM_ALIGN = 8

/** Words of the peer record that stands before a datagram. */
export const Peer = {
  Family: 0,
  Port: 1,
  Address: 2,
  Scope: 6,
} as const

/** Stands in place of the length of a UNIX name: the datagram has no target. */
export const NO_PEER = -1

/**
 * Length of the peer record before a datagram in a slab, for IP and UNIX sockets: `crates/binding/src/rings/peers.rs`.
 */
export const IP_PEER_BYTES = 32
export const UNIX_PEER_BYTES = 128

/** Words of the submission ring's header. */
export const Control = {
  Count: 0,
  InTurn: 1,
  Refs: 2,
  SendUsed: 3,
  Submitted: 4,
  Dispatching: 5,
  SendIndex: 6,
  SendGeneration: 7,
  SendOffset: 8,
  SendCount: 9,
  Sent: 10,
  SendError: 11,
  FileSlot: 12,
  FileStart: 13,
  FileEnd: 14,
  FileResult: 15,
  Reported: 16,
  SendFailures: 17,
} as const

/** Kinds of records from Rust to TypeScript. */
export const Completion = {
  Received: 0,
  ReceivedEnd: 1,
  ReceiveFailed: 2,
  Readable: 3,
  SendSettled: 4,
  SendFailed: 5,
  Unsent: 6,
  Connected: 7,
  ConnectFailed: 8,
  Accepted: 9,
  AcceptFailed: 10,
  Handshaken: 11,
  HandshakeFailed: 12,
  ClientHello: 13,
  ReceivedFds: 14,
  Datagram: 15,
  LastDatagram: 16,
  Relayed: 17,
  LookedUp: 18,
  Settled: 19,
  DescriptorReady: 20,
  Exited: 21,
  FileDone: 22,
} as const

/** Kinds of records from TypeScript to Rust. */
export const Submission = {
  Send: 0,
  Receive: 1,
  CancelReceive: 2,
  WaitSend: 3,
  CancelSend: 4,
  Accept: 5,
} as const

/** Conditions of `Submission.WaitSend`. */
export const Wait = {
  Writable: 0,
  Flushed: 1,
  Shutdown: 2,
  Goodbye: 3,
  Parcel: 4,
  Linger: 5,
} as const
