/**
 * Channel bindings: data that ties an authentication inside a TLS connection to this connection, so that an attacker cannot
 * relay it over another one.
 */
import { createHash } from 'node:crypto'
import type { TlsSession } from '../backends/contract/backend.ts'
import { UnsupportedError } from '../errors.ts'
import { outOfRange } from '../common/validate.ts'

/** A kind of channel binding: `'tls-exporter'` is RFC 9266, the others are RFC 5929. */
export type ChannelBindingType = 'tls-exporter' | 'tls-server-end-point' | 'tls-unique'

export function channelBinding(session: TlsSession, type: ChannelBindingType): Buffer {
  switch (type) {
    case 'tls-exporter':
      // RFC 9266 asks for an empty context. In TLS 1.2 that differs from no context.
      return session.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding')
    case 'tls-server-end-point':
      return serverEndPoint(session)
    case 'tls-unique':
      return session.tlsUnique()
    default:
      throw outOfRange('type', "'tls-exporter', 'tls-server-end-point' or 'tls-unique'", type)
  }
}

/** RFC 5929, 4.1: the server's certificate, hashed with the hash of its signature, or with SHA-256 instead of a broken hash. */
function serverEndPoint(session: TlsSession): Buffer {
  const certificate = session.serverSide ? session.ownCertificate() : session.peerCertificate()
  if (certificate === undefined) throw new UnsupportedError('tls-server-end-point: the server has no certificate')
  const hash = signatureHash(certificate)
  if (hash === undefined) {
    throw new UnsupportedError(
      "tls-server-end-point is not defined for this certificate's signature (RFC 5929); use 'tls-exporter'",
    )
  }
  return createHash(hash).update(certificate).digest()
}

/** The hash of the signature algorithm, from `Certificate ::= SEQUENCE { tbs, AlgorithmIdentifier, signature }`. */
function signatureHash(certificate: Buffer): string | undefined {
  const [, algorithm] = children(certificate)
  if (algorithm === undefined) return undefined
  const identifier = certificate.subarray(algorithm.start, algorithm.end)
  const [oid] = elements(identifier, 0, identifier.length)
  if (oid === undefined) return undefined
  const name = identifier.toString('hex', oid.start, oid.end)
  // RSASSA-PSS names its hash in its parameters; SHA-1, its default, counts as SHA-256.
  return name === RSASSA_PSS ? (pssHash(identifier.subarray(oid.end)) ?? 'sha256') : HASHES[name]
}

function pssHash(parameters: Buffer): string | undefined {
  // The first is the hash of the message. The mask generation function names a second one.
  const oid = /0609(60864801650304020[123])/.exec(parameters.toString('hex'))?.[1]
  return oid === undefined ? undefined : DIGESTS[oid]
}

interface Element {
  readonly start: number
  readonly end: number
}

/** The elements inside the outermost one. */
function children(der: Buffer): Element[] {
  const outer = element(der, 0)
  return outer === undefined ? [] : elements(der, outer.start, outer.end)
}

function elements(der: Buffer, start: number, end: number): Element[] {
  const found: Element[] = []
  let at = start
  while (at < end) {
    const next = element(der, at)
    if (next === undefined) break
    found.push(next)
    at = next.end
  }
  return found
}

/** Finds the content of the element at `at`. Supports the tags and lengths of certificates only. */
function element(der: Buffer, at: number): Element | undefined {
  const first = der[at + 1]
  if (first === undefined) return undefined
  if (first < 0x80) return { start: at + 2, end: at + 2 + first }
  const bytes = first & 0x7f
  if (bytes === 0 || bytes > 4 || at + 2 + bytes > der.length) return undefined
  const start = at + 2 + bytes
  return { start, end: start + der.readUIntBE(at + 2, bytes) }
}

const RSASSA_PSS = '2a864886f70d01010a'

/** Signature algorithms, by the hexadecimal form of their object identifiers. */
const HASHES: Readonly<Record<string, string>> = {
  '2a864886f70d010104': 'sha256', // md5WithRSAEncryption
  '2a864886f70d010105': 'sha256', // sha1WithRSAEncryption
  '2a864886f70d01010e': 'sha224',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d0401': 'sha256', // ecdsa-with-SHA1
  '2a8648ce3d040301': 'sha224',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
}

/** Digests that RSASSA-PSS may name. */
const DIGESTS: Readonly<Record<string, string>> = {
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
}
