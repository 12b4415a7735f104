/**
 * `Semaphore`: a number of places without owners. Any task may take one and any task may give one back.
 *
 * Invariants
 * 1. No call waits while a place is free.
 * 2. The value never exceeds `maxValue`: a release too many is an error of that release. Taking back the grant of a
 *    cancelled waiter is no release, and never fails.
 */

import { UsageError, WouldBlock } from '../errors.ts'
import { enterFrame, rejected, spendBudget, WaitQueue } from '../kernel/index.ts'
import { checkFunction, checkInteger, checkOptions, optionNames } from '../common/validate.ts'
import { Claim, type Grant, OneGrant, UseCall } from './grant.ts'
import { frameForUse, refuseHeld } from './ownership.ts'

/** Options of `createSemaphore`. */
export interface SemaphoreOptions {
  /** Upper bound of `value`. A release above it is a `UsageError`. Default: no bound. */
  maxValue?: number | undefined
}

/** A snapshot of a semaphore, frozen. */
export interface SemaphoreStatistics {
  /** Tasks that wait for a place. */
  readonly tasksWaiting: number
}

/**
 * Makes a semaphore with `value` places: at most that many calls hold one at a time.
 *
 * @example
 * ```ts
 * const semaphore = createSemaphore(10)
 * const download = (url: string) => semaphore.use(() => fetch(url))
 * ```
 *
 * @param value - the number of free places at the start
 * @throws RangeError when `value` is negative or above `maxValue`
 */
export function createSemaphore(value: number, options: SemaphoreOptions = {}): Semaphore {
  checkInteger('value', value)
  checkOptions('options', options, OPTIONS)
  const { maxValue } = options
  if (maxValue !== undefined) checkInteger('options.maxValue', maxValue, Math.max(value, 1))
  return new Semaphore(value, maxValue)
}

/**
 * A counter of places, made by `createSemaphore`. It has no owner: one task may give back a place that another has
 * taken.
 */
export class Semaphore {
  /** Upper bound of `value`; `undefined` is no bound. */
  readonly maxValue: number | undefined
  #value: number
  readonly #waiters = new WaitQueue<SemaphoreWaiter>()

  /** @internal */
  constructor(value: number, maxValue: number | undefined) {
    this.#value = value
    this.maxValue = maxValue
  }

  /** Number of free places. 0 while a task waits. */
  get value(): number {
    return this.#value
  }

  /** Whether no place is free. */
  locked(): boolean {
    return this.#value === 0
  }

  /** Waits for a place, first come, first served. @throws UsageError inside a `use` of this semaphore */
  acquire(): Promise<Grant> {
    try {
      const frame = enterFrame('acquire')
      refuseHeld(this, 'acquire', frame)
      if (this.#value === 0) return new SemaphoreWaiter(this).waitIn(this.#waiters, frame.scope) as Promise<Grant>
      const grant = this.#take()
      return spendBudget() ? Promise.resolve(grant) : new SemaphoreWaiter(this).takeLater(grant, frame.scope)
    } catch (error) {
      return rejected(error)
    }
  }

  /** Takes a place without waiting. Works anywhere. @throws WouldBlock if no place is free */
  acquireNowait(): Grant {
    if (this.#value === 0) throw new WouldBlock('acquireNowait: the semaphore has no free place')
    return this.#take()
  }

  /** Gives a place back, to the first waiter if there is one. Works anywhere. @throws UsageError above `maxValue` */
  release(): void {
    if (this.#value === this.maxValue) {
      throw new UsageError(`release: the semaphore has all of its ${this.maxValue} places already`)
    }
    this.#give()
  }

  /**
   * @internal Takes back the place of a waiter that was granted and cancelled (2). If the value is at its maximum, a
   * release too many happened meanwhile, when it was no error. The waiter must get its cancellation and nothing else.
   */
  _takeBack(): void {
    if (this.#value !== this.maxValue) this.#give()
  }

  /**
   * Waits for a place, runs `body`, and gives the place back when `body` settles. Calls that `body` has begun and not
   * awaited go on without a place: await them, or run them in a task group inside `body`.
   *
   * @throws UsageError inside another `use` of this semaphore
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T> {
    try {
      checkFunction('body', body)
      const caller = enterFrame('use')
      refuseHeld(this, 'use', caller)
      const { frame, holding } = frameForUse(this, caller)
      const waiter = new SemaphoreWaiter(this, new UseCall(frame, holding, body))
      const promise =
        this.#value > 0 ? waiter.takeNow(this.#take(), caller.scope) : waiter.waitIn(this.#waiters, caller.scope)
      return promise as Promise<T>
    } catch (error) {
      return rejected(error)
    }
  }

  /** The number of waiting tasks. */
  statistics(): SemaphoreStatistics {
    return Object.freeze({ tasksWaiting: this.#waiters.length })
  }

  #take(): Grant {
    this.#value--
    return new OneGrant(this.#released)
  }

  #give(): void {
    const waiter = this.#waiters.shift()
    if (waiter === undefined) this.#value++
    else waiter.grant(new OneGrant(this.#released))
  }

  /** A grant and a bare `release` give the same place back: both together are one release too many. */
  readonly #released = (): void => this.release()
}

class SemaphoreWaiter extends Claim {
  readonly #semaphore: Semaphore

  constructor(semaphore: Semaphore, call?: UseCall<unknown>) {
    super('a place of a semaphore', call)
    this.#semaphore = semaphore
  }

  protected override takeBack(): void {
    this.#semaphore._takeBack()
  }
}

const OPTIONS = optionNames<SemaphoreOptions>({ maxValue: true })
