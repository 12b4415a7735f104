/**
 * `fromDuplex`: a Duplex of Node as a stream of this library.
 *
 * Invariants
 * 1. Bytes are read from the Duplex only for a receive. If the receive is cancelled, buffered bytes stay in the Duplex.
 * 2. The Duplex gets copies: it may keep them for long, and the caller may reuse its memory once `sendAll` has
 *    resolved. It gets at most one piece beyond its high-water mark.
 * 3. An `'error'` of the Duplex surfaces on the next call, and never ends the process.
 */
import { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import type { SocketAddress } from '../backends/contract/backend.ts'
import { BrokenResourceError, type Cancelled, ClosedResourceError } from '../errors.ts'
import {
  type CancelScope,
  closingScope,
  enterOperation,
  immediate,
  immediateVoid,
  isInterrupted,
  Operation,
  rejected,
  requireFrame,
  Resource,
} from '../kernel/index.ts'
import { checkSize, READ_SIZE, toBytes } from '../common/bytes.ts'
import { CLOSE_TIMEOUT } from '../common/origin.ts'
import { Stream } from '../streams/stream.ts'
import { invalidArgType } from '../common/validate.ts'
import { after } from './idle-timer.ts'
import { coded } from './node-errors.ts'

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
export function fromDuplex(duplex: Duplex): DuplexStream {
  if (!(duplex instanceof Duplex)) throw invalidArgType('duplex', 'an instance of stream.Duplex', duplex)
  if (duplex.readableObjectMode || duplex.writableObjectMode)
    throw invalidArgType('duplex', 'a Duplex of bytes, not of objects', duplex)
  return new DuplexStream(duplex)
}

/** A stream over a Duplex, made by `fromDuplex`. */
export class DuplexStream extends Stream {
  readonly #duplex: Duplex
  readonly #resource: OpenDuplex
  readonly #receiving = new Wait<Buffer>('receiveSome')
  /** Waiting calls, in order. Only the first has begun. */
  #sends: SendWait[] = []
  readonly #closing = new CloseWait(() => this.#destroy())
  #maxBytes = READ_SIZE
  #failure: Error | undefined
  /** A call of the sending side has reported the failure. */
  #told = false
  #closed = false

  /** @internal */
  constructor(duplex: Duplex) {
    super()
    this.#resource = new OpenDuplex(this, describe(duplex))
    this.#duplex = duplex
    duplex.allowHalfOpen = true
    // It may have flowed until now.
    duplex.pause()
    duplex.on('readable', this.#onReadable)
    duplex.on('end', this.#onReadable)
    duplex.on('drain', this.#onWritable)
    duplex.on('finish', this.#onWritable)
    duplex.on('error', this.#onError)
    duplex.on('close', this.#onClose)
  }

  /** The local address, if the Duplex is a socket. */
  get localAddress(): SocketAddress | undefined {
    const { localAddress: address, localPort: port, localFamily: family } = this.#duplex as Partial<Socket>
    return toAddress(address, port, family)
  }

  /** The peer's address, if the Duplex is a socket. */
  get remoteAddress(): SocketAddress | undefined {
    const { remoteAddress: address, remotePort: port, remoteFamily: family } = this.#duplex as Partial<Socket>
    return toAddress(address, port, family)
  }

  override receiveSome(maxBytes: number = READ_SIZE): Promise<Buffer> {
    try {
      checkSize('maxBytes', maxBytes)
      const scope = enterOperation('receiveSome')
      this.#requireOpen('receiveSome')
      this.#maxBytes = maxBytes
      const bytes = this.#take()
      return bytes === undefined ? this.#receiving.begin(scope) : immediate(bytes)
    } catch (error) {
      return rejected(error)
    }
  }

  override sendAll(data: Uint8Array | string): Promise<void> {
    try {
      const bytes = toBytes('data', data)
      const scope = this.#enterSend('sendAll')
      if (this.#sends.length > 0) return this.#sendLater('sendAll', bytes, scope)
      if (this.#duplex.writableEnded) throw endedError()
      const rest = this.#push(bytes)
      return rest === undefined ? immediateVoid() : this.#sendLater('sendAll', rest, scope, rest.length < bytes.length)
    } catch (error) {
      return rejected(error)
    }
  }

  override sendEof(): Promise<void> {
    try {
      const scope = this.#enterSend('sendEof')
      if (this.#sends.length > 0) return this.#sendLater('sendEof', undefined, scope)
      if (!this.#duplex.writableEnded) this.#duplex.end()
      return this.#duplex.writableFinished ? immediateVoid() : this.#sendLater('sendEof', undefined, scope)
    } catch (error) {
      return rejected(error)
    }
  }

  override close(): Promise<void> {
    const scope = closingScope()
    if (scope === undefined) return this._closeForRun()
    this.#shut()
    if (this.#failure !== undefined && !this.#told) {
      this.#told = true
      this.#destroy()
      return rejected(this.#broken('close', this.#failure))
    }
    if (this.#duplex.destroyed) return immediateVoid()
    if (this.#closing.pending) return immediateVoid()
    const interrupted = isInterrupted(scope)
    if (!interrupted) this.#duplex.end()
    if (interrupted || this.#duplex.writableFinished) {
      this.#destroy()
      return immediateVoid()
    }
    return this.#closing.begin(scope)
  }

  /** @internal */
  get _closed(): boolean {
    return this.#closed
  }

  /** @internal Outside every frame. Waits for `CLOSE_TIMEOUT` at most. */
  _closeForRun(): Promise<void> {
    this.#shut()
    const duplex = this.#duplex
    if (duplex.destroyed) return Promise.resolve()
    duplex.end(() => duplex.destroy())
    const giveUp = after(this.#resource.run, CLOSE_TIMEOUT, () => duplex.destroy())
    return new Promise((resolve) =>
      duplex.once('close', () => {
        giveUp()
        resolve()
      }),
    )
  }

  readonly #onReadable = (): void => {
    if (!this.#receiving.pending) return
    try {
      const bytes = this.#take()
      if (bytes !== undefined) this.#receiving.resolve(bytes)
    } catch (error) {
      this.#receiving.reject(error)
    }
  }

  readonly #onWritable = (): void => {
    if (!this.#closed) this.#sendOn()
    else if (this.#duplex.writableFinished) {
      this.#closing.resolve()
      this.#destroy()
    }
  }

  /** @internal A waiting call was cancelled. */
  _sendCancelled(send: SendWait): void {
    this.#sends = this.#sends.filter((other) => other !== send)
    if (send.begun) {
      const text =
        'the call in front of it was cancelled after a part of its data had left, and this would have followed that part'
      for (const behind of this.#takeSends()) {
        if (isInterrupted(behind._scope as CancelScope)) behind._cancel()
        else behind.reject(new BrokenResourceError(`${behind.what}: ${text}`))
      }
    } else this.#sendOn()
  }

  #sendLater(what: string, rest: Uint8Array | undefined, scope: CancelScope, begun = false): Promise<void> {
    const send = new SendWait(this, what, rest, begun)
    this.#sends.push(send)
    return send.begin(scope)
  }

  /** Writes the data of the waiting calls, in order, until the Duplex is full. */
  #sendOn(): void {
    const duplex = this.#duplex
    for (let send = this.#sends[0]; send !== undefined; send = this.#sends[0]) {
      if (send.rest === undefined) {
        if (!duplex.writableEnded) duplex.end()
        if (!duplex.writableFinished) return
      } else if (duplex.writableEnded) {
        this.#sends.shift()
        send.reject(endedError())
        continue
      } else {
        const { length } = send.rest
        const rest = this.#push(send.rest)
        if (rest !== undefined) {
          if (rest.length < length) send.begun = true
          send.rest = rest
          return
        }
      }
      this.#sends.shift()
      send.resolve()
    }
  }

  #takeSends(): SendWait[] {
    const sends = this.#sends
    this.#sends = []
    return sends
  }

  readonly #onError = (error: Error): void => {
    this.#failure ??= error
    this.#fail()
  }

  readonly #onClose = (): void => {
    this.#resource.closed()
    this.#closing.resolve()
    const { readableEnded, writableFinished } = this.#duplex
    if (this.#closed || (readableEnded && writableFinished)) return
    this.#failure ??= coded('ERR_STREAM_PREMATURE_CLOSE', 'Premature close')
    this.#fail()
  }

  #destroy(): void {
    this.#resource.closed()
    this.#duplex.destroy()
  }

  #fail(): void {
    this.#onReadable()
    if (this.#closing.pending) this.#closing.reject(this.#tell('close'))
    for (const send of this.#takeSends()) send.reject(this.#tell(send.what))
  }

  #shut(): void {
    if (this.#closed) return
    this.#closed = true
    for (const wait of [this.#receiving, ...this.#takeSends()]) {
      wait.reject(new ClosedResourceError(`${wait.what}: the stream was closed while this waited`))
    }
  }

  #enterSend(what: string): CancelScope {
    const scope = enterOperation(what)
    this.#requireOpen(what)
    if (this.#failure !== undefined) throw this.#tell(what)
    return scope
  }

  #requireOpen(what: string): void {
    if (this.#closed) throw new ClosedResourceError(`${what}: the stream is closed`)
  }

  #tell(what: string): Error {
    this.#told = true
    return this.#broken(what, this.#failure as Error)
  }

  #broken(what: string, cause: Error): Error {
    return new BrokenResourceError(`${what}: the Duplex is broken: ${cause.message}`, { cause })
  }

  /** Buffered bytes, or an empty Buffer at the end; `undefined` if there is neither. */
  #take(): Buffer | undefined {
    const duplex = this.#duplex
    if (duplex.readableLength === 0 && duplex.readableEnded) return Buffer.alloc(0)
    const size = Math.min(this.#maxBytes, duplex.readableLength)
    // With an empty buffer, `read` asks for bytes or finds the end.
    const bytes = (size === 0 ? duplex.read() : duplex.read(size)) as Buffer | string | null
    if (bytes !== null) return toBuffer(bytes, duplex.readableEncoding)
    if (this.#failure !== undefined) throw this.#broken('receiveSome', this.#failure)
    return undefined
  }

  /** Writes as much as the Duplex holds, and returns the rest (2). */
  #push(bytes: Uint8Array): Uint8Array | undefined {
    for (let at = 0; at < bytes.length; at += READ_SIZE) {
      if (this.#duplex.writableNeedDrain) return bytes.subarray(at)
      this.#duplex.write(Buffer.from(bytes.subarray(at, at + READ_SIZE)))
    }
    return undefined
  }
}

function endedError(): ClosedResourceError {
  return new ClosedResourceError('sendAll: the sending half was closed by sendEof')
}

/** A call that waits for an event of the Duplex. */
class Wait<T> extends Operation<T> {
  readonly what: string

  constructor(what: string) {
    super()
    this.what = what
  }

  override describe(): string {
    return `${this.what} of a Duplex`
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.reject(cancelled())
  }
}

/** A send that the Duplex has not taken, or the end (`undefined`). */
class SendWait extends Wait<void> {
  rest: Uint8Array | undefined
  /** A part of the data has been written. */
  begun: boolean
  readonly #stream: DuplexStream

  constructor(stream: DuplexStream, what: string, rest: Uint8Array | undefined, begun: boolean) {
    super(what)
    this.#stream = stream
    this.rest = rest
    this.begun = begun
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.reject(cancelled())
    this.#stream._sendCancelled(this)
  }
}

/** A close that waits for the last bytes to leave. A cancellation drops them. */
class CloseWait extends Wait<void> {
  readonly #drop: () => void

  constructor(drop: () => void) {
    super('close')
    this.#drop = drop
  }

  protected override onCancel(): void {
    this.resolve()
    this.#drop()
  }
}

class OpenDuplex extends Resource {
  readonly #stream: DuplexStream
  readonly #what: string
  readonly run

  constructor(stream: DuplexStream, what: string) {
    super()
    const frame = requireFrame('fromDuplex')
    this.run = frame.task.run
    this.#stream = stream
    this.#what = what
    this.register(frame, 'Duplex')
  }

  closed(): void {
    this.unregister()
  }

  /** @internal No warning for a Duplex that is being closed. */
  override _warn(): void {
    if (!this.#stream._closed) super._warn()
  }

  override describeResource(): string {
    return this.#what
  }

  override closeForRun(): Promise<void> {
    return this.#stream._closeForRun()
  }
}

function describe(duplex: Duplex): string {
  return `the stream of a ${duplex.constructor.name}`
}

function toBuffer(bytes: Buffer | string, encoding: BufferEncoding | null): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes, encoding ?? 'utf8') : bytes
}

function toAddress(
  address: string | undefined,
  port: number | undefined,
  family: string | undefined,
): SocketAddress | undefined {
  if (address === undefined || port === undefined) return undefined
  return { address, port, family: family === 'IPv6' ? 'IPv6' : 'IPv4' }
}
