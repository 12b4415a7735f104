/** `Event`: a flag that tasks wait for. */

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

/** A snapshot of an event, frozen. */
export interface EventStatistics {
  /** Tasks that wait for the event. */
  readonly tasksWaiting: number
}

/**
 * Makes an event: a flag that is not set at first. Tasks wait until it is set.
 *
 * @example
 * ```ts
 * const ready = createEvent()
 * tg.spawn(async () => {
 *   await ready.wait()
 *   console.log('go')
 * })
 * ready.set()
 * ```
 */
export function createEvent(): Event {
  return new Event()
}

/** A flag that tasks wait for, made by `createEvent`. `set` and `clear` work anywhere, also in a callback. */
export class Event implements Selectable<true> {
  #set = false
  readonly #waiters = new WaitQueue<Waiter<true> | Place>()

  /**
   * Sets the event and wakes all waiters, also a waiter whose scope is cancelled in the same turn (GRANT-4).
   * Idempotent.
   */
  set(): void {
    this.#set = true
    this.#waiters.drain((waiter) => waiter.answer(true))
  }

  /** Resets the event. */
  clear(): void {
    this.#set = false
  }

  /** Whether the event is set. */
  isSet(): boolean {
    return this.#set
  }

  /** Waits until the event is set. A waiter is woken by `set` even if `clear` follows at once. */
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

  /** The number of waiting tasks. */
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
