/**
 * Memory object streams: a channel with two kinds of ends, each of which may be cloned, and which ends when one kind is gone.
 *
 * What must stay true: an end that is closed takes and gives nothing more, and whoever waits at it is woken; the last sender
 * leaves what is buffered to the receivers; the last receiver leaves nobody waiting, and nothing in the buffer.
 */

import { BrokenResourceError, ClosedResourceError, EndOfStream, WouldBlock } from '../errors.ts'
import { enterOperation } from '../kernel/context.ts'
import { rejected } from '../kernel/operation.ts'
import { selectable, type Selectable, type SelectSource } from '../kernel/selectable.ts'
import { TASKS } from '../kernel/waits.ts'
import { immediateVoid } from '../kernel/turn.ts'
import { checkInteger } from '../validate.ts'
import { Channel } from './channel.ts'
import { ItemIterator } from './item-iterator.ts'

/** A frozen record. */
export interface MemoryObjectStreamStatistics {
  /** Items in the buffer. */
  readonly currentBufferUsed: number
  /** Items that the buffer takes before a sender waits. */
  readonly maxBufferSize: number
  /** Ends to send on that are not closed, clones among them. */
  readonly openSendStreams: number
  /** Ends to receive on that are not closed, clones among them. */
  readonly openReceiveStreams: number
  /** Tasks that wait until their item is taken. */
  readonly tasksWaitingSend: number
  /** Tasks that wait for an item. */
  readonly tasksWaitingReceive: number
}

/**
 * Makes the two ends of a stream of objects inside this process. The counterpart of AnyIO's `create_memory_object_stream`.
 *
 * @param capacity - how many items may wait in it; 0 (the default) has each sender wait for a receiver, `Infinity` nobody
 * @throws RangeError when `capacity` is negative or no integer
 */
export function createMemoryObjectStream<T>(capacity: number = 0): [MemorySendStream<T>, MemoryReceiveStream<T>] {
  if (capacity !== Infinity) checkInteger('capacity', capacity)
  const shared = new Shared<T>(capacity)
  return [new MemorySendStream(shared), new MemoryReceiveStream(shared)]
}

class Shared<T> {
  readonly channel: Channel<T>
  senders = 0
  receivers = 0

  constructor(capacity: number) {
    this.channel = new Channel<T>(capacity, 'a memory object stream')
  }

  statistics(): MemoryObjectStreamStatistics {
    const { items, capacity, putters, getters } = this.channel
    return Object.freeze({
      currentBufferUsed: items.length,
      maxBufferSize: capacity,
      openSendStreams: this.senders,
      openReceiveStreams: this.receivers,
      tasksWaitingSend: putters.length,
      tasksWaitingReceive: getters.length,
    })
  }
}

/** The end that items are put into. The counterpart of AnyIO's `MemoryObjectSendStream`; it belongs to no `run`. */
export class MemorySendStream<T> implements Disposable, AsyncDisposable {
  readonly #shared: Shared<T>
  #closed = false

  /** @internal */
  constructor(shared: Shared<T>) {
    this.#shared = shared
    shared.senders++
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
      return this.#shared.channel.put(item, scope, this)
    } catch (error) {
      return rejected(error)
    }
  }

  /** The same without waiting; works anywhere. @throws WouldBlock where there is neither room nor a receiver that waits */
  sendNowait(item: T): void {
    this.#requireReceiver('sendNowait')
    if (!this.#shared.channel.tryPut(item)) throw new WouldBlock('sendNowait: the stream is full')
  }

  /** Another end of the same kind: the stream ends when all are closed. @throws ClosedResourceError when this one is */
  clone(): MemorySendStream<T> {
    this.#requireOpen('clone')
    return new MemorySendStream(this.#shared)
  }

  /** Closes this end, at once. The last one ends the stream: what is buffered is still received. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const shared = this.#shared
    const { putters, getters, watchers } = shared.channel
    for (const putter of [...putters]) {
      if (putter.from !== this) continue
      putters.delete(putter)
      putter.reject(new ClosedResourceError('send: this end was closed while it waited'))
    }
    if (--shared.senders > 0) return
    for (let getter = getters.shift(); getter !== undefined; getter = getters.shift()) getter.reject(endOfStream())
    for (let watcher = watchers.shift(); watcher !== undefined; watcher = watchers.shift()) watcher.answer()
  }

  /** What is in the stream, how many ends are open, and how many wait. */
  statistics(): MemoryObjectStreamStatistics {
    return this.#shared.statistics()
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
    if (this.#shared.receivers === 0) throw new BrokenResourceError(`${what}: there is no receiver any more`)
  }
}

/** The end that items are taken from. The counterpart of AnyIO's `MemoryObjectReceiveStream`; it belongs to no `run`. */
export class MemoryReceiveStream<T> implements AsyncIterable<T>, Disposable, AsyncDisposable, Selectable<T> {
  readonly #shared: Shared<T>
  #closed = false

  /** @internal */
  constructor(shared: Shared<T>) {
    this.#shared = shared
    shared.receivers++
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
      return this.#shared.channel.get(scope, this)
    } catch (error) {
      return rejected(error)
    }
  }

  /** The same without waiting; works anywhere. @throws WouldBlock where there is no item; EndOfStream where there will be none */
  receiveNowait(): T {
    this.#requireItem('receiveNowait')
    const { channel } = this.#shared
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
      const { channel, senders } = this.#shared
      return senders === 0 ? immediateVoid() : channel.waitReadable(scope, this)
    } catch (error) {
      return rejected(error)
    }
  }

  /** For `select`, which takes as `receive` does and waits in the same line. */
  [selectable](): SelectSource<T> {
    const { channel } = this.#shared
    return {
      waitsFor: TASKS,
      ready: () => this.#closed || this.#shared.senders === 0 || channel.ready,
      take: () => this.receiveNowait(),
      watch: (changed) => channel.line(changed, this),
    }
  }

  /** Another end of the same kind: each item goes to one of them. @throws ClosedResourceError when this one is closed */
  clone(): MemoryReceiveStream<T> {
    this.#requireOpen('clone')
    return new MemoryReceiveStream(this.#shared)
  }

  /**
   * Closes this end, at once. With the last one whoever waits to send fails with `BrokenResourceError`, and what is buffered is
   * let go. Idempotent.
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const shared = this.#shared
    const { putters, getters, watchers } = shared.channel
    for (const getter of [...getters]) {
      if (getter.from !== this) continue
      getters.delete(getter)
      getter.reject(new ClosedResourceError('receive: this end was closed while it waited'))
    }
    for (const watcher of [...watchers]) {
      if (watcher.from !== this) continue
      watchers.delete(watcher)
      watcher.reject(new ClosedResourceError('waitReadable: this end was closed while it waited'))
    }
    if (--shared.receivers > 0) return
    // Nobody will ever take these, and a sender that is kept open would keep them alive.
    shared.channel.items.clear()
    for (let putter = putters.shift(); putter !== undefined; putter = putters.shift()) {
      putter.reject(new BrokenResourceError('send: there is no receiver any more'))
    }
  }

  /** What is in the stream, how many ends are open, and how many wait. */
  statistics(): MemoryObjectStreamStatistics {
    return this.#shared.statistics()
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
    if (this.#shared.senders === 0 && !this.#shared.channel.ready) throw endOfStream()
  }
}

function endOfStream(): EndOfStream {
  return new EndOfStream('the stream has ended: there is no sender any more')
}
