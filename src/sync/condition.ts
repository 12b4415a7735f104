/**
 * `Condition`: waits, while holding a lock, until another task that holds the same lock notifies.
 *
 * ```text
 *  wait ─► give up the lock ─► queue ─┬─ notified ──► lock's queue ─► has it again ─► resolved
 *                                     └─ cancelled ─► lock's queue ─► has it again ─► Cancelled
 *
 *  the grant was released while it waited (its use() is over, and the wait was not awaited):
 *                                     as soon as that is found ─► without the lock ─► UsageError, or Cancelled
 * ```
 *
 * Invariants
 * 1. `wait` settles with the lock held, also when it rejects, and getting it back is no checkpoint. The exception is
 *    the last line of the picture: no code would release the lock there, so `wait` settles without it.
 * 2. A notification is not lost: a waiter that was notified and then cancelled before it settled, or that leaves
 *    without the lock, passes it on.
 */

import { type Cancelled, UsageError } from '../errors.ts'
import {
  type AnyQueue,
  enterFrame,
  type Frame,
  immediate,
  Operation,
  type Queued,
  rejected,
  type Resumable,
  TASKS,
  tellLater,
  WaitQueue,
} from '../kernel/index.ts'
import { checkFunction, checkInteger, invalidArgType } from '../common/validate.ts'
import type { Grant, OneGrant } from './grant.ts'
import { Lock, type LockEntry, type LockStatistics } from './lock.ts'
import { ownedByScope } from '../common/owned.ts'
import { type Owner, taskFrame } from './ownership.ts'

/** A snapshot of a condition, frozen. */
export interface ConditionStatistics {
  /** Tasks that wait to be notified. Tasks that wait for the lock are in `lockStatistics`. */
  readonly tasksWaiting: number
  /** The statistics of the condition's lock. */
  readonly lockStatistics: LockStatistics
}

/**
 * Makes a condition: tasks wait until another one changes something and notifies them. Waiting and notifying happen
 * under one lock.
 *
 * @example
 * ```ts
 * const condition = createCondition()
 * const jobs: Job[] = []
 * // a consumer
 * const job = await condition.use(async () => {
 *   await condition.waitFor(() => jobs.length > 0)
 *   return jobs.shift()!
 * })
 * // a producer
 * await condition.use(() => {
 *   jobs.push(job)
 *   condition.notify()
 * })
 * ```
 *
 * @param lock - made by `createLock`; by default the condition has a lock of its own
 * @throws TypeError if `lock` is no lock
 */
export function createCondition(lock: Lock = new Lock()): Condition {
  if (!(lock instanceof Lock)) throw invalidArgType('lock', 'a lock made by createLock', lock)
  return new Condition(lock)
}

/** A condition over a lock, made by `createCondition`. */
export class Condition {
  readonly #lock: Lock
  readonly #waiters = new WaitQueue<ConditionWaiter>()

  /** @internal */
  constructor(lock: Lock) {
    this.#lock = lock
  }

  /** Waits for the lock. @throws UsageError and BrokenResourceError as `Lock.acquire` */
  acquire(): Promise<Grant> {
    return this.#lock.acquire()
  }

  /** Takes the lock without waiting. @throws WouldBlock if it is not free; otherwise as `acquire` */
  acquireNowait(): Grant {
    return this.#lock.acquireNowait()
  }

  /** Releases the lock. @throws UsageError if the running task does not own it */
  release(): void {
    this.#lock.release()
  }

  /** Whether the lock is held. */
  locked(): boolean {
    return this.#lock.locked()
  }

  /**
   * Waits for the lock, runs `body`, and releases the lock when `body` settles. Calls that `body` has begun and not
   * awaited go on without the lock: await them, or run them in a task group inside `body`.
   *
   * @throws UsageError if the running code holds the lock already
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T> {
    return this.#lock.use(body)
  }

  /** Wakes the first `n` waiters. @throws UsageError if the running code does not hold the lock */
  notify(n: number = 1): void {
    checkInteger('n', n)
    this.#requireOwner(taskFrame('notify'), 'notify')
    this.#wake(n)
  }

  /** Wakes all waiters. @throws UsageError if the running code does not hold the lock */
  notifyAll(): void {
    this.#requireOwner(taskFrame('notifyAll'), 'notifyAll')
    this.#wake(this.#waiters.length)
  }

