/**
 * The sending side of a socket: one waiting send at a time, over a transport that *takes* bytes.
 *
 * What must stay true:
 * 1. A send resolves when the transport has taken everything. It takes a prefix of what it is given and keeps the order,
 *    so a cancelled send has sent a prefix: what was not taken stays with the caller, what was taken leaves.
 * 2. A failed write surfaces on the next call of the sending side, and there once as news; from then on every send fails
 *    with it. The receiving side never hears of it.
 * 3. The sender is the one operation of its direction: pending until the first call's promise has settled, which is what
 *    makes a second task busy.
 */

import type { StreamTransport } from '../backends/backend.ts'
import { type Cancelled, ClosedResourceError, ResourceBusyError, UnsupportedError } from '../errors.ts'
import type { CancelScope } from '../kernel/cancel-scope.ts'
import { enterOperation } from '../kernel/context.ts'
import { markHandled, Operation, rejected } from '../kernel/operation.ts'
import { nextTurn, type Resumable, spendBudget } from '../kernel/turn.ts'
import { formatAddress } from './addresses.ts'
import { brokenBy, own } from './connection-errors.ts'
import type { SocketReader } from './socket-reader.ts'

/** Whose sender it is. */
export interface SendingEnd {
  readonly reader: SocketReader
}

export class Sender extends Operation<void> implements Resumable {
  #transport: StreamTransport
  readonly #owner: SendingEnd
  #what = 'sendAll'
  /** What the waiting send has not handed over yet. */
  #rest: Rest | undefined
  #closed = false
  #ended = false
  /** Everybody but the occupant is kept out. */
  #occupied = false
  /**
   * The waiting call has done its work: it only waits for the next turn (`'postponed'`), or to hear that the bytes it
   * handed over did not fail (`'confirming'`).
   */
  #done: 'postponed' | 'confirming' | undefined
  #failure: Error | undefined
  #receivedBefore = 0

  constructor(transport: StreamTransport, owner: SendingEnd) {
    super()
    this.#transport = transport
    this.#owner = owner
  }

  override describe(): string {
    return `${this.#what} to ${formatAddress(this.#transport.remoteAddress)}`
  }

  sendAll(data: Uint8Array): Promise<void> {
    let scope: CancelScope
    try {
      scope = this.#enter('sendAll')
    } catch (error) {
      return rejected(error)
    }
    const { length } = data
    const taken = length === 0 ? 0 : this.#transport.send(data)
    if (taken === length) return this.#answer(scope)
    return this.#sendRest(scope, [data], 0, taken)
  }

  sendMany(parts: readonly Uint8Array[]): Promise<void> {
    let scope: CancelScope
    try {
      scope = this.#enter('sendMany')
    } catch (error) {
      return rejected(error)
    }
    for (const [index, part] of parts.entries()) {
      // One by one: the transport gathers what it takes in one turn into one write.
      const taken = part.length === 0 ? 0 : this.#transport.send(part)
      if (taken < part.length) return this.#sendRest(scope, parts, index, taken)
    }
    return this.#answer(scope)
  }

  /** As `sendAll`, of at least one byte; the descriptors leave with the first one. The transport must be able to. */
  sendFds(data: Uint8Array, fds: readonly number[]): Promise<void> {
    const first = data.subarray(0, MOST_WITH_FDS)
    let scope: CancelScope
    try {
      scope = this.#enter('sendFds')
      // What is no descriptor is the fault of this call alone: nothing has been sent, and nothing is broken.
      this.#transport.sendFds?.(first, fds)
    } catch (error) {
      return rejected(error)
    }
    this.#rest = { parts: [data], part: 0, offset: first.length }
    return this.begin(scope)
  }

