/**
 * One run: the root task in the root scope.
 *
 * Invariants
 * 1. The promise settles after every task of the tree has ended (the root task's own end waits for them all) and every
 *    resource that was left open has been closed.
 * 2. All runs of a thread share one handle that keeps the process alive.
 * 3. A run whose host refuses it leaves nothing behind: no handle, and no active run.
 * 4. The promise settles, even if something throws while the run ends. It rejects with the first error of the host or a
 *    callback of `atEnd`, unless the run failed by itself; the others go to the channel `structio:suppressed-error`.
 */
import { UsageError } from '../errors.ts'
import { CancelScope } from './cancel-scope.ts'
import { currentFrame } from './context.ts'
import { tellSuppressed } from './diagnostics.ts'
import { absorbLeftBehind } from './left-behind.ts'
import { releaseProcess, retainProcess } from './keep-alive.ts'
import { takeFunctions, takenFunctions } from './operation.ts'
import { RunState, type Host, type RunSetup, activeRuns } from './run-state.ts'
import { leaveScheduler, useScheduler } from './schedule.ts'
import { Task, type TaskFunction, type TaskOwner } from './task.ts'

export interface RootOptions extends RunSetup {
  /** Cancels the root scope; the run then rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
  readonly keepAlive: boolean
  /** Lets the run settle once it is cancelled, although its `main` waits for foreign work. */
  readonly abandon?: boolean | undefined
}

export interface RootRun {
  readonly run: RunState
  readonly scope: CancelScope
  readonly promise: Promise<unknown>
}

/** Refuses a `run` inside a task that has not ended (RUN-1). */
export function refuseNestedRun(): void {
  const task = currentFrame()?.task
  if (task === undefined || task.ended) return
  throw new UsageError(`run was called inside task "${task.name}": a task starts others with tg.spawn of a task group`)
}

export function startRun(host: Host, main: () => unknown, options: RootOptions): RootRun {
  const root = new Root(new RunState(host, options), options)
  root.start(main)
  return { run: root.run, scope: root.scope, promise: root.promise }
}

class Root implements TaskOwner {
  readonly run: RunState
  readonly scope: CancelScope
  readonly promise: Promise<unknown>
  readonly #options: RootOptions
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void

  constructor(run: RunState, options: RootOptions) {
    this.run = run
    this.#options = options
    this.scope = new CancelScope({ signal: options.signal, name: options.name, abandon: options.abandon })
    this.promise = new Promise<unknown>(takeFunctions)
    const { resolve, reject } = takenFunctions()
    this.#resolve = resolve
    this.#reject = reject
  }

  start(main: TaskFunction): void {
    const { run } = this
    absorbLeftBehind()
    activeRuns.add(run)
    useScheduler(run.scheduler)
    if (this.#options.keepAlive) retainProcess()
    try {
      run.host.runStarted?.(run)
    } catch (error) {
      this.#leave()
      throw error
    }
    run.root = new Task(run, null, this, main, run.name ?? (main.name === '' ? 'main' : main.name), this.scope)
    run.root._beginHere([])
  }

  taskFailed(): void {}

  taskEnded(task: Task): void {
    void this.#settle(task)
  }

  async #settle(task: Task): Promise<void> {
    const { run } = this
    await run.resources.closeAll()
    this.#leave()
    const errors = failuresOf([() => run.host.runEnded?.(run), ...run.atEnd])
    const { failed, outcome } = this.#verdict(task)
    if (failed || errors.length === 0) (failed ? this.#reject : this.#resolve)(outcome)
    else this.#reject(errors.shift())
    for (const error of errors) tellSuppressed(task, error)
  }

  #leave(): void {
    const { run } = this
    run.settled = true
    activeRuns.delete(run)
    leaveScheduler(run.scheduler)
    if (this.#options.keepAlive) releaseProcess()
  }

  #verdict(task: Task): { readonly failed: boolean; readonly outcome: unknown } {
    if (this.run.failure !== undefined) return { failed: true, outcome: this.run.failure }
    if (task._endState !== 'cancelled') return { failed: task._endState === 'failed', outcome: task._outcome }
    const reason = this.scope.cancelReason
    if (!this.scope.cancelledCaught || reason === undefined) return { failed: true, outcome: task._outcome }
    if (reason.kind === 'signal') return { failed: true, outcome: reason.detail }
    return { failed: false, outcome: undefined }
  }
}

/** Calls each of `steps`, and returns the errors that they threw (4). */
function failuresOf(steps: readonly (() => void)[]): unknown[] {
  const errors: unknown[] = []
  for (const step of steps) {
    try {
      step()
    } catch (error) {
      errors.push(error)
    }
  }
  return errors
}
