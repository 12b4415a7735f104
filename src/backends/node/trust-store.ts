/** The certificates that the platform trusts, in PEM: loaded when they are first needed, once per thread. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tls from 'node:tls'

export function platformTrust(): readonly string[] {
  return (store ??= load())
}

let store: readonly string[] | undefined

/**
 * What OpenSSL's variables name, and nothing else where they are set. Otherwise Node reads the platform's store since 22.15;
 * before that, the bundle of a Linux distribution; and where there is none of them (macOS and Windows keep theirs
 * elsewhere), Mozilla's list that Node brings.
 */
function load(): readonly string[] {
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: folders } = process.env
  if (file !== undefined || folders !== undefined) return named(file, folders)
  const known = (tls as NewerTls).getCACertificates?.('system') ?? []
  if (known.length > 0) return known
  return BUNDLES.map(readBundle).find((found) => found.length > 0) ?? tls.rootCertificates
}

/** What @types/node does not know yet. */
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

/** A store that is not there, or a file in it that is none, is like an empty one: trust is what was found. */
function readBundle(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').match(CERTIFICATE) ?? []
  } catch {
    return []
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
