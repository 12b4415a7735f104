/**
 * `checkStream`: puts a kind of stream through all rules of streams (api: `Stream`), one fresh pair for each rule and each
 * direction. What a rule says is in `rules/`; here is who runs them, and what a failure is told by.
 */

import { rejected } from '../kernel/operation.ts'
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
} from '../validate.ts'
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
  /** What the streams are, for the texts of failures. */
  name?: string | undefined
  /** Whether one direction can be ended alone; where not, `sendEof` has to throw `UnsupportedError`. Default: true. */
  halfClose?: boolean | undefined
  /**
   * How many bytes the pair takes, at most, while nobody receives: `sendAll` of one more has to wait. 0: none, so that
   * `sendAll` waits until the peer has received everything. `Infinity`: there is no limit, and no rule about waiting.
   * Default: 16 MiB, more than TCP connections of one machine take.
   */
  capacity?: number | undefined
  /** How long one rule may take: milliseconds of the run's clock. Default: 10,000. */
  timeout?: number | undefined
  /** Of the random data and sizes. Default: 1. */
  seed?: number | undefined
}

/**
 * Checks that a kind of stream keeps the rules of `Stream`: that everything arrives, what framing gives, who is refused
 * as busy, what closing and half-closing do, that every call is a checkpoint, that cancellation loses nothing. Some forty
 * rules, in both directions, each with a pair of its own. Re-creates Trio's `check_two_way_stream` and
 * `check_half_closeable_stream`.
 *
 * ```ts
 * test('my stream keeps the rules of streams', () =>
 *   run(() => checkStream(() => myStreamPair(), { name: 'my stream', capacity: 65_536 })))
 * ```
 *
 * Wherever a stream hangs, the check does not: the rule fails when its time is up, and says what it waited for. (The time of
 * the `virtual` backend stands still while anything goes on: a loop without end, foreign work under `abandonOnCancel`.)
 *
 * @param makePair - makes two streams that are connected to each other and have not been used
 * @throws AssertionError for the first rule that is broken; its text names the rule, the direction, and what was expected. What
 * the stream threw, if it was that, is its `cause`
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
    // A call that was not awaited is cancelled, and waited for, as one operation (api.md §2, rule 7).
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

/** The simple ones first: what breaks these breaks most others, and says less there. */
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

/** Also when the time is up. */
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
