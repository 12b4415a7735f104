/**
 * The receiving side of a datagram socket: one waiting call at a time, over a transport that brings several datagrams
 * at once.
 *
 * What must stay true:
 * 1. The receiver is the one operation of its direction: pending until the first call's promise has settled (also when
 *    that is put off to the next turn), which is what makes a second task busy.
 * 2. A datagram is kept here, whole, or handed out with a promise that resolves. A cancellation finds it kept.
 * 3. Closed is tested before what is kept: after the own close nothing is handed out any more.
 * 4. An error of the network fails the waiting call and nothing else: the socket is as good as before.
 * 5. A watcher (a `select`) has the direction as a waiting call has it, and is no operation of this receiver. What comes for it, an
 *    error too, is kept for the next call where the select takes from another source.
 */

import type { DatagramAddress, DatagramTransport } from '../backends/contract/backend.ts'
import { type Cancelled, ClosedResourceError, ResourceBusyError, WouldBlock } from '../errors.ts'
import {
  type CancelScope,
  enterOperation,
  nextTurn,
  Operation,
  rejected,
  type Resumable,
  RUNNABLE,
  spendBudget,
} from '../kernel/index.ts'
import { formatAddress } from '../common/addresses.ts'
import { toOwn } from '../streams/receive-buffer.ts'
import { type Packet, READ_AHEAD } from './packet.ts'

/** What a waiting call wants of the datagrams at hand, of which there is at least one. */
export interface Demand<A extends DatagramAddress, T> {
  /** The public name of the call. */
  readonly what: string
  /** How many it takes at most. */
  readonly count: number
  take(kept: Kept<A>): T
  /** Its answer where the socket is closed by its owner; without one that is a `ClosedResourceError`. */
  readonly closed?: T | undefined
}

/** The datagrams at hand, oldest first. */
export class Kept<A extends DatagramAddress> {
  #packets: Packet<A>[] = []
  #next = 0

  get length(): number {
    return this.#packets.length - this.#next
  }

  push(packet: Packet<A>): void {
    this.#packets.push(packet)
  }

