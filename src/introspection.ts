/** Lists the running tasks and what they wait for. */
import type { Cancelled } from './errors.ts'
import { dumpRun } from './introspection/dump.ts'
import {
  activeRuns,
  type CancelScope,
  currentFrame,
  enterFrame,
  isTaskScope,
  Operation,
  type QuietWatcher,
  rejected,
  requireFrame,
  type RunState,
  type TaskInfo,
  TASKS,
  watchQuiet,
} from './kernel/index.ts'

export { type ScopeEvent, type SuppressedErrorEvent, type TaskEvent, TaskInfo } from './kernel/index.ts'

/** The task that runs this code. @throws NotRunningError outside every task */
export function getCurrentTask(): TaskInfo {
  return requireFrame('getCurrentTask').task.info
}

/**
 * The tasks of the current `run` that have not ended, oldest first. In a callback that belongs to no task: the tasks of
 * all runs of this thread.
 */
export function getRunningTasks(): TaskInfo[] {
  const infos: TaskInfo[] = []
  for (const { root } of runsHere()) {
    if (root !== undefined) addTasks(root._scope, infos)
  }
  return infos.sort((a, b) => a.id - b.id)
}

/**
 * For tests: waits until every other task of the run waits for I/O, for a time that has not come yet, or for another
 * task. A task that has only yielded does not count as waiting, and neither does one that awaits a promise of another
 * library (other than by `abandonOnCancel`). Nothing polls.
 */
export function waitAllTasksBlocked(): Promise<void> {
  try {
    const { scope, task } = enterFrame('waitAllTasksBlocked')
    let waiters = quietWaiters.get(task.run)
    if (waiters === undefined) quietWaiters.set(task.run, (waiters = new QuietWaiters(task.run)))
    const operation = new QuietOperation(waiters)
    waiters.add(operation)
    return operation.begin(scope)
  } catch (error) {
    return rejected(error)
  }
}

/**
 * The tree of tasks as text: their names, what each waits for and since when, the scopes with their deadlines and the
 * reasons of their cancellation. With the run's `traceResources` or `detectDeadlocks`, also the line that spawned each
 * task.
 *
 * It shows the current `run`; in a callback that belongs to no task, all runs of this thread. Times are whole
 * milliseconds of `currentTime()`. The format may change in any release.
 *
 * @example
 * ```ts
 * process.on('SIGUSR2', () => console.error(dumpTasks()))
 * ```
 */
export function dumpTasks(): string {
  const dumps = runsHere().map((run) => dumpRun(run))
  return dumps.length === 0 ? 'nothing is running' : dumps.join('\n')
}

function runsHere(): RunState[] {
  const current = currentFrame()?.task.run
  return current === undefined || current.settled ? [...activeRuns] : [current]
}

/** There is no register of tasks: the tree of scopes has them. */
function addTasks(root: CancelScope, infos: TaskInfo[]): void {
  const scopes = [root]
  for (let scope = scopes.pop(); scope !== undefined; scope = scopes.pop()) {
    if (isTaskScope(scope) && !scope._task!.ended) infos.push(scope._task!.info)
    for (let child = scope._scopes; child !== null; child = child._next) scopes.push(child)
  }
}

const quietWaiters = new WeakMap<RunState, QuietWaiters>()

/** The calls of `waitAllTasksBlocked` in one run. They resolve together. */
class QuietWaiters implements QuietWatcher {
  readonly rank = 0
  readonly #run: RunState
  readonly #waiting = new Set<QuietOperation>()
  #unwatch: (() => void) | undefined

  constructor(run: RunState) {
    this.#run = run
  }

  add(operation: QuietOperation): void {
    this.#waiting.add(operation)
    this.#unwatch ??= watchQuiet(this)
  }

  delete(operation: QuietOperation): void {
    this.#waiting.delete(operation)
    if (this.#waiting.size > 0) return
    this.#unwatch?.()
    this.#unwatch = undefined
  }

  runs(): Iterable<RunState> {
    return [this.#run]
  }

  quiet(): boolean {
    for (const operation of [...this.#waiting]) {
      this.delete(operation)
      operation.resolve()
    }
    return true
  }
}

class QuietOperation extends Operation<void> {
  readonly #waiters: QuietWaiters

  constructor(waiters: QuietWaiters) {
    super()
    this.#waiters = waiters
  }

  override describe(): string {
    return 'all other tasks to wait'
  }

  override get waitsFor(): number {
    return TASKS
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.#waiters.delete(this)
    this.reject(cancelled())
  }
}
