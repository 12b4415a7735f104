/**
 * `RateLimiter`: so many permits in any interval of time, in the order of arrival.
 *
 * ```text
 *   permits given:     2   1        1 2            limit 6, interval ├──────────┤
 *   ───────────────────┼───┼────────┼─┼──────► time
 *                          ├──────────┤ now: 4 given in the last interval, 2 are free; the next one returns
 *                                       an interval after the first of these was given
 * ```
 *
 * A sliding log: it keeps when each permit was given. A token bucket keeps one number instead, and lets twice the limit pass
 * in one interval (a full bucket, and what flows in meanwhile); a fixed window does so at its border.
 *
 * What must stay true:
 * 1. In no interval, its end not included, more than `limit` permits are given.
 * 2. A waiter gets its permits at the first moment at which (1) allows it and all who came before have theirs. The first one
 *    may want many: those behind it wait, although there may be enough for them.
 * 3. There is one entry in the heap of deadlines while there is a waiter, and none otherwise.
 */
import { type Cancelled, WouldBlock } from '../errors.ts'
import type { CancelScope } from '../kernel/cancel-scope.ts'
import { currentFrame, enterOperation } from '../kernel/context.ts'
import { Deadline, type DeadlineQueue, deadlines, type Host, type Timed } from '../kernel/deadlines.ts'
import { rejected } from '../kernel/operation.ts'
import { immediateVoid } from '../kernel/turn.ts'
import { WaitQueue, Waiter } from '../kernel/wait-queue.ts'
import { TASKS, TIME } from '../kernel/waits.ts'
import { checkInteger, checkOptions, checkTime, optionNames, outOfRange } from '../validate.ts'
import { Deque } from './deque.ts'

/** Options of `createRateLimiter`. */
export interface RateLimiterOptions {
  /** How many permits are given in any `interval`: an integer of at least 1. */
  limit: number
  /** Milliseconds, more than 0. */
  interval: number
}

/** A frozen record. */
export interface RateLimiterStatistics {
  /** Permits in any interval. */
  readonly limit: number
  /** Milliseconds. */
  readonly interval: number
  /** Permits that are free now; those who wait for more than that come first. */
  readonly available: number
  /** Calls that wait for permits. */
  readonly tasksWaiting: number
}

/**
 * Makes a limiter of `limit` permits in any window of `interval` milliseconds: for requests to a service that allows so many.
 *
 * It belongs to no `run`. Runs on the system's clock share its permits; under each simulated clock it begins anew.
 *
 * ```ts
 * const limiter = createRateLimiter({ limit: 10, interval: 1000 })
 * await limiter.acquire()
 * ```
 *
 * @throws RangeError when `limit` is no integer of at least 1, or `interval` no finite number above 0
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  checkOptions('options', options, OPTIONS)
  const { limit, interval } = options
  checkInteger('options.limit', limit, 1)
  checkTime('options.interval', interval)
  if (interval <= 0 || interval === Infinity)
    throw outOfRange('options.interval', 'a finite number of milliseconds above 0', interval)
  return new RateLimiter(limit, interval)
}

/** Gives permits, which are used up and never returned. Made by `createRateLimiter`. */
export class RateLimiter {
  readonly #limit: number
  readonly #interval: number
  /** By clock: times of different clocks cannot be compared. */
  readonly #windows = new WeakMap<DeadlineQueue, Window>()

  /** @internal */
  constructor(limit: number, interval: number) {
    this.#limit = limit
    this.#interval = interval
  }

  /**
   * Waits for `n` permits at once, in the order of arrival. Cancelled, it has taken none.
   *
   * @throws RangeError when `n` is no integer from 1 to the limit
   */
  acquire(n = 1): Promise<void> {
    try {
      this.#check(n)
      const scope = enterOperation('acquire')
      const window = this.#windowOf(scope._task!.run.deadlines)
      return window.tryTake(n) ? immediateVoid() : window.wait(n, scope)
    } catch (error) {
      return rejected(error)
    }
  }

