/** System errors that Node does not report, or reports in another form. */
import { constants } from 'node:os'
import type { SystemError } from '../contract/backend.ts'
import { makeSystemError, type Target } from '../shared/system-error.ts'

export function systemError(code: keyof typeof constants.errno, syscall: string, target?: Target): SystemError {
  return makeSystemError(code, constants.errno[code], syscall, target)
}
