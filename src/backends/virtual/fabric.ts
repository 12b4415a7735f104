/**
 * The simulated network: addresses, links, partitions, and the transport of single packets.
 *
 * Invariants
 * 1. A packet is checked against partitions twice, when it is sent and when it arrives. So a partition also stops
 *    packets that were under way when it began.
 * 2. Random numbers are drawn in the order of sending, and only for links that need them. The same seed gives the same
 *    network.
 */
import { UsageError } from '../../errors.ts'
import { canonical, isLoopback } from './addresses.ts'
import { Link, type LinkState, linkState } from './link.ts'
import { Machine, targetOf } from './machine.ts'
import { NETWORK, Random } from './random.ts'
import type { Timeline } from './timeline.ts'
import type { Ports, Traffic, TrafficKind } from './traffic.ts'

/** Holds segments that cannot pass, and sends them again. */
export interface Holder {
  release(): void
}

/** A packet that is sent once. */
export interface Packet extends Ports {
  readonly kind: TrafficKind
  readonly bytes: number
  arrive(): void
}

interface Partition {
  readonly side: ReadonlySet<Machine>
  /** `undefined`: all other hosts, also later ones. */
  readonly other: ReadonlySet<Machine> | undefined
}

export interface FabricOptions {
  readonly links: LinkState
  readonly connectTimeout: number
  readonly records: boolean
}

/** The link of a host with itself. */
const LOOPBACK = linkState('options', {})

export class Fabric {
  readonly machines = new Map<string, Machine>()
  readonly aliases = new Map<string, readonly string[]>()
  readonly record: Traffic[] = []
  readonly options: FabricOptions
  readonly localhost: Machine
  readonly #byAddress = new Map<string, Machine>()
  readonly #links = new Map<Machine, Map<Machine, Link>>()
  #partitions: Partition[] = []
  readonly #holders = new Set<Holder>()
  #timeline: Timeline | undefined
  #random = new Random(0, NETWORK)
  #runs = 0

  constructor(options: FabricOptions) {
    this.options = options
    this.localhost = this.machine('localhost')
  }

  get timeline(): Timeline {
    if (this.#timeline === undefined) throw new Error('internal: a network without a clock')
    return this.#timeline
  }

  /** The clock of the first use, which stays. */
  get clocked(): Timeline | undefined {
    return this.#timeline
  }

  get random(): Random {
    return this.#random
  }

  /** A run begins. Of the runs that are active together, the first one seeds the network. */
  join(seed: number | undefined): void {
    if (this.#runs++ === 0 && seed !== undefined) this.#random = new Random(seed, NETWORK)
  }

  leave(): void {
    this.#runs--
  }

  useTimeline(timeline: Timeline): void {
    this.#timeline ??= timeline
    if (this.#timeline !== timeline) {
      throw new UsageError('A VirtualNetwork keeps the clock it was first run with: give its run the same one')
    }
  }

  /** Gets the host of this name, or makes it. */
  machine(name: string, addresses?: readonly string[]): Machine {
    const key = nameKey(name)
    const known = this.machines.get(key)
    if (known !== undefined) return known
    const number = this.machines.size + 1
    const automatic = [`10.0.${number >> 8}.${number & 255}`, `fd00::${number.toString(16)}`]
    const machine = new Machine(this, name, addresses ?? automatic)
    this.machines.set(key, machine)
    for (const address of machine.addresses) this.#byAddress.set(address, machine)
    return machine
  }

  /** The host with this address, seen from `from`. */
  machineAt(address: string, from: Machine): Machine | undefined {
    return isLoopback(address) ? from : this.#byAddress.get(address)
  }

  /** The addresses of a name, in the resolver's order; `undefined` for an unknown name. */
  resolve(host: string): readonly string[] | undefined {
    const address = canonical(host)
    if (address !== undefined) return [address]
    const key = nameKey(host)
    if (key === 'localhost' || key.endsWith('.localhost')) return ['127.0.0.1', '::1']
    return this.aliases.get(key) ?? this.machines.get(key)?.addresses
  }

  /** The name of an address; `undefined` where it has none. */
  nameOf(address: string): string | undefined {
    return isLoopback(address) ? 'localhost' : this.#byAddress.get(address)?.name
  }

  link(from: Machine, to: Machine): Link {
    const row = this.#links.get(from) ?? new Map<Machine, Link>()
    this.#links.set(from, row)
    let link = row.get(to)
    if (link === undefined) row.set(to, (link = new Link(from === to ? LOOPBACK : this.options.links)))
    return link
  }

  partition(side: readonly Machine[], other: readonly Machine[] | undefined): void {
    this.#partitions.push({ side: new Set(side), other: other && new Set(other) })
  }

  heal(): void {
    this.#partitions = []
    this.release()
  }

  /** Something may pass again: those who hold something back try. */
  release(): void {
    for (const holder of [...this.#holders]) holder.release()
    for (const machine of this.machines.values()) {
      for (const socket of [...machine.sockets]) socket.passable()
    }
  }

  holds(holder: Holder): void {
    this.#holders.add(holder)
  }

  holdsNothing(holder: Holder): void {
    this.#holders.delete(holder)
  }

  passes(from: Machine, to: Machine): boolean {
    return from.up && to.up && !this.#partitions.some((each) => divides(each, from, to) || divides(each, to, from))
  }

  /** Notes what is sent; `undefined` where nothing is to be recorded. */
  note(from: Machine, to: Machine | string, { fromPort, toPort, kind, bytes }: Omit<Packet, 'arrive'>): Traffic {
    const traffic: Traffic = {
      time: this.timeline.now(),
      from: from.name,
      fromPort,
      to: typeof to === 'string' ? to : to.name,
      toPort,
      kind,
      bytes,
      outcome: 'under way',
      arrived: undefined,
      retransmissions: 0,
      duplicated: false,
    }
    if (this.options.records) this.record.push(traffic)
    return traffic
  }

  /** Sends a packet to an address, once: it arrives or is lost. Datagrams also get the other hardships of the link. */
  post(from: Machine, address: string, packet: Packet): void {
    const to = this.machineAt(targetOf(address), from)
    const traffic = this.note(from, to ?? address, packet)
    if (to === undefined) traffic.outcome = 'lost'
    else this.#carry(from, to, packet, traffic)
  }

  #carry(from: Machine, to: Machine, packet: Packet, traffic: Traffic): void {
    const { random, timeline } = this
    const link = this.link(from, to)
    const isDatagram = packet.kind === 'datagram'
    let at = link.arrival(timeline.now(), packet.bytes, random)
    const lost = random.chance(link.state.loss)
    if (isDatagram) at += link.detour(random)
    const twice = isDatagram && random.chance(link.state.duplicate)
    if (lost || !this.passes(from, to)) {
      traffic.outcome = 'lost'
      return
    }
    const arrive = (): void => {
      if (!this.passes(from, to)) {
        if (traffic.outcome === 'under way') traffic.outcome = 'lost'
        return
      }
      if (traffic.outcome === 'delivered') traffic.duplicated = true
      traffic.outcome = 'delivered'
      traffic.arrived ??= timeline.now()
      packet.arrive()
    }
    timeline.at(at, arrive)
    if (twice) timeline.at(link.arrival(timeline.now(), packet.bytes, random) + link.detour(random), arrive)
  }
}

/** Names know no case, and may end with a dot. */
export function nameKey(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

function divides({ side, other }: Partition, a: Machine, b: Machine): boolean {
  return side.has(a) && (other === undefined ? !side.has(b) : other.has(b))
}
