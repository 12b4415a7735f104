/**
 * The TLS handshakes of a server's clients, all at once: none waits for another, and a client that is slow, silent or
 * talks nonsense costs its place for `handshakeTimeout` at most.
 *
 * ```text
 *  listener ─► begin ─► backend.startTls ─┬─► ready ─► whoever accepts
 *                 └─► deadline ───────────┴─► failed: destroyed, counted, told to onTlsError
 * ```
 *
 * What must stay true: handshakes under way and connections that are ready but not yet asked for are `limit` together,
 * at most; the others wait in the kernel's queue.
 */

import { AsyncResource } from 'node:async_hooks'
import type { Abandon, Backend, SocketAddress, StreamTransport, TlsSettings } from '../backends/contract/backend.ts'
import { TLSError } from '../errors.ts'
import { Deadline, type Host, type RunState, type Timed } from '../kernel/index.ts'
import { formatAddress } from '../common/addresses.ts'

export interface HandshakeSettings {
  readonly settings: TlsSettings
  readonly standardCompatible: boolean
  /** How many at once. */
  readonly limit: number
  /** Milliseconds for each. */
  readonly timeout: number
  readonly onTlsError: ((error: TLSError, remoteAddress: SocketAddress) => unknown) | undefined
}

/** Who owns them. */
export interface HandshakeOwner {
  /** One is done. */
  handshaken(transport: StreamTransport): void
  /** A place is free again. */
  handshakeEnded(): void
  /** `onTlsError` threw. */
  handshakeReportFailed(error: unknown): void
}

export class Handshakes {
  readonly #owner: HandshakeOwner
  readonly #settings: HandshakeSettings
  readonly #backend: Backend
  readonly #run: RunState
  readonly #underWay = new Set<Handshake>()
  /** Handshakes come out of the event loop; `onTlsError` and `sni` see what the caller of `createTcpServer` had. */
  readonly #context = new AsyncResource('structio.handshakes')
  #failed = 0

  constructor(owner: HandshakeOwner, settings: HandshakeSettings, backend: Backend, run: RunState) {
    this.#owner = owner
    this.#settings = settings
    this.#backend = backend
    this.#run = run
  }

  get limit(): number {
    return this.#settings.limit
  }

  get underWay(): number {
    return this.#underWay.size
  }

  get failed(): number {
    return this.#failed
  }

  /** Only TCP servers speak TLS from the first byte. */
  begin(transport: StreamTransport): void {
    const handshake = new Handshake(this, this.#run, transport.remoteAddress as SocketAddress)
    this.#underWay.add(handshake)
    this.#context.runInAsyncScope(() => handshake.begin(transport, this.#backend, this.#settings))
  }

  /** Ends them all, without a word to anybody. */
  abandon(): void {
    for (const handshake of this.#underWay) handshake.abandon()
    this.#underWay.clear()
  }

  ended(handshake: Handshake, error: Error | undefined, transport: StreamTransport | undefined): void {
    this.#underWay.delete(handshake)
    if (error === undefined) this.#owner.handshaken(transport as StreamTransport)
    else this.#report(error, handshake.remoteAddress)
    this.#owner.handshakeEnded()
  }

  #report(error: Error, remoteAddress: SocketAddress): void {
    this.#failed++
    const { onTlsError } = this.#settings
    if (onTlsError === undefined) return
    try {
      const answer = this.#context.runInAsyncScope(onTlsError, undefined, error, remoteAddress)
      // It may be an async function: what it rejects with is as much an error as what it throws.
      if (answer instanceof Promise) answer.catch((failure: unknown) => this.#owner.handshakeReportFailed(failure))
    } catch (failure) {
      this.#owner.handshakeReportFailed(failure)
    }
  }
}

class Handshake implements Timed {
  readonly remoteAddress: SocketAddress
  readonly #all: Handshakes
  readonly #run: RunState
  #abandon: Abandon | undefined
  #deadline: Deadline | undefined
  #timeout = Infinity

  constructor(all: Handshakes, run: RunState, remoteAddress: SocketAddress) {
    this.#all = all
    this.#run = run
    this.remoteAddress = remoteAddress
  }

  get peer(): string {
    return formatAddress(this.remoteAddress)
  }

  begin(transport: StreamTransport, backend: Backend, settings: HandshakeSettings): void {
    const { deadlines } = this.#run
    this.#timeout = settings.timeout
    if (settings.timeout !== Infinity) {
      this.#deadline = new Deadline(deadlines.now() + settings.timeout, this)
      deadlines.add(this.#deadline)
    }
    this.#abandon = backend.startTls(
      transport,
      {
        side: 'server',
        settings: settings.settings,
        hostname: undefined,
        standardCompatible: settings.standardCompatible,
        ahead: NOTHING,
        peer: this.peer,
      },
      (error, upgraded) => {
        this.#forget()
        this.#all.ended(this, error, upgraded)
      },
    )
  }

  abandon(): void {
    this.#forget()
    this.#abandon?.()
  }

  host(): Host {
    return this.#run.host
  }

  due(): void {
    this.abandon()
    const text = `TLS handshake with the client ${this.peer}: it was not done within ${this.#timeout} ms`
    this.#all.ended(this, new TLSError(text, { reason: 'timed-out' }), undefined)
  }

  #forget(): void {
    if (this.#deadline !== undefined) this.#run.deadlines.remove(this.#deadline)
    this.#deadline = undefined
  }
}

const NOTHING = Buffer.alloc(0)
