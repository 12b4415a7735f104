/** Arguments of `getsockopt` and `setsockopt`. What the numbers and names mean is the backend's knowledge. */

import { checkInteger, invalidArgType, outOfRange } from './validate.ts'

const INT_MIN = -(2 ** 31)
const INT_MAX = 2 ** 31 - 1

export function checkOption(level: unknown, name: unknown): void {
  checkKey('level', level)
  checkKey('name', name)
}

export function checkOptionValue(value: unknown): asserts value is number | boolean {
  if (typeof value === 'boolean') return
  if (typeof value !== 'number') throw invalidArgType('value', 'of type number or boolean', value)
  checkInteger('value', value, INT_MIN, INT_MAX)
}

function checkKey(what: string, key: unknown): void {
  if (typeof key === 'number') checkInteger(what, key, INT_MIN, INT_MAX)
  else if (typeof key !== 'string') throw invalidArgType(what, 'of type number or string', key)
  else if (key === '') throw outOfRange(what, 'a name such as SOL_SOCKET', key)
}
