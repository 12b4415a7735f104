/**
 * The task group: a scope that tasks can be spawned into, and that ends after all of them.
 *
 * ```text
 *   createTaskGroup(body)     body settles      last child ends
 *   ──┬───────────────────────────┬────────────────┬── promise settles
 *     │ body and children run     │ host waits     │
 *     └ spawn: from anywhere ─────┴────────────────┘ then: UsageError
 * ```
 *
 * Invariants
 * 1. The scopes of the children are in the list of the group's scope, which therefore ends after them (cancel-scope.ts,
 *    invariant 3). There is no second count.
 * 2. Every error is recorded before the scope can end, in the order of occurrence; cancellations are never recorded.
 * 3. What leaves is decided at the end of the group, not of the body: errors as one ExceptionGroup, else a single Cancelled
 *    where the host was cancelled from outside, else the body's value.
 */
import { Cancelled, ExceptionGroup, UsageError } from '../errors.ts'
import { checkFunction, checkOptions, checkString, optionNames } from './arguments.ts'
import { CancelScope } from './cancel-scope.ts'
import { Frame, requireFrame } from './context.ts'
import { judge } from './exit.ts'
import { inspectCustom, oneLine } from './inspect.ts'
import { rejected, rejectOwned, takeFunctions, takenFunctions } from './operation.ts'
import { closeOpenedIn } from './resources.ts'
import { CAUGHT, EFFECTIVE, ENDED, LEFT, TASK } from './scope-flags.ts'
import type { BodySink, ScopeOwner } from './scope-owner.ts'
import { runBody } from './scope-run.ts'
import { keepSite } from './sites.ts'
import { startTask, type TaskStatus } from './start.ts'
import { Task, type TaskFunction, type TaskHandle, type TaskOwner } from './task.ts'
import { spendBudget } from './turn.ts'

/** Options of what starts a task. */
export interface TaskOptions {
  /** For introspection and the texts of errors; by default the function's name. */
  name?: string | undefined
}

/**
 * Children that run together with the body, and end before it is left. Re-creates the reference's `TaskGroup`;
 * `createTaskGroup` makes one.
 */
export class TaskGroup implements ScopeOwner, BodySink, TaskOwner {
  /** Cancels, shields or bounds the whole group, its body included. */
  readonly cancelScope: CancelScope
  /** @internal the task whose body this is */
  readonly _host: Task
  readonly #promise: Promise<unknown>
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void
  readonly #errors: unknown[] = []
  /** How the body ended. */
  #value: unknown
  #cancelled: Cancelled | undefined
  /** The host had to wait for children: it was where a cancellation could find it. */
  #waited = false
  /** Left over by the body around it, which has ended: its failure is that scope's. */
  #leftOver = false
  /** The body has been left behind, and whether the promise settles before it does. */
  #left: undefined | 'settled' | 'unsettled'
  /** @internal */
  readonly body: (...args: never[]) => unknown
  /** What settles in place of the group; its caller knows no `undefined`. */
  readonly #call: GroupCall | undefined

  private constructor(
    host: Task,
    scope: CancelScope,
    body: (group: TaskGroup) => unknown,
    call: GroupCall | undefined,
  ) {
    this.body = body
    this.#call = call
    this._host = host
    this.cancelScope = scope
    this.#promise = new Promise<unknown>(takeFunctions)
    const { resolve, reject } = takenFunctions()
    this.#resolve = resolve
    this.#reject = reject
  }

  /**
   * Starts `fn(...args)` as a child: after this call has returned, under the group's scope. Works from any task and any
   * callback of the thread.
   *
   * @throws UsageError when the group has ended; the function is then not called
   */
  spawn<A extends unknown[], T>(fn: (...args: A) => T | PromiseLike<T>, ...args: A): TaskHandle<T>
  spawn<A extends unknown[], T>(options: TaskOptions, fn: (...args: A) => T | PromiseLike<T>, ...args: A): TaskHandle<T>
  spawn(...given: unknown[]): TaskHandle<unknown> {
    // By far the most common form makes nothing but the task.
    if (given.length === 1 && typeof given[0] === 'function') {
      return this._spawn(this, given[0] as TaskFunction, undefined, NO_ARGUMENTS)
    }
    const { name, fn, args } = taskArguments(given)
    return this._spawn(this, fn, name, args)
  }

