/** What UDP and UNIX datagram sockets have in common: everything but the form of an address. */

import type { DatagramAddress, Direction } from '../backends/contract/backend.ts'
import { UnsupportedError } from '../errors.ts'
import { immediateVoid, rejected, selectable, type Selectable, type SelectSource } from '../kernel/index.ts'
import { checkSize, toBytes } from '../common/bytes.ts'
import { checkOption, checkOptionValue } from '../common/socket-options.ts'
import { checkInteger, invalidArgType } from '../common/validate.ts'
import { DatagramSource } from './datagram-source.ts'
import { Batch, One, PacketIterator } from './demands.ts'
import type { DatagramEndpoint } from './endpoint.ts'
import type { Packet } from './packet.ts'
import { Ready } from './receiver.ts'
import type { Target } from './sender.ts'

/**
 * One task at a time receives, and one sends; a second one in the same direction gets a `ResourceBusyError`. An error
 * of the network is the bare system error, raised once, and leaves the socket usable: `EMSGSIZE` by the `send` of a
 * datagram that is too long, `ECONNREFUSED` (a peer that answered an earlier datagram of a connected socket by ICMP) by
 * the waiting `receive` or the next call.
 */
export abstract class DatagramSocket<A extends DatagramAddress> implements AsyncDisposable, Selectable<Packet<A>> {
  readonly #endpoint: DatagramEndpoint<A>

  /** @internal */
  constructor(endpoint: DatagramEndpoint<A>) {
    this.#endpoint = endpoint
  }

  /** @internal */
  _waitReady(what: string, direction: Direction): Promise<void> {
    const { receiver, sender } = this.#endpoint
    if (this.#endpoint.requireOpen(what).waitWritable === undefined) {
      throw new UnsupportedError(`${what}: the backend of this socket cannot wait for it; the native backend can`)
    }
    return direction === 'readable' ? receiver.receive(new Ready<A>(what)) : sender.waitWritable()
  }

  /** @internal */
  _closeWaits(): void {
    this.#endpoint.receiver.closeWait()
    this.#endpoint.sender.closeWait()
  }

  /**
   * Waits for one datagram. A longer one is cut to `maxBytes`. An empty datagram is returned like any other.
   *
   * @returns `[data, from]`
   */
  receive(maxBytes: number): Promise<Packet<A>> {
    try {
      checkSize('maxBytes', maxBytes)
    } catch (error) {
      return rejected(error)
    }
    return this.#endpoint.receiver.receive(new One<A>(maxBytes))
  }

  /**
   * Waits until a receive would not wait, and takes nothing: the next receive gets the datagram. It counts as a receive: another one
   * beside it is a `ResourceBusyError`.
   */
  waitReadable(): Promise<void> {
    return this.#endpoint.receiver.receive(new Ready<A>('waitReadable'))
  }

  /** For `select`, which takes one datagram, whole, and counts as a receive while it waits. */
  [selectable](): SelectSource<Packet<A>> {
    return new DatagramSource(this.#endpoint.receiver)
  }

  /** Iterates over the datagrams as they come, each cut to `maxSize` bytes. The own `close()` ends the iteration. */
  receivePackets(maxSize: number): AsyncIterableIterator<Packet<A>> {
    checkSize('maxSize', maxSize)
    return new PacketIterator<A>(this.#endpoint.receiver, maxSize)
  }

  /** Waits for one datagram and returns all that are there, at most `maxCount`, whole and in order. */
  receiveBatch(maxCount: number = 64): Promise<Packet<A>[]> {
    try {
      checkInteger('maxCount', maxCount, 1)
    } catch (error) {
      return rejected(error)
    }
    return this.#endpoint.receiver.receive(new Batch<A>(maxCount))
  }

  /**
   * Sends the datagrams of `list`, each `[data]` or `[data, to]`, in order and in as few system calls as possible.
   * The first failure ends the call: the datagrams before it have left, those after it have not.
   */
  sendBatch(list: readonly (readonly [data: Uint8Array | string, to?: A])[]): Promise<void> {
    const data: Uint8Array[] = []
    const to: Target[] = []
    try {
      if (!Array.isArray(list)) throw invalidArgType('list', 'an instance of Array', list)
      for (const [index, packet] of list.entries()) {
        if (!Array.isArray(packet)) throw invalidArgType(`list[${index}]`, 'an instance of Array', packet)
        data.push(toBytes(`list[${index}][0]`, packet[0]))
        to.push(this._target(`list[${index}][1]`, packet[1]))
      }
    } catch (error) {
      return rejected(error)
    }
    return this.#endpoint.sender.sendMany(data, to)
  }

  /** Closes at once, also in a cancelled scope. It never raises a cancellation: the next checkpoint does. */
  close(): Promise<void> {
    this.#endpoint.close()
    return immediateVoid()
  }

  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** A socket option, by number or by name (`'SOL_SOCKET'`, `'SO_RCVBUF'`). */
  getsockopt(level: number | string, name: number | string): number {
    checkOption(level, name)
    return this.#endpoint.requireOpen('getsockopt').getsockopt(level, name)
  }

  /**
   * Sets a socket option, by number or by name. Bytes are the C structure of an option that takes one
   * (`'IP_ADD_MEMBERSHIP'`: `ip_mreq`).
   */
  setsockopt(level: number | string, name: number | string, value: number | boolean | Uint8Array): void {
    checkOption(level, name)
    if (!(value instanceof Uint8Array)) checkOptionValue(value)
    this.#endpoint.requireOpen('setsockopt').setsockopt(level, name, value)
  }

  /**
   * Where a datagram to `to` goes, as the backend takes it. @throws UsageError without any target, and for another one
   * than that of a connected socket
   *
   * @internal
   */
  abstract _target(name: string, to: unknown): Target
}
