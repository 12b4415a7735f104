/** The `signal` option of the adapters. */
import { AbortError } from './node-errors.ts'

/**
 * Calls `destroy` once `signal` aborts. If it has aborted already, in a microtask: the caller is still being
 * constructed.
 *
 * @returns removes the listener
 */
export function onAbort(signal: AbortSignal, destroy: (error: AbortError) => void): () => void {
  const abort = (): void => destroy(new AbortError(signal.reason))
  if (signal.aborted) queueMicrotask(abort)
  else signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}
