/**
 * One end of a simulated connection, in the contract's way. Both ends know each other; what one sends reaches the other over
 * a `Way`, in order.
 *
 * What must stay true:
 * 1. Received bytes are handed out before an end or a failure, both of which stay for ever; the first of the two counts.
 * 2. A failed write is kept, and never disturbs the receiving side (conformance R6).
 * 3. Closing with received bytes that nobody read resets the connection, as on Linux; otherwise what was taken and fits the
 *    other end's window still arrives, and the end after it. Data for an end that is closed is answered by a reset.
 * 4. What is under way and what is received and not read stay below the receive window together.
 * 5. An end whose host has crashed says nothing and hears nothing; its code just waits.
 * 6. The sink is called from events of the timeline only, and never after `destroy`.
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
import type { Way } from './way.ts'

/** What a stream may have taken and not sent (api.md §6). */
const TAKE_LIMIT = 65_536

/** What an end is made of. */
export interface EndSetup {
  readonly machine: Machine
  /** To the other end. */
  readonly way: Way
  readonly localAddress: Address
  readonly remoteAddress: Address
  readonly options: SocketOptions
  /** The socket is closed, or its host has crashed. */
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
  readonly #way: Way
  readonly #out: Outbox
  #peer!: VirtualStream
  readonly #inbox = new ReceivedBytes()
  /** Ever received, the end included. */
  #received = 0
  #consumed = 0
  /** What is being told to the other end, while it can still be added to. */
  #acknowledgement: { at: number; told: Acknowledgement } | undefined
  #ended = false
  #failure: Error | undefined
  #failureTold = false
  /** The size of the pending `receive`; 0 is none. */
  #wanted = 0
  /** `receiveInto` found nothing. */
  #watching = false
  #wait: SendWait | undefined
  /** Bytes dropped while it waits for the peer's end. */
  #dropped = 0
  #writeError: Error | undefined
  /** The sending half has failed: bytes that are sent later are swallowed. */
  #cannotSend = false
  #closed = false
  #dead = false
  /** Whether the library has it: one that waits to be accepted is not open yet. */
  open = false
  /** For whoever has this end in a queue: it is of no use any more. */
  onBroken: (() => void) | undefined

  private constructor(setup: EndSetup, window: number) {
    const { machine, way, localAddress, remoteAddress, options } = setup
    this.#setup = setup
    this.#machine = machine
    this.#timeline = machine.fabric.timeline
    this.#way = way
    this.localAddress = localAddress
    this.remoteAddress = remoteAddress
    this.#options = options
    this.#out = new Outbox(way, window, this)
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

  /** There is nothing outside of the process to be kept alive for. */
  ref(): void {}

  unref(): void {}

  /** Calls `arrive` at the other end, before everything that is sent later. */
  sendFirst(arrive: () => void): void {
    this.#way.send(undefined, 0, arrive)
  }

  get patience(): number {
    return this.#options.of('TCP_USER_TIMEOUT')
  }

  /** Own bytes have arrived at the other end. */
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
      end.#way.noteReset()
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

  /** Whoever sends to an end that is not there any more is told so. */
  #answerReset(): void {
    this.#out.close()
    this.#way.sendReset(() => this.#peer.#takeReset())
  }

  get #isGone(): boolean {
    return this.#closed || this.#dead
  }

  /** Tells how much has arrived, and how much there is room for: once for everything that happens at one time. */
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
    const leaves = peer.#way.sendBack(() => {
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

  /** Answers who waits to receive, if there is anything to answer with. */
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

  /** Settles `waitSend` once it may. */
  readonly #progress = (): void => {
    const wait = this.#wait
    if (wait === undefined || this.#closed) return
    const { unsent } = this
    if (this.#writeError !== undefined) this.#settle(this.takeSendError())
    else if (wait === 'writable' ? unsent < TAKE_LIMIT : unsent === 0) {
      if (shutsDown(wait)) this.#shutDown()
      const drops = discards(wait)
      if (drops) this.#answer()
      // Dropping may have settled it.
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
    // Who closes a connection politely, and waits for an answer, must not wait for ever on a host that is down (5).
    this.#failure = systemError('ENETDOWN', 'read')
    this.#answerSoon()
  }

  #settle(error: Error | undefined): void {
    this.#wait = undefined
    this.sink.sendSettled(error)
  }

  /** As the system reports it: the reason to the first who asks, a broken pipe to whoever goes on. */
  #writeFailed(): void {
    if (this.#cannotSend) return
    this.#cannotSend = true
    const timedOut = (this.#failure as { code?: string } | undefined)?.code === 'ETIMEDOUT'
    const code = this.#ended || this.#failureTold ? 'EPIPE' : timedOut ? 'ETIMEDOUT' : 'ECONNRESET'
    this.#writeError = systemError(code, 'write')
  }

  /** From here on the sink hears nothing. */
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
