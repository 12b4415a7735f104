/** UDP: what is sent may be lost, doubled or overtaken, as the link has it. There is no multicast, and no broadcast. */
import type {
  Abandon,
  Answer,
  DatagramAddress,
  DatagramTransport,
  SocketAddress,
  UdpOptions,
} from '../contract/backend.ts'
import { canonical, familyOf, isWildcard, socketAddress } from './addresses.ts'
import { VirtualDatagram } from './datagram.ts'
import { answerSoon } from './answers.ts'
import { systemError } from './errors.ts'
import type { Fabric } from './fabric.ts'
import { type Machine, machineHere, targetOf } from './machine.ts'
import type { Bound } from './ports.ts'

/** The largest payload. */
const LARGEST = 65_507

export function openUdp(fabric: Fabric, options: UdpOptions, answer: Answer<DatagramTransport>): Abandon {
  const machine = machineHere(fabric)
  return answerSoon(fabric, answer, () => (machine.up ? bind(machine, options) : systemError('ENETDOWN', 'bind')))
}

function bind(machine: Machine, { address, port, target, reusePort: shared }: UdpOptions): UdpSocket | Error {
  const asked = address === undefined ? undefined : canonical(address)
  const peer = target && { address: targetOf(canonical(target.address) ?? target.address), port: target.port }
  if (asked !== undefined) {
    if (!isWildcard(asked) && !machine.has(asked))
      return systemError('EADDRNOTAVAIL', 'bind', { address: asked, ...(port > 0 && { port }) })
    if (peer !== undefined && familyOf(asked) !== familyOf(peer.address))
      return systemError('EAFNOSUPPORT', 'connect', peer)
  }
  let boundTo = asked
  if (peer !== undefined && (asked === undefined || isWildcard(asked))) {
    boundTo = machine.sourceFor(peer.address)
    if (boundTo === undefined) return systemError('ENETUNREACH', 'connect', peer)
  }
  const chosen = machine.udp.choose(boundTo, port, shared)
  if (typeof chosen === 'string') return systemError(chosen, 'bind', { address: boundTo ?? '::', port })
  return new UdpSocket(machine, { boundTo, port: chosen, shared }, peer && socketAddress(peer.address, peer.port))
}

export class UdpSocket extends VirtualDatagram implements Bound {
  readonly localAddress: SocketAddress
  readonly remoteAddress: SocketAddress | undefined
  readonly family: 0 | 4 | 6
  readonly boundTo: string | undefined
  readonly port: number
  readonly shared: boolean
  /** The host of the connected peer has answered that the port is closed. */
  #refused = false

  constructor(machine: Machine, { boundTo, port, shared }: Bound, peer: SocketAddress | undefined) {
    super(machine)
    this.boundTo = boundTo
    this.port = port
    this.shared = shared
    this.localAddress = socketAddress(boundTo ?? '::', port)
    this.remoteAddress = peer
    this.family = boundTo === undefined ? 0 : familyOf(boundTo)
    machine.udp.add(this)
  }

  /** All leave in this call. */
  sendMany(data: readonly Uint8Array[], to: readonly (DatagramAddress | undefined)[]): boolean {
    const error = this.takeError('send')
    if (error !== undefined) throw error
    for (const [index, bytes] of data.entries()) this.#sendOne(bytes, to[index] as SocketAddress | undefined)
    return true
  }

  cancelSend(): void {}

  /** Whether it accepts datagrams of this sender. */
  hears(address: string, port: number): boolean {
    const peer = this.remoteAddress
    return peer === undefined || (peer.address === address && peer.port === port)
  }

  protected override takeError(syscall: string): Error | undefined {
    if (!this.#refused) return undefined
    this.#refused = false
    return systemError('ECONNREFUSED', syscall, this.remoteAddress)
  }

  protected override unbind(): void {
    this.machine.udp.delete(this)
  }

  #sendOne(bytes: Uint8Array, to: SocketAddress | undefined): void {
    const { machine } = this
    const { address, port } = to ?? this.remoteAddress ?? {}
    if (address === undefined || port === undefined) throw systemError('EDESTADDRREQ', 'send')
    const target = targetOf(canonical(address) ?? address)
    const place = { address, port }
    if (this.family !== 0 && this.family !== familyOf(target)) throw systemError('EAFNOSUPPORT', 'send', place)
    if (bytes.length > LARGEST) throw systemError('EMSGSIZE', 'send', place)
    const { boundTo } = this
    const source = boundTo === undefined || isWildcard(boundTo) ? machine.sourceFor(target) : boundTo
    if (source === undefined) throw systemError('ENETUNREACH', 'send', place)
    const data = Buffer.from(bytes)
    const from = socketAddress(source, this.port)
    const there = machine.fabric.machineAt(target, machine)
    machine.fabric.post(machine, target, {
      kind: 'datagram',
      bytes: data.length,
      fromPort: this.port,
      toPort: port,
      arrive: () => there !== undefined && this.#arriveAt(there, { data, from, target, port }),
    })
  }

  #arriveAt(there: Machine, { data, from, target, port }: Flight): void {
    const hears = (socket: UdpSocket): boolean => socket.hears(from.address, from.port)
    const connected = there.udp.find(target, port, (socket) => socket.remoteAddress !== undefined && hears(socket))
    const socket = connected ?? there.udp.find(target, port, hears)
    if (socket !== undefined) {
      // A datagram that arrives twice is two.
      socket.arrived(Buffer.from(data), from)
      return
    }
    const { fabric } = this.machine
    const { latency } = fabric.link(there, this.machine).state
    fabric.timeline.at(fabric.timeline.now() + latency, () => {
      if (this.remoteAddress === undefined || this.gone || !fabric.passes(there, this.machine)) return
      this.#refused = true
      this.answer()
    })
  }
}

interface Flight {
  readonly data: Buffer
  readonly from: SocketAddress
  readonly target: string
  readonly port: number
}
