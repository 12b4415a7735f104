/** What went wrong in the addon's TLS, as the backends say it. */
import type { TLSEOFError, TLSError } from '../../errors.ts'
import type { BindingTlsFailure } from '../../native/load.ts'
import type { TlsStart } from '../contract/backend.ts'
import { type Failure, type FailureReason, handshakeFailure, recordFailure, truncated } from '../shared/tls-failure.ts'
import { systemError } from './errors.ts'

/** Whom a failure is about. */
export type Peer = Pick<TlsStart, 'side' | 'peer'>

export function toHandshakeError(peer: Peer, failure: BindingTlsFailure | null): TLSError {
  return handshakeFailure(peer, toFailure(failure))
}

export function toRecordError(peer: Peer, failure: BindingTlsFailure | null): TLSError | TLSEOFError {
  return failure?.reason === 'truncated' ? truncated(peer) : recordFailure(peer, toFailure(failure))
}

function toFailure(failure: BindingTlsFailure | null): Failure {
  // The addon's environment is ending: nobody will see this.
  if (failure === null) return { reason: 'failed' }
  const { errno, detail } = failure
  return {
    // The addon's names are these (crates/core/src/tls/failure.rs); a unit test compares them.
    reason: failure.reason as FailureReason,
    ...(detail === '' ? {} : { detail }),
    ...(errno === undefined ? {} : { cause: systemError(errno, 'read') }),
  }
}
