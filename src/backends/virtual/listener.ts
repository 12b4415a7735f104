/**
 * A simulated listener. Its queue has room for `backlog` connections and one more. Further attempts get no answer, and
 * are sent again after a while.
 */
import type {
  Abandon,
  Address,
  Answer,
  ListenerSink,
  ListenerTransport,
  SocketAddress,
  TcpListenOptions,
} from '../contract/backend.ts'
import { canonical, isWildcard, socketAddress } from './addresses.ts'
import { answerSoon } from './answers.ts'
import { systemError } from './errors.ts'
import type { Fabric } from './fabric.ts'
import { type Machine, machineHere, onMachine, type Socket } from './machine.ts'
import type { Bound } from './ports.ts'
import { SocketOptions } from './socket-options.ts'
import type { VirtualStream } from './stream.ts'

export function listen(fabric: Fabric, options: TcpListenOptions, answer: Answer<ListenerTransport>): Abandon {
  const machine = machineHere(fabric)
  return answerSoon(fabric, answer, () =>
    machine.up ? openListener(machine, options) : systemError('ENETDOWN', 'listen'),
  )
}

function openListener(machine: Machine, options: TcpListenOptions): TcpListener | Error {
  const { backlog, reusePort: shared = false, noDelay, keepAlive } = options
  const place = { address: options.address ?? '::', port: options.port }
  const boundTo = options.address === undefined ? undefined : canonical(options.address)
  if (boundTo !== undefined && !isWildcard(boundTo) && !machine.has(boundTo)) {
    return systemError('EADDRNOTAVAIL', 'listen', place)
  }
  const port = machine.tcp.choose(boundTo, options.port, shared)
  if (typeof port === 'string') return systemError(port, 'listen', place)
  const setup = new SocketOptions({ TCP_NODELAY: Number(noDelay), SO_KEEPALIVE: Number(keepAlive) })
  return new TcpListener(machine, { boundTo, port, shared }, backlog, setup)
}

/** The queue, of TCP and UNIX sockets alike. */
export abstract class VirtualListener implements ListenerTransport, Socket {
  declare sink: ListenerSink
  abstract readonly address: Address
  readonly open = true
  readonly machine: Machine
  readonly options: SocketOptions
  readonly #backlog: number
  #demand = 0
  /** Greeted, and not heard of since. */
  readonly #greeted = new Set<VirtualStream>()
  #queue: VirtualStream[] = []
  #closed = false
  #dead = false

  constructor(machine: Machine, backlog: number, options: SocketOptions) {
    this.machine = machine
    this.#backlog = backlog
    this.options = options
    machine.sockets.add(this)
  }

  accept(count: number): void {
    this.#demand = count
    if (count > 0 && this.#queue.length > 0) this.machine.fabric.timeline.soon(this.#deliver)
  }

  destroy(): void {
    if (this.#closed) return
    this.#closed = true
    this.#demand = 0
    this.machine.sockets.delete(this)
    this.unbind()
    this.#drop()
  }

  getsockopt(level: number | string, name: number | string): number {
    return this.options.get(level, name)
  }

  setsockopt(level: number | string, name: number | string, value: number | boolean): void {
    this.options.set(level, name, value)
  }

  die(): void {
    this.#dead = true
    this.#demand = 0
    this.#greeted.clear()
    this.#queue = []
  }

  passable(): void {}

  sever(): void {}

  /** Whether it is closed, or its host has crashed. */
  get gone(): boolean {
    return this.#closed || this.#dead
  }

  get full(): boolean {
    return this.#queue.length + this.#greeted.size > this.#backlog
  }

  /** A connection attempt was answered. */
  greet(end: VirtualStream): void {
    this.#greeted.add(end)
    end.onBroken = () => {
      if (this.#greeted.delete(end)) end.destroy()
    }
  }

  /** Handlers run on the server's host, whichever host serves it. */
  readonly within = <T>(fn: () => T): T => onMachine(this.machine, fn)

  /** The connection is established. */
  established(end: VirtualStream): void {
    if (!this.#greeted.delete(end)) return
    end.onBroken = undefined
    this.#queue.push(end)
    this.#deliver()
  }

  /** Gives the address away. */
  protected abstract unbind(): void

  readonly #deliver = (): void => {
    while (this.#demand > 0 && this.#queue.length > 0 && !this.#dead) {
      const end = this.#queue.shift() as VirtualStream
      this.#demand--
      end.open = true
      this.sink.accepted(end)
    }
  }

  #drop(): void {
    for (const end of [...this.#greeted, ...this.#queue]) end.reset()
    this.#greeted.clear()
    this.#queue = []
  }
}

export class TcpListener extends VirtualListener implements Bound {
  readonly address: SocketAddress
  readonly boundTo: string | undefined
  readonly port: number
  readonly shared: boolean

  constructor(machine: Machine, { boundTo, port, shared }: Bound, backlog: number, options: SocketOptions) {
    super(machine, backlog, options)
    this.address = socketAddress(boundTo ?? '::', port)
    this.boundTo = boundTo
    this.port = port
    this.shared = shared
    machine.tcp.add(this)
  }

  protected override unbind(): void {
    this.machine.tcp.delete(this)
  }
}
