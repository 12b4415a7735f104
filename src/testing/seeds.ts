/** Runs one test with many seeds, and a failed seed alone. */

import { checkFunction, checkInteger, invalidArgType, isThenable, outOfRange } from '../common/validate.ts'
import { show } from './failure.ts'

/**
 * Runs `body` once for each seed, one after another, and stops at the first failure. The error that comes out names the
 * seed; its `cause` is the error of `body`. Set `STRUCTIO_SEED=n` in the environment to run that seed alone.
 *
 * @example
 * ```ts
 * test('no reply is lost, whatever the order', () =>
 *   forEachSeed(1000, (seed) =>
 *     run(main, { backend: 'virtual', backendOptions: { seed } }),
 *   ))
 * ```
 *
 * @param seeds - the number of seeds (0, 1, 2 …), or a list of integers
 * @throws RangeError if there is no seed: a test that runs nothing cannot fail
 */
export async function forEachSeed(
  seeds: number | readonly number[],
  body: (seed: number) => PromiseLike<unknown>,
): Promise<void> {
  const wanted = seedOfEnvironment() ?? checkSeeds(seeds)
  checkFunction('body', body)
  for (const seed of wanted) {
    try {
      await promised(body(seed))
    } catch (error) {
      throw new Error(`seed ${seed} failed (${VARIABLE}=${seed} in the environment runs it alone): ${show(error)}`, {
        cause: error,
      })
    }
  }
}

/** Refuses a body that returns no promise: a `run` that is not returned would fail unseen. */
function promised(result: unknown): unknown {
  if (!isThenable(result)) throw invalidArgType('the value of body', 'a promise: return the run', result)
  return result
}

const VARIABLE = 'STRUCTIO_SEED'

function seedOfEnvironment(): number[] | undefined {
  const text = process.env[VARIABLE]
  if (text === undefined || text === '') return undefined
  if (!/^-?\d+$/.test(text)) throw outOfRange(`process.env.${VARIABLE}`, 'an integer', text)
  return [Number(text)]
}

function checkSeeds(seeds: unknown): readonly number[] {
  if (Array.isArray(seeds)) {
    if (seeds.length === 0) throw outOfRange('seeds', 'a list of at least one seed', seeds)
    seeds.forEach((seed, index) => checkInteger(`seeds[${index}]`, seed, Number.MIN_SAFE_INTEGER))
    return [...(seeds as number[])]
  }
  if (typeof seeds !== 'number') throw invalidArgType('seeds', 'a number or an array of numbers', seeds)
  checkInteger('seeds', seeds, 1)
  return Array.from({ length: seeds }, (_, seed) => seed)
}
