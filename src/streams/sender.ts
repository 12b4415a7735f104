/**
 * The sending side of a socket: a queue of sends, over a transport that *takes* bytes.
 *
 * ```text
 *  sendAll ─► nothing under way ─► transport.send ─► all taken: done          the sender is its own operation
 *     │                                 │ not all
 *     │                                 └─► begin ─► writable ─► … ─► settle ─┐
 *     └─► another call is under way ─► SendCall, at the end of the queue ◄────┘ the next one begins
 * ```
 *
 * What must stay true:
 * 1. A send resolves when the transport has taken everything. It takes a prefix of what it is given and keeps the order,
 *    so a cancelled send has sent a prefix: what was not taken stays with the caller, what was taken leaves.
 * 2. A failed write surfaces on the next call of the sending side, and there once as news; from then on every send fails
 *    with it. The receiving side never hears of it.
 * 3. One call at a time hands bytes over. The sender itself is the operation of a call that meets no other; calls that
 *    overlap have operations of their own (`SendCall`), in a queue that exists only as long as they do.
 * 4. Calls begin in the order in which they were made. One that is cancelled before a part of it has left drops out of the
 *    queue; after that, the calls behind it fail: what they send would follow a part of something else.
 * 5. `sendFile` and `startTls` take their turn in the queue and keep it (`RESERVED`): others wait behind. A relay takes the
 *    direction away (`OCCUPIED`): others are refused.
 *
 * Over 500 lines because each call has two ways, alone and in the queue, which share the state of the one under way.
 */

import type { StreamTransport } from '../backends/backend.ts'
import {
  BrokenResourceError,
  type Cancelled,
  ClosedResourceError,
  ResourceBusyError,
  UnsupportedError,
} from '../errors.ts'
import type { CancelScope } from '../kernel/cancel-scope.ts'
import { isInterrupted } from '../kernel/closing.ts'
import { enterOperation } from '../kernel/context.ts'
import { Operation, rejected } from '../kernel/operation.ts'
import { nextTurn, type Resumable, spendBudget } from '../kernel/turn.ts'
import { formatAddress } from './addresses.ts'
import { brokenBy, own } from './connection-errors.ts'
import type { SocketReader } from './socket-reader.ts'

/** Whose sender it is. */
export interface SendingEnd {
  readonly reader: SocketReader
}

export class Sender extends Operation<void> implements Resumable {
  #transport: StreamTransport
  readonly #owner: SendingEnd
  #what = 'sendAll'
  /** What the waiting send has not handed over yet. */
  #rest: Rest | undefined
  /** Bits, so that a call that meets no other makes one test. */
  #state = 0
  /** While calls overlap. */
  #queue: SendQueue | undefined
  /**
   * The waiting call has done its work: it only waits for the next turn (`'postponed'`), or to hear that the bytes it
   * handed over did not fail (`'confirming'`).
   */
  #done: 'postponed' | 'confirming' | undefined
  #failure: Error | undefined
  #receivedBefore = NOTHING_SENT
  /** Calls answered at once since the last ones were carried out. */
  #row = 0

  constructor(transport: StreamTransport, owner: SendingEnd) {
    super()
    this.#transport = transport
    this.#owner = owner
  }

