import { networkInterfaces } from 'node:os'

/** `fe80::1%eth0` with the interface's number for its name, which is the form the addon parses. */
export function numericScope(address: string): string
export function numericScope(address: string | undefined): string | undefined
export function numericScope(address: string | undefined): string | undefined {
  if (address === undefined) return undefined
  const [host, scope] = address.split('%')
  if (scope === undefined || /^\d+$/.test(scope)) return address
  const found = networkInterfaces()[scope]?.find((entry) => entry.family === 'IPv6')
  // An interface that is not there: the scope is dropped, and the system says what it thinks of the address.
  return found?.family === 'IPv6' ? `${host}%${found.scopeid}` : host!
}
