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
 * 4. A select stands in the line of the getters and is served in its turn. It takes the item while it is told, or it does not
 *    want it any more and the next in line gets the item. So it overtakes no getter, and no getter overtakes it.
 * 5. Who only waits until there is an item (`waitReadable`) stands in no line and reserves nothing: it is woken when there is an
 *    item that no getter has been given, or when none will come any more.
 */

import {
  type AnyQueue,
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
  /** Those of `waitReadable`. */
  readonly watchers = new WaitQueue<Watcher>()
  /** Who brings the items, as a bit of waits.ts. */
  readonly source: number
  readonly #what: string
  /** The item that a select is being told of; it is nowhere else. */
  #offered: Offered<T> | undefined

  /**
   * @param what - for texts: 'a queue'
   * @param source - who brings the items, as a bit of waits.ts: the tasks, or the world outside
   */
  constructor(capacity: number, what: string, source: number = TASKS) {
    this.capacity = capacity
    this.#what = what
    this.source = source
  }

  /** False where there is no room and nobody waits for it. */
  tryPut(item: T): boolean {
    // Each of them once: a select that does not take it may stand in the line again.
    for (let left = this.getters.length; left > 0; left--) {
      if (this.getters.shift()?.offer(item) === true) return true
    }
    if (this.items.length >= this.capacity) return false
    this.items.push(item)
    this.#tellWatchers()
    return true
  }

  put(item: T, scope: CancelScope, from?: unknown): Promise<void> {
    if (this.tryPut(item)) return immediateVoid()
    const putter = new Putter(item, `room in ${this.#what}`, from)
    const promise = putter.waitIn(this.putters, scope)
    this.#tellWatchers()
    return promise
  }

  /** Whether there is an item to get. */
  get ready(): boolean {
    return this.items.length > 0 || this.putters.length > 0 || this.#offered !== undefined
  }

  /** The next item; there must be one (`ready`). */
  take(): T {
    const offered = this.#offered
    if (offered !== undefined) {
      offered.taken = true
      this.#offered = offered.outer
      return offered.item
    }
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
    return new Getter<T>(`an item of ${this.#what}`, this.source, from).waitIn(this.getters, scope)
  }

  /** At least one item, and of what is there `max` at most. */
  getBatch(max: number, scope: CancelScope, from?: unknown): Promise<T[]> {
    if (this.ready) return immediate(this.takeUpTo(max))
    return new BatchGetter<T>(this, max, `items of ${this.#what}`, this.source, from).waitIn(this.getters, scope)
  }

  /** What is there, `max` items at most. */
  takeUpTo(max: number): T[] {
    const items: T[] = []
    while (items.length < max && this.ready) items.push(this.take())
    return items
  }

  /** Waits until there is an item, or none will come, and leaves it there. */
  waitReadable(scope: CancelScope, from?: unknown): Promise<void> {
    if (this.ready) return immediateVoid()
    return new Watcher(`an item of ${this.#what}`, this.source, from).waitIn(this.watchers, scope)
  }

  /** Takes a place in the line; `told` is called in its turn, and may `take`. Returns the undo. */
  line(told: () => void, from?: unknown): () => void {
    const place = new Place<T>(this, told, from)
    this.getters.push(place)
    return () => this.getters.delete(place)
  }

  /** Of a place in the line. False when the item has not been taken. */
  offerTo(told: () => void, item: T): boolean {
    const offered: Offered<T> = { item, taken: false, outer: this.#offered }
    this.#offered = offered
    try {
      told()
    } finally {
      if (!offered.taken) this.#offered = offered.outer
    }
    return offered.taken
  }

  /** No item will come any more. Who waits for one, and not for one of those that are there, finds out. */
  end(ending: () => Error): void {
    // A list, because a select that does not take its end may stand in the line again.
    for (const getter of [...this.getters]) {
      this.getters.delete(getter)
      getter.reject(ending())
    }
    this.#tellWatchers()
  }

  #tellWatchers(): void {
    this.watchers.drain((watcher) => watcher.answer())
  }
}

/** @throws TypeError, RangeError for what is no number of items */
export function checkBatch(max: unknown): asserts max is number {
  if (max !== Infinity) checkInteger('max', max, 1)
}

/** An item that a select may take while it is told. */
interface Offered<T> {
  readonly item: T
  taken: boolean
  /** What is being offered meanwhile, where the one who was told has put another item. */
  readonly outer: Offered<T> | undefined
}

/** Who stands in line for an item, or for several. */
interface AnyGetter<T> extends Queued {
  /** The end that it waits at. */
  readonly from: unknown
  /** Gives it the item, for certain. False: it does not want it any more. */
  offer(item: T): boolean
  reject(error: unknown): void
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
  offer(item: T): boolean {
    this.answer(item)
    return true
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

  offer(item: T): boolean {
    this.answerLater(item)
    return true
  }

  /** Invariant 3. */
  protected override deliver(item: T): void {
    this.resolve([item, ...(isInterrupted(this._scope!) ? [] : this.#channel.takeUpTo(this.#max - 1))])
  }
}

/** Who waits until there is an item. */
class Watcher extends Taker<void, void> {}

/** A select's place in the line. */
class Place<T> implements AnyGetter<T> {
  _before: Queued | undefined = undefined
  _after: Queued | undefined = undefined
  _queue: AnyQueue | undefined = undefined
  readonly from: unknown
  readonly #channel: Channel<T>
  readonly #told: () => void

  constructor(channel: Channel<T>, told: () => void, from: unknown) {
    this.#channel = channel
    this.#told = told
    this.from = from
  }

  offer(item: T): boolean {
    return this.#channel.offerTo(this.#told, item)
  }

  /** What it waits at has closed or ended. It finds out by its own receive. */
  reject(): void {
    this.#told()
  }
}
