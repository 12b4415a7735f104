/** Numeric addresses: one spelling for each, and what the special ones mean. */
import { isIP } from 'node:net'
import type { SocketAddress } from '../contract/backend.ts'

/** The usual spelling of a numeric address, without its scope; `undefined` for anything else. */
export function canonical(address: string): string | undefined {
  const bare = address.replace(/%.*$/, '')
  const family = isIP(bare)
  if (family === 0) return undefined
  if (family === 4) return bare
  const text = new URL(`http://[${bare}]`).hostname.slice(1, -1)
  return unmapped(text) ?? text
}

export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4
}

/** What a connection between these addresses calls one of its ends. */
export function socketAddress(address: string, port: number): SocketAddress {
  return { address, port, family: familyOf(address) === 6 ? 'IPv6' : 'IPv4' }
}

/** Whether every host has this address for itself. */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

/** Whether it means every address of a host. */
export function isWildcard(address: string): boolean {
  return address === '::' || address === '0.0.0.0'
}

/** The IPv4 address inside `::ffff:102:304`. */
function unmapped(address: string): string | undefined {
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(address) ?? []
  if (high === undefined || low === undefined) return undefined
  const bits = parseInt(high, 16) * 65_536 + parseInt(low, 16)
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.')
}
