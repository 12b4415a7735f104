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

/** Options of `setKeepAlive`. */
interface KeepAlive {
  /** Whether the system sends keep-alive probes. */
  enable?: boolean | undefined
  /** Milliseconds of silence before the first probe. */
  initialDelay?: number | undefined
  /** Milliseconds between two unanswered probes. */
  interval?: number | undefined
  /** Number of unanswered probes that break the connection. */
  count?: number | undefined
}
/** The members of {@link NodeSocket} that need no I/O. */
declare abstract class SocketMembers extends Duplex {
  #private
  /** The local address; none for a UNIX socket. */
  readonly localAddress?: string
  /** The local port; none for a UNIX socket. */
  readonly localPort?: number
  /** `IPv4` or `IPv6`; none for a UNIX socket. */
  readonly localFamily?: string
  /** The last value of `setTimeout`, in milliseconds. */
  readonly timeout?: number
  /** The HTTP server of the socket; `node:http` sets it. */
  server: Server | null
  /** The address of the other side, while the socket is not destroyed. */
  get remoteAddress(): string | undefined
  /** The port of the other side, while the socket is not destroyed. */
  get remotePort(): number | undefined
  /** `IPv4` or `IPv6`, while the socket is not destroyed. */
  get remoteFamily(): string | undefined
  /** The local address as one object, as in `net.Socket`. */
  address(): AddressInfo | object
  /** Whether small writes are sent at once (`TCP_NODELAY`). That is the default. */
  setNoDelay(noDelay?: boolean): this
  /**
   * Whether the system sends keep-alive probes to a silent peer. Times are in milliseconds, rounded down to seconds; 0
   * keeps the system's value.
   *
   * @param options - the same values in one object, as in Node 26
   * @param initialDelay - milliseconds of silence before the first probe
   * @param interval - milliseconds between two unanswered probes
   * @param count - number of unanswered probes that break the connection
   */
  setKeepAlive(options: KeepAlive): this
  setKeepAlive(enable?: boolean, initialDelay?: number, interval?: number, count?: number): this
  /** The value of `setTypeOfService`, or the system's; 0 if the socket has no such option. */
  getTypeOfService(): number
  /**
   * Sets the Type of Service field of IPv4 packets, or the Traffic Class of IPv6 packets. On an unconnected socket the
   * value is applied once it is connected. The system may mask bits.
   *
   * @param tos - an integer from 0 to 255
   */
  setTypeOfService(tos: number): this
  /** Reverts `unref`. */
  ref(): this
  /** This socket no longer keeps the process alive. An active `run` does, unless its `keepAlive` is `false`. */
  unref(): this
  /** Whether the stream speaks TLS. */
  get encrypted(): boolean
  /**
   * The protocol that ALPN chose; `false` if none. `undefined` without TLS, as a `net.Socket` has no such member: a
   * server of `node:http2` recognises a plaintext HTTP/2 client by that.
   */
  get alpnProtocol(): string | false | null | undefined
  /** Whether the peer's certificate was verified; false on a server whose client sent none. */
  get authorized(): boolean
  /** Always `undefined`: a bad certificate fails the handshake, so there is no such socket. */
  get authorizationError(): undefined
  /** The server name that the client sent (SNI); `false` if it sent none, `null` without TLS. */
  get servername(): string | false | null
  /** The peer's certificate, as `tls.TLSSocket` gives it; an empty object if there is none. */
  getPeerCertificate(_detailed?: boolean): PeerCertificate
  /** The protocol version, such as `'TLSv1.3'`; `null` without TLS. */
  getProtocol(): string | null
  /** The cipher suite, by OpenSSL's name and by the standard's. */
  getCipher(): CipherNameAndProtocol | undefined
  /** Always `undefined`: the TLS context resumes sessions by itself. */
  getSession(): undefined
  /** Whether the handshake resumed an earlier session. */
  isSessionReused(): boolean
}

