/**
 * Everything that waits for a time, in one heap per thread, over one timer.
 *
 * Invariants
 * 1. An entry is in the heap at most once and knows its place, so that leaving a scope removes its deadline at once and
 *    the heap holds on to nothing that is over.
 * 2. The timer is armed for the earliest entry or for an earlier time. It is re-armed only when an *earlier* entry
 *    comes: a scope opened and left again under the same timeout, over and over, costs no timer call. Removing the
 *    earliest entry leaves the timer as it is; when it fires, it looks and arms the next one.
 * 3. Before anything is delivered, the hosts concerned settle the I/O that is already there (api.md §2, rule 3). What
 *    was moved or removed meanwhile is not delivered.
 * 4. Entries are delivered in the order of their times, equal ones in the order of their arrival.
 */
import type { Clock } from './clock.ts'
import { SystemClock } from './clock.ts'
import type { Scheduler } from './schedule.ts'
import type { RunNode } from './tree.ts'

/** What a backend is to the kernel. */
export interface Host {
  readonly name: string
  /** Delivers the I/O that is already there, then calls `deliver`, now or in a later phase of the event loop. */
  settleIo(deliver: () => void): void
  /** The time of its runs; the thread's own where it has none. */
  readonly deadlines?: DeadlineQueue | undefined
  /** The order in which what is ready goes on; as it comes where it has none. */
  readonly scheduler?: Scheduler | undefined
  /** From 0 to 1, without 1: chance that comes again with the run. `Math.random` where it has none. */
  random?(): number
  /** Whether something is on its way that no task waits for yet. */
  busy?(): boolean
  /**
   * Work of the real world begins that a task may want to end after a while (a thread, a process): simulated time keeps
   * pace with it. Returns what is to be called when it is over.
   */
  followRealTime?(): () => void
  /** A run begins: before its first task does. One that throws refuses the run, and `runEnded` is not called for it. */
  runStarted?(run: RunNode): void
  /** It has settled. */
  runEnded?(run: RunNode): void
}

export interface Timed {
  /** Whose I/O goes first. */
  host(): Host
  /** The time has come; the entry is out of the heap. */
  due(): void
}

export class Deadline {
  at: number
  readonly target: Timed
  /** @internal place in the heap; -1 outside */
  index = -1
  /** @internal arrival */
  order = 0

  constructor(at: number, target: Timed) {
    this.at = at
    this.target = target
  }
}

export class DeadlineQueue {
  readonly #heap: Deadline[] = []
  #clock: Clock
  #armedFor = Infinity
  #arrivals = 0
  /** Hosts are settling their I/O. */
  #settling = false
  #afterDelivery: (() => void)[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  /** The time in whole milliseconds, perhaps a turn old: a small integer, for stamps. */
  stamp(): number {
    const clock = this.#clock
    return clock.coarse === undefined ? clock.now() | 0 : clock.coarse()
  }

  get size(): number {
    return this.#heap.length
  }

  /** The time of the first entry; `Infinity` where there is none. The timer may be armed for an earlier one (2). */
  get earliest(): number {
    return this.#heap[0]?.at ?? Infinity
  }

  /** Adds the entry, or moves it after its time was changed. A time that never comes is not kept. */
  add(deadline: Deadline): void {
    if (deadline.index !== -1) this.remove(deadline)
    if (deadline.at === Infinity) return
    deadline.order = this.#arrivals++
    deadline.index = this.#heap.length
    this.#heap.push(deadline)
    this.#rise(deadline)
    if (deadline.at < this.#armedFor && !this.#settling) this.#arm(deadline.at)
  }

  remove(deadline: Deadline): void {
    const { index } = deadline
    if (index === -1) return
    deadline.index = -1
    const last = this.#heap.pop()!
    if (last === deadline) return
    this.#heap[index] = last
    last.index = index
    this.#rise(last)
    this.#sink(last)
  }

  /** Delivers what is due, then calls `then`: at once where nothing is. */
  deliverDue(then: () => void): void {
    if (this.#settling) {
      this.#afterDelivery.push(then)
      return
    }
    const earliest = this.#heap[0]
    const now = earliest === undefined ? 0 : this.#clock.now()
    if (earliest === undefined || earliest.at > now) {
      this.#armForEarliest()
      then()
      return
    }
    this.#settling = true
    this.#afterDelivery.push(then)
    const hosts = this.#hostsDue(now)
    let unsettled = hosts.size
    for (const host of hosts) {
      host.settleIo(() => {
        if (--unsettled === 0) this.#deliver(now)
      })
    }
  }

  /** Another source of time, for tests. Returns the one before. */
  useClock(clock: Clock): Clock {
    const before = this.#clock
    before.disarm()
    this.#clock = clock
    this.#armedFor = Infinity
    this.#armForEarliest()
    return before
  }

  #deliver(now: number): void {
    try {
      for (;;) {
        const earliest = this.#heap[0]
        if (earliest === undefined || earliest.at > now) break
        this.remove(earliest)
        earliest.target.due()
      }
    } finally {
      this.#settling = false
      this.#armForEarliest()
      const waiting = this.#afterDelivery
      this.#afterDelivery = []
      for (const then of waiting) then()
    }
  }

  readonly #onTimer = (): void => {
    this.#armedFor = Infinity
    this.deliverDue(nothing)
  }

  #armForEarliest(): void {
    const earliest = this.#heap[0]
    if (earliest !== undefined && earliest.at < this.#armedFor) this.#arm(earliest.at)
  }

  #arm(at: number): void {
    this.#armedFor = at
    this.#clock.arm(at, this.#onTimer)
  }

  #hostsDue(now: number): Set<Host> {
    const hosts = new Set<Host>()
    const look = (index: number): void => {
      const entry = this.#heap[index]
      if (entry === undefined || entry.at > now) return
      hosts.add(entry.target.host())
      look(2 * index + 1)
      look(2 * index + 2)
    }
    look(0)
    return hosts
  }

  #rise(entry: Deadline): void {
    const heap = this.#heap
    let index = entry.index
    while (index > 0) {
      const above = heap[(index - 1) >> 1]!
      if (!isBefore(entry, above)) break
      heap[index] = above
      above.index = index
      index = (index - 1) >> 1
    }
    heap[index] = entry
    entry.index = index
  }

  #sink(entry: Deadline): void {
    const heap = this.#heap
    const { length } = heap
    let index = entry.index
    for (;;) {
      let child = 2 * index + 1
      if (child >= length) break
      if (child + 1 < length && isBefore(heap[child + 1]!, heap[child]!)) child++
      const below = heap[child]!
      if (!isBefore(below, entry)) break
      heap[index] = below
      below.index = index
      index = child
    }
    heap[index] = entry
    entry.index = index
  }
}

/** The heap of this thread. */
export const deadlines: DeadlineQueue = new DeadlineQueue(new SystemClock())

/** Gives the thread another clock and returns the undo. For tests. */
export function installClock(clock: Clock): () => void {
  const before = deadlines.useClock(clock)
  return () => {
    deadlines.useClock(before)
  }
}

function isBefore(a: Deadline, b: Deadline): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

function nothing(): void {}
