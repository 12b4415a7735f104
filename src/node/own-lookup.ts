/** The look-up that a client brings along (`lookup`): a filter of addresses, a cache. Called and checked as `net.connect` does. */
import type { LookupFunction } from 'node:net'
import type { SocketAddress } from '../backends/backend.ts'
import { familyOf } from '../streams/addresses.ts'
import { coded } from './node-errors.ts'

export interface LookUp {
  readonly lookup: LookupFunction
  /** 0: both. */
  readonly family: 0 | 4 | 6
  readonly hints: number
}

/**
 * What it finds, at least one address. `told` is called for each, and for the error, before anything is done with it.
 *
 * @throws what it fails with; Node's errors for what are no addresses
 */
export async function lookUpWith(
  { lookup, family, hints }: LookUp,
  host: string,
  told: (error: Error | null, address: string, family: number | undefined) => void,
): Promise<readonly SocketAddress[]> {
  const found = await new Promise<readonly Found[]>((resolve, reject) => {
    // All of them, so that one that cannot be reached is no failure; one of a family that was asked for, as net asks.
    lookup(host, { family, hints, all: family === 0 }, (error, address, of) => {
      if (error) {
        told(error, '', undefined)
        reject(error)
      } else resolve(Array.isArray(address) ? address : [{ address, family: of ?? familyOf(String(address)) }])
    })
  })
  for (const { address, family: of } of found) told(null, address, of)
  const good = found.filter(({ address, family: of }) => isAddress(address) && (of === 4 || of === 6))
  const [first] = found
  if (good.length === 0) {
    throw isAddress(first?.address)
      ? coded('ERR_INVALID_ADDRESS_FAMILY', `Invalid address family: ${first?.family} ${host}`)
      : coded('ERR_INVALID_IP_ADDRESS', `Invalid IP address: ${first?.address}`)
  }
  return good.map(({ address, family: of }) => ({ address, port: 0, family: of === 6 ? 'IPv6' : 'IPv4' }))
}

interface Found {
  readonly address: string
  readonly family: number
}

function isAddress(address: unknown): boolean {
  return typeof address === 'string' && familyOf(address) !== 0
}
