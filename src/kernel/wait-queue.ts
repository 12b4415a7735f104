/**
 * The one queue under every synchronisation primitive: first in, first out, and whoever is cancelled leaves from the
 * middle.
 *
 * ```text
 *  wait ─► [ a ] [ b ] [ c ]          cancelled: out of the queue, rejected
 *            │ shift: a is out of the queue
 *            ├─ answer: certain now. A cancellation in the same turn comes too late (events, items).
 *            └─ grant:  told after the running JavaScript. A cancellation until then gives the grant back, so that whoever
 *                       is cancelled never owns anything (locks, semaphores, limiters).
 * ```
 *
 * Both spend from the budget of the turn (turn.ts): two tasks that wake one another for ever would otherwise never
 * leave it, and no timer would fire. With the budget spent the waiter hears of it in the next turn: an answer stays
 * certain until then, a grant may be cancelled until then.
 *
 * What must stay true: an entry is in one queue at most, and a waiter is pending exactly as long as it is queued, or
 * answered or granted and not told yet.
 */
import type { Cancelled } from '../errors.ts'
import type { CancelScope } from './cancel-scope.ts'
import { Operation } from './operation.ts'
import { type Resumable, nextTurn, spendBudget } from './turn.ts'
import { RUNNABLE, TASKS } from './waits.ts'

/** What can stand in a queue. */
export interface Queued {
  /** @internal */
  _before: Queued | undefined
  /** @internal */
  _after: Queued | undefined
  /** @internal */
  _queue: AnyQueue | undefined
}

/** A queue, whatever stands in it: enough to leave it. */
export interface AnyQueue {
  delete(entry: Queued): void
}

/** A queue that an `E` may stand in, perhaps among others. */
export interface Line<E extends Queued> {
  push(entry: E): void
}

export class WaitQueue<Q extends Queued> implements AnyQueue, Line<Q> {
  #first: Queued | undefined
  #last: Queued | undefined
  #length = 0

  get length(): number {
    return this.#length
  }

  push(entry: Q): void {
    entry._queue = this
    entry._before = this.#last
    entry._after = undefined
    if (this.#last === undefined) this.#first = entry
    else this.#last._after = entry
    this.#last = entry
    this.#length++
  }

  /** The one that is served next. It stays in the queue. */
  get first(): Q | undefined {
    return this.#first as Q | undefined
  }

  /** The first, who is out of the queue then. */
  shift(): Q | undefined {
    const { first } = this
    if (first !== undefined) this.delete(first)
    return first
  }

  /** Takes `entry` out, wherever it stands. Harmless where it is not, or not any more, in this queue. */
  delete(entry: Queued): void {
    if (entry._queue !== this) return
    const { _before: before, _after: after } = entry
    if (before === undefined) this.#first = after
    else before._after = after
    if (after === undefined) this.#last = before
    else after._before = before
    entry._before = entry._after = entry._queue = undefined
    this.#length--
  }

  /** For statistics, in order. */
  *[Symbol.iterator](): Generator<Q> {
    for (let entry = this.#first; entry !== undefined; entry = entry._after) yield entry as Q
  }
}

type WaiterState = typeof WAITING | typeof GRANTED | typeof ANSWERED | typeof CANCELLED

/** A call that waits in a queue, for a `G`. */
export class Waiter<T, G = T> extends Operation<T> implements Queued, Resumable {
  _before: Queued | undefined = undefined
  _after: Queued | undefined = undefined
  _queue: AnyQueue | undefined = undefined
  readonly #what: string
  #state: WaiterState = WAITING
  /** From the answer or the grant until it is told. */
  #value: G | undefined

  /** @param what - for texts: 'a lock' */
  constructor(what: string) {
    super()
    this.#what = what
  }

  override describe(): string {
    return this.#what
  }

  override get waitsFor(): number {
    return this.#state === WAITING ? TASKS : RUNNABLE
  }

  waitIn(queue: Line<this>, scope: CancelScope): Promise<T> {
    queue.push(this)
    return this.begin(scope)
  }

  /** Settles now, or in the next turn when the budget is spent; for certain in both cases. */
  answer(value: G): void {
    if (spendBudget()) {
      this.deliver(value)
      return
    }
    this.#state = ANSWERED
    this.#value = value
    nextTurn(this)
  }

  /** Settles after the running JavaScript, for certain: for those who then look whether there is more of the same. */
  answerLater(value: G): void {
    this.#state = ANSWERED
    this.#value = value
    tellLater(this)
  }

  /** Settles after the running JavaScript, unless it is cancelled before: then `takeBack` gets the value. */
  grant(value: G): void {
    this.#state = GRANTED
    this.#value = value
    tellLater(this)
  }

  /** @internal It is time to tell. One that was cancelled meanwhile hears nothing. */
  resume(): void {
    if (this.#state === CANCELLED) return
    const value = this.#value as G
    this.#value = undefined
    this.deliver(value)
  }

  /** Told: by default that is the outcome. */
  protected deliver(value: G): void {
    this.resolve(value as unknown as T)
  }

  /** The waiter was cancelled when it had been granted `value` and not been told. */
  protected takeBack(_value: G): void {}

  protected override onCancel(cancelled: () => Cancelled): void {
    // Whoever gave the answer has counted on it: an item that was handed over is nowhere else.
    if (this.#state === ANSWERED) return
    if (this.#state === GRANTED) {
      const value = this.#value as G
      this.#value = undefined
      this.#state = CANCELLED
      this.takeBack(value)
    } else this._queue!.delete(this)
    this.reject(cancelled())
  }
}

/** Resumes `entry` after the running JavaScript, or in the next turn when the budget is spent. */
export function tellLater(entry: Resumable): void {
  // Not `queueMicrotask`, which makes an AsyncResource for each call. Whose frame `tell` runs in does not matter: it
  // settles promises, and these carry their own.
  if (untold.push(entry) === 1) void resolved.then(tell)
}

const WAITING = 0
const GRANTED = 1
const ANSWERED = 2
const CANCELLED = 3

const resolved = Promise.resolve()
let untold: Resumable[] = []

function tell(): void {
  const batch = untold
  untold = []
  for (const entry of batch) {
    if (spendBudget()) entry.resume()
    else nextTurn(entry)
  }
}
