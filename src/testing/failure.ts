/** Checks fail with `AssertionError`, which every test runner recognises. */
import { AssertionError } from 'node:assert'

export { AssertionError } from 'node:assert'

/** @param cause - the unexpected error, if there was one */
export function failure(message: string, cause?: unknown): AssertionError {
  const error = new AssertionError({ message })
  if (cause !== undefined) Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
  return error
}

/** An error in one line: `BrokenResourceError: …`. Anything may be thrown. */
export function show(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
