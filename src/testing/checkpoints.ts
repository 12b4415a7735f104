/**
 * Is it a checkpoint? An operation is one when it throws `Cancelled` in a cancelled scope, also where it would not have to
 * wait, and when a loop of such operations cannot keep everybody else from running (api.md §0).
 *
 * The first is tried by calling it in a cancelled scope. The second cannot be seen in one call as it is: what completes at
 * once gives way only now and then, when the budget for that (kernel/turn.ts) is spent. So it is spent before the call.
 */

import { Cancelled } from '../errors.ts'
import { rejected } from '../kernel/operation.ts'
import { spendBudget } from '../kernel/turn.ts'
import { CancelScope, checkpointIfCancelled } from '../scopes.ts'
import { checkFunction } from '../validate.ts'
import { failure, show } from './failure.ts'
import { Trial } from './trial.ts'

/** How long an operation may take in a cancelled scope: milliseconds of the run's clock. */
const PATIENCE = 10_000

/**
 * Asserts that an operation is a checkpoint, and returns its value:
 *
 * ```ts
 * const reply = await assertCheckpoints(() => client.ask('question'))
 * ```
 *
 * It is called twice: first in a cancelled scope, where it has to throw `Cancelled` (and ought to do nothing else), then where
 * the call was made, when nothing may complete at once any more: it has to let other tasks, timers and I/O run before its
 * promise settles. What it throws of its own then comes out as it is. Re-creates Trio's `assert_checkpoints`.
 *
 * @param operation - one call of what is to be checked
 * @throws AssertionError that says what was missing; what the operation threw instead of `Cancelled` is its `cause`
 */
export function assertCheckpoints<T>(operation: () => T | PromiseLike<T>): Promise<T> {
  try {
    checkFunction('operation', operation)
    // A call that was not awaited is cancelled, and waited for, as one operation (api.md §2, rule 7).
    return CancelScope._operation('assertCheckpoints', () => check(operation))
  } catch (error) {
    return rejected(error)
  }
}

/**
 * Asserts that `body` has no checkpoint in it: that it can neither be cancelled nor lets anybody else run. It is called
 * once, in a cancelled scope, and its value is returned; `body` may be synchronous, and may wait for promises that are
 * settled already. Re-creates Trio's `assert_no_checkpoints`.
 *
 * @throws AssertionError when it threw `Cancelled`, or did not settle in the turn of the event loop in which it was called
 */
export function assertNoCheckpoints<T>(body: () => T | PromiseLike<T>): Promise<T> {
  try {
    checkFunction('body', body)
    return CancelScope._operation('assertNoCheckpoints', () => checkNone(body))
  } catch (error) {
    return rejected(error)
  }
}

/** Nothing completes at once until the event loop has gone on. */
export function spendAll(): void {
  while (spendBudget());
}

/** What is wrong with a call that was made in a cancelled scope; `undefined`: nothing, it threw `Cancelled`. */
export async function findNoCancellation(
  operation: () => unknown,
): Promise<{ readonly wrong: string; readonly cause?: unknown } | undefined> {
  const trial = new Trial<unknown>(operation, { cancelled: true })
  try {
    const outcome = await trial.within(PATIENCE)
    if (outcome === undefined) {
      return {
        wrong: `in a cancelled scope it did not settle within ${PATIENCE} ms: it waits for what cannot be cancelled`,
      }
    }
    if (outcome.kind === 'returned') {
      return { wrong: 'in a cancelled scope it completed: it did not look for a cancellation when it was called' }
    }
    const { error } = outcome
    if (error instanceof Cancelled) return undefined
    return { wrong: `in a cancelled scope it threw ${show(error)}, and not Cancelled`, cause: error }
  } finally {
    trial.leave()
  }
}

/** For texts about a call that settled in the turn in which it was made. */
export const NO_TURN = 'it let nobody else run: a loop of such calls would starve every timer, task and socket'

async function check<T>(operation: () => T | PromiseLike<T>): Promise<T> {
  await checkpointIfCancelled()
  const found = await findNoCancellation(operation)
  if (found !== undefined) throw failure(`not a checkpoint: ${found.wrong}`, found.cause)
  spendAll()
  const trial = new Trial(operation)
  try {
    const outcome = await trial.end()
    if (outcome.kind === 'threw') throw outcome.error
    if (!trial.gaveWay) throw failure(`not a checkpoint: ${NO_TURN}`)
    return outcome.value
  } finally {
    trial.leave()
  }
}

async function checkNone<T>(body: () => T | PromiseLike<T>): Promise<T> {
  await checkpointIfCancelled()
  spendAll()
  const trial = new Trial(body, { cancelled: true })
  try {
    const outcome = await trial.end()
    if (outcome.kind === 'threw' && outcome.error instanceof Cancelled) {
      throw failure(`a checkpoint: it was cancelled (${outcome.error.message})`, outcome.error)
    }
    if (trial.gaveWay) throw failure('a checkpoint: it let others run before it was done')
    if (outcome.kind === 'threw') throw outcome.error
    return outcome.value
  } finally {
    trial.leave()
  }
}
