/**
 * What a queue and a memory object stream have in common: items in a buffer, those who wait to put one in, and those who
 * wait to get one out.
 *
 * What must stay true:
 * 1. Nobody waits for an item while there is one, and nobody waits with one while there is room.
 * 2. An item is in the buffer, with a waiting putter, or handed over: a getter that was handed one gets it, also when its
 *    scope is cancelled in the same turn.
 * 3. A getter of a batch that was handed an item looks for more of them once the running JavaScript is done. It takes what
 *    is in the buffer then, and nothing where its scope has been cancelled meanwhile.
 */

import {
  type CancelScope,
  immediate,
  immediateVoid,
  isInterrupted,
  type Queued,
  RUNNABLE,
  TASKS,
  Waiter,
  WaitQueue,
} from '../kernel/index.ts'
import { checkInteger } from '../common/validate.ts'
import { Deque } from './deque.ts'

export class Channel<T> {
  readonly capacity: number
  readonly items = new Deque<T>()
  readonly putters = new WaitQueue<Putter<T>>()
  readonly getters = new WaitQueue<AnyGetter<T>>()
  readonly #what: string
  readonly #source: number

  /**
   * @param what - for texts: 'a queue'
   * @param source - who brings the items, as a bit of waits.ts: the tasks, or the world outside
   */
  constructor(capacity: number, what: string, source: number = TASKS) {
    this.capacity = capacity
    this.#what = what
    this.#source = source
  }

  /** False where there is no room and nobody waits for it. */
  tryPut(item: T): boolean {
    const getter = this.getters.shift()
    if (getter !== undefined) getter.hand(item)
    else if (this.items.length < this.capacity) this.items.push(item)
    else return false
    return true
  }

  put(item: T, scope: CancelScope, from?: unknown): Promise<void> {
    if (this.tryPut(item)) return immediateVoid()
    const putter = new Putter(item, `room in ${this.#what}`, from)
    return putter.waitIn(this.putters, scope)
  }

  /** Whether there is an item to get. */
  get ready(): boolean {
    return this.items.length > 0 || this.putters.length > 0
  }

  /** The next item; there must be one (`ready`). */
  take(): T {
    const putter = this.putters.shift()
    if (putter === undefined) return this.items.shift()
    let { item } = putter
    if (this.capacity > 0) {
      this.items.push(item)
      item = this.items.shift()
    }
    putter.answer()
    return item
  }

  get(scope: CancelScope, from?: unknown): Promise<T> {
    if (this.ready) return immediate(this.take())
    return new Getter<T>(`an item of ${this.#what}`, this.#source, from).waitIn(this.getters, scope)
  }

  /** At least one item, and of what is there `max` at most. */
  getBatch(max: number, scope: CancelScope, from?: unknown): Promise<T[]> {
    if (this.ready) return immediate(this.takeUpTo(max))
    return new BatchGetter<T>(this, max, `items of ${this.#what}`, this.#source, from).waitIn(this.getters, scope)
  }

  /** What is there, `max` items at most. */
  takeUpTo(max: number): T[] {
    const items: T[] = []
    while (items.length < max && this.ready) items.push(this.take())
    return items
  }
}

/** @throws TypeError, RangeError for what is no number of items */
export function checkBatch(max: unknown): asserts max is number {
  if (max !== Infinity) checkInteger('max', max, 1)
}

/** Who waits for an item, or for several. */
interface AnyGetter<T> extends Queued {
  /** The end that it waits at. */
  readonly from: unknown
  /** It has this item, for certain. */
  hand(item: T): void
  reject(error: unknown): boolean
}

/** Who waits for room, with its item. */
export class Putter<T> extends Waiter<void> {
  readonly item: T
  /** The end that it waits at. */
  readonly from: unknown

  constructor(item: T, what: string, from: unknown) {
    super(what)
    this.item = item
    this.from = from
  }

  override answer(): void {
    super.answer(undefined)
  }
}

/** Who waits for items of a source. */
abstract class Taker<T, R> extends Waiter<R, T> {
  readonly from: unknown
  readonly #source: number

  constructor(what: string, source: number, from: unknown) {
    super(what)
    this.#source = source
    this.from = from
  }

  override get waitsFor(): number {
    return super.waitsFor === RUNNABLE ? RUNNABLE : this.#source
  }
}

/** Who waits for an item. */
class Getter<T> extends Taker<T, T> implements AnyGetter<T> {
  hand(item: T): void {
    this.answer(item)
  }
}

/** Who waits for an item and takes what there is with it. */
class BatchGetter<T> extends Taker<T, T[]> implements AnyGetter<T> {
  readonly #channel: Channel<T>
  readonly #max: number

  constructor(channel: Channel<T>, max: number, what: string, source: number, from: unknown) {
    super(what, source, from)
    this.#channel = channel
    this.#max = max
  }

  hand(item: T): void {
    this.answerLater(item)
  }

  /** Invariant 3. */
  protected override deliver(item: T): void {
    this.resolve([item, ...(isInterrupted(this._scope!) ? [] : this.#channel.takeUpTo(this.#max - 1))])
  }
}
