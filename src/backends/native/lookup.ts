/** Name look-ups on the addon's pool. */
import { domainToASCII } from 'node:url'
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
import type { NativeEventLoop } from './event-loop.ts'
import { numericScope } from './scope.ts'

export function lookup(
  loop: NativeEventLoop,
  host: string,
  family: 0 | 4 | 6,
  answer: Answer<SocketAddress[]>,
): Abandon {
  const start = (done: Answer<SocketAddress[]>): void => {
    const request = loop.binding.lookup(ascii(host), family)
    loop.awaitLookup(request, () => {
      const found = loop.binding.takeLookup(request)
      if (typeof found === 'string') done(lookupError(found, host))
      else done(undefined, found.map(socketAddress))
    })
  }
  return loop.lookups.ask(JSON.stringify(['lookup', host, family]), start, answer)
}

export function getAddrInfo(loop: NativeEventLoop, query: AddressQuery, answer: Answer<AddressRecord[]>): Abandon {
  const { host, service, family, type } = query
  const flags = [...query.flags].sort()
  const start = (done: Answer<AddressRecord[]>): void => {
    const request = loop.binding.getAddrInfo({
      ...(host === null ? {} : { host: flags.includes('AI_NUMERICHOST') ? host : ascii(host) }),
      ...(service === null ? {} : { service }),
      family,
      ...(type === undefined ? {} : { kind: type }),
      flags,
    })
    loop.awaitLookup(request, () => {
      const found = loop.binding.takeAddresses(request)
      if (typeof found === 'string') done(lookupError(found, host ?? undefined))
      else done(undefined, found.map(addressRecord))
    })
  }
  return loop.lookups.ask(JSON.stringify(['getaddrinfo', host, service, family, type, flags]), start, answer)
}

export function getNameInfo(loop: NativeEventLoop, query: NameQuery, answer: Answer<NameRecord>): Abandon {
  const { address, port } = query
  const flags = [...query.flags].sort()
  const start = (done: Answer<NameRecord>): void => {
    const request = loop.binding.getNameInfo(numericScope(address), port, flags)
    loop.awaitLookup(request, () => {
      const found = loop.binding.takeName(request)
      if (typeof found === 'string') done(lookupError(found, address, 'getnameinfo'))
      else done(undefined, found)
    })
  }
  return loop.lookups.ask(JSON.stringify(['getnameinfo', address, port, flags]), start, answer)
}

/** The form of the DNS. */
function ascii(host: string): string {
  return domainToASCII(host) || host
}

function socketAddress(address: string): SocketAddress {
  return { address, port: 0, family: address.includes(':') ? 'IPv6' : 'IPv4' }
}

function addressRecord(found: Found): AddressRecord {
  const { address, port, kind, protocol, canonicalName } = found
  return { address, port, type: kind as AddressRecord['type'], protocol, canonicalName }
}

type Found = Exclude<ReturnType<NativeEventLoop['binding']['takeAddresses']>, string>[number]