  sendEof(): Promise<void> {
    let scope: CancelScope
    try {
      // A second one is harmless: it has nothing left to do.
      scope = this.#enter('sendEof', this.#ended)
    } catch (error) {
      return rejected(error)
    }
    if (this.#ended) return this.#answer(scope)
    if (this.#transport.tls?.version === 'TLSv1.2') {
      const text = 'sendEof: TLS 1.2 has no half-closed connections; both sides have it with TLS 1.3, or use close()'
      return rejected(new UnsupportedError(text))
    }
    const promise = this.begin(scope)
    this.#transport.waitSend('shutdown')
    return promise
  }

  /** Waits until the transport would take at least one byte. */
  waitWritable(): Promise<void> {
    const before = this.#receivedBefore
    let scope: CancelScope
    try {
      scope = this.#enter(WAIT)
    } catch (error) {
      return rejected(error)
    }
    this.#receivedBefore = before
    const promise = this.begin(scope)
    this.#transport.waitSend('writable')
    return promise
  }

  /** Wakes whoever waits so. */
  closeWait(): void {
    if (this.#what !== WAIT || !this.undecided) return
    this.#transport.cancelSend()
    this.reject(own(new ClosedResourceError(`${WAIT}: the socket was closed while this waited`), this.#owner))
  }

  /** Wakes the waiting call, and every later one fails. Bytes taken stay with the transport. */
  close(): void {
    this.#closed = true
    if (!this.pending || this.#release()) return
    this.#transport.cancelSend()
    this.#rest = undefined
    this.reject(own(new ClosedResourceError(`${this.#what}: the stream was closed while this waited`), this.#owner))
  }

  /** Where the receiving side stood when something was last sent. */
  get receivedBefore(): number {
    return this.#receivedBefore
  }

  /** Keeps every task out of this direction until `letGo`. The promise is for nobody. @throws as a send does */
  hold(what: string): void {
    const before = this.#receivedBefore
    const scope = this.#enter(what)
    this.#receivedBefore = before
    markHandled(this.begin(scope))
  }

  letGo(): void {
    this.resolve()
  }

  /**
   * Keeps everybody out of this direction who is not the occupant, until `vacate`: unlike `hold` for whoever sends meanwhile.
   *
   * @throws as a send does, except that the half may be closed by `sendEof`
   */
  occupy(what: string): void {
    this.#check(what, true)
    this.#what = what
    this.#requireUnbroken()
    this.#occupied = true
  }

  vacate(): void {
    this.#occupied = false
  }

  /** The occupant's: sends what is left of a part. When it fails, `rest.offset` says how much of it was taken. */
  sendRest(what: string, rest: Rest): Promise<void> {
    let scope: CancelScope
    try {
      scope = this.#enter(what, false, true)
    } catch (error) {
      return rejected(error)
    }
    this.#rest = rest
    const promise = this.begin(scope)
    this.#push(rest)
    return promise
  }

  /** Whether `sendEof` has been here. */
  get ended(): boolean {
    return this.#ended
  }

  endedError(what: string): ClosedResourceError {
    return own(new ClosedResourceError(`${what}: the sending half was closed by sendEof`), this.#owner)
  }

  /** The transport's sending half has been closed already. */
  markEnded(): void {
    this.#ended = true
  }

  /**
   * The occupant's: as `sendEof`, but with TLS 1.2, too: the `close_notify` that it has says that no more will come. What the
   * peer still sends is received.
   */
  finish(): Promise<void> {
    let scope: CancelScope
    try {
      scope = this.#enter('sendEof', this.#ended, true)
    } catch (error) {
      return rejected(error)
    }
    if (this.#ended) return this.#answer(scope)
    const promise = this.begin(scope)
    this.#transport.waitSend('shutdown')
    return promise
  }

  /** From now on the bytes go there. */
  adopt(transport: StreamTransport): void {
    this.#transport = transport
  }

  /** The transport's answer to `waitSend`. */
  settled(failure: Error | undefined): void {
    if (failure !== undefined) {
      this.#failure = failure
      this.#done = this.#rest = undefined
      this.reject(this.broken(failure))
    } else if (this.#what === 'sendEof') {
      this.#ended = true
      this.resolve()
    } else if (this.#done === 'confirming') {
      this.#done = undefined
      this.resolve()
    } else if (this.#what === WAIT) {
      this.resolve()
    } else if (this.#rest !== undefined) {
      this.#push(this.#rest)
    }
  }

  /** A write that failed and that no call has reported yet. */
  takeFailure(): Error | undefined {
    if (this.#failure !== undefined) return undefined
    return (this.#failure = this.#transport.takeSendError())
  }

  broken(cause: Error): Error {
    return own(brokenBy(this.#what, 'an earlier write failed', cause), this.#owner)
  }

  /** For `nextTurn`. */
  resume(): void {
    if (this.#done === 'postponed') this.#release()
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    if (this.#release()) return
    this.#transport.cancelSend()
    this.#rest = undefined
    this.reject(cancelled())
  }

  #enter(what: string, endIsFine = false, asOccupant = false): CancelScope {
    const scope = enterOperation(what)
    this.#check(what, !asOccupant)
    if (endIsFine) return scope
    if (this.#ended) throw this.endedError(what)
    this.#what = what
    this.#receivedBefore = this.#owner.reader.position
    this.#requireUnbroken()
    return scope
  }

  #check(what: string, vacant: boolean): void {
    if (this.#closed) throw own(new ClosedResourceError(`${what}: the stream is closed`), this.#owner)
    if (this.pending || (vacant && this.#occupied))
      throw new ResourceBusyError(`${what}: another task is already sending to this stream`)
  }

  #requireUnbroken(): void {
    this.#failure ??= this.#transport.takeSendError()
    if (this.#failure !== undefined) throw this.broken(this.#failure)
  }

  #answer(scope: CancelScope): Promise<void> {
    if (spendBudget()) return DONE
    const promise = this.begin(scope)
    this.#postpone()
    return promise
  }

  #sendRest(scope: CancelScope, parts: readonly Uint8Array[], part: number, offset: number): Promise<void> {
    this.#rest = { parts, part, offset }
    const promise = this.begin(scope)
    this.#push(this.#rest)
    return promise
  }

  /** Hands over as much as the transport takes, then waits until it takes more. */
  #push(rest: Rest): void {
    for (; rest.part < rest.parts.length; rest.part++, rest.offset = 0) {
      const part = rest.parts[rest.part] as Uint8Array
      while (rest.offset < part.length) {
        const taken = this.#transport.send(part.subarray(rest.offset))
        if (taken === 0) {
          this.#transport.waitSend('writable')
          return
        }
        rest.offset += taken
        rest.moved?.()
      }
    }
    // A transport that has failed swallows what it is given. This call has waited already: it waits for that news, too.
    this.#rest = undefined
    this.#done = 'confirming'
    this.#transport.waitSend('writable')
  }

  #postpone(): void {
    this.#done = 'postponed'
    nextTurn(this)
  }

  /** Settles a call that has done its work. False where there is none. */
  #release(): boolean {
    if (this.#done === undefined) return false
    if (this.#done === 'confirming') this.#transport.cancelSend()
    this.#done = undefined
    return this.resolve()
  }
}

/** The public name of `waitWritable`. */
const WAIT = 'waitSocketWritable'

/** How many bytes a transport takes together with descriptors. */
const MOST_WITH_FDS = 65_536

/** How far the waiting send has got in what it was given. */
export interface Rest {
  readonly parts: readonly Uint8Array[]
  part: number
  offset: number
  /** Bytes have been taken. */
  readonly moved?: () => void
}

const DONE: Promise<void> = Promise.resolve()
