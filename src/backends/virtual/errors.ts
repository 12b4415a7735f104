/** System errors in Node's shape, as Linux numbers and names them: a simulated failure looks the same everywhere. */
import { getSystemErrorMap } from 'node:util'
import type { SystemError } from '../contract/backend.ts'

/** The codes that can happen here, with Linux's numbers. */
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

/** Where an operation was directed. */
export interface Target {
  readonly address?: string | undefined
  readonly port?: number | undefined
}

export function systemError(code: Code, syscall: string, target: Target = {}): SystemError {
  const { address, port } = target
  const place = address === undefined ? '' : port === undefined ? ` ${address}` : ` ${address}:${port}`
  // As Node words it: a listener's error also says what is wrong.
  const message = syscall === 'listen' ? `${syscall} ${code}: ${textOf(code)}${place}` : `${syscall} ${code}${place}`
  const error = Object.assign(new Error(message), { errno: -NUMBERS[code], code, syscall })
  if (address !== undefined) Object.assign(error, { address })
  if (port !== undefined) Object.assign(error, { port })
  return error
}

function textOf(code: Code): string {
  for (const [name, text] of getSystemErrorMap().values()) {
    if (name === code) return text
  }
  return 'unknown error'
}
