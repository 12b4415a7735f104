/**
 * Iterations of the event loop, from one check phase (`setImmediate`) to the next. What is called in one belongs to no
 * task. A callback is called even where the loop is idle, unless it is unreferenced.
 */
import { detached } from './detached.ts'

/** Calls `fn` in the next check phase. */
export function atCheck(fn: () => void): NodeJS.Immediate {
  return detached(setImmediate, fn)
}
