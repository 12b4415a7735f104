/**
 * Deadlocks: every task of a run waits for what only another of its tasks could do.
 *
 * The run fails then. Its root scope is cancelled; where that does not help, because tasks wait behind shields, the shielded
 * scopes are cancelled themselves: a run that was found out must come to an end.
 */
import { UsageError } from '../errors.ts'
import {
  activeRuns,
  type CancelScope,
  type QuietWatcher,
  type RunState,
  stir,
  TASKS,
  watchQuiet,
} from '../kernel/index.ts'
import { dumpRun } from './dump.ts'

/** How many tasks the error shows. */
const SHOWN = 200

export function failOnDeadlock(run: RunState): void {
  run.atEnd.push(watchQuiet(new DeadlockWatcher(run)))
}

class DeadlockWatcher implements QuietWatcher {
  readonly rank = 2
  readonly #run: RunState

  constructor(run: RunState) {
    this.#run = run
  }

  /** Of the whole thread: a task of another run may hold the lock. */
  runs(): Iterable<RunState> {
    return activeRuns
  }

  quiet(waits: number): boolean {
    const run = this.#run
    const root = run.root?._scope
    if (waits !== TASKS || root === undefined) return false
    if (run.failure !== undefined) return cancelShielded(root)
    const text = `every task of ${run.label} waits for another one, and nothing can wake any of them (deadlock)`
    run.failure = new UsageError(`${text}:\n${dumpRun(run, SHOWN)}`)
    root._cancel('explicit', run.failure)
    // Where everybody is behind a shield, nothing has happened that would make anybody look again.
    stir(run)
    return true
  }
}

/** Whether there were any. */
function cancelShielded(root: CancelScope): boolean {
  const scopes = [root]
  const shielded: CancelScope[] = []
  for (const scope of scopes) {
    if (scope.shield && !scope.cancelCalled) shielded.push(scope)
    for (let child = scope._scopes; child !== null; child = child._next) scopes.push(child)
  }
  for (const scope of shielded) scope._cancel('explicit', 'deadlock')
  return shielded.length > 0
}
