/**
 * The errors of handshakes and records. They have the same words with each TLS library. A backend finds the reason, and
 * the name of an alert. This file writes the sentence, which says which side is at fault.
 */
import { TLSEOFError, TLSError, type TLSErrorReason } from '../../errors.ts'
import type { TlsStart } from '../contract/backend.ts'

/** The reasons that a backend reports. The concept modules report the others. */
export type FailureReason = Exclude<TLSErrorReason, 'timed-out' | 'plaintext-buffered' | 'bad-credentials'>

/** The details of a failure that the sentence needs. */
export interface Failure {
  readonly reason: FailureReason
  /** The name of the alert in the RFC (`unknown_ca`), or another message of the library. */
  readonly detail?: string | undefined
  readonly cause?: unknown
}

/** The error of a failed handshake. */
export function handshakeFailure(start: Pick<TlsStart, 'side' | 'peer'>, failure: Failure): TLSError {
  const { them, sentence } = describe(start, failure)
  return toError(`TLS handshake with the ${them} ${start.peer}: ${sentence}`, failure)
}

/** The error of a stream that failed after its handshake. */
export function recordFailure(start: Pick<TlsStart, 'side' | 'peer'>, failure: Failure): TLSError {
  const { them, sentence } = describe(start, failure)
  return toError(`TLS with the ${them} ${start.peer}: ${sentence}`, failure)
}

/** The error of data that ended without `close_notify`. */
export function truncated(start: Pick<TlsStart, 'side' | 'peer'>): TLSEOFError {
  const them = otherSide(start.side)
  return new TLSEOFError(`TLS with the ${them} ${start.peer}: the ${them} ended the connection without close_notify`)
}

function toError(message: string, { reason, cause }: Failure): TLSError {
  return new TLSError(message, cause === undefined ? { reason } : { reason, cause })
}

function otherSide(side: 'client' | 'server'): 'client' | 'server' {
  return side === 'client' ? 'server' : 'client'
}

function describe(start: Pick<TlsStart, 'side'>, failure: Failure): { them: string; sentence: string } {
  const them = otherSide(start.side)
  return { them, sentence: sentenceOf(failure, them) }
}

function sentenceOf({ reason, detail }: Failure, them: string): string {
  const more = detail === undefined || detail === '' ? '' : ` (${detail})`
  switch (reason) {
    case 'certificate-expired':
      return `the ${them}'s certificate has expired${more}`
    case 'certificate-not-yet-valid':
      return `the ${them}'s certificate is not valid yet${more}`
    case 'certificate-unknown-issuer':
      return `the ${them}'s certificate was issued by an authority that this side does not trust${more}`
    case 'certificate-wrong-name':
      return `the ${them}'s certificate is for another name${more}`
    case 'certificate-wrong-purpose':
      return `the ${them}'s certificate is not meant for a TLS ${them}${more}`
    case 'certificate-malformed':
      return `the ${them}'s certificate is malformed${more}`
    case 'certificate-bad-signature':
      return `the signature of the ${them}'s certificate is wrong${more}`
    case 'certificate-revoked':
      return `the ${them}'s certificate has been revoked${more}`
    case 'certificate-invalid':
      return `the ${them}'s certificate is not acceptable${more}`
    case 'certificate-missing':
      return `the ${them} sent no certificate, and this side requires one${more}`
    case 'no-common-version':
      return `both sides have no TLS version in common${more}`
    case 'no-common-cipher':
      return `both sides have no cipher suite, key exchange or signature scheme in common${more}`
    case 'no-common-protocol':
      return `both sides have no application protocol (ALPN) in common${more}`
    case 'alert':
      return `the ${them} refused with the alert ${detail ?? 'unknown'}${meaning(detail)}`
    case 'not-tls':
      return `the ${them} does not speak TLS here${more}`
    case 'record-too-large':
      return `the ${them} sent a record that is too large${more}`
    case 'bad-record':
      return `the ${them} sent a record that does not decrypt${more}`
    case 'renegotiation':
      return `the ${them} asked to renegotiate again and again${more}`
    case 'misbehaved':
      return `the ${them} broke the protocol${more}`
    case 'closed':
      return `the ${them} closed the connection before the handshake was done${more}`
    case 'no-settings':
      return `this side has no certificate for the client${more}`
    case 'failed':
      return `it failed on this side${more}`
  }
}

/** The common alerts, explained for the side that receives them. */
function meaning(alert: string | undefined): string {
  const text = alert === undefined ? undefined : MEANINGS[alert]
  return text === undefined ? '' : `: ${text}`
}

const MEANINGS: Readonly<Record<string, string>> = {
  bad_certificate: "this side's certificate is not acceptable to it",
  unsupported_certificate: "this side's certificate is of a kind it does not take",
  certificate_revoked: "this side's certificate has been revoked",
  certificate_expired: "this side's certificate has expired or is not valid yet",
  certificate_unknown: "this side's certificate is not acceptable to it",
  certificate_required: 'it requires a certificate, and this side sent none',
  unknown_ca: "it does not trust the issuer of this side's certificate",
  protocol_version: 'it has no TLS version in common with this side',
  no_application_protocol: 'it has no application protocol (ALPN) in common with this side',
  handshake_failure: 'it found nothing acceptable in what this side offered',
  unrecognized_name: 'it does not know the name that this side asked for',
  record_overflow: 'a record of this side was too large for it',
  bad_record_mac: 'a record of this side did not decrypt there',
}
