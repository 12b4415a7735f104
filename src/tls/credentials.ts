/**
 * Converts certificates and keys from any supported form to the DER that the backends take. All errors are found here, when
 * the context is created, and not in the first handshake.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { isUint8Array } from 'node:util/types'
import { TLSError } from '../errors.ts'
import { invalidArgType } from '../common/validate.ts'
import { readMaterial } from './files.ts'

/**
 * A certificate or key: PEM text, the bytes of a PEM or DER file, or the path of one (a string without `-----BEGIN` in it,
 * or a `file:` URL). PEM may hold several certificates.
 */
export type TLSMaterial = string | Uint8Array | URL

/** A chain and its key, in DER. */
export interface Credentials {
  readonly certificates: readonly Buffer[]
  readonly key: Buffer | undefined
}

/** Reads the end entity's certificate, the chain to its authority, and the key of the first certificate. */
export function toCredentials(
  cert: TLSMaterial | readonly TLSMaterial[] | undefined,
  key: TLSMaterial | undefined,
): Credentials {
  if (cert === undefined && key === undefined) return { certificates: [], key: undefined }
  if (cert === undefined) throw bad('options.key needs its certificate, options.cert')
  if (key === undefined) throw bad('options.cert needs its private key, options.key')
  const chain = toCertificates('options.cert', cert)
  const privateKey = toPrivateKey('options.key', key)
  const [first, ...others] = chain as [X509Certificate, ...X509Certificate[]]
  if (!first.checkPrivateKey(privateKey)) {
    throw bad(
      others.some((other) => other.checkPrivateKey(privateKey))
        ? 'options.cert must begin with the certificate that options.key belongs to, and go on towards the authority'
        : `options.key does not match the certificate in options.cert (${subjectOf(first)})`,
    )
  }
  return {
    certificates: chain.map(({ raw }) => raw),
    key: privateKey.export({ type: 'pkcs8', format: 'der' }),
  }
}

/** Certificates of authorities, in DER. */
export function toAuthorities(name: string, ca: TLSMaterial | readonly TLSMaterial[]): readonly Buffer[] {
  return toCertificates(name, ca).map(({ raw }) => raw)
}

function toCertificates(name: string, given: TLSMaterial | readonly TLSMaterial[]): X509Certificate[] {
  const list: readonly TLSMaterial[] = Array.isArray(given) ? given : [given as TLSMaterial]
  if (list.length === 0) throw bad(`${name} holds no certificate`)
  return list.flatMap((material, index) => {
    const at = Array.isArray(given) ? `${name}[${index}]` : name
    const content = read(at, material)
    if (typeof content !== 'string') return [parseCertificate(at, content)]
    const blocks = [...content.matchAll(CERTIFICATE)].map(([block]) => block)
    if (blocks.length === 0) throw bad(`${at} holds no certificate`)
    return blocks.map((block) => parseCertificate(at, block))
  })
}

function parseCertificate(name: string, content: string | Buffer): X509Certificate {
  try {
    return new X509Certificate(content)
  } catch (cause) {
    throw bad(`${name} holds a malformed certificate`, cause)
  }
}

function toPrivateKey(name: string, material: TLSMaterial): KeyObject {
  const content = read(name, material)
  const key = typeof content === 'string' ? keyFromPem(name, content) : keyFromDer(name, content)
  if (key.asymmetricKeyType === undefined || !KEY_TYPES.has(key.asymmetricKeyType)) {
    throw bad(`${name} is a key of type ${key.asymmetricKeyType}; TLS takes RSA, ECDSA and Ed25519 keys`)
  }
  return key
}

function keyFromPem(name: string, text: string): KeyObject {
  const block = PRIVATE_KEY.exec(text)?.[0]
  if (block === undefined) throw bad(`${name} holds no private key`)
  if (/ENCRYPTED/.test(block)) {
    throw bad(`${name} is encrypted; decrypt it first, for instance with: openssl pkey -in encrypted.pem -out key.pem`)
  }
  try {
    return createPrivateKey(block)
  } catch (cause) {
    throw bad(`${name} holds a malformed private key`, cause)
  }
}

function keyFromDer(name: string, key: Buffer): KeyObject {
  let cause: unknown
  // DER does not name its format.
  for (const type of ['pkcs8', 'sec1', 'pkcs1'] as const) {
    try {
      return createPrivateKey({ key, format: 'der', type })
    } catch (error) {
      cause ??= error
    }
  }
  throw bad(`${name} holds no private key that is readable: neither PEM nor unencrypted DER`, cause)
}

/** Returns PEM as text, and anything else as bytes. */
function read(name: string, material: unknown): string | Buffer {
  if (typeof material === 'string') {
    if (material.includes(BEGIN)) return material
    // A path has no line ends. Text with line ends was meant as PEM.
    if (material.trim() === '' || /[\r\n]/.test(material)) throw bad(`${name} holds no PEM block`)
    return textOrBytes(name, readMaterial(material))
  }
  if (material instanceof URL) return textOrBytes(name, readMaterial(material))
  if (isUint8Array(material)) return textOrBytes(name, Buffer.from(material))
  throw invalidArgType(name, 'a string, a URL or an instance of Uint8Array', material)
}

function textOrBytes(name: string, content: Buffer): string | Buffer {
  if (content.length === 0) throw bad(`${name} is empty`)
  return content.includes(BEGIN) ? content.toString('latin1') : content
}

function subjectOf(certificate: X509Certificate): string {
  return certificate.subject === undefined || certificate.subject === ''
    ? `serial number ${certificate.serialNumber}`
    : certificate.subject.replaceAll('\n', ', ')
}

function bad(message: string, cause?: unknown): TLSError {
  return new TLSError(message, { reason: 'bad-credentials', ...(cause === undefined ? {} : { cause }) })
}

const BEGIN = '-----BEGIN '
const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]+-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g
const PRIVATE_KEY = /-----BEGIN ((?:[A-Z]+ )*PRIVATE KEY)-----[\s\S]+?-----END \1-----/
const KEY_TYPES: ReadonlySet<string> = new Set(['rsa', 'ec', 'ed25519'])
