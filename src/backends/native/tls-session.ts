/** The result of a handshake of the addon. Its facts are read on demand, and kept when the connection is closed. */
import { isIP } from 'node:net'
import { ClosedResourceError, UnsupportedError } from '../../errors.ts'
import type { BindingTlsFacts } from '../../native/load.ts'
import type { TlsSession, TlsSettings, TlsStart, TLSVersion } from '../contract/backend.ts'

/** Reads the session behind a handle or in an engine. `null`: it is gone. */
export interface SessionSource {
  facts(): BindingTlsFacts | null
  peerCertificate(): Buffer | null
  export(length: number, label: string): Buffer | null
}

export class NativeTlsSession implements TlsSession {
  readonly serverSide: boolean
  readonly #source: SessionSource
  readonly #hostname: string | undefined
  readonly #ownCertificate: Buffer | undefined
  #facts: BindingTlsFacts | undefined
  /** Kept by `close`. `null`: the peer has shown no certificate. */
  #peerCertificate: Buffer | null | undefined

  /** @param settings - the settings that were used; a server's may have been chosen by name */
  constructor(source: SessionSource, { side, hostname }: Pick<TlsStart, 'side' | 'hostname'>, settings: TlsSettings) {
    this.serverSide = side === 'server'
    this.#source = source
    this.#hostname = hostname
    this.#ownCertificate = settings.certificates[0]
  }

  get version(): TLSVersion {
    return this.#known.version as TLSVersion
  }

  get alpnProtocol(): string | null {
    return this.#known.alpnProtocol ?? null
  }

  get serverName(): string | null {
    return (this.serverSide ? this.#known.serverName : this.#hostname) ?? null
  }

  get cipher(): string {
    return this.#known.cipher
  }

  sharedCiphers(): string[] {
    return this.#known.sharedCiphers ?? []
  }

  /** The connection is about to close. Its facts stay available, its keys do not. */
  close(): void {
    if (this.#peerCertificate !== undefined) return
    const facts = (this.#facts ??= this.#source.facts() ?? undefined)
    if (facts !== undefined) this.#peerCertificate = this.#source.peerCertificate()
  }

  peerCertificate(): Buffer | undefined {
    if (this.#peerCertificate !== undefined) return this.#peerCertificate ?? undefined
    const certificate = this.#source.peerCertificate()
    if (certificate !== null) return certificate
    // The session has none, or is gone.
    if (this.#source.facts() === null) throw gone()
    return undefined
  }

  ownCertificate(): Buffer | undefined {
    return this.#ownCertificate
  }

  exportKeyingMaterial(length: number, label: string): Buffer {
    return this.#source.export(length, label) ?? thrown(gone())
  }

  tlsUnique(): never {
    throw new UnsupportedError(
      "The native backend does not tell the channel binding 'tls-unique'. There are 'tls-exporter' and " +
        "'tls-server-end-point', and the node backend tells it for TLS 1.2",
    )
  }

  get #known(): BindingTlsFacts {
    return (this.#facts ??= this.#source.facts() ?? thrown(gone()))
  }
}

/** Accepts an address with or without the scope of a link-local address. */
export function isAddress(hostname: string): boolean {
  return isIP(hostname.split('%')[0]!) !== 0
}

function gone(): ClosedResourceError {
  return new ClosedResourceError('the TLS session is gone: the stream is closed')
}

function thrown(error: Error): never {
  throw error
}
