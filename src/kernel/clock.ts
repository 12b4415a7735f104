/**
 * Time, and the one timer of the thread. Everything that waits for a time sits in the heap of `deadlines.ts`; the heap
 * keeps one timer armed here, for its earliest entry.
 */
import { detached } from './detached.ts'

/** A source of time. A timer never keeps the process alive: that is the business of the run (api.md, `keepAlive`). */
export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number
  /** Arms the one timer for the absolute time `at`, in place of the one armed before. It may fire early, never late on purpose. */
  arm(at: number, due: () => void): void
  disarm(): void
}

/** Beyond this Node fires at once; the heap looks again and arms the rest. */
const LONGEST_TIMEOUT = 2 ** 31 - 1

export class SystemClock implements Clock {
  #timer: NodeJS.Timeout | undefined

  now(): number {
    return performance.now()
  }

  arm(at: number, due: () => void): void {
    clearTimeout(this.#timer)
    const delay = Math.min(Math.max(0, Math.ceil(at - performance.now())), LONGEST_TIMEOUT)
    // Detached: a timer would otherwise keep alive the frame of whichever task happened to arm it.
    this.#timer = detached(setTimeout, due, delay)
    this.#timer.unref()
  }

  disarm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
