/** Questions about the state of a scope, for code outside the kernel. The flags themselves stay inside. */
import type { CancelScope } from './cancel-scope.ts'
import { CLOSING, EFFECTIVE, ENDED, LINGERING, TASK } from './scope-flags.ts'

/** Whether the scope, or a scope around it without a shield in between, is cancelled: checkpoints in it throw. */
export function isEffectivelyCancelled(scope: CancelScope): boolean {
  return (scope._flags & EFFECTIVE) !== 0
}

/** Whether the body has settled, while something that was begun in it has not. */
export function isClosing(scope: CancelScope): boolean {
  return (scope._flags & CLOSING) !== 0
}

/** Whether the scope waits for what its body left behind, and not merely for one more iteration of the event loop. */
export function waitsForLeftovers(scope: CancelScope): boolean {
  return (scope._flags & (CLOSING | LINGERING)) === CLOSING
}

/** Whether the scope is over. */
export function hasEnded(scope: CancelScope): boolean {
  return (scope._flags & ENDED) !== 0
}

/** Whether this is the scope of a task. */
export function isTaskScope(scope: CancelScope): boolean {
  return (scope._flags & TASK) !== 0
}
