/**
 * The queue of every synchronisation primitive: first in, first out (GRANT-1). A cancelled waiter leaves from the
 * middle.
 *
 * ```text
 *  wait ─► [ a ] [ b ] [ c ]          cancelled: out of the queue, rejected
 *            │ shift: a is out of the queue
 *            ├─ answer: certain at once. A cancellation in the same turn comes too late (events, items).
 *            └─ grant:  settles after the running JavaScript. A cancellation before that gives the grant back,
 *                       so that a cancelled waiter never owns anything (locks, semaphores, limiters).
 * ```
 *
 * Both spend from the budget of the turn (turn.ts): otherwise two tasks that wake each other for ever would never leave
 * the turn, and no timer would fire. With the budget spent, the waiter settles in the next turn. Until then an answer
 * stays certain, and a grant may be cancelled.
 *
 * What must stay true: an entry is in one queue at most. A waiter is pending exactly as long as it is queued, or
 * answered or granted and not settled yet.
 */
import type { Cancelled } from '../errors.ts'
import type { CancelScope } from './cancel-scope.ts'
import { Operation } from './operation.ts'
import { type Resumable, nextTurn, spendBudget } from './turn.ts'
import { RUNNABLE, TASKS } from './waits.ts'

/** An entry of a queue. */
export interface Queued {
  /** @internal */
  _before: Queued | undefined
  /** @internal */
  _after: Queued | undefined
  /** @internal */
  _queue: AnyQueue | undefined
}

/** A queue of any type, for an entry that leaves it. */
export interface AnyQueue {
  delete(entry: Queued): void
}

/** A queue that takes entries of type `E`, perhaps among others. */
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

  /** The entry that is served next. It stays in the queue. */
  get first(): Q | undefined {
    return this.#first as Q | undefined
  }

  /** Removes and returns the first entry. */
  shift(): Q | undefined {
    const { first } = this
    if (first !== undefined) this.delete(first)
    return first
  }

  /** Removes all entries, in order, and calls `serve` with each; also with those that a call of it adds. */
  drain(serve: (entry: Q) => void): void {
    for (let entry = this.shift(); entry !== undefined; entry = this.shift()) serve(entry)
  }

  /** Removes `entry` from any place. Does nothing if it is not in this queue. */
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

  /** In order, for statistics. */
  *[Symbol.iterator](): Generator<Q> {
    for (let entry = this.#first; entry !== undefined; entry = entry._after) yield entry as Q
  }
}

type WaiterState = typeof WAITING | typeof GRANTED | typeof ANSWERED | typeof CANCELLED

/** A call that waits in a queue for a `G`. */
export class Waiter<T, G = T> extends Operation<T> implements Queued, Resumable {
  _before: Queued | undefined = undefined
  _after: Queued | undefined = undefined
  _queue: AnyQueue | undefined = undefined
  readonly #what: string
  #state: WaiterState = WAITING
  /** Set from the answer or the grant until it settles. */
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

  /** Settles after the running JavaScript, for certain. For waiters that then take further items, too. */
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

  /** @internal Settles, unless it was cancelled meanwhile. */
  resume(): void {
    if (this.#state === CANCELLED) return
    const value = this.#value as G
    this.#value = undefined
    this.deliver(value)
  }

  /** Settles with the value. A subclass may make something else of it. */
  protected deliver(value: G): void {
    this.resolve(value as unknown as T)
  }

  /** The waiter was cancelled between the grant of `value` and its settling. */
  protected takeBack(_value: G): void {}

  protected override onCancel(cancelled: () => Cancelled): void {
    // An answer is certain: an item that was handed over is nowhere else (GRANT-4).
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
  // Not `queueMicrotask`, which makes an AsyncResource for each call. The frame of `tell` does not matter: it settles
  // promises, whose reactions carry their own.
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
