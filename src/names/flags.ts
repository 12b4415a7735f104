/** Flags of `getAddrInfo` and `getNameInfo`: names, or the numbers that the system's C library has for them. */

import type { AddressFlag, NameFlag } from '../backends/contract/backend.ts'
import { invalidArgType, outOfRange } from '../common/validate.ts'

/** One flag by name, several, or the system's numbers of them, added up with `|`. */
export type Flags<F extends string> = F | readonly F[] | number

type Numbers<F extends string> = Readonly<Record<F, number>>

/** @throws TypeError, RangeError for what is no flag */
export function toFlags<F extends string>(name: string, value: unknown, numbers: Numbers<F>): ReadonlySet<F> {
  if (value === undefined) return new Set()
  if (typeof value === 'number') return fromNumber(name, value, numbers)
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  for (const flag of list) {
    if (typeof flag !== 'string') throw invalidArgType(name, 'of type string or number, or an instance of Array', flag)
    if (!Object.hasOwn(numbers, flag)) throw outOfRange(name, `one of ${Object.keys(numbers).join(', ')}`, flag)
  }
  return new Set(list as readonly F[])
}

function fromNumber<F extends string>(name: string, value: number, numbers: Numbers<F>): ReadonlySet<F> {
  const known = Object.entries<number>(numbers)
  const all = known.reduce((sum, [, bit]) => sum | bit, 0)
  if (!Number.isInteger(value) || (value & ~all) !== 0 || value > all || value < 0) {
    throw outOfRange(name, `a sum of ${known.map(([flag, bit]) => `${flag} (${bit})`).join(', ')}`, value)
  }
  return new Set(known.flatMap(([flag, bit]) => ((value & bit) === 0 ? [] : [flag as F])))
}

const LINUX_ADDRESS: Numbers<AddressFlag> = {
  AI_PASSIVE: 0x1,
  AI_CANONNAME: 0x2,
  AI_NUMERICHOST: 0x4,
  AI_NUMERICSERV: 0x400,
  AI_V4MAPPED: 0x8,
  AI_ALL: 0x10,
  AI_ADDRCONFIG: 0x20,
}

const BSD_ADDRESS: Numbers<AddressFlag> = {
  ...LINUX_ADDRESS,
  AI_NUMERICSERV: 0x1000,
  AI_V4MAPPED: 0x800,
  AI_ALL: 0x100,
  AI_ADDRCONFIG: 0x400,
}

const WINDOWS_ADDRESS: Numbers<AddressFlag> = {
  ...LINUX_ADDRESS,
  AI_NUMERICSERV: 0x8,
  AI_V4MAPPED: 0x800,
  AI_ALL: 0x100,
  AI_ADDRCONFIG: 0x400,
}

const LINUX_NAME: Numbers<NameFlag> = {
  NI_NUMERICHOST: 1,
  NI_NUMERICSERV: 2,
  NI_NOFQDN: 4,
  NI_NAMEREQD: 8,
  NI_DGRAM: 16,
}

/** Windows has them, too. */
const BSD_NAME: Numbers<NameFlag> = {
  NI_NOFQDN: 1,
  NI_NUMERICHOST: 2,
  NI_NAMEREQD: 4,
  NI_NUMERICSERV: 8,
  NI_DGRAM: 16,
}

const LIKE_LINUX: readonly string[] = ['linux', 'android']

/** By the system that this runs on. */
export const ADDRESS_FLAGS: Numbers<AddressFlag> = LIKE_LINUX.includes(process.platform)
  ? LINUX_ADDRESS
  : process.platform === 'win32'
    ? WINDOWS_ADDRESS
    : BSD_ADDRESS

export const NAME_FLAGS: Numbers<NameFlag> = LIKE_LINUX.includes(process.platform) ? LINUX_NAME : BSD_NAME
