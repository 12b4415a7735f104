/**
 * The contract between `engine-transport.ts` and a TLS library without I/O. It contains no behaviour.
 */
import type { TLSError } from '../../errors.ts'
import type { TlsSession, TlsStart } from './backend.ts'

/**
 * One end of a TLS connection, without I/O. It turns ciphertext into plaintext and plaintext into ciphertext, and
 * passes the result to its sink as soon as its library returns it.
 */
export interface TlsEngine {
  /**
   * Takes ciphertext from the peer. The memory is not read after the call. The first call, with `TlsStart.ahead` (often
   * empty), starts the handshake: a client sends its first flight then.
   */
  feed(bytes: Uint8Array): void
  /** Ends the peer's ciphertext. `closeNotify`, `ended` or `failed` follows, unless one came before. */
  feedEnd(): void
  /**
   * Takes plaintext for the peer, after `handshaken`. Returns the length of the prefix that it took; `sink.writable`
   * says when it takes more. The memory is not read after the call.
   */
  send(data: Uint8Array): number
  /** Sends `close_notify`, after all plaintext. The last send; called once. */
  sendClose(): void
  /**
   * Number of taken bytes whose ciphertext the sink does not have yet; a `close_notify` counts as 1. `sink.writable`
   * says when it changes. `undefined` for an engine that passes on all ciphertext at once.
   */
  readonly unsent?: number
  /** Available after `handshaken`. */
  readonly session: TlsSession
  /** Releases everything, and sends nothing. The sink is not called again. */
  destroy(): void
}

/**
 * Receives the results of an engine. Calls come inside `feed`, `feedEnd`, `send` and `sendClose`, or later, never
 * inside `MakeEngine`. At most one of `closeNotify`, `ended` and `failed` comes. It is the last call of the receiving
 * side, and the alert of a failure comes before it.
 */
export interface TlsEngineSink {
  /** Ciphertext for the peer. The sink may keep the memory. */
  ciphertext(bytes: Buffer): void
  /** The handshake is complete. Called once, before any plaintext. `session` and `send` work from now on. */
  handshaken(): void
  /** Plaintext from the peer. The sink may keep the memory. */
  plaintext(bytes: Buffer): void
  /** The peer's data ended with `close_notify`. */
  closeNotify(): void
  /** After `feedEnd`: the peer's data ended without `close_notify`. Before `handshaken`, `failed` says so instead. */
  ended(): void
  /** Both directions have failed. */
  failed(error: TLSError): void
  /** `send` takes more again, or `unsent` has decreased. An engine that takes everything never calls it. */
  writable(): void
}

/** Creates an engine for one handshake. */
export type MakeEngine = (start: TlsStart, sink: TlsEngineSink) => TlsEngine
