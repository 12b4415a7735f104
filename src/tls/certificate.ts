/** A peer's certificate as node:tls's users know it. */
import { X509Certificate } from 'node:crypto'

/** The fields that `getPeerCertificate()` of a `TLSSocket` has. */
export type PeerCertificate = ReturnType<X509Certificate['toLegacyObject']>

export function certificateRecord(der: Buffer): PeerCertificate {
  return new X509Certificate(der).toLegacyObject()
}
