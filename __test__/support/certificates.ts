/**
 * Certificates for the tests, made in this process: an authority, what it issues, and everything that can be wrong with it.
 * Nothing here knows of the library, and no key is ever in the repository.
 *
 * `certificates()` makes the usual ones once per process; `Authority` makes what a test needs of its own.
 */
import { type KeyObject, createPrivateKey, generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

x509.cryptoProvider.set(webcrypto as never)

/** What a peer shows, and its key. */
export interface Identity {
  /** PEM: its own certificate, then those of the authorities on the way to the root. */
  readonly cert: string
  /** PEM, PKCS #8. */
  readonly key: string
  /** Its own certificate. */
  readonly der: Buffer
}

export interface IssueOptions {
  /** The subject's common name. Default: the first name. */
  readonly commonName?: string
  /** DNS names and addresses. */
  readonly names?: readonly string[]
  readonly usage?: 'server' | 'client' | 'both' | 'code signing'
  readonly keyType?: 'ec' | 'rsa'
  /** Days from now. */
  readonly from?: number
  readonly until?: number
}

const PURPOSES = {
  server: ['1.3.6.1.5.5.7.3.1'],
  client: ['1.3.6.1.5.5.7.3.2'],
  both: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
  'code signing': ['1.3.6.1.5.5.7.3.3'],
}

const SIGNING = {
  ec: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 },
}

interface Key {
  readonly type: 'ec' | 'rsa'
  readonly pem: string
  readonly pair: webcrypto.CryptoKeyPair
}

/** Who issues certificates: a root, or below one. */
export class Authority {
  readonly #key: Key
  readonly #certificate: x509.X509Certificate
  /** PEM: the certificates of the authorities below the root, this one's first. */
  readonly #chain: string
  /** PEM, of the root: what somebody who trusts it is given. */
  readonly root: string

  private constructor(key: Key, certificate: x509.X509Certificate, chain: string, root: string) {
    this.#key = key
    this.#certificate = certificate
    this.#chain = chain
    this.root = root
  }

  static async create(name: string): Promise<Authority> {
    const key = await makeKey('ec')
    const certificate = await certify(key, { commonName: name }, { key, name: `CN=${name}`, authority: true })
    return new Authority(key, certificate, '', pemOf(certificate))
  }

