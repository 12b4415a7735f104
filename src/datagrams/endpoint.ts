/** One open datagram socket: a transport, its two directions, and its place on the run's list. */

import type { DatagramAddress, DatagramSink, DatagramTransport } from '../backends/contract/backend.ts'
import { ClosedResourceError } from '../errors.ts'
import { Resource } from '../kernel/index.ts'
import { formatAddress } from '../common/addresses.ts'
import type { Opening } from '../common/opening.ts'
import { DatagramReceiver } from './receiver.ts'
import { DatagramSender } from './sender.ts'

/** The kinds of resource, for warnings. */
export const UDP_SOCKET = 'UDP socket'
export const UNIX_DATAGRAM_SOCKET = 'UNIX datagram socket'

export class DatagramEndpoint<A extends DatagramAddress> extends Resource implements DatagramSink {
  readonly receiver: DatagramReceiver<A>
  readonly sender: DatagramSender
  readonly transport: DatagramTransport
  readonly #kind: string
  #closed = false

  constructor(transport: DatagramTransport, kind: string, { backend, frame, made }: Opening) {
    super()
    this.transport = transport
    this.#kind = kind
    this.receiver = new DatagramReceiver(transport)
    this.sender = new DatagramSender(transport, backend)
    transport.sink = this
    this.register(frame, kind, made)
  }

  /** For what needs an open descriptor and does not wait. */
  requireOpen(what: string): DatagramTransport {
    if (this.#closed) throw new ClosedResourceError(`${what}: the socket is closed`)
    return this.transport
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.receiver.close()
    this.sender.close()
    this.transport.destroy()
    this.unregister()
  }

  override describeResource(): string {
    const { localAddress, remoteAddress } = this.transport
    const target = remoteAddress === undefined ? '' : ` → ${formatAddress(remoteAddress)}`
    return `${this.#kind} ${formatAddress(localAddress)}${target}`
  }

  override async closeForRun(): Promise<void> {
    this.close()
  }

  datagram(memory: Buffer, start: number, end: number, owned: boolean, from: DatagramAddress): void {
    this.receiver.datagram(memory, start, end, owned, from as A)
  }

  receiveSettled(error: Error | undefined): void {
    this.receiver.settled(error)
  }

  sendSettled(error: Error | undefined): void {
    this.sender.settled(error)
  }
}
