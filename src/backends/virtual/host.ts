/** A host of the simulated network, as tests see it. */
import { checkFunction } from '../../common/validate.ts'
import { type Machine, onMachine } from './machine.ts'

// Filled by the static block of `VirtualHost`, the only code that can see its private members.
let machine: (host: VirtualHost) => Machine
let make: (machine: Machine) => VirtualHost

const hosts = new WeakMap<Machine, VirtualHost>()

/** What is behind a host. */
export function machineOf(host: VirtualHost): Machine {
  return machine(host)
}

/** The one face of this machine. */
export function hostOf(behind: Machine): VirtualHost {
  const host = hosts.get(behind) ?? make(behind)
  hosts.set(behind, host)
  return host
}

/**
 * One host of a `VirtualNetwork`, made by `network.host(name)`. Every host is also `localhost` (127.0.0.1, ::1) to
 * itself.
 */
export class VirtualHost {
  readonly #machine: Machine

  static {
    machine = (host) => host.#machine
    make = (behind) => new VirtualHost(behind)
  }

  private constructor(behind: Machine) {
    this.#machine = behind
  }

  /** What others resolve and connect to. */
  get name(): string {
    return this.#machine.name
  }

  /** The addresses of the host, in the resolver's order, without loopback addresses. */
  get addresses(): readonly string[] {
    return this.#machine.addresses
  }

  /** False from `crash()` to `restart()`. */
  get up(): boolean {
    return this.#machine.up
  }

  /** The number of open sockets: servers, connections, connection attempts, datagram sockets. */
  get openSockets(): number {
    return [...this.#machine.sockets].filter((socket) => socket.open).length
  }

  /**
   * Calls `body` on this host, and returns its result. Sockets that are opened in it belong to this host, and so do all
   * tasks that are spawned from it. Code outside of such a call runs on the host `localhost`.
   */
  run<T>(body: () => T): T {
    checkFunction('body', body)
    return onMachine(this.#machine, body)
  }

  /**
   * Switches the host off. Its sockets are gone, and its peers get no notice. They notice when their data is not
   * acknowledged, or by a timeout of their own. Code on the host is not ended; cancel its tasks for that. Its data is
   * lost, and its waits do not end.
   */
  crash(): void {
    this.#machine.crash()
  }

  /**
   * Switches the host on again, without open sockets. Peers that still send on old connections get a reset.
   */
  restart(): void {
    this.#machine.restart()
  }
}
