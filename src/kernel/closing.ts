/**
 * Where a `close()` may wait. Closing is what `finally` blocks do, so it works everywhere and never raises a
 * cancellation: two resources closed one after the other are both closed, and the error of the body is the one that
 * comes out.
 */
import type { CancelScope } from './cancel-scope.ts'
import { currentFrame } from './context.ts'
import { ENDED, INTERRUPTED } from './scope-flags.ts'

/**
 * The scope in which a `close()` may wait for what its resource still has to do. `undefined` where no operation can
 * begin: outside every run, and in a frame that has ended. The resource is closed there all the same.
 */
export function closingScope(): CancelScope | undefined {
  const scope = currentFrame()?.scope
  return scope === undefined || (scope._flags & ENDED) !== 0 ? undefined : scope
}

/** Whether a `close()` in `scope` does not wait: the next checkpoint there raises. */
export function isInterrupted(scope: CancelScope): boolean {
  return (scope._flags & INTERRUPTED) !== 0
}
