/**
 * `NodeSocket`: a stream of this library as the `net.Socket` that Node's own clients and servers expect.
 *
 * ```text
 *   data, end, error ◄─ push ◄─ receiveSome ─┐                ┌─ Lifetime: the scope that it lives in
 *                                            Stream ◄─ NodeSocket
 *   write, cork, end ─► _write(v) ─► sendAll, sendMany, sendEof ┘   └─ IdleTimer: setTimeout
 * ```
 *
 * What must stay true:
 * 1. Nothing is received that the readable side has not asked for: a paused socket leaves the peer's bytes with the kernel.
 * 2. A write is acknowledged when the stream has taken it, so that `write()` returns false, and `drain` comes, when the
 *    peer does not keep up.
 * 3. Listeners run in the async context in which the socket was made (a request's, a tracer's), as those of net.Socket do;
 *    operations of this library that they begin belong to that scope.
 * 4. However it ends, the stream is closed before `'close'` is emitted, and only after that does the scope let go of it.
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

/** Options of a `NodeSocket`, those of `stream.Duplex` that make sense among them. */
export interface NodeSocketOptions {
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
export class NodeSocket extends SocketMembers implements Socket, Tenant {
  readonly #life: Lifetime
  readonly #context = new AsyncResource('NodeSocket', { requireManualDestroy: true })
  readonly #idle: IdleTimer
  readonly #attempted: string[] = []
  #connecting = false
  /** What waits for the connection: a read, a write. */
  #onConnected: (() => void)[] = []
  #receiving = false
  #received = 0
  #sent = 0
  #forgetSignal: (() => void) | undefined
  #reset = false
  /** The run has ended, not the socket's user: what the stream has taken gets the time to leave. */
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
   * Connects, as `connectTcp` and `connectUnix` do: `(port, host)`, `(path)`, or an object with these. On a socket that is
   * connected already (`toDuplex`) it only says so: clients that are given a socket call it all the same.
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

  /** Whether `connect` has begun and not ended. */
  get connecting(): boolean {
    return this.#connecting
  }

  /** Not connected: not yet, or not any more. */
  get pending(): boolean {
    return this._stream === undefined || this.#connecting
  }

  /** Which directions are open, in the words of `net.Socket`. */
  get readyState(): SocketReadyState {
    if (this.#connecting) return 'opening'
    if (this.destroyed) return 'closed'
    // As net.Socket has it, also before it is connected: `pending` tells.
    if (this.readable) return this.writable ? 'open' : 'readOnly'
    return this.writable ? 'writeOnly' : 'closed'
  }

  /** Bytes that came in through this socket. */
  get bytesRead(): number {
    return this.#received
  }

  /** Also what still waits in the buffer of the Duplex, as that of `net.Socket`. */
  get bytesWritten(): number {
    return this.#sent + this.writableLength
  }

  /** Bytes that were written and are not sent yet. */
  get bufferSize(): number {
    return this.writableLength
  }

  /** Addresses that `connect` has tried, where that is known. */
  get autoSelectFamilyAttemptedAddresses(): string[] {
    return [...this.#attempted]
  }

  /** Emits `'timeout'` after so many milliseconds without any I/O; 0 is never. Closing is up to the listener. */
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

  /** Ends the own half, and destroys the socket once everything has left. */
  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  /** Closes with `RST` instead of `FIN`, where the stream can: the peer's next call fails with `ECONNRESET`. */
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

  /** @internal What was corked, or came while the last write was on its way, leaves as one write. */
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
      // After the 'error' that this leads to, and in a turn of its own, as where libuv closes a handle: what a client puts off
      // when the last data come (a promise of its own kind, say) has to be done before it hears of the end.
      nextTurn({ resume: () => this.#inContext(() => this.#closed(error !== null)) })
    }
    const stream = this._stream
    if (stream === undefined) {
      done()
      return
    }
    this._rememberAddresses()
    // How it ends is of no interest to anybody.
    this.#close(stream).then(done, done)
  }

  /** @internal */
  describe(): string {
    const { remoteAddress, remotePort } = this
    return remoteAddress === undefined ? 'a NodeSocket' : `a NodeSocket to ${remoteAddress}:${remotePort ?? ''}`
  }

  /** @internal Its scope has a handler of its own: being cancelled is no error of the socket's. */
  _quietly(): this {
    this.#quiet = true
    return this
  }

  /** @internal */
  cancelled(reason: Cancelled): void {
    this.#inContext(() => this.destroy(this.#quiet ? undefined : new AbortError(reason)))
  }

  /** @internal Whoever is about to end it gets a moment, what was written before it was ended gets its time. */
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

  /** @internal Destroys it once what was written has left, or has had `closeTimeout` for that. */
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
      // It may know nothing of scopes: whoever destroys the socket does not wait for it.
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
    // The socket's scope is cancelled, so that nothing holds up the close.
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
    // It was the destroying that ended the send.
    if (this.destroyed) return this.errored ?? coded('ERR_STREAM_DESTROYED', 'The socket was destroyed')
    const known = toNodeError(error)
    if (known !== undefined) return known
    // Whoever waits for the write is told, and nobody else: it was this side that closed the stream.
    this.destroy()
    return coded('EPIPE', 'This socket has been closed')
  }

  /** In TLS 1.2 neither side may go on alone: the end of this one is the end of both. */
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
 * Milliseconds for a client that has been told to end and has not come to it: `pool.end()` is settled before the sockets
 * of its clients have ended.
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
