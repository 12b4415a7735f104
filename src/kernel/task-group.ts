/**
 * The task group: a scope that tasks can be spawned into. It ends after all of them.
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
 * 3. The outcome is decided at the end of the group, not of the body: all errors as one ExceptionGroup; otherwise one
 *    Cancelled if the host was cancelled from outside; otherwise the body's value.
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

/** Options of `spawn` and `start`. */
export interface TaskOptions {
  /** Shown in error messages and dumps. Default: the name of the function. */
  name?: string | undefined
}

/**
 * A set of tasks that run together and end together: the call of `createTaskGroup` that made the group settles after
 * all of them. One failure cancels the others.
 */
export class TaskGroup implements ScopeOwner, BodySink, TaskOwner {
  /**
   * The scope of the whole group, with its body and all tasks: to cancel it, to shield it, or to give it a deadline.
   */
  readonly cancelScope: CancelScope
  /** @internal The task that opened the group. */
  readonly _host: Task
  readonly #promise: Promise<unknown>
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void
  readonly #errors: unknown[] = []
  /** Outcome of the body. */
  #value: unknown
  #cancelled: Cancelled | undefined
  /** The host had to wait for children, and could be cancelled there. */
  #waited = false
  /** The body around the group has ended: its scope reports the failure. */
  #leftOver = false
  /** Set when the body has been left behind: whether the promise settles before the body does. */
  #left: undefined | 'settled' | 'unsettled'
  /** @internal */
  readonly body: (...args: never[]) => unknown
  /** The call that the group implements (`gather`). Its caller expects no `undefined`. */
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
   * Starts `fn(...args)` as a task of the group and returns at once: `fn` is called later, never inside this call.
   * Works from any task and any callback of the thread.
   *
   * @throws UsageError when the group has ended; the function is then not called
   * @example
   * ```ts
   * tg.spawn(() => pollQueue())
   * tg.spawn({ name: `worker ${n}` }, work, queue, n)
   * const total = tg.spawn(countRows)
   * console.log(await total.value())
   * ```
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
   * Starts `fn(status, ...args)` and waits until it calls `status.started(value)`. Resolves with that value, while the
   * task goes on in the group. Until then the task runs under the caller's scope, and the caller gets its failure.
   *
   * Rejects with the error itself of a task that failed before it was ready, and with `UsageError` when the task
   * returned without a call of `started`, or the group has ended. Yields, but is not itself a cancel point (TASK-6).
   *
   * @example
   * ```ts
   * await tg.start(async (status: TaskStatus) => {
   *   await using server = await createTcpServer(8080)
   *   status.started()
   *   await server.serve(handle)
   * }) // here the server listens
   * ```
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

  /** @internal @param owner - gets the end of the task, and decides what it passes on to the group */
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
      // The scope was shielded or moved since. The children must still not outlast a body that was cancelled.
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
    // A scope left behind ends at once: the scopes around it follow in the same step.
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
    // Leaving a group is no cancel point (TASK-6). Waiting for the children is one.
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

/** A call that is implemented by a group, such as `raceTasks`. @internal */
export interface GroupCall {
  readonly what: string
  /** The outcome in place of the group's own. Called once every child has ended. */
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
