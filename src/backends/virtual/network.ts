/** The simulated network, as tests see it. */
import {
  checkBoolean,
  checkOptions,
  checkString,
  checkTime,
  invalidArgType,
  optionNames,
  outOfRange,
} from '../../common/validate.ts'
import { canonical, isLoopback, isWildcard } from './addresses.ts'
import { Fabric, nameKey } from './fabric.ts'
import { hostOf, machineOf, VirtualHost } from './host.ts'
import { type LinkOptions, linkState } from './link.ts'
import type { Machine } from './machine.ts'
import type { TrafficRecord } from './traffic.ts'

/** The quality of all links (`link` changes single ones), and the behaviour of the hosts. */
export interface VirtualNetworkOptions extends LinkOptions {
  /** Milliseconds after which an unanswered connection attempt is `ETIMEDOUT`. Default 127,000, as on Linux. */
  connectTimeout?: number | undefined
  /** Whether `record` is kept; it grows for as long as the network lives. Default true. */
  record?: boolean | undefined
}

interface HostOptions {
  /** The addresses of the machine. */
  readonly addresses?: readonly string[] | undefined
}

interface OneLinkOptions extends LinkOptions {
  /** Whether the link carries data in one direction alone. Default false. */
  readonly oneWay?: boolean | undefined
}

/** Linux's default: six retransmissions. */
const CONNECT_TIMEOUT = 127_000

// Filled by the static block of `VirtualNetwork`, the only code that can see its private field.
let fabric: (network: VirtualNetwork) => Fabric

/** The internals of a network. */
export function fabricOf(network: VirtualNetwork): Fabric {
  return fabric(network)
}

/**
 * The network of the runs of the `virtual` backend: hosts with names and addresses, and links between them. One network
 * may serve several runs, at once or one after the other, all on the same clock.
 *
 * A host is given as a `VirtualHost` or by its name. The host `localhost` always exists. A perfect network delivers
 * everything at the time of sending, so give links a `latency` if times matter.
 */
export class VirtualNetwork {
  readonly #fabric: Fabric

  static {
    fabric = (network) => network.#fabric
  }

  constructor(options: VirtualNetworkOptions = {}) {
    checkOptions('options', options, NETWORK_OPTIONS)
    const { connectTimeout = CONNECT_TIMEOUT, record: records = true } = options
    checkTime('options.connectTimeout', connectTimeout)
    if (connectTimeout <= 0) throw outOfRange('options.connectTimeout', 'a number of milliseconds > 0', connectTimeout)
    checkBoolean('options.record', records)
    this.#fabric = new Fabric({ links: linkState('options', options), connectTimeout, records })
  }

