/**
 * Iterations of the event loop, from one check phase (`setImmediate`) to the next. Callbacks run outside every task. A
 * callback keeps the event loop alive, unless it is unreferenced.
 */
import { detached } from './detached.ts'

/** Calls `fn` in the next check phase. */
export function atCheck(fn: () => void): NodeJS.Immediate {
  return detached(setImmediate, fn)
}
