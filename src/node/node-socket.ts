/**
 * `NodeSocket`: a stream of this library as the `net.Socket` that clients and servers written for Node expect.
 *
 * ```text
 *   data, end, error ◄─ push ◄─ receiveSome ─┐                ┌─ Lifetime: the scope that it lives in
 *                                            Stream ◄─ NodeSocket
 *   write, cork, end ─► _write(v) ─► sendAll, sendMany, sendEof ┘   └─ IdleTimer: setTimeout
 * ```
 *
 * Invariants
 * 1. It receives only when the readable side asks: a paused socket leaves the peer's bytes with the kernel.
 * 2. A write is acknowledged when the stream has taken it. So `write()` returns false and `drain` comes later when the
 *    peer does not keep up.
 * 3. Listeners run in the async context in which the socket was made (a request's, a tracer's), as those of net.Socket
 *    do; operations of this library that they begin belong to that scope.
 * 4. However it ends, the stream is closed before `'close'` is emitted, and its scope waits for that.
 */
import { AsyncResource } from 'node:async_hooks'
import type { Socket, SocketConnectOpts, SocketReadyState } from 'node:net'
import type { Address } from '../backends/contract/backend.ts'
import { type Cancelled, UnsupportedError } from '../errors.ts'
import { abandonable, markHandled, NEUTRAL, nextTurn } from '../kernel/index.ts'
import { connectTcp, connectTo } from '../sockets.ts'
import { CLOSE_TIMEOUT } from '../common/origin.ts'
import type { SocketStream } from '../streams/socket-stream.ts'
import type { Stream } from '../streams/stream.ts'
import { connectUnix } from '../unix.ts'
import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkOptions,
  checkSignal,
  optionNames,
} from '../common/validate.ts'
import { type ConnectTarget, toTarget } from './connect-arguments.ts'
import { after, IdleTimer } from './idle-timer.ts'
import { Lifetime, type Tenant } from './lifetime.ts'
import { lookUpWith } from './own-lookup.ts'
import { AbortError, coded, toNodeError } from './node-errors.ts'
import { onAbort } from './on-abort.ts'
import { SocketMembers } from './socket-members.ts'

/** Options of a `NodeSocket`. */
export interface NodeSocketOptions {
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
export class NodeSocket extends SocketMembers implements Socket, Tenant {
  readonly #life: Lifetime
  readonly #context = new AsyncResource('NodeSocket', { requireManualDestroy: true })
  readonly #idle: IdleTimer
  readonly #attempted: string[] = []
  #connecting = false
  /** A read or a write that waits for the connection. */
  #onConnected: (() => void)[] = []
  #receiving = false
  #received = 0
  #sent = 0
  #forgetSignal: (() => void) | undefined
  #reset = false
  /** The run ended while the socket was open: bytes that the stream has taken get time to leave. */
  #outlived = false
  #quiet = false
  #parting: (() => void) | undefined

  /** @throws NotRunningError outside every `run` */
  constructor(options: NodeSocketOptions = {}) {
    checkSocketOptions(options)
    const { allowHalfOpen = false, signal, highWaterMark } = options
    super({ allowHalfOpen, emitClose: false, ...(highWaterMark === undefined ? {} : { highWaterMark }) })
    this.#life = new Lifetime('a NodeSocket', this)
    this.#idle = new IdleTimer(this.#life.run, () => this.#inContext(() => this.emit('timeout')))
    if (signal !== undefined) {
      this.#forgetSignal = onAbort(signal, (error) => void this.#inContext(() => this.destroy(error)))
    }
  }

