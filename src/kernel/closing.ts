/**
 * Where a `close()` may wait. `finally` blocks close resources, so `close()` works everywhere and never raises a
 * cancellation (CLOSE-1): both of two resources are closed, and the error of the body comes out.
 */
import type { CancelScope } from './cancel-scope.ts'
import { currentFrame } from './context.ts'
import { ENDED, INTERRUPTED } from './scope-flags.ts'

/**
 * The scope in which a `close()` may wait for the rest of its work. `undefined` where no operation can begin: outside
 * every run, and in a frame that has ended. The resource is closed there, too.
 */
export function closingScope(): CancelScope | undefined {
  const scope = currentFrame()?.scope
  return scope === undefined || (scope._flags & ENDED) !== 0 ? undefined : scope
}

/** Whether a `close()` in `scope` must not wait, because the next checkpoint there raises. */
export function isInterrupted(scope: CancelScope): boolean {
  return (scope._flags & INTERRUPTED) !== 0
}
