/** What `select` asks of a datagram socket: one datagram, whole. Others that it has heard of stay with the socket. */

import type { DatagramAddress } from '../backends/contract/backend.ts'
import { ClosedResourceError } from '../errors.ts'
import type { SelectSource } from '../kernel/index.ts'
import type { Packet } from './packet.ts'
import type { DatagramReceiver, PacketWatcher } from './receiver.ts'

export class DatagramSource<A extends DatagramAddress> implements SelectSource<Packet<A>>, PacketWatcher {
  readonly outside = true
  readonly #receiver: DatagramReceiver<A>
  #changed: (() => void) | undefined

  constructor(receiver: DatagramReceiver<A>) {
    this.#receiver = receiver
  }

  ready(): boolean {
    return this.#receiver.readyFor(this)
  }

  take(): Packet<A> {
    return this.#receiver.takeFor(this)
  }

  watch(changed: () => void): () => void {
    this.#changed = changed
    this.#receiver.watch(this)
    return () => this.#receiver.unwatch(this)
  }

  changed(): void {
    this.#changed?.()
  }

  /** The own close, as in `receivePackets`. */
  isEnd(_value: Packet<A> | undefined, error: unknown): boolean {
    return error instanceof ClosedResourceError
  }
}