  override describe(): string {
    return this.describeCall(this.#what)
  }

  describeCall(what: string): string {
    return `${what} to ${formatAddress(this.#transport.remoteAddress)}`
  }

  sendAll(data: Uint8Array): Promise<void> {
    let scope: CancelScope
    try {
      scope = enterOperation('sendAll')
      if (this.pending || this.#state !== 0) return this.#sendLater(scope, 'sendAll', [data])
      this.#open('sendAll')
    } catch (error) {
      return rejected(error)
    }
    const { length } = data
    const taken = length === 0 ? 0 : this.#transport.send(data)
    if (taken === length) return this.#answer(scope)
    return this.#sendRest(scope, [data], 0, taken)
  }

  sendMany(parts: readonly Uint8Array[]): Promise<void> {
    let scope: CancelScope
    try {
      scope = enterOperation('sendMany')
      if (this.pending || this.#state !== 0) return this.#sendLater(scope, 'sendMany', parts)
      this.#open('sendMany')
    } catch (error) {
      return rejected(error)
    }
    for (const [index, part] of parts.entries()) {
      // One by one: the transport gathers what it takes in one turn into one write.
      const taken = part.length === 0 ? 0 : this.#transport.send(part)
      if (taken < part.length) return this.#sendRest(scope, parts, index, taken)
    }
    return this.#answer(scope)
  }

  /** As `sendAll`, of at least one byte; the descriptors leave with the first one. The transport must be able to. */
  sendFds(data: Uint8Array, fds: readonly number[]): Promise<void> {
    try {
      const scope = enterOperation('sendFds')
      if (this.pending || this.#state !== 0) return this.#line(scope, 'sendFds', () => this.#handOverFds(data, fds))
      this.#open('sendFds')
      this.#handOverFds(data, fds)
      return this.begin(scope)
    } catch (error) {
      return rejected(error)
    }
  }

  sendEof(): Promise<void> {
    let scope: CancelScope
    try {
      scope = enterOperation('sendEof')
      if (this.pending || (this.#state & ~ENDED) !== 0)
        return this.#line(scope, 'sendEof', () => this.#shutDown(), true)
      // A second one is harmless: it has nothing left to do.
      if (this.ended) return this.#answer(scope)
      this.#open('sendEof')
      this.#requireHalfClose()
    } catch (error) {
      return rejected(error)
    }
    const promise = this.begin(scope)
    this.#transport.waitSend('shutdown')
    return promise
  }

  /** Waits until the transport would take at least one byte. */
  waitWritable(): Promise<void> {
    const before = this.#receivedBefore
    let scope: CancelScope
    try {
      scope = this.#enterAlone(WAIT, false)
    } catch (error) {
      return rejected(error)
    }
    this.#receivedBefore = before
    const promise = this.begin(scope)
    this.#transport.waitSend('writable')
    return promise
  }

  /** Wakes whoever waits so. */
  closeWait(): void {
    if (this.#what !== WAIT || !this.undecided) return
    this.#transport.cancelSend()
    this.#settle(own(new ClosedResourceError(`${WAIT}: the socket was closed while this waited`), this.#owner))
  }

  /** Wakes the waiting calls, and every later one fails. Bytes taken stay with the transport. */
  close(): void {
    this.#state |= CLOSED
    const behind = this.#takeWaiting()
    if (this.#current.undecided && !this.#release()) {
      this.#transport.cancelSend()
      this.#rest = undefined
      this.#settle(this.#closedMeanwhile(this.#what))
    }
    for (const call of behind) call.reject(this.#closedMeanwhile(call.what))
    this.#advance()
  }

  /** Where the receiving side stood when something was last sent. */
  get receivedBefore(): number {
    return Math.max(this.#receivedBefore, 0)
  }

  /** Whether anything was ever sent by a call. */
  get hasSent(): boolean {
    return this.#receivedBefore !== NOTHING_SENT
  }

  /**
   * Takes a turn that lasts until `endTurn`: calls that come meanwhile wait behind it. `undefined` where it has begun at once.
   *
   * @throws as a send does
   */
  turn(what: string): Promise<void> | undefined {
    const scope = enterOperation(what)
    this.#requireOpen(what)
    if (!this.#busy) {
      this.#begins(what)
      this.#state |= RESERVED
      return undefined
    }
    return this.#line(scope, what, () => {
      this.#state |= RESERVED
      this.#settle()
    })
  }

  /** `broke`: what the turn was for has stopped half-way. */
  endTurn(broke?: string): void {
    this.#state &= ~RESERVED
    if (broke !== undefined) this.#breakBehind(broke, this.#takeWaiting())
    this.#advance()
  }

  /**
   * Keeps everybody out of this direction who is not the occupant, until `vacate`.
   *
   * @throws as a send does, except that the half may be closed by `sendEof`; ResourceBusyError while a call is under way
   */
  occupy(what: string): void {
    this.#requireAlone(what)
    this.#what = what
    this.#requireUnbroken()
    this.#state |= OCCUPIED
  }

  vacate(): void {
    this.#state &= ~OCCUPIED
  }

  /** The occupant's: sends what is left of a part. When it fails, `rest.offset` says how much of it was taken. */
  sendRest(what: string, rest: Rest): Promise<void> {
    let scope: CancelScope
    try {
      scope = enterOperation(what)
      this.#requireOpen(what, true)
      if (this.ended) throw this.endedError(what)
      this.#open(what)
    } catch (error) {
      return rejected(error)
    }
    this.#rest = rest
    const promise = this.#beginHeld(scope)
    this.#push(rest)
    return promise
  }

  /** Whether `sendEof` has been here. */
  get ended(): boolean {
    return (this.#state & ENDED) !== 0
  }

  endedError(what: string): ClosedResourceError {
    return own(new ClosedResourceError(`${what}: the sending half was closed by sendEof`), this.#owner)
  }

  /** The transport's sending half has been closed already. */
  markEnded(): void {
    this.#state |= ENDED
  }

  /**
   * The occupant's: as `sendEof`, but with TLS 1.2, too: the `close_notify` that it has says that no more will come. What the
   * peer still sends is received.
   */
  finish(): Promise<void> {
    let scope: CancelScope
    try {
      scope = enterOperation('sendEof')
      this.#requireOpen('sendEof', true)
      if (!this.ended) this.#open('sendEof')
    } catch (error) {
      return rejected(error)
    }
    if (this.ended) return this.#answer(scope)
    const promise = this.#beginHeld(scope)
    this.#transport.waitSend('shutdown')
    return promise
  }

  /** From now on the bytes go there. */
  adopt(transport: StreamTransport): void {
    this.#transport = transport
  }

  /** The transport's answer to `waitSend`. */
  settled(failure: Error | undefined): void {
    if (failure !== undefined) {
      this.#failure = failure
      this.#done = this.#rest = undefined
      this.#settle(this.broken(failure))
    } else if (this.#what === 'sendEof') {
      this.#state |= ENDED
      this.#settle()
    } else if (this.#done === 'confirming') {
      this.#done = undefined
      this.#settle()
    } else if (this.#what === WAIT) {
      this.#settle()
    } else if (this.#rest !== undefined) {
      this.#push(this.#rest)
    }
  }

  /** A write that failed and that no call has reported yet. */
  takeFailure(): Error | undefined {
    if (this.#failure !== undefined) return undefined
    return (this.#failure = this.#transport.takeSendError())
  }

  broken(cause: Error): Error {
    return own(brokenBy(this.#what, 'an earlier write failed', cause), this.#owner)
  }

  /** For `nextTurn`. */
  resume(): void {
    if (this.#done !== 'postponed') return
    // What was handed over before the pause may have failed meanwhile: this call is the next one that can tell.
    const failure = this.#transport.takeSendError()
    if (failure === undefined) this.#release()
    else this.settled(failure)
  }

  /** A call in the queue is cancelled. */
  callCancelled(call: SendCall, cancelled: () => Cancelled): void {
    if (this.#queue?.active === call) this.#cancelCurrent(cancelled)
    else {
      this.#queue?.waiting.delete(call)
      call.reject(cancelled())
      this.#advance()
    }
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.#cancelCurrent(cancelled)
  }

  #cancelCurrent(cancelled: () => Cancelled): void {
    if (this.#release()) return
    this.#transport.cancelSend()
    const rest = this.#rest
    this.#rest = undefined
    const what = this.#what
    const behind = rest !== undefined && hasBegun(rest) ? this.#takeWaiting() : []
    this.#settle(cancelled())
    this.#breakBehind(what, behind)
  }

  /** Fails the calls that were queued behind one which has stopped half-way (4). */
  #breakBehind(what: string, behind: readonly SendCall[]): void {
    for (const call of behind) {
      if (isInterrupted(call._scope as CancelScope)) call._cancel()
      else {
        const text = `${call.what}: the ${what} in front of it stopped after a part of its data had left, and this would have followed that part`
        call.reject(own(new BrokenResourceError(text), this.#owner))
      }
    }
  }

  /** The call under way. */
  get #current(): Operation<void> {
    return this.#queue?.active ?? this
  }

  /** A call made now would have to wait. */
  get #busy(): boolean {
    return this.undecided || (this.#state & (RESERVED | QUEUED)) !== 0
  }

  /** A call that meets another one, or a half that is not simply open: it is refused, or waits for its turn. */
  #line(scope: CancelScope, what: string, run: () => void, endIsFine = false): Promise<void> {
    this.#requireOpen(what)
    const call = new SendCall(this, what, run, endIsFine)
    const promise = call.begin(scope)
    this.#needQueue().waiting.add(call)
    this.#advance()
    return promise
  }

  #needQueue(): SendQueue {
    this.#state |= QUEUED
    return (this.#queue ??= { waiting: new Set(), active: undefined, advancing: false })
  }

  /** Begins the next call as soon as none is under way. Not recursive: a call may be over as soon as it has begun. */
  #advance(): void {
    const queue = this.#queue
    if (queue === undefined || queue.advancing) return
    queue.advancing = true
    for (const call of queue.waiting) {
      if (this.undecided || queue.active !== undefined || (this.#state & (RESERVED | OCCUPIED)) !== 0) break
      queue.waiting.delete(call)
      // Told of in a moment, by the scope that is cancelling what is in it: nothing of it has left yet.
      if (isInterrupted(call._scope as CancelScope)) call._cancel()
      else this.#beginCall(queue, call)
    }
    queue.advancing = false
    if (queue.active !== undefined || queue.waiting.size > 0) return
    this.#queue = undefined
    this.#state &= ~QUEUED
  }

  #beginCall(queue: SendQueue, call: SendCall): void {
    queue.active = call
    try {
      this.#begins(call.what, call.endIsFine)
      call.run()
    } catch (error) {
      this.#settle(error)
    }
  }

  /** Settles the call under way, and begins the next one. */
  #settle(error?: unknown): void {
    const current = this.#current
    if (this.#queue !== undefined) this.#queue.active = undefined
    if (error === undefined) current.resolve()
    else current.reject(error)
    this.#advance()
  }

  #takeWaiting(): readonly SendCall[] {
    if (this.#queue === undefined) return []
    const waiting = [...this.#queue.waiting]
    this.#queue.waiting.clear()
    return waiting
  }

  #closedMeanwhile(what: string): ClosedResourceError {
    return own(new ClosedResourceError(`${what}: the stream was closed while this waited`), this.#owner)
  }

  /** The entry of a call that does not wait for others. */
  #enterAlone(what: string, endIsFine: boolean): CancelScope {
    const scope = enterOperation(what)
    this.#requireAlone(what)
    if (!endIsFine && this.ended) throw this.endedError(what)
    this.#open(what)
    return scope
  }

  /** The operation of one who has the direction. Under a scheduler the last one may be decided, and not have settled yet. */
  #beginHeld(scope: CancelScope): Promise<void> {
    if (!this.pending) return this.begin(scope)
    const call = new SendCall(this, this.#what, () => {}, false)
    this.#needQueue().active = call
    return call.begin(scope)
  }

  #requireOpen(what: string, asOccupant = false): void {
    if ((this.#state & CLOSED) !== 0) throw own(new ClosedResourceError(`${what}: the stream is closed`), this.#owner)
    if (!asOccupant && (this.#state & OCCUPIED) !== 0) throw busy(what)
  }

  #requireAlone(what: string): void {
    this.#requireOpen(what)
    if (this.#busy || this.pending) throw busy(what)
  }

  /** A call begins: from here on it is the one that errors are about. @throws where an earlier write has failed */
  #open(what: string): void {
    this.#what = what
    this.#receivedBefore = this.#owner.reader.position
    this.#requireUnbroken()
  }

  /** The turn of a call begins. What sends notes where the receiving side stands: `startTls` asks for that. */
  #begins(what: string, endIsFine = false): void {
    if (!endIsFine && this.ended) throw this.endedError(what)
    this.#what = what
    this.#requireUnbroken()
  }

  #requireUnbroken(): void {
    this.#failure ??= this.#transport.takeSendError()
    if (this.#failure !== undefined) throw this.broken(this.#failure)
  }

  #answer(scope: CancelScope): Promise<void> {
    // A loop of sends that are answered at once would go on for all of its slice of time on a connection that has failed.
    if (++this.#row === MOST_IN_A_ROW) this.#carryOut()
    if (spendBudget()) return DONE
    const promise = this.#beginHeld(scope)
    this.#postpone()
    return promise
  }

  #carryOut(): void {
    this.#row = 0
    this.#transport.carryOut?.()
  }

  #sendRest(scope: CancelScope, parts: readonly Uint8Array[], part: number, offset: number): Promise<void> {
    this.#rest = { parts, part, offset }
    const promise = this.begin(scope)
    this.#push(this.#rest)
    return promise
  }

  /** It is over at once when everything is taken, as one that met no other is. */
  #sendLater(scope: CancelScope, what: string, parts: readonly Uint8Array[]): Promise<void> {
    return this.#line(scope, what, () => {
      const rest = { parts, part: 0, offset: 0 }
      this.#receivedBefore = this.#owner.reader.position
      if (this.#take(rest)) this.#settle()
      else this.#rest = rest
    })
  }

  #handOverFds(data: Uint8Array, fds: readonly number[]): void {
    const first = data.subarray(0, MOST_WITH_FDS)
    // The stream may speak TLS by now.
    if (this.#transport.sendFds === undefined) throw new UnsupportedError('sendFds: TLS carries no descriptors')
    // What is no descriptor is the fault of this call alone: nothing has been sent, and nothing is broken.
    this.#transport.sendFds(first, fds)
    this.#receivedBefore = this.#owner.reader.position
    this.#rest = { parts: [data], part: 0, offset: first.length }
  }

  #shutDown(): void {
    if (this.ended) this.#settle()
    else {
      this.#requireHalfClose()
      this.#transport.waitSend('shutdown')
    }
  }

  #requireHalfClose(): void {
    if (this.#transport.tls?.version !== 'TLSv1.2') return
    const text = 'sendEof: TLS 1.2 has no half-closed connections; both sides have it with TLS 1.3, or use close()'
    throw new UnsupportedError(text)
  }

  /** Hands over as much as the transport takes, then waits until it takes more. */
  #push(rest: Rest): void {
    if (!this.#take(rest)) return
    // A transport that has failed swallows what it is given. This call has waited already: it waits for that news, too.
    this.#rest = undefined
    this.#done = 'confirming'
    this.#transport.waitSend('writable')
  }

  /** False where the transport takes no more for now: it was asked to say when it does. */
  #take(rest: Rest): boolean {
    for (; rest.part < rest.parts.length; rest.part++, rest.offset = 0) {
      const part = rest.parts[rest.part] as Uint8Array
      while (rest.offset < part.length) {
        const taken = this.#transport.send(part.subarray(rest.offset))
        if (taken === 0) {
          this.#transport.waitSend('writable')
          return false
        }
        rest.offset += taken
        rest.moved?.()
      }
    }
    return true
  }

  #postpone(): void {
    this.#done = 'postponed'
    nextTurn(this)
  }

  /** Settles a call that has done its work. False where there is none. */
  #release(): boolean {
    if (this.#done === undefined) return false
    if (this.#done === 'confirming') this.#transport.cancelSend()
    this.#done = undefined
    this.#settle()
    return true
  }
}

/** Calls that overlap. */
interface SendQueue {
  /** In the order in which they were made. */
  readonly waiting: Set<SendCall>
  /** The one under way, unless that is the sender's own operation. */
  active: SendCall | undefined
  advancing: boolean
}

/** A call that met another one. */
class SendCall extends Operation<void> {
  readonly what: string
  readonly endIsFine: boolean
  /** Its turn has come: does it, and settles it now or later. */
  readonly run: () => void
  readonly #sender: Sender

  constructor(sender: Sender, what: string, run: () => void, endIsFine: boolean) {
    super()
    this.#sender = sender
    this.what = what
    this.run = run
    this.endIsFine = endIsFine
  }

  override describe(): string {
    return this.#sender.describeCall(this.what)
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.#sender.callCancelled(this, cancelled)
  }
}

/** The bits of `#state`. */
const CLOSED = 1
const ENDED = 2
/** A relay has the direction: whoever else comes is refused. */
const OCCUPIED = 4
/** One call has a turn of several steps: whoever else comes waits. */
const RESERVED = 8
/** There is a queue. */
const QUEUED = 16

function busy(what: string): ResourceBusyError {
  return new ResourceBusyError(`${what}: another task is already sending to this stream`)
}

/** Whether a part has been taken. */
function hasBegun({ parts, part, offset }: Rest): boolean {
  return offset > 0 || parts.slice(0, part).some(({ length }) => length > 0)
}

/** The public name of `waitWritable`. */
const WAIT = 'waitSocketWritable'

/** How many bytes a transport takes together with descriptors. */
const MOST_WITH_FDS = 65_536

/** How far the waiting send has got in what it was given. */
export interface Rest {
  readonly parts: readonly Uint8Array[]
  part: number
  offset: number
  /** Bytes have been taken. */
  readonly moved?: () => void
}

/** Calls answered at once before the transport is asked to carry them out: seldom enough to cost nothing, one write for all. */
const MOST_IN_A_ROW = 128

/** No place in the bytes received. */
const NOTHING_SENT = -1

const DONE: Promise<void> = Promise.resolve()
