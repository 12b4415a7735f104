/**
 * `Lock`: one at a time, in the order of arrival.
 *
 * What must stay true:
 * 1. While anybody waits, the lock has an owner: it is handed over, and nobody who comes later gets in between.
 * 2. A grant is valid as long as it is `#grant`; whoever waits on a condition meanwhile gets the same one back.
 * 3. When the task that owns the lock has ended without releasing it, nobody waits for it in vain: those who do fail, and so
 *    does every later `acquire`, until somebody releases the grant.
 */

import { BrokenResourceError, UsageError, WouldBlock } from '../errors.ts'
import { enterFrame, type Frame } from '../kernel/context.ts'
import { rejected } from '../kernel/operation.ts'
import { type EndWatcher, Task } from '../kernel/task.ts'
import type { TaskInfo } from '../kernel/task-info.ts'
import { spendBudget } from '../kernel/turn.ts'
import { checkFunction } from '../validate.ts'
import { Claim, type Grant, OneGrant, UseCall } from './grant.ts'
import { OwnerQueue, type OwningEntry } from './owner-queue.ts'
import { frameForUse, heldHere, type Owner, refuseHeld, taskFrame, taskInfoOf } from './ownership.ts'

/** A frozen record. */
export interface LockStatistics {
  /** Whether a task owns the lock. */
  readonly locked: boolean
  /** The task that has it, by `acquire` or by a `use`; `undefined` where it is free. */
  readonly owner: TaskInfo | undefined
  /** Tasks that wait for it. */
  readonly tasksWaiting: number
}

/** Makes a lock. Re-creates `anyio.create_lock`. */
export function createLock(): Lock {
  return new Lock()
}

/** Who stands in the queue of a lock. */
export interface LockEntry extends OwningEntry {
  readonly owner: Owner
  /** One that had the lock before gets its own grant back. */
  readonly kept: OneGrant | undefined
  admitted(grant: OneGrant): void
  refused(error: Error): void
}

/** Re-creates `anyio.abc.Lock`. */
export class Lock implements EndWatcher {
  /** @internal */
  _previous: EndWatcher | null = null
  /** @internal */
  _next: EndWatcher | null = null
  #owner: Owner | undefined
  #grant: OneGrant | undefined
  /** The name of the task of invariant 3. */
  #abandonedBy: string | undefined
  readonly #waiters = new OwnerQueue<LockEntry>()

  /**
   * Waits for the lock, which then belongs to the running task.
   *
   * @throws UsageError when the task has it, or waits for it, already; BrokenResourceError when its owner has ended without releasing it
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

  /** Takes the lock without waiting. @throws WouldBlock where it is not free; otherwise as `acquire` */
  acquireNowait(): Grant {
    const frame = taskFrame('acquireNowait')
    this.#refuseOwner(frame, 'acquireNowait')
    this.#refuseAbandoned('acquireNowait')
    if (this.#owner !== undefined) throw new WouldBlock('acquireNowait: the lock is not free')
    return this.#give(frame.task, undefined)
  }

  /** Gives the lock to the first who waits. @throws UsageError when it does not belong to the running task */
  release(): void {
    if (this.#owner !== taskFrame('release').task) {
      throw new UsageError(
        'release: the lock does not belong to this task; a use() releases by itself, a grant anywhere',
      )
    }
    this.#free()
  }

  /** Whether somebody has it. */
  locked(): boolean {
    return this.#owner !== undefined
  }

  /**
   * Runs `body` with the lock, which belongs to this very call: two of them in one `Promise.all` take their turns.
   * The lock is released when `body` settles. Calls that it has begun and not awaited go on beside the next owner's: await
   * them, or run them in a task group inside `body`.
   *
   * @throws UsageError where the running code has the lock already; BrokenResourceError as `acquire`
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

  /** Who has it, and how many wait for it. */
  statistics(): LockStatistics {
    const owner = this.#owner === undefined ? undefined : taskInfoOf(this.#owner)
    return Object.freeze({ locked: this.locked(), owner, tasksWaiting: this.#waiters.length })
  }

  /** @internal the owner that the code of `frame` is, if it has the lock */
  _ownerHere(frame: Frame): Owner | undefined {
    if (this.#owner === undefined) return undefined
    return this.#owner === frame.task || this.#owner === heldHere(this, frame) ? this.#owner : undefined
  }

  /** @internal gives the lock up for a while: its grant stays good, and is to be had back with `_enqueue` */
  _suspend(): OneGrant {
    const grant = this.#grant!
    this.#free()
    return grant
  }

  /** @internal stands in line */
  _enqueue(entry: LockEntry): void {
    if (this.#abandonedBy !== undefined) entry.refused(this.#abandoned('acquire'))
    else if (this.#owner === undefined) entry.admitted(this.#give(entry.owner, entry.kept))
    else this.#waiters.push(entry)
  }

  /** @internal invariant 3 */
  ownerEnded(task: Task): void {
    if (this.#owner !== task) return
    this.#abandonedBy = task.name
    for (let waiter = this.#waiters.shift(); waiter !== undefined; waiter = this.#waiters.shift()) {
      waiter.refused(this.#abandoned('acquire'))
    }
  }

  #give(owner: Owner, kept: OneGrant | undefined): OneGrant {
    this.#owner = owner
    this.#grant = kept ?? new OneGrant(this.#released)
    if (owner instanceof Task) owner._watchEnd(this)
    return this.#grant
  }

  /** A grant that was given up for a while, or whose lock was released by name, is not the lock's any more. */
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
