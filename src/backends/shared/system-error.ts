/** System errors in Node's shape. */
import { getSystemErrorMap } from 'node:util'
import type { SystemError } from '../contract/backend.ts'

/** The address of the failed operation. It is part of the message, and set on the error. */
export interface Target {
  readonly address?: string | undefined
  readonly port?: number | undefined
}

/** @param errno - the positive number of the operating system */
export function makeSystemError(code: string, errno: number, syscall: string, target: Target = {}): SystemError {
  const { address, port } = target
  const place = address === undefined ? '' : port === undefined ? ` ${address}` : ` ${address}:${port}`
  // Node describes the failure only in the errors of `listen`.
  const message = syscall === 'listen' ? `${syscall} ${code}: ${textOf(code)}${place}` : `${syscall} ${code}${place}`
  const error = Object.assign(new Error(message), { errno: -errno, code, syscall })
  if (address !== undefined) Object.assign(error, { address })
  if (port !== undefined) Object.assign(error, { port })
  return error
}

function textOf(code: string): string {
  for (const [name, text] of getSystemErrorMap().values()) {
    if (name === code) return text
  }
  return 'unknown error'
}
