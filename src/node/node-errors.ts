/** What went wrong, as Node's world knows it: an `AbortError`, a system error with its `code`. */
import { BrokenResourceError, Cancelled, ClosedResourceError, ConnectionFailed, TLSEOFError } from '../errors.ts'

/** What Node's own streams are destroyed with by an `AbortSignal`; scopes know it by its `cause` (api.md §2, rule 8). */
export class AbortError extends Error {
  override readonly name = 'AbortError'
  readonly code = 'ABORT_ERR'

  constructor(cause: unknown) {
    super('The operation was aborted', { cause })
  }
}

/** An error with a `code` of Node's, which is what its users look at. */
export function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

/**
 * What a Duplex is destroyed with when an operation of its stream failed. `undefined`: it ends without an error, because
 * this side has closed the stream.
 */
export function toNodeError(error: unknown): Error | undefined {
  if (error instanceof ClosedResourceError) return undefined
  if (error instanceof Cancelled) return new AbortError(error)
  // A reset is `ECONNRESET` there, and everybody asks for the code.
  if (error instanceof BrokenResourceError && !(error instanceof TLSEOFError) && error.cause instanceof Error) {
    return error.cause
  }
  if (error instanceof ConnectionFailed) return withFirstCode(error)
  return error instanceof Error ? error : coded('ERR_UNHANDLED_ERROR', `Unhandled error. (${String(error)})`)
}

/** As `net.connect` has it, where several addresses were tried. */
function withFirstCode(error: ConnectionFailed): Error {
  const [first] = error.errors as (Error & { code?: unknown })[]
  return Object.assign(new AggregateError(error.errors, error.message, { cause: error }), { code: first?.code })
}
