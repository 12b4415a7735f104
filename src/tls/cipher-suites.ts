/**
 * The cipher suites of structio, by OpenSSL's names: what every backend has and nobody need be warned of. Anything older
 * (no forward secrecy, no authenticated encryption) is not offered at all.
 */
import type { TLSVersion } from '../backends/contract/backend.ts'

interface Suite {
  readonly version: TLSVersion
  readonly bits: number
}

/**
 * In the order of preference where nobody gives one: 128 bits are enough, and the shorter hash saves a quarter of what a
 * handshake costs (docs/design/tls.md).
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

/** A cipher suite as the reference gives it: OpenSSL's name, the TLS version that defines it, the bits of its key. */
export type Cipher = readonly [name: string, version: TLSVersion, bits: number]

export function toCipher(name: string): Cipher {
  const { version, bits } = SUITES.get(name) as Suite
  return Object.freeze([name, version, bits] as const)
}

export function versionOf(name: string): TLSVersion | undefined {
  return SUITES.get(name)?.version
}
