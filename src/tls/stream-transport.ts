/**
 * Uses any `Stream` as the transport below a TLS session: a user's own stream, or a stream that already uses TLS.
 *
 * A TLS engine calls its transport in an arbitrary async context. A stream has operations, and each of them belongs to a
 * scope. Therefore each operation runs in a shielded scope of the run's root task, and ends at the latest with the run.
 *
 * Invariants
 * 1. A cancelled receive continues in the background, and its bytes answer the next receive. No other code receives from the
 *    stream, because it belongs to the TLS session.
 * 2. Taken bytes leave, also if the task that sent them is cancelled. A cancelled `sendAll` would cut a TLS record in two, and
 *    make the session unusable.
 */

import type { Address, SendWait, SocketAddress, StreamSink, StreamTransport } from '../backends/contract/backend.ts'
import { SendBuffer, shutsDown } from '../common/send-buffer.ts'
import { share } from '../common/shared-memory.ts'
import { UnsupportedError } from '../errors.ts'
import { abandonable, callInFrame, CancelScope, Frame, NEUTRAL, type RunState } from '../kernel/index.ts'
import { CLOSE_TIMEOUT } from '../common/origin.ts'
import { SocketStream } from '../streams/socket-stream.ts'
import type { Stream } from '../streams/stream.ts'
import { TAKE_LIMIT } from '../backends/contract/limits.ts'

export class OverStream implements StreamTransport {
  declare sink: StreamSink
  readonly localAddress: Address
  readonly remoteAddress: Address
  readonly tls = undefined
  readonly saysGoodbye = false
  readonly #stream: Stream
  readonly #run: RunState
  /** The size of the pending `receive`; 0 is none. */
  #wanted = 0
  /** Whether a `receiveSome` of the stream is under way. */
  #pulling = false
  /** Bytes that arrived after the receive was cancelled. */
  #kept: Buffer | undefined
  #ended = false
  #failure: Error | undefined
  readonly #out = new SendBuffer()
  /** Bytes that the stream's `sendAll` has now. */
  #sending = 0
  #wait: SendWait | undefined
  #closed = false

  constructor(stream: Stream, run: RunState) {
    this.#stream = stream
    this.#run = run
    const socket: SocketStream<Address> | undefined = stream instanceof SocketStream ? stream : undefined
    this.localAddress = socket?.localAddress ?? NOWHERE
    this.remoteAddress = socket?.remoteAddress ?? NOWHERE
  }

  receive(maxBytes: number): void {
    this.#wanted = Math.min(maxBytes, TAKE_LIMIT)
    if (this.#kept !== undefined || this.#ended || this.#failure !== undefined) queueMicrotask(() => this.#answer())
    else if (!this.#pulling) this.#pull()
  }

  cancelReceive(): void {
    this.#wanted = 0
  }

  send(data: Uint8Array): number {
    const count = this.#out.take(data, TAKE_LIMIT - this.unsent)
    this.#flush()
    return count
  }

  takeSendError(): Error | undefined {
    return this.#out.takeError()
  }

  get unsent(): number {
    return this.#out.length + this.#sending
  }

  waitSend(what: SendWait): void {
    this.#wait = what
    queueMicrotask(() => this.#progress())
  }

  cancelSend(): void {
    this.#wait = undefined
  }

  destroy(): void {
    if (this.#closed) return
    this.#closed = true
    this.#wanted = 0
    this.#wait = undefined
    // Ignores a failure: no caller waits for this close.
    this.#inBackground(() => this.#stream.close(), CLOSE_TIMEOUT).catch(() => this.#stream.close().catch(ignore))
  }

  reset(): void {
    this.destroy()
  }

  getsockopt(level: number | string, name: number | string): number {
    return this.#socket('getsockopt').getsockopt(level, name)
  }

  setsockopt(level: number | string, name: number | string, value: number | boolean): void {
    this.#socket('setsockopt').setsockopt(level, name, value)
  }

  ref(): void {
    if (this.#stream instanceof SocketStream) this.#stream.ref()
  }

  unref(): void {
    if (this.#stream instanceof SocketStream) this.#stream.unref()
  }

  #pull(): void {
    this.#pulling = true
    this.#inBackground(() => this.#stream.receiveSome(this.#wanted)).then(
      (bytes) => {
        this.#pulling = false
        // `undefined`: the run has ended.
        if (bytes === undefined) return
        if (bytes.length === 0) this.#ended = true
        else this.#kept = bytes
        this.#answer()
      },
      (error: unknown) => {
        this.#pulling = false
        this.#failure = error as Error
        this.#answer()
      },
    )
  }

  #answer(): void {
    if (this.#wanted === 0 || this.#closed) return
    const kept = this.#kept
    if (kept !== undefined) {
      const end = Math.min(this.#wanted, kept.length)
      if (end < kept.length) share(kept)
      this.#kept = end === kept.length ? undefined : kept.subarray(end)
      this.#wanted = 0
      this.sink.received(kept, 0, end, true)
    } else if (this.#failure !== undefined) {
      this.#wanted = 0
      this.sink.receiveFailed(this.#failure)
    } else if (this.#ended) {
      this.#wanted = 0
      this.sink.receivedEnd()
    }
  }

  #flush(): void {
    if (this.#sending > 0 || this.#out.length === 0) return
    const bytes = this.#out.drain()
    this.#sending = bytes.length
    this.#inBackground(() => this.#stream.sendAll(bytes)).then(
      () => {
        this.#sending = 0
        this.#flush()
        this.#progress()
      },
      (error: unknown) => this.#sendFailed(error),
    )
  }

  #sendFailed(error: unknown): void {
    this.#sending = 0
    this.#out.fail(error as Error)
    this.#progress()
  }

  /** Settles `waitSend` once it may. */
  #progress(): void {
    const wait = this.#wait
    if (wait === undefined || this.#closed) return
    if (this.#out.failed) this.#settle()
    else if (wait === 'writable' ? this.unsent < TAKE_LIMIT : this.unsent === 0) {
      if (shutsDown(wait)) this.#end()
      else this.#settle()
    }
  }

  #end(): void {
    this.#inBackground(() => this.#stream.sendEof()).then(
      () => this.#settle(),
      (error: unknown) => {
        // TLS has sent its close_notify. A stream below without half-close is no failure.
        if (!(error instanceof UnsupportedError)) this.#out.fail(error as Error)
        this.#settle()
      },
    )
  }

  #settle(): void {
    if (this.#wait === undefined) return
    this.#wait = undefined
    this.sink.sendSettled(this.takeSendError())
  }

  /** Runs an operation of the stream outside the caller's scopes, and at most as long as the run. */
  async #inBackground<T>(operation: () => Promise<T>, timeout = Infinity): Promise<T | undefined> {
    const { root, deadlines } = this.#run
    if (root === undefined) return undefined
    const deadline = deadlines.now() + timeout
    const scope = new CancelScope({ shield: true, deadline })
    // A user's own stream may wait for foreign work. The end of the run does not wait for that.
    return callInFrame(new Frame(root, root._scope), () =>
      scope.run(() => abandonable(operation(), undefined, NEUTRAL)),
    )
  }

  #socket(what: string): SocketStream<Address> {
    if (this.#stream instanceof SocketStream) return this.#stream as SocketStream<Address>
    throw new UnsupportedError(`${what}: the stream below TLS is not a socket`)
  }
}

/** The address of a stream that has none. */
const NOWHERE: SocketAddress = Object.freeze({ address: '', port: 0, family: 'IPv4' })

function ignore(): void {}
