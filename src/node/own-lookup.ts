/** The option `lookup` of a client: a filter or a cache of addresses. Called and checked as `net.connect` does. */
import type { LookupFunction } from 'node:net'
import type { SocketAddress } from '../backends/contract/backend.ts'
import { familyOf } from '../common/addresses.ts'
import { coded } from './node-errors.ts'

export interface LookUp {
  readonly lookup: LookupFunction
  /** 0: both. */
  readonly family: 0 | 4 | 6
  readonly hints: number
}

/**
 * The addresses that `lookup` finds: at least one. `told` is called for each address, or for the error, first of all.
 *
 * @throws the error of `lookup`; Node's errors for a value that is no address
 */
export async function lookUpWith(
  { lookup, family, hints }: LookUp,
  host: string,
  told: (error: Error | null, address: string, family: number | undefined) => void,
): Promise<readonly SocketAddress[]> {
  const found = await new Promise<readonly Found[]>((resolve, reject) => {
    // All addresses, so that another one can be tried; a single one if a family was asked for, as net does.
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
