/**
 * One open connection: a transport, its two directions, and how it ends.
 *
 * ```text
 *               SocketStream (the public face)
 *                     │
 *   run's list ── Connection ──┬── SocketReader ──┐
 *                     ▲        └── Sender ────────┤
 *                     └── sink ◄── StreamTransport ◄┘
 * ```
 *
 * Closing, in this order, whoever asks:
 * 1. Both directions are shut: whoever waits there gets `ClosedResourceError`, and so does every later call.
 * 2. Bytes that were taken get their chance to leave, and TLS its goodbye: as long as the caller's scope lets them
 *    (`close`), or for `closeTimeout` (what `serve` and `run` close by themselves). Within that time, what `serve`
 *    closes lingers: its own half is closed, and what the peer still sends is dropped, until the peer's end. A socket
 *    that is closed while more comes answers with a reset, and that takes from the peer what it has not read yet.
 * 3. The transport is destroyed, in every case, and the connection leaves the run's list. Nothing after that fails, and
 *    nobody waits any more: everyone who was closing hears of it at the same time.
 */

import type { StreamSink, StreamTransport, TlsSettings } from '../backends/contract/backend.ts'
import { ClosedResourceError, TLSError } from '../errors.ts'
import {
  closingScope,
  Deadline,
  type Frame,
  type Host,
  immediateVoid,
  isInterrupted,
  Operation,
  rejected,
  Resource,
  type RunState,
  type Timed,
} from '../kernel/index.ts'
import { formatAddress } from '../common/addresses.ts'
import type { Origin } from '../common/origin.ts'
import { Sender } from './sender.ts'
import { SocketReader } from './socket-reader.ts'
import type { TlsUpgrade } from './tls-upgrade.ts'

export class Connection extends Resource implements StreamSink {
  readonly reader: SocketReader
  readonly sender: Sender
  readonly origin: Origin
  /** The TLS handshake under way. */
  upgrade: TlsUpgrade | undefined
  /** What `startTls` was given; otherwise the origin's counts. */
  settings: TlsSettings | undefined
  readonly #run: RunState
  #transport: StreamTransport
  #closed = false
  /** Those who wait for the last bytes to leave; `undefined` until somebody does. */
  #closers: Closer[] | undefined
  /** Told when it begins to linger, which follows the flush under way. */
  #lingering: (() => boolean) | undefined
  #cutShort = false

  constructor(transport: StreamTransport, run: RunState, origin: Origin) {
    super()
    this.#transport = transport
    this.reader = new SocketReader(transport, this)
    this.sender = new Sender(transport, this)
    this.origin = origin
    this.#run = run
    transport.sink = this
  }

  get transport(): StreamTransport {
    return this.#transport
  }

  /** From now on bytes come and go through `transport`, which has taken over the one before. */
  adopt(transport: StreamTransport): void {
    this.#transport = transport
    this.reader.adopt(transport)
    this.sender.adopt(transport)
    transport.sink = this
  }

  /** Whether this side checks the peer's certificate; without settings of its own a client does. */
  get verifies(): boolean {
    return (this.settings ?? this.origin.settings)?.verify ?? true
  }

  /** Puts the connection on the run's list. What `serve` handles is not: `serve` closes it in every case. */
  registerWith(frame: Frame, made: Error | undefined): this {
    this.register(frame, this.origin.kind, made)
    return this
  }

  /** Whether its own side has closed it, or is about to. */
  get closed(): boolean {
    return this.#closed || this.#closers !== undefined
  }

  /** For what needs an open descriptor and does not wait. */
  requireOpen(what: string): StreamTransport {
    if (this.closed) throw new ClosedResourceError(`${what}: the stream is closed`)
    return this.transport
  }

  /** `SocketStream.close()`. */
  close(): Promise<void> {
    const scope = closingScope()
    if (scope === undefined) return this.#closeOutside()
    const failure = this.#shut()
    if (isInterrupted(scope) || failure !== undefined || this.#isQuiet()) this.#destroy(undefined)
    if (failure !== undefined) return rejected(this.sender.broken(failure))
    return this.#closed ? immediateVoid() : this.#waitForFlush(new CloseCall(this)).begin(scope)
  }

  /**
   * Where no scope bounds it. A failed write is not told: the call may be one that was left behind, and what a peer has
   * broken must not become an `unhandledRejection`.
   */
  async #closeOutside(): Promise<void> {
    await this.closeInTime()
  }

