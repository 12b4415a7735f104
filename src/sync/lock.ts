/**
 * `Lock`: mutual exclusion, first come, first served.
 *
 * Invariants
 * 1. While a task waits, the lock has an owner. It is handed over, and a later call cannot get in between.
 * 2. A grant is valid while it is `#grant`. A wait on a condition gives it up and gets the same grant back.
 * 3. When the owning task has ended without releasing the lock, all waiters and every later `acquire` fail, until the
 *    grant is released.
 */

import { BrokenResourceError, UsageError, WouldBlock } from '../errors.ts'
import { type EndWatcher, enterFrame, type Frame, rejected, spendBudget, Task, type TaskInfo } from '../kernel/index.ts'
import { checkFunction } from '../common/validate.ts'
import { Claim, type Grant, OneGrant, UseCall } from './grant.ts'
import { OwnerQueue, type OwningEntry } from './owner-queue.ts'
import { frameForUse, heldHere, type Owner, refuseHeld, taskFrame, taskInfoOf } from './ownership.ts'

/** A snapshot of a lock, frozen. */
export interface LockStatistics {
  /** Whether the lock is held. */
  readonly locked: boolean
  /** The task that holds the lock, by `acquire` or `use`; `undefined` if it is free. */
  readonly owner: TaskInfo | undefined
  /** Tasks that wait for the lock. */
  readonly tasksWaiting: number
}

/**
 * Makes a lock: one holder at a time, first come, first served.
 *
 * @example
 * ```ts
 * const lock = createLock()
 * async function append(line: string) {
 *   await lock.use(async () => {
 *     await file.write(line)
 *     await file.flush()
 *   })
 * }
 * ```
 */
export function createLock(): Lock {
  return new Lock()
}

/** A waiter in the queue of a lock. */
export interface LockEntry extends OwningEntry {
  readonly owner: Owner
  /** A waiter that held the lock before gets its own grant back. */
  readonly kept: OneGrant | undefined
  admitted(grant: OneGrant): void
  refused(error: Error): void
}

/** A lock, made by `createLock`. `acquire` gives it to the running task, `use` to the one call. */
export class Lock implements EndWatcher {
  /** @internal */
  _previous: EndWatcher | null = null
  /** @internal */
  _next: EndWatcher | null = null
  #owner: Owner | undefined
  #grant: OneGrant | undefined
  /** The name of the ended task (3). */
  #abandonedBy: string | undefined
  readonly #waiters = new OwnerQueue<LockEntry>()

