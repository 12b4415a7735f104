/**
 * A task: one function running in a scope of its own, under the scope of its group.
 *
 * Invariants
 * 1. A task has ended when its function has settled *and* everything begun in its frame has ended (SCOPE-7). Only then
 *    does it leave its group, wake its waiters, and change its status.
 * 2. A failing task cancels its group at the moment it throws. Then it waits for its leftovers.
 * 3. The outcome is kept in the task, never in a promise: a task without waiters cannot cause an `unhandledRejection`.
 * 4. A server has one task for each connection. Fields are few, and closures are dropped once they have been called.
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
import { selectable, type Selectable, type SelectSource } from './selectable.ts'
import type { BodySink, ScopeOwner } from './scope-owner.ts'
import { runBodyHere } from './scope-run.ts'
import { TaskInfo } from './task-info.ts'
import { immediate, immediateVoid, settleFairly } from './turn.ts'
import { NEUTRAL, TASKS } from './waits.ts'

export type TaskFunction = (...args: never[]) => unknown

export type TaskState = 'pending' | 'running' | 'finished' | 'failed' | 'cancelled'

/** The receiver of a task's outcome: its group, a `start` that still waits for it, or the run. */
export interface TaskOwner {
  /** The task has thrown. It still waits for its leftovers. */
  taskFailed(task: Task): void
  /** The task has ended. It is about to leave its parent scope. */
  taskEnded(task: Task): void
}

/** A task, as `TaskGroup.spawn` returns it: to watch it, to wait for it, or to cancel it. */
export interface TaskHandle<T> extends Selectable<T> {
  /** The task as `getRunningTasks` shows it. */
  readonly info: TaskInfo
  /** The state of the task. `cancelling`: it is cancelled and has not ended yet. */
  readonly status: 'pending' | 'running' | 'cancelling' | 'finished' | 'failed' | 'cancelled'
  /** Cancels this task alone; its group goes on. @param reason - becomes `cancelReason.detail` of the task's scope */
  cancel(reason?: unknown): void
  /** Waits until the task has ended, whatever its outcome. */
  wait(): Promise<void>
  /**
   * Waits for the value that the task returns. Rejects with `TaskFailed`, whose `cause` is the error, or
   * `TaskCancelled`.
   */
  value(): Promise<T>
}

/** Called when a task has ended: a lock that the task may still own. */
export interface EndWatcher {
  /** @internal Links of the task's list. */
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
  /** @internal `start` hands the task over from the caller to the host of the group. */
  _parent: Task | null
  /** @internal */
  _owner: TaskOwner
  #name: string | undefined
  #state: TaskState = 'pending'
  #endState: TaskState = 'finished'
  #outcome: unknown
  /** Kept until the first step. */
  #args: unknown[] | undefined
  #waiters: Set<Joining> | undefined
  #info: TaskInfo | undefined
  #endWatchers: EndWatcher | null = null

  /** @param scope - the task's own; the caller makes it, because the scope of `main` has options */
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

  /** @internal What the task waits for without an operation, as bits of waits.ts. */
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

  /** @internal Enters the tree under `parentScope`. The function is called later. */
  _begin(parentScope: CancelScope, args: unknown[]): void {
    this._scope._enterTask(parentScope, this)
    this.#args = args
    if (taskChannel.hasSubscribers) tellTask('spawned', this)
    callInFrame(new Frame(this, this._scope), scheduleFirstStep, [firstStep, this.run.scheduler])
  }

  /** @internal Calls the function at once. */
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

  /** @internal The function is left behind: it goes on, and the task does not wait for it. */
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
    // Each leaves the list first: the callback may put it into another task's list.
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

  /** @internal Harmless after the call of `ownerEnded`. */
  _unwatchEnd(watcher: EndWatcher): void {
    if (watcher._previous !== null) this.#endWatchers = unlink(this.#endWatchers, watcher)
  }

  /** @internal A task outlives no body: its group waits for it. */
  disown(): void {}

  /** @internal The value, or the error. */
  get _outcome(): unknown {
    return this.#outcome
  }

  /** @internal Known once the function has settled. `_state` follows when the task has ended. */
  get _endState(): TaskState {
    return this.#endState
  }

  /** @internal The error that `value()` throws; `undefined` for a task that finished. */
  _joinError(): Error | undefined {
    if (this.#state === 'failed') return new TaskFailed(`task "${this.name}" failed`, { cause: this.#outcome })
    if (this.#state === 'cancelled') return new TaskCancelled(`task "${this.name}" was cancelled`)
    return undefined
  }

  /** For `select`: ready once the task has ended; gives what `value()` gives. */
  [selectable](): SelectSource<T> {
    this.#refuseItself('select', currentFrame())
    return {
      once: true,
      waitsFor: TASKS,
      ready: () => this.ended,
      take: () => {
        const error = this._joinError()
        if (error !== undefined) throw error
        return this.#outcome as T
      },
      watch: (changed) => {
        const waiter = { settle: changed }
        ;(this.#waiters ??= new Set()).add(waiter)
        return () => this._dropWaiter(waiter)
      },
    }
  }

  /** @internal */
  _dropWaiter(waiter: Joining): void {
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

  #refuseItself(what: string, frame: Frame | undefined): void {
    if (frame?.task === (this as Task<unknown>))
      throw new UsageError(`${what}: task "${this.name}" would wait for itself`)
  }

  #join(wantsValue: boolean): Promise<unknown> {
    const what = wantsValue ? 'value()' : 'wait()'
    let scope: CancelScope
    try {
      const frame = enterFrame(what)
      // `detectDeadlocks` finds a task that waits for its own end. Its own value is a plain mistake (TASK-4).
      if (wantsValue) this.#refuseItself('value()', frame)
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

/** Waits for the end of a task. */
interface Joining {
  settle(): void
}

/** A call that waits for the end of a task, in the caller's scope. */
class JoinOperation extends Operation<unknown> implements Joining {
  readonly #task: Task
  readonly #wantsValue: boolean

  constructor(task: Task, wantsValue: boolean) {
    super()
    this.#task = task
    this.#wantsValue = wantsValue
  }

  settle(): void {
    const error = this.#wantsValue ? this.#task._joinError() : undefined
    // The group reports the failure: a `value()` that is not awaited must not report it again.
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

/** One function for all tasks: it finds its task in the current frame. */
function firstStep(): void {
  currentFrame()!.task._firstStep()
}

let tasks = 0