  /**
   * What `serve` and `run` do: waits `closeTimeout` at most, and not at all where nothing is to be waited for. Resolves
   * with a write error that has not been reported. With `lingering` it lingers where that may save an answer: `lingering` is
   * called when it begins to, and returns whether it may.
   */
  closeInTime(lingering?: () => boolean): Promise<Error | undefined> | undefined {
    if (lingering !== undefined && !this.closed && this.#shouldLinger) this.#lingering = lingering
    const failure = this.#shut()
    if (failure !== undefined || (this.#lingering === undefined && this.#isQuiet())) this.#destroy(undefined)
    if (failure !== undefined) return Promise.resolve(this.sender.broken(failure))
    if (this.#closed) return undefined
    const { closeTimeout } = this.origin
    return new Promise((resolve) => this.#waitForFlush(new BoundedClose(this, this.#run, closeTimeout, resolve)))
  }

  /** The peer must not take what it has received for all there is: from now on closing says no goodbye. */
  cutShort(): void {
    this.#cutShort = true
  }

  /** Closes at once, for a connection that is of no use any more. */
  destroy(): void {
    this.#destroy(undefined)
  }

  /** The same, and the peer is told that nothing more is to be had: its calls fail. */
  reset(): void {
    if (!this.#closed) this.#transport.reset()
    this.#destroy(undefined)
  }

  /** The bytes had their time. */
  giveUp(closer: Closer): void {
    this.#closers = this.#closers?.filter((other) => other !== closer)
    this.#destroy(undefined)
  }

  override describeResource(): string {
    const { localAddress, remoteAddress } = this.#transport
    return `${this.origin.kind} ${formatAddress(localAddress)} → ${formatAddress(remoteAddress)}`
  }

  /** @internal A close that is under way is nobody's mistake. */
  override _warn(): void {
    if (!this.closed) super._warn()
  }

  override async closeForRun(): Promise<void> {
    await this.closeInTime()
  }

  received(memory: Buffer, start: number, end: number, owned: boolean): void {
    this.reader.received(memory, start, end, owned)
  }

  receivedFds(memory: Buffer, start: number, end: number, owned: boolean, fds: readonly number[]): void {
    this.reader.receivedFds(memory, start, end, owned, fds)
  }

  receivedEnd(): void {
    this.reader.receivedEnd()
  }

  receiveFailed(error: Error): void {
    this.reader.receiveFailed(error)
  }

  readable(): void {
    this.reader.readable()
  }

  sendSettled(failure: Error | undefined): void {
    if (this.#closers !== undefined) this.#flushed(failure)
    else if (this.upgrade !== undefined) this.upgrade.flushed(failure)
    else this.sender.settled(failure)
  }

  /** Step 1. Answers with a write error that nobody has seen. */
  #shut(): Error | undefined {
    if (this.closed) return undefined
    this.upgrade?.closed()
    this.reader.close()
    this.sender.close()
    const failure = this.sender.takeFailure()
    // What is wrong in TLS is wrong in both directions: a receive has told it already.
    return failure instanceof TLSError && this.reader.breakage instanceof TLSError ? undefined : failure
  }

  /** Step 2. */
  #waitForFlush<C extends Closer>(closer: C): C {
    const isFirst = this.#closers === undefined
    this.#closers ??= []
    this.#closers.push(closer)
    if (isFirst) {
      if (this.#lingering === undefined) this.#transport.waitSend(this.#saysGoodbye ? 'goodbye' : 'flushed')
      else if (this.#transport.unsent > 0) this.#transport.waitSend('flushed')
      else this.#linger(this.#lingering)
    }
    return closer
  }

  /** Of step 2, a wait has ended. */
  #flushed(failure: Error | undefined): void {
    const lingering = this.#lingering
    if (lingering === undefined || failure !== undefined) this.#destroy(failure)
    else this.#linger(lingering)
  }

  #linger(lingering: () => boolean): void {
    this.#lingering = undefined
    if (lingering()) this.#transport.waitSend('linger')
    else this.#destroy(undefined)
  }

  /** Whether step 2 has nothing to wait for. */
  #isQuiet(): boolean {
    return this.#transport.unsent === 0 && !this.#saysGoodbye
  }

  get #saysGoodbye(): boolean {
    return this.#transport.saysGoodbye && (!this.#cutShort || this.sender.ended)
  }

  /** Where nothing was sent there is nothing to lose, and a peer that has ended sends nothing more. */
  get #shouldLinger(): boolean {
    const { reader, sender } = this
    if (this.#cutShort && !sender.ended) return false
    return this.#saysGoodbye || (sender.hasSent && !reader.hasEnded && reader.breakage === undefined)
  }

  /** Step 3. */
  #destroy(failure: Error | undefined): void {
    if (this.#closed) return
    this.#shut()
    this.#closed = true
    this.#transport.destroy()
    this.unregister()
    const closers = this.#closers
    this.#closers = undefined
    if (closers === undefined) return
    const error = failure === undefined ? undefined : this.sender.broken(failure)
    for (const closer of closers) closer.closed(error)
  }
}

interface Closer {
  closed(error: Error | undefined): void
}

/** `close()` while taken bytes are still leaving. */
class CloseCall extends Operation<void> implements Closer {
  readonly #connection: Connection

  constructor(connection: Connection) {
    super()
    this.#connection = connection
  }

  override describe(): string {
    return `close of ${this.#connection.describeResource()}`
  }

  closed(error: Error | undefined): void {
    if (error === undefined) this.resolve()
    else this.reject(error)
  }

  protected override onCancel(): void {
    this.#connection.giveUp(this)
    this.resolve()
  }
}

/** A close that nobody's scope bounds. */
class BoundedClose implements Closer, Timed {
  readonly #connection: Connection
  readonly #run: RunState
  readonly #deadline: Deadline
  readonly #settle: (error: Error | undefined) => void

  constructor(connection: Connection, run: RunState, timeout: number, settle: (error: Error | undefined) => void) {
    this.#connection = connection
    this.#run = run
    this.#settle = settle
    this.#deadline = new Deadline(run.deadlines.now() + timeout, this)
    run.deadlines.add(this.#deadline)
  }

  host(): Host {
    return this.#run.host
  }

  due(): void {
    this.#connection.giveUp(this)
    this.#settle(undefined)
  }

  closed(error: Error | undefined): void {
    this.#run.deadlines.remove(this.#deadline)
    this.#settle(error)
  }
}
