/** `UDPSocket`. */

import type { SocketAddress } from '../backends/contract/backend.ts'
import { PeerAddress } from '../common/peer-address.ts'
import { UsageError } from '../errors.ts'
import { rejected } from '../kernel/index.ts'
import { familyOf } from '../common/addresses.ts'
import { toBytes } from '../common/bytes.ts'
import { checkHost } from '../common/opening.ts'
import { checkInteger, checkOptions } from '../common/validate.ts'
import { DatagramSocket } from './datagram-socket.ts'
import type { DatagramEndpoint } from './endpoint.ts'
import { NamedTarget, type Target } from './sender.ts'

/**
 * A UDP socket, made by `createUdpSocket`.
 *
 * @example
 * ```ts
 * for await (const [data, from] of socket.receivePackets(2048)) await socket.send(data, from)
 * ```
 */
export class UDPSocket extends DatagramSocket<SocketAddress> {
  readonly #endpoint: DatagramEndpoint<SocketAddress>
  /** Host that `createUdpSocket` connected to. It may be given again as a target. */
  readonly #connectedTo: string | undefined
  /** The last numeric target. The backend recognizes a target by its object. */
  #last: SocketAddress | undefined

  /** @internal */
  constructor(endpoint: DatagramEndpoint<SocketAddress>, connectedTo: string | undefined) {
    super(endpoint)
    this.#endpoint = endpoint
    this.#connectedTo = connectedTo
  }

  /** The address that the socket is bound to. Also known after `close()`. */
  get address(): SocketAddress {
    return this.#endpoint.transport.localAddress as SocketAddress
  }

  /** The port that the socket is bound to, given or chosen by the system. */
  get port(): number {
    return this.address.port
  }

  /**
   * Sends one datagram: to a name or an address with its port, to the sender of another datagram, or to the peer of a
   * connected socket. A name is resolved off the JavaScript thread, once for each call.
   *
   * Resolves when the kernel has the datagram. UDP does not report whether it arrives.
   *
   * @throws UsageError without any target, and for another one than that of a connected socket; the bare system error
   * (`EMSGSIZE`, `ENETUNREACH`, `ENOTFOUND`…) of this datagram
   */
  send(data: Uint8Array | string, to?: SocketAddress): Promise<void>
  send(data: Uint8Array | string, address: string, port: number): Promise<void>
  send(data: Uint8Array | string, address?: string | SocketAddress, port?: number): Promise<void> {
    let bytes: Uint8Array
    let target: Target
    try {
      bytes = toBytes('data', data)
      target = typeof address === 'string' ? this.#targetAt(address, port) : this._target('address', address)
    } catch (error) {
      return rejected(error)
    }
    return this.#endpoint.sender.send(bytes, target)
  }

  /** @internal */
  override _target(name: string, to: unknown): Target {
    const { remoteAddress } = this.#endpoint.transport
    if (to === undefined) {
      if (remoteAddress === undefined) throw new UsageError('send: this socket is not connected, so it needs a target')
      return undefined
    }
    // Made by the backend, so it needs no check.
    if (to instanceof PeerAddress && remoteAddress === undefined) return to
    checkOptions(name, to)
    const { address, port } = to as Partial<SocketAddress>
    checkHost(`${name}.address`, address)
    checkInteger(`${name}.port`, port, 1, 65535)
    return this.#targetAt(address, port)
  }

  #targetAt(address: string, port: number | undefined): Target {
    const last = this.#last
    if (last !== undefined && last.address === address && last.port === port) return last
    checkHost('address', address)
    checkInteger('port', port, 1, 65535)
    const remote = this.#endpoint.transport.remoteAddress as SocketAddress | undefined
    if (remote !== undefined) {
      if (port === remote.port && (address === remote.address || address === this.#connectedTo)) return undefined
      throw new UsageError(`send: this socket is connected, and sends to ${remote.address}:${remote.port} only`)
    }
    const number = familyOf(address)
    if (number === 0) return new NamedTarget(address, port)
    // An object of our own also for one that was given: the backend may keep what it makes of it, and this one never
    // changes.
    return (this.#last = { address, port, family: number === 6 ? 'IPv6' : 'IPv4' })
  }
}
