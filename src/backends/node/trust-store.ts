/** The certificates that the platform trusts, in PEM. Loaded once for each thread, when they are first needed. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tls from 'node:tls'

export function platformTrust(): readonly string[] {
  return (store ??= load())
}

let store: readonly string[] | undefined

/**
 * Reads the stores that OpenSSL's variables name, and only those if they are set. Otherwise Node reads the platform's
 * store since 22.15. An older Node uses the bundle of a Linux distribution. Without one (macOS and Windows have other
 * stores) it uses Mozilla's list in Node.
 */
function load(): readonly string[] {
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: folders } = process.env
  if (file !== undefined || folders !== undefined) return named(file, folders)
  const known = (tls as NewerTls).getCACertificates?.('system') ?? []
  if (known.length > 0) return known
  return BUNDLES.map(readBundle).find((found) => found.length > 0) ?? tls.rootCertificates
}

/** A function that @types/node does not have yet. */
interface NewerTls {
  getCACertificates?: (type: 'system') => string[]
}

function named(file: string | undefined, folders: string | undefined): string[] {
  const files = file === undefined ? [] : [file]
  for (const folder of folders?.split(':') ?? []) files.push(...filesIn(folder))
  return [...new Set(files.flatMap(readBundle))]
}

const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name))
  } catch {
    return []
  }
}

/** A store or file that is missing or malformed counts as empty. */
function readBundle(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').match(CERTIFICATE) ?? []
  } catch {
    return []
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
