/** Errors of the operating system that Node does not make, or makes otherwise: in Node's own shape. */
import { constants } from 'node:os'
import type { SystemError } from '../contract/backend.ts'

export function systemError(
  code: keyof typeof constants.errno,
  syscall: string,
  { address, port }: { address?: string; port?: number } = {},
): SystemError {
  const where = address === undefined ? '' : ` ${address}${port === undefined ? '' : `:${port}`}`
  const error = new Error(`${syscall} ${code}${where}`) as SystemError
  error.errno = -constants.errno[code]
  error.code = code
  error.syscall = syscall
  if (address !== undefined) error.address = address
  if (port !== undefined) error.port = port
  return error
}
