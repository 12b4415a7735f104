/**
 * `Broadcast`: each item goes to every subscriber, and each subscriber reads at its own pace.
 *
 * Invariants
 * 1. An item goes to all subscribers of the moment in which it is taken. A send that still waits has given it to none.
 * 2. With `wait`, an item is taken only when every subscriber has room. `#full` counts the subscribers without room;
 *    sends wait while it is not 0, in order.
 * 3. Otherwise no send waits, and a full subscriber alone loses an item.
 */
import { ClosedResourceError, WouldBlock } from '../errors.ts'
import { enterOperation, immediateVoid, rejected, WaitQueue } from '../kernel/index.ts'
import { checkOneOf, checkOptions, optionNames } from '../common/validate.ts'
import { Channel, Putter } from './channel.ts'
import { checkCapacity, Inlet } from './inlet.ts'
import { MemoryReceiveStream } from './memory-object-stream.ts'
import { StreamState } from './stream-state.ts'

/** Options of `createBroadcast`. */
export interface BroadcastOptions {
  /**
   * What `send` does when the buffer of a subscriber is full:
   *
   * - `'wait'` (default): waits until it has room. The slowest subscriber sets the pace.
   * - `'drop-oldest'`: that subscriber loses its oldest buffered item.
   * - `'drop-newest'`: that subscriber does not get the new item.
   * - `'error'`: that subscriber is cut off. It receives its buffered items, and then `BrokenResourceError`.
   */
  onFull?: 'wait' | 'drop-oldest' | 'drop-newest' | 'error' | undefined
}

/** A snapshot of a broadcast, frozen. */
export interface BroadcastStatistics {
  /** Items that the buffer of each subscriber holds. */
  readonly capacity: number
  /** Subscribers that are neither closed nor cut off. */
  readonly subscribers: number
  /** Tasks that wait until every subscriber has room. */
  readonly tasksWaitingSend: number
  /** Items that were lost, over all subscribers. */
  readonly dropped: number
}

/**
 * Makes a broadcast: each item that is sent goes to every subscriber. It belongs to no `run`.
 *
 * @example
 * ```ts
 * const prices = createBroadcast<Price>(100, { onFull: 'drop-oldest' })
 * // in a subscriber
 * using mine = prices.subscribe()
 * for await (const price of mine) show(price)
 * // in the source
 * await prices.send(price)
 * ```
 *
 * @param capacity - how many items the buffer of each subscriber holds: a positive integer, or `Infinity`
 * @throws RangeError if `capacity` is not positive, or `onFull` is unknown
 */
export function createBroadcast<T>(capacity: number, options: BroadcastOptions = {}): Broadcast<T> {
  checkCapacity('capacity', capacity)
  checkOptions('options', options, OPTIONS)
  const { onFull = 'wait' } = options
  checkOneOf('options.onFull', onFull, ON_FULL)
  return new Broadcast<T>(capacity, onFull)
}

/** Sends each item to every subscriber; made by `createBroadcast`. */
export class Broadcast<T> implements Disposable, AsyncDisposable {
  readonly #capacity: number
  readonly #onFull: Mode
  readonly #subscribers = new Set<Subscriber<T>>()
  readonly #senders = new WaitQueue<Putter<T>>()
  #full = 0
  #dropped = 0
  #closed = false

  /** @internal */
  constructor(capacity: number, onFull: Mode) {
    this.#capacity = capacity
    this.#onFull = onFull
  }

