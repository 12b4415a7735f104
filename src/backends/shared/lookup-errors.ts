/** Errors of a resolver, in Node's shape. */
import type { SystemError } from '../contract/backend.ts'

/** Node's numbers for the resolver's codes (libuv's `UV_EAI_…`). */
const NUMBERS: Readonly<Record<string, number>> = {
  EAI_ADDRFAMILY: -3000,
  EAI_AGAIN: -3001,
  EAI_BADFLAGS: -3002,
  EAI_FAIL: -3004,
  EAI_FAMILY: -3005,
  EAI_MEMORY: -3006,
  ENOTFOUND: -3008,
  EAI_SERVICE: -3010,
  EAI_SOCKTYPE: -3011,
}

/** @param hostname - the host of the look-up, if there was one */
export function lookupError(
  code: string,
  hostname: string | undefined,
  syscall: 'getaddrinfo' | 'getnameinfo' = 'getaddrinfo',
): SystemError & { hostname?: string } {
  const of = hostname === undefined ? '' : ` ${hostname}`
  const error = Object.assign(new Error(`${syscall} ${code}${of}`), { errno: NUMBERS[code] ?? -3004, code, syscall })
  return hostname === undefined ? error : Object.assign(error, { hostname })
}
