/** Name look-ups on `dns.lookup` and `dns.lookupService`, which use the system's resolver on libuv's threads. */
import * as dns from 'node:dns'
import { UnsupportedError } from '../../errors.ts'
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
import { SharedLookups } from '../shared/shared-lookups.ts'
import { combined, knownAddresses, portsOf, refuseFlags } from '../shared/well-known.ts'
import { loadServices } from './services.ts'
import { soon } from '../shared/later.ts'

/** Without `hold`, because dns.lookup itself keeps the process alive. */
const lookups = new SharedLookups()

export function lookup(host: string, family: 0 | 4 | 6, answer: Answer<SocketAddress[]>): Abandon {
  const start = (done: Answer<SocketAddress[]>): void => {
    ask(host, family, 0, (error, found) => {
      if (error !== undefined) done(error)
      else
        done(
          undefined,
          found!.map(({ address, family: number }) => ({ address, port: 0, family: nameOf(number) })),
        )
    })
  }
  return lookups.ask(JSON.stringify(['lookup', host, family]), start, answer)
}

export function getAddrInfo(query: AddressQuery, answer: Answer<AddressRecord[]>): Abandon {
  const key = JSON.stringify(['getaddrinfo', { ...query, flags: [...query.flags].sort() }])
  return lookups.ask(key, (done) => startAddrInfo(query, done), answer)
}

export function getNameInfo(query: NameQuery, answer: Answer<NameRecord>): Abandon {
  const key = JSON.stringify(['getnameinfo', { ...query, flags: [...query.flags].sort() }])
  return lookups.ask(key, (done) => startNameInfo(query, done), answer)
}

function startAddrInfo(query: AddressQuery, done: Answer<AddressRecord[]>): void {
  const { host, family, flags } = query
  const fail = (error: Error): void => soon(() => done(error))
  try {
    refuseFlags('dns.lookup', flags, ['AI_CANONNAME'])
  } catch (error) {
    return fail(error as Error)
  }
  // The error of the C library for an empty question.
  if (host === null && query.service === null) return fail(lookupError('ENOTFOUND', undefined))
  loadServices(needsServices(query), (services) => {
    const ports = portsOf(query, services.portOf)
    const known = knownAddresses(query)
    if (typeof known === 'string') return fail(lookupError(known, host ?? undefined))
    if (typeof ports === 'string') return fail(lookupError(ports, host ?? undefined))
    if (known !== undefined) return soon(() => done(undefined, combined(known, ports)))
    ask(host!, family, hintsOf(flags), (error, found) => {
      if (error !== undefined) done(error)
      else
        done(
          undefined,
          combined(
            found!.map(({ address }) => address),
            ports,
          ),
        )
    })
  })
}

function startNameInfo({ address, port, flags }: NameQuery, done: Answer<NameRecord>): void {
  const [numericHost, numericService] = [flags.has('NI_NUMERICHOST'), flags.has('NI_NUMERICSERV')]
  const fail = (error: Error): void => soon(() => done(error))
  try {
    refuseFlags('dns.lookupService', flags, ['NI_NOFQDN'])
  } catch (error) {
    return fail(error as Error)
  }
  // The name of an address, with only numbers allowed.
  if (numericHost && flags.has('NI_NAMEREQD')) return fail(lookupError('ENOTFOUND', address, 'getnameinfo'))
  if (address.includes('%') && !numericHost) {
    return fail(new UnsupportedError('dns.lookupService takes no scopes; the native backend does'))
  }
  loadServices(!numericService, (services) => {
    const service = numericService
      ? String(port)
      : (services.nameOf(port, flags.has('NI_DGRAM') ? 'dgram' : 'stream') ?? String(port))
    if (numericHost) return soon(() => done(undefined, { host: address, service }))
    dns.lookupService(address, port, (error, host) => {
      if (error === null) done(undefined, { host, service })
      // dns.lookupService always asks for a name. Without the flag an address without a name is returned as a number.
      else if (error.code === 'ENOTFOUND' && !flags.has('NI_NAMEREQD')) done(undefined, { host: address, service })
      else done(error)
    })
  })
}

function ask(host: string, family: 0 | 4 | 6, hints: number, done: Answer<dns.LookupAddress[]>): void {
  try {
    dns.lookup(host, { all: true, family, hints, verbatim: true }, (error, found) => {
      if (error !== null) done(error)
      else done(undefined, found)
    })
  } catch (error) {
    // Node refuses the host without a look-up.
    soon(() => done(error as Error))
  }
}

function hintsOf(flags: ReadonlySet<string>): number {
  return (
    (flags.has('AI_ADDRCONFIG') ? dns.ADDRCONFIG : 0) |
    (flags.has('AI_V4MAPPED') ? dns.V4MAPPED : 0) |
    (flags.has('AI_ALL') ? dns.ALL : 0)
  )
}

function needsServices({ service, flags }: AddressQuery): boolean {
  return service !== null && !/^\d+$/.test(service) && !flags.has('AI_NUMERICSERV')
}

function nameOf(family: number): 'IPv4' | 'IPv6' {
  return family === 6 ? 'IPv6' : 'IPv4'
}
