/** UDP sockets: `createUdpSocket`. */

import type { DatagramTransport, SocketAddress } from './backends/contract/backend.ts'
import { DatagramEndpoint, UDP_SOCKET } from './datagrams/endpoint.ts'
import { UDPSocket } from './datagrams/udp-socket.ts'
import { rejected } from './kernel/index.ts'
import { ask } from './common/ask.ts'
import { familyOf } from './common/addresses.ts'
import { asOneOperation, checkHost, checkPort, type Opening, resolve } from './common/opening.ts'
import { checkBoolean, checkInteger, checkOptions, optionNames } from './common/validate.ts'

/** Options of `createUdpSocket`. */
export interface UDPSocketOptions {
  /** Local end: a name or an address of this machine. Default: IPv4 and IPv6 on one port. `'::'` is IPv6 alone. */
  interface?: string | undefined
  /** Local port. Default 0: the system chooses a free one, see `socket.port`. */
  port?: number | undefined
  /**
   * Connects the socket to this name or address: it sends to this peer only, and receives from it only. Needs
   * `targetPort`.
   */
  targetHost?: string | undefined
  /** The port of `targetHost`. */
  targetPort?: number | undefined
  /**
   * Lets several sockets have one port. The kernel distributes datagrams by their sender (`SO_REUSEPORT`). Default
   * false.
   */
  reusePort?: boolean | undefined
}

/**
 * Opens a UDP socket.
 *
 * @throws the bare system error: `EADDRINUSE`, `ENOTFOUND`, `EAFNOSUPPORT` when `interface` and `targetHost` have
 * different families…
 *
 * @example
 * ```ts
 * await using socket = await createUdpSocket({ port: 5353 })
 * for await (const [data, from] of socket.receivePackets(2_048)) await socket.send(data, from)
 * ```
 */
export function createUdpSocket(options: UDPSocketOptions = {}): Promise<UDPSocket> {
  try {
    check(options)
  } catch (error) {
    return rejected(error)
  }
  return asOneOperation('createUdpSocket', UDP_SOCKET, (opening) => open(opening, options))
}

async function open(opening: Opening, options: UDPSocketOptions): Promise<UDPSocket> {
  const { backend } = opening
  const { interface: host, port = 0, targetHost, targetPort = 0, reusePort = false } = options
  const own = host === undefined ? [] : await resolve(backend, host)
  // The family of a numeric local end limits the addresses that a name may resolve to.
  const family = host === undefined ? 0 : familyOf(host)
  const found = targetHost === undefined ? [] : await resolve(backend, targetHost, family)
  const there = found.find((address) => own.length === 0 || isOfOne(address, own)) ?? found[0]
  const here = own.find((address) => there === undefined || address.family === there.family) ?? own[0]
  const target = there === undefined ? undefined : { ...there, port: targetPort }
  const transport = await ask<DatagramTransport>(`bind to UDP port ${port}`, (answer) =>
    backend.openUdp({ address: here?.address, port, target, reusePort }, answer),
  )
  return new UDPSocket(new DatagramEndpoint(transport, UDP_SOCKET, opening), targetHost)
}

function isOfOne({ family }: SocketAddress, addresses: readonly SocketAddress[]): boolean {
  return addresses.some((address) => address.family === family)
}

function check(options: UDPSocketOptions): void {
  checkOptions('options', options, OPTIONS)
  const { interface: host, port, targetHost, targetPort, reusePort } = options
  if (host !== undefined) checkHost('options.interface', host)
  if (port !== undefined) checkPort('options.port', port)
  // Only together: with one of them, the other one is missing.
  if (targetHost !== undefined || targetPort !== undefined) {
    checkHost('options.targetHost', targetHost)
    checkInteger('options.targetPort', targetPort, 1, 65535)
  }
  if (reusePort !== undefined) checkBoolean('options.reusePort', reusePort)
}

const OPTIONS = optionNames<UDPSocketOptions>({
  interface: true,
  port: true,
  targetHost: true,
  targetPort: true,
  reusePort: true,
})
