/**
 * The receiving half of a datagram socket, and what UDP and UNIX have in common.
 *
 * What must stay true:
 * 1. What is kept and not asked for is bounded, as a kernel's receive buffer is.
 * 2. An error of the network fails one call and does not end the socket.
 * 3. The sink is called from events of the timeline only, and never after `destroy`.
 */
import type { Address, DatagramAddress, DatagramSink, DatagramTransport } from '../contract/backend.ts'
import type { Machine, Socket } from './machine.ts'
import { SocketOptions } from './socket-options.ts'

interface Kept {
  readonly data: Buffer
  readonly from: DatagramAddress
}

export abstract class VirtualDatagram implements DatagramTransport, Socket {
  declare sink: DatagramSink
  readonly open = true
  abstract readonly localAddress: Address
  abstract readonly remoteAddress: DatagramAddress | undefined
  abstract readonly family: 0 | 4 | 6
  readonly machine: Machine
  readonly #options = new SocketOptions({ SO_TYPE: 2, SO_RCVBUF: 212_992, SO_REUSEADDR: 0 })
  #kept: Kept[] = []
  #keptBytes = 0
  /** How many the pending `receive` takes; 0 is none. */
  #wanted = 0
  #closed = false
  #dead = false

  constructor(machine: Machine) {
    this.machine = machine
    machine.sockets.add(this)
  }

  receive(count: number): void {
    this.#wanted = count
    this.machine.fabric.timeline.soon(this.answer)
  }

  cancelReceive(): void {
    this.#wanted = 0
  }

  send(data: Uint8Array, to: DatagramAddress | undefined): boolean {
    return this.sendMany([data], [to])
  }

  abstract sendMany(data: readonly Uint8Array[], to: readonly (DatagramAddress | undefined)[]): boolean

  abstract cancelSend(): void

  destroy(): void {
    if (this.#closed) return
    this.#closed = true
    this.#wanted = 0
    this.#kept = []
    this.cancelSend()
    this.machine.sockets.delete(this)
    this.unbind()
  }

  getsockopt(level: number | string, name: number | string): number {
    return this.#options.get(level, name)
  }

  setsockopt(level: number | string, name: number | string, value: number | boolean | Uint8Array): void {
    this.#options.set(level, name, value)
  }

  die(): void {
    this.#dead = true
    this.#wanted = 0
    this.#kept = []
  }

  passable(): void {}

  sever(): void {}

  /** Its host has crashed, or it is closed. */
  get gone(): boolean {
    return this.#closed || this.#dead
  }

  get kept(): number {
    return this.#kept.length
  }

  /** Keeps a datagram for the next receive, if there is room. */
  arrived(data: Buffer, from: DatagramAddress): void {
    const room = this.#options.of('SO_RCVBUF') - this.#keptBytes
    if (this.gone || (data.length > room && this.#kept.length > 0)) return
    this.#keptBytes += data.length
    this.#kept.push({ data, from })
    this.answer()
  }

  /** Answers the pending `receive`, if there is anything to answer it with. */
  protected readonly answer = (): void => {
    if (this.#wanted === 0 || this.gone) return
    const error = this.takeError('recvmsg')
    if (error === undefined && this.#kept.length === 0) return
    const batch = error === undefined ? this.#kept.splice(0, this.#wanted) : []
    this.#wanted = 0
    for (const { data, from } of batch) {
      this.#keptBytes -= data.length
      this.sink.datagram(data, 0, data.length, true, from)
    }
    this.sink.receiveSettled(error)
    if (batch.length > 0) this.taken()
  }

  /** There is room for more. */
  protected taken(): void {}

  /** The error that the network reported since the last call. */
  protected takeError(_syscall: string): Error | undefined {
    return undefined
  }

  /** Gives the address away. */
  protected abstract unbind(): void
}
