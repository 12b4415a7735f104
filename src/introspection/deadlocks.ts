/**
 * Deadlocks: every task of a run waits for another one of its tasks.
 *
 * The run fails then (OBSERVE-2), and its root scope is cancelled. If tasks still wait behind shields, the shielded
 * scopes are cancelled too, so that the run ends.
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

  /** All runs of the thread: a task of another run may hold the lock. */
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
    // If every task waits behind a shield, the cancellation has changed nothing, so ask for another survey.
    stir(run)
    return true
  }
}

/** Whether there were any shielded scopes. */
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
