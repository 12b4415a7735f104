/**
 * A relay that the backend does below JavaScript: one operation that leases both connections.
 *
 * What must stay true:
 * 1. The backend's relay is stopped exactly once. Before the end is reported, its state goes back: unsent bytes into
 *    the readers, ends and failures to the half that they belong to.
 * 2. Completion beats cancellation: a relay that turns out to be finished when it is stopped has succeeded.
 */

import type { RelayReport, RelayStart, StreamTransport, TransportRelay } from '../backends/contract/backend.ts'
import { type Cancelled, type ClosedResourceError, TimeoutError } from '../errors.ts'
import { type CancelScope, Operation, type RunState } from '../kernel/index.ts'
import type { RelayResult } from '../relay.ts'
import { formatAddress } from '../common/addresses.ts'
import { brokenBy, own } from '../streams/connection-errors.ts'
import type { Connection } from '../streams/connection.ts'
import type { Occupant } from '../streams/reader.ts'
import { SocketEnd } from './ends.ts'
import { idleText, type IdleWatch, watchIdle } from './idle-watch.ts'

type RelayWith = (peer: StreamTransport, start: RelayStart) => TransportRelay | undefined

export class DirectRelay extends Operation<RelayResult> implements Occupant {
  readonly what = 'relay'
  readonly #a: Connection
  readonly #b: Connection
  readonly #run: RunState
  readonly #idleTimeout: number
  #idle: IdleWatch | undefined
  #below: TransportRelay | undefined

  constructor(a: Connection, b: Connection, run: RunState, idleTimeout: number) {
    super()
    this.#a = a
    this.#b = b
    this.#run = run
    this.#idleTimeout = idleTimeout
  }

  override describe(): string {
    const [a, b] = [this.#a, this.#b].map(({ transport }) => formatAddress(transport.remoteAddress))
    return `relay between ${a} and ${b}`
  }

  /** `undefined` where the backend cannot relay between these two: nothing has been begun then. */
  start(scope: CancelScope, relayWith: NonNullable<StreamTransport['relayWith']>): Promise<RelayResult> | undefined {
    this.#occupy()
    const timed = this.#idleTimeout !== Infinity
    const below = this.#begin(relayWith, timed)
    if (below === undefined) {
      this.#vacate()
      return undefined
    }
    this.#below = below
    this.#idle = watchIdle(this.#run, this.#idleTimeout, () => {
      this.#stop(new TimeoutError(idleText(this.#idleTimeout)))
    })
    return this.begin(scope)
  }

  /** The reader's: its stream is closed. */
  closed(error: ClosedResourceError): void {
    this.#stop(error)
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    const report = this.#settle()
    if (report === undefined || !this.#succeed(report)) this.reject(cancelled())
  }

  #begin(relayWith: RelayWith, timed: boolean): TransportRelay | undefined {
    const [a, b] = [this.#a.reader, this.#b.reader]
    const ahead = [a.takeKept(), b.takeKept()] as const
    const below = relayWith(this.#b.transport, {
      ahead,
      ended: () => this.#ended(),
      moved: timed ? () => this.#idle?.moved() : undefined,
    })
    if (below === undefined) {
      a.putBack(ahead[0])
      b.putBack(ahead[1])
    }
    return below
  }

  #ended(): void {
    const report = this.#settle()
    if (report === undefined || this.#succeed(report)) return
    this.reject(this.#failureOf(report))
  }

  /** Something else than the relay itself ends it. */
  #stop(error: Error): void {
    if (this.#settle() !== undefined) this.reject(error)
  }

  /** Takes the connections back (1). `undefined` where that has been done. */
  #settle(): RelayReport | undefined {
    const report = this.#below?.stop()
    this.#below = undefined
    if (report === undefined) return undefined
    this.#idle?.stop()
    this.#vacate()
    const [a, b] = [this.#a, this.#b]
    for (const [from, to, way] of [
      [a, b, report.there],
      [b, a, report.back],
    ] as const) {
      from.reader.putBack(way.rest)
      if (way.sourceEnded) from.reader.receivedEnd()
      if (way.failure !== undefined) from.reader.receiveFailed(way.failure)
      if (way.ended) to.sender.markEnded()
    }
    return report
  }

  #succeed({ there, back }: RelayReport): boolean {
    return there.ended && back.ended && this.resolve({ aToB: there.moved, bToA: back.moved })
  }

  /** Of what breaks one connection, the other one is told by how it is closed. */
  #failureOf({ there, back }: RelayReport): Error {
    for (const [connection, other, { failure }] of [
      [this.#a, this.#b, there],
      [this.#b, this.#a, back],
    ] as const) {
      if (failure === undefined) continue
      other.cutShort()
      return own(brokenBy('relay', 'the connection is broken', failure), connection)
    }
    for (const [{ sender }, other] of [
      [this.#a, this.#b],
      [this.#b, this.#a],
    ] as const) {
      const failure = sender.takeFailure()
      if (failure === undefined) continue
      other.cutShort()
      return sender.broken(failure)
    }
    return new Error('internal: a relay has failed without saying why')
  }

  #occupy(): void {
    const [a, b] = [new SocketEnd(this.#a), new SocketEnd(this.#b)]
    a.occupy(this)
    try {
      b.occupy(this)
    } catch (error) {
      a.vacate()
      throw error
    }
  }

  #vacate(): void {
    for (const { reader, sender } of [this.#a, this.#b]) {
      reader.vacate()
      sender.vacate()
    }
  }
}
