/**
 * `Broadcast`: each item goes to every subscriber, and each of these reads at its own pace.
 *
 * What must stay true:
 * 1. An item goes to all who are subscribed when it is taken, or to none: a send that waits has given it to none.
 * 2. With `wait`: an item is taken only when every subscriber has room for it. `#full` counts those without; sends wait exactly
 *    as long as it is not 0, in order.
 * 3. Otherwise no send waits, and what has no room is lost to that one subscriber alone.
 */
import { ClosedResourceError, WouldBlock } from '../errors.ts'
import { enterOperation } from '../kernel/context.ts'
import { rejected } from '../kernel/operation.ts'
import { immediateVoid } from '../kernel/turn.ts'
import { WaitQueue } from '../kernel/wait-queue.ts'
import { checkOptions, optionNames } from '../validate.ts'
import { Channel, Putter } from './channel.ts'
import { checkCapacity, checkOneOf, Inlet } from './inlet.ts'
import { MemoryReceiveStream } from './memory-object-stream.ts'
import { StreamState } from './stream-state.ts'

/** Options of `createBroadcast`. */
export interface BroadcastOptions {
  /**
   * What happens when a subscriber has no room for another item:
   *
   * - `'wait'` (the default): `send` waits for it, and so for the slowest of all.
   * - `'drop-oldest'`: that subscriber loses the item that it has had for longest.
   * - `'drop-newest'`: that subscriber does not get the new one.
   * - `'error'`: that subscriber is cut off. It receives what it had room for, and then `BrokenResourceError`.
   */
  onFull?: 'wait' | 'drop-oldest' | 'drop-newest' | 'error' | undefined
}

/** A frozen record. */
export interface BroadcastStatistics {
  /** Items that each subscriber has room for. */
  readonly capacity: number
  /** Subscribers that are not closed, and have not been cut off. */
  readonly subscribers: number
  /** Tasks that wait until every subscriber has room. */
  readonly tasksWaitingSend: number
  /** Items that subscribers have lost, of all of them together. */
  readonly dropped: number
}

/**
 * Makes a broadcast: every item goes to every subscriber. It belongs to no `run`.
 *
 * ```ts
 * const prices = createBroadcast<Price>(100, { onFull: 'drop-oldest' })
 * using mine = prices.subscribe()
 * for await (const price of mine) show(price)
 * ```
 *
 * @param capacity - how many items may wait for each subscriber: a positive integer, or `Infinity`
 * @throws RangeError when `capacity` is not positive, and for another `onFull`
 */
export function createBroadcast<T>(capacity: number, options: BroadcastOptions = {}): Broadcast<T> {
  checkCapacity('capacity', capacity)
  checkOptions('options', options, OPTIONS)
  const { onFull = 'wait' } = options
  checkOneOf('options.onFull', onFull, ON_FULL)
  return new Broadcast<T>(capacity, onFull)
}

/** Hands each item to every subscriber; made by `createBroadcast`. */
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
   * Gives the item to all who are subscribed; to none where there are none. With `wait` it first waits until each of them has
   * room. Cancelled, it has given the item to none.
   *
   * @throws ClosedResourceError when the broadcast is closed
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
   * The same without waiting; works anywhere.
   *
   * @throws WouldBlock with `wait`, where a subscriber has no room: none has the item then; ClosedResourceError
   */
  sendNowait(item: T): void {
    this.#requireOpen('sendNowait')
    if (this.#full > 0) throw new WouldBlock('sendNowait: a subscriber of the broadcast has no room')
    this.#deliver(item)
  }

  /**
   * A stream of what is sent from now on. Close it to unsubscribe: with `wait`, one that is neither read nor closed holds up every
   * sender. Its clones share it: each item goes to one of them. Works anywhere.
   *
   * @throws ClosedResourceError when the broadcast is closed
   */
  subscribe(): MemoryReceiveStream<T> {
    this.#requireOpen('subscribe')
    const subscriber = this.#onFull === 'wait' ? this.#waitedFor() : this.#dropping(this.#onFull)
    this.#subscribers.add(subscriber)
    return new MemoryReceiveStream(subscriber.state)
  }

  /**
   * Closes it, at once: a `send` that waits is a `ClosedResourceError`, and has given its item to none. Subscribers receive what is
   * there for them, and then `EndOfStream`. Works anywhere. Idempotent.
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (let sender = this.#senders.shift(); sender !== undefined; sender = this.#senders.shift()) {
      sender.reject(new ClosedResourceError('send: the broadcast was closed while it waited'))
    }
    for (const { state } of this.#subscribers) {
      state.abandoned = undefined
      state.finish()
    }
    this.#subscribers.clear()
    this.#full = 0
  }

  /** How many have subscribed, how many wait to send, and what was lost. */
  statistics(): BroadcastStatistics {
    return Object.freeze({
      capacity: this.#capacity,
      subscribers: this.#subscribers.size,
      tasksWaitingSend: this.#senders.length,
      dropped: this.#dropped,
    })
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

  /** A subscriber has no room any more, or has some again. */
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

/** A subscriber's items, with `wait`: it is told when they fill it up, and when there is room again. */
class Room<T> extends Channel<T> {
  readonly #changed: (change: 1 | -1) => void

  constructor(capacity: number, changed: (change: 1 | -1) => void) {
    super(capacity, WHAT)
    this.#changed = changed
  }

  get full(): boolean {
    return this.items.length >= this.capacity
  }

  /** There is room. */
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
