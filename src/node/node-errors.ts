/** Errors in Node's form: an `AbortError`, a system error with its `code`. */
import { BrokenResourceError, Cancelled, ClosedResourceError, ConnectionFailed, TLSEOFError } from '../errors.ts'

/** The error with which an `AbortSignal` destroys Node's streams. Scopes recognise it by its `cause` (SCOPE-8). */
export class AbortError extends Error {
  override readonly name = 'AbortError'
  readonly code = 'ABORT_ERR'

  constructor(cause: unknown) {
    super('The operation was aborted', { cause })
  }
}

/** An error with one of Node's codes. */
export function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

/**
 * The error that destroys a Duplex when an operation of its stream has failed. `undefined` if this side has closed the
 * stream: the Duplex then ends without an error.
 */
export function toNodeError(error: unknown): Error | undefined {
  if (error instanceof ClosedResourceError) return undefined
  if (error instanceof Cancelled) return new AbortError(error)
  // Users of Node check the code of the system error: `ECONNRESET`.
  if (error instanceof BrokenResourceError && !(error instanceof TLSEOFError) && error.cause instanceof Error) {
    return error.cause
  }
  if (error instanceof ConnectionFailed) return withFirstCode(error)
  return error instanceof Error ? error : coded('ERR_UNHANDLED_ERROR', `Unhandled error. (${String(error)})`)
}

/** As `net.connect` fails after several addresses. */
function withFirstCode(error: ConnectionFailed): Error {
  const [first] = error.errors as (Error & { code?: unknown })[]
  return Object.assign(new AggregateError(error.errors, error.message, { cause: error }), { code: first?.code })
}
