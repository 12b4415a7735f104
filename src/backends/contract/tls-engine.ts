/**
 * The contract between `engine-transport.ts` and a TLS library that does no I/O of its own. No behaviour lives here.
 */
import type { TLSError } from '../../errors.ts'
import type { TlsSession, TlsStart } from './backend.ts'

/**
 * One end of a TLS connection without I/O: ciphertext in, plaintext out, and the other way round. What it makes it hands to
 * its sink at once, or as soon as its library does.
 */
export interface TlsEngine {
  /**
   * Ciphertext from the peer. Not looked at after the call. The first call, with `TlsStart.ahead` (often empty), starts the
   * handshake: a client's first flight leaves then.
   */
  feed(bytes: Uint8Array): void
  /** The peer's ciphertext has ended. `closeNotify`, `ended` or `failed` follows, if none has come before. */
  feedEnd(): void
  /**
   * Plaintext for the peer, after `handshaken`: takes all of it, or a prefix (`sink.writable` says when more is taken), and
   * returns the length of what it took. Not looked at after the call.
   */
  send(data: Uint8Array): number
  /** `close_notify`, after everything that was sent. Once; nothing is sent afterwards. */
  sendClose(): void
  /**
   * Plaintext, or a `close_notify` (which counts as 1), that was taken and whose ciphertext has not been handed over;
   * `sink.writable` says when that changes. `undefined` for an engine that has none ever: what it takes it hands over at once.
   */
  readonly unsent?: number
  /** After `handshaken`. */
  readonly session: TlsSession
  /** Lets go of everything: the sink is not called afterwards. Sends nothing. */
  destroy(): void
}

/**
 * Who hears of it. Calls may come inside `feed`, `feedEnd`, `send` and `sendClose`, or later; never inside `MakeEngine`. One
 * of `closeNotify`, `ended` and `failed` comes at most, and is the last of the receiving side; an alert that belongs to a
 * failure is handed over before it.
 */
export interface TlsEngineSink {
  /** For the peer. The sink may keep the memory. */
  ciphertext(bytes: Buffer): void
  /** Before any plaintext, and once: `session` can be asked, `send` can be called. */
  handshaken(): void
  /** From the peer. The sink may keep the memory. */
  plaintext(bytes: Buffer): void
  /** The peer's data ended as it should. */
  closeNotify(): void
  /** After `feedEnd`: the peer's data ended without `close_notify`. Before `handshaken`, `failed` says so instead. */
  ended(): void
  /** Neither direction works any more. */
  failed(error: TLSError): void
  /** After a `send` that took less than all, or when `unsent` has become less. Never needed by an engine that takes all. */
  writable(): void
}

export type MakeEngine = (start: TlsStart, sink: TlsEngineSink) => TlsEngine
