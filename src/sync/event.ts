/** `Event`: something that has happened, or not yet. */

import { enterOperation, immediate, rejected, Waiter, WaitQueue } from '../kernel/index.ts'

/** A frozen record. */
export interface EventStatistics {
  /** Tasks that wait for the event. */
  readonly tasksWaiting: number
}

/** Makes an event that is not set. Re-creates `anyio.create_event`. */
export function createEvent(): Event {
  return new Event()
}

/** Re-creates `anyio.abc.Event`; its `set` and `clear` do not wait, and work anywhere. */
export class Event {
  #set = false
  readonly #waiters = new WaitQueue<Waiter<true>>()

  /** Sets it and wakes everybody who waits, also those whose scope is cancelled in the same turn. Idempotent. */
  set(): void {
    this.#set = true
    for (let waiter = this.#waiters.shift(); waiter !== undefined; waiter = this.#waiters.shift()) waiter.answer(true)
  }

  /** Makes it not set again. */
  clear(): void {
    this.#set = false
  }

  /** Whether it is set. */
  isSet(): boolean {
    return this.#set
  }

  /** Waits until it is set. It is set for whoever waited when `set` was called, also if it is cleared right afterwards. */
  wait(): Promise<true> {
    try {
      const scope = enterOperation('wait')
      return this.#set ? immediate<true>(true) : new Waiter<true>('an event').waitIn(this.#waiters, scope)
    } catch (error) {
      return rejected(error)
    }
  }

  /** How many wait. */
  statistics(): EventStatistics {
    return Object.freeze({ tasksWaiting: this.#waiters.length })
  }
}
