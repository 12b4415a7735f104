/**
 * Promises made of an operation's promise: those of `async` functions, and of `then`.
 *
 * An operation that was cancelled marks its own promise as handled, for its scope owns that failure (operation.ts,
 * invariant 3). A derived promise is another one, and would be an `unhandledRejection` if it is not awaited.
 * Here it is marked the same way. Any other error stays Node's business.
 */

import { Cancelled } from '../errors.ts'
import { markHandled } from '../kernel/index.ts'

/** `promise.then(value, failure)`, whose cancellation need not be looked at. */
export function thenOwned<T, R>(
  promise: Promise<T>,
  value: (value: T) => R,
  failure: (error: unknown) => R,
): Promise<R> {
  const owned: Promise<R> = promise.then(value, (error: unknown) => {
    // Only now, and not from the start: an error of the caller's own must not be swallowed.
    if (error instanceof Cancelled) markHandled(owned)
    return failure(error)
  })
  return owned
}

/** The same outcome, whose cancellation need not be looked at: for the promise of an `async` function. */
export function ownedByScope<T>(promise: Promise<T>): Promise<T> {
  return thenOwned(promise, identity, rethrow)
}

function identity<T>(value: T): T {
  return value
}

function rethrow(error: unknown): never {
  throw error
}
