/**
 * Checks of arguments, with uniform texts. `common/validate.ts` exports them to the rest of the library.
 *
 * A wrong type is a `TypeError` with `ERR_INVALID_ARG_TYPE`, a wrong value a `RangeError` with `ERR_OUT_OF_RANGE`, as
 * in Node's own modules. Checks run before anything is started.
 */
import { type OptionNames, suggestion, unknownOption } from './option-names.ts'

export { optionNames, type OptionNames } from './option-names.ts'

export function invalidArgType(name: string, expected: string, actual: unknown): TypeError {
  return coded(
    new TypeError(`The "${name}" argument must be ${expected}. Received ${show(actual)}`),
    'ERR_INVALID_ARG_TYPE',
  )
}

export function outOfRange(name: string, expected: string, actual: unknown): RangeError {
  return coded(
    new RangeError(`The value of "${name}" is out of range. It must be ${expected}. Received ${show(actual)}`),
    'ERR_OUT_OF_RANGE',
  )
}

/** Milliseconds, or a point in time: any number but `NaN`. */
export function checkTime(name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value)
  if (Number.isNaN(value)) throw outOfRange(name, 'a number of milliseconds, not NaN', value)
}

export function checkFunction(name: string, value: unknown): asserts value is (...args: never[]) => unknown {
  if (typeof value === 'function') return
  // The most likely mistake: `run(main())` for `run(main)`.
  if (isThenable(value))
    throw coded(
      new TypeError(`The "${name}" argument must be a function. Received a promise: pass a function, do not call it`),
      'ERR_INVALID_ARG_TYPE',
    )
  throw invalidArgType(name, 'a function', value)
}

export function checkBoolean(name: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') throw invalidArgType(name, 'of type boolean', value)
}

export function checkString(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw invalidArgType(name, 'of type string', value)
}

/**
 * An object of options. A function, an array or a promise in its place means that an argument was forgotten. An option
 * that is not in `known` is an error; without `known`, every key is allowed.
 */
export function checkOptions(name: string, value: unknown, known?: OptionNames): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isThenable(value)) {
    throw invalidArgType(name, 'an object', value)
  }
  const wrong = known === undefined ? undefined : unknownOption(value, known)
  if (wrong !== undefined) throw refusedOption(name, wrong, known!)
}

/** The error for an option that the function does not take. */
export function refusedOption(name: string, wrong: string, known: OptionNames): TypeError {
  const text = `The "${name}" argument has an unknown option "${wrong}". ${suggestion(wrong, known)}`
  return coded(new TypeError(text), 'ERR_INVALID_ARG_TYPE')
}

/** By shape: signals of another realm and of polyfills are accepted. */
export function checkSignal(name: string, value: unknown): asserts value is AbortSignal {
  if (typeof value !== 'object' || value === null || !('aborted' in value) || !('addEventListener' in value)) {
    throw invalidArgType(name, 'an AbortSignal', value)
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value instanceof Promise) return true
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}

function coded<E extends Error>(error: E, code: string): E {
  Object.defineProperty(error, 'code', { value: code, enumerable: true, configurable: true, writable: true })
  return error
}

function show(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'undefined'
    case 'function':
      return value.name === '' ? 'a function' : `function ${value.name}`
    case 'object': {
      if (value === null) return 'null'
      const made = (value as { constructor?: { name?: unknown } }).constructor?.name
      return typeof made === 'string' && made !== '' ? `an instance of ${made}` : 'an object'
    }
    case 'string':
      return `type string (${JSON.stringify(value.length > 28 ? `${value.slice(0, 25)}...` : value)})`
    default:
      return `type ${typeof value} (${String(value)})`
  }
}
