/**
 * What a queue and a memory object stream have in common: items in a buffer, those who wait to put one in, and those who
 * wait to get one out.
 *
 * What must stay true:
 * 1. Nobody waits for an item while there is one, and nobody waits with one while there is room.
 * 2. An item is in the buffer, with a waiting putter, or handed over: a getter that was handed one gets it, also when its
 *    scope is cancelled in the same turn.
 */

import type { CancelScope } from '../kernel/cancel-scope.ts'
import { immediate, immediateVoid } from '../kernel/turn.ts'
import { WaitQueue, Waiter } from '../kernel/wait-queue.ts'
import { Deque } from './deque.ts'

export class Channel<T> {
  readonly capacity: number
  readonly items = new Deque<T>()
  readonly putters = new WaitQueue<Putter<T>>()
  readonly getters = new WaitQueue<Getter<T>>()
  readonly #what: string

  /** @param what - for texts: 'a queue' */
  constructor(capacity: number, what: string) {
    this.capacity = capacity
    this.#what = what
  }

  /** False where there is no room and nobody waits for it. */
  tryPut(item: T): boolean {
    const getter = this.getters.shift()
    if (getter !== undefined) getter.answer(item)
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
    return new Getter<T>(`an item of ${this.#what}`, from).waitIn(this.getters, scope)
  }
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
}
