/** `Event`: something that has happened, or not yet. */

import {
  type AnyQueue,
  enterOperation,
  immediate,
  type Queued,
  rejected,
  selectable,
  type Selectable,
  type SelectSource,
  TASKS,
  Waiter,
  WaitQueue,
} from '../kernel/index.ts'

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
export class Event implements Selectable<true> {
  #set = false
  readonly #waiters = new WaitQueue<Waiter<true> | Place>()

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

  /** For `select`: ready while it is set. It takes nothing, and counts in `selectAll` once. */
  [selectable](): SelectSource<true> {
    return {
      once: true,
      waitsFor: TASKS,
      ready: () => this.#set,
      take: () => true,
      watch: (changed) => {
        const place = new Place(changed)
        this.#waiters.push(place)
        return () => this.#waiters.delete(place)
      },
    }
  }

  /** How many wait. */
  statistics(): EventStatistics {
    return Object.freeze({ tasksWaiting: this.#waiters.length })
  }
}

/** A select that waits. */
class Place implements Queued {
  _before: Queued | undefined = undefined
  _after: Queued | undefined = undefined
  _queue: AnyQueue | undefined = undefined
  /** Called inside `set`, so that the event is set also where it is cleared right afterwards. */
  readonly answer: () => void

  constructor(changed: () => void) {
    this.answer = changed
  }
}
