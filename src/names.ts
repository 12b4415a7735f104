/** Names and addresses: `getAddrInfo` and `getNameInfo`. */

import type { AddressFlag, AddressQuery, AddressRecord, NameFlag, SocketType } from './backends/contract/backend.ts'
import { rejected } from './kernel/index.ts'
import { ADDRESS_FLAGS, type Flags, NAME_FLAGS, toFlags } from './names/flags.ts'
import { familyOf } from './common/addresses.ts'
import { ask, currentBackend } from './common/ask.ts'
import { callSite, withCallSite } from './common/call-site.ts'
import { checkHost, checkPort } from './common/opening.ts'
import { checkOptions, checkString, invalidArgType, optionNames, outOfRange } from './common/validate.ts'

/** Options of `getAddrInfo`. */
export interface AddrInfoOptions {
  /** Which addresses: `4` or `'IPv4'`, `6` or `'IPv6'`; by default, and with `0`, both. */
  family?: 0 | 4 | 6 | 'IPv4' | 'IPv6' | undefined
  /** For which type of socket. By default there is a record for each type that the service has. */
  type?: SocketType | undefined
  /** By name, several names, or the system's numbers added up, as `dns.ADDRCONFIG | dns.V4MAPPED`. */
  flags?: Flags<AddressFlag> | undefined
}

/** One answer of `getAddrInfo`. */
export interface AddrInfo {
  /** Numeric, as `connectTcp` takes it. */
  address: string
  /** The number of the port or service that was asked for. */
  port: number
  /** The kind of address, in Node's words. */
  family: 'IPv4' | 'IPv6'
  /** What a socket with this address is for. */
  type: SocketType
  /** The system's number, as socket options take it for a level: 6 for TCP, 17 for UDP, 0 for raw sockets. */
  protocol: number
  /** The official name of the host, in the first answer, where `'AI_CANONNAME'` asks for it. */
  canonicalName?: string
}

/** Options of `getNameInfo`. */
export interface NameInfoOptions {
  /** By name, several names, or the system's numbers added up. */
  flags?: Flags<NameFlag> | undefined
}

/** What `getNameInfo` gives. */
export interface NameInfo {
  /** A name, or the address where it has none. */
  host: string
  /** A name, or the number. */
  service: string
}

/**
 * Resolves a host and a service to addresses, in the order of the system's resolver, off the JavaScript thread. Re-creates
 * Python's `loop.getaddrinfo`, which the reference leaves to its backends (AnyIO 3 has it as `anyio.getaddrinfo`).
 *
 * Look-ups that are equal and under way at once, of this call or of `connectTcp` and its like, share one call of the resolver; a
 * caller who is cancelled leaves it alone, and at once.
 *
 * @param host - a name or an address; `null` is this machine: the addresses of the loopback interface, or with `'AI_PASSIVE'` those to
 * listen at
 * @param port - a number or the name of a service; `null`: none
 * @throws the resolver's error, in Node's form: `ENOTFOUND`, `EAI_AGAIN`, `EAI_SERVICE` for a service that is none; UnsupportedError on
 * the `node` backend for `'AI_CANONNAME'`
 */
export function getAddrInfo(
  host: string | null,
  port: number | string | null,
  options: AddrInfoOptions = {},
): Promise<AddrInfo[]> {
  try {
    const query = toQuery(host, port, options)
    const { backend } = currentBackend('getAddrInfo')
    const site = callSite(getAddrInfo)
    const of = [query.host, query.service].filter((part) => part !== null).join(', ')
    return ask<AddrInfo[]>(`look-up of ${of}`, (answer) =>
      backend.getAddrInfo(query, (error, found) => answer(withCallSite(site, error), found && toAnswers(found))),
    )
  } catch (error) {
    return rejected(error)
  }
}

/**
 * Resolves an address to the names of its host and of its service, off the JavaScript thread; numbers where there are none.
 *
 * @param address - `{ address, port }`, as everything that has an address gives it; the address is numeric
 * @throws the resolver's error: `ENOTFOUND` with `'NI_NAMEREQD'` where the address has no name; UnsupportedError on the `node` backend
 * for `'NI_NOFQDN'` and for an address with a scope
 */
export function getNameInfo(
  address: { readonly address: string; readonly port: number },
  options: NameInfoOptions = {},
): Promise<NameInfo> {
  try {
    checkOptions('address', address)
    const { address: host, port } = address
    checkString('address.address', host)
    if (familyOf(host) === 0) throw outOfRange('address.address', 'a numeric address', host)
    checkPort('address.port', port)
    checkOptions('options', options, NAME_OPTIONS)
    const query = { address: host, port, flags: toFlags('options.flags', options.flags, NAME_FLAGS) }
    const { backend } = currentBackend('getNameInfo')
    const site = callSite(getNameInfo)
    // A copy: others may have the same answer.
    return ask<NameInfo>(`look-up of ${host}`, (answer) =>
      backend.getNameInfo(query, (error, found) => answer(withCallSite(site, error), found && { ...found })),
    )
  } catch (error) {
    return rejected(error)
  }
}

const TYPES: readonly unknown[] = ['stream', 'dgram', 'raw'] satisfies SocketType[]

const FAMILIES: ReadonlyMap<unknown, 0 | 4 | 6> = new Map<unknown, 0 | 4 | 6>([
  [undefined, 0],
  [0, 0],
  [4, 4],
  ['IPv4', 4],
  [6, 6],
  ['IPv6', 6],
])

function toQuery(host: unknown, port: unknown, options: AddrInfoOptions): AddressQuery {
  if (host !== null) checkHost('host', host)
  const service = toService(port)
  checkOptions('options', options, ADDRESS_OPTIONS)
  const { type } = options
  const family = FAMILIES.get(options.family)
  if (family === undefined) {
    const { family: given } = options as { family: unknown }
    if (typeof given !== 'number' && typeof given !== 'string') {
      throw invalidArgType('options.family', 'of type number or string', given)
    }
    throw outOfRange('options.family', "0, 4, 6, 'IPv4' or 'IPv6'", given)
  }
  if (type !== undefined) {
    checkString('options.type', type)
    if (!TYPES.includes(type)) throw outOfRange('options.type', "'stream', 'dgram' or 'raw'", type)
  }
  return { host, service, family, type, flags: toFlags('options.flags', options.flags, ADDRESS_FLAGS) }
}

function toService(port: unknown): string | null {
  if (port === null) return null
  if (typeof port === 'number') {
    checkPort('port', port)
    return String(port)
  }
  if (typeof port !== 'string') throw invalidArgType('port', 'of type number or string, or null', port)
  if (port === '') throw outOfRange('port', 'a number or the name of a service', port)
  // The C library would take of a larger number what fits.
  if (/^\d+$/.test(port)) checkPort('port', Number(port))
  return port
}

/** Records of another kind of socket than those that there are here are left out. */
function toAnswers(records: readonly AddressRecord[]): AddrInfo[] {
  return records.flatMap(({ address, port, type, protocol, canonicalName }) => {
    if (type === undefined) return []
    const family = familyOf(address) === 6 ? 'IPv6' : 'IPv4'
    return [{ address, port, family, type, protocol, ...(canonicalName === undefined ? {} : { canonicalName }) }]
  })
}

const ADDRESS_OPTIONS = optionNames<AddrInfoOptions>({ family: true, type: true, flags: true })
const NAME_OPTIONS = optionNames<NameInfoOptions>({ flags: true })
