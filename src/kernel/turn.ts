/**
 * Yielding to the event loop. A *turn* is JavaScript's run from the event loop until its microtasks are done; a loop
 * of operations that are always ready would never leave it, and no timer, socket or other run would get its turn.
 *
 * - Operations that yield by definition (`checkpoint`, `sleep(0)`) wait for the next turn. All of one turn share one
 *   `setImmediate`, so that a thousand yielding tasks cost one iteration of the loop, not a thousand.
 * - Operations that complete at once spend from a budget of time, and wait for the next turn only when it is spent. The
 *   clock is read once in some hundred operations, because a reading costs as much as an operation. A budget of
 *   operations alone would be enough for one loop, but a turn may serve a thousand connections: ending it early splits
 *   sends that could have left together.
 * - The budget is not refilled at each turn, because that would need a hook into every turn. An unneeded yield now and
 *   then is cheaper. The native driver, which knows its turns, refills it.
 */
import { deadlines } from './deadlines.ts'
import { atCheck } from './iteration.ts'

/** Immediate completions between two readings of the clock. */
const BATCH = 128

/** Milliseconds of immediate completions before the event loop goes on: about the resolution of timers. */
const SLICE = 2

export interface Resumable {
  resume(): void
}

/** The promise of an operation that completes at once. */
export function immediate<T>(value: T): Promise<T> {
  return spendBudget() ? Promise.resolve(value) : new Promise((resolve) => nextTurn(new Postponed(resolve, value)))
}

/** The same without a value: one promise shared by all, as long as the budget lasts. */
export function immediateVoid(): Promise<void> {
  return spendBudget() ? DONE : immediate(undefined)
}

export function resetBudget(): void {
  left = BATCH
  sliceEnd = UNKNOWN
}

/** Calls `settle(value)` now, or in the next turn when the budget is spent: for promises that exist already. */
export function settleFairly<T>(settle: (value: T) => void, value: T): void {
  if (spendBudget()) settle(value)
  else nextTurn(new Postponed(settle, value))
}

/** Resumes `waiter` once timers and I/O have had their turn. Deadlines that passed meanwhile are delivered first. */
export function nextTurn(waiter: Resumable): void {
  if (waiting.push(waiter) === 1) atCheck(onImmediate)
}

/**
 * From now on the budget counts operations and not time, so that a run can be replayed. Returns the undo.
 */
export function countOnly(): () => void {
  counting++
  resetBudget()
  return () => {
    counting--
  }
}

const DONE: Promise<void> = Promise.resolve()

/** The slice begins at the first reading of the clock. */
const UNKNOWN = 0

let counting = 0
let left = BATCH
let sliceEnd = UNKNOWN
let waiting: Resumable[] = []

/** Spends one immediate completion. False when the budget is spent: keep the call pending until the next turn. */
export function spendBudget(): boolean {
  if (left === 0 && !refill()) return false
  left--
  return true
}

function refill(): boolean {
  if (counting > 0) return false
  const now = performance.now()
  if (sliceEnd === UNKNOWN) sliceEnd = now + SLICE
  else if (now >= sliceEnd) return false
  left = BATCH
  return true
}

function onImmediate(): void {
  // In the check phase, a timer that came due while JavaScript was busy has not fired yet. It must fire before tasks
  // resume.
  deadlines.deliverDue(resumeAll)
}

function resumeAll(): void {
  const batch = waiting
  waiting = []
  resetBudget()
  for (const waiter of batch) waiter.resume()
}

class Postponed<T> implements Resumable {
  readonly #settle: (value: T) => void
  readonly #value: T

  constructor(settle: (value: T) => void, value: T) {
    this.#settle = settle
    this.#value = value
  }

  resume(): void {
    this.#settle(this.#value)
  }
}
