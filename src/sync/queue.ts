/** `Queue`: items from those who have some to those who want some, in order. */

import { WouldBlock } from '../errors.ts'
import { enterOperation } from '../kernel/context.ts'
import { rejected } from '../kernel/operation.ts'
import { selectable, type Selectable, type SelectSource } from '../kernel/selectable.ts'
import { checkInteger } from '../validate.ts'
import { Channel, ChannelSource } from './channel.ts'
import { ItemIterator } from './item-iterator.ts'

/** A frozen record. */
export interface QueueStatistics {
  /** Tasks that wait for room. */
  readonly tasksWaitingPut: number
  /** Tasks that wait for an item. */
  readonly tasksWaitingGet: number
}

/**
 * Makes a queue for `capacity` items, 0 being any number. Re-creates `anyio.create_queue`.
 *
 * @throws RangeError when `capacity` is negative or no integer
 */
export function createQueue<T>(capacity: number): Queue<T> {
  checkInteger('capacity', capacity)
  return new Queue<T>(capacity === 0 ? Infinity : capacity)
}

/** Re-creates `anyio.abc.Queue`. */
export class Queue<T> implements AsyncIterable<T>, Selectable<T> {
  readonly #channel: Channel<T>

  /** @internal */
  constructor(capacity: number) {
    this.#channel = new Channel<T>(capacity, 'a queue')
  }

  /** Waits for room, and puts the item there. Cancelled, it has not put it. */
  put(item: T): Promise<void> {
    try {
      return this.#channel.put(item, enterOperation('put'))
    } catch (error) {
      return rejected(error)
    }
  }

  /** Puts an item without waiting; works anywhere. @throws WouldBlock where there is no room */
  putNowait(item: T): void {
    if (!this.#channel.tryPut(item)) throw new WouldBlock('putNowait: the queue is full')
  }

  /** Waits for the next item. Cancelled, it has taken none. */
  get(): Promise<T> {
    try {
      return this.#channel.get(enterOperation('get'))
    } catch (error) {
      return rejected(error)
    }
  }

  /** Takes the next item without waiting; works anywhere. @throws WouldBlock where there is none */
  getNowait(): T {
    if (!this.#channel.ready) throw new WouldBlock('getNowait: the queue is empty')
    return this.#channel.take()
  }

  /**
   * Waits until there is an item, and leaves it there: another task may take it first. It reserves nothing, and is woken for an
   * item that no waiting `get` was given. `select` waits and takes in one step.
   */
  waitReadable(): Promise<void> {
    try {
      return this.#channel.waitReadable(enterOperation('waitReadable'))
    } catch (error) {
      return rejected(error)
    }
  }

  /** For `select`, which takes as `get` does and waits in the same line. */
  [selectable](): SelectSource<T> {
    return new ChannelSource(this.#channel)
  }

  /** Whether there is no item in it. */
  empty(): boolean {
    return this.#channel.items.length === 0
  }

  /** Whether there is no room in it. */
  full(): boolean {
    return this.#channel.items.length >= this.#channel.capacity
  }

  /** How many items are in it. */
  qsize(): number {
    return this.#channel.items.length
  }

  /** How many wait. */
  statistics(): QueueStatistics {
    const { putters, getters } = this.#channel
    return Object.freeze({ tasksWaitingPut: putters.length, tasksWaitingGet: getters.length })
  }

  /**
   * The items as they come, without an end. `break` ends the iteration, never the queue; a `next()` that was cancelled can be
   * called again. A second `next()` beside one that waits is a `ResourceBusyError`.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return new ItemIterator<T>(
      () => this.get(),
      () => false,
    )
  }
}
