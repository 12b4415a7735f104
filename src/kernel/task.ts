/**
 * A task: one function running in a scope of its own, under the scope of its group.
 *
 * Invariants
 * 1. A task has ended when its function has settled *and* everything begun in its frame has ended (rule 7). Only then
 *    does it leave its group, wake those who wait for it, and change its status.
 * 2. A failing task cancels its group at the moment it throws; waiting for what it left behind comes after.
 * 3. The outcome is kept in the task, never in a promise: a task that nobody waits for cannot cause an
 *    `unhandledRejection`.
 * 4. There is one for each connection of a server. Fields are few, closures are let go once they have been called.
 */
import { TaskCancelled, TaskFailed, UsageError } from '../errors.ts'
import { CancelScope } from './cancel-scope.ts'
import { Frame, callInFrame, currentFrame, enterFrame } from './context.ts'
import { taskChannel, tellTask } from './diagnostics.ts'
import { judgeTask } from './exit.ts'
import { inspectCustom, oneLine } from './inspect.ts'
import { append, unlink } from './links.ts'
import { markHandled, Operation, rejected } from './operation.ts'
import { closeOpenedIn } from './resources.ts'
import type { RunState } from './run-state.ts'
import { scheduleFirstStep } from './schedule.ts'
import { CAUGHT, EFFECTIVE, LEFT } from './scope-flags.ts'
import type { BodySink, ScopeOwner } from './scope-owner.ts'
import { runBodyHere } from './scope-run.ts'
import { TaskInfo } from './task-info.ts'
import { immediate, immediateVoid, settleFairly } from './turn.ts'
import { NEUTRAL, TASKS } from './waits.ts'

export type TaskFunction = (...args: never[]) => unknown

export type TaskState = 'pending' | 'running' | 'finished' | 'failed' | 'cancelled'

/** Whom a task reports to: its group, or a `start` that still waits for it, or the run. */
export interface TaskOwner {
  /** It threw, and what it left behind is being waited for. */
  taskFailed(task: Task): void
  /** It has ended, for good; it is about to leave its parent scope. */
  taskEnded(task: Task): void
}

/** Re-creates the handle that AnyIO 4 plans; `spawn` returns it. */
export interface TaskHandle<T> {
  /** The task as `getRunningTasks` shows it. */
  readonly info: TaskInfo
  /** How far it has come. */
  readonly status: 'pending' | 'running' | 'cancelling' | 'finished' | 'failed' | 'cancelled'
  /** Cancels this task alone; its group goes on. */
  cancel(reason?: unknown): void
  /** Waits until the task has ended, however it ended. */
  wait(): Promise<void>
  /** Waits for what the task returned. Rejects with `TaskFailed` (see `cause`) or `TaskCancelled`. */
  value(): Promise<T>
}

/** Who has to know when a task has ended: what the task may have left locked. */
export interface EndWatcher {
  /** @internal links of the task's list */
  _previous: EndWatcher | null
  /** @internal */
  _next: EndWatcher | null
  ownerEnded(task: Task): void
}

export class Task<T = unknown> implements TaskHandle<T>, ScopeOwner, BodySink {
  readonly id: number
  readonly run: RunState
  readonly fn: TaskFunction
  /** @internal */
  readonly _scope: CancelScope
  /** @internal a `start` hands the task over from the caller to the host of the group */
  _parent: Task | null
  /** @internal */
  _owner: TaskOwner
  #name: string | undefined
  #state: TaskState = 'pending'
  #endState: TaskState = 'finished'
  #outcome: unknown
  /** Until the first step. */
  #args: unknown[] | undefined
  #waiters: Set<JoinOperation> | undefined
  #info: TaskInfo | undefined
  #endWatchers: EndWatcher | null = null

  /** @param scope - the task's own; made by the caller, because the one of `main` has options */
  constructor(
    run: RunState,
    parent: Task | null,
    owner: TaskOwner,
    fn: TaskFunction,
    name: string | undefined,
    scope: CancelScope,
  ) {
    this.id = ++tasks
    this.run = run
    this.fn = fn
    this._scope = scope
    this._parent = parent
    this._owner = owner
    this.#name = name
  }

  get name(): string {
    return this.#name ?? (this.fn.name === '' ? `task ${this.id}` : this.fn.name)
  }

