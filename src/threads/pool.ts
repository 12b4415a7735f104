/**
 * The threads of this JavaScript thread. Limiters bound how many work at once. The pool keeps idle threads for later
 * calls, gives out the most recent one, and ends those that stay idle.
 */
import { detached, warn } from '../kernel/index.ts'
import { textOf } from './crossing.ts'
import { Thread, type ThreadOwner } from './thread.ts'

/** Milliseconds after which an idle thread ends. As in AnyIO 1.1. */
const MOST_IDLE = 10_000

class ThreadPool implements ThreadOwner {
  /** Idle threads, longest idle first. */
  readonly #idle: { readonly thread: Thread; readonly since: number }[] = []
  #timer: NodeJS.Timeout | undefined

  /** Takes an idle thread or starts one. Give it a job, or give it back with `idle`. */
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
    // A function left something behind in its thread that failed now. No call is pending that could report it.
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
