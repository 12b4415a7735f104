/** Addresses as text: which ones are numeric, and how they are shown. */

import type { Address, DatagramAddress } from '../backends/contract/backend.ts'

/** 4 or 6 for a numeric address, 0 for a name. An IPv6 address may carry a scope (`fe80::1%eth0`). */
export function familyOf(host: string): 0 | 4 | 6 {
  if (host.includes(':')) return isIPv6(host) ? 6 : 0
  return IPV4.test(host) ? 4 : 0
}

/** `127.0.0.1:80`, `[::1]:80`, `/run/app.sock`; `@name` for an abstract name, as `ss` and `lsof` show it. */
export function formatAddress(where: Address | DatagramAddress): string {
  if (typeof where === 'string') return where === '' ? 'unnamed' : where.replaceAll('\0', '@')
  if (Buffer.isBuffer(where)) return formatAddress(where.toString())
  const { address, port, family } = where
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/
const IPV6_WITH_SCOPE = /^([\da-f:.]+)(?:%[\w.:-]+)?$/i

function isIPv6(host: string): boolean {
  const address = IPV6_WITH_SCOPE.exec(host)?.[1]
  // The URL parser knows every form of an IPv6 address, but no scopes.
  return address !== undefined && URL.canParse(`http://[${address}]`)
}
