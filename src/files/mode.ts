/** Python's modes of `open`. */
import { checkString, outOfRange } from '../common/validate.ts'

/** The letter of a mode that says how the file is opened. */
type Access = 'r' | 'w' | 'a' | 'x'

/** The modes that give `Buffer`s: `'rb'`, `'r+b'`, `'rb+'` and the like. */
export type BinaryMode = `${Access}b` | `${Access}b+` | `${Access}+b` | `b${Access}` | `b${Access}+` | `b+${Access}`

/** The modes that give strings: `'r'`, `'w+'`, `'at'` and the like. */
export type TextMode =
  Access | `${Access}+` | `${Access}t` | `${Access}t+` | `${Access}+t` | `t${Access}` | `t${Access}+`

export interface Mode {
  readonly access: Access
  readonly binary: boolean
  readonly readable: boolean
  readonly writable: boolean
}

export function parseMode(mode: unknown): Mode {
  checkString('mode', mode)
  const letters = new Set(mode)
  const accesses = (['r', 'w', 'a', 'x'] as const).filter((letter) => letters.has(letter))
  const [access] = accesses
  const unknown = /[^rwaxbt+]/.test(mode) || letters.size !== mode.length
  if (unknown || accesses.length !== 1 || access === undefined || (letters.has('b') && letters.has('t'))) {
    throw outOfRange('mode', "one of 'r', 'w', 'a' and 'x', with '+' to read and write, and 'b' or 't'", mode)
  }
  const both = letters.has('+')
  return {
    access,
    binary: letters.has('b'),
    readable: both || access === 'r',
    writable: both || access !== 'r',
  }
}
