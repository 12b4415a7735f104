/**
 * A listening socket inside the library: who gets the connections, and how it ends.
 *
 * One consumer at a time: a waiting `accept`, or a `serve`. The backend accepts on demand, so a connection that nobody
 * asked for stays with it (or with the kernel) and answers the next one.
 */

import type { ListenerSink, ListenerTransport, SocketAddress, StreamTransport } from '../backends/backend.ts'
import { ClosedResourceError, ResourceBusyError } from '../errors.ts'
import type { Frame } from '../kernel/context.ts'
import { Resource } from '../kernel/resources.ts'
import { formatAddress } from './addresses.ts'

/** The kind of resource, for warnings. */
export const TCP_SERVER = 'TCP server'

/** Who asked for connections. */
export interface Consumer {
  /** For the `ResourceBusyError` of a second one: 'accept', 'serve'. */
  readonly what: string
  accepted(transport: StreamTransport): void
  /** Accepting failed for good. */
  failed(error: Error): void
  /** The server was closed by this process. */
  closed(): void
}

/** A frozen record of what a server has done. */
export interface ServerStatistics {
  /** Connections handed to `accept`, `acceptConnections` or `serve`. */
  readonly accepted: number
  /** Handlers of `serve` that are running now. */
  readonly handling: number
  /** Connection errors that `serve` has dropped. */
  readonly dropped: number
  /** How often accepting failed for want of descriptors or memory, and was tried again. */
  readonly retries: number
}

export class Listener extends Resource implements ListenerSink {
  readonly closeTimeout: number
  readonly address: SocketAddress
  readonly #transport: ListenerTransport
  #consumer: Consumer | undefined
  /** What is left of the demand. */
  #demanded = 0
  #closed = false
  readonly #counts = { accepted: 0, handling: 0, dropped: 0, retries: 0 }

  constructor(transport: ListenerTransport, closeTimeout: number, frame: Frame, made: Error | undefined) {
    super()
    this.#transport = transport
    this.address = transport.address
    this.closeTimeout = closeTimeout
    transport.sink = this
    this.register(frame, TCP_SERVER, made)
  }

  get closed(): boolean {
    return this.#closed
  }

  get counts(): { accepted: number; handling: number; dropped: number; retries: number } {
    return this.#counts
  }

  requireOpen(what: string): ListenerTransport {
    if (this.#closed) throw new ClosedResourceError(`${what}: the server is closed`)
    return this.#transport
  }

  /** Becomes the one who gets the connections; `demand` must follow. */
  enter(consumer: Consumer): void {
    this.requireOpen(consumer.what)
    if (this.#consumer !== undefined) {
      throw new ResourceBusyError(`${consumer.what}: another task is already in ${this.#consumer.what} of this server`)
    }
    this.#consumer = consumer
  }

  leave(consumer: Consumer): void {
    if (this.#consumer !== consumer) return
    this.#consumer = undefined
    if (this.#demanded > 0) this.demand(0)
  }

  /** How many connections the consumer takes from now on. */
  demand(count: number): void {
    this.#demanded = count
    if (!this.#closed) this.#transport.accept(count)
  }

  get demanded(): number {
    return this.#demanded
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    const consumer = this.#consumer
    this.#consumer = undefined
    this.#transport.destroy()
    this.unregister()
    consumer?.closed()
  }

  accepted(transport: StreamTransport): void {
    if (this.#consumer === undefined) {
      transport.destroy()
      return
    }
    this.#counts.accepted++
    this.#demanded--
    this.#consumer.accepted(transport)
  }

  acceptFailed(error: Error, transient: boolean): void {
    if (transient) this.#warnOnce(error)
    else this.#consumer?.failed(error)
  }

  override describeResource(): string {
    return `${TCP_SERVER} ${formatAddress(this.address)}`
  }

  override async closeForRun(): Promise<void> {
    this.close()
  }

  /** The shortage ends when connections do; whoever watches the log must know why clients wait, and not again each time. */
  #warnOnce(error: Error): void {
    if (this.#counts.retries++ > 0) return
    const text = `${this.describeResource()} cannot accept connections for now and tries again: ${error.message}`
    process.emitWarning(text, { type: 'StructioWarning', code: 'STRUCTIO_ACCEPT_RETRY' })
  }
}