  /**
   * Returns the host of this name, and creates it if there is none.
   *
   * @param options - `addresses`: numeric addresses, in the resolver's order. Default: an IPv4 and an IPv6 address
   */
  host(name: string, options: HostOptions = {}): VirtualHost {
    checkName('name', name)
    checkOptions('options', options, HOST_OPTIONS)
    const { addresses } = options
    if (addresses === undefined) return hostOf(this.#fabric.machine(name))
    const checked = checkAddresses('options.addresses', addresses)
    if (this.#fabric.machines.has(nameKey(name))) {
      throw outOfRange('name', 'a new name, where addresses are given', name)
    }
    for (const address of checked) {
      if (isLoopback(address) || isWildcard(address) || this.#fabric.machineAt(address, this.#fabric.localhost)) {
        throw outOfRange('options.addresses', 'made of addresses that no other host has', address)
      }
    }
    return hostOf(this.#fabric.machine(name, checked))
  }

  /**
   * Gives these addresses a name. The resolver keeps their order. An address may belong to no host; connection attempts
   * to it get no answer.
   */
  alias(name: string, addresses: readonly string[]): void {
    checkName('name', name)
    const checked = checkAddresses('addresses', addresses)
    if (this.#fabric.machines.has(nameKey(name))) throw outOfRange('name', 'a name that no host has', name)
    this.#fabric.aliases.set(nameKey(name), checked)
  }

  /**
   * Sets the quality of the link between two hosts from now on, in both directions. Missing options stay as they are.
   *
   * @param options - `oneWay`: only from `a` to `b`
   */
  link(a: string | VirtualHost, b: string | VirtualHost, options: OneLinkOptions): void {
    const from = this.#machine('a', a)
    const to = this.#machine('b', b)
    checkOptions('options', options, LINK_OPTIONS)
    const { oneWay = false } = options
    checkBoolean('options.oneWay', oneWay)
    const forth = this.#fabric.link(from, to)
    forth.state = linkState('options', options, forth.state)
    if (oneWay) return
    const back = this.#fabric.link(to, from)
    back.state = linkState('options', options, back.state)
  }

  /**
   * Separates these hosts from the others from now on, in both directions: no packet and no error passes. Datagrams are
   * lost, TCP keeps trying. Several partitions add up until `heal`.
   *
   * @param other - default: all other hosts, also later ones
   */
  partition(side: readonly (string | VirtualHost)[], other?: readonly (string | VirtualHost)[]): void {
    const sides = this.#machines('side', side)
    this.#fabric.partition(sides, other === undefined ? undefined : this.#machines('other', other))
  }

  /** Ends all partitions. TCP sends the held data at once, in order. */
  heal(): void {
    this.#fabric.heal()
  }

  /**
   * Resets both ends of the TCP connections between two hosts, like a middlebox that lost its state.
   *
   * @param b - default: all peers of `a`
   * @param a - default: all connections of the network
   */
  reset(a?: string | VirtualHost, b?: string | VirtualHost): void {
    const all = [...this.#fabric.machines.values()]
    const froms = a === undefined ? all : [this.#machine('a', a)]
    const tos = b === undefined ? all : [this.#machine('b', b)]
    for (const from of froms) {
      for (const socket of [...from.sockets]) for (const to of tos) socket.sever(to)
    }
  }

  /** All packets, in the order of sending. Their outcomes are filled in as time passes. */
  get record(): readonly TrafficRecord[] {
    return this.#fabric.record
  }

  #machines(argument: string, hosts: readonly (string | VirtualHost)[]): Machine[] {
    if (!Array.isArray(hosts)) throw invalidArgType(argument, 'an array of hosts', hosts)
    return hosts.map((host) => this.#machine(argument, host as string | VirtualHost))
  }

  #machine(argument: string, host: string | VirtualHost): Machine {
    if (host instanceof VirtualHost) {
      const machine = machineOf(host)
      if (machine.fabric !== this.#fabric) throw outOfRange(argument, 'a host of this network', host.name)
      return machine
    }
    if (typeof host !== 'string') throw invalidArgType(argument, 'a VirtualHost or the name of one', host)
    const machine = this.#fabric.machines.get(nameKey(host))
    if (machine === undefined) throw outOfRange(argument, 'the name of a host of this network', host)
    return machine
  }
}

function checkName(argument: string, name: unknown): asserts name is string {
  checkString(argument, name)
  if (!/^[^\s:/]+$/.test(name) || canonical(name) !== undefined) throw outOfRange(argument, 'a host name', name)
}

function checkAddresses(argument: string, addresses: unknown): string[] {
  if (!Array.isArray(addresses)) throw invalidArgType(argument, 'an array of addresses', addresses)
  return addresses.map((address: unknown) => {
    checkString(argument, address)
    const checked = canonical(address)
    if (checked === undefined) throw outOfRange(argument, 'made of numeric addresses', address)
    return checked
  })
}

const NETWORK_OPTIONS = optionNames<VirtualNetworkOptions>({
  latency: true,
  jitter: true,
  bandwidth: true,
  loss: true,
  duplicate: true,
  reorder: true,
  connectTimeout: true,
  record: true,
})
const HOST_OPTIONS = optionNames<HostOptions>({ addresses: true })
const LINK_OPTIONS = optionNames<OneLinkOptions>({
  latency: true,
  jitter: true,
  bandwidth: true,
  loss: true,
  duplicate: true,
  reorder: true,
  oneWay: true,
})
