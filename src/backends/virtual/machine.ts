/** One host of the network: its addresses, its ports, its open sockets, and whether it is up. */
import { UsageError } from '../../errors.ts'
import { AsyncLocalStorage } from 'node:async_hooks'
import { familyOf, isLoopback, isWildcard } from './addresses.ts'
import type { Fabric } from './fabric.ts'
import { type Bound, PortTable } from './ports.ts'
import type { UdpSocket } from './udp.ts'

/** An open socket of a host. */
export interface Socket {
  /** Whether it counts as an open socket of its host. */
  readonly open: boolean
  /** Its host has crashed. It sends and receives nothing from now on. */
  die(): void
  /** A partition has ended. */
  passable(): void
  /** A middlebox breaks its connection with that host. */
  sever(peer: Machine): void
}

/** The owner of a TCP port: a listener, or the local end of a client. */
export type TcpBound = Bound

export class Machine {
  readonly name: string
  readonly addresses: readonly string[]
  readonly fabric: Fabric
  readonly sockets = new Set<Socket>()
  readonly tcp = new PortTable<TcpBound>()
  readonly udp = new PortTable<UdpSocket>()
  #up = true

  constructor(fabric: Fabric, name: string, addresses: readonly string[]) {
    this.fabric = fabric
    this.name = name
    this.addresses = addresses
  }

  get up(): boolean {
    return this.#up
  }

  /** Whether this address is the host's own. */
  has(address: string): boolean {
    return isLoopback(address) || this.addresses.includes(address)
  }

  /** The own address from which `target` is reached; `undefined` where the host has none of that family. */
  sourceFor(target: string): string | undefined {
    if (this.has(target)) return target
    return this.addresses.find((own) => familyOf(own) === familyOf(target))
  }

  crash(): void {
    if (!this.#up) return
    this.#up = false
    this.tcp.clear()
    this.udp.clear()
    for (const socket of [...this.sockets]) socket.die()
    this.sockets.clear()
  }

  restart(): void {
    this.#up = true
    this.fabric.release()
  }
}

/** `::` and `0.0.0.0` as a target mean the own host. */
export function targetOf(address: string): string {
  if (!isWildcard(address)) return address
  return familyOf(address) === 6 ? '::1' : '127.0.0.1'
}

const place = new AsyncLocalStorage<Machine>()

/** Calls `body` on that host: what it opens is there, and so is every task spawned from it. */
export function onMachine<T>(machine: Machine, body: () => T): T {
  return place.run(machine, body)
}

/** The host that the running code is on. */
export function machineHere(fabric: Fabric): Machine {
  const machine = place.getStore() ?? fabric.localhost
  if (machine.fabric !== fabric) {
    throw new UsageError(`the host "${machine.name}" is of another VirtualNetwork than this run's`)
  }
  return machine
}
