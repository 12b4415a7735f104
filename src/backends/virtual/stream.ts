/**
 * One end of a simulated connection, as a `StreamTransport`. Each end knows the other, and sends to it over a
 * `StreamDirection`, in order.
 *
 * Invariants
 * 1. Received bytes are delivered before the end or a failure. Both are final, and the first of them counts.
 * 2. A failed write is kept, and never disturbs the receiving side (R6, SEND-4).
 * 3. Closing with unread bytes resets the connection, as on Linux. Otherwise the taken bytes that fit into the other
 *    end's window arrive, and the end behind them. A closed end answers data with a reset.
 * 4. The bytes under way and the unread bytes together do not exceed the receive window.
 * 5. An end on a crashed host sends and receives nothing. Its code waits.
 * 6. The sink is called only from events of the timeline, and never after `destroy`.
 */
import {
  type Address,
  LINGER_BYTES,
  type SendWait,
  type StreamSink,
  type StreamTransport,
} from '../contract/backend.ts'
import { discards, shutsDown } from '../../common/send-buffer.ts'
import { systemError } from './errors.ts'
import type { Machine, Socket } from './machine.ts'
import { type Acknowledgement, Outbox, type OutboxOwner } from './outbox.ts'
import { ReceivedBytes } from './received-bytes.ts'
import type { SocketOptions } from './socket-options.ts'
import type { Timeline } from './timeline.ts'
import type { StreamDirection } from './stream-direction.ts'
import { TAKE_LIMIT } from '../contract/limits.ts'

/** The parts of an end. */
export interface EndSetup {
  readonly machine: Machine
  /** To the other end. */
  readonly direction: StreamDirection
  readonly localAddress: Address
  readonly remoteAddress: Address
  readonly options: SocketOptions
  /** Called when the socket is closed, or its host has crashed. */
  closed(): void
}

/** Two ends of one connection. */
export function connectEnds(a: EndSetup, b: EndSetup): [VirtualStream, VirtualStream] {
  return VirtualStream.pair(a, b)
}

export class VirtualStream implements StreamTransport, Socket, OutboxOwner {
  declare sink: StreamSink
  readonly localAddress: Address
  readonly remoteAddress: Address
  readonly tls = undefined
  readonly saysGoodbye = false
  readonly #machine: Machine
  readonly #timeline: Timeline
  readonly #options: SocketOptions
  readonly #setup: EndSetup
  readonly #direction: StreamDirection
  readonly #out: Outbox
  #peer!: VirtualStream
  readonly #inbox = new ReceivedBytes()
  /** Number of all received bytes; the end counts as one. */
  #received = 0
  #consumed = 0
  /** The acknowledgement of this moment, which later bytes of the same moment extend. */
  #acknowledgement: { at: number; told: Acknowledgement } | undefined
  #ended = false
  #failure: Error | undefined
  #failureTold = false
  /** The size of the pending `receive`; 0 is none. */
  #wanted = 0
  /** Whether `receiveInto` found nothing, and its wait is pending. */
  #watching = false
  #wait: SendWait | undefined
  /** Number of bytes discarded during a wait for the peer's end. */
  #dropped = 0
  #writeError: Error | undefined
  /** The sending half has failed: bytes that are sent later are swallowed. */
  #cannotSend = false
  #closed = false
  #dead = false
  /** Whether the library has the end. One that waits to be accepted is not open yet. */
  open = false
  /** Called when the connection breaks. For a listener that has this end in its queue. */
  onBroken: (() => void) | undefined

  private constructor(setup: EndSetup, window: number) {
    const { machine, direction, localAddress, remoteAddress, options } = setup
    this.#setup = setup
    this.#machine = machine
    this.#timeline = machine.fabric.timeline
    this.#direction = direction
    this.localAddress = localAddress
    this.remoteAddress = remoteAddress
    this.#options = options
    this.#out = new Outbox(direction, window, this)
    machine.sockets.add(this)
  }

  static pair(a: EndSetup, b: EndSetup): [VirtualStream, VirtualStream] {
    const first = new VirtualStream(a, windowOf(b.options))
    const second = new VirtualStream(b, windowOf(a.options))
    first.#peer = second
    second.#peer = first
    return [first, second]
  }