  shift(): Packet<A> {
    const packet = this.#packets[this.#next++] as Packet<A>
    if (this.#next === this.#packets.length) this.clear()
    return packet
  }

  /** Everything, or the first `count`. */
  take(count: number): Packet<A>[] {
    if (this.#next === 0 && count >= this.#packets.length) {
      const all = this.#packets
      this.#packets = []
      return all
    }
    const some = this.#packets.slice(this.#next, this.#next + count)
    this.#next += some.length
    if (this.#next >= this.#packets.length) this.clear()
    return some
  }

  clear(): void {
    this.#packets = []
    this.#next = 0
  }
}

/** `waitReadable`, `waitSocketReadable`: content when a datagram is there, and leaves it there. */
export class Ready<A extends DatagramAddress> implements Demand<A, void> {
  readonly what: string
  readonly count = 1

  constructor(what: string) {
    this.what = what
  }

  take(): void {}
}

/** Who wants to know when a receive would not wait, without taking anything. */
export interface PacketWatcher {
  /** It is told once, and watches no more. */
  changed(): void
}

export class DatagramReceiver<A extends DatagramAddress> extends Operation<unknown> implements Resumable {
  readonly #transport: DatagramTransport
  readonly #kept = new Kept<A>()
  #demand: Demand<A, unknown> | undefined
  #watcher: PacketWatcher | undefined
  /** It came while nothing but a watcher waited. */
  #error: Error | undefined
  #closed = false
  /** An answer that waits for the next turn; `NOTHING` when there is none. */
  #postponed: unknown = NOTHING

  constructor(transport: DatagramTransport) {
    super()
    this.#transport = transport
  }

  override describe(): string {
    return `${this.#demand?.what ?? 'receive'} on ${formatAddress(this.#transport.localAddress)}`
  }

  override get waitsFor(): number {
    return this.#postponed === NOTHING ? super.waitsFor : RUNNABLE
  }

  receive<T>(demand: Demand<A, T>): Promise<T> {
    const { what } = demand
    let scope: CancelScope
    try {
      scope = enterOperation(what)
      if (this.#closed) {
        if (demand.closed !== undefined) return Promise.resolve(demand.closed)
        throw new ClosedResourceError(`${what}: the socket is closed`)
      }
      this.#requireFree(what)
      this.#throwKept(demand)
    } catch (error) {
      return rejected(error)
    }
    if (this.#kept.length > 0 || this.#error !== undefined) return this.#answerFairly(scope, demand)
    this.#demand = demand
    const promise = this.begin(scope) as Promise<T>
    this.#transport.receive(Math.max(READ_AHEAD, demand.count))
    return promise
  }

  /** Whether `takeFor` has an answer: a datagram, or an error, be it that another task receives. */
  readyFor(watcher: PacketWatcher): boolean {
    return this.#closed || this.#error !== undefined || this.#kept.length > 0 || this.#isBusyFor(watcher)
  }

  /** What `receive` gives, whole and without waiting. @throws as `receive` does; WouldBlock when there is nothing */
  takeFor(watcher: PacketWatcher): Packet<A> {
    if (this.#closed) throw new ClosedResourceError('select: the socket is closed')
    this.#requireFree('select', watcher)
    this.#throwKept()
    if (this.#kept.length === 0) throw new WouldBlock('select: no datagram has been received')
    return this.#kept.shift()
  }

  /** Tells `watcher` once a receive would not wait. @throws as a receive does */
  watch(watcher: PacketWatcher): void {
    this.#requireFree('select')
    this.#watcher = watcher
    this.#transport.receive(READ_AHEAD)
  }

  /** Harmless where it has been told. */
  unwatch(watcher: PacketWatcher): void {
    if (this.#watcher !== watcher) return
    this.#watcher = undefined
    this.#transport.cancelReceive()
  }

  /** One datagram of the transport's answer. */
  datagram(memory: Buffer, start: number, end: number, owned: boolean, from: A): void {
    if (!this.#closed) this.#kept.push([toOwn(memory, start, end, owned), from])
  }

  /** The transport's answer is complete. */
  settled(error: Error | undefined): void {
    if (this.#watcher !== undefined) {
      this.#error = error
      this.#tellWatcher()
      return
    }
    const demand = this.#demand
    if (demand === undefined || this.#postponed !== NOTHING) return
    this.#demand = undefined
    if (error !== undefined) this.reject(error)
    else this.resolve(demand.take(this.#kept))
  }

  /** Fails a pending wait for readability. */
  closeWait(): void {
    const demand = this.#demand
    if (!(demand instanceof Ready) || !this.undecided || this.#postponed !== NOTHING) return
    this.#demand = undefined
    this.#transport.cancelReceive()
    this.reject(new ClosedResourceError(`${demand.what}: the socket was closed while this waited`))
  }

  /** Wakes the waiting call; what is kept is dropped with the socket. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#kept.clear()
    this.#tellWatcher()
    const demand = this.#demand
    if (!this.pending || this.#release() || demand === undefined) return
    this.#demand = undefined
    this.#transport.cancelReceive()
    if (demand.closed !== undefined) this.resolve(demand.closed)
    else this.reject(new ClosedResourceError(`${demand.what}: the socket was closed while this waited`))
  }

  /** For `nextTurn`. */
  resume(): void {
    this.#release()
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    if (this.#release()) return
    const error = cancelled()
    this.#demand = undefined
    this.#transport.cancelReceive()
    this.reject(error)
  }

  #requireFree(what: string, watcher?: PacketWatcher): void {
    if (this.#isBusyFor(watcher))
      throw new ResourceBusyError(`${what}: another task is already receiving from this socket`)
  }

  #isBusyFor(watcher: PacketWatcher | undefined): boolean {
    return this.pending || (this.#watcher !== undefined && this.#watcher !== watcher)
  }

  /** Who only waits does not take an error either. */
  #throwKept(demand?: Demand<A, unknown>): void {
    const error = this.#error
    if (error === undefined || demand instanceof Ready) return
    this.#error = undefined
    throw error
  }

  #tellWatcher(): void {
    const watcher = this.#watcher
    this.#watcher = undefined
    watcher?.changed()
  }

  #answerFairly<T>(scope: CancelScope, demand: Demand<A, T>): Promise<T> {
    const answer = demand.take(this.#kept)
    if (spendBudget()) return Promise.resolve(answer)
    const promise = this.begin(scope) as Promise<T>
    this.#postponed = answer
    nextTurn(this)
    return promise
  }

  /** Hands out a postponed answer now. False where there is none. */
  #release(): boolean {
    const answer = this.#postponed
    if (answer === NOTHING) return false
    this.#postponed = NOTHING
    return this.resolve(answer)
  }
}

const NOTHING = Symbol('nothing')
