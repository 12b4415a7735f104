/**
 * Time, and the one timer of the thread. The heap of `deadlines.ts` has everything that waits for a time, and keeps one
 * timer armed here for its earliest entry.
 */
import { detached } from './detached.ts'

/** A source of time. Its timer never keeps the process alive: the run does (RUN-6). */
export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number
  /**
   * `now()` in whole milliseconds, perhaps a turn old: for stamps so frequent that reading the clock would cost too
   * much.
   */
  coarse?(): number
  /**
   * Arms the timer for the absolute time `at`, and disarms the one before. It may fire early.
   */
  arm(at: number, due: () => void): void
  disarm(): void
}

/** Number of stamps within one millisecond after which further ones share a reading of the clock. */
const BUSY = 8

/** Node fires longer timeouts at once. The heap then arms the timer for the remaining time. */
const LONGEST_TIMEOUT = 2 ** 31 - 1

/** Calls `fn` after `ms` milliseconds of real time, whatever clock the runs have. Does not keep the process alive. */
export function realTimeout(fn: () => void, ms: number): NodeJS.Timeout {
  return detached(setTimeout, fn, ms).unref()
}

export class SystemClock implements Clock {
  #timer: NodeJS.Timeout | undefined

  /** Time of the last reading. While `#shared`, all stamps of the turn get it. */
  #coarse = 0
  #shared = false
  #inARow = 0

  now(): number {
    return performance.now()
  }

  /**
   * Reading the clock costs some 50 ns, a fifth of handing over a lock. So the stamps of a busy turn share one reading
   * until its microtasks are done. A turn that is not busy does not pay for the callback at its end.
   */
  coarse(): number {
    if (this.#shared) return this.#coarse
    const now = performance.now() | 0
    if (now !== this.#coarse) {
      this.#coarse = now
      this.#inARow = 0
    } else if (++this.#inARow === BUSY) {
      this.#shared = true
      process.nextTick(this.#turnOver)
    }
    return now
  }

  readonly #turnOver = (): void => {
    this.#shared = false
    this.#inARow = 0
  }

  arm(at: number, due: () => void): void {
    clearTimeout(this.#timer)
    const delay = Math.min(Math.max(0, Math.ceil(at - performance.now())), LONGEST_TIMEOUT)
    // Detached: otherwise the timer would keep alive the frame of the task that happened to arm it.
    this.#timer = detached(setTimeout, due, delay)
    this.#timer.unref()
  }

  disarm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
