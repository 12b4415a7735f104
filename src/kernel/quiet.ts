/**
 * Quiet: every task of a run waits, and none goes on by itself. `waitAllTasksBlocked`, a simulated clock that may
 * advance, and the search for deadlocks watch for that here.
 *
 * ```text
 *  an operation begins or settles, a scope ends ─► stir ─► setImmediate ─► survey ─► setImmediate ─► survey ─► watchers
 *                                                                          │ not quiet: until the next stir
 * ```
 *
 * What must stay true:
 * 1. Nothing polls: there is no survey until something begins or settles. Without watchers, `stir` is not even called.
 * 2. A run is quiet when each of its tasks waits. A task without a pending operation is running, or awaits a promise of
 *    other code: it may go on at any time, so the run is not quiet.
 * 3. It takes two surveys in a row without a `stir` of these runs, one whole iteration of the event loop apart: then
 *    ready I/O has been delivered, and work postponed to the next turn has run. Other runs of the thread do not matter.
 */
import { atCheck } from './iteration.ts'
import { CANCEL_CALLED, CLOSING, LINGERING, TASK } from './scope-flags.ts'
import type { HoldingNode, RunNode, ScopeNode } from './tree.ts'
import { BACKEND, FOREIGN, RUNNABLE, TASKS, TIME, UNKNOWN } from './waits.ts'

export { BACKEND, FOREIGN, REAL, RUNNABLE, TASKS, TIME, UNKNOWN } from './waits.ts'

/** A listener that is called when runs are quiet. */
export interface QuietWatcher {
  /** Lower ranks are called first: 0 for tasks that wait for quiet, 1 for a clock, 2 for the search for deadlocks. */
  readonly rank: number
  /**
   * Whether tasks that await promises of other code count as waiting. Default: such a run is not quiet.
   */
  readonly asksDespiteForeign?: boolean
  /** The runs that have to be quiet. */
  runs(): Iterable<RunNode>
  /**
   * The runs are quiet. Returns true when this has set something going: the other watchers are not called then.
   *
   * @param waits - what the tasks wait for, as bits of waits.ts
   */
  quiet(waits: number): boolean
}

/** Whether there are watchers; tested before every `stir`. */
export let watched = false

/** Returns the undo. */
export function watchQuiet(watcher: QuietWatcher): () => void {
  watchers = [...watchers, watcher].sort((a, b) => a.rank - b.rank)
  watched = true
  stir()
  return () => {
    watchers = watchers.filter((other) => other !== watcher)
    lastQuiet.delete(watcher)
    watched = watchers.length > 0
  }
}

/** Something has begun or ended, in `run` if it is given: schedules a survey. */
export function stir(run?: RunNode): void {
  if (run !== undefined) run.stirredAt = ++stirs
  surveySoon()
}

/** Remembers the `use` in which an operation or a scope was begun. Called only while there are watchers. */
export function noteHolding(begun: object, held: HoldingNode | undefined): void {
  if (held !== undefined) holdings.set(begun, held)
}

/** The bits of all that the tasks of `run` wait for; `RUNNABLE` alone if one does not wait. */
export function survey(run: RunNode): number {
  if (run.host.busy?.() === true) return RUNNABLE
  let waits = run.listens || run.portals > 0 ? BACKEND : 0
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
/** Number of changes so far. */
let stirs = 0
let surveyDue = false
const holdings = new WeakMap<object, HoldingNode>()

/** State at a survey. */
interface Snapshot {
  readonly runs: number
  readonly stirredAt: number
}

/** State at the previous survey, for watchers whose runs were quiet. */
const lastQuiet = new Map<QuietWatcher, Snapshot>()

function surveySoon(): void {
  if (surveyDue) return
  surveyDue = true
  atCheck(surveyRuns)
}

function surveyRuns(): void {
  surveyDue = false
  const surveys = new Map<RunNode, number>()
  for (const watcher of watchers) {
    const before = lastQuiet.get(watcher)
    lastQuiet.delete(watcher)
    const { waits, snapshot } = surveyAll(watcher.runs(), surveys)
    if ((waits & (watcher.asksDespiteForeign === true ? RUNNABLE : RUNNABLE | FOREIGN)) !== 0) continue
    if (before === undefined || before.runs !== snapshot.runs || before.stirredAt !== snapshot.stirredAt) {
      // The first of two surveys (3).
      lastQuiet.set(watcher, snapshot)
      surveySoon()
    } else if (watcher.quiet(waits)) {
      lastQuiet.clear()
      surveySoon()
      return
    }
  }
  // The host is busy with work that no task reports.
  for (const run of surveys.keys()) if (run.host.busy?.() === true) surveySoon()
}

function surveyAll(runs: Iterable<RunNode>, surveys: Map<RunNode, number>): { waits: number; snapshot: Snapshot } {
  let waits = 0
  let count = 0
  let stirredAt = 0
  for (const run of runs) {
    let waitsOfRun = surveys.get(run)
    if (waitsOfRun === undefined) surveys.set(run, (waitsOfRun = survey(run)))
    waits |= waitsOfRun
    count++
    stirredAt = Math.max(stirredAt, run.stirredAt)
  }
  return { waits, snapshot: { runs: count, stirredAt } }
}

/** Surveys the task's own scopes; appends the scopes of child tasks to `tasks`. */
function surveyTask(own: ScopeNode, tasks: ScopeNode[]): number {
  const task = own._task!
  if (task._state === 'pending') return RUNNABLE
  const now = task.run.deadlines.now()
  let waits = task._ownWaits
  let releases = 0
  const bodies = new Bodies()
  const scopes = [own]
  for (const scope of scopes) {
    if ((scope._flags & LINGERING) !== 0) return RUNNABLE
    // The body has ended. The scope waits for its leftovers, or for the children of its group.
    if ((scope._flags & CLOSING) !== 0) waits |= TASKS
    else if (scope !== own && scope._operations === null && scope._scopes === null) releases |= UNKNOWN
    for (let operation = scope._operations; operation !== null; operation = operation._next) {
      waits |= operation._waits
      bodies.see(operation, operation._holding)
    }
    for (let child = scope._scopes; child !== null; child = child._next) {
      if ((child._flags & TASK) === 0) {
        scopes.push(child)
        bodies.see(child, undefined)
      } else tasks.push(child)
    }
    if ((scope._flags & CANCEL_CALLED) === 0) {
      if (scope.deadline <= now) return RUNNABLE
      if (scope.deadline !== Infinity) releases |= TIME
      if (scope._listens) releases |= BACKEND
    }
  }
  if (bodies.someIdle) releases |= UNKNOWN
  return waits === 0 ? FOREIGN : waits | releases
}

/** The `use` bodies that run in one task, and those of them in which something waits. */
class Bodies {
  #running: Set<HoldingNode> | undefined
  #busy: Set<HoldingNode> | undefined

  /** @param running - the `use` whose body `begun` runs, if it runs one */
  see(begun: object, running: HoldingNode | undefined): void {
    if (running !== undefined) (this.#running ??= new Set()).add(running)
    const inside = running === undefined ? holdings.get(begun) : running.outer
    for (let holding = inside; holding !== undefined; holding = holding.outer) (this.#busy ??= new Set()).add(holding)
  }

  get someIdle(): boolean {
    for (const holding of this.#running ?? []) if (this.#busy?.has(holding) !== true) return true
    return false
  }
}
