/** A peer's certificate in the form of node:tls. */
import { X509Certificate } from 'node:crypto'

/** A peer's certificate, with the fields of node:tls's `getPeerCertificate()`. */
export type PeerCertificate = ReturnType<X509Certificate['toLegacyObject']>

export function certificateRecord(der: Buffer): PeerCertificate {
  return new X509Certificate(der).toLegacyObject()
}
