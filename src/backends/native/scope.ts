import { networkInterfaces } from 'node:os'
import { loadBinding } from '../../native/load.ts'

/** `fe80::1%eth0` with the interface's number for its name, which is the form the addon parses. */
export function numericScope(address: string): string
export function numericScope(address: string | undefined): string | undefined
export function numericScope(address: string | undefined): string | undefined {
  if (address === undefined) return undefined
  const [host, scope] = address.split('%')
  if (scope === undefined || /^\d+$/.test(scope)) return address
  const index = loadBinding().interfaceIndex(scope) || scopeOf(scope)
  // An interface that is not there: the scope is dropped, and the system says what it thinks of the address.
  return index === 0 ? host! : `${host}%${index}`
}

/** Where the system has no function for it. Global addresses of the same interface have no scope. */
function scopeOf(name: string): number {
  const scopes = networkInterfaces()[name]?.map((entry) => (entry.family === 'IPv6' ? entry.scopeid : 0)) ?? []
  return Math.max(0, ...scopes)
}

/** The name of the interface with this number, or the number where it has none. */
export function scopeName(index: number): string {
  return loadBinding().interfaceName(index) ?? String(index)
}
