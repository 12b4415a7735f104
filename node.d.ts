// Rolled up from src/node/index.ts by `npm run build -- types`. Generated: do not edit.

/**
 * Everything that `import { … } from 'structio/node'` can name.
 *
 * @module structio/node
 */

import { Stream, SocketAddress, SocketStreamServer } from 'structio'
import { Server, AddressInfo, SocketConnectOpts, SocketReadyState } from 'node:net'
import { Duplex } from 'node:stream'
import { PeerCertificate, CipherNameAndProtocol } from 'node:tls'
import { ReadableStream, WritableStream } from 'node:stream/web'

/** What `setKeepAlive` takes in one object. */
interface KeepAlive {
  /** Whether the system asks at all. */
  enable?: boolean | undefined
  /** Milliseconds of silence before it asks first. */
  initialDelay?: number | undefined
  /** Milliseconds between two questions without an answer. */
  interval?: number | undefined
  /** How many questions without an answer break the connection. */
  count?: number | undefined
}
/** The members of {@link NodeSocket} that need no I/O. */
declare abstract class SocketMembers extends Duplex {
  #private
  /** The address of this side; a path has none. */
  readonly localAddress?: string
  /** The port of this side; a path has none. */
  readonly localPort?: number
  /** `IPv4` or `IPv6`; a path has none. */
  readonly localFamily?: string
  /** What `setTimeout` was last told. */
  readonly timeout?: number
  /** The server of Node that serves the socket: `node:http` sets it. */
  server: Server | null
  /** The address of the other side, while the socket is not destroyed. */
  get remoteAddress(): string | undefined
  /** The port of the other side, while the socket is not destroyed. */
  get remotePort(): number | undefined
  /** `IPv4` or `IPv6`, while the socket is not destroyed. */
  get remoteFamily(): string | undefined
  /** The address of this side in one object, as `net.Socket` gives it. */
  address(): AddressInfo | object
  /** Whether small writes go out at once, which they do unless this says otherwise. */
  setNoDelay(noDelay?: boolean): this
  /**
   * Whether the system asks a silent peer if it is still there. All times are in milliseconds, rounded down to seconds; 0 leaves
   * the system's.
   *
   * @param options - the same in one object, as Node 26 takes it
   * @param initialDelay - silence before it asks first
   * @param interval - time between two questions without an answer
   * @param count - how many questions without an answer break the connection
   */
  setKeepAlive(options: KeepAlive): this
  setKeepAlive(enable?: boolean, initialDelay?: number, interval?: number, count?: number): this
  /** The value of `setTypeOfService`, or what the system has; 0 where there is no such option. */
  getTypeOfService(): number
  /**
   * The Type of Service field of IPv4 packets, or the Traffic Class of IPv6 packets, from now on. Before the socket is connected the
   * value is kept until it is. The system may mask bits of it.
   *
   * @param tos - an integer from 0 to 255
   */
  setTypeOfService(tos: number): this
  /** Undoes `unref`. */
  ref(): this
  /** The process need not stay for this socket. An active `run` keeps it all the same, unless it was told not to. */
  unref(): this
  /** Whether the stream speaks TLS. */
  get encrypted(): boolean
  /**
   * What ALPN chose; `false` where it chose nothing. Without TLS `undefined`, as a `net.Socket` has no such member: by that a
   * server of `node:http2` knows a client that speaks HTTP/2 from the beginning.
   */
  get alpnProtocol(): string | false | null | undefined
  /** Whether the peer's certificate was checked and found good; false on a server whose client sent none. */
  get authorized(): boolean
  /** A certificate that is not good fails the handshake here, so there is no such socket. */
  get authorizationError(): undefined
  /** The server's name that the client sent (SNI); `false` where it sent none, null without TLS. */
  get servername(): string | false | null
  /** The certificate of the other side, as `tls.TLSSocket` gives it; an empty object without one. */
  getPeerCertificate(_detailed?: boolean): PeerCertificate
  /** `'TLSv1.3'`; null without TLS. */
  getProtocol(): string | null
  /** The cipher suite, under OpenSSL's name and the standard's. */
  getCipher(): CipherNameAndProtocol | undefined
  /** Sessions are resumed by the TLS context, and not handed out. */
  getSession(): undefined
  /** Whether the handshake took up an earlier session. */
  isSessionReused(): boolean
}

