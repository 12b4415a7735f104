/** Waits between attempts. */
import { invalidArgType, outOfRange } from './common/validate.ts'

/** The first wait in milliseconds, from which the others grow; or a function that returns each wait. */
export type BackoffOption = number | ((attempt: number, error: unknown) => number)

/** Returns the milliseconds to wait after attempt 1, 2, … has failed. */
export type Backoff = (attempt: number, error: unknown) => number

/** Upper limit of a growing wait in milliseconds, unless the first wait is longer. */
const LONGEST_BACKOFF = 30_000

/**
 * @param name - the option, for the error of a function that returns no wait
 * @param jitter - default: true for a number, false for a function
 * @param random - from 0 to 1
 */
export function backoffOf(
  name: string,
  option: BackoffOption,
  jitter: boolean | undefined,
  random: () => number = Math.random,
): Backoff {
  if (typeof option === 'number') return jitter === false ? exponential(option) : decorrelated(option, random)
  return (attempt, error) => {
    const wait: unknown = option(attempt, error)
    checkWait(`${name}(${attempt})`, wait)
    // "Full jitter": anything from 0 to the result of the function.
    return jitter === true ? wait * random() : wait
  }
}

export function checkBackoff(name: string, option: unknown): asserts option is BackoffOption {
  if (typeof option !== 'function') checkWait(name, option)
}

function checkWait(name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value)
  if (!(value >= 0 && value < Infinity)) throw outOfRange(name, 'a number of milliseconds >= 0', value)
}

function exponential(first: number): Backoff {
  const longest = Math.max(first, LONGEST_BACKOFF)
  return (attempt) => Math.min(longest, first * 2 ** (attempt - 1))
}

/**
 * "Decorrelated jitter" of M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): each wait is
 * drawn between the first one and three times the last. It doubles about every attempt, and callers that failed
 * together do not come back together.
 */
function decorrelated(first: number, random: () => number): Backoff {
  const longest = Math.max(first, LONGEST_BACKOFF)
  let last = first
  return () => (last = Math.min(longest, first + random() * (3 * last - first)))
}
