/**
 * One call of an exposed function: in the async context that exposed it, and in a scope of its own below that
 * context's.
 */
import type { AsyncResource } from 'node:async_hooks'
import { CancelScope, markHandled } from '../kernel/index.ts'

export interface ExposedCall {
  readonly scope: CancelScope
  /** Marked as handled: the caller handles it. */
  readonly promise: Promise<unknown>
}

/**
 * Operations that the function leaves unawaited end with the call (SCOPE-7, THREAD-2).
 *
 * @param begin - called with the scope before the function
 */
export function callExposed(
  context: AsyncResource,
  fn: (...args: unknown[]) => unknown,
  args: readonly unknown[],
  begin?: (scope: CancelScope) => void,
): ExposedCall {
  const scope = new CancelScope()
  begin?.(scope)
  const promise = context.runInAsyncScope(() => scope._run(() => fn(...args), 'move-on', 'an exposed function'))
  markHandled(promise)
  return { scope, promise }
}