  /**
   * Gives the item to all current subscribers, if there are any. With `'wait'` it first waits until each of them has
   * room. A cancelled send has given the item to none.
   *
   * @throws ClosedResourceError if the broadcast is closed
   */
  send(item: T): Promise<void> {
    try {
      const scope = enterOperation('send')
      this.#requireOpen('send')
      if (this.#full > 0) return new Putter(item, 'room in a broadcast', this).waitIn(this.#senders, scope)
      this.#deliver(item)
      return immediateVoid()
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Sends without waiting. Works anywhere.
   *
   * @throws WouldBlock with `'wait'` if a subscriber has no room (then none gets the item); ClosedResourceError as
   * `send`
   */
  sendNowait(item: T): void {
    this.#requireOpen('sendNowait')
    if (this.#full > 0) throw new WouldBlock('sendNowait: a subscriber of the broadcast has no room')
    this.#deliver(item)
  }

  /**
   * Returns a stream of the items that are sent from now on. Close it to unsubscribe: with `'wait'`, a stream that is
   * neither read nor closed blocks every sender. Its clones share one subscription: each item goes to one of them.
   * Works anywhere.
   *
   * @throws ClosedResourceError if the broadcast is closed
   */
  subscribe(): MemoryReceiveStream<T> {
    this.#requireOpen('subscribe')
    const subscriber = this.#onFull === 'wait' ? this.#waitedFor() : this.#dropping(this.#onFull)
    this.#subscribers.add(subscriber)
    return new MemoryReceiveStream(subscriber.state)
  }

  /**
   * Closes the broadcast. A waiting `send` rejects with `ClosedResourceError`, and its item goes to no subscriber.
   * Subscribers receive their buffered items, and then `EndOfStream`. Works anywhere. Idempotent.
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#senders.drain((sender) =>
      sender.reject(new ClosedResourceError('send: the broadcast was closed while it waited')),
    )
    for (const { state } of this.#subscribers) {
      state.abandoned = undefined
      state.finish()
    }
    this.#subscribers.clear()
    this.#full = 0
  }

  /** The numbers of subscribers, of waiting senders and of lost items. */
  statistics(): BroadcastStatistics {
    return Object.freeze({
      capacity: this.#capacity,
      subscribers: this.#subscribers.size,
      tasksWaitingSend: this.#senders.length,
      dropped: this.#dropped,
    })
  }

  /** The same as `close()`, for `using`. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** The same as `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  #requireOpen(what: string): void {
    if (this.#closed) throw new ClosedResourceError(`${what}: the broadcast is closed`)
  }

  #deliver(item: T): void {
    for (const subscriber of this.#subscribers) {
      const outcome = subscriber.push(item)
      if (outcome === 'dropped') this.#dropped++
      else if (outcome === 'ended') this.#subscribers.delete(subscriber)
    }
  }

  #dropping(mode: Exclude<Mode, 'wait'>): Subscriber<T> {
    const inlet = new Inlet<T>(this.#capacity, mode, WHAT)
    inlet.state.abandoned = () => this.#subscribers.delete(inlet)
    return inlet
  }

  #waitedFor(): Subscriber<T> {
    const room = new Room<T>(this.#capacity, (change) => this.#changed(change))
    const state = new StreamState<T>(room)
    state.senders = 1
    const subscriber: Subscriber<T> = { state, push: (item) => room.push(item) }
    state.abandoned = () => {
      this.#subscribers.delete(subscriber)
      if (room.full) this.#changed(-1)
    }
    return subscriber
  }

  /** A subscriber became full (1), or has room again (-1). */
  #changed(change: 1 | -1): void {
    if (this.#closed) return
    this.#full += change
    while (this.#full === 0) {
      const sender = this.#senders.shift()
      if (sender === undefined) return
      this.#deliver(sender.item)
      sender.answer()
    }
  }
}

type Mode = NonNullable<BroadcastOptions['onFull']>

interface Subscriber<T> {
  readonly state: StreamState<T>
  push(item: T): 'taken' | 'dropped' | 'ended'
}

/** The buffer of a subscriber with `wait`: reports when it becomes full, and when it has room again. */
class Room<T> extends Channel<T> {
  readonly #changed: (change: 1 | -1) => void

  constructor(capacity: number, changed: (change: 1 | -1) => void) {
    super(capacity, WHAT)
    this.#changed = changed
  }

  get full(): boolean {
    return this.items.length >= this.capacity
  }

  /** Call it only when there is room. */
  push(item: T): 'taken' {
    this.tryPut(item)
    if (this.full) this.#changed(1)
    return 'taken'
  }

  override take(): T {
    const { full } = this
    const item = super.take()
    if (full) this.#changed(-1)
    return item
  }
}

const WHAT = 'a broadcast'
const ON_FULL: readonly Mode[] = ['wait', 'drop-oldest', 'drop-newest', 'error']
const OPTIONS = optionNames<BroadcastOptions>({ onFull: true })