/** Options of a `NodeSocket`. */
interface NodeSocketOptions {
  /** Whether this side stays open when the peer has ended its side. Default false, as in `net.Socket`. */
  allowHalfOpen?: boolean | undefined
  /** Destroys the socket with an `AbortError` when the signal aborts. */
  signal?: AbortSignal | undefined
  /** Bytes that each direction buffers before it applies back-pressure. Default: that of Node. */
  highWaterMark?: number | undefined
}
/**
 * A `net.Socket` look-alike over a `Stream` of this library: a `stream.Duplex` with the members of `net.Socket`, and
 * those of `tls.TLSSocket` that clients use. `toDuplex` makes one from a stream. `new NodeSocket()` makes an
 * unconnected one, for clients that call `connect(port, host)` themselves.
 *
 * A socket belongs to the scope in which it was made (CLOSE-5). Cancelling that scope leaves the socket open, so that a
 * shielded clean-up can still use it. Once the body of the cancelled scope has settled, the socket is destroyed with an
 * `AbortError` whose `cause` is the `Cancelled`, and the scope waits until it is closed. If the scope ends without a
 * cancellation, the scope around it takes the socket over. A socket that is open when its `run` ends is closed within
 * `closeTimeout`, with a warning unless the run was cancelled.
 *
 * So a cancellation does not end an `await` on the socket itself (an event, a chunk of `for await`). Pass the scope's
 * signal in the option `signal`, or wait with `abandonOnCancel`.
 *
 * @example
 * ```ts
 * await moveOnAfter(1000, async (scope) => {
 *   for await (const chunk of toDuplex(stream, { signal: scope.signal })) handle(chunk)
 * })
 * ```
 *
 * Errors are emitted as `'error'`, as in Node. A broken connection is the system error (`ECONNRESET`).
 */
declare class NodeSocket extends SocketMembers {
  #private
  /** @throws NotRunningError outside every `run` */
  constructor(options?: NodeSocketOptions)
  /**
   * Connects as `connectTcp` and `connectUnix` do: `(port, host)`, `(path)`, or an options object. On a connected
   * socket (`toDuplex`) it only emits `'connect'`: some clients call it on a socket that they were given.
   */
  connect(options: SocketConnectOpts, connectionListener?: () => void): this
  connect(port: number, host: string, connectionListener?: () => void): this
  connect(port: number, connectionListener?: () => void): this
  connect(path: string, connectionListener?: () => void): this
  /** Whether a `connect` is under way. */
  get connecting(): boolean
  /** Whether the socket is not connected yet, or no more. */
  get pending(): boolean
  /** The open directions, as `net.Socket` names them. */
  get readyState(): SocketReadyState
  /** Bytes received through this socket. */
  get bytesRead(): number
  /** Bytes written, with those still in the buffer of the Duplex, as in `net.Socket`. */
  get bytesWritten(): number
  /** Bytes written and not sent yet. */
  get bufferSize(): number
  /** Addresses that `connect` has tried, if known. */
  get autoSelectFamilyAttemptedAddresses(): string[]
  /** Emits `'timeout'` after `timeout` milliseconds without I/O; 0 turns it off. Closing is up to the listener. */
  setTimeout(timeout: number, callback?: () => void): this
  /** Ends the sending side, and destroys the socket once everything has left. */
  destroySoon(): void
  /** Closes with `RST` instead of `FIN` if the stream can: the peer's next call fails with `ECONNRESET`. */
  resetAndDestroy(): this
}

/**
 * Makes a Duplex from a stream, for clients and servers that are written for `net.Socket`. The Duplex owns the stream
 * from now on, and closes it.
 *
 * The Duplex is destroyed once the scope that it was made in has been cancelled and its body has settled; see
 * {@link NodeSocket}. A body that waits for the Duplex itself needs `{ signal: scope.signal }`, or `abandonOnCancel`.
 *
 * @example
 * ```ts
 * const socket = toDuplex(await connectTcp('localhost', 5432))
 * const client = new pg.Client({ stream: () => socket })
 * await abandonOnCancel(client.connect())
 * ```
 *
 * @throws NotRunningError outside every `run`
 */
declare function toDuplex(stream: Stream, options?: NodeSocketOptions): NodeSocket

/**
 * Makes a `Stream` of this library from a Duplex of Node. The stream owns the Duplex from now on: use and close only
 * the stream. A `net.Socket` or `tls.TLSSocket` becomes half-open: when the peer ends its side, this side can still
 * send.
 *
 * @example
 * ```ts
 * const stream = fromDuplex(net.connect(6379, 'localhost'))
 * await stream.sendAll('PING\r\n')
 * const reply = await stream.receiveUntil('\r\n', 1024)
 * ```
 *
 * @throws TypeError for a Duplex in object mode; NotRunningError outside every `run`
 */
