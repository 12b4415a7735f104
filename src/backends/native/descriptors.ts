/** Waits for foreign descriptors. `crates/core/src/watches.rs` says how they are told apart. */
import { constants } from 'node:os'
import { ResourceBusyError, UnsupportedError } from '../../errors.ts'
import type { DescriptorWait, DescriptorWaits, Direction, SystemError } from '../contract/backend.ts'
import { systemError } from './errors.ts'
import type { NativeEventLoop } from './event-loop.ts'

const { EBUSY, EOPNOTSUPP, EPERM } = constants.errno

export function descriptorWaits(loop: NativeEventLoop): DescriptorWaits {
  return {
    wait(fd: number, direction: Direction, answer: () => void): DescriptorWait {
      const writable = direction === 'writable'
      const number = loop.binding.waitDescriptor(fd, writable)
      if (number < 0) throw refusal(-number, fd, direction)
      let wanted = true
      const end = (): void => {
        wanted = false
        loop.hold(-1)
      }
      loop.hold(1)
      loop.awaitDescriptor(number, () => {
        end()
        answer()
      })
      return {
        get current() {
          return wanted && loop.binding.isCurrentDescriptor(fd, writable, number)
        },
        abandon: () => {
          if (!wanted) return
          end()
          loop.forgetDescriptor(number)
          loop.binding.cancelDescriptor(fd, writable, number)
        },
      }
    },
  }
}

function refusal(errno: number, fd: number, direction: Direction): Error {
  if (errno === EBUSY) {
    return new ResourceBusyError(`another task is already waiting until descriptor ${fd} is ${direction}`)
  }
  if (errno === EOPNOTSUPP) return new UnsupportedError('waiting for descriptors needs Linux')
  return explained(systemError(errno, 'epoll_ctl'), fd, errno === EPERM)
}

/** Explains the error, because the number alone does not. */
function explained(error: SystemError, fd: number, alwaysReady: boolean): SystemError {
  const what = alwaysReady
    ? `descriptor ${fd} is a file or a folder, which are always ready: they cannot be waited for`
    : `descriptor ${fd} cannot be waited for`
  error.message = `${error.message}: ${what}`
  return error
}
