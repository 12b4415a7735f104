/** The reader of a socket: its source is a transport, asked for once and answered through the sink. */

import type { StreamTransport } from '../backends/contract/backend.ts'
import { ClosedResourceError } from '../errors.ts'
import { formatAddress } from '../common/addresses.ts'
import { READ_SIZE } from '../common/bytes.ts'
import { own } from './connection-errors.ts'
import { WithFds } from './descriptors.ts'
import { type Demand, Into } from './framing.ts'
import { AHEAD, Readable, Reader } from './reader.ts'
import { toOwn } from './receive-buffer.ts'

export class SocketReader extends Reader {
  #transport: StreamTransport
  /** The transport has told a watcher that there is something. */
  #readable = false
  /** Of whom the errors are; see connection-errors.ts. */
  readonly #owner: object

  constructor(transport: StreamTransport, owner: object) {
    super()
    this.#transport = transport
    this.#owner = owner
  }

  /** `waitSocketReadable`: waits until a receive would have an answer. The transport must be able to. */
  waitSocketReadable(): Promise<void> {
    return this.receive<unknown>(READY) as Promise<void>
  }

  /** Rejects a waiting `waitReadable`. */
  closeWait(): void {
    const { demand } = this
    if (!(demand instanceof Readable) || !this.pending) return
    this.dropFetch()
    this.failed(this.owned(new ClosedResourceError(`${demand.what}: the socket was closed while this waited`)))
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
    if (this.pending && this.demand instanceof Readable) {
      this.answer(true)
      return
    }
    // For a watcher, that is all it wants to know: bytes stay where they are, and descriptors with them.
    this.#readable = !this.pending
    this.proceed()
  }

  protected override fetch(demand: Demand<unknown>): void {
    const transport = this.#transport
    if (demand instanceof Readable && transport.waitReadable !== undefined) {
      // A watcher has to be able to take at once what it has heard of.
      if (demand !== AHEAD || transport.receiveInto !== undefined) {
        transport.waitReadable()
        return
      }
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

  protected override get sourceReady(): boolean {
    return this.#readable
  }

  protected override readNow(): boolean {
    if (!this.#readable) return false
    this.#readable = false
    const transport = this.#transport
    scratch ??= Buffer.allocUnsafeSlow(READ_SIZE)
    let count = -1
    try {
      count = transport.receiveInto?.(scratch) ?? -1
    } catch (error) {
      this.broken(error as Error)
      return true
    }
    if (count > 0) this.supplied(scratch, 0, count, false)
    else if (count === 0) this.ended()
    // It has begun to wait for bytes that are not demanded now.
    else transport.cancelReceive()
    return count >= 0
  }

  protected override dropFetch(): void {
    this.#transport.cancelReceive()
  }

  protected override owned<E>(error: E): E {
    return own(error, this.#owner)
  }
}

const READY = new Readable('waitSocketReadable')

/** Where a select reads into before it copies. A buffer for each stream would cost an idle one 64 KiB. */
let scratch: Buffer | undefined
