/** Name look-ups: the names of the simulated network, and well-known services. */
import type {
  Abandon,
  AddressQuery,
  AddressRecord,
  Answer,
  NameQuery,
  NameRecord,
  SocketAddress,
} from '../contract/backend.ts'
import { lookupError } from '../shared/lookup-errors.ts'
import { combined, knownAddresses, portsOf } from '../shared/well-known.ts'
import { answerSoon } from './answers.ts'
import { canonical, familyOf, socketAddress } from './addresses.ts'
import type { Fabric } from './fabric.ts'

export function lookup(fabric: Fabric, host: string, family: 0 | 4 | 6, answer: Answer<SocketAddress[]>): Abandon {
  return answerSoon(fabric, answer, () => resolve(fabric, host, family).map((address) => socketAddress(address, 0)))
}

export function getAddrInfo(fabric: Fabric, query: AddressQuery, answer: Answer<AddressRecord[]>): Abandon {
  return answerSoon(fabric, answer, () => {
    const { host, service, family, flags } = query
    const hostname = host ?? undefined
    if (host === null && service === null) throw lookupError('ENOTFOUND', undefined)
    const known = knownAddresses(query)
    if (typeof known === 'string') throw lookupError(known, hostname)
    const ports = portsOf(query, (name) => SERVICES.get(name))
    if (typeof ports === 'string') throw lookupError(ports, hostname)
    const addresses = known ?? mapped(fabric, query) ?? resolve(fabric, host!, family)
    const [first, ...others] = combined(addresses, ports)
    if (!flags.has('AI_CANONNAME') || host === null) return [first!, ...others]
    return [{ ...first!, canonicalName: known === undefined ? nameOf(fabric, first!.address, host) : host }, ...others]
  })
}

export function getNameInfo(fabric: Fabric, query: NameQuery, answer: Answer<NameRecord>): Abandon {
  return answerSoon(fabric, answer, () => {
    const { address, port, flags } = query
    const name = flags.has('NI_NUMERICHOST') ? undefined : fabric.nameOf(canonical(address) ?? address)
    if (name === undefined && flags.has('NI_NAMEREQD')) throw lookupError('ENOTFOUND', address, 'getnameinfo')
    const [service] = [...SERVICES].find(([, number]) => number === port) ?? []
    const named = service !== undefined && !flags.has('NI_NUMERICSERV')
    return { host: name ?? address, service: named ? service : String(port) }
  })
}

/** The well-known services. They have the same port for every type of socket. */
const SERVICES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ftp: 21,
    ssh: 22,
    telnet: 23,
    smtp: 25,
    domain: 53,
    http: 80,
    pop3: 110,
    ntp: 123,
    imap2: 143,
    https: 443,
    syslog: 514,
    imaps: 993,
    postgresql: 5432,
  }),
)

/** IPv4 addresses in the form of IPv6, where there is nothing else, or with all there is. */
function mapped(fabric: Fabric, { host, family, flags }: AddressQuery): string[] | undefined {
  if (family !== 6 || !flags.has('AI_V4MAPPED')) return undefined
  const all = fabric.resolve(host!) ?? []
  const [v4, v6] = [all.filter((each) => familyOf(each) === 4), all.filter((each) => familyOf(each) === 6)]
  const used = v6.length === 0 ? v4 : flags.has('AI_ALL') ? [...v4] : []
  return all.length === 0 ? undefined : [...v6, ...used.map((address) => `::ffff:${address}`)]
}

function resolve(fabric: Fabric, host: string, family: 0 | 4 | 6): string[] {
  const addresses = (fabric.resolve(host) ?? []).filter((each) => family === 0 || familyOf(each) === family)
  if (addresses.length === 0) throw lookupError('ENOTFOUND', host)
  return addresses
}

function nameOf(fabric: Fabric, address: string, host: string): string {
  return fabric.nameOf(address) ?? host
}
