/**
 * Quiet: nothing goes on by itself any more, every task of a run waits. Who wants to know it (`waitAllTasksBlocked`, a
 * simulated clock that may move on, a search for deadlocks) watches for it here.
 *
 * ```text
 *   an operation begins or settles, a scope ends ─► stir ─► setImmediate ─► look ─► setImmediate ─► look ─► watchers, by rank
 *                                                                           │ not quiet: until the next stir
 * ```
 *
 * What must stay true:
 * 1. Nobody polls: without anything begun or settled there is no look. Without watchers there is not even a stir.
 * 2. A run is quiet when each of its tasks has begun to wait. A task without any pending operation is running, or waits
 *    for what knows nothing of scopes: it may go on at any time, so the run is not quiet.
 * 3. Two looks in a row without a stir of these runs, one whole pass of the event loop apart: what was readable has
 *    been delivered, and what was put off to the next turn has gone on. Other runs of the thread may do what they like.
 */
import { atCheck } from './iteration.ts'
import { CANCEL_CALLED, CLOSING, LINGERING, TASK } from './scope-flags.ts'
import type { HoldingNode, RunNode, ScopeNode } from './tree.ts'
import { BACKEND, FOREIGN, RUNNABLE, TASKS, TIME, UNKNOWN } from './waits.ts'

export { BACKEND, FOREIGN, REAL, RUNNABLE, TASKS, TIME, UNKNOWN } from './waits.ts'

/** Who wants to know that runs are quiet. */
export interface QuietWatcher {
  /** Lower ranks are asked first: 0 for tasks that wait for quiet, 1 for a clock, 2 for the search for deadlocks. */
  readonly rank: number
  /**
   * Wants to be asked also while tasks wait for promises that are not of this library. Others take these for not quiet.
   */
  readonly asksDespiteForeign?: boolean
  /** The runs that have to be quiet. */
  runs(): Iterable<RunNode>
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
    lastQuiet.delete(watcher)
    watched = watchers.length > 0
  }
}

/** Something has begun or ended, in `run` if it is given: look soon. */
export function stir(run?: RunNode): void {
  if (run !== undefined) run.stirredAt = ++stirs
  lookSoon()
}

/** Remembers inside which `use` an operation or a scope was begun. Asked for only while somebody watches. */
export function noteHolding(begun: object, held: HoldingNode | undefined): void {
  if (held !== undefined) holdings.set(begun, held)
}

/** What the tasks of `run` wait for, as bits; `RUNNABLE` alone as soon as one does not wait. */
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
/** Counts. */
let stirs = 0
let lookDue = false
const holdings = new WeakMap<object, HoldingNode>()

/** What was so at the look before. */
interface Sight {
  readonly runs: number
  readonly stirredAt: number
}

/** Of the watchers whose runs were quiet. */
const lastQuiet = new Map<QuietWatcher, Sight>()

function lookSoon(): void {
  if (lookDue) return
  lookDue = true
  atCheck(look)
}

function look(): void {
  lookDue = false
  const surveys = new Map<RunNode, number>()
  for (const watcher of watchers) {
    const before = lastQuiet.get(watcher)
    lastQuiet.delete(watcher)
    const { waits, sight } = surveyAll(watcher.runs(), surveys)
    if ((waits & (watcher.asksDespiteForeign === true ? RUNNABLE : RUNNABLE | FOREIGN)) !== 0) continue
    if (before === undefined || before.runs !== sight.runs || before.stirredAt !== sight.stirredAt) {
      // The first of two looks (3).
      lastQuiet.set(watcher, sight)
      lookSoon()
    } else if (watcher.quiet(waits)) {
      lastQuiet.clear()
      lookSoon()
      return
    }
  }
  // With what no task will tell of.
  for (const run of surveys.keys()) if (run.host.busy?.() === true) lookSoon()
}

function surveyAll(runs: Iterable<RunNode>, surveys: Map<RunNode, number>): { waits: number; sight: Sight } {
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
  return { waits, sight: { runs: count, stirredAt } }
}

/** The task's own scopes; the scopes of tasks below them are appended to `tasks`. */
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
    // A body that has ended, and what it left behind, or the children of its group, have not.
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

/** The bodies of `use` calls that run in one task, and those of them in which something waits. */
class Bodies {
  #running: Set<HoldingNode> | undefined
  #busy: Set<HoldingNode> | undefined

  /** @param running - the body that `begun` runs, if that is what it does */
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
