/**
 * The receiving side of a stream: one waiting receive at a time, over a source of bytes.
 *
 * ```text
 *  receiveUntil ─► enter ─► closed? busy? ─► demand.take(buffer) ─► at hand: answered at once
 *                                               │ not yet
 *                                               ▼
 *                                begin ─► fetch ─► (source) ─► supplied ─► demand.take ─► settle
 *                                           ▲                                │ not yet
 *                                           └────────────────────────────────┘
 *  cancelled: drop the interest in the source, reject; what has arrived stays in the buffer
 * ```
 *
 * What must stay true:
 * 1. The reader is the one operation of its direction, begun again and again: what is pending is what makes a second
 *    task busy, until the first call's promise has settled (also when that is postponed to the next turn).
 * 2. Bytes are in the buffer, or handed out with a promise that resolves. A cancellation finds them in the buffer; it
 *    cannot come between taking and resolving (completion beats cancellation).
 * 3. Closed is tested before the buffer: after the own close nothing is handed out any more.
 * 4. The end and the failure of the source stay: a reset that was reported once must not read as an orderly end next time.
 * 5. A watcher (a `select`) has the direction as a waiting receive has it: another receive is `ResourceBusyError`. It is no operation
 *    of this reader. What comes for it goes to the buffer, and is the next receive's where the select takes from another source.
 */

import { type Cancelled, ClosedResourceError, ResourceBusyError, WouldBlock } from '../errors.ts'
import {
  type CancelScope,
  enterOperation,
  markHandled,
  nextTurn,
  Operation,
  rejected,
  type Resumable,
  spendBudget,
} from '../kernel/index.ts'
import { READ_SIZE } from '../common/bytes.ts'
import { brokenBy } from './connection-errors.ts'
import { type Demand, SOME, Some } from './framing.ts'
import { ReceiveBuffer, toOwn } from './receive-buffer.ts'

/** Who has a stream for itself over several operations, as `relay` does. */
export interface Occupant {
  /** Its name, for texts. */
  readonly what: string
  /** The stream is closed on this side. `error` is the error for a waiting call. */
  closed(error: ClosedResourceError): void
}

/** Who wants to know when a receive would not wait, without taking anything. */
export interface ReadWatcher {
  /** Its name, for texts. */
  readonly what: string
  /** A receive would not wait. It is told once, and watches no more. */
  changed(): void
}

export abstract class Reader extends Operation<unknown> implements Resumable {
  /** `NO_BYTES` until something has to be kept: an idle connection has no buffer. */
  #bytes: ReceiveBuffer = NO_BYTES
  #demand: Demand<unknown> = SOME
  /** How many bytes have ever been kept, modulo `WRAP`: tells what was there before something else happened. */
  #appended = 0
  #closed = false
  #ended = false
  /** What broke the connection, for the `cause` of every receive from then on (4). */
  #breakage: Error | undefined
  /** Everybody else is kept out of this direction. */
  #occupant: Occupant | undefined
  #watcher: ReadWatcher | undefined
  /** An answer that waits for the next turn; `NOTHING` when there is none. */
  #postponed: unknown = NOTHING

  get bufferedData(): Buffer {
    return this.#bytes.copy()
  }

  get closed(): boolean {
    return this.#closed
  }

  /** What broke the connection, if a receive has met it. */
  get breakage(): Error | undefined {
    return this.#breakage
  }

  /** Whether the end of the data has come. */
  get hasEnded(): boolean {
    return this.#ended
  }

  receiveSome(maxBytes: number): Promise<Buffer> {
    return this.receive(maxBytes === READ_SIZE ? SOME : new Some(maxBytes))
  }

