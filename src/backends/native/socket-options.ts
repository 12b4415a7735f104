/** Socket options by number or name, for every handle. */
import { outOfRange } from '../../common/validate.ts'
import { loadBinding, type BindingEventLoop } from '../../native/load.ts'
import { systemError } from './errors.ts'

export function getOption(
  loop: BindingEventLoop,
  handle: number,
  level: number | string,
  name: number | string,
): number {
  const [errno, value] = loop.getsockopt(handle, optionNumber('level', level), optionNumber('name', name))
  if (errno !== 0) throw systemError(errno!, 'getsockopt')
  return value!
}

export function setOption(
  loop: BindingEventLoop,
  handle: number,
  level: number | string,
  name: number | string,
  value: number | boolean | Uint8Array,
): void {
  const given = typeof value === 'object' ? value : Number(value)
  const errno = loop.setsockopt(handle, optionNumber('level', level), optionNumber('name', name), given)
  if (errno !== 0) throw systemError(errno, 'setsockopt')
}

function optionNumber(argument: string, option: number | string): number {
  if (typeof option === 'number') return option
  const number = loadBinding().socketOption(option)
  if (number === null) throw outOfRange(argument, 'the name of a socket option of this platform', option)
  return number
}
