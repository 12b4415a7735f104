/**
 * A task that does something between the end of its function and its own end, such as closing the connection that the
 * function served. A subclass outside the kernel implements the hooks and calls the matching `end…`; it needs nothing
 * else of `Task`.
 *
 * It is a subclass and not an owner or a second sink, because a server has one for each connection: the hooks cost no
 * object and no closure.
 *
 * Invariants
 * 1. Every call of a hook leads to one call of an `end…`, now or later. Until then the task has not ended.
 * 2. A hook runs in the frame of the task.
 * 3. `left` is true once the function has been left behind (FORGET-3). The function may still return or throw; the
 *    kernel then discards the outcome and calls no hook.
 */
import type { TaskGroup } from './task-group.ts'
import { CancelScope } from './cancel-scope.ts'
import { callInFrame, Frame } from './context.ts'
import { LEFT } from './scope-flags.ts'
import { Task, type TaskFunction } from './task.ts'
import { NEUTRAL } from './waits.ts'

export abstract class GuardedTask extends Task<void> {
  constructor(group: TaskGroup, fn: TaskFunction, name: string) {
    super(group._host.run, group._host, group, fn, name, new CancelScope())
  }

  /** The function has returned. Calls `endReturned`, at once or later. */
  protected abstract functionReturned(): void

  /** The function has thrown. Calls an `end…`, at once or later. */
  protected abstract functionThrew(error: unknown): void

  /** The function is left behind and goes on. Calls `endLeft`, at once or later. */
  protected abstract functionLeft(): void

  /** What a task that has not ended waits for between hook and `end…`, as bits of waits.ts. */
  protected get guardWaitsFor(): number {
    return NEUTRAL
  }

  /** Enters `group`, that of the constructor. The function is called later. */
  protected begin(group: TaskGroup, args: unknown[]): void {
    this._begin(group.cancelScope, args)
  }

  protected get scope(): CancelScope {
    return this._scope
  }

  protected get left(): boolean {
    return (this._scope._flags & LEFT) !== 0
  }

  /** Calls `fn` as a part of the task. */
  protected callInTask<A extends unknown[], R>(fn: (...args: A) => R, args: A): R {
    return callInFrame(new Frame(this, this._scope), fn, args)
  }

  protected endReturned(): void {
    super.bodyReturned(undefined)
  }

  protected endThrew(error: unknown): void {
    super.bodyThrew(error)
  }

  protected endLeft(): void {
    super.leave()
  }

  /** @internal */
  override get _ownWaits(): number {
    return this.guardWaitsFor
  }

  /** @internal */
  override bodyReturned(): void {
    if (this.left) super.bodyReturned(undefined)
    else this.functionReturned()
  }

  /** @internal */
  override bodyThrew(error: unknown): void {
    if (this.left) super.bodyThrew(error)
    else this.functionThrew(error)
  }

  /** @internal */
  override leave(): void {
    this.functionLeft()
  }
}
