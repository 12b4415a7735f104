/**
 * The sending side of a datagram socket: one call at a time, from the look-up of its names to the kernel's answer.
 *
 * What must stay true:
 * 1. The sender is the one operation of its direction, as the receiver is.
 * 2. What fails, fails the very call that asked for it; the socket is as good as before.
 * 3. A call looks up each name once, before any of its datagrams leaves.
 */

import type {
  Abandon,
  Backend,
  DatagramAddress,
  DatagramTransport,
  SocketAddress,
} from '../backends/contract/backend.ts'
import { type Cancelled, ClosedResourceError, ResourceBusyError } from '../errors.ts'
import {
  type CancelScope,
  enterOperation,
  nextTurn,
  Operation,
  rejected,
  type Resumable,
  RUNNABLE,
  spendBudget,
} from '../kernel/index.ts'
import { formatAddress } from '../common/addresses.ts'

/** A target that has to be looked up. */
export class NamedTarget {
  readonly host: string
  readonly port: number

  constructor(host: string, port: number) {
    this.host = host
    this.port = port
  }
}

export type Target = DatagramAddress | NamedTarget | undefined

export class DatagramSender extends Operation<void> implements Resumable {
  readonly #transport: DatagramTransport
  readonly #backend: Backend
  #what = 'send'
  #closed = false
  /** The look-ups under way. */
  #lookups: Set<Abandon> | undefined
  /** The call has done its work, and waits for the next turn. */
  #postponed = false

  constructor(transport: DatagramTransport, backend: Backend) {
    super()
    this.#transport = transport
    this.#backend = backend
  }

  override describe(): string {
    return `${this.#what} on ${formatAddress(this.#transport.localAddress)}`
  }

  override get waitsFor(): number {
    return this.#postponed ? RUNNABLE : super.waitsFor
  }

  send(data: Uint8Array, to: Target): Promise<void> {
    if (to instanceof NamedTarget) return this.#sendNamed('send', [data], [to])
    let scope: CancelScope
    let sent: boolean
    try {
      scope = this.#enter('send')
      sent = this.#transport.send(data, to)
    } catch (error) {
      return rejected(error)
    }
    return sent ? this.#answer(scope) : this.begin(scope)
  }

  sendMany(data: readonly Uint8Array[], to: readonly Target[]): Promise<void> {
    if (to.some((target) => target instanceof NamedTarget)) return this.#sendNamed('sendBatch', data, to)
    let scope: CancelScope
    let sent: boolean
    try {
      scope = this.#enter('sendBatch')
      sent = data.length === 0 || this.#transport.sendMany(data, to as (DatagramAddress | undefined)[])
    } catch (error) {
      return rejected(error)
    }
    return sent ? this.#answer(scope) : this.begin(scope)
  }

  /** Waits until sending is worth trying. The transport must be able to. */
  waitWritable(): Promise<void> {
    let promise: Promise<void>
    try {
      promise = this.begin(this.#enter(WAIT))
    } catch (error) {
      return rejected(error)
    }
    this.#transport.waitWritable?.()
    return promise
  }

  /** Fails a pending `waitWritable`. */
  closeWait(): void {
    if (this.#what !== WAIT || !this.undecided) return
    this.#drop()
    this.reject(new ClosedResourceError(`${WAIT}: the socket was closed while this waited`))
  }

  /** The transport's answer. */
  settled(error: Error | undefined): void {
    if (error === undefined) this.resolve()
    else this.reject(error)
  }

  close(): void {
    this.#closed = true
    if (!this.pending || this.#release()) return
    this.#drop()
    this.reject(new ClosedResourceError(`${this.#what}: the socket was closed while this waited`))
  }

  /** For `nextTurn`. */
  resume(): void {
    this.#release()
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    if (this.#release()) return
    const error = cancelled()
    this.#drop()
    this.reject(error)
  }

  #enter(what: string): CancelScope {
    const scope = enterOperation(what)
    if (this.#closed) throw new ClosedResourceError(`${what}: the socket is closed`)
    if (this.pending) throw new ResourceBusyError(`${what}: another task is already sending on this socket`)
    this.#what = what
    return scope
  }

  #sendNamed(what: string, data: readonly Uint8Array[], to: readonly Target[]): Promise<void> {
    let promise: Promise<void>
    try {
      promise = this.begin(this.#enter(what))
    } catch (error) {
      return rejected(error)
    }
    const found = new Map<string, SocketAddress>()
    const lookups = new Set<Abandon>()
    this.#lookups = lookups
    const names = new Set(to.filter((target) => target instanceof NamedTarget).map(({ host }) => host))
    for (const host of names) {
      const abandon = this.#backend.lookup(host, this.#transport.family, (error, addresses) => {
        lookups.delete(abandon)
        if (error !== undefined) {
          this.#drop()
          this.reject(error)
          return
        }
        found.set(host, addresses![0]!)
        if (lookups.size === 0) this.#sendFound(data, to, found)
      })
      lookups.add(abandon)
    }
    return promise
  }

  #sendFound(data: readonly Uint8Array[], to: readonly Target[], found: ReadonlyMap<string, SocketAddress>): void {
    this.#lookups = undefined
    const targets = to.map((target) => {
      if (!(target instanceof NamedTarget)) return target
      const { address, family } = found.get(target.host)!
      return { address, port: target.port, family }
    })
    try {
      if (this.#transport.sendMany(data, targets)) this.resolve()
    } catch (error) {
      this.reject(error)
    }
  }

  #answer(scope: CancelScope): Promise<void> {
    if (spendBudget()) return DONE
    const promise = this.begin(scope)
    this.#postponed = true
    nextTurn(this)
    return promise
  }

  /** Nobody waits for what is under way. */
  #drop(): void {
    if (this.#lookups === undefined) {
      this.#transport.cancelSend()
    } else {
      for (const abandon of this.#lookups) abandon()
      this.#lookups = undefined
    }
  }

  /** Settles a call that has done its work. False where there is none. */
  #release(): boolean {
    if (!this.#postponed) return false
    this.#postponed = false
    return this.resolve()
  }
}

const DONE: Promise<void> = Promise.resolve()

/** The public name of `waitWritable`. */
const WAIT = 'waitSocketWritable'