  /**
   * Releases the lock, waits to be notified, and takes the lock again before it settles, also when it rejects.
   *
   * @throws UsageError if the running code does not hold the lock, or has released it for good while this waited;
   *   BrokenResourceError if a task that took the lock meanwhile has ended without releasing it
   */
  wait(): Promise<void> {
    try {
      const frame = enterFrame('wait')
      const waiter = new ConditionWaiter(this.#lock, this.#requireOwner(frame, 'wait'), this.#passOn)
      this.#waiters.push(waiter)
      const promise = waiter.begin(frame.scope)
      waiter.kept = this.#lock._suspend()
      return promise
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Waits until `predicate` returns a truthy value, and resolves with it. The predicate is called with the lock held:
   * once at the start, and after each notification.
   *
   * @throws UsageError and BrokenResourceError as `wait`, and the error of `predicate`
   */
  waitFor<T>(predicate: () => T): Promise<T> {
    try {
      checkFunction('predicate', predicate)
      this.#requireOwner(enterFrame('waitFor'), 'waitFor')
      const value = predicate()
      return value ? immediate(value) : ownedByScope(this.#waitUntil(predicate))
    } catch (error) {
      return rejected(error)
    }
  }

  /** The number of waiting tasks, and the statistics of the lock. */
  statistics(): ConditionStatistics {
    return Object.freeze({ tasksWaiting: this.#waiters.length, lockStatistics: this.#lock.statistics() })
  }

  async #waitUntil<T>(predicate: () => T): Promise<T> {
    for (;;) {
      await this.wait()
      const value = predicate()
      if (value) return value
    }
  }

  #requireOwner(frame: Frame, what: string): Owner {
    const owner = this.#lock._ownerHere(frame)
    if (owner === undefined) throw new UsageError(`${what}: the running code does not have the condition's lock`)
    return owner
  }

  /** A waiter that leaves without the lock does not count (2). */
  #wake(count: number): void {
    for (let left = count; left > 0;) {
      const waiter = this.#waiters.shift()
      if (waiter === undefined) return
      if (waiter.notified()) left--
    }
  }

  readonly #passOn = (): void => this.#wake(1)
}

class ConditionWaiter extends Operation<void> implements LockEntry, Resumable {
  _before: Queued | undefined = undefined
  _after: Queued | undefined = undefined
  _queue: AnyQueue | undefined = undefined
  readonly owner: Owner
  /** The grant that was given up. Set after this has joined the queue. */
  kept: OneGrant | undefined
  readonly #lock: Lock
  readonly #passOn: () => void
  #notified = false
  #cancelled: (() => Cancelled) | undefined

  constructor(lock: Lock, owner: Owner, passOn: () => void) {
    super()
    this.#lock = lock
    this.owner = owner
    this.#passOn = passOn
  }

  override describe(): string {
    return this.#notified ? "a condition's lock" : 'a condition'
  }

  /**
   * Moves from the condition's queue into the lock's. False if it left instead: then the next waiter is to be woken.
   */
  notified(): boolean {
    if (this.kept!.released) {
      this.reject(lockGone())
      return false
    }
    this.#notified = true
    this.#lock._enqueue(this)
    return true
  }

  /** It has the lock again. A cancellation before the promise settles still counts. */
  admitted(): void {
    if (this.kept!.released) this.#leaveLock()
    else tellLater(this)
  }

  refused(error: Error): void {
    this.reject(error)
  }

  /** @internal */
  resume(): void {
    if (this.#cancelled === undefined) this.resolve(undefined)
    else this.reject(this.#cancelled())
  }

  override get waitsFor(): number {
    return TASKS
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.#cancelled = cancelled
    if (this.#notified) {
      // It is in the lock's queue, or has the lock and has not settled yet.
      this.#passOn()
      return
    }
    this._queue!.delete(this)
    if (this.kept!.released) this.reject(cancelled())
    else this.#lock._enqueue(this)
  }

  /** The grant was released while this was in the lock's queue: passes on the lock and the notification. */
  #leaveLock(): void {
    this.#lock._suspend()
    if (this.#cancelled !== undefined) this.reject(this.#cancelled())
    else {
      this.#passOn()
      this.reject(lockGone())
    }
  }
}

function lockGone(): UsageError {
  return new UsageError('wait: the lock was given back for good while the call waited: was a promise not awaited?')
}