  /**
   * Starts `fn(status, ...args)` and waits until it calls `status.started(value)`; the value is returned, and the task
   * goes on as a child of the group. Until then it runs under the caller's scope, and its failure is the caller's.
   *
   * A schedule point, not a cancel point. Rejects with the bare error of a child that failed before it was ready, and with
   * `UsageError` when it returned without a word or the group has ended.
   */
  start<A extends unknown[], V = void>(fn: (status: TaskStatus<V>, ...args: A) => unknown, ...args: A): Promise<V>
  start<A extends unknown[], V = void>(
    options: TaskOptions,
    fn: (status: TaskStatus<V>, ...args: A) => unknown,
    ...args: A
  ): Promise<V>
  start(...given: unknown[]): Promise<unknown> {
    try {
      const { name, fn, args } = taskArguments(given)
      const caller = requireFrame('start')
      this._refuseIfEnded('start')
      return startTask(this, caller, fn, name, args)
    } catch (error) {
      return rejected(error)
    }
  }

  /** @internal @param owner - hears of the task's end; what it does not pass on to the group, the group does not hear */
  _spawn(owner: TaskOwner, fn: TaskFunction, name: string | undefined, args: unknown[]): Task {
    this._refuseIfEnded('spawn')
    const task = new Task(this._host.run, this._host, owner, fn, name, new CancelScope())
    if (task.run.traceTasks) keepSite(task)
    task._begin(this.cancelScope, args)
    return task
  }

  /** @internal */
  _refuseIfEnded(what: string): void {
    if ((this.cancelScope._flags & ENDED) === 0) return
    throw new UsageError(`${what}: this task group has ended; the function was not called`)
  }

  /** @internal Enters a group with `body`. */
  static _open(
    frame: Frame,
    scope: CancelScope,
    body: (group: TaskGroup) => unknown,
    call: GroupCall | undefined,
  ): Promise<unknown> {
    const group = new TaskGroup(frame.task, scope, body, call)
    scope._enter(frame, group)
    runBody(new Frame(frame.task, scope, frame.held), body, [group])
    return group.#promise
  }

