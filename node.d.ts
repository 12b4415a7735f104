// The public API of structio/node, rolled up from src/node/index.ts by `npm run build -- types`. Generated: do not edit.

import { Stream } from 'structio'
import { AddressInfo, SocketConnectOpts, SocketReadyState } from 'node:net'
import { Duplex } from 'node:stream'
import { PeerCertificate, CipherNameAndProtocol } from 'node:tls'

/** The members of {@link NodeSocket} that need no I/O. */
declare abstract class SocketMembers extends Duplex {
  #private
  readonly localAddress?: string
  readonly localPort?: number
  readonly localFamily?: string
  /** What `setTimeout` was last told. */
  readonly timeout?: number
  get remoteAddress(): string | undefined
  get remotePort(): number | undefined
  get remoteFamily(): string | undefined
  address(): AddressInfo | object
  setNoDelay(noDelay?: boolean): this
  /** @param initialDelay - milliseconds of silence before the first probe; 0 leaves the system's */
  setKeepAlive(enable?: boolean, initialDelay?: number): this
  ref(): this
  /** The process need not stay for this socket. An active `run` keeps it all the same, unless it was told not to. */
  unref(): this
  /** Whether the stream speaks TLS. */
  get encrypted(): boolean
  /** What ALPN chose; `false` where it chose nothing. */
  get alpnProtocol(): string | false | null
  /** Whether the peer's certificate was checked and found good; false on a server whose client sent none. */
  get authorized(): boolean
  /** A certificate that is not good fails the handshake here, so there is no such socket. */
  get authorizationError(): undefined
  get servername(): string | false | null
  getPeerCertificate(_detailed?: boolean): PeerCertificate
  /** `'TLSv1.3'`; null without TLS. */
  getProtocol(): string | null
  getCipher(): CipherNameAndProtocol | undefined
  /** Sessions are resumed by the TLS context, and not handed out. */
  getSession(): undefined
  isSessionReused(): boolean
}

interface NodeSocketOptions {
  /** Whether the own half stays open when the peer has ended its own. Default false, as that of `net.Socket`. */
  allowHalfOpen?: boolean | undefined
  /** Destroys the socket with an `AbortError` when it aborts. */
  signal?: AbortSignal | undefined
  /** How many bytes either side buffers before it holds up the other. Default: Node's. */
  highWaterMark?: number | undefined
}
/**
 * A `stream.Duplex` with the members of `net.Socket`, and those of `tls.TLSSocket` that clients look at, over a `Stream`.
 * `toDuplex` makes one of a stream; `new NodeSocket()` makes one that is not connected yet, for clients that call
 * `connect(port, host)` themselves.
 *
 * It belongs to the scope in which it was made. When that is cancelled, or a scope around it, the socket is destroyed with an
 * `AbortError` whose `cause` is the `Cancelled`; the scope waits until it is closed. When that scope ends, the next one out
 * takes over, and what is open when its `run` ends is closed with a warning.
 *
 * As everywhere in Node, an error is emitted as `'error'`; a broken connection is the system's error (`ECONNRESET`).
 */
declare class NodeSocket extends SocketMembers {
  #private
  /** @throws NotRunningError outside every `run` */
  constructor(options?: NodeSocketOptions)
  /**
   * Connects, as `connectTcp` and `connectUnix` do: `(port, host)`, `(path)`, or an object with these. On a socket that is
   * connected already (`toDuplex`) it only says so: clients that are given a socket call it all the same.
   */
  connect(options: SocketConnectOpts, connectionListener?: () => void): this
  connect(port: number, host: string, connectionListener?: () => void): this
  connect(port: number, connectionListener?: () => void): this
  connect(path: string, connectionListener?: () => void): this
  get connecting(): boolean
  /** Not connected: not yet, or not any more. */
  get pending(): boolean
  get readyState(): SocketReadyState
  get bytesRead(): number
  /** Also what still waits in the buffer of the Duplex, as that of `net.Socket`. */
  get bytesWritten(): number
  get bufferSize(): number
  get autoSelectFamilyAttemptedAddresses(): string[]
  /** Emits `'timeout'` after so many milliseconds without any I/O; 0 is never. Closing is up to the listener. */
  setTimeout(timeout: number, callback?: () => void): this
  /** Ends the own half, and destroys the socket once everything has left. */
  destroySoon(): void
  /** Closes with `RST` instead of `FIN`, where the stream can: the peer's next call fails with `ECONNRESET`. */
  resetAndDestroy(): this
}

/**
 * The stream as a Duplex of Node's, for clients and servers that are made for `net.Socket`: from now on it belongs to the
 * Duplex, which closes it. See {@link NodeSocket}.
 *
 * @throws NotRunningError outside every `run`
 */
declare function toDuplex(stream: Stream, options?: NodeSocketOptions): NodeSocket

export { NodeSocket, toDuplex }
export type { NodeSocketOptions }
