/**
 * The threads of this JavaScript thread. How many work at once is the business of limiters; the pool keeps those that have
 * nothing to do for the next who needs one, the last first, and lets go of them when nobody does.
 */
import { detached, warn } from '../kernel/index.ts'
import { textOf } from './crossing.ts'
import { Thread, type ThreadOwner } from './thread.ts'

/** Milliseconds after which a thread that nobody needed ends. As AnyIO. */
const MOST_IDLE = 10_000

class ThreadPool implements ThreadOwner {
  /** Those without a job, the one that has been so the longest first. */
  readonly #idle: { readonly thread: Thread; readonly since: number }[] = []
  #timer: NodeJS.Timeout | undefined

  /** One without a job: give it one, or give it back with `idle`. */
  take(): Thread {
    return this.#idle.pop()?.thread ?? new Thread(this)
  }

  idle(thread: Thread): void {
    this.#idle.push({ thread, since: performance.now() })
    if (this.#timer !== undefined) return
    this.#timer = detached(setInterval, () => this.#expire(), MOST_IDLE / 4)
    this.#timer.unref()
  }

  dead(thread: Thread, error: unknown): void {
    const place = this.#idle.findIndex((one) => one.thread === thread)
    if (place !== -1) this.#idle.splice(place, 1)
    if (error === undefined) return
    // Something that a function left behind in its thread: no call is there to fail, and silence would hide it.
    const text = `a thread died of what a function had left running in it: ${textOf(error)}`
    warn('STRUCTIO_THREAD_DIED', text, error instanceof Error ? error.stack : undefined)
  }

  #expire(): void {
    const limit = performance.now() - MOST_IDLE
    while (this.#idle.length > 0 && this.#idle[0]!.since <= limit) this.#idle.shift()!.thread.end()
    if (this.#idle.length > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

export const threads = new ThreadPool()