  /** Answers the demand from the bytes at hand, or waits for more. `asOccupant`: whose the direction is. */
  receive<T>(demand: Demand<T>, asOccupant = false): Promise<T> {
    let scope: CancelScope
    try {
      scope = enterOperation(demand.what)
      if (this.#closed) throw new ClosedResourceError(`${demand.what}: the stream is closed`)
      if (this.pending || this.#watcher !== undefined || (this.#occupant !== undefined && !asOccupant))
        throw new ResourceBusyError(`${demand.what}: another task is already receiving from this stream`)
      const answer = this.#atHand(demand)
      if (answer !== undefined) return this.#answerFairly(scope, answer)
    } catch (error) {
      return rejected(this.owned(error))
    }
    this.#demand = demand
    const promise = this.begin(scope) as Promise<T>
    this.fetch(demand)
    return promise
  }

  /** Waits until a receive would not wait, and takes nothing. */
  waitReadable(): Promise<void> {
    return this.receive<unknown>(READABLE) as Promise<void>
  }

  /** Whether `takeFor` has an answer: bytes, the end, or an error, be it that another task receives. */
  readyFor(watcher: ReadWatcher): boolean {
    return this.#closed || this.#isBusyFor(watcher) || this.#hasAnswer
  }

  /**
   * What `receiveSome` gives, without waiting. @throws as `receiveSome` does; WouldBlock when there is nothing
   */
  takeFor(watcher: ReadWatcher): Buffer {
    const { what } = watcher
    try {
      this.#requireFree(watcher)
      const answer = this.#atHand(SOME) ?? (this.readNow() ? this.#atHand(SOME) : undefined)
      if (answer !== undefined) return answer
    } catch (error) {
      throw this.owned(error)
    }
    throw new WouldBlock(`${what}: nothing has been received`)
  }

  /** Tells `watcher` once a receive would not wait. @throws as a receive does */
  watch(watcher: ReadWatcher): void {
    try {
      this.#requireFree(watcher)
    } catch (error) {
      throw this.owned(error)
    }
    this.#watcher = watcher
    this.fetch(AHEAD)
  }

  /** Harmless where it has been told. */
  unwatch(watcher: ReadWatcher): void {
    if (this.#watcher !== watcher) return
    this.#watcher = undefined
    this.dropFetch()
  }

  /** A place in the bytes kept so far, for `holdsFrom`. */
  get position(): number {
    return this.#appended
  }

  /** Whether bytes that were kept before `position` was asked for have still not been handed out. */
  holdsFrom(position: number): boolean {
    const { length } = this.#bytes
    const unread = (position - this.#appended + length) & (WRAP - 1)
    return unread > 0 && unread <= length
  }

  /** Hands out everything that is kept. */
  takeKept(): Buffer {
    return this.#bytes.take(this.#bytes.length)
  }

  /** Makes every receive busy until `letGo`. @throws as a receive does */
  hold(what: string): void {
    const scope = enterOperation(what)
    if (this.#closed) throw this.owned(new ClosedResourceError(`${what}: the stream is closed`))
    this.#requireVacant(what)
    this.#demand = new Held(what)
    markHandled(this.begin(scope))
  }

  letGo(): void {
    this.resolve(undefined)
  }

  /**
   * Keeps everybody but the occupant out of this direction until `vacate`: unlike `hold` for whoever receives meanwhile.
   *
   * @throws as a receive does
   */
  occupy(occupant: Occupant): void {
    if (this.#closed) throw this.owned(new ClosedResourceError(`${occupant.what}: the stream is closed`))
    this.#requireVacant(occupant.what)
    this.#occupant = occupant
  }

  vacate(): void {
    this.#occupant = undefined
  }

  /** The occupant's: bytes that it has received, and has no use for, are the next ones again. */
  putBack(bytes: Buffer): void {
    if (this.#closed || bytes.length === 0) return
    if (this.#bytes === NO_BYTES) this.#bytes = new ReceiveBuffer()
    this.#bytes.putBack(bytes)
  }

  /** Fails the waiting call and every later one. Bytes read ahead are dropped. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#bytes = NO_BYTES
    if (this.pending && !this.#release()) {
      this.dropFetch()
      this.reject(this.#closedMeanwhile(this.#demand.what))
    }
    if (this.#watcher !== undefined) {
      this.dropFetch()
      this.#tellWatcher()
    }
    const occupant = this.#occupant
    occupant?.closed(this.#closedMeanwhile(occupant.what))
  }

  /** For `nextTurn`. */
  resume(): void {
    this.#release()
  }

  /** Asks the source for bytes, once; it answers with `supplied`, `ended` or `failed`. Called with the caller's frame. */
  protected abstract fetch(demand: Demand<unknown>): void

  /** The interest in the answer is gone; bytes that come nevertheless are `supplied`. */
  protected abstract dropFetch(): void

  /** Whether the source has an answer, though nothing is in the buffer: see `readNow`. */
  protected get sourceReady(): boolean {
    return false
  }

  /**
   * Moves what the source has into the buffer, without waiting; or throws its error. False where it has nothing. Called where
   * nothing is in the buffer.
   */
  protected readNow(): boolean {
    return false
  }

  /** Marks an error as caused by this stream (see connection-errors.ts). */
  protected abstract owned<E>(error: E): E

  protected get demand(): Demand<unknown> {
    return this.#demand
  }

  protected supplied(memory: Buffer, start: number, end: number, owned: boolean): void {
    if (this.#closed) return
    const demand = this.#demand
    if (demand.whole !== undefined && end - start <= demand.ask && this.#waits && this.#bytes.length === 0) {
      this.resolve(demand.whole(toOwn(memory, start, end, owned)))
      return
    }
    if (this.#bytes === NO_BYTES) this.#bytes = new ReceiveBuffer()
    this.#bytes.append(memory, start, end, owned)
    this.#appended = (this.#appended + end - start) & (WRAP - 1)
    this.proceed()
  }

  protected ended(): void {
    this.#ended = true
    this.proceed()
  }

  protected broken(cause: Error): void {
    this.#breakage = cause
    this.proceed()
  }

  /** Rejects the waiting call, if it still waits: an answer that is only postponed stands. */
  protected failed(error: unknown): boolean {
    return this.#waits && this.reject(error)
  }

  /** Settles the pending call with what the source did at once; an always-ready source must not starve the loop. */
  protected answer(value: unknown): void {
    if (spendBudget()) this.resolve(value)
    else this.#postpone(value)
  }

  /** Answers the waiting call, or asks for more. */
  protected proceed(): void {
    if (this.#watcher !== undefined) {
      if (this.#hasAnswer) this.#tellWatcher()
      else this.fetch(AHEAD)
      return
    }
    if (!this.#waits) return
    const demand = this.#demand
    let answer: unknown
    try {
      answer = this.#atHand(demand)
      if (answer === undefined) demand.check?.()
    } catch (error) {
      this.reject(this.owned(error))
      return
    }
    if (answer === undefined) this.fetch(demand)
    else this.resolve(answer)
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    if (this.#release()) return
    this.dropFetch()
    this.reject(cancelled())
  }

  #closedMeanwhile(what: string): ClosedResourceError {
    return this.owned(new ClosedResourceError(`${what}: the stream was closed while this waited`))
  }

  #requireVacant(what: string): void {
    if (!this.pending && this.#occupant === undefined && this.#watcher === undefined) return
    throw new ResourceBusyError(`${what}: another task is receiving from this stream`)
  }

  #requireFree(watcher: ReadWatcher): void {
    const { what } = watcher
    if (this.#closed) throw new ClosedResourceError(`${what}: the stream is closed`)
    if (this.#isBusyFor(watcher))
      throw new ResourceBusyError(`${what}: another task is already receiving from this stream`)
  }

  #isBusyFor(watcher: ReadWatcher): boolean {
    const other = this.#watcher !== undefined && this.#watcher !== watcher
    return other || this.pending || this.#occupant !== undefined
  }

  get #hasAnswer(): boolean {
    return this.#bytes.length > 0 || this.#breakage !== undefined || this.#ended || this.sourceReady
  }

  #tellWatcher(): void {
    const watcher = this.#watcher
    this.#watcher = undefined
    watcher?.changed()
  }

  /** A call waits for bytes, and not only for the next turn. */
  get #waits(): boolean {
    return this.undecided && this.#postponed === NOTHING
  }

  #atHand<T>(demand: Demand<T>): T | undefined {
    const answer = demand.take(this.#bytes)
    if (answer !== undefined) return answer
    if (this.#breakage !== undefined) {
      if (demand.broken !== undefined) return demand.broken
      throw brokenBy(demand.what, 'the connection is broken', this.#breakage)
    }
    return this.#ended ? demand.end(this.#bytes) : undefined
  }

  #answerFairly<T>(scope: CancelScope, answer: T): Promise<T> {
    if (spendBudget()) return Promise.resolve(answer)
    const promise = this.begin(scope) as Promise<T>
    this.#postpone(answer)
    return promise
  }

  #postpone(answer: unknown): void {
    this.#postponed = answer
    nextTurn(this)
  }

  /** Hands out a postponed answer now. False where there is none. */
  #release(): boolean {
    const answer = this.#postponed
    if (answer === NOTHING) return false
    this.#postponed = NOTHING
    return this.resolve(answer)
  }
}

const NOTHING = Symbol('nothing')

/** A power of two that keeps `#appended` a small integer, and is more than a buffer holds. */
const WRAP = 2 ** 30

/** Wants nothing and is never content. */
class Held implements Demand<undefined> {
  readonly what: string
  readonly ask = READ_SIZE

  constructor(what: string) {
    this.what = what
  }

  take(): undefined {
    return undefined
  }

  end(): undefined {
    return undefined
  }
}

/** What a wait wants that takes nothing: content when a receive would not wait. */
export class Readable implements Demand<true> {
  readonly what: string
  readonly ask = READ_SIZE
  readonly broken = true

  constructor(what: string) {
    this.what = what
  }

  take(bytes: ReceiveBuffer): true | undefined {
    return bytes.length === 0 ? undefined : true
  }

  end(): true {
    return true
  }
}

const READABLE = new Readable('waitReadable')

/** What a source is asked for on behalf of a watcher. */
export const AHEAD: Readable = new Readable('select')

/** Shared by all readers, and never appended to. */
const NO_BYTES = new ReceiveBuffer()