  get info(): TaskInfo {
    const parentId = this._parent === null ? null : this._parent.id
    if (this.#info === undefined || this.#info.parentId !== parentId)
      this.#info = TaskInfo._of(this.id, parentId, this.name, this.fn)
    return this.#info
  }

  get status(): TaskHandle<T>['status'] {
    return !this.ended && (this._scope._flags & EFFECTIVE) !== 0 ? 'cancelling' : this.#state
  }

  /** @internal What it waits for without an operation, as bits of waits.ts. */
  get _ownWaits(): number {
    return NEUTRAL
  }

  /** @internal `status`, but for 'cancelling' */
  get _state(): TaskState {
    return this.#state
  }

  get ended(): boolean {
    return this.#state !== 'pending' && this.#state !== 'running'
  }

  cancel(reason?: unknown): void {
    if (!this.ended) this._scope._cancel('explicit', reason)
  }

  wait(): Promise<void> {
    return this.#join(false) as Promise<void>
  }

  value(): Promise<T> {
    return this.#join(true) as Promise<T>
  }

  /** @internal Enters the tree under `parentScope`; the function is called later. */
  _begin(parentScope: CancelScope, args: unknown[]): void {
    this._scope._enterTask(parentScope, this)
    this.#args = args
    if (taskChannel.hasSubscribers) tellTask('spawned', this)
    callInFrame(new Frame(this, this._scope), scheduleFirstStep, [firstStep, this.run.scheduler])
  }

  /** @internal The function is called now. */
  _beginHere(args: unknown[]): void {
    this._scope._enterTask(null, this)
    this.#args = args
    if (taskChannel.hasSubscribers) tellTask('spawned', this)
    callInFrame(new Frame(this, this._scope), firstStep)
  }

  /** @internal In the task's frame. */
  _firstStep(): void {
    const args = this.#args!
    this.#args = undefined
    this.#state = 'running'
    if (taskChannel.hasSubscribers) tellTask('started', this)
    runBodyHere(this, this.fn, args)
  }

  /** @internal */
  bodyReturned(value: unknown): void {
    if ((this._scope._flags & LEFT) !== 0) closeOpenedIn(this._scope)
    else this.#settle('finished', value)
  }

  /** @internal */
  bodyThrew(error: unknown): void {
    if ((this._scope._flags & LEFT) !== 0) closeOpenedIn(this._scope)
    else this.#threw(error)
  }

  /** @internal The function goes on; it is not waited for. */
  leave(): void {
    this.#threw(this._scope._cancelled(`task "${this.name}"`))
  }

  /** @internal */
  get what(): string {
    return 'a task'
  }

  /** @internal */
  get body(): TaskFunction {
    return this.fn
  }

  #threw(error: unknown): void {
    const verdict = judgeTask(this._scope, error)
    if (verdict.kind === 'failed') this.#settle('failed', verdict.error)
    else {
      if (verdict.kind === 'caught') this._scope._flags |= CAUGHT
      this.#settle('cancelled', error)
    }
  }

  /** @internal */
  drained(): void {
    this.#state = this.#endState
    if (taskChannel.hasSubscribers) tellTask('ended', this)
    this._owner.taskEnded(this)
    if (this.#waiters !== undefined) {
      for (const waiter of this.#waiters) waiter.settle()
      this.#waiters = undefined
    }
    // Each is out of the list before it hears of it: what it does then may take it to another task's.
    for (let watcher = this.#endWatchers; watcher !== null; watcher = this.#endWatchers) {
      this._unwatchEnd(watcher)
      watcher.ownerEnded(this)
    }
    this._scope._end()
  }

  /** @internal */
  _watchEnd(watcher: EndWatcher): void {
    this.#endWatchers = append(this.#endWatchers, watcher)
  }

  /** @internal Harmless where it has been told. */
  _unwatchEnd(watcher: EndWatcher): void {
    if (watcher._previous !== null) this.#endWatchers = unlink(this.#endWatchers, watcher)
  }

  /** @internal A task outlives no body: it counts in its group. */
  disown(): void {}

  /** @internal The value, or the error. */
  get _outcome(): unknown {
    return this.#outcome
  }

  /** @internal Known once the function has settled; the state follows when the task has ended. */
  get _endState(): TaskState {
    return this.#endState
  }

  /** @internal What `value()` throws; undefined for a task that finished. */
  _joinError(): Error | undefined {
    if (this.#state === 'failed') return new TaskFailed(`task "${this.name}" failed`, { cause: this.#outcome })
    if (this.#state === 'cancelled') return new TaskCancelled(`task "${this.name}" was cancelled`)
    return undefined
  }

  /** @internal */
  _dropWaiter(waiter: JoinOperation): void {
    this.#waiters?.delete(waiter)
  }

  /** @internal */
  [inspectCustom](): string {
    return oneLine('TaskHandle', [`"${this.name}"`, this.status])
  }

  #settle(state: TaskState, outcome: unknown): void {
    this.#endState = state
    this.#outcome = outcome
    if (state === 'failed') this._owner.taskFailed(this)
    this._scope._bodyEnded(state === 'cancelled')
  }

  #join(wantsValue: boolean): Promise<unknown> {
    const what = wantsValue ? 'value()' : 'wait()'
    let scope: CancelScope
    try {
      const frame = enterFrame(what)
      // Waiting for its own end is a deadlock as well, and found as one; its own value is a plain mistake.
      if (wantsValue && frame.task === (this as Task<unknown>))
        throw new UsageError(`value(): task "${this.name}" would wait for itself`)
      scope = frame.scope
    } catch (error) {
      return rejected(error)
    }
    if (!this.ended) {
      const waiter = new JoinOperation(this, wantsValue)
      ;(this.#waiters ??= new Set()).add(waiter)
      return waiter.begin(scope)
    }
    if (!wantsValue) return immediateVoid()
    const error = this._joinError()
    if (error === undefined) return immediate(this.#outcome)
    const promise = rejected(error)
    markHandled(promise)
    return promise
  }
}

/** Waits in the caller's scope for the end of a task. */
class JoinOperation extends Operation<unknown> {
  readonly #task: Task
  readonly #wantsValue: boolean

  constructor(task: Task, wantsValue: boolean) {
    super()
    this.#task = task
    this.#wantsValue = wantsValue
  }

  settle(): void {
    const error = this.#wantsValue ? this.#task._joinError() : undefined
    // The group reports the failure: a value that is not awaited is no second one.
    if (error !== undefined) this.rejectHandled(error)
    else settleFairly((value) => this.resolve(value), this.#wantsValue ? this.#task._outcome : undefined)
  }

  override describe(): string {
    return `the end of task "${this.#task.name}"`
  }

  override get waitsFor(): number {
    return TASKS
  }

  protected override onCancel(cancelled: () => Error): void {
    this.#task._dropWaiter(this)
    this.reject(cancelled())
  }
}

/** One function for all tasks: it runs in the frame that it belongs to. */
function firstStep(): void {
  currentFrame()!.task._firstStep()
}

let tasks = 0
