/** System errors from the numbers that the addon reports. */
import { getSystemErrorMap } from 'node:util'
import type { SystemError } from '../contract/backend.ts'
import { makeSystemError, type Target } from '../shared/system-error.ts'

export type { Target } from '../shared/system-error.ts'

const map = getSystemErrorMap()

/** @param errno - the positive number of the operating system */
export function systemError(errno: number, syscall: string, target?: Target): SystemError {
  const [code] = map.get(-errno) ?? [`E${errno}`]
  return makeSystemError(code, errno, syscall, target)
}
