/** `Queue`: items from those who have some to those who want some, in order. */

import { ClosedResourceError, EndOfStream, WouldBlock } from '../errors.ts'
import {
  enterOperation,
  immediateVoid,
  rejected,
  selectable,
  type Selectable,
  type SelectSource,
} from '../kernel/index.ts'
import { checkInteger } from '../common/validate.ts'
import { Channel, checkBatch } from './channel.ts'
import { ItemIterator } from '../common/item-iterator.ts'

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

/**
 * Re-creates `anyio.abc.Queue`, and can be closed: then `put` fails, what is in the queue is still taken, and after it every
 * `get` is `EndOfStream`.
 */
export class Queue<T> implements AsyncIterable<T>, Disposable, AsyncDisposable, Selectable<T> {
  readonly #channel: Channel<T>
  #closed = false

  /** @internal */
  constructor(capacity: number) {
    this.#channel = new Channel<T>(capacity, 'a queue')
  }

  /** Waits for room, and puts the item there. Cancelled, it has not put it. @throws ClosedResourceError when it is closed */
  put(item: T): Promise<void> {
    try {
      const scope = enterOperation('put')
      this.#requireOpen('put')
      return this.#channel.put(item, scope)
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Puts an item without waiting; works anywhere.
   *
   * @throws WouldBlock where there is no room; ClosedResourceError when the queue is closed
   */
  putNowait(item: T): void {
    this.#requireOpen('putNowait')
    if (!this.#channel.tryPut(item)) throw new WouldBlock('putNowait: the queue is full')
  }

  /** Waits for the next item. Cancelled, it has taken none. @throws EndOfStream when the queue is closed and empty */
  get(): Promise<T> {
    try {
      const scope = enterOperation('get')
      this.#requireItem()
      return this.#channel.get(scope)
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Waits for an item, and takes with it what else is there: `max` items at most, and never none. For work that costs less in
   * batches, such as rows of one `INSERT`. Cancelled, it has taken none.
   *
   * @param max - a positive integer, or `Infinity`
   * @throws EndOfStream when the queue is closed and empty
   */
  getBatch(max: number): Promise<T[]> {
    try {
      checkBatch(max)
      const scope = enterOperation('getBatch')
      this.#requireItem()
      return this.#channel.getBatch(max, scope)
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Takes the next item without waiting; works anywhere.
   *
   * @throws WouldBlock where there is none; EndOfStream when the queue is closed and empty
   */
  getNowait(): T {
    this.#requireItem()
    if (!this.#channel.ready) throw new WouldBlock('getNowait: the queue is empty')
    return this.#channel.take()
  }

  /**
   * Waits until `get` would not wait, for an item or the end, and takes nothing: another task may take the item first. It reserves
   * nothing, and is woken for an item that no waiting `get` was given. `select` waits and takes in one step.
   */
  waitReadable(): Promise<void> {
    try {
      const scope = enterOperation('waitReadable')
      return this.#closed ? immediateVoid() : this.#channel.waitReadable(scope)
    } catch (error) {
      return rejected(error)
    }
  }

  /** For `select`, which takes as `get` does and waits in the same line. */
  [selectable](): SelectSource<T> {
    const channel = this.#channel
    return {
      waitsFor: channel.source,
      ready: () => this.#closed || channel.ready,
      take: () => this.getNowait(),
      watch: (changed) => channel.line(changed),
    }
  }

  /**
   * Closes the queue, at once: a `put` that waits, and every later one, is a `ClosedResourceError`. What is in the queue can still
   * be taken; then `get` is `EndOfStream`, and loops over the queue end. Works anywhere. Idempotent.
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#channel.putters.drain((putter) =>
      putter.reject(new ClosedResourceError('put: the queue was closed while it waited')),
    )
    this.#channel.end(ended)
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
   * The items as they come, until the queue is closed and empty. `break` ends the iteration, never the queue; a `next()` that was
   * cancelled can be called again. A second `next()` beside one that waits is a `ResourceBusyError`.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return new ItemIterator<T>(
      () => this.get(),
      (error) => error instanceof EndOfStream,
    )
  }

  /** Closes it, for `using`. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Closes it, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  #requireOpen(what: string): void {
    if (this.#closed) throw new ClosedResourceError(`${what}: the queue is closed`)
  }

  #requireItem(): void {
    if (this.#closed && !this.#channel.ready) throw ended()
  }
}

function ended(): EndOfStream {
  return new EndOfStream('the queue is closed, and empty')
}
