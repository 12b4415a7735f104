/**
 * `Condition`: waiting, with a lock in hand, for what somebody else does under the same lock.
 *
 * ```text
 *  wait ─► give up the lock ─► queue ─┬─ notified ──► lock's queue ─► has it again ─► resolved
 *                                     └─ cancelled ─► lock's queue ─► has it again ─► Cancelled
 *
 *  the grant was released while it waited (its use() is over, and nobody awaited it):
 *                                     whenever that is found ─► without the lock ─► UsageError, or Cancelled
 * ```
 *
 * What must stay true:
 * 1. `wait` returns with the lock, however it returns, and getting it back is no cancel point. But for the last line of the
 *    picture: then nobody would give the lock back, so it must not be had.
 * 2. A notification reaches somebody who can act on it: a waiter that was notified and cancelled before it was told, or that
 *    leaves without the lock, passes it on.
 */

import { type Cancelled, UsageError } from '../errors.ts'
import { enterFrame, type Frame } from '../kernel/context.ts'
import { Operation, rejected } from '../kernel/operation.ts'
import { immediate, type Resumable } from '../kernel/turn.ts'
import { type AnyQueue, type Queued, tellLater, WaitQueue } from '../kernel/wait-queue.ts'
import { TASKS } from '../kernel/waits.ts'
import { checkFunction, checkInteger, invalidArgType } from '../validate.ts'
import type { Grant, OneGrant } from './grant.ts'
import { Lock, type LockEntry, type LockStatistics } from './lock.ts'
import { ownedByScope } from './owned.ts'
import { type Owner, taskFrame } from './ownership.ts'

/** A frozen record. */
export interface ConditionStatistics {
  /** How many wait to be notified. Those who wait for the lock are in `lockStatistics`. */
  readonly tasksWaiting: number
  /** Those of the lock below the condition. */
  readonly lockStatistics: LockStatistics
}

/**
 * Makes a condition over `lock`, or over a lock of its own. Re-creates `anyio.create_condition`.
 *
 * @throws TypeError when `lock` is no lock
 */
export function createCondition(lock: Lock = new Lock()): Condition {
  if (!(lock instanceof Lock)) throw invalidArgType('lock', 'a lock made by createLock', lock)
  return new Condition(lock)
}

/** Re-creates `anyio.abc.Condition`; its `notify` and `notifyAll` do not wait. */
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

  /** Takes the lock without waiting. @throws WouldBlock where it is not free; otherwise as `acquire` */
  acquireNowait(): Grant {
    return this.#lock.acquireNowait()
  }

  /** Releases the lock. @throws UsageError when it does not belong to the running task */
  release(): void {
    this.#lock.release()
  }

  /** Whether somebody has the lock. */
  locked(): boolean {
    return this.#lock.locked()
  }

  /**
   * Runs `body` with the lock, which is released when `body` settles. Calls that it has begun and not awaited go on beside the
   * next owner's: await them, or run them in a task group inside `body`.
   *
   * @throws UsageError where the running code has the lock already
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T> {
    return this.#lock.use(body)
  }

  /** Wakes the first `n` who wait. @throws UsageError when the running code does not have the lock */
  notify(n: number = 1): void {
    checkInteger('n', n)
    this.#requireOwner(taskFrame('notify'), 'notify')
    this.#wake(n)
  }

  /** Wakes everybody who waits. @throws UsageError when the running code does not have the lock */
  notifyAll(): void {
    this.#requireOwner(taskFrame('notifyAll'), 'notifyAll')
    this.#wake(this.#waiters.length)
  }

  /**
   * Gives up the lock until notified, and has it again when it returns, also with an error.
   *
   * @throws UsageError when the running code does not have the lock, or has released it for good while this waited;
   *   BrokenResourceError when a task that had the lock meanwhile has ended without releasing it
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
   * Waits until `predicate` is true, and returns its value. It is asked with the lock in hand.
   *
   * @throws UsageError and BrokenResourceError as `wait`, and what `predicate` throws
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

  /** How many wait to be notified, and what the lock says of itself. */
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

  /** One who leaves without the lock does not count. */
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
  /** The grant that was given up. Set once it has been, which is when this stands in the queue already. */
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

  /** Out of the condition's queue, into the lock's. False where this has left instead, and the next one is to be woken. */
  notified(): boolean {
    if (this.kept!.released) {
      this.reject(lockGone())
      return false
    }
    this.#notified = true
    this.#lock._enqueue(this)
    return true
  }

  /** The lock is back. A cancellation before this is told still counts. */
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
      // It stands in the lock's queue already, or has the lock and has not been told.
      this.#passOn()
      return
    }
    this._queue!.delete(this)
    if (this.kept!.released) this.reject(cancelled())
    else this.#lock._enqueue(this)
  }

  /** The grant was released while this stood in line: the lock goes on to the next, and so does the notification. */
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
