/**
 * Memory object streams: a channel with two kinds of ends, each of which may be cloned, and which ends when one kind is gone.
 *
 * What must stay true: an end that is closed takes and gives nothing more, and whoever waits at it is woken; the last sender
 * leaves what is buffered to the receivers; the last receiver leaves nobody waiting, and nothing in the buffer.
 */

import { BrokenResourceError, ClosedResourceError, EndOfStream, WouldBlock } from '../errors.ts'
import {
  enterOperation,
  immediateVoid,
  type Queued,
  rejected,
  selectable,
  type Selectable,
  type SelectSource,
  type WaitQueue,
} from '../kernel/index.ts'
import { checkInteger } from '../common/validate.ts'
import { Channel, checkBatch } from './channel.ts'
import { ItemIterator } from '../common/item-iterator.ts'
import { type MemoryObjectStreamStatistics, StreamState } from './stream-state.ts'

export type { MemoryObjectStreamStatistics } from './stream-state.ts'

/**
 * Makes the two ends of a stream of objects inside this process. The counterpart of AnyIO's `create_memory_object_stream`.
 *
 * @param capacity - how many items may wait in it; 0 (the default) has each sender wait for a receiver, `Infinity` nobody
 * @throws RangeError when `capacity` is negative or no integer
 */
export function createMemoryObjectStream<T>(capacity: number = 0): [MemorySendStream<T>, MemoryReceiveStream<T>] {
  if (capacity !== Infinity) checkInteger('capacity', capacity)
  const state = new StreamState<T>(new Channel<T>(capacity, 'a memory object stream'))
  return [new MemorySendStream(state), new MemoryReceiveStream(state)]
}

/** The end that items are put into. The counterpart of AnyIO's `MemoryObjectSendStream`; it belongs to no `run`. */
export class MemorySendStream<T> implements Disposable, AsyncDisposable {
  readonly #state: StreamState<T>
  #closed = false

  /** @internal */
  constructor(state: StreamState<T>) {
    this.#state = state
    state.senders++
  }

  /**
   * Waits until the stream has taken the item, or a receiver has. Cancelled, nobody has.
   *
   * @throws BrokenResourceError when there is no receiver any more; ClosedResourceError when this end is closed
   */
  send(item: T): Promise<void> {
    try {
      const scope = enterOperation('send')
      this.#requireReceiver('send')
      return this.#state.channel.put(item, scope, this)
    } catch (error) {
      return rejected(error)
    }
  }

