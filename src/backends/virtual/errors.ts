/** System errors with Linux's numbers: a simulated failure looks the same on every platform. */
import type { SystemError } from '../contract/backend.ts'
import { makeSystemError, type Target } from '../shared/system-error.ts'

/** The codes of the simulated network, with Linux's numbers. */
const NUMBERS = {
  EAGAIN: 11,
  EINVAL: 22,
  ENOENT: 2,
  EPERM: 1,
  EPIPE: 32,
  EDESTADDRREQ: 89,
  EMSGSIZE: 90,
  EPROTOTYPE: 91,
  ENOPROTOOPT: 92,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ECONNRESET: 104,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
} as const

export type Code = keyof typeof NUMBERS

export function systemError(code: Code, syscall: string, target?: Target): SystemError {
  return makeSystemError(code, NUMBERS[code], syscall, target)
}
