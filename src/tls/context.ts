/** `TLSContext`: the settings of one side of a TLS connection. Its creation checks them. */

import type { TlsSettings, TLSVersion } from '../backends/contract/backend.ts'
import { TLSError } from '../errors.ts'
import {
  checkBoolean,
  checkFunction,
  checkOneOf,
  checkOptions,
  checkString,
  invalidArgType,
  isThenable,
  optionNames,
  outOfRange,
} from '../common/validate.ts'
import { CIPHER_SUITES, versionOf } from './cipher-suites.ts'
import { toAuthorities, toCredentials, type TLSMaterial } from './credentials.ts'
import { lineAppender } from './files.ts'

/** Options of `createTlsContext`. */
export interface TLSContextOptions {
  /** This side's certificate, then the chain to its authority. A server needs `cert` or `sni`. */
  cert?: TLSMaterial | readonly TLSMaterial[] | undefined
  /** The unencrypted private key of `cert`. */
  key?: TLSMaterial | undefined
  /** Certificate authorities to trust instead of the platform's. */
  ca?: TLSMaterial | readonly TLSMaterial[] | undefined
  /** Whether the platform's authorities are trusted, in addition to `ca`. Default: true without `ca`, false with it. */
  systemCa?: boolean | undefined
  /** Application protocols (ALPN), preferred ones first. The handshake fails if both sides have some, but none in common. */
  alpnProtocols?: readonly string[] | undefined
  /** The lowest version of TLS to accept. Default `'TLSv1.2'`. */
  minVersion?: TLSVersion | undefined
  /** The highest version of TLS to accept. Default `'TLSv1.3'`. */
  maxVersion?: TLSVersion | undefined
  /** Cipher suites by OpenSSL's names, preferred ones first; the server's order decides. Default: all that structio has. */
  cipherSuites?: readonly string[] | undefined
  /** Whether the peer's certificate and name are verified. `false` is only for tests and debugging. Default true. */
  verify?: boolean | undefined
  /** Whether a server asks its clients for a certificate. `true` requires one. Default false. */
  requestClientCert?: boolean | 'optional' | undefined
  /**
   * Called on a server with the name that the client asks for (SNI). Returns the context for this client, or `undefined` for
   * this context. An error refuses the client.
   */
  sni?: ((name: string) => TLSContext | undefined | PromiseLike<TLSContext | undefined>) | undefined
  /** Whether sessions are resumed. That saves most of the work of a handshake. Default true. */
  sessionTickets?: boolean | undefined
  /** Receives the secrets of each session, as lines of the NSS key log format: a function, or a file to append to. */
  keyLog?: ((line: string) => void) | string | URL | undefined
}

/** Immutable TLS settings from `createTlsContext`. Share one among connections of the same kind, so that sessions are resumed. */
export class TLSContext {
  readonly #settings: TlsSettings

  /** @internal */
  constructor(settings: TlsSettings) {
    this.#settings = settings
  }

  /** @internal */
  static settingsOf(context: TLSContext): TlsSettings {
    return context.#settings
  }

  /** @internal */
  static is(value: unknown): value is TLSContext {
    return typeof value === 'object' && value !== null && #settings in value
  }
}

/**
 * Creates the TLS settings for connections or servers. Without options they are those of a client that trusts the platform's
 * authorities. Files are read synchronously, once, by this call.
 *
 * @throws TLSError if a certificate or key is empty, malformed or encrypted, or if they do not match
 * @throws the system error (`ENOENT` and others) if a file cannot be read
 * @example
 * ```ts
 * const forServers = createTlsContext({ cert: 'certificate.pem', key: 'key.pem', alpnProtocols: ['h2', 'http/1.1'] })
 * const server = await createTcpServer(8443, { tls: forServers })
 *
 * const forClients = createTlsContext({ ca: 'authority.pem' })
 * const stream = await connectTcp('localhost', 8443, { tls: forClients })
 * ```
 */
export function createTlsContext(options: TLSContextOptions = {}): TLSContext {
  checkOptions('options', options, OPTIONS)
  const { cert, key, ca, sni, keyLog } = options
  const {
    systemCa = ca === undefined,
    verify = true,
    sessionTickets = true,
    requestClientCert = false,
    alpnProtocols = [],
  } = options
  checkBoolean('options.systemCa', systemCa)
  checkBoolean('options.verify', verify)
  checkBoolean('options.sessionTickets', sessionTickets)
  if (requestClientCert !== 'optional') checkBoolean('options.requestClientCert', requestClientCert)
  if (sni !== undefined) checkFunction('options.sni', sni)
  checkProtocols(alpnProtocols)
  const { certificates, key: privateKey } = toCredentials(cert, key)
  return new TLSContext(
    Object.freeze({
      certificates,
      key: privateKey,
      ca: ca === undefined ? [] : toAuthorities('options.ca', ca),
      systemCa,
      alpnProtocols: Object.freeze([...alpnProtocols]),
      ...checkSuites(options),
      verify,
      clientCertificate:
        requestClientCert === 'optional' ? 'optional' : requestClientCert ? ('required' as const) : ('none' as const),
      chooseByName: sni === undefined ? undefined : chooser(sni),
      sessionTickets,
      keyLog: toKeyLog(keyLog),
    } satisfies TlsSettings),
  )
}

