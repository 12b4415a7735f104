/**
 * A listening socket inside the library: who gets the connections, and how it ends.
 *
 * One consumer at a time: a waiting `accept`, or a `serve`. The backend accepts on demand, so a connection that nobody
 * asked for stays with it (or with the kernel) and answers the next one. With TLS a handshake stands between the two:
 *
 * ```text
 *  demand ─► transport.accept ─► accepted ─┬───────────────────────────────► consumer
 *                                          └─► handshake ─► ready, in order ─┘
 * ```
 */

import type {
  Address,
  Backend,
  ListenerSink,
  ListenerTransport,
  StreamTransport,
} from '../backends/contract/backend.ts'
import { ClosedResourceError, ResourceBusyError } from '../errors.ts'
import { type Frame, Resource, warn } from '../kernel/index.ts'
import { formatAddress } from '../common/addresses.ts'
import { type HandshakeOwner, Handshakes, type HandshakeSettings } from './handshakes.ts'
import type { Origin } from '../common/origin.ts'

/** The kinds of resource, for warnings. */
export const TCP_SERVER = 'TCP server'
export const UNIX_SERVER = 'UNIX server'

/** Who asked for connections. */
export interface Consumer {
  /** For the `ResourceBusyError` of a second one: 'accept', 'serve'. */
  readonly what: string
  accepted(transport: StreamTransport): void
  /** Takes what has arrived when the server is closed: the kernel resets what it has queued for a closed listener. */
  readonly drains?: boolean
  /** Accepting failed for good. */
  failed(error: unknown): void
  /** The server was closed by this process. */
  closed(): void
}

/** A frozen record of what a server has done. */
export interface ServerStatistics {
  /** Connections handed to `accept`, `acceptConnections` or `serve`. */
  readonly accepted: number
  /** Handlers of `serve` that are running now. */
  readonly handling: number
  /** Errors of handlers and connections that `serve` has gone on after, without an `onError` for them. */
  readonly dropped: number
  /**
   * How often accepting failed for want of descriptors or memory, and was tried again. On the `node` backend always 0:
   * there libuv closes what it cannot take, and does not say so.
   */
  readonly retries: number
  /** TLS handshakes that are under way now. */
  readonly handshaking: number
  /** TLS handshakes that have failed. */
  readonly tlsErrors: number
}

/** What a listener is made with, besides its socket. */
export interface ListenerSetup {
  readonly origin: Origin
  readonly backend: Backend
  readonly frame: Frame
  readonly made: Error | undefined
  /** TLS from the first byte. */
  readonly handshakes: HandshakeSettings | undefined
}

export class Listener extends Resource implements ListenerSink, HandshakeOwner {
  /** Of the connections it accepts. */
  readonly origin: Origin
  readonly address: Address
  /** Called once it is closed. */
  readonly closeListeners = new Set<() => void>()
  readonly #transport: ListenerTransport
  readonly #handshakes: Handshakes | undefined
  /** Accepted or handshaken, and not asked for yet. */
  readonly #ready: StreamTransport[] = []
  /** With TLS: what is left of the demand that the transport was given. */
  #accepting = 0
  #consumer: Consumer | undefined
  /** What is left of the demand. */
  #demanded = 0
  #closed = false
  #draining = false
  readonly #backend: Backend
  readonly #counts = { accepted: 0, handling: 0, dropped: 0, retries: 0 }

