/**
 * `checkStream`: checks a kind of stream against all rules of streams, with a fresh pair for each rule and each
 * direction. The rules are in `rules/`; this module runs them and words their failures.
 */

import { rejected } from '../kernel/index.ts'
import { CancelScope, checkpointIfCancelled, currentTime, openCancelScope } from '../scopes.ts'
import { Stream } from '../streams/stream.ts'
import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkOptions,
  checkString,
  checkTime,
  invalidArgType,
  optionNames,
} from '../common/validate.ts'
import { AssertionError, failure, show } from './failure.ts'
import { RandomBytes } from './random.ts'
import { cancelling } from './rules/cancelling.ts'
import { closing } from './rules/closing.ts'
import { exchanging } from './rules/exchanging.ts'
import { framing } from './rules/framing.ts'
import { type Need, Pair, type Rule, type Settings } from './rules/pair.ts'
import { sharing } from './rules/sharing.ts'
import { Trial } from './trial.ts'

/** Options of `checkStream`. */
export interface CheckStreamOptions {
  /** Name of the streams in failures. Default `'stream'`. */
  name?: string | undefined
  /** Whether one direction can be ended alone. If `false`, `sendEof` must throw `UnsupportedError`. Default: true. */
  halfClose?: boolean | undefined
  /**
   * Bytes that the pair buffers at most: a `sendAll` of more must wait while the peer does not receive. 0: no buffer,
   * so that `sendAll` waits until the peer has received everything. `Infinity`: no limit, and the rules about waiting
   * are left out. Default: 16 MiB, more than TCP connections of one machine buffer.
   */
  capacity?: number | undefined
  /** Time limit of one rule in milliseconds of the run's clock. Default: 10,000. */
  timeout?: number | undefined
  /** Seed of the random data and sizes. Default: 1. */
  seed?: number | undefined
}

/**
 * Checks that your implementation of `Stream` keeps the rules of streams. Some forty rules, each in both directions
 * with a pair of its own: data arrives whole, framing works, a second receive is refused, closing and half-closing end
 * what they should, every call is a checkpoint, and a cancellation loses no byte.
 *
 * @example
 * ```ts
 * test('my stream keeps the rules of streams', () =>
 *   run(() => checkStream(() => myStreamPair(), { name: 'my stream', capacity: 65_536 })))
 * ```
 *
 * A stream that hangs fails its rule after `timeout`, with the name of the call that was waited for. (On the `virtual`
 * backend time stands still during an endless loop and during foreign work under `abandonOnCancel`.)
 *
 * @param makePair - makes two connected, unused streams
 * @throws AssertionError for the first broken rule: its text names the rule, the direction and the expectation, and its
 * `cause` is the error of the stream, if there was one
 */
export function checkStream(
  makePair: () => readonly [Stream, Stream] | PromiseLike<readonly [Stream, Stream]>,
  options: CheckStreamOptions = {},
): Promise<void> {
  try {
    checkFunction('makePair', makePair)
    checkOptions('options', options, OPTIONS)
    const { name = 'stream', halfClose = true, capacity = 16_777_216, timeout = 10_000, seed = 1 } = options
    checkString('options.name', name)
    checkBoolean('options.halfClose', halfClose)
    if (capacity !== Infinity) checkInteger('options.capacity', capacity)
    checkTime('options.timeout', timeout)
    checkInteger('options.seed', seed)
    const plan = { name, halfClose, capacity, timeout, seed }
    // One operation: a call that was not awaited is cancelled and awaited as a whole (SCOPE-7).
    return CancelScope._operation('checkStream', () => checkAll(makePair, plan))
  } catch (error) {
    return rejected(error)
  }
}

interface Plan extends Settings {
  readonly name: string
  readonly timeout: number
  readonly seed: number
}

type MakePair = () => readonly [Stream, Stream] | PromiseLike<readonly [Stream, Stream]>

/** Simple rules first: a fault that breaks these breaks most others too, with a less clear text. */
export const RULES: readonly Rule[] = [...exchanging, ...framing, ...sharing, ...closing, ...cancelling]

async function checkAll(makePair: MakePair, plan: Plan): Promise<void> {
  for (const rule of RULES) {
    if (rule.needs !== undefined && !meets(plan, rule.needs)) continue
    for (const swapped of [false, true]) {
      await checkpointIfCancelled()
      await checkRule(rule, makePair, swapped, plan)
    }
  }
}

function meets({ halfClose, capacity }: Settings, need: Need): boolean {
  switch (need) {
    case 'half-close':
      return halfClose
    case 'no half-close':
      return !halfClose
    case 'back-pressure':
      return capacity !== Infinity
    case 'a buffer':
      return capacity > 0
  }
}

async function checkRule(rule: Rule, makePair: MakePair, swapped: boolean, plan: Plan): Promise<void> {
  const about = `${plan.name}: ${swapped ? 'the second stream' : 'the first stream'}: "${rule.name}"`
  const scope = new CancelScope({ deadline: currentTime() + plan.timeout })
  let pair: Pair | undefined
  try {
    await scope.run(async () => {
      const [first, second] = await makeOne(makePair)
      pair = new Pair(swapped ? second : first, swapped ? first : second, new RandomBytes(plan.seed), plan)
      try {
        await rule.check(pair)
      } finally {
        await closeIn(pair)
      }
    })
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error
    throw failure(`${about}: ${error.message}`, error.cause)
  }
  if (scope.cancelledCaught) {
    const waited = pair === undefined ? 'makePair()' : pair.waitingFor
    throw failure(`${about}: hung: ${plan.timeout} ms were not enough, and it waited for ${waited}`)
  }
}

/** Shielded: it also runs after the time limit. */
async function closeIn(pair: Pair): Promise<void> {
  await openCancelScope({ shield: true }, () => pair.end())
}

async function makeOne(makePair: MakePair): Promise<readonly [Stream, Stream]> {
  const making = new Trial(makePair)
  try {
    const outcome = await making.end()
    if (outcome.kind === 'threw') throw failure(`makePair() threw ${show(outcome.error)}`, outcome.error)
    const made: unknown = outcome.value
    if (!Array.isArray(made) || made.length !== 2 || !made.every((stream) => stream instanceof Stream)) {
      throw invalidArgType('the answer of makePair', 'a list of two instances of Stream', made)
    }
    return outcome.value
  } finally {
    making.leave()
  }
}

const OPTIONS = optionNames<CheckStreamOptions>({
  name: true,
  halfClose: true,
  capacity: true,
  timeout: true,
  seed: true,
})
