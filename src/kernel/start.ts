/**
 * `TaskGroup.start`: a child that belongs to its caller until it reports that it is ready.
 *
 * ```text
 *   caller's scope ── child's scope            started(v):  the child's scope moves
 *        │                                     ─────────►   group's scope ── child's scope
 *        └── StartOperation (waits)                         and the operation returns v
 * ```
 *
 * Cancelling the caller cancels the child, and the caller waits for the child's end. The group stays open meanwhile
 * (`_holds`), so that a child that becomes ready can still join it.
 */
import type { Cancelled } from '../errors.ts'
import { UsageError } from '../errors.ts'
import { CancelScope } from './cancel-scope.ts'
import type { Frame } from './context.ts'
import { Operation } from './operation.ts'
import { keepSite } from './sites.ts'
import { CLOSING, EFFECTIVE, INTERRUPTED } from './scope-flags.ts'
import { Task, type TaskFunction, type TaskOwner } from './task.ts'
import { settleFairly } from './turn.ts'
import { TASKS } from './waits.ts'

/** What `start` needs of its group. */
interface Group extends TaskOwner {
  readonly cancelScope: CancelScope
  readonly _host: Task
}

/** Given to a function that `TaskGroup.start` runs: the function reports through it that it is ready. */
export interface TaskStatus<V = void> {
  /**
   * Makes `start` resolve with `value`. The task goes on in the group.
   *
   * @throws UsageError on a second call, and when the task has ended
   */
  started(value: V): void
}

export function startTask(
  group: Group,
  caller: Frame,
  fn: TaskFunction,
  name: string | undefined,
  args: unknown[],
): Promise<unknown> {
  const operation = new StartOperation(group, caller)
  const task = new Task(group._host.run, caller.task, operation, fn, name, new CancelScope())
  if (task.run.traceTasks) keepSite(task)
  return operation.startTask(task, args)
}

class StartOperation extends Operation<unknown> implements TaskOwner, TaskStatus<unknown> {
  readonly #group: Group
  readonly #callerScope: CancelScope
  #task: Task | undefined
  #signalled = false
  #value: unknown

  constructor(group: Group, caller: Frame) {
    super()
    this.#group = group
    this.#callerScope = caller.scope
  }

  startTask(task: Task, args: unknown[]): Promise<unknown> {
    this.#task = task
    this.#group.cancelScope._holds++
    const ready = this.begin(this.#callerScope)
    // The child sees `started` and nothing else of this.
    task._begin(this.#callerScope, [{ started: (value: unknown) => this.started(value) }, ...args])
    // The body of the caller's scope has settled: nothing may wait there any more.
    if ((this.#callerScope._flags & CLOSING) !== 0) this._cancel()
    return ready
  }

  started(value: unknown): void {
    const task = this.#task!
    if (this.#signalled) throw new UsageError(`started() was called twice in task "${task.name}"`)
    if (task.ended) throw new UsageError(`started() was called after task "${task.name}" had ended`)
    this.#signalled = true
    this.#value = value
    // Cancelled together with its caller: it stays there, and is waited for.
    if ((task._scope._flags & EFFECTIVE) !== 0) return
    const group = this.#group
    task._parent = group._host
    task._owner = group
    settleFairly((ready) => this.resolve(ready), value)
    task._scope._moveTo(group.cancelScope)
    this.#letGo()
  }

  /** `taskEnded` gives the error to the caller. The group goes on. */
  taskFailed(): void {}

  taskEnded(task: Task): void {
    if (task._endState === 'failed') this.reject(task._outcome)
    // Completion beats cancellation: the child has done what it was started for.
    else if (this.#signalled && task._endState === 'finished') this.resolve(this.#value)
    else if ((this.#callerScope._flags & INTERRUPTED) !== 0)
      this.reject(this.#callerScope._cancelled(this.describe(), this))
    else this.reject(new UsageError(`task "${task.name}" ended without calling started()`))
    this.#letGo()
  }

  override describe(): string {
    return `start of task "${this.#task!.name}"`
  }

  override get waitsFor(): number {
    return TASKS
  }

  protected override onCancel(_cancelled: () => Cancelled): void {
    // Completion beats cancellation: the child has moved, its value is on the way.
    if (this.#task!._owner !== this) return
    // The child has been cancelled with the caller's scope, unless only the body around the call has ended.
    const scope = this.#task!._scope
    if ((scope._flags & EFFECTIVE) === 0) scope._cancel('scope-ended')
  }

  #letGo(): void {
    this.#group.cancelScope._holds--
    this.#group.cancelScope._childLeft()
  }
}
