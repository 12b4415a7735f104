/** `TLSContext`: what one side of a TLS connection knows and demands, checked when it is made. */

import type { TlsSettings, TLSVersion } from '../backends/contract/backend.ts'
import { TLSError } from '../errors.ts'
import {
  checkBoolean,
  checkFunction,
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
  /** The own certificate, then those that lead to its authority. A server needs one, or `sni`. */
  cert?: TLSMaterial | readonly TLSMaterial[] | undefined
  /** The private key of `cert`, not encrypted. */
  key?: TLSMaterial | undefined
  /** Authorities to trust, instead of the platform's. */
  ca?: TLSMaterial | readonly TLSMaterial[] | undefined
  /** Trusts the platform's authorities; with `ca`, as well. Default: only where there is no `ca`. */
  systemCa?: boolean | undefined
  /** Application protocols (ALPN), best first. Where both sides have some and none in common, the handshake fails. */
  alpnProtocols?: readonly string[] | undefined
  /** Default `'TLSv1.2'`. */
  minVersion?: TLSVersion | undefined
  /** Default `'TLSv1.3'`. */
  maxVersion?: TLSVersion | undefined
  /** By OpenSSL's names, best first; a server's order counts. Default: all that structio has. */
  cipherSuites?: readonly string[] | undefined
  /** False accepts any certificate of the peer, also none that is for its name: for tests and debugging. Default true. */
  verify?: boolean | undefined
  /** Whether a server asks its clients for certificates: true requires one. Default false. */
  requestClientCert?: boolean | 'optional' | undefined
  /**
   * Called on a server with the name that a client asks for; the context it returns is used for this client, instead of
   * this one. `undefined` keeps this one; an error refuses the client.
   */
  sni?: ((name: string) => TLSContext | undefined | PromiseLike<TLSContext | undefined>) | undefined
  /** Whether sessions are resumed, which saves most of the handshake. Default true. */
  sessionTickets?: boolean | undefined
  /** Gets the secrets of every session in the NSS key log format, line by line, or names a file to append them to. */
  keyLog?: ((line: string) => void) | string | URL | undefined
}

/** Made by `createTlsContext`; immutable, and meant to be shared by all connections of a kind. */
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
 * Makes a TLS context, the counterpart of Python's `ssl.SSLContext`. With no options it is a client's that trusts what the
 * platform trusts. Files are read now, and once.
 *
 * @throws TLSError for a certificate or key that is of no use: empty, malformed, encrypted, or not each other's
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

/** What a client without a context uses. Made once: the platform's store is large. */
export function defaultSettings(): TlsSettings {
  return (fallback ??= settingsOf(createTlsContext()))
}

/** A server cannot prove who it is without a certificate. */
export function requireCertificate(settings: TlsSettings): void {
  if (settings.certificates.length > 0 || settings.chooseByName !== undefined) return
  throw new TLSError('the TLS context of a server needs a certificate and its key (cert, key), or an sni callback', {
    reason: 'no-settings',
  })
}

let fallback: TlsSettings | undefined

/** The suites, and the versions that are left with them. */
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
  if (version !== 'TLSv1.2' && version !== 'TLSv1.3') throw outOfRange(name, "'TLSv1.2' or 'TLSv1.3'", version)
}

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
    // What its own sni callback would say is not asked: this is the answer already.
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
      // The caller's fault and not the connection's: it surfaces as a listener's would.
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
