/**
 * `Semaphore`: a number of places that anybody may take and give back.
 *
 * What must stay true: nobody waits while a place is free, and there are never more than `maxValue`: a release too many is an
 * error, whoever makes it. A grant that was cancelled before it was told is no release, and never fails.
 */

import { UsageError, WouldBlock } from '../errors.ts'
import { enterFrame } from '../kernel/context.ts'
import { rejected } from '../kernel/operation.ts'
import { spendBudget } from '../kernel/turn.ts'
import { WaitQueue } from '../kernel/wait-queue.ts'
import { checkFunction, checkInteger, checkOptions, optionNames } from '../validate.ts'
import { Claim, type Grant, OneGrant, UseCall } from './grant.ts'
import { frameForUse, refuseHeld } from './ownership.ts'

/** Options of `createSemaphore`. */
export interface SemaphoreOptions {
  /** What `value` may never exceed: a release too many is an error instead of a place too many. */
  maxValue?: number | undefined
}

/** A frozen record. */
export interface SemaphoreStatistics {
  /** Tasks that wait for their turn. */
  readonly tasksWaiting: number
}

/**
 * Makes a semaphore with `value` places. Re-creates `anyio.create_semaphore`.
 *
 * @throws RangeError when `value` is negative or above `maxValue`
 */
export function createSemaphore(value: number, options: SemaphoreOptions = {}): Semaphore {
  checkInteger('value', value)
  checkOptions('options', options, OPTIONS)
  const { maxValue } = options
  if (maxValue !== undefined) checkInteger('options.maxValue', maxValue, Math.max(value, 1))
  return new Semaphore(value, maxValue)
}

/** Re-creates `anyio.abc.Semaphore`. It has no owner: one task may take a place that another gives back. */
export class Semaphore {
  /** What `value` never exceeds; `undefined` is no limit. */
  readonly maxValue: number | undefined
  #value: number
  readonly #waiters = new WaitQueue<SemaphoreWaiter>()

  /** @internal */
  constructor(value: number, maxValue: number | undefined) {
    this.#value = value
    this.maxValue = maxValue
  }

  /** How many places are free. 0 while anybody waits. */
  get value(): number {
    return this.#value
  }

  /** Whether there is no free place. */
  locked(): boolean {
    return this.#value === 0
  }

  /** Takes a place, waiting for one in the order of arrival. @throws UsageError inside a `use` of it */
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

  /** Takes a place without waiting; works anywhere. @throws WouldBlock where there is no free place */
  acquireNowait(): Grant {
    if (this.#value === 0) throw new WouldBlock('acquireNowait: the semaphore has no free place')
    return this.#take()
  }

  /** Gives a place back: to the first who waits, if anybody does. Works anywhere. @throws UsageError above `maxValue` */
  release(): void {
    if (this.#value === this.maxValue) {
      throw new UsageError(`release: the semaphore has all of its ${this.maxValue} places already`)
    }
    this.#give()
  }

  /**
   * @internal the place of a waiter that was cancelled before it was told. Somebody may have released one too many meanwhile,
   * which was no error then, for this place was out; it is not the waiter's, who must hear of its cancellation and no more.
   */
  _takeBack(): void {
    if (this.#value !== this.maxValue) this.#give()
  }

  /**
   * Runs `body` with a place that belongs to this very call. The place is given back when `body` settles. Calls that it has
   * begun and not awaited go on without one: await them, or run them in a task group inside `body`.
   *
   * @throws UsageError inside another `use` of it
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

  /** How many wait. */
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

  /** The same for a grant as for a bare `release`: one beside the other is one too many. */
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
