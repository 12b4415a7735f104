/**
 * `startTls`: one operation that owns both directions of a connection, from the last plaintext byte to the first one of
 * the TLS session.
 *
 * ```text
 *  startTls ─► turn in the queue of sends ─► hold both directions ─► flush ─► backend.startTls ─► adopt the new transport ─► let go
 *                    │                                │ fails, is cancelled
 *        plaintext that was there before              └─► the connection is closed
 *        the go-ahead: refused (injection)
 * ```
 *
 * What must stay true: what was read ahead never reaches anybody as if it had come through TLS. It is refused, or it is
 * the beginning of the handshake (and then fails as one, unless it is).
 */

import type { Abandon, Backend, StreamTransport, TlsSettings } from '../backends/contract/backend.ts'
import { type Cancelled, ClosedResourceError, TLSError, UsageError } from '../errors.ts'
import { enterOperation, Operation } from '../kernel/index.ts'
import { defaultSettings, requireCertificate } from '../tls/context.ts'
import { formatAddress } from '../common/addresses.ts'
import { ownedByScope } from '../common/owned.ts'
import { own } from './connection-errors.ts'
import type { Connection } from './connection.ts'

export class TlsUpgrade extends Operation<void> {
  readonly #connection: Connection
  readonly #backend: Backend
  readonly #given: TlsSettings | undefined
  readonly #hostname: string | undefined
  /** Set while the backend has the transport. */
  #abandon: Abandon | undefined

  /** Without settings or a hostname, those of the connection's origin are used. */
  constructor(
    connection: Connection,
    backend: Backend,
    settings: TlsSettings | undefined,
    hostname: string | undefined,
  ) {
    super()
    this.#connection = connection
    this.#backend = backend
    this.#given = settings
    this.#hostname = hostname ?? connection.origin.hostname
  }

  override describe(): string {
    return `startTls with ${formatAddress(this.#connection.transport.remoteAddress)}`
  }

  start(): Promise<void> {
    // First, for it tells first what is true of every operation: cancelled, closed, busy, an earlier write that failed.
    const turn = this.#connection.sender.turn('startTls')
    return turn === undefined ? this.#begin() : ownedByScope(this.#beginAfter(turn))
  }

  /** Sends are under way: they leave as plaintext. */
  async #beginAfter(turn: Promise<void>): Promise<void> {
    await turn
    await this.#begin()
  }

  #begin(): Promise<void> {
    const { reader, sender, transport, origin } = this.#connection
    try {
      if (transport.tls !== undefined)
        throw new UsageError('startTls: this stream speaks TLS already; wrapTls makes TLS inside TLS')
      if (origin.side === 'server') requireCertificate(this.#settings)
      else if (this.#hostname === undefined && this.#settings.verify)
        throw new UsageError('startTls: a client needs options.hostname, the name that the certificate must be for')
      reader.hold('startTls')
    } catch (error) {
      sender.endTurn()
      throw error
    }
    const promise = this.begin(enterOperation('startTls'))
    this.#connection.upgrade = this
    if (reader.holdsFrom(sender.receivedBefore)) this.#refuse()
    else if (transport.unsent > 0) transport.waitSend('flushed')
    else this.#handshake()
    return promise
  }

  /** Called by the connection when the plaintext has left. */
  flushed(failure: Error | undefined): void {
    if (failure === undefined) this.#handshake()
    else this.#fail(this.#connection.sender.broken(failure))
  }

  /** Called by the connection when it is closed. */
  closed(): void {
    this.#connection.upgrade = undefined
    this.#abandon?.()
    this.reject(own(new ClosedResourceError('startTls: the stream was closed while this waited'), this.#connection))
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    const connection = this.#connection
    connection.upgrade = undefined
    // Half a handshake is of no use to anybody; before it has begun the stream is as good as it was.
    if (this.#abandon === undefined) {
      connection.transport.cancelSend()
      this.#letGo()
    } else {
      this.#abandon()
      connection.destroy()
    }
    this.reject(cancelled())
  }

  get #settings(): TlsSettings {
    const { side, settings } = this.#connection.origin
    const chosen = this.#given ?? settings
    if (chosen !== undefined) return chosen
    if (side === 'client') return defaultSettings()
    throw new UsageError('startTls on a server needs a TLS context: pass one, here or to createTcpServer')
  }

  #handshake(): void {
    const { reader, transport, origin } = this.#connection
    this.#abandon = this.#backend.startTls(
      transport,
      {
        side: origin.side,
        settings: this.#settings,
        hostname: this.#hostname,
        standardCompatible: origin.standardCompatible,
        ahead: reader.takeKept(),
        peer: formatAddress(transport.remoteAddress),
      },
      (error, upgraded) => {
        if (error === undefined) this.#succeed(upgraded as StreamTransport)
        else this.#fail(own(error, this.#connection))
      },
    )
  }

  #succeed(transport: StreamTransport): void {
    this.#connection.upgrade = undefined
    this.#connection.settings = this.#given
    this.#connection.adopt(transport)
    this.#letGo()
    this.resolve()
  }

  #refuse(): void {
    const them = this.#connection.origin.side === 'client' ? 'server' : 'client'
    const text =
      `startTls: the ${them} had sent plaintext that was not read before this side's last send; ` +
      'an attacker may have injected it'
    this.#fail(own(new TLSError(text, { reason: 'plaintext-buffered' }), this.#connection))
  }

  #fail(error: Error): void {
    this.#connection.upgrade = undefined
    this.#connection.destroy()
    this.reject(error)
  }

  #letGo(): void {
    this.#connection.reader.letGo()
    this.#connection.sender.endTurn()
  }
}