declare function fromDuplex(duplex: Duplex): DuplexStream
/** A stream over a Duplex, made by `fromDuplex`. */
declare class DuplexStream extends Stream {
  #private
  /** The local address, if the Duplex is a socket. */
  get localAddress(): SocketAddress | undefined
  /** The peer's address, if the Duplex is a socket. */
  get remoteAddress(): SocketAddress | undefined
  receiveSome(maxBytes?: number): Promise<Buffer>
  sendAll(data: Uint8Array | string): Promise<void>
  sendEof(): Promise<void>
  close(): Promise<void>
}

/** Options of `toWebStreams`. */
interface WebStreamsOptions {
  /** Ends both streams with an `AbortError` when the signal aborts. */
  signal?: AbortSignal | undefined
}
/** The result of `toWebStreams`. */
interface WebStreams {
  /** A byte stream. A reader with `mode: 'byob'` receives into its own memory. */
  readonly readable: ReadableStream<Uint8Array>
  /** Sends what is written to it. Closing it ends the sending direction. */
  readonly writable: WritableStream<Uint8Array | string>
}
/**
 * Makes a pair of web streams from a stream, for web APIs. The pair owns the stream from now on. Closing `writable`
 * ends the sending direction, `writable.abort()` closes everything, and cancelling `readable` leaves `writable` open.
 * The stream is closed when both have ended.
 *
 * The pair belongs to the scope in which it was made: once that has been cancelled and its body has settled, both fail
 * with an `AbortError`. A body that waits for them needs `{ signal: scope.signal }`, or `abandonOnCancel`.
 *
 * @example
 * ```ts
 * await moveOnAfter(1000, async (scope) => {
 *   const { readable } = toWebStreams(stream, { signal: scope.signal })
 *   const lines = readable.pipeThrough(new TextDecoderStream())
 *   for await (const text of lines) console.log(text)
 * })
 * ```
 *
 * @throws NotRunningError outside every `run`
 */
declare function toWebStreams(stream: Stream, options?: WebStreamsOptions): WebStreams

/** Options of `serveHttp`. */
interface ServeHTTPOptions {
  /** Maximum number of connections at once; others wait to be accepted. Default: no maximum. */
  maxConnections?: number | undefined
  /**
   * Called with the error of a listener and its request. Without it, the error goes to the diagnostics channel
   * `structio:connection-error` and, unless it is the peer's doing, to a process warning (SERVE-2). `'throw'`: the
   * error ends the server and rejects `serveHttp`.
   */
  onError?: 'throw' | ((error: unknown, request: unknown) => unknown) | undefined
  /** Cancels the server when it aborts; `serveHttp` then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}
/**
 * Serves HTTP: `server` accepts the connections, and `httpServer`, a server of `node:http`, `node:https` or
 * `node:http2`, handles the requests. It does not need to listen. Its listeners, and so Express, Fastify or `ws` on it,
 * work unchanged.
 *
 * Each request listener runs in the scope of its connection: operations of this library work in it, and are cancelled
 * when the client goes away or `serveHttp` is cancelled. If a listener fails, the client gets status 500, the error
 * goes to `onError`, and the server goes on.
 *
 * Closing `server` or `httpServer` drains: no new connections, pending requests are answered, idle connections end.
 * Then `serveHttp` resolves. A cancellation ends each connection once no operation of this library waits in its scope
 * and no shield is open there, so that listeners can finish their answer in a shield. It leaves `server` open.
 *
 * If `server` speaks TLS, any kind of `httpServer` fits; `node:http2` with `allowHTTP1` takes the protocol that ALPN
 * has chosen. If `server` is plaintext, a server of `node:https` decrypts by itself.
 *
 * @example
 * ```ts
 * const app = express()
 * app.get('/', async (request, response) => {
 *   response.json(await moveOnAfter(1000, () => load()))
 * })
 * await using server = await createTcpServer(8080)
 * await serveHttp(server, http.createServer(app))
 * ```
 */
declare function serveHttp<A extends SocketAddress | string>(
  server: SocketStreamServer<A>,
  httpServer: Server,
  options?: ServeHTTPOptions,
): Promise<void>

export { DuplexStream, NodeSocket, fromDuplex, serveHttp, toDuplex, toWebStreams }
export type { NodeSocketOptions, ServeHTTPOptions, WebStreams, WebStreamsOptions }
