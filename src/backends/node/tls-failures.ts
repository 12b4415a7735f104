/** Translates the errors of OpenSSL and node:tls to those of `tls-failure.ts`. */
import type { TlsSettings } from '../contract/backend.ts'
import type { Failure, FailureReason } from '../shared/tls-failure.ts'

/** The circumstances of a failure. */
export interface Circumstances {
  readonly settings: TlsSettings
  /** Whether nothing that the peer sent was TLS. */
  readonly first: boolean
}

/** Translates an error of a handshake or a record. */
export function failureOf(error: NodeJS.ErrnoException, { settings, first }: Circumstances): Failure {
  const alert = /SSL alert number (\d+)/.exec(error.message)?.[1]
  if (alert !== undefined) return { reason: 'alert', detail: alertName(Number(alert)), cause: error }
  const code = (error.code ?? '').replace(/^ERR_(SSL|OSSL)_/, '')
  if (first && NOT_TLS.has(code)) return { reason: 'not-tls', cause: error }
  const reason = REASONS[code]
  // OpenSSL reports a server without a certificate as one without a usable cipher suite.
  if (reason === 'no-common-cipher' && settings.certificates.length === 0)
    return { reason: 'no-settings', cause: error }
  if (reason !== undefined) return { reason, cause: error }
  const library = libraryOf(error)
  if (NOT_OF_TLS.has(library)) return { reason: 'certificate-malformed', detail: saidBy(error), cause: error }
  // An error of the cipher, for example a record that is too short.
  if (library === 'Provider routines') return { reason: 'bad-record', cause: error }
  const theirs = error.code?.startsWith('ERR_SSL_') === true
  return { reason: theirs ? 'misbehaved' : 'failed', detail: saidBy(error), cause: error }
}

/** Translates an error of `X509_verify_cert`. */
export function certificateFailureOf(error: NodeJS.ErrnoException): Failure {
  const reason = CERTIFICATES[error.code ?? ''] ?? 'certificate-invalid'
  // OpenSSL's text would only repeat these reasons.
  return reason === 'certificate-invalid' ? { reason, detail: saidBy(error), cause: error } : { reason, cause: error }
}

/** The alert for a bad certificate. */
export function alertFor(reason: FailureReason): number {
  return ALERT_FOR[reason] ?? CERTIFICATE_UNKNOWN
}

const CERTIFICATE_UNKNOWN = 46

const ALERT_FOR: Partial<Readonly<Record<FailureReason, number>>> = {
  'certificate-expired': 45,
  'certificate-not-yet-valid': 45,
  'certificate-unknown-issuer': 48,
  'certificate-wrong-name': 42,
  'certificate-wrong-purpose': 43,
  'certificate-malformed': 42,
  'certificate-bad-signature': 51,
  'certificate-revoked': 44,
}

/** The reason in `…error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/…:355:`. */
function saidBy(error: Error & { reason?: string }): string {
  return error.reason ?? /\berror:[^:]*:[^:]*:[^:]*:([^:]+)/.exec(error.message)?.[1] ?? error.message
}

/** The reporting function or library in the same text. */
function libraryOf(error: Error): string {
  return /\berror:[^:]*:([^:]+)/.exec(error.message)?.[1] ?? ''
}

/** The name of an alert in the RFC. */
function alertName(number: number): string {
  return ALERTS[number] ?? `number ${number}`
}