/** Options of a `NodeSocket`, those of `stream.Duplex` that make sense among them. */
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
 * It belongs to the scope in which it was made. Cancelling that scope, or one around it, leaves the socket alone, so that the
 * clean-up of the body, in a shield, can still use it. Once the body of a cancelled scope has settled, the socket is destroyed
 * with an `AbortError` whose `cause` is the `Cancelled`, and the scope waits until it is closed. When a scope ends that was not
 * cancelled, the next one out takes over. What is open when its `run` ends is closed within `closeTimeout`; with a warning,
 * unless the run was cancelled.
 *
 * What a body awaits on the socket is therefore not ended by cancellation: an event, a chunk of `for await`. Give the socket the
 * scope's signal (`signal`, or `addAbortSignal` of `node:stream`), or wait with `abandonOnCancel`.
 *
 * ```ts
 * await moveOnAfter(1000, async (scope) => {
 *   for await (const chunk of toDuplex(stream, { signal: scope.signal })) handle(chunk)
 * })
 * ```
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
  /** Whether `connect` has begun and not ended. */
  get connecting(): boolean
  /** Not connected: not yet, or not any more. */
  get pending(): boolean
  /** Which directions are open, in the words of `net.Socket`. */
  get readyState(): SocketReadyState
  /** Bytes that came in through this socket. */
  get bytesRead(): number
  /** Also what still waits in the buffer of the Duplex, as that of `net.Socket`. */
  get bytesWritten(): number
  /** Bytes that were written and are not sent yet. */
  get bufferSize(): number
  /** Addresses that `connect` has tried, where that is known. */
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
 * Duplex, which closes it. See {@link NodeSocket}: it is destroyed when the scope that it was made in was cancelled and its
 * body has settled. A body that waits for the Duplex itself needs `{ signal: scope.signal }`, or `abandonOnCancel`.
 *
 * @throws NotRunningError outside every `run`
 */
declare function toDuplex(stream: Stream, options?: NodeSocketOptions): NodeSocket

/**
 * The Duplex as a `Stream`, for everything here that takes one; from now on it belongs to the stream. A `net.Socket` or
 * `tls.TLSSocket` is left half-open when its peer ends, as streams are.
 *
 * @throws TypeError for a Duplex of objects; NotRunningError outside every `run`
 */
declare function fromDuplex(duplex: Duplex): DuplexStream
/** The stream that `fromDuplex` makes of a Duplex. */
declare class DuplexStream extends Stream {
  #private
  /** Of a socket: the own end of the connection. */
  get localAddress(): SocketAddress | undefined
  /** Of a socket: the peer's end. */
  get remoteAddress(): SocketAddress | undefined
  receiveSome(maxBytes?: number): Promise<Buffer>
  sendAll(data: Uint8Array | string): Promise<void>
  sendEof(): Promise<void>
  close(): Promise<void>
}

/** Options of `toWebStreams`. */
interface WebStreamsOptions {
  /** Ends both with an `AbortError` when it aborts. */
  signal?: AbortSignal | undefined
}
/** What `toWebStreams` makes of a stream. */
interface WebStreams {
  /** A byte stream: readers may bring their own memory (`mode: 'byob'`), and the bytes are received into it. */
  readonly readable: ReadableStream<Uint8Array>
  /** What is written here is sent; closing it ends the sending direction. */
  readonly writable: WritableStream<Uint8Array | string>
}
/**
 * The stream as a pair of web streams; from now on it belongs to them. Closing `writable` ends the own half, `abort()` closes
 * everything; cancelling `readable` leaves the other half open. The stream is closed when both are over. As a `NodeSocket`, they
 * belong to the scope in which they were made: when that was cancelled, and its body has settled, they fail with an `AbortError`.
 * A body that waits for them needs `{ signal: scope.signal }`, or `abandonOnCancel`.
 *
 * @throws NotRunningError outside every `run`
 */
declare function toWebStreams(stream: Stream, options?: WebStreamsOptions): WebStreams

/** Options of `serveHttp`. */
interface ServeHTTPOptions {
  /** How many connections are served at once; the others wait to be accepted. Default: as many as come. */
  maxConnections?: number | undefined
  /**
   * Gets what a handler threw, and its request. Without it such an error goes where those of `serve` go: to the diagnostics
   * channel `structio:connection-error` and, unless a peer can bring it about, to a process warning. `'throw'`: it ends the
   * server and comes out of `serveHttp`.
   */
  onError?: 'throw' | ((error: unknown, request: unknown) => unknown) | undefined
  /** Cancels when it aborts; `serveHttp` then rejects with its reason. */
  signal?: AbortSignal | undefined
}
/**
 * Serves HTTP with a server of `node:http`, `node:https` or `node:http2` that need not listen itself: its request listeners, and
 * so Express, Fastify or `ws` on it, are used unchanged. Connections that speak TLS already (a TLS server here) suit any of
 * them; a `node:http2` server with `allowHTTP1` takes both protocols, as ALPN has chosen. Plaintext that is given to a server
 * of `node:https` is decrypted by that.
 *
 * Request listeners run in the scope of their connection: operations of this library work in them, and are cancelled when the
 * client goes away or `serveHttp` is cancelled. A listener that fails is answered with 500, as Node's servers do with
 * `captureRejections`; its error goes to `onError`, as in `serve`, and the server goes on.
 *
 * Closing `server`, or the HTTP server itself, drains: no more connections, what has been asked is answered, and connections
 * without a request under way end. Then `serveHttp` returns. Cancelled, it ends each connection once nothing of this library waits
 * in its scope and no shield is open there, so that listeners can say goodbye in a shield; and it leaves `server` open.
 */
declare function serveHttp<A extends SocketAddress | string>(
  server: SocketStreamServer<A>,
  httpServer: Server,
  options?: ServeHTTPOptions,
): Promise<void>

export { DuplexStream, NodeSocket, fromDuplex, serveHttp, toDuplex, toWebStreams }
export type { NodeSocketOptions, ServeHTTPOptions, WebStreams, WebStreamsOptions }
