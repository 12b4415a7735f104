/**
 * Compiles `TlsSettings` for node:tls: a `SecureContext` for each side, at its first use, and the sessions that a
 * client may resume.
 */
import { constants } from 'node:crypto'
import * as tls from 'node:tls'
import type { TlsSettings } from '../contract/backend.ts'
import { SessionCache } from './session-cache.ts'
import { platformTrust } from './trust-store.ts'

export interface CompiledContext {
  readonly secureContext: tls.SecureContext
  readonly sessions: SessionCache
}

/** @throws OpenSSL's error for a certificate or key */
export function compile(settings: TlsSettings, side: 'client' | 'server'): CompiledContext {
  const known = compiled[side].get(settings)
  if (known !== undefined) return known
  const made = { secureContext: createContext(settings, side), sessions: new SessionCache() }
  compiled[side].set(settings, made)
  return made
}

const compiled = {
  client: new WeakMap<TlsSettings, CompiledContext>(),
  server: new WeakMap<TlsSettings, CompiledContext>(),
}

function createContext(settings: TlsSettings, side: 'client' | 'server'): tls.SecureContext {
  const { certificates, key, cipherSuites, sessionTickets } = settings
  const options: tls.SecureContextOptions & { allowPartialTrustChain: boolean } = {
    ca: verifiesPeers(settings, side) ? trusted(settings) : [],
    // A given authority is trusted, whichever authority issued it. rustls does the same.
    allowPartialTrustChain: true,
    ciphers: cipherSuites.join(':'),
    honorCipherOrder: true,
    minVersion: settings.minVersion,
    maxVersion: settings.maxVersion,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (sessionTickets ? 0 : constants.SSL_OP_NO_TICKET),
    // Without a session id context OpenSSL does not resume sessions with a client certificate.
    sessionIdContext: 'structio',
  }
  if (certificates.length > 0 && key !== undefined) {
    options.cert = certificates.map((der) => toPem(der, 'CERTIFICATE')).join('')
    options.key = toPem(key, 'PRIVATE KEY')
  }
  return tls.createSecureContext(options)
}

function verifiesPeers(settings: TlsSettings, side: 'client' | 'server'): boolean {
  return settings.verify && (side === 'client' || settings.clientCertificate !== 'none')
}

function trusted({ ca, systemCa }: TlsSettings): string[] {
  const own = ca.map((der) => toPem(der, 'CERTIFICATE'))
  return systemCa ? [...own, ...platformTrust()] : own
}

function toPem(der: Buffer, label: string): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
