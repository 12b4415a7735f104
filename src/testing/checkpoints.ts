/**
 * Is an operation a checkpoint? It is if it throws `Cancelled` in a cancelled scope, even where it need not wait, and
 * if a loop of such operations lets other code run (GENERAL-7).
 *
 * The first part is checked by a call in a cancelled scope. The second part does not show in a plain call: an operation
 * that completes at once yields only when the budget of the turn (kernel/turn.ts) is spent. So the budget is spent
 * before.
 */

import { Cancelled } from '../errors.ts'
import { rejected, spendBudget } from '../kernel/index.ts'
import { CancelScope, checkpointIfCancelled } from '../scopes.ts'
import { checkFunction } from '../common/validate.ts'
import { failure, show } from './failure.ts'
import { Trial } from './trial.ts'

/** Time limit of an operation in a cancelled scope, in milliseconds of the run's clock. */
const PATIENCE = 10_000

/**
 * Asserts that an operation is a checkpoint: it can be cancelled, and lets other code run. Resolves with its value.
 *
 * @example
 * ```ts
 * const reply = await assertCheckpoints(() => client.ask('question'))
 * ```
 *
 * It calls `operation` twice. In a cancelled scope, it must throw `Cancelled` (and should do nothing else). Then, in
 * the caller's scope, it must let other tasks, timers and I/O run before its promise settles. An error of the second
 * call comes out as it is.
 *
 * @param operation - makes one call of the operation
 * @throws AssertionError that says what was missing; its `cause` is the error that came instead of `Cancelled`
 */
export function assertCheckpoints<T>(operation: () => T | PromiseLike<T>): Promise<T> {
  try {
    checkFunction('operation', operation)
    // One operation: a call that was not awaited is cancelled and awaited as a whole (SCOPE-7).
    return CancelScope._operation('assertCheckpoints', () => check(operation))
  } catch (error) {
    return rejected(error)
  }
}

/**
 * Asserts that `body` contains no checkpoint: it cannot be cancelled, and lets no other code run. It is called once, in
 * a cancelled scope, and its value is returned. `body` may be synchronous, and may await settled promises.
 *
 * @throws AssertionError if it threw `Cancelled`, or did not settle in the turn of the event loop in which it was
 * called
 */
export function assertNoCheckpoints<T>(body: () => T | PromiseLike<T>): Promise<T> {
  try {
    checkFunction('body', body)
    return CancelScope._operation('assertNoCheckpoints', () => checkNone(body))
  } catch (error) {
    return rejected(error)
  }
}

/** Spends the budget: no operation completes at once until the next turn. */
export function spendAll(): void {
  while (spendBudget());
}

/** The fault of a call in a cancelled scope; `undefined` if it threw `Cancelled`, as it should. */
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

/** In failures: the call settled in the turn in which it was made. */
export const NO_TURN = 'it let no other code run: a loop of such calls would starve every timer, task and socket'

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
