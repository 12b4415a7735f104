/** The reader of a socket: its source is a transport, asked for once and answered through the sink. */

import type { StreamTransport } from '../backends/backend.ts'
import { formatAddress } from './addresses.ts'
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
    this.proceed()
  }

  protected override fetch(demand: Demand<unknown>): void {
    const transport = this.#transport
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
