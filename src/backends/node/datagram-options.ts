/** The socket options of node:dgram, by the names and (on Linux) the numbers of the C library. */
import type { Socket } from 'node:dgram'
import { endianness, networkInterfaces } from 'node:os'
import { UnsupportedError } from '../../errors.ts'
import { invalidArgType, outOfRange } from '../../common/validate.ts'

/** The values that were set, for options that node:dgram cannot read. */
export type OptionValues = Map<string, number>

export function getDatagramOption(
  { socket, set, type }: OptionSocket,
  level: number | string,
  name: number | string,
): number {
  const option = optionOf(type, level, name)
  const known = option.get?.(socket) ?? set.get(option.name) ?? option.initially
  if (known === undefined) throw unsupported(level, name, 'cannot read')
  return known
}

export function setDatagramOption(
  { socket, set, type }: OptionSocket,
  level: number | string,
  name: number | string,
  value: number | boolean | Uint8Array,
): void {
  const option = optionOf(type, level, name)
  if (option.put !== undefined) {
    if (!(value instanceof Uint8Array)) throw invalidArgType('value', 'an instance of Uint8Array', value)
    if (value.length < option.size) throw outOfRange('value', `a structure of ${option.size} bytes`, value)
    option.put(socket, value)
    return
  }
  if (value instanceof Uint8Array) throw invalidArgType('value', 'of type number or boolean', value)
  option.set(socket, Number(value))
  set.set(option.name, Number(value))
}

export interface OptionSocket {
  readonly socket: Socket
  readonly set: OptionValues
  /** Also `'udp6'` if the socket takes both families. */
  readonly type: 'udp4' | 'udp6'
}

/** An option with a number. */
interface NumberOption {
  readonly name: string
  readonly number: number
  set(socket: Socket, value: number): void
  get?(socket: Socket): number
  /** The value before it is set. */
  readonly initially?: number
  readonly put?: undefined
}

/** An option with a structure. */
interface BytesOption {
  readonly name: string
  readonly number: number
  readonly size: number
  put(socket: Socket, value: Uint8Array): void
  readonly get?: undefined
  readonly initially?: undefined
}

interface Level {
  readonly names: readonly string[]
  readonly number: number
  readonly type?: 'udp4' | 'udp6'
  readonly options: readonly (NumberOption | BytesOption)[]
}

const LEVELS: readonly Level[] = [
  {
    names: ['SOL_SOCKET'],
    number: 1,
    options: [
      { name: 'SO_BROADCAST', number: 6, initially: 0, set: (socket, on) => socket.setBroadcast(on !== 0) },
      {
        name: 'SO_SNDBUF',
        number: 7,
        set: (socket, size) => socket.setSendBufferSize(size),
        get: (socket) => socket.getSendBufferSize(),
      },
      {
        name: 'SO_RCVBUF',
        number: 8,
        set: (socket, size) => socket.setRecvBufferSize(size),
        get: (socket) => socket.getRecvBufferSize(),
      },
    ],
  },
  {
    names: ['IPPROTO_IP', 'SOL_IP'],
    number: 0,
    type: 'udp4',
    options: [
      { name: 'IP_TTL', number: 2, set: (socket, ttl) => socket.setTTL(ttl) },
      {
        name: 'IP_MULTICAST_IF',
        number: 32,
        size: 4,
        put: (socket, own) => socket.setMulticastInterface(ipv4(own, 0)),
      },
      { name: 'IP_MULTICAST_TTL', number: 33, initially: 1, set: (socket, ttl) => socket.setMulticastTTL(ttl) },
      {
        name: 'IP_MULTICAST_LOOP',
        number: 34,
        initially: 1,
        set: (socket, on) => socket.setMulticastLoopback(on !== 0),
      },
      { name: 'IP_ADD_MEMBERSHIP', number: 35, size: 8, put: (socket, to) => socket.addMembership(...group4(to)) },
      { name: 'IP_DROP_MEMBERSHIP', number: 36, size: 8, put: (socket, to) => socket.dropMembership(...group4(to)) },
    ],
  },
  {
    names: ['IPPROTO_IPV6', 'SOL_IPV6'],
    number: 41,
    type: 'udp6',
    options: [
      { name: 'IPV6_UNICAST_HOPS', number: 16, set: (socket, hops) => socket.setTTL(hops) },
      { name: 'IPV6_MULTICAST_HOPS', number: 18, initially: 1, set: (socket, hops) => socket.setMulticastTTL(hops) },
      {
        name: 'IPV6_MULTICAST_LOOP',
        number: 19,
        initially: 1,
        set: (socket, on) => socket.setMulticastLoopback(on !== 0),
      },
      { name: 'IPV6_JOIN_GROUP', number: 20, size: 20, put: (socket, to) => socket.addMembership(...group6(to)) },
      { name: 'IPV6_LEAVE_GROUP', number: 21, size: 20, put: (socket, to) => socket.dropMembership(...group6(to)) },
    ],
  },
]

function optionOf(type: 'udp4' | 'udp6', levelKey: number | string, key: number | string): NumberOption | BytesOption {
  // The numbers of the table are Linux's.
  const numbered = process.platform === 'linux'
  const level = LEVELS.find(
    ({ names, number }) => names.includes(String(levelKey)) || (numbered && number === levelKey),
  )
  const option = level?.options.find(({ name, number }) => name === key || (numbered && number === key))
  if (level === undefined || option === undefined || (level.type ?? type) !== type)
    throw unsupported(levelKey, key, `has not, for an ${type === 'udp4' ? 'IPv4' : 'IPv6'} socket,`)
  return option
}

/** `ip_mreq`: the group, and the local address of the interface (zeros: the system chooses). */
function group4(request: Uint8Array): [group: string, own: string | undefined] {
  const own = ipv4(request, 4)
  return [ipv4(request, 0), own === '0.0.0.0' ? undefined : own]
}

/** `ipv6_mreq`: the group, and the index of the interface (0: the system chooses). */
function group6(request: Uint8Array): [group: string, own: string | undefined] {
  const view = new DataView(request.buffer, request.byteOffset, request.length)
  const parts = Array.from({ length: 8 }, (_, word) => view.getUint16(2 * word).toString(16))
  const index = view.getUint32(16, endianness() === 'LE')
  return [parts.join(':'), index === 0 ? undefined : `::%${interfaceName(index)}`]
}

function interfaceName(index: number): string {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    // The scope of its link-local address is the index of the interface.
    if (addresses?.some((address) => address.family === 'IPv6' && address.scopeid === index) === true) return name
  }
  throw outOfRange('value', 'a structure with the index of an interface that has a link-local address', index)
}

function ipv4(bytes: Uint8Array, at: number): string {
  return bytes.subarray(at, at + 4).join('.')
}

function unsupported(level: number | string, name: number | string, what: string): UnsupportedError {
  return new UnsupportedError(`node:dgram ${what} the option ${level}/${name}; the native backend offers all`)
}
