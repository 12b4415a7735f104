/**
 * `RateLimiter`: at most `limit` permits in any interval of time, first come, first served.
 *
 * ```text
 *   permits given:     2   1        1 2            limit 6, interval ├──────────┤
 *   ───────────────────┼───┼────────┼─┼──────► time
 *                          ├──────────┤ now: 4 given in the last interval, 2 are free; the next one returns
 *                                       an interval after the first of these was given
 * ```
 *
 * It is a sliding log: it records when each permit was given. A token bucket records one number instead, but lets twice
 * the limit pass in one interval (the full bucket, and what flows in meanwhile); a fixed window does so at its border.
 *
 * Invariants
 * 1. No half-open interval contains more than `limit` permits.
 * 2. A waiter gets its permits as soon as (1) allows it and all earlier waiters have theirs. If the first waiter wants
 *    many, later ones wait behind it, even if there are enough for them.
 * 3. While there is a waiter there is one entry in the heap of deadlines, otherwise none.
 */
import { type Cancelled, WouldBlock } from '../errors.ts'
import {
  type CancelScope,
  currentFrame,
  Deadline,
  type DeadlineQueue,
  deadlines,
  enterOperation,
  type Host,
  immediateVoid,
  rejected,
  TASKS,
  TIME,
  type Timed,
  Waiter,
  WaitQueue,
} from '../kernel/index.ts'
import { checkInteger, checkOptions, checkTime, optionNames, outOfRange } from '../common/validate.ts'
import { Deque } from './deque.ts'

/** Options of `createRateLimiter`. */
export interface RateLimiterOptions {
  /** Permits in any `interval`: an integer of at least 1. */
  limit: number
  /** Length of the window in milliseconds; more than 0. */
  interval: number
}

/** A snapshot of a rate limiter, frozen. */
export interface RateLimiterStatistics {
  /** Permits in any interval. */
  readonly limit: number
  /** Length of the window in milliseconds. */
  readonly interval: number
  /** Permits that are free now. Waiting calls come first. */
  readonly available: number
  /** Calls that wait for permits. */
  readonly tasksWaiting: number
}

/**
 * Makes a rate limiter: it gives at most `limit` permits in any window of `interval` milliseconds. Use it for requests
 * to a service with a quota.
 *
 * It belongs to no `run`. All runs on the system clock share its permits; each simulated clock has permits of its own.
 *
 * @example
 * ```ts
 * const limiter = createRateLimiter({ limit: 10, interval: 1000 }) // 10 requests a second
 * async function ask(url: string) {
 *   await limiter.acquire()
 *   return fetch(url, { signal: currentSignal() })
 * }
 * ```
 *
 * @throws RangeError if `limit` is no integer of at least 1, or `interval` no finite number above 0
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

/** Gives permits at a bounded rate; made by `createRateLimiter`. A permit is used up, and never given back. */
export class RateLimiter {
  readonly #limit: number
  readonly #interval: number
  /** One window for each clock: times of different clocks cannot be compared. */
  readonly #windows = new WeakMap<DeadlineQueue, Window>()

  /** @internal */
  constructor(limit: number, interval: number) {
    this.#limit = limit
    this.#interval = interval
  }

  /**
   * Waits for `n` permits, all at the same moment, first come, first served. A cancelled call has taken none.
   *
   * @throws RangeError if `n` is no integer from 1 to the limit
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

  /**
   * Takes `n` permits without waiting. Works anywhere. @throws WouldBlock if there are not enough, or other calls wait
   */
  acquireNowait(n = 1): void {
    this.#check(n)
    if (!this.#currentWindow().tryTake(n)) throw new WouldBlock('acquireNowait: the rate limiter has no free permit')
  }

  /** The numbers of free permits and of waiting calls. */
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

/** The permits that were given on one clock, and the waiters for more. */
class Window implements Timed {
  readonly limit: number
  readonly interval: number
  readonly waiters = new WaitQueue<PermitWaiter>()
  readonly #queue: DeadlineQueue
  /** The permits given in the last interval, oldest first. */
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

  /**
   * Call it when time has passed, or a waiter came or left: gives what (1) allows, and sets the deadline for the rest.
   */
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
    // Permits of one moment share an entry: many at once are the usual case.
    if (this.#last !== undefined && this.#last.at === now) this.#last.n += n
    else this.#given.push((this.#last = { at: now, n }))
    return true
  }

  #forget(now: number): void {
    while (this.#given.length > 0 && this.#given.first.at + this.interval <= now) this.#taken -= this.#given.shift().n
    if (this.#given.length === 0) this.#last = undefined
  }

  /** Sets the deadline to the moment at which enough old permits have left the interval for `n` to be free. */
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

  /** The host whose I/O is completed before this deadline. */
  get host(): Host {
    return this._scope!._task!.run.host
  }

  override get waitsFor(): number {
    const waitsFor = super.waitsFor
    return waitsFor === TASKS ? TIME : waitsFor
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    super.onCancel(cancelled)
    // It may have been the first, and the next one may want fewer permits.
    this.#window.serve()
  }
}

const OPTIONS = optionNames<RateLimiterOptions>({ limit: true, interval: true })