  /** @internal */
  bodyReturned(value: unknown): void {
    if (this.#left !== undefined) {
      if (this.#left === 'unsettled') this.#resolve(value)
      closeOpenedIn(this.cancelScope)
    } else {
      this.#value = value
      this.#bodyEnded(false)
    }
  }

  /** @internal */
  bodyThrew(error: unknown): void {
    if (this.#left !== undefined) {
      if (this.#left === 'unsettled') rejectOwned(this.#promise, this.#reject, error, true)
      closeOpenedIn(this.cancelScope)
    } else this.#threw(error)
  }

  /** @internal */
  get what(): string {
    return this.#call?.what ?? 'createTaskGroup'
  }

  /** @internal */
  leave(settles: boolean): void {
    this.#left = settles ? 'settled' : 'unsettled'
    this.#threw(this.cancelScope._cancelled('a task group'))
  }

  #threw(error: unknown): void {
    const verdict = judge(this.cancelScope, error)
    if (verdict.kind === 'failed') {
      this.#errors.push(verdict.error)
      this.cancelScope._cancel('task-failed', verdict.error)
    } else if (verdict.kind === 'cancelled') {
      this.#cancelled = verdict.error
      // Shielded or moved since it was raised: the children must still not outlast a body that was cancelled.
      if ((this.cancelScope._flags & EFFECTIVE) === 0) this.cancelScope._cancel('explicit')
    } else this.cancelScope._flags |= CAUGHT
    this.#bodyEnded(verdict.kind !== 'failed')
  }

  /** @internal */
  taskFailed(task: Task): void {
    this.cancelScope._cancel('task-failed', task._outcome)
  }

  /** @internal */
  taskEnded(task: Task): void {
    if (task._endState === 'failed') this.#errors.push(task._outcome)
  }

  /** @internal */
  drained(): void {
    // What is left behind ends at once: the scopes around it follow in the same step.
    if ((this.cancelScope._flags & LEFT) === 0 && !spendBudget()) {
      this.cancelScope._drainLater()
      return
    }
    if (this.#left !== 'unsettled') this.#settle()
    this.cancelScope._end()
  }

  /** @internal */
  disown(): void {
    this.#leftOver = true
  }

  /** @internal */
  [inspectCustom](): string {
    return oneLine('TaskGroup', [`host "${this._host.name}"`, this.cancelScope[inspectCustom]()])
  }

  #settle(): void {
    try {
      this.#resolve(this.#outcome())
    } catch (error) {
      rejectOwned(this.#promise, this.#reject, error, this.#leftOver)
    }
  }

  #bodyEnded(passedOn: boolean): void {
    const scope = this.cancelScope
    this.#waited = scope._holds > 0 || hasTasks(scope)
    scope._bodyEnded(passedOn)
  }

  #outcome(): unknown {
    const scope = this.cancelScope
    const conclusion = this.#call?.conclude?.()
    if (conclusion !== undefined) {
      if (conclusion.failed) throw conclusion.outcome
      return conclusion.outcome
    }
    if (this.#errors.length > 0) throw new ExceptionGroup(this.#errors)
    if (this.#cancelled !== undefined) throw this.#cancelled
    // Leaving is no cancel point (api.md §3); waiting for the children is.
    const interrupted = (scope._flags & CAUGHT) !== 0 || (this.#waited && (scope._flags & EFFECTIVE) !== 0)
    if (interrupted) {
      if (scope._parentCancels) {
        scope._flags &= ~CAUGHT
        throw scope._cancelled('the end of a task group')
      }
      scope._flags |= CAUGHT
      if (this.#call !== undefined && scope.cancelReason?.kind === 'scope-ended')
        throw scope._cancelled(this.#call.what)
    }
    return this.#value
  }
}

/** The one call that a group is the inside of, such as `raceTasks`. @internal */
export interface GroupCall {
  readonly what: string
  /** Decides, once every child has ended, what the group settles with in place of its own outcome. */
  readonly conclude?: (() => { readonly failed: boolean; readonly outcome: unknown } | undefined) | undefined
}

/** Enters a group with `body` in the current frame. */
export function runTaskGroup<T>(
  scope: CancelScope,
  body: (group: TaskGroup) => T | PromiseLike<T>,
  call?: GroupCall,
): Promise<T | undefined> {
  return TaskGroup._open(requireFrame('a task group'), scope, body, call) as Promise<T | undefined>
}

function hasTasks(scope: CancelScope): boolean {
  for (let child = scope._scopes; child !== null; child = child._next) {
    if ((child._flags & TASK) !== 0) return true
  }
  return false
}

/** `[options], fn, ...args`, checked. */
export function taskArguments(given: unknown[]): { name: string | undefined; fn: TaskFunction; args: unknown[] } {
  const [first] = given
  if (typeof first === 'function') {
    return { name: undefined, fn: first as TaskFunction, args: given.slice(1) }
  }
  if (given.length < 2) checkFunction('fn', first)
  checkOptions('options', first, TASK_OPTIONS)
  const { name } = first as TaskOptions
  if (name !== undefined) checkString('options.name', name)
  const fn = given[1]
  checkFunction('fn', fn)
  return { name, fn, args: given.slice(2) }
}

const NO_ARGUMENTS: unknown[] = []
const TASK_OPTIONS = optionNames<TaskOptions>({ name: true })
