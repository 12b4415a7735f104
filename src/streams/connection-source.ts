/** What `select` asks of a server: what `accept` gives. A connection that it has heard of and does not take stays with the server. */

import type { StreamTransport } from '../backends/contract/backend.ts'
import { type Frame, requireFrame, type SelectSource, traceOpening } from '../kernel/index.ts'
import { ClosedResourceError, WouldBlock } from '../errors.ts'
import { Connection } from './connection.ts'
import type { Consumer, Listener } from './listener.ts'
import { SocketStream } from './socket-stream.ts'

export class ConnectionSource implements SelectSource<SocketStream>, Consumer {
  readonly what = 'select'
  readonly outside = true
  readonly #listener: Listener
  /** The caller's: the connection is its resource. */
  readonly #frame: Frame
  #changed: (() => void) | undefined
  /** Accepting has failed for good. */
  #failure: { readonly error: unknown } | undefined

  constructor(listener: Listener) {
    this.#listener = listener
    this.#frame = requireFrame(this.what)
  }

  ready(): boolean {
    const listener = this.#listener
    return this.#failure !== undefined || listener.closed || listener.hasReady || listener.isBusyFor(this)
  }

  take(): SocketStream {
    if (this.#failure !== undefined) throw this.#failure.error
    const listener = this.#listener
    listener.requireVacant(this.what, this)
    const transport = listener.takeReady()
    if (transport === undefined) throw new WouldBlock(`${this.what}: no connection is waiting`)
    const frame = this.#frame
    const connection = new Connection(transport, frame.task.run, listener.origin)
    return new SocketStream(connection.registerWith(frame, traceOpening(frame, listener.origin.kind)))
  }

  watch(changed: () => void): () => void {
    this.#changed = changed
    this.#listener.enter(this)
    this.#listener.demand(1)
    return () => this.#listener.leave(this)
  }

  /** The own close, as in `acceptConnections`. */
  isEnd(_value: SocketStream | undefined, error: unknown): boolean {
    return error instanceof ClosedResourceError
  }

  accepted(transport: StreamTransport): void {
    this.#listener.putBack(transport)
    this.#tell()
  }

  failed(error: unknown): void {
    this.#failure = { error }
    this.#tell()
  }

  closed(): void {
    this.#tell()
  }

  #tell(): void {
    this.#listener.leave(this)
    this.#changed?.()
  }
}