  /**
   * Waits for the lock, which the running task then owns.
   *
   * @throws UsageError if the task owns the lock or waits for it already; BrokenResourceError if its owner has ended
   * without releasing it
   */
  acquire(): Promise<Grant> {
    try {
      const frame = enterFrame('acquire')
      this.#refuseOwner(frame, 'acquire')
      this.#refuseAbandoned('acquire')
      if (this.#owner === undefined) {
        const grant = this.#give(frame.task, undefined)
        return spendBudget() ? Promise.resolve(grant) : new LockWaiter(frame.task).takeLater(grant, frame.scope)
      }
      this.#waiters.refuseSecond(frame.task, 'acquire')
      return new LockWaiter(frame.task).waitIn(this.#waiters, frame.scope) as Promise<Grant>
    } catch (error) {
      return rejected(error)
    }
  }

  /** Takes the lock without waiting. @throws WouldBlock if it is not free; otherwise as `acquire` */
  acquireNowait(): Grant {
    const frame = taskFrame('acquireNowait')
    this.#refuseOwner(frame, 'acquireNowait')
    this.#refuseAbandoned('acquireNowait')
    if (this.#owner !== undefined) throw new WouldBlock('acquireNowait: the lock is not free')
    return this.#give(frame.task, undefined)
  }

  /** Releases the lock, which goes to the first waiter. @throws UsageError if the running task does not own it */
  release(): void {
    if (this.#owner !== taskFrame('release').task) {
      throw new UsageError(
        'release: the lock does not belong to this task; a use() releases by itself, a grant anywhere',
      )
    }
    this.#free()
  }

  /** Whether the lock is held. */
  locked(): boolean {
    return this.#owner !== undefined
  }

  /**
   * Waits for the lock, runs `body`, and releases the lock when `body` settles. The lock belongs to this call, not to
   * the task: two calls in one `Promise.all` take turns. Calls that `body` has begun and not awaited go on without the
   * lock: await them, or run them in a task group inside `body`.
   *
   * @throws UsageError if the running code holds the lock already; BrokenResourceError as `acquire`
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T> {
    try {
      checkFunction('body', body)
      const caller = enterFrame('use')
      this.#refuseOwner(caller, 'use')
      const { frame, holding } = frameForUse(this, caller)
      this.#refuseAbandoned('use')
      const waiter = new LockWaiter(holding, new UseCall(frame, holding, body))
      const promise =
        this.#owner === undefined
          ? waiter.takeNow(this.#give(holding, undefined), caller.scope)
          : waiter.waitIn(this.#waiters, caller.scope)
      return promise as Promise<T>
    } catch (error) {
      return rejected(error)
    }
  }

  /** The owner, and the number of waiting tasks. */
  statistics(): LockStatistics {
    const owner = this.#owner === undefined ? undefined : taskInfoOf(this.#owner)
    return Object.freeze({ locked: this.locked(), owner, tasksWaiting: this.#waiters.length })
  }

  /** @internal The owner, if the code of `frame` holds the lock. */
  _ownerHere(frame: Frame): Owner | undefined {
    if (this.#owner === undefined) return undefined
    return this.#owner === frame.task || this.#owner === heldHere(this, frame) ? this.#owner : undefined
  }

  /** @internal Gives the lock up for a while. The grant stays valid; `_enqueue` waits to have it back. */
  _suspend(): OneGrant {
    const grant = this.#grant!
    this.#free()
    return grant
  }

  /** @internal Joins the queue. */
  _enqueue(entry: LockEntry): void {
    if (this.#abandonedBy !== undefined) entry.refused(this.#abandoned('acquire'))
    else if (this.#owner === undefined) entry.admitted(this.#give(entry.owner, entry.kept))
    else this.#waiters.push(entry)
  }

  /** @internal (3) */
  ownerEnded(task: Task): void {
    if (this.#owner !== task) return
    this.#abandonedBy = task.name
    this.#waiters.drain((waiter) => waiter.refused(this.#abandoned('acquire')))
  }

  #give(owner: Owner, kept: OneGrant | undefined): OneGrant {
    this.#owner = owner
    this.#grant = kept ?? new OneGrant(this.#released)
    if (owner instanceof Task) owner._watchEnd(this)
    return this.#grant
  }

  /** A grant that was given up, or whose lock was released by `release`, has no effect (2). */
  readonly #released = (grant: OneGrant): void => {
    if (this.#grant === grant) this.#free()
  }

  #free(): void {
    if (this.#owner instanceof Task) this.#owner._unwatchEnd(this)
    this.#abandonedBy = undefined
    this.#owner = this.#grant = undefined
    const next = this.#waiters.shift()
    if (next !== undefined) next.admitted(this.#give(next.owner, next.kept))
  }

  #refuseOwner(frame: Frame, what: string): void {
    refuseHeld(this, what, frame)
    if (this.#owner !== frame.task) return
    throw new UsageError(
      `${what}: this task has the lock already; use() owns by the call, and tg.spawn starts a task of its own`,
    )
  }

  #refuseAbandoned(what: string): void {
    if (this.#abandonedBy !== undefined) throw this.#abandoned(what)
  }

  #abandoned(what: string): BrokenResourceError {
    return new BrokenResourceError(`${what}: task "${this.#abandonedBy}" has ended without releasing the lock`)
  }
}

class LockWaiter extends Claim implements LockEntry {
  readonly owner: Owner
  readonly kept = undefined

  constructor(owner: Owner, call?: UseCall<unknown>) {
    super('a lock', call)
    this.owner = owner
  }

  admitted(grant: OneGrant): void {
    this.grant(grant)
  }

  refused(error: Error): void {
    this.reject(error)
  }
}
