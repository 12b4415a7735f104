/** What `node:tls` would say about a stream that speaks TLS here. */
import { X509Certificate } from 'node:crypto'
import type { CipherNameAndProtocol, PeerCertificate } from 'node:tls'
import type { Address } from '../backends/backend.ts'
import type { SocketStream } from '../streams/socket-stream.ts'

export class SessionFacts {
  readonly #stream: SocketStream<Address>
  /** `false` where none was agreed on, as node:tls has it. */
  readonly alpnProtocol: string | false

  private constructor(stream: SocketStream<Address>) {
    this.#stream = stream
    this.alpnProtocol = stream.alpnProtocol ?? false
  }

  /** `undefined` where the stream speaks no TLS. */
  static of(stream: SocketStream<Address>): SessionFacts | undefined {
    const version = ask(() => stream.tlsVersion) ?? null
    return version === null ? undefined : new SessionFacts(stream)
  }

  get protocol(): string | null {
    return ask(() => this.#stream.tlsVersion) ?? null
  }

  get cipher(): CipherNameAndProtocol | undefined {
    const cipher = ask(() => this.#stream.cipher)
    if (cipher === undefined) return undefined
    const [name, version] = cipher
    return { name, standardName: name, version }
  }

  /** On a client the name that it checked, on a server the name that the client asked for. */
  get serverName(): string | null {
    return ask(() => this.#stream.serverHostname) ?? null
  }

  /** The peer has shown a certificate, and this side has checked it. */
  get authorized(): boolean {
    return this.#stream._verifies && this.certificate !== undefined
  }

  get certificate(): X509Certificate | undefined {
    const der = ask(() => this.#stream.getpeercert(true))
    return der === undefined || der === null ? undefined : new X509Certificate(der)
  }

  /** The peer's certificate with node:tls's fields; empty where it has sent none. */
  get legacyCertificate(): PeerCertificate {
    return (this.certificate?.toLegacyObject() ?? {}) as PeerCertificate
  }
}

/** A connection that was cut below TLS may know nothing any more; a socket of Node's then answers with nothing. */
function ask<T>(question: () => T): T | undefined {
  try {
    return question()
  } catch {
    return undefined
  }
}