  /** Takes `n` permits without waiting; works anywhere. @throws WouldBlock where there are not enough, or others wait */
  acquireNowait(n = 1): void {
    this.#check(n)
    if (!this.#currentWindow().tryTake(n)) throw new WouldBlock('acquireNowait: the rate limiter has no free permit')
  }

  /** How many permits are free, and how many calls wait. */
  statistics(): RateLimiterStatistics {
    const window = this.#currentWindow()
    return Object.freeze({
      limit: this.#limit,
      interval: this.#interval,
      available: window.available,
      tasksWaiting: window.waiters.length,
    })
  }

  #check(n: unknown): asserts n is number {
    checkInteger('n', n, 1, this.#limit)
  }

  #currentWindow(): Window {
    return this.#windowOf(currentFrame()?.task.run.deadlines ?? deadlines)
  }

  #windowOf(queue: DeadlineQueue): Window {
    let window = this.#windows.get(queue)
    if (window === undefined) this.#windows.set(queue, (window = new Window(queue, this.#limit, this.#interval)))
    return window
  }
}

/** The permits that were given by one clock, and those who wait for more. */
class Window implements Timed {
  readonly limit: number
  readonly interval: number
  readonly waiters = new WaitQueue<PermitWaiter>()
  readonly #queue: DeadlineQueue
  /** What was given in the last interval, oldest first. */
  readonly #given = new Deque<Given>()
  #last: Given | undefined
  #taken = 0
  readonly #deadline = new Deadline(Infinity, this)

  constructor(queue: DeadlineQueue, limit: number, interval: number) {
    this.#queue = queue
    this.limit = limit
    this.interval = interval
  }

  get available(): number {
    this.#forget(this.#queue.now())
    return this.limit - this.#taken
  }

  tryTake(n: number): boolean {
    if (this.waiters.length > 0) return false
    const now = this.#queue.now()
    this.#forget(now)
    return this.#take(n, now)
  }

  wait(n: number, scope: CancelScope): Promise<void> {
    const promise = new PermitWaiter(this, n).waitIn(this.waiters, scope)
    this.serve()
    return promise
  }

  /** Time has passed, or a waiter came or left: gives what can be given, and waits for the rest. */
  serve(): void {
    const now = this.#queue.now()
    this.#forget(now)
    let first = this.waiters.first
    while (first !== undefined && this.#take(first.n, now)) {
      this.waiters.shift()!.answer(undefined)
      first = this.waiters.first
    }
    if (first === undefined) this.#queue.remove(this.#deadline)
    else this.#arm(first.n)
  }

  /** @internal Timed */
  host(): Host {
    return this.waiters.first!.host
  }

  /** @internal Timed */
  due(): void {
    this.serve()
  }

  #take(n: number, now: number): boolean {
    if (this.limit - this.#taken < n) return false
    this.#taken += n
    // Many in one moment are the usual case: those share an entry.
    if (this.#last !== undefined && this.#last.at === now) this.#last.n += n
    else this.#given.push((this.#last = { at: now, n }))
    return true
  }

  #forget(now: number): void {
    while (this.#given.length > 0 && this.#given.first.at + this.interval <= now) this.#taken -= this.#given.shift().n
    if (this.#given.length === 0) this.#last = undefined
  }

  /** For when so many of the oldest have passed out of the interval that `n` are free. */
  #arm(n: number): void {
    let missing = n - (this.limit - this.#taken)
    let at = 0
    for (const given of this.#given) {
      at = given.at + this.interval
      missing -= given.n
      if (missing <= 0) break
    }
    if (this.#deadline.index !== -1 && this.#deadline.at === at) return
    this.#queue.remove(this.#deadline)
    this.#deadline.at = at
    this.#queue.add(this.#deadline)
  }
}

interface Given {
  readonly at: number
  n: number
}

class PermitWaiter extends Waiter<void> {
  readonly n: number
  readonly #window: Window

  constructor(window: Window, n: number) {
    const what = n === 1 ? 'a permit' : `${n} permits`
    super(`${what} of a rate limiter (${window.limit} in ${window.interval} ms)`)
    this.#window = window
    this.n = n
  }

  /** Whose I/O goes before the deadline that it waits for. */
  get host(): Host {
    return this._scope!._task!.run.host
  }

  override get waitsFor(): number {
    const waitsFor = super.waitsFor
    return waitsFor === TASKS ? TIME : waitsFor
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    super.onCancel(cancelled)
    // It may have been the first, and have wanted more than the next one does.
    this.#window.serve()
  }
}

const OPTIONS = optionNames<RateLimiterOptions>({ limit: true, interval: true })
