/** System errors in Node's shape, from the numbers that cross the addon. */
import { getSystemErrorMap } from 'node:util'
import type { SystemError } from '../contract/backend.ts'

/** Where an operation was directed: what Node appends to the text and sets on the error. */
export interface Target {
  readonly address?: string | undefined
  readonly port?: number | undefined
}

const map = getSystemErrorMap()

/** @param errno - the positive number of the operating system */
export function systemError(errno: number, syscall: string, target: Target = {}): SystemError {
  const [code, text] = map.get(-errno) ?? [`E${errno}`, 'unknown error']
  const { address, port } = target
  // As Node words it: a connection attempt names its target, a listener also says what is wrong with it.
  const place = address === undefined ? '' : port === undefined ? ` ${address}` : ` ${address}:${port}`
  const message = syscall === 'listen' ? `${syscall} ${code}: ${text}${place}` : `${syscall} ${code}${place}`
  const error = Object.assign(new Error(message), { errno: -errno, code, syscall })
  if (address !== undefined) Object.assign(error, { address })
  if (port !== undefined) Object.assign(error, { port })
  return error
}
