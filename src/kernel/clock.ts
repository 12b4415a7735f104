/**
 * Time, and the one timer of the thread. Everything that waits for a time sits in the heap of `deadlines.ts`; the heap
 * keeps one timer armed here, for its earliest entry.
 */
import { detached } from './detached.ts'

/** A source of time. A timer never keeps the process alive: that is the business of the run (api.md, `keepAlive`). */
export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number
  /**
   * `now()` in whole milliseconds, perhaps a turn old: for what is stamped so often that reading the clock would tell.
   */
  coarse?(): number
  /**
   * Arms the one timer for the absolute time `at`, in place of the one armed before. It may fire early, never late on
   * purpose.
   */
  arm(at: number, due: () => void): void
  disarm(): void
}

/** Stamps in a row within one millisecond from which on they share a reading. */
const BUSY = 8

/** Beyond this Node fires at once; the heap looks again and arms the rest. */
const LONGEST_TIMEOUT = 2 ** 31 - 1

/** Calls `fn` after `ms` of real time, whatever clock the runs have. It keeps no process alive. */
export function realTimeout(fn: () => void, ms: number): NodeJS.Timeout {
  return detached(setTimeout, fn, ms).unref()
}

export class SystemClock implements Clock {
  #timer: NodeJS.Timeout | undefined

  /** While `#shared`: the time of all stamps of this turn. */
  #coarse = 0
  #shared = false
  #inARow = 0

  now(): number {
    return performance.now()
  }

  /**
   * Reading the clock costs some 50 ns, a fifth of what handing over a lock does. So the stamps of a busy turn share
   * one reading, until its microtasks are done; one that is not busy is not made to pay for the end of its turn.
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
    // Detached: a timer would otherwise keep alive the frame of whichever task happened to arm it.
    this.#timer = detached(setTimeout, due, delay)
    this.#timer.unref()
  }

  disarm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