  receive(maxBytes: number): void {
    this.#wanted = Math.min(maxBytes, TAKE_LIMIT)
    this.#answerSoon()
  }

  cancelReceive(): void {
    this.#wanted = 0
    this.#watching = false
  }

  readonly receiveInto = (view: Uint8Array): number => {
    if (this.#inbox.length > 0) {
      const count = this.#inbox.takeInto(view)
      this.#consume(count)
      return count
    }
    if (this.#ended) return 0
    if (this.#failure !== undefined) throw this.#tellFailure(this.#failure)
    this.#watching = true
    return -1
  }

  send(data: Uint8Array): number {
    if (this.#failure !== undefined) this.#writeFailed()
    if (this.#cannotSend || this.#dead || this.#closed || data.length === 0) return data.length
    const count = Math.min(data.length, TAKE_LIMIT - this.unsent)
    if (count <= 0) return 0
    this.#out.push(data.subarray(0, count))
    return count
  }

  takeSendError(): Error | undefined {
    const error = this.#writeError
    this.#writeError = undefined
    return error
  }

  get unsent(): number {
    return this.#out.unsent
  }

  waitSend(what: SendWait): void {
    this.#wait = what
    if (shutsDown(what) && this.#failure !== undefined) this.#writeFailed()
    this.#timeline.soon(this.#progress)
  }

  cancelSend(): void {
    this.#wait = undefined
  }

  destroy(): void {
    if (this.#closed) return
    this.#leave()
    if (this.#dead) return
    this.#out.flush()
    if (this.#inbox.length > 0 && this.#failure === undefined) this.#answerReset()
    else {
      this.#out.end()
      this.#out.orphan()
    }
  }

  reset(): void {
    if (this.#closed) return
    this.#leave()
    if (!this.#dead && this.#failure === undefined) this.#answerReset()
  }

  getsockopt(level: number | string, name: number | string): number {
    return this.#options.get(level, name)
  }

  setsockopt(level: number | string, name: number | string, value: number | boolean): void {
    this.#options.set(level, name, value)
    this.#acknowledge()
  }

  /** Simulated connections never keep the process alive. */
  ref(): void {}

  unref(): void {}

  /** Calls `arrive` at the other end, before everything that is sent later. */
  sendFirst(arrive: () => void): void {
    this.#direction.send(undefined, 0, arrive)
  }

  get patience(): number {
    return this.#options.of('TCP_USER_TIMEOUT')
  }

  /** Bytes of this end have arrived at the other end. */
  deliver(bytes: Buffer): void {
    this.#peer.#take(bytes)
  }

  deliverEnd(): void {
    this.#peer.#takeEnd()
  }

  drained(): void {
    this.#progress()
  }

  gaveUp(): void {
    this.#fail(systemError('ETIMEDOUT', 'read'))
  }

  die(): void {
    this.#dead = true
    this.#out.close()
    this.#setup.closed()
    this.#timeline.soon(this.#progress)
  }

  passable(): void {
    this.#acknowledge()
  }

  sever(peer: Machine): void {
    if (this.#peer.#machine !== peer) return
    for (const end of [this, this.#peer]) {
      end.#direction.noteReset()
      this.#timeline.soon(() => end.#takeReset())
    }
  }

  #take(bytes: Buffer): void {
    if (this.#isGone) {
      this.#answerReset()
      return
    }
    this.#received += bytes.length
    this.#inbox.append(bytes)
    this.#answer()
    this.#acknowledge()
  }

  #takeEnd(): void {
    if (this.#dead) {
      this.#answerReset()
      return
    }
    this.#received++
    this.#acknowledge()
    if (this.#closed) return
    if (this.#failure === undefined) this.#ended = true
    this.#answer()
    this.#progress()
  }

  #takeReset(): void {
    if (this.#isGone) this.#out.close()
    else this.#fail(systemError('ECONNRESET', 'read'))
  }

  #fail(error: Error): void {
    const wasSending = this.unsent > 0 || shutsDown(this.#wait)
    this.#out.close()
    this.#failure ??= error
    if (wasSending) this.#writeFailed()
    this.onBroken?.()
    this.#answer()
    this.#progress()
  }

  /** Answers data for a closed end with a reset. */
  #answerReset(): void {
    this.#out.close()
    this.#direction.sendReset(() => this.#peer.#takeReset())
  }

  get #isGone(): boolean {
    return this.#closed || this.#dead
  }

  /** Sends the number of received bytes and the window to the other end, once for each moment. */
  #acknowledge(): void {
    if (this.#dead) return
    const told = { received: this.#received, edge: this.#consumed + windowOf(this.#options) }
    const at = this.#timeline.now()
    if (this.#acknowledgement?.at === at) {
      Object.assign(this.#acknowledgement.told, told)
      return
    }
    const peer = this.#peer
    const telling = { at, told }
    const leaves = peer.#direction.sendBack(() => {
      if (this.#acknowledgement === telling) this.#acknowledgement = undefined
      peer.#out.acknowledge(told)
    })
    if (leaves) this.#acknowledgement = telling
  }

  #consume(count: number): void {
    this.#consumed += count
    this.#acknowledge()
  }

  #answerSoon(): void {
    if (this.#inbox.length > 0 || this.#ended || this.#failure !== undefined) this.#timeline.soon(this.#answer)
  }

  /** Answers the pending receive, if there is an answer. */
  readonly #answer = (): void => {
    if (this.#closed) return
    if (discards(this.#wait)) this.#drop()
    if (this.#wanted === 0 && !this.#watching) return
    if (this.#inbox.length > 0) this.#answerWithBytes()
    else if (this.#ended) {
      this.cancelReceive()
      this.sink.receivedEnd()
    } else if (this.#failure !== undefined) {
      this.cancelReceive()
      this.sink.receiveFailed(this.#tellFailure(this.#failure))
    }
  }

  #answerWithBytes(): void {
    const most = this.#wanted
    this.cancelReceive()
    if (most === 0) {
      this.sink.readable()
      return
    }
    const bytes = this.#inbox.take(most)
    this.#consume(bytes.length)
    this.sink.received(bytes, 0, bytes.length, true)
  }

  #tellFailure(failure: Error): Error {
    this.#failureTold = true
    return failure
  }

  /** Settles the pending `waitSend` if its state is reached. */
  readonly #progress = (): void => {
    const wait = this.#wait
    if (wait === undefined || this.#closed) return
    const { unsent } = this
    if (this.#writeError !== undefined) this.#settle(this.takeSendError())
    else if (wait === 'writable' ? unsent < TAKE_LIMIT : unsent === 0) {
      if (shutsDown(wait)) this.#shutDown()
      const drops = discards(wait)
      if (drops) this.#answer()
      // Discarding may have settled it.
      if (this.#wait === undefined) return
      if (!drops || this.#ended || this.#failure !== undefined) this.#settle(undefined)
    }
  }

  #drop(): void {
    const count = this.#inbox.drop()
    this.#dropped += count
    this.#consume(count)
    if (this.#wait === 'linger' && this.#dropped >= LINGER_BYTES) this.#settle(undefined)
  }

  #shutDown(): void {
    this.#out.end()
    if (!this.#dead || this.#failure !== undefined) return
    // A bidirectional shutdown must not wait for ever for a host that is down (5).
    this.#failure = systemError('ENETDOWN', 'read')
    this.#answerSoon()
  }

  #settle(error: Error | undefined): void {
    this.#wait = undefined
    this.sink.sendSettled(error)
  }

  /** As the system reports it: first the reason, then a broken pipe. */
  #writeFailed(): void {
    if (this.#cannotSend) return
    this.#cannotSend = true
    const timedOut = (this.#failure as { code?: string } | undefined)?.code === 'ETIMEDOUT'
    const code = this.#ended || this.#failureTold ? 'EPIPE' : timedOut ? 'ETIMEDOUT' : 'ECONNRESET'
    this.#writeError = systemError(code, 'write')
  }

  /** The sink is not called again. */
  #leave(): void {
    this.#closed = true
    this.cancelReceive()
    this.#wait = undefined
    this.#machine.sockets.delete(this)
    if (!this.#dead) this.#setup.closed()
  }
}

function windowOf(options: SocketOptions): number {
  return Math.max(options.of('SO_RCVBUF'), 1)
}
