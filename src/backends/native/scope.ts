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
  // Drops the scope of an unknown interface. The system then reports an error for the address.
  return index === 0 ? host! : `${host}%${index}`
}

/** For systems without the function. Global addresses of the same interface have no scope. */
function scopeOf(name: string): number {
  const scopes = networkInterfaces()[name]?.map((entry) => (entry.family === 'IPv6' ? entry.scopeid : 0)) ?? []
  return Math.max(0, ...scopes)
}

/** The name of the interface with this number, or the number if it has no name. */
export function scopeName(index: number): string {
  return loadBinding().interfaceName(index) ?? String(index)
}