  constructor(transport: ListenerTransport, { origin, backend, frame, made, handshakes }: ListenerSetup) {
    super()
    this.#transport = transport
    this.#backend = backend
    this.address = transport.address
    this.origin = origin
    this.#handshakes = handshakes === undefined ? undefined : new Handshakes(this, handshakes, backend, frame.task.run)
    transport.sink = this
    this.register(frame, this.#kind, made)
  }

  /** Where the server is: on a simulated network, that may be another host than the running code's. */
  within<T>(fn: () => T): T {
    const { within } = this.#transport
    return within === undefined ? fn() : within(fn)
  }

  get closed(): boolean {
    return this.#closed
  }

  get counts(): { accepted: number; handling: number; dropped: number; retries: number } {
    return this.#counts
  }

  statistics(): ServerStatistics {
    const { underWay: handshaking = 0, failed: tlsErrors = 0 } = this.#handshakes ?? {}
    return Object.freeze({ ...this.#counts, handshaking, tlsErrors })
  }

  requireOpen(what: string): ListenerTransport {
    if (this.#closed) throw new ClosedResourceError(`${what}: the server is closed`)
    return this.#transport
  }

  /** Becomes the one who gets the connections; `demand` must follow. */
  enter(consumer: Consumer): void {
    this.requireVacant(consumer.what)
    this.#consumer = consumer
  }

  /** @throws what a consumer gets that comes second, or too late */
  requireVacant(what: string, except?: Consumer): void {
    this.requireOpen(what)
    const consumer = this.#consumer
    if (consumer === undefined || consumer === except) return
    throw new ResourceBusyError(`${what}: another task is already in ${consumer.what} of this server`)
  }

  /** Whether another one than `consumer` gets the connections. */
  isBusyFor(consumer: Consumer): boolean {
    return this.#consumer !== undefined && this.#consumer !== consumer
  }

  leave(consumer: Consumer): void {
    if (this.#consumer !== consumer) return
    this.#consumer = undefined
    if (this.#demanded > 0) this.demand(0)
  }

  /** Whether a connection is there that nobody has asked for. */
  get hasReady(): boolean {
    return this.#ready.length > 0
  }

  /** Takes a connection that was not demanded. */
  takeReady(): StreamTransport | undefined {
    const transport = this.#ready.shift()
    if (transport !== undefined) this.#counts.accepted++
    return transport
  }

  /** Gives back a connection, for the next one who asks. */
  putBack(transport: StreamTransport): void {
    this.#counts.accepted--
    this.#ready.unshift(transport)
  }

  /** How many connections the consumer takes from now on. */
  demand(count: number): void {
    this.#demanded = count
    if (this.#closed) return
    if (this.#handshakes === undefined) {
      this.#transport.accept(Math.max(0, count - this.#ready.length))
    } else {
      this.#acceptForHandshakes()
    }
    // Not inside the call that asked: it has not begun to wait.
    if (this.#ready.length > 0) queueMicrotask(() => this.#deliverReady())
  }

  get demanded(): number {
    return this.#demanded
  }

  close(): void {
    if (this.#closed) return
    // Where the backend can do so at once (native, nested); elsewhere what the last turn has left is reset.
    if (this.#consumer?.drains === true && !this.#draining) {
      this.#draining = true
      this.#backend.settleIo(() => {})
      // Whoever heard of the last connections may have closed it.
      if (this.closed) return
    }
    this.#closed = true
    const consumer = this.#consumer
    this.#consumer = undefined
    this.#transport.destroy()
    this.#handshakes?.abandon()
    for (const transport of this.#ready.splice(0)) transport.destroy()
    this.unregister()
    consumer?.closed()
    for (const closed of this.closeListeners) closed()
  }

  accepted(transport: StreamTransport): void {
    if (this.#handshakes !== undefined) {
      this.#accepting--
      this.#handshakes.begin(transport)
      this.#acceptForHandshakes()
    } else if (this.#consumer === undefined) {
      transport.destroy()
    } else {
      this.#deliver(this.#consumer, transport)
    }
  }

  handshaken(transport: StreamTransport): void {
    this.#ready.push(transport)
    this.#deliverReady()
  }

  handshakeEnded(): void {
    this.#acceptForHandshakes()
  }

  handshakeReportFailed(error: unknown): void {
    const consumer = this.#consumer
    if (consumer === undefined) {
      // Nobody waits for this server now: whoever does next is told that it is closed, and the process what happened.
      this.close()
      queueMicrotask(() => {
        throw error
      })
    } else {
      this.#consumer = undefined
      consumer.failed(error)
      this.close()
    }
  }

  acceptFailed(error: Error, transient: boolean): void {
    if (transient) this.#warnOnce(error)
    else this.#consumer?.failed(error)
  }

  override describeResource(): string {
    return `${this.#kind} ${formatAddress(this.address)}`
  }

  override async closeForRun(): Promise<void> {
    this.close()
  }

  get #kind(): string {
    return typeof this.address === 'string' ? UNIX_SERVER : TCP_SERVER
  }

  #deliver(consumer: Consumer, transport: StreamTransport): void {
    this.#counts.accepted++
    this.#demanded--
    consumer.accepted(transport)
  }

  #deliverReady(): void {
    while (this.#demanded > 0 && this.#consumer !== undefined) {
      const transport = this.#ready.shift()
      if (transport === undefined) break
      this.#deliver(this.#consumer, transport)
    }
  }

  /**
   * Accepts while connections are demanded and there are places for handshakes. The transport gets a new number only
   * when the last one is used up or wrong: once for many connections.
   */
  #acceptForHandshakes(): void {
    if (this.#closed) return
    const { limit, underWay } = this.#handshakes as Handshakes
    const places = this.#demanded > 0 ? limit - underWay - this.#ready.length : 0
    if (places > 0 === this.#accepting > 0 && this.#accepting <= places) return
    this.#accepting = Math.max(places, 0)
    this.#transport.accept(this.#accepting)
  }

  /**
   * The shortage ends when connections do. The log says once why clients wait.
   */
  #warnOnce(error: Error): void {
    if (this.#counts.retries++ > 0) return
    const text = `${this.describeResource()} cannot accept connections for now and tries again: ${error.message}`
    warn('STRUCTIO_ACCEPT_RETRY', text)
  }
}
