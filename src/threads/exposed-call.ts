/** One call of an exposed function: in the async context and under the scope of whoever exposed it, in a scope of its own. */
import type { AsyncResource } from 'node:async_hooks'
import { CancelScope, markHandled } from '../kernel/index.ts'

export interface ExposedCall {
  readonly scope: CancelScope
  /** Whoever called looks after it: it is nobody's unhandled rejection. */
  readonly promise: Promise<unknown>
}

/**
 * What the function leaves unawaited ends with the call (api.md §2, rule 7); a cancellation of somebody else's is no error of it.
 *
 * @param begin - is told the scope before the function is called
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