  /** The same without waiting; works anywhere. @throws WouldBlock where there is neither room nor a receiver that waits */
  sendNowait(item: T): void {
    this.#requireReceiver('sendNowait')
    if (!this.#state.channel.tryPut(item)) throw new WouldBlock('sendNowait: the stream is full')
  }

  /** Another end of the same kind: the stream ends when all are closed. @throws ClosedResourceError when this one is */
  clone(): MemorySendStream<T> {
    this.#requireOpen('clone')
    return new MemorySendStream(this.#state)
  }

  /** Closes this end, at once. The last one ends the stream: what is buffered is still received. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const state = this.#state
    refuse(state.channel.putters, this, 'send')
    if (--state.senders === 0) state.finish()
  }

  /** What is in the stream, how many ends are open, and how many wait. */
  statistics(): MemoryObjectStreamStatistics {
    return this.#state.statistics()
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
    if (this.#closed) throw new ClosedResourceError(`${what}: this end of the stream is closed`)
  }

  #requireReceiver(what: string): void {
    this.#requireOpen(what)
    if (this.#state.receivers === 0) throw new BrokenResourceError(`${what}: there is no receiver any more`)
  }
}

/** The end that items are taken from. The counterpart of AnyIO's `MemoryObjectReceiveStream`; it belongs to no `run`. */
export class MemoryReceiveStream<T> implements AsyncIterable<T>, Disposable, AsyncDisposable, Selectable<T> {
  readonly #state: StreamState<T>
  #closed = false

  /** @internal */
  constructor(state: StreamState<T>) {
    this.#state = state
    state.receivers++
  }

  /**
   * Waits for the next item. Cancelled, it has taken none.
   *
   * @throws EndOfStream when there is neither an item nor a sender any more; ClosedResourceError when this end is closed
   */
  receive(): Promise<T> {
    try {
      const scope = enterOperation('receive')
      this.#requireItem('receive')
      return this.#state.channel.get(scope, this)
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Waits for an item, and takes with it what else is there: `max` items at most, and never none. For work that costs less in
   * batches. Cancelled, it has taken none.
   *
   * @param max - a positive integer, or `Infinity`
   * @throws EndOfStream when there is neither an item nor a sender any more; ClosedResourceError when this end is closed
   */
  receiveBatch(max: number): Promise<T[]> {
    try {
      checkBatch(max)
      const scope = enterOperation('receiveBatch')
      this.#requireItem('receiveBatch')
      return this.#state.channel.getBatch(max, scope, this)
    } catch (error) {
      return rejected(error)
    }
  }

  /** The same as `receive` without waiting; works anywhere. @throws WouldBlock where there is no item; EndOfStream where there will be none */
  receiveNowait(): T {
    this.#requireItem('receiveNowait')
    const { channel } = this.#state
    if (!channel.ready) throw new WouldBlock('receiveNowait: the stream is empty')
    return channel.take()
  }

  /**
   * Waits until `receive` would not wait, for an item or the end, and takes nothing: another task may take the item first. It reserves
   * nothing, and is woken for an item that no waiting `receive` was given. `select` waits and takes in one step.
   *
   * @throws ClosedResourceError when this end is closed
   */
  waitReadable(): Promise<void> {
    try {
      const scope = enterOperation('waitReadable')
      this.#requireOpen('waitReadable')
      const { channel, senders } = this.#state
      return senders === 0 ? immediateVoid() : channel.waitReadable(scope, this)
    } catch (error) {
      return rejected(error)
    }
  }

  /** For `select`, which takes as `receive` does and waits in the same line. */
  [selectable](): SelectSource<T> {
    const { channel } = this.#state
    return {
      waitsFor: channel.source,
      ready: () => this.#closed || this.#state.senders === 0 || channel.ready,
      take: () => this.receiveNowait(),
      watch: (changed) => channel.line(changed, this),
    }
  }

  /** Another end of the same kind: each item goes to one of them. @throws ClosedResourceError when this one is closed */
  clone(): MemoryReceiveStream<T> {
    this.#requireOpen('clone')
    return new MemoryReceiveStream(this.#state)
  }

  /**
   * Closes this end, at once. With the last one whoever waits to send fails with `BrokenResourceError`, and what is buffered is
   * let go. Idempotent.
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const state = this.#state
    refuse(state.channel.getters, this, 'receive')
    refuse(state.channel.watchers, this, 'waitReadable')
    if (--state.receivers === 0) state.abandon()
  }

  /** What is in the stream, how many ends are open, and how many wait. */
  statistics(): MemoryObjectStreamStatistics {
    return this.#state.statistics()
  }

  /**
   * The items as they come, until the last sender is closed. `break` ends the iteration, never the stream; a `next()` that was
   * cancelled can be called again. A second `next()` beside one that waits is a `ResourceBusyError`.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return new ItemIterator<T>(
      () => this.receive(),
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
    if (this.#closed) throw new ClosedResourceError(`${what}: this end of the stream is closed`)
  }

  #requireItem(what: string): void {
    this.#requireOpen(what)
    if (this.#state.senders === 0 && !this.#state.channel.ready) throw this.#state.ending()
  }
}

interface Waiting extends Queued {
  /** The end that the call was made on. */
  readonly from: unknown
  reject(error: unknown): unknown
}

/** Rejects the calls that wait at one end, which was closed. */
function refuse<W extends Waiting>(queue: WaitQueue<W>, end: unknown, call: string): void {
  for (const waiting of [...queue]) {
    if (waiting.from !== end) continue
    queue.delete(waiting)
    waiting.reject(new ClosedResourceError(`${call}: this end was closed while it waited`))
  }
}