  /**
   * Connects as `connectTcp` and `connectUnix` do: `(port, host)`, `(path)`, or an options object. On a connected
   * socket (`toDuplex`) it only emits `'connect'`: some clients call it on a socket that they were given.
   */
  connect(options: SocketConnectOpts, connectionListener?: () => void): this
  connect(port: number, host: string, connectionListener?: () => void): this
  connect(port: number, connectionListener?: () => void): this
  connect(path: string, connectionListener?: () => void): this
  connect(...given: unknown[]): this {
    const { target, listener } = toTarget(given)
    if (listener !== undefined) this.once('connect', listener)
    if (this._stream !== undefined) queueMicrotask(() => this.#announce())
    else if (!this.#connecting && !this.destroyed) this.#connect(target)
    return this
  }

  /** Whether a `connect` is under way. */
  get connecting(): boolean {
    return this.#connecting
  }

  /** Whether the socket is not connected yet, or no more. */
  get pending(): boolean {
    return this._stream === undefined || this.#connecting
  }

  /** The open directions, as `net.Socket` names them. */
  get readyState(): SocketReadyState {
    if (this.#connecting) return 'opening'
    if (this.destroyed) return 'closed'
    // As net.Socket, also before it is connected; `pending` tells the difference.
    if (this.readable) return this.writable ? 'open' : 'readOnly'
    return this.writable ? 'writeOnly' : 'closed'
  }

  /** Bytes received through this socket. */
  get bytesRead(): number {
    return this.#received
  }

  /** Bytes written, with those still in the buffer of the Duplex, as in `net.Socket`. */
  get bytesWritten(): number {
    return this.#sent + this.writableLength
  }

  /** Bytes written and not sent yet. */
  get bufferSize(): number {
    return this.writableLength
  }

  /** Addresses that `connect` has tried, if known. */
  get autoSelectFamilyAttemptedAddresses(): string[] {
    return [...this.#attempted]
  }

  /** Emits `'timeout'` after `timeout` milliseconds without I/O; 0 turns it off. Closing is up to the listener. */
  setTimeout(timeout: number, callback?: () => void): this {
    checkInteger('timeout', timeout)
    if (callback !== undefined) {
      checkFunction('callback', callback)
      if (timeout === 0) this.removeListener('timeout', callback)
      else this.once('timeout', callback)
    }
    this._timeout = timeout
    if (!this.destroyed) this.#idle.set(timeout)
    return this
  }

  /** Ends the sending side, and destroys the socket once everything has left. */
  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  /** Closes with `RST` instead of `FIN` if the stream can: the peer's next call fails with `ECONNRESET`. */
  resetAndDestroy(): this {
    this.#reset = true
    if (this._stream === undefined && !this.#connecting) this.destroy(coded('ERR_SOCKET_CLOSED', 'Socket is closed'))
    else this.destroy()
    return this
  }

  /** @internal */
  override _read(): void {
    if (this.#receiving || this.destroyed) return
    this.#receiving = true
    this.#whenConnected(() => this.#context.runInAsyncScope(this.#receive, this))
  }

  /** @internal */
  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#send(chunk.length, (stream) => stream.sendAll(chunk), callback)
  }

  /** @internal Corked writes, and writes during the last one, leave as one. */
  override _writev(chunks: { chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    const parts = chunks.map(({ chunk }) => chunk)
    const size = parts.reduce((sum, part) => sum + part.length, 0)
    this.#send(size, (stream) => stream.sendMany(parts), callback)
  }

  /** @internal */
  override _final(callback: (error?: Error | null) => void): void {
    if (this._stream === undefined && !this.#connecting) callback()
    else this.#send(0, (stream) => this.#endOf(stream), callback)
  }

  /** @internal */
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#connecting = false
    this.#onConnected = []
    this.#idle.stop()
    this.#parting?.()
    this.#forgetSignal?.()
    this.#life.interrupt()
    const done = (): void => {
      callback(error)
      // In a turn of its own after the 'error', as libuv closes a handle: work that a client defers when the last data
      // come (a promise, say) must be done before 'close'.
      nextTurn({ resume: () => this.#inContext(() => this.#closed(error !== null)) })
    }
    const stream = this._stream
    if (stream === undefined) {
      done()
      return
    }
    this._rememberAddresses()
    // Its outcome is ignored.
    this.#close(stream).then(done, done)
  }

  /** @internal */
  describe(): string {
    const { remoteAddress, remotePort } = this
    return remoteAddress === undefined ? 'a NodeSocket' : `a NodeSocket to ${remoteAddress}:${remotePort ?? ''}`
  }

  /** @internal The scope's owner handles cancellations: they are no error of the socket. */
  _quietly(): this {
    this.#quiet = true
    return this
  }

  /** @internal */
  cancelled(reason: Cancelled): void {
    this.#inContext(() => this.destroy(this.#quiet ? undefined : new AbortError(reason)))
  }

  /**
   * @internal A user that is about to end it gets a moment; bytes that were written before an `end` get `closeTimeout`.
   */
  runEnded(warn: () => void, reason: Cancelled | undefined): void {
    if (reason !== undefined) {
      this._destroyInTime(this.#quiet ? undefined : new AbortError(reason))
      return
    }
    this.#outlived = true
    if (this.destroyed) return
    if (this.writableEnded && !this.writableFinished) this.once('finish', () => this.destroy())
    this.#parting = after(this.#life.run, this.writableEnded ? CLOSE_TIMEOUT : PARTING_TIME, () => {
      if (!this.writableEnded) warn()
      this.#inContext(() => this.destroy())
    })
  }

  /** @internal Destroys it once the written bytes have left, at the latest after `closeTimeout`. */
  _destroyInTime(error?: Error): void {
    this.#outlived = true
    if (this.destroyed) return
    const destroy = (): void => void this.#inContext(() => this.destroy(error))
    if (this._stream === undefined || (this.writableLength === 0 && this.writableEnded === this.writableFinished)) {
      destroy()
      return
    }
    this.once('finish', destroy)
    this.#parting = after(this.#life.run, CLOSE_TIMEOUT, () => {
      this.#outlived = false
      destroy()
    })
    if (!this.writableEnded) this.#inContext(() => this.end())
  }

  #connect(target: ConnectTarget): void {
    this.#connecting = true
    if ('host' in target) this.#attempted.push(`${target.host}:${target.port}`)
    const connecting = this.#life.within(() => this.#open(target))
    connecting.then(
      (stream) => this.#connected(stream),
      (error: unknown) => this.destroy(toNodeError(error)),
    )
  }

  #open(target: ConnectTarget): Promise<SocketStream<Address>> {
    if ('path' in target) return connectUnix(target.path)
    const { host, port, lookUp, ...options } = target
    if (lookUp === undefined) return connectTcp(host, port, options)
    const told = (error: Error | null, address: string, family: number | undefined): void => {
      this.#inContext(() => this.emit('lookup', error, address, family, host))
    }
    return connectTo(host, port, options, () => {
      const finding = this.#inContext(() => lookUpWith(lookUp, host, told))
      // The user's lookup may ignore cancellation: destroying the socket does not wait for it.
      return abandonable(finding, undefined, NEUTRAL)
    })
  }

  #connected(stream: SocketStream<Address>): void {
    if (this.destroyed) {
      markHandled(this.#life.within(() => stream.close()))
      return
    }
    this.#connecting = false
    this._adopt(stream)
    this.#inContext(() => this.#announce())
    const waiting = this.#onConnected
    this.#onConnected = []
    for (const go of waiting) go()
  }

  async #close(stream: Stream): Promise<void> {
    if (this.#reset) this._socket?._reset()
    else if (this.#outlived) await this._socket?._closeInTime()
    // The socket's scope is cancelled, so the close does not wait.
    await this.#life.within(() => stream.close())
  }

  #announce(): void {
    if (this.destroyed) return
    this.emit('connect')
    this.emit('ready')
  }

  #whenConnected(go: () => void): void {
    if (this._stream !== undefined) go()
    else this.#onConnected.push(go)
  }

  #receive(): void {
    const stream = this._stream as Stream
    // Awaited in the socket's own context, so that its listeners are called there (3).
    this.#life.within(receiveFrom, stream).then(this.#onBytes, this.#onReceiveFailed)
  }

  readonly #onBytes = (bytes: Buffer): void => {
    this.#receiving = false
    if (this.destroyed) return
    if (bytes.length === 0) {
      this.push(null)
    } else {
      this.#received += bytes.length
      this.#idle.touch()
      this.push(bytes)
    }
  }

