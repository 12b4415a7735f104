/** The facts of a TLS session in the form of `node:tls`. */
import { X509Certificate } from 'node:crypto'
import type { CipherNameAndProtocol, PeerCertificate } from 'node:tls'
import type { Address } from '../backends/contract/backend.ts'
import type { SocketStream } from '../streams/socket-stream.ts'

export class SessionFacts {
  readonly #stream: SocketStream<Address>
  /** `false` if none was agreed on, as in node:tls. */
  readonly alpnProtocol: string | false

  private constructor(stream: SocketStream<Address>) {
    this.#stream = stream
    this.alpnProtocol = stream.alpnProtocol ?? false
  }

  /** `undefined` if the stream does not speak TLS. */
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

  /** On a client, the name that it verified; on a server, the client's SNI. */
  get serverName(): string | null {
    return ask(() => this.#stream.serverHostname) ?? null
  }

  /** Whether the peer sent a certificate that this side has verified. */
  get authorized(): boolean {
    return this.#stream._verifies && this.certificate !== undefined
  }

  get certificate(): X509Certificate | undefined {
    const der = ask(() => this.#stream.getpeercert(true))
    return der === undefined || der === null ? undefined : new X509Certificate(der)
  }

  /** The peer's certificate with the fields of node:tls; empty if it sent none. */
  get legacyCertificate(): PeerCertificate {
    return (this.certificate?.toLegacyObject() ?? {}) as PeerCertificate
  }
}

/** The session of a connection that was cut below TLS may be gone. Node's sockets give empty values then. */
function ask<T>(question: () => T): T | undefined {
  try {
    return question()
  } catch {
    return undefined
  }
}
