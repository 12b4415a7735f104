/**
 * The cipher suites of structio, by OpenSSL's names. Every backend has them. Suites without forward secrecy or authenticated
 * encryption are not offered.
 */
import type { TLSVersion } from '../backends/contract/backend.ts'

interface Suite {
  readonly version: TLSVersion
  readonly bits: number
}

/**
 * The suites in the default order of preference. 128 bits are enough, and the shorter hash saves a quarter of the cost of a
 * handshake (docs/design/tls.md).
 */
const SUITES: ReadonlyMap<string, Suite> = new Map([
  ['TLS_AES_128_GCM_SHA256', { version: 'TLSv1.3', bits: 128 }],
  ['TLS_AES_256_GCM_SHA384', { version: 'TLSv1.3', bits: 256 }],
  ['TLS_CHACHA20_POLY1305_SHA256', { version: 'TLSv1.3', bits: 256 }],
  ['ECDHE-ECDSA-AES128-GCM-SHA256', { version: 'TLSv1.2', bits: 128 }],
  ['ECDHE-RSA-AES128-GCM-SHA256', { version: 'TLSv1.2', bits: 128 }],
  ['ECDHE-ECDSA-AES256-GCM-SHA384', { version: 'TLSv1.2', bits: 256 }],
  ['ECDHE-RSA-AES256-GCM-SHA384', { version: 'TLSv1.2', bits: 256 }],
  ['ECDHE-ECDSA-CHACHA20-POLY1305', { version: 'TLSv1.2', bits: 256 }],
  ['ECDHE-RSA-CHACHA20-POLY1305', { version: 'TLSv1.2', bits: 256 }],
])

export const CIPHER_SUITES: readonly string[] = [...SUITES.keys()]

/** A cipher suite: OpenSSL's name, the TLS version that defines it, and the length of its key in bits. */
export type Cipher = readonly [name: string, version: TLSVersion, bits: number]

export function toCipher(name: string): Cipher {
  const { version, bits } = SUITES.get(name) as Suite
  return Object.freeze([name, version, bits] as const)
}

export function versionOf(name: string): TLSVersion | undefined {
  return SUITES.get(name)?.version
}
