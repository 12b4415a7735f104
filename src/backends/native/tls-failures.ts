/** Translates the TLS errors of the addon to those of `tls-failure.ts`. */
import type { TLSEOFError, TLSError } from '../../errors.ts'
import type { BindingTlsFailure } from '../../native/load.ts'
import type { TlsStart } from '../contract/backend.ts'
import { type Failure, type FailureReason, handshakeFailure, recordFailure, truncated } from '../shared/tls-failure.ts'
import { systemError } from './errors.ts'

/** The peer that a failure concerns. */
export type Peer = Pick<TlsStart, 'side' | 'peer'>

export function toHandshakeError(peer: Peer, failure: BindingTlsFailure | null): TLSError {
  return handshakeFailure(peer, toFailure(failure))
}

export function toRecordError(peer: Peer, failure: BindingTlsFailure | null): TLSError | TLSEOFError {
  return failure?.reason === 'truncated' ? truncated(peer) : recordFailure(peer, toFailure(failure))
}

function toFailure(failure: BindingTlsFailure | null): Failure {
  // The addon's environment is ending, and the error reaches no caller.
  if (failure === null) return { reason: 'failed' }
  const { errno, detail } = failure
  return {
    // The names are the addon's (crates/core/src/tls/failure.rs). A unit test compares them.
    reason: failure.reason as FailureReason,
    ...(detail === '' ? {} : { detail }),
    ...(errno === undefined ? {} : { cause: systemError(errno, 'read') }),
  }
}
