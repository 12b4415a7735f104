/** Names and addresses: `getAddrInfo` and `getNameInfo`. */

import type { AddressFlag, AddressQuery, AddressRecord, NameFlag, SocketType } from './backends/contract/backend.ts'
import { rejected } from './kernel/index.ts'
import { ADDRESS_FLAGS, type Flags, NAME_FLAGS, toFlags } from './names/flags.ts'
import { familyOf } from './common/addresses.ts'
import { ask, currentBackend } from './common/ask.ts'
import { callSite, withCallSite } from './common/call-site.ts'
import { checkHost, checkPort } from './common/opening.ts'
import { checkOneOf, checkOptions, checkString, invalidArgType, optionNames, outOfRange } from './common/validate.ts'

/** Options of `getAddrInfo`. */
export interface AddrInfoOptions {
  /** Family of the addresses: `4` or `'IPv4'`, `6` or `'IPv6'`. Default `0`: both. */
  family?: 0 | 4 | 6 | 'IPv4' | 'IPv6' | undefined
  /** Type of socket. Default: one record for each type that the service has. */
  type?: SocketType | undefined
  /** A name, several names, or a sum of the system's numbers, such as `dns.ADDRCONFIG | dns.V4MAPPED`. */
  flags?: Flags<AddressFlag> | undefined
}

/** One answer of `getAddrInfo`. */
export interface AddrInfo {
  /** Numeric address, as `connectTcp` takes it. */
  address: string
  /** Number of the port or service that was asked for. */
  port: number
  /** Family of the address, named as in `node:net`. */
  family: 'IPv4' | 'IPv6'
  /** Type of socket that the address is for. */
  type: SocketType
  /**
   * The system's protocol number, which is also a level of socket options: 6 for TCP, 17 for UDP, 0 for raw sockets.
   */
  protocol: number
  /** Canonical name of the host, in the first answer, when `'AI_CANONNAME'` asks for it. */
  canonicalName?: string
}

/** Options of `getNameInfo`. */
export interface NameInfoOptions {
  /** A name, several names, or a sum of the system's numbers. */
  flags?: Flags<NameFlag> | undefined
}

/** The answer of `getNameInfo`. */
export interface NameInfo {
  /** Name of the host, or its address when it has no name. */
  host: string
  /** Name of the service, or its number. */
  service: string
}

/**
 * Resolves a host and a service to addresses, in the order of the system's resolver, off the JavaScript thread.
 *
 * Equal look-ups that overlap share one call of the resolver, also those of `connectTcp` and similar functions. A
 * cancelled caller leaves at once and does not disturb the others.
 *
 * @param host - a name or an address. `null` is this machine: the loopback addresses, or with `'AI_PASSIVE'` the
 * addresses to listen at.
 * @param port - a number, the name of a service, or `null` for none
 * @throws the resolver's error, in Node's form: `ENOTFOUND`, `EAI_AGAIN`, `EAI_SERVICE` for an unknown service;
 * UnsupportedError on the `node` backend for `'AI_CANONNAME'`
 *
 * @example
 * ```ts
 * const found = await getAddrInfo('example.com', 'https', { family: 4, type: 'stream' })
 * console.log(found[0]?.address, found[0]?.port)
 * ```
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
 * Resolves an address to the names of its host and its service, off the JavaScript thread. What has no name stays a
 * number.
 *
 * @param address - a numeric address and a port, such as the `remoteAddress` of a stream
 * @throws the resolver's error: `ENOTFOUND` with `'NI_NAMEREQD'` when the address has no name; UnsupportedError on the
 * `node` backend for `'NI_NOFQDN'` and for an address with a scope
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
    // A copy: other callers may have the same answer.
    return ask<NameInfo>(`look-up of ${host}`, (answer) =>
      backend.getNameInfo(query, (error, found) => answer(withCallSite(site, error), found && { ...found })),
    )
  } catch (error) {
    return rejected(error)
  }
}

const TYPES: readonly SocketType[] = ['stream', 'dgram', 'raw']

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
    checkOneOf('options.type', type, TYPES)
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
  // The C library would truncate a larger number.
  if (/^\d+$/.test(port)) checkPort('port', Number(port))
  return port
}

/** Leaves out records of unknown types of socket. */
function toAnswers(records: readonly AddressRecord[]): AddrInfo[] {
  return records.flatMap(({ address, port, type, protocol, canonicalName }) => {
    if (type === undefined) return []
    const family = familyOf(address) === 6 ? 'IPv6' : 'IPv4'
    return [{ address, port, family, type, protocol, ...(canonicalName === undefined ? {} : { canonicalName }) }]
  })
}

const ADDRESS_OPTIONS = optionNames<AddrInfoOptions>({ family: true, type: true, flags: true })
const NAME_OPTIONS = optionNames<NameInfoOptions>({ flags: true })
