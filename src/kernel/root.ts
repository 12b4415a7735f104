/**
 * One run of the event loop: the root task in the root scope, and what must be true when the promise settles.
 *
 * Invariants
 * 1. The promise settles after every task of the tree has ended (the root task's own end waits for them all) and every
 *    resource that was left open has been closed.
 * 2. A run that keeps the process alive does so with one handle per thread, however many runs there are.
 * 3. A run whose host refuses it leaves nothing behind: no handle, and no active run.
 */
import { UsageError } from '../errors.ts'
import { CancelScope } from './cancel-scope.ts'
import { currentFrame } from './context.ts'
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
  /** The run settles though its `main` waits for foreign work, once it is cancelled. */
  readonly abandon?: boolean | undefined
}

export interface RootRun {
  readonly run: RunState
  readonly scope: CancelScope
  readonly promise: Promise<unknown>
}

/** `run` may be called anywhere but inside a task, also where a task or a run has been. */
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
    run.host.runEnded?.(run)
    for (const end of run.atEnd) end()
    if (run.failure !== undefined) this.#reject(run.failure)
    else if (task._endState === 'finished') this.#resolve(task._outcome)
    else if (task._endState === 'failed') this.#reject(task._outcome)
    else this.#settleCancelled(task)
  }

  #leave(): void {
    const { run } = this
    run.settled = true
    activeRuns.delete(run)
    leaveScheduler(run.scheduler)
    if (this.#options.keepAlive) releaseProcess()
  }

  #settleCancelled(task: Task): void {
    const reason = this.scope.cancelReason
    if (!this.scope.cancelledCaught || reason === undefined) this.#reject(task._outcome)
    else if (reason.kind === 'signal') this.#reject(reason.detail)
    else this.#resolve(undefined)
  }
}
