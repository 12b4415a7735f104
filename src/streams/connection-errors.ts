/**
 * Whose error it is. `serve` drops what breaks a connection when it came from that connection's own stream, and must
 * not drop what another stream failed with inside the same handler (SERVE-3), so errors remember their stream.
 */

import {
  BrokenResourceError,
  ClosedResourceError,
  ExceptionGroup,
  IncompleteRead,
  TLSEOFError,
  TLSError,
} from '../errors.ts'

/** Marks the error as one of `owner`. Whatever is not an object (a user's stream may throw anything) has no owner. */
export function own<E>(error: E, owner: object): E {
  if (typeof error === 'object' && error !== null) owners.set(error, owner)
  return error
}

/**
 * Whether `error` says nothing but that the connection `owner` broke or ended: a peer that goes away is not a fault of
 * the server. A group is such an error when all its leaves are; so are the two halves of a `SuppressedError`.
 */
export function isConnectionError(error: unknown, owner: object): boolean {
  return everyLeaf(error, (leaf) => owners.get(leaf) === owner && KINDS.some((kind) => leaf instanceof kind))
}

/** Whether the error passes `test`: of a group, all its leaves; of a `SuppressedError`, both halves. */
export function everyLeaf(error: unknown, test: (error: Error) => boolean): boolean {
  if (error instanceof ExceptionGroup) return [...error.leaves()].every((leaf) => everyLeaf(leaf, test))
  if (!(error instanceof Error)) return false
  if (error.name === 'SuppressedError' && 'error' in error && 'suppressed' in error) {
    return everyLeaf(error.error, test) && everyLeaf(error.suppressed, test)
  }
  return test(error)
}

/** What a call fails with on a connection that `cause` has broken: an error of its own, of the condition's class. */
export function brokenBy(what: string, how: string, cause: Error): Error {
  if (cause instanceof TLSError) return new TLSError(`${what}: ${cause.message}`, { reason: cause.reason, cause })
  if (cause instanceof TLSEOFError) return new TLSEOFError(`${what}: ${cause.message}`, { cause })
  return new BrokenResourceError(`${what}: ${how}: ${cause.message}`, { cause })
}

const KINDS = [BrokenResourceError, ClosedResourceError, IncompleteRead, TLSError]

// Outside the errors, so that printing one does not print its connection.
const owners = new WeakMap<object, object>()
