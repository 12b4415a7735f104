/**
 * Checks of arguments for the concept modules: the kernel's, and those that the kernel itself does not need.
 */
import { invalidArgType, outOfRange } from '../kernel/index.ts'

export {
  checkBoolean,
  checkFunction,
  checkOptions,
  checkSignal,
  checkString,
  checkTime,
  invalidArgType,
  isThenable,
  optionNames,
  type OptionNames,
  outOfRange,
} from '../kernel/index.ts'

/** An integer from `min` to `max`, both included. */
export function checkInteger(
  name: string,
  value: unknown,
  min = 0,
  max: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value)
  if (!Number.isInteger(value) || value < min || value > max) {
    throw outOfRange(
      name,
      max === Number.MAX_SAFE_INTEGER ? `an integer >= ${min}` : `an integer from ${min} to ${max}`,
      value,
    )
  }
}

/** One of a few words. */
export function checkOneOf<V extends string>(name: string, value: unknown, known: readonly V[]): asserts value is V {
  if (known.includes(value as V)) return
  const all = known.map((one) => `'${one}'`)
  throw outOfRange(name, `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`, value)
}
