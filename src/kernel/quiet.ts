/**
 * Quiet: nothing goes on by itself any more, every task of a run waits. Who wants to know it (`waitAllTasksBlocked`, a
 * simulated clock that may move on, a search for deadlocks) watches for it here.
 *
 * ```text
 *   an operation begins or settles, a scope ends ─► stir ─► setImmediate ─► look ─► setImmediate ─► look ─► watchers, by rank
 *                                                              ▲            │ not quiet: until the next stir
 *                                                              └────────────┘ somebody has only yielded: again
 * ```
 *
 * What must stay true:
 * 1. Nobody polls: without anything begun or settled there is no look. Without watchers there is not even a stir.
 * 2. A run is quiet when each of its tasks has begun to wait. A task without any pending operation is running, or waits for
 *    what knows nothing of scopes: it may go on at any time, so the run is not quiet.
 * 3. Two looks in a row, one whole pass of the event loop apart: what was readable has been delivered.
 */
import type { CancelScope } from './cancel-scope.ts'
import { detached } from './detached.ts'
import type { RunState } from './run-state.ts'
import { CANCEL_CALLED, CLOSING, LINGERING, TASK } from './scope-flags.ts'
import { yieldsPending } from './turn.ts'
import { RUNNABLE, TASKS, TIME, BACKEND } from './waits.ts'

export { BACKEND, REAL, RUNNABLE, TASKS, TIME } from './waits.ts'

/** Who wants to know that runs are quiet. */
export interface QuietWatcher {
  /** Lower ranks are asked first: 0 for tasks that wait for quiet, 1 for a clock, 2 for the search for deadlocks. */
  readonly rank: number
  /** The runs that have to be quiet. */
  runs(): Iterable<RunState>
  /**
   * They are quiet. True when this has set something going: the others need not be asked then.
   *
   * @param waits - what their tasks wait for, as bits of waits.ts
   */
  quiet(waits: number): boolean
}

/** Whether anybody watches; asked before every `stir`. */
export let watched = false

/** Returns the undo. */
export function watchQuiet(watcher: QuietWatcher): () => void {
  watchers = [...watchers, watcher].sort((a, b) => a.rank - b.rank)
  watched = true
  stir()
  return () => {
    watchers = watchers.filter((other) => other !== watcher)
    watched = watchers.length > 0
  }
}

/** Something has begun or ended: look soon. */
export function stir(): void {
  activity++
  lookSoon()
}

/** What the tasks of `run` wait for, as bits; `RUNNABLE` alone as soon as one does not wait. */
export function survey(run: RunState): number {
  if (run.host.busy?.() === true) return RUNNABLE
  let waits = 0
  const tasks = run.root === undefined || run.root.ended ? [] : [run.root._scope]
  // The list grows while it is walked.
  for (const task of tasks) {
    const waitsOfTask = surveyTask(task, tasks)
    if ((waitsOfTask & RUNNABLE) !== 0) return RUNNABLE
    waits |= waitsOfTask
  }
  return waits
}

let watchers: readonly QuietWatcher[] = []
/** Counts stirs. */
let activity = 0
let lookDue = false
/** `activity` at the last look that found quiet. */
let quietAt = -1

function lookSoon(): void {
  if (lookDue) return
  lookDue = true
  detached(setImmediate, look)
}

function look(): void {
  lookDue = false
  if (yieldsPending()) {
    lookSoon()
    return
  }
  const surveys = new Map<RunState, number>()
  const before = quietAt
  quietAt = -1
  for (const watcher of watchers) {
    const waits = surveyAll(watcher.runs(), surveys)
    if (waits === undefined) continue
    quietAt = activity
    if (before === activity && watcher.quiet(waits)) return
  }
  // The first of two looks (3); or somebody is busy with what no task will tell of.
  if ((quietAt !== -1 && before !== activity) || someHostBusy(surveys)) lookSoon()
}

/** Undefined where one of them is not quiet. */
function surveyAll(runs: Iterable<RunState>, surveys: Map<RunState, number>): number | undefined {
  let all = 0
  for (const run of runs) {
    const waits = surveys.get(run) ?? survey(run)
    surveys.set(run, waits)
    if ((waits & RUNNABLE) !== 0) return undefined
    all |= waits
  }
  return all
}

function someHostBusy(surveys: ReadonlyMap<RunState, number>): boolean {
  for (const run of surveys.keys()) {
    if (run.host.busy?.() === true) return true
  }
  return false
}

/** The task's own scopes; the scopes of tasks below them are appended to `tasks`. */
function surveyTask(own: CancelScope, tasks: CancelScope[]): number {
  const task = own._task!
  if (task._state === 'pending') return RUNNABLE
  const now = task.run.deadlines.now()
  let waits = task._ownWaits
  let releases = 0
  const scopes = [own]
  for (const scope of scopes) {
    if ((scope._flags & LINGERING) !== 0) return RUNNABLE
    // A body that has ended, and what it left behind, or the children of its group, have not.
    if ((scope._flags & CLOSING) !== 0) waits |= TASKS
    for (let operation = scope._operations; operation !== null; operation = operation._next) waits |= operation._waits
    for (let child = scope._scopes; child !== null; child = child._next) {
      if ((child._flags & TASK) === 0) scopes.push(child)
      else tasks.push(child)
    }
    if ((scope._flags & CANCEL_CALLED) === 0) {
      if (scope.deadline <= now) return RUNNABLE
      if (scope.deadline !== Infinity) releases |= TIME
      if (scope._listens) releases |= BACKEND
    }
  }
  return waits === 0 ? RUNNABLE : waits | releases
}
