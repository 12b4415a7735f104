/** The result of a handshake of node:tls. */
import type { TLSSocket } from 'node:tls'
import { ClosedResourceError, UnsupportedError } from '../../errors.ts'
import type { TlsSession, TlsStart, TLSVersion } from '../contract/backend.ts'

/** Facts that node:tls does not report, or not every time. Certificates are in DER. */
export interface SessionFacts {
  readonly serverName: string | undefined
  readonly peer: Buffer | undefined
  readonly own: Buffer | undefined
}

export class NodeTlsSession implements TlsSession {
  readonly serverSide: boolean
  readonly version: TLSVersion
  readonly alpnProtocol: string | null
  readonly serverName: string | null
  readonly cipher: string
  readonly #facts: SessionFacts
  #socket: TLSSocket | undefined

  constructor(socket: TLSSocket, side: TlsStart['side'], facts: SessionFacts) {
    this.#socket = socket
    this.#facts = facts
    this.serverSide = side === 'server'
    this.version = socket.getProtocol() === 'TLSv1.2' ? 'TLSv1.2' : 'TLSv1.3'
    this.alpnProtocol = socket.alpnProtocol || null
    this.serverName = facts.serverName ?? null
    this.cipher = socket.getCipher().name
  }

  /** The connection is gone, and so are the facts that were not read. */
  close(): void {
    this.#socket = undefined
  }

  sharedCiphers(): never {
    throw new UnsupportedError('node:tls does not tell which cipher suites both sides offered; the native backend does')
  }

  peerCertificate(): Buffer | undefined {
    return this.#facts.peer
  }

  ownCertificate(): Buffer | undefined {
    return this.#facts.own
  }

  exportKeyingMaterial(length: number, label: string): Buffer {
    return this.#open.exportKeyingMaterial(length, label, NO_CONTEXT)
  }

  /** The first Finished message of the handshake: the client's, or the server's where a session was resumed. */
  tlsUnique(): Buffer {
    if (this.version === 'TLSv1.3') {
      throw new UnsupportedError(
        "TLS 1.3 has no channel binding 'tls-unique'; 'tls-exporter' and 'tls-server-end-point' are there",
      )
    }
    const socket = this.#open
    const own = this.serverSide === socket.isSessionReused()
    const finished = own ? socket.getFinished() : socket.getPeerFinished()
    if (finished === undefined)
      throw new UnsupportedError('node:tls does not tell the Finished message of this session')
    return finished
  }

  get #open(): TLSSocket {
    if (this.#socket === undefined) throw new ClosedResourceError('the TLS session is gone: the stream is closed')
    return this.#socket
  }
}

/** An empty context. In TLS 1.2 that differs from no context. */
const NO_CONTEXT = Buffer.alloc(0)
