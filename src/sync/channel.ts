/**
 * What a queue and a memory object stream have in common: items in a buffer, those who wait to put one in, and those who
 * wait to get one out.
 *
 * What must stay true:
 * 1. Nobody waits for an item while there is one, and nobody waits with one while there is room.
 * 2. An item is in the buffer, with a waiting putter, or handed over: a getter that was handed one gets it, also when its
 *    scope is cancelled in the same turn.
 * 3. A select stands in the line of the getters and is served in its turn. It takes the item while it is told, or it does not
 *    want it any more and the next in line gets the item. So it overtakes no getter, and no getter overtakes it.
 * 4. Who only waits until there is an item (`waitReadable`) stands in no line and reserves nothing: it is woken when there is an
 *    item that no getter has been given.
 */

import type { CancelScope } from '../kernel/cancel-scope.ts'
import type { SelectSource } from '../kernel/selectable.ts'
import { immediate, immediateVoid } from '../kernel/turn.ts'
import { type AnyQueue, type Queued, WaitQueue, Waiter } from '../kernel/wait-queue.ts'
import { TASKS } from '../kernel/waits.ts'
import { Deque } from './deque.ts'

export class Channel<T> {
  readonly capacity: number
  readonly items = new Deque<T>()
  readonly putters = new WaitQueue<Putter<T>>()
  readonly getters = new WaitQueue<Taker<T>>()
  /** Those of `waitReadable`. */
  readonly watchers = new WaitQueue<Watcher>()
  readonly #what: string
  /** The item that a select is being told of; it is nowhere else. */
  #offered: { readonly item: T } | undefined

  /** @param what - for texts: 'a queue' */
  constructor(capacity: number, what: string) {
    this.capacity = capacity
    this.#what = what
  }

  /** False where there is no room and nobody waits for it. */
  tryPut(item: T): boolean {
    for (let taker = this.getters.shift(); taker !== undefined; taker = this.getters.shift()) {
      if (taker.offer(item)) return true
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
    if (this.#offered !== undefined) {
      const { item } = this.#offered
      this.#offered = undefined
      return item
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
    return new Getter<T>(`an item of ${this.#what}`, from).waitIn(this.getters, scope)
  }

  /** Waits until there is an item, and leaves it there. */
  waitReadable(scope: CancelScope, from?: unknown): Promise<void> {
    if (this.ready) return immediateVoid()
    return new Watcher(`an item of ${this.#what}`, from).waitIn(this.watchers, scope)
  }

  /** Takes a place in the line; `told` is called in its turn, and may `take`. Returns the undo. */
  line(told: () => void, from?: unknown): () => void {
    const place = new Place<T>(this, told, from)
    this.getters.push(place)
    return () => this.getters.delete(place)
  }

  /** Of a place in the line. False when the item has not been taken. */
  offerTo(told: () => void, item: T): boolean {
    const offered = { item, taken: false }
    this.#offered = offered
    try {
      told()
    } finally {
      if (this.#offered === offered) this.#offered = undefined
      else offered.taken = true
    }
    return offered.taken
  }

  #tellWatchers(): void {
    for (let watcher = this.watchers.shift(); watcher !== undefined; watcher = this.watchers.shift()) watcher.answer()
  }
}

/** Who stands in line for an item. */
export interface Taker<T> extends Queued {
  /** The end that it waits at. */
  readonly from: unknown
  /** Gives it the item. False: it does not want it any more. */
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

/** Who waits for an item. */
export class Getter<T> extends Waiter<T> {
  readonly from: unknown

  constructor(what: string, from: unknown) {
    super(what)
    this.from = from
  }

  offer(item: T): boolean {
    this.answer(item)
    return true
  }
}

/** Who waits until there is an item. */
export class Watcher extends Waiter<void> {
  /** The end that it waits at. */
  readonly from: unknown

  constructor(what: string, from: unknown) {
    super(what)
    this.from = from
  }

  override answer(): void {
    super.answer(undefined)
  }
}

/** A select's place in the line. */
class Place<T> implements Taker<T> {
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

/** What `select` asks of a channel that never ends. */
export class ChannelSource<T> implements SelectSource<T> {
  readonly #channel: Channel<T>
  readonly #from: unknown

  constructor(channel: Channel<T>, from?: unknown) {
    this.#channel = channel
    this.#from = from
  }

  get waitsFor(): number {
    return TASKS
  }

  ready(): boolean {
    return this.#channel.ready
  }

  take(): T {
    return this.#channel.take()
  }

  watch(changed: () => void): () => void {
    return this.#channel.line(changed, this.#from)
  }
}
