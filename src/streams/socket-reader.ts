/** The reader of a socket: its source is a transport, asked for once and answered through the sink. */

import type { StreamTransport } from '../backends/contract/backend.ts'
import { ClosedResourceError } from '../errors.ts'
import { formatAddress } from '../common/addresses.ts'
import { READ_SIZE } from '../common/bytes.ts'
import { own } from './connection-errors.ts'
import { WithFds } from './descriptors.ts'
import { type Demand, Into } from './framing.ts'
import { Reader } from './reader.ts'
import { toOwn } from './receive-buffer.ts'

export class SocketReader extends Reader {
  #transport: StreamTransport
  /** Of whom the errors are; see connection-errors.ts. */
  readonly #owner: object

  constructor(transport: StreamTransport, owner: object) {
    super()
    this.#transport = transport
    this.#owner = owner
  }

  /** Waits until a receive would have an answer. The transport must be able to. */
  waitReadable(): Promise<void> {
    return this.receive<unknown>(READY) as Promise<void>
  }

  /** Wakes whoever waits so. */
  closeWait(): void {
    if (this.demand !== READY || !this.pending) return
    this.dropFetch()
    this.failed(this.owned(new ClosedResourceError(`${READY.what}: the socket was closed while this waited`)))
  }

  /** From now on the bytes come from there. */
  adopt(transport: StreamTransport): void {
    this.#transport = transport
  }

  override describe(): string {
    return `${this.demand.what} from ${formatAddress(this.#transport.remoteAddress)}`
  }

  /** The transport has bytes for the waiting call. */
  received(memory: Buffer, start: number, end: number, owned: boolean): void {
    this.supplied(memory, start, end, owned)
  }

  /** The transport has bytes, and descriptors, for a waiting `receiveFds`. */
  receivedFds(memory: Buffer, start: number, end: number, owned: boolean, fds: readonly number[]): void {
    this.answer({ data: toOwn(memory, start, end, owned), fds: [...fds] })
  }

  receivedEnd(): void {
    this.ended()
  }

  receiveFailed(cause: Error): void {
    this.broken(cause)
  }

  /** The transport has bytes, and the waiting call wants them in its own memory. */
  readable(): void {
    if (this.demand === READY) this.answer(true)
    else this.proceed()
  }

  protected override fetch(demand: Demand<unknown>): void {
    const transport = this.#transport
    if (demand === READY) {
      transport.waitReadable?.()
      return
    }
    if (demand instanceof WithFds) {
      transport.receiveFds?.(demand.ask, demand.maxFds)
      return
    }
    if (!(demand instanceof Into) || transport.receiveInto === undefined) {
      transport.receive(demand.ask)
      return
    }
    let count: number
    try {
      count = transport.receiveInto(demand.view)
    } catch (error) {
      this.broken(error as Error)
      return
    }
    if (count > 0) this.answer(count)
    else if (count === 0) this.ended()
    // -1: nothing there; `readable` follows.
  }

  protected override dropFetch(): void {
    this.#transport.cancelReceive()
  }

  protected override owned<E>(error: E): E {
    return own(error, this.#owner)
  }
}

/** `waitSocketReadable`: content when anything is there, and takes nothing. */
const READY: Demand<true> = {
  what: 'waitSocketReadable',
  ask: READ_SIZE,
  take: (bytes) => (bytes.length === 0 ? undefined : true),
  end: () => true,
  broken: true,
}
