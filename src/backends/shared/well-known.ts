/** Answers that need no resolver, for backends that only have names and addresses. */
import { isIP } from 'node:net'
import { UnsupportedError } from '../../errors.ts'
import type { AddressQuery, AddressRecord, SocketType } from '../contract/backend.ts'

/** IANA's protocol numbers. */
const PROTOCOLS: Readonly<Record<SocketType, number>> = { stream: 6, dgram: 17, raw: 0 }

const ALL: readonly SocketType[] = ['stream', 'dgram', 'raw']

/** The port of a service for one type of socket, if it has one. */
export type PortOf = (service: string, type: SocketType) => number | undefined

/** Returns the types of socket and ports of a service, or an error code. */
export function portsOf(
  { service, type, flags }: AddressQuery,
  portOf: PortOf,
): { type: SocketType; port: number }[] | 'ENOTFOUND' | 'EAI_SERVICE' {
  const types = type === undefined ? ALL : [type]
  if (service === null || /^\d+$/.test(service)) {
    // As in the C library, a number that is too large for a port keeps its lower bits.
    const port = Number(service ?? 0) & 0xffff
    return types.map((each) => ({ type: each, port }))
  }
  if (flags.has('AI_NUMERICSERV')) return 'ENOTFOUND'
  const found = types.flatMap((each) => {
    const port = portOf(service, each)
    return port === undefined ? [] : [{ type: each, port }]
  })
  return found.length === 0 ? 'EAI_SERVICE' : found
}

/** Combines every address with every port, in the order of the C library. */
export function combined(
  addresses: readonly string[],
  ports: readonly { type: SocketType; port: number }[],
): AddressRecord[] {
  return addresses.flatMap((address) =>
    ports.map(({ type, port }) => ({ address, port, type, protocol: PROTOCOLS[type], canonicalName: undefined })),
  )
}

/**
 * Returns the addresses that need no resolver: the wildcard, the loopback and numeric addresses. An error code if there
 * is none, `undefined` if a resolver is needed.
 */
export function knownAddresses({ host, family, flags }: AddressQuery): string[] | Unknown | undefined {
  if (host === null) {
    const both = flags.has('AI_PASSIVE') ? ['0.0.0.0', '::'] : ['::1', '127.0.0.1']
    return both.filter((address) => family === 0 || familyOf(address) === family)
  }
  const numeric = familyOf(host)
  if (numeric === 0) return flags.has('AI_NUMERICHOST') ? 'ENOTFOUND' : undefined
  if (family === 0 || family === numeric) return [host]
  return family === 6 && flags.has('AI_V4MAPPED') ? [`::ffff:${host}`] : 'EAI_ADDRFAMILY'
}

export type Unknown = 'ENOTFOUND' | 'EAI_ADDRFAMILY'

/** @throws UnsupportedError for a flag that this backend does not have */
export function refuseFlags(what: string, flags: ReadonlySet<string>, refused: readonly string[]): void {
  const flag = refused.find((name) => flags.has(name))
  if (flag !== undefined) throw new UnsupportedError(`${what} has no ${flag}; the native backend does`)
}

function familyOf(address: string): number {
  return isIP(address.replace(/%.*$/, ''))
}
