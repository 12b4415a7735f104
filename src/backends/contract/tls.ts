/** The part of the contract (`backend.ts`, which re-exports it) about TLS. It contains no behaviour. */

/** The supported versions of TLS. Older ones are broken (RFC 8996). */
export type TLSVersion = 'TLSv1.2' | 'TLSv1.3'

/**
 * A TLS context as the backends see it: checked, complete and immutable. A backend compiles it at its first use for a
 * side, and keeps the result in a `WeakMap` by this object. The users of one context therefore share resumable
 * sessions.
 */
export interface TlsSettings {
  /** DER, with the end entity's certificate first. Empty for no certificate. */
  readonly certificates: readonly Buffer[]
  /** PKCS #8 in DER. It matches the first certificate. */
  readonly key: Buffer | undefined
  /** Trusted certificates, in DER. */
  readonly ca: readonly Buffer[]
  /** Whether the platform's trust store is trusted too. */
  readonly systemCa: boolean
  /** In order of preference. */
  readonly alpnProtocols: readonly string[]
  readonly minVersion: TLSVersion
  readonly maxVersion: TLSVersion
  /** OpenSSL's names, in order of preference. Never empty, and only suites that every backend has. */
  readonly cipherSuites: readonly string[]
  /** Whether the peer's certificate must be valid. */
  readonly verify: boolean
  /** Whether a server asks its clients for a certificate. */
  readonly clientCertificate: 'none' | 'optional' | 'required'
  /**
   * A server's settings for the name that a client sent; `undefined` for these. The handshake fails if it throws or
   * rejects.
   */
  readonly chooseByName: ((name: string) => TlsSettings | undefined | PromiseLike<TlsSettings | undefined>) | undefined
  readonly sessionTickets: boolean
  /** Called with each line of the NSS key log format, without its line end. */
  readonly keyLog: ((line: string) => void) | undefined
}

/** The parameters of one handshake. */
export interface TlsStart {
  readonly side: 'client' | 'server'
  readonly settings: TlsSettings
  /**
   * On a client: the name or address that the certificate must match. A name is also sent (SNI). `undefined` only if
   * nothing is verified.
   */
  readonly hostname: string | undefined
  /** Whether the peer's data must end with `close_notify`, and closing sends one (a bidirectional shutdown). */
  readonly standardCompatible: boolean
  /** The first bytes of the handshake, prefetched before it began. */
  readonly ahead: Buffer
  /** The peer as error messages name it: '127.0.0.1:443'. */
  readonly peer: string
}

/** The result of a handshake. After `destroy` of its transport the members may throw `ClosedResourceError`. */
export interface TlsSession {
  readonly serverSide: boolean
  readonly version: TLSVersion
  readonly alpnProtocol: string | null
  /** On a client: `TlsStart.hostname`, also if it is an address. On a server: the name that the client sent. */
  readonly serverName: string | null
  /** The name of the cipher suite, as OpenSSL has it. */
  readonly cipher: string
  /**
   * On a server: OpenSSL's names of the suites that both sides offered, in the client's order.
   *
   * @throws UnsupportedError where the backend cannot tell
   */
  sharedCiphers(): string[]
  /** The peer's certificate, in DER. */
  peerCertificate(): Buffer | undefined
  /** The certificate that this side sent, in DER. */
  ownCertificate(): Buffer | undefined
  /** RFC 5705, with an empty context (TLS-5). */
  exportKeyingMaterial(length: number, label: string): Buffer
  /**
   * RFC 5929's tls-unique.
   *
   * @throws UnsupportedError in TLS 1.3, which has none, and where the backend cannot tell
   */
  tlsUnique(): Buffer
}
