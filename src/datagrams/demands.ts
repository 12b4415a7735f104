/** The ways to receive: one datagram, a step of an iteration, a batch. */

import type { DatagramAddress } from '../backends/contract/backend.ts'
import type { Packet } from './packet.ts'
import type { DatagramReceiver, Demand, Kept } from './receiver.ts'

export class One<A extends DatagramAddress> implements Demand<A, Packet<A>> {
  readonly what = 'receive'
  readonly count = 1
  readonly #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  take(kept: Kept<A>): Packet<A> {
    return cut(kept.shift(), this.#maxBytes)
  }
}

export class Batch<A extends DatagramAddress> implements Demand<A, Packet<A>[]> {
  readonly what = 'receiveBatch'
  readonly count: number

  constructor(maxCount: number) {
    this.count = maxCount
  }

  take(kept: Kept<A>): Packet<A>[] {
    return kept.take(this.count)
  }
}

class Step<A extends DatagramAddress> implements Demand<A, IteratorResult<Packet<A>>> {
  readonly what = 'receivePackets'
  readonly count = 1
  readonly closed: IteratorResult<Packet<A>> = DONE
  readonly #maxSize: number

  constructor(maxSize: number) {
    this.#maxSize = maxSize
  }

  take(kept: Kept<A>): IteratorResult<Packet<A>> {
    return { done: false, value: cut(kept.shift(), this.#maxSize) }
  }
}

/** `receivePackets`. A step holds no state of its own: one that threw can be called again and loses nothing. */
export class PacketIterator<A extends DatagramAddress> implements AsyncIterableIterator<Packet<A>> {
  readonly #receiver: DatagramReceiver<A>
  readonly #step: Step<A>
  #returned = false

  constructor(receiver: DatagramReceiver<A>, maxSize: number) {
    this.#receiver = receiver
    this.#step = new Step(maxSize)
  }

  next(): Promise<IteratorResult<Packet<A>>> {
    return this.#returned ? Promise.resolve(DONE) : this.#receiver.receive(this.#step)
  }

  /** What `break` calls. It ends the iterator and leaves the socket alone. */
  return(): Promise<IteratorResult<Packet<A>>> {
    this.#returned = true
    return Promise.resolve(DONE)
  }

  [Symbol.asyncIterator](): this {
    this.#returned = false
    return this
  }
}

const DONE = Object.freeze({ done: true, value: undefined })

/** A datagram longer than was asked for is cut; the rest of it is gone, as in the socket interface. */
function cut<A extends DatagramAddress>(packet: Packet<A>, maxBytes: number): Packet<A> {
  if (packet[0].length > maxBytes) packet[0] = packet[0].subarray(0, maxBytes)
  return packet
}
