/**
 * Socket options, by the names and numbers of Linux: remembered, and given back. What they would do to a real network
 * they do not do here, but for `SO_RCVBUF` (the receive window) and `TCP_USER_TIMEOUT`.
 */
import { outOfRange } from '../../common/validate.ts'
import { systemError } from './errors.ts'

const LEVELS = { IPPROTO_IP: 0, SOL_SOCKET: 1, IPPROTO_TCP: 6, IPPROTO_UDP: 17, IPPROTO_IPV6: 41 } as const

/** Level, name, number, and what it is before anybody sets it. */
const OPTIONS = [
  [1, 'SO_REUSEADDR', 2, 1],
  [1, 'SO_TYPE', 3, 1],
  [1, 'SO_ERROR', 4, 0],
  [1, 'SO_DONTROUTE', 5, 0],
  [1, 'SO_BROADCAST', 6, 0],
  [1, 'SO_SNDBUF', 7, 65_536],
  [1, 'SO_RCVBUF', 8, 262_144],
  [1, 'SO_KEEPALIVE', 9, 0],
  [1, 'SO_PRIORITY', 12, 0],
  [1, 'SO_REUSEPORT', 15, 0],
  [6, 'TCP_NODELAY', 1, 0],
  [6, 'TCP_MAXSEG', 2, 1460],
  [6, 'TCP_CORK', 3, 0],
  [6, 'TCP_KEEPIDLE', 4, 7200],
  [6, 'TCP_KEEPINTVL', 5, 75],
  [6, 'TCP_KEEPCNT', 6, 9],
  [6, 'TCP_QUICKACK', 12, 1],
  [6, 'TCP_USER_TIMEOUT', 18, 0],
  [0, 'IP_TOS', 1, 0],
  [0, 'IP_TTL', 2, 64],
  [0, 'IP_MULTICAST_TTL', 33, 1],
  [0, 'IP_MULTICAST_LOOP', 34, 1],
  [41, 'IPV6_UNICAST_HOPS', 16, 64],
  [41, 'IPV6_MULTICAST_HOPS', 18, 1],
  [41, 'IPV6_MULTICAST_LOOP', 19, 1],
  [41, 'IPV6_V6ONLY', 26, 0],
  [41, 'IPV6_TCLASS', 67, 0],
] as const

type Name = (typeof OPTIONS)[number][1]

export class SocketOptions {
  readonly #values = new Map<Name, number>()

  constructor(setup: Partial<Record<Name, number>> = {}) {
    for (const [name, value] of Object.entries(setup)) this.#values.set(name as Name, value)
  }

  copy(): SocketOptions {
    return new SocketOptions(Object.fromEntries(this.#values))
  }

  of(name: Name): number {
    return this.#values.get(name) ?? (OPTIONS.find((option) => option[1] === name)?.[3] as number)
  }

  get(level: number | string, name: number | string): number {
    return this.of(find(level, name, 'getsockopt'))
  }

  set(level: number | string, name: number | string, value: number | boolean | Uint8Array): void {
    const option = find(level, name, 'setsockopt')
    if (typeof value === 'object' || option === 'SO_TYPE' || option === 'SO_ERROR') {
      throw systemError('ENOPROTOOPT', 'setsockopt')
    }
    this.#values.set(option, Number(value))
  }
}

function find(level: number | string, name: number | string, syscall: string): Name {
  const number = typeof level === 'number' ? level : (LEVELS as Record<string, number>)[level]
  if (number === undefined) throw outOfRange('level', 'the name of a level of socket options', level)
  if (typeof name === 'string' && !OPTIONS.some((option) => option[1] === name)) {
    throw outOfRange('name', 'the name of a socket option that the virtual backend knows', name)
  }
  const found = OPTIONS.find((option) => option[0] === number && (option[1] === name || option[2] === name))
  if (found === undefined) throw systemError('ENOPROTOOPT', syscall)
  return found[1]
}