/** OpenSSL's reasons, without their prefix. */
const REASONS: Readonly<Record<string, FailureReason>> = {
  UNSUPPORTED_PROTOCOL: 'no-common-version',
  NO_PROTOCOLS_AVAILABLE: 'no-common-version',
  VERSION_TOO_LOW: 'no-common-version',
  VERSION_TOO_HIGH: 'no-common-version',
  WRONG_SSL_VERSION: 'no-common-version',
  UNSUPPORTED_SSL_VERSION: 'no-common-version',
  NO_SHARED_CIPHER: 'no-common-cipher',
  NO_CIPHERS_AVAILABLE: 'no-common-cipher',
  NO_SHARED_GROUPS: 'no-common-cipher',
  NO_SUITABLE_GROUPS: 'no-common-cipher',
  NO_SUITABLE_KEY_SHARE: 'no-common-cipher',
  NO_SHARED_SIGNATURE_ALGORITHMS: 'no-common-cipher',
  NO_SUITABLE_SIGNATURE_ALGORITHM: 'no-common-cipher',
  NO_APPLICATION_PROTOCOL: 'no-common-protocol',
  PEER_DID_NOT_RETURN_A_CERTIFICATE: 'certificate-missing',
  PACKET_LENGTH_TOO_LONG: 'record-too-large',
  ENCRYPTED_LENGTH_TOO_LONG: 'record-too-large',
  DATA_LENGTH_TOO_LONG: 'record-too-large',
  EXCESSIVE_MESSAGE_SIZE: 'record-too-large',
  DECRYPTION_FAILED_OR_BAD_RECORD_MAC: 'bad-record',
  DECRYPTION_FAILED: 'bad-record',
  BAD_SIGNATURE: 'certificate-bad-signature',
  WRONG_SIGNATURE_TYPE: 'certificate-bad-signature',
}

/** The parts of OpenSSL that concern the peer only when they read its certificate. */
const NOT_OF_TLS: ReadonlySet<string> = new Set(
  ['asn1 encoding', 'x509 certificate', 'DECODER', 'elliptic curve', 'rsa'].map((name) => `${name} routines`),
)

/** OpenSSL's reasons for first bytes that are not TLS. */
const NOT_TLS: ReadonlySet<string> = new Set([
  'WRONG_VERSION_NUMBER',
  'HTTP_REQUEST',
  'HTTPS_PROXY_REQUEST',
  'UNKNOWN_PROTOCOL',
  'UNEXPECTED_MESSAGE',
  'BAD_RECORD_TYPE',
  'PACKET_LENGTH_TOO_LONG',
  'UNSUPPORTED_PROTOCOL_VERSION',
])

/** Node's names for `X509_V_ERR_…`, and for the errors of `checkServerIdentity`. */
const CERTIFICATES: Readonly<Record<string, FailureReason>> = {
  CERT_HAS_EXPIRED: 'certificate-expired',
  CERT_NOT_YET_VALID: 'certificate-not-yet-valid',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate-unknown-issuer',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate-unknown-issuer',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate-unknown-issuer',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate-unknown-issuer',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate-unknown-issuer',
  CERT_UNTRUSTED: 'certificate-unknown-issuer',
  HOSTNAME_MISMATCH: 'certificate-wrong-name',
  INVALID_PURPOSE: 'certificate-wrong-purpose',
  CERT_REJECTED: 'certificate-wrong-purpose',
  ERROR_IN_CERT_NOT_BEFORE_FIELD: 'certificate-malformed',
  ERROR_IN_CERT_NOT_AFTER_FIELD: 'certificate-malformed',
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: 'certificate-malformed',
  CERT_SIGNATURE_FAILURE: 'certificate-bad-signature',
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: 'certificate-bad-signature',
  CERT_REVOKED: 'certificate-revoked',
}

/** RFC 8446, 6, and RFC 5246, 7.2. */
const ALERTS: Readonly<Record<number, string>> = {
  10: 'unexpected_message',
  20: 'bad_record_mac',
  21: 'decryption_failed',
  22: 'record_overflow',
  30: 'decompression_failure',
  40: 'handshake_failure',
  41: 'no_certificate',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  60: 'export_restriction',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  100: 'no_renegotiation',
  109: 'missing_extension',
  110: 'unsupported_extension',
  111: 'certificate_unobtainable',
  112: 'unrecognized_name',
  113: 'bad_certificate_status_response',
  114: 'bad_certificate_hash_value',
  115: 'unknown_psk_identity',
  116: 'certificate_required',
  120: 'no_application_protocol',
  121: 'ech_required',
}