  /** An authority that this one has certified. */
  async intermediate(name: string): Promise<Authority> {
    const key = await makeKey('ec')
    const certificate = await certify(key, { commonName: name }, { ...this.#issuer, authority: true })
    return new Authority(key, certificate, pemOf(certificate) + this.#chain, this.root)
  }

  async issue(options: IssueOptions): Promise<Identity> {
    const key = await makeKey(options.keyType ?? 'ec')
    const certificate = await certify(key, options, { ...this.#issuer, authority: false })
    return identityOf(pemOf(certificate) + this.#chain, key, certificate)
  }

  get #issuer(): { key: Key; name: string } {
    return { key: this.#key, name: this.#certificate.subject }
  }
}

/** A certificate that vouches for itself. */
export async function selfSigned(options: IssueOptions, authority = false): Promise<Identity> {
  const key = await makeKey(options.keyType ?? 'ec')
  const name = `CN=${options.commonName ?? options.names?.[0] ?? ''}`
  const certificate = await certify(key, options, { key, name, authority })
  return identityOf(pemOf(certificate), key, certificate)
}

/** `der` is not enumerable: an identity is spread into the options of a context, which have no such member. */
function identityOf(cert: string, { pem: key }: Key, { rawData }: x509.X509Certificate): Identity {
  return Object.defineProperty({ cert, key }, 'der', { value: Buffer.from(rawData) }) as Identity
}

/** What most tests need. The names say what is wrong with the others. */
export interface Certificates {
  readonly authority: Authority
  /** Trusted by those who trust `authority`. */
  readonly ca: string
  /** For `NAMES`. */
  readonly server: Identity
  readonly rsa: Identity
  readonly client: Identity
  readonly otherName: Identity
  readonly expired: Identity
  readonly notYetValid: Identity
  readonly selfSigned: Identity
  /** The same, and it says that it is an authority: what `openssl req -x509` makes. */
  readonly selfSignedAuthority: Identity
  readonly unknownAuthority: Identity
  readonly unknownClient: Identity
  readonly wrongPurpose: Identity
  readonly wrongPurposeClient: Identity
  /** Below an intermediate authority, with its certificate. */
  readonly chained: Identity
  /** The same, without. */
  readonly incomplete: Identity
  /** Its signature has a bit that is wrong. */
  readonly forged: Identity
}

/** The names that the usual server certificates are for. */
export const NAMES = ['localhost', 'server.test', '127.0.0.1', '::1'] as const

let made: Promise<Certificates> | undefined

export function certificates(): Promise<Certificates> {
  return (made ??= make())
}

async function make(): Promise<Certificates> {
  const authority = await Authority.create('Test Authority')
  const other = await Authority.create('Another Authority')
  const below = await authority.intermediate('Test Authority Below')
  const names = NAMES
  const server = await authority.issue({ names })
  const chained = await below.issue({ names })
  const rsa = await authority.issue({ names, keyType: 'rsa' })
  return {
    authority,
    ca: authority.root,
    server,
    rsa,
    client: await authority.issue({ commonName: 'a client', usage: 'client' }),
    otherName: await authority.issue({ names: ['other.test', '127.0.0.2'] }),
    expired: await authority.issue({ names, from: -30, until: -1 }),
    notYetValid: await authority.issue({ names, from: 1, until: 30 }),
    selfSigned: await selfSigned({ names }),
    selfSignedAuthority: await selfSigned({ names }, true),
    unknownAuthority: await other.issue({ names }),
    unknownClient: await other.issue({ commonName: 'a stranger', usage: 'client' }),
    wrongPurpose: await authority.issue({ names, usage: 'code signing' }),
    wrongPurposeClient: await authority.issue({ commonName: 'a program', usage: 'code signing' }),
    chained,
    incomplete: { ...chained, cert: toPem('CERTIFICATE', chained.der) },
    forged: forge(rsa),
  }
}

export function toPem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g)!
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

/** The same key, the way OpenSSL's older commands write it. */
export function traditional(key: string, passphrase?: string): string {
  const object = createPrivateKey(key)
  const type = object.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1'
  return passphrase === undefined
    ? exported(object, { type, format: 'pem' })
    : exported(object, { type, format: 'pem', cipher: 'aes-128-cbc', passphrase })
}

/** The same key, PKCS #8, under a passphrase. */
export function encrypted(key: string, passphrase: string): string {
  return exported(createPrivateKey(key), { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
}

function exported(key: KeyObject, options: object): string {
  return String(key.export(options as never))
}

/** The bit is one of the signature's, at the very end: everything can be read, nothing vouches for it. */
function forge(identity: Identity): Identity {
  const der = Buffer.from(identity.der)
  der[der.length - 1]! ^= 1
  return Object.defineProperty({ key: identity.key, cert: toPem('CERTIFICATE', der) }, 'der', {
    value: der,
  }) as Identity
}

async function makeKey(type: 'ec' | 'rsa'): Promise<Key> {
  const { privateKey, publicKey } =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const algorithm = SIGNING[type]
  return {
    type,
    pem: exported(privateKey, { type: 'pkcs8', format: 'pem' }),
    pair: {
      privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']),
      publicKey: await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
    },
  }
}

async function certify(
  key: Key,
  { commonName, names = [], usage = 'server', from = -1, until = 365 }: IssueOptions,
  issuer: { key: Key; name: string; authority: boolean },
): Promise<x509.X509Certificate> {
  const day = 24 * 60 * 60 * 1000
  const alternatives = names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value }))
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(issuer.authority, undefined, true),
    await x509.SubjectKeyIdentifierExtension.create(key.pair.publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.key.pair.publicKey),
  ]
  if (issuer.authority) {
    // It may sign handshakes, too: some tests show it as their own certificate.
    const { keyCertSign, cRLSign, digitalSignature } = x509.KeyUsageFlags
    extensions.push(new x509.KeyUsagesExtension(keyCertSign | cRLSign | digitalSignature, true))
  } else {
    extensions.push(new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true))
    extensions.push(new x509.ExtendedKeyUsageExtension(PURPOSES[usage]))
    if (alternatives.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(alternatives))
  }
  return x509.X509CertificateGenerator.create({
    // Positive, and without a leading zero byte: one way only to write it down.
    serialNumber: `7${randomBytes(8).toString('hex').slice(1)}`,
    subject: `CN=${commonName ?? names[0] ?? ''}`,
    issuer: issuer.name,
    notBefore: new Date(Date.now() + from * day),
    notAfter: new Date(Date.now() + until * day),
    publicKey: key.pair.publicKey,
    signingKey: issuer.key.pair.privateKey,
    signingAlgorithm: SIGNING[issuer.key.type],
    extensions,
  })
}

function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}