  readonly #onReceiveFailed = (error: unknown): void => {
    this.#receiving = false
    this.destroy(toNodeError(error))
  }

  #send(size: number, put: (stream: Stream) => Promise<void>, callback: (error?: Error | null) => void): void {
    if (this._stream === undefined && !this.#connecting) {
      callback(coded('ERR_SOCKET_CLOSED', 'Socket is closed'))
      return
    }
    this.#whenConnected(() => {
      this.#idle.touch()
      this.#life.within(put, this._stream as Stream).then(
        () => {
          this.#sent += size
          this.#idle.touch()
          callback()
        },
        (error: unknown) => callback(this.#sendError(error)),
      )
    })
  }

  #closed(hadError: boolean): void {
    try {
      this.emit('close', hadError)
    } finally {
      this.#life.end()
      this.#context.emitDestroy()
    }
  }

  #sendError(error: unknown): Error {
    // Destroying the socket ended the send.
    if (this.destroyed) return this.errored ?? coded('ERR_STREAM_DESTROYED', 'The socket was destroyed')
    const known = toNodeError(error)
    if (known !== undefined) return known
    // Only the callback of the write gets an error: this side has closed the stream.
    this.destroy()
    return coded('EPIPE', 'This socket has been closed')
  }

  /** TLS 1.2 has no half-close: the end of this side closes the stream. */
  async #endOf(stream: Stream): Promise<void> {
    try {
      await stream.sendEof()
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error
      await stream.close()
      if (this.#receiving) return
      this.push(null)
    }
  }

  #inContext<T>(fn: () => T): T {
    return this.#context.runInAsyncScope(fn)
  }
}

/**
 * Milliseconds for a client that is about to end its socket: `pool.end()` of a database client settles before the
 * sockets of its clients have ended.
 */
const PARTING_TIME = 100

function receiveFrom(stream: Stream): Promise<Buffer> {
  return stream.receiveSome()
}

function checkSocketOptions(options: NodeSocketOptions): void {
  checkOptions('options', options, OPTIONS)
  const { allowHalfOpen, signal, highWaterMark } = options
  if (allowHalfOpen !== undefined) checkBoolean('options.allowHalfOpen', allowHalfOpen)
  if (signal !== undefined) checkSignal('options.signal', signal)
  if (highWaterMark !== undefined) checkInteger('options.highWaterMark', highWaterMark)
}

const OPTIONS = optionNames<NodeSocketOptions>({ allowHalfOpen: true, signal: true, highWaterMark: true })
