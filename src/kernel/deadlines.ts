/**
 * One heap of deadlines for each thread, over one timer.
 *
 * Invariants
 * 1. An entry is in the heap at most once and knows its place. So leaving a scope removes its deadline at once, and the
 *    heap keeps nothing alive that is over.
 * 2. The timer is armed for the earliest entry or for an earlier time. It is re-armed only when an *earlier* entry
 *    comes: opening and leaving scopes with the same timeout costs no timer call. Removing the earliest entry leaves
 *    the timer as it is; when the timer fires, it is armed for the next entry.
 * 3. Before a deadline is delivered, its host settles the I/O that is ready (SCOPE-3). An entry that was moved or
 *    removed meanwhile is not delivered.
 * 4. Entries are delivered in the order of their times, equal ones in the order of their arrival.
 */
import type { Clock } from './clock.ts'
import { SystemClock } from './clock.ts'
import type { Scheduler } from './schedule.ts'
import type { RunNode } from './tree.ts'

/** A backend, as the kernel sees it. */
export interface Host {
  readonly name: string
  /** Delivers the I/O that is ready, then calls `deliver`, at once or in a later phase of the event loop. */
  settleIo(deliver: () => void): void
  /** The deadlines of its runs. Default: those of the thread. */
  readonly deadlines?: DeadlineQueue | undefined
  /** Decides the order in which ready tasks go on. Default: the order in which they became ready. */
  readonly scheduler?: Scheduler | undefined
  /** A random number >= 0 and < 1 that a replayed run gives again. Default: `Math.random`. */
  random?(): number
  /** Whether the host is busy with work that no task waits for yet. */
  busy?(): boolean
  /**
   * Real work begins that a task may limit in time (a thread, a process): simulated time then follows real time.
   * Returns the function to call when the work is over.
   */
  followRealTime?(): () => void
  /** A run begins; its first task has not. If this throws, the run is refused, and `runEnded` is not called for it. */
  runStarted?(run: RunNode): void
  /** The run has settled. */
  runEnded?(run: RunNode): void
}

export interface Timed {
  /** The host that settles its I/O first (3). */
  host(): Host
  /** The time has come. The entry has left the heap. */
  due(): void
}

export class Deadline {
  at: number
  readonly target: Timed
  /** @internal Place in the heap; -1 outside. */
  index = -1
  /** @internal Number of the arrival (4). */
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

  /** The time of the first entry, or `Infinity`. The timer may be armed for an earlier time (2). */
  get earliest(): number {
    return this.#heap[0]?.at ?? Infinity
  }

  /** Adds the entry, or moves it after its time was changed. An infinite time is not kept. */
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

  /** Delivers the deadlines that are due, then calls `then`; at once if none is due. */
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

  /** Replaces the clock, for tests. Returns the one before. */
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