export function checkContext(name: string, value: unknown): asserts value is TLSContext {
  if (!TLSContext.is(value)) throw invalidArgType(name, 'a TLS context made by createTlsContext', value)
}

export function settingsOf(context: TLSContext): TlsSettings {
  return TLSContext.settingsOf(context)
}

/** The settings of a client without a context. Created once, because the platform's store is large. */
export function defaultSettings(): TlsSettings {
  return (fallback ??= settingsOf(createTlsContext()))
}

/** A server cannot authenticate itself without a certificate. */
export function requireCertificate(settings: TlsSettings): void {
  if (settings.certificates.length > 0 || settings.chooseByName !== undefined) return
  throw new TLSError('the TLS context of a server needs a certificate and its key (cert, key), or an sni callback', {
    reason: 'no-settings',
  })
}

let fallback: TlsSettings | undefined

/** The usable suites, and the versions that they leave. */
function checkSuites(options: TLSContextOptions): Pick<TlsSettings, 'minVersion' | 'maxVersion' | 'cipherSuites'> {
  const { minVersion = 'TLSv1.2', maxVersion = 'TLSv1.3', cipherSuites = CIPHER_SUITES } = options
  checkVersion('options.minVersion', minVersion)
  checkVersion('options.maxVersion', maxVersion)
  if (minVersion > maxVersion) throw outOfRange('options.minVersion', 'at most options.maxVersion', minVersion)
  checkStrings('options.cipherSuites', cipherSuites)
  for (const [index, name] of cipherSuites.entries()) {
    if (versionOf(name) === undefined)
      throw outOfRange(`options.cipherSuites[${index}]`, `one of ${CIPHER_SUITES.join(', ')}`, name)
  }
  const usable = cipherSuites.filter((name) => {
    const version = versionOf(name) as TLSVersion
    return version >= minVersion && version <= maxVersion
  })
  const versions = usable.map((name) => versionOf(name) as TLSVersion).sort()
  const [lowest] = versions
  const highest = versions.at(-1)
  if (lowest === undefined || highest === undefined) {
    const range = minVersion === maxVersion ? minVersion : `${minVersion} or ${maxVersion}`
    throw outOfRange('options.cipherSuites', `at least one suite of ${range}`, cipherSuites)
  }
  return { minVersion: lowest, maxVersion: highest, cipherSuites: Object.freeze(usable) }
}

function checkVersion(name: string, version: unknown): asserts version is TLSVersion {
  checkString(name, version)
  // Older ones are broken (RFC 8996), and no backend has them.
  checkOneOf(name, version, VERSIONS)
}

const VERSIONS: readonly TLSVersion[] = ['TLSv1.2', 'TLSv1.3']

function checkStrings(name: string, list: unknown): asserts list is readonly string[] {
  if (!Array.isArray(list)) throw invalidArgType(name, 'an array of strings', list)
  for (const [index, item] of list.entries()) checkString(`${name}[${index}]`, item)
}

function checkProtocols(list: unknown): asserts list is readonly string[] {
  checkStrings('options.alpnProtocols', list)
  for (const [index, name] of list.entries()) {
    const length = Buffer.byteLength(name)
    if (length === 0 || length > 255)
      throw outOfRange(`options.alpnProtocols[${index}]`, 'a name of 1 to 255 bytes', name)
  }
}

function chooser(sni: NonNullable<TLSContextOptions['sni']>): NonNullable<TlsSettings['chooseByName']> {
  const toSettings = (context: TLSContext | undefined): TlsSettings | undefined => {
    if (context === undefined) return undefined
    checkContext('the answer of options.sni', context)
    const settings = settingsOf(context)
    // The sni callback of the chosen context is not called.
    if (settings.certificates.length === 0) requireCertificate({ ...settings, chooseByName: undefined })
    return settings
  }
  return (name) => {
    const answer = sni(name)
    return isThenable(answer) ? Promise.resolve(answer).then(toSettings) : toSettings(answer)
  }
}

function toKeyLog(keyLog: unknown): TlsSettings['keyLog'] {
  if (keyLog === undefined) return undefined
  if (typeof keyLog === 'string' || keyLog instanceof URL) return lineAppender(keyLog)
  checkFunction('options.keyLog', keyLog)
  return (line) => {
    try {
      ;(keyLog as (line: string) => void)(line)
    } catch (error) {
      // An error of the caller's function must not end the connection. It surfaces like an error in an event listener.
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

const OPTIONS = optionNames<TLSContextOptions>({
  cert: true,
  key: true,
  ca: true,
  systemCa: true,
  alpnProtocols: true,
  minVersion: true,
  maxVersion: true,
  cipherSuites: true,
  verify: true,
  requestClientCert: true,
  sni: true,
  sessionTickets: true,
  keyLog: true,
})
