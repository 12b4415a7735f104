/**
 * The two walks that keep the cached EFFECTIVE bit right in the tree of scopes (cancel-scope.ts, invariant 1). Both are
 * iterative: a tree may be deeper than the stack.
 */
import { considerAbandoning } from './abandonment.ts'
import { ABANDON, CANCEL_CALLED, EFFECTIVE, SHIELD, TASK } from './scope-flags.ts'
import type { OperationNode, ScopeNode } from './tree.ts'

/**
 * `root` has become effectively cancelled. Sets the bits of the whole subtree first, then cancels the operations, then
 * aborts the signals: an abort listener is foreign code and may call anything.
 */
export function spread(root: ScopeNode): void {
  const operations: OperationNode[] = []
  const signals: ScopeNode[] = []
  const abandoned: ScopeNode[] = []
  const scopes = [root]
  // The list grows while it is walked: outer scopes before inner ones, tasks in the order in which they were spawned.
  for (const scope of scopes) {
    scope._flags |= EFFECTIVE
    if (scope._hasSignal) signals.push(scope)
    if ((scope._flags & ABANDON) !== 0) abandoned.push(scope)
    for (let operation = scope._operations; operation !== null; operation = operation._next) operations.push(operation)
    for (let child = scope._scopes; child !== null; child = child._next) {
      // The subtree of a child that is cancelled already is up to date.
      if ((child._flags & (SHIELD | EFFECTIVE)) !== 0) continue
      scopes.push(child)
      if ((child._flags & TASK) === 0) scope._noteDelivered()
    }
  }
  for (const operation of operations) {
    operation._effective(true)
    operation._cancel()
  }
  for (const scope of signals) scope._abortSignal()
  for (const scope of abandoned) considerAbandoning(scope)
}

/**
 * `root` is shielded now, or has moved: clears the bits that came from its parent. Operations that were cancelled stay
 * so.
 */
export function withdraw(root: ScopeNode): void {
  const scopes = [root]
  for (const scope of scopes) {
    scope._flags &= ~EFFECTIVE
    for (let operation = scope._operations; operation !== null; operation = operation._next) operation._effective(false)
    for (let child = scope._scopes; child !== null; child = child._next) {
      if ((child._flags & (SHIELD | CANCEL_CALLED)) === 0) scopes.push(child)
    }
  }
}
