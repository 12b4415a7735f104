/**
 * `retry`: calls a function again until it succeeds.
 *
 * What must stay true:
 * 1. A cancelled attempt is not a failed attempt: it is never repeated.
 * 2. Each attempt has a scope of its own. Everything begun in it has ended before the next attempt begins.
 * 3. No error is lost: the last one is thrown, and `retryErrors` gives the others.
 */
import { backoffOf, checkBackoff } from './backoff.ts'
import {
  CancelScope,
  enterOperation,
  isCancellation,
  isEffectivelyCancelled,
  rejected,
  requireFrame,
  spendBudget,
  tellSuppressed,
  waitUntil,
  yieldToOthers,
} from './kernel/index.ts'
import { checkBoolean, checkFunction, checkInteger, checkOptions, optionNames } from './common/validate.ts'

/** Options of `retry`. */
export interface RetryOptions {
  /**
   * How many times the function is called at most, the first time included: a positive integer, or `Infinity`. Default
   * 5.
   */
  attempts?: number | undefined
  /**
   * Milliseconds to wait before the second attempt. Later waits grow exponentially, up to 30 seconds (or `backoff`,
   * where that is more). Default 100.
   *
   * Or a function that returns the milliseconds to wait after attempt 1, 2, … has failed with `error`.
   */
  backoff?: number | ((attempt: number, error: unknown) => number) | undefined
  /**
   * Whether waits are random, so that callers that failed together do not retry together. Default: true if `backoff` is
   * a number, false if it is a function. With a number ("decorrelated jitter"), each wait lies between `backoff` and
   * three times the wait before. With a function, each wait lies between 0 and its result. On `virtual` the random
   * numbers come from the seed.
   */
  jitter?: boolean | undefined
  /** Whether to try again after this error. Default: after every error. An error that it throws ends the retry. */
  retryIf?: ((error: unknown, attempt: number) => boolean | PromiseLike<boolean>) | undefined
  /**
   * Called, and awaited, before each wait of `delay` milliseconds: to log or to reconnect. An error that it throws ends
   * the retry.
   */
  onRetry?: ((error: unknown, attempt: number, delay: number) => unknown) | undefined
}

/**
 * Calls `fn` until it succeeds, with growing waits between the attempts, and resolves with its value. When all attempts
 * have failed, it rejects with the last error itself; `retryErrors(error)` gives the earlier ones.
 *
 * A cancelled attempt is never repeated, and neither is one that fails while its scope is cancelled. Operations that an
 * attempt began and did not await are cancelled when it ends, and have ended before the next attempt begins.
 *
 * @param fn - gets the number of the attempt, from 1
 * @throws RangeError for `attempts` or a `backoff` that is out of range, also if the function `backoff` returns it
 * @example
 * ```ts
 * // At most 5 seconds for each attempt, at most a minute for all of them:
 * await failAfter(60_000, () => retry({ attempts: 10 }, () => failAfter(5000, () => load(url))))
 * ```
 */
export function retry<T>(fn: (attempt: number) => T | PromiseLike<T>): Promise<T>
export function retry<T>(options: RetryOptions, fn: (attempt: number) => T | PromiseLike<T>): Promise<T>
export function retry(...given: unknown[]): Promise<unknown> {
  try {
    const fn = given.length > 1 ? given[1] : given[0]
    const options = given.length > 1 ? given[0] : {}
    checkOptions('options', options, OPTIONS)
    checkRetry(options)
    checkFunction('fn', fn)
    enterOperation('retry')
    return CancelScope._operation('retry', () => attemptAll(options, fn as Attempt))
  } catch (error) {
    return rejected(error)
  }
}

/**
 * The errors of the earlier attempts, oldest first, for the error that a `retry` rejected with; at most the latest 100.
 * Empty for every other error, and for a value that is no object.
 */
export function retryErrors(error: unknown): readonly unknown[] {
  return (typeof error === 'object' && error !== null ? earlier.get(error) : undefined) ?? NONE
}

type Attempt = (attempt: number) => unknown

/** Errors that one `retry` keeps: one without an end must not fill the memory. */
const MOST_KEPT = 100

const NONE: readonly unknown[] = Object.freeze([])
const earlier = new WeakMap<object, readonly unknown[]>()

async function attemptAll(options: RetryOptions, fn: Attempt): Promise<unknown> {
  const { attempts = 5, backoff = 100, jitter, retryIf, onRetry } = options
  const { scope, task } = requireFrame('retry')
  const { host, deadlines } = task.run
  const waitAfter = backoffOf('options.backoff', backoff, jitter, () => host.random?.() ?? Math.random())
  const failures: unknown[] = []
  if (!spendBudget()) await yieldToOthers('retry')
  for (let attempt = 1; ; attempt++) {
    const outcome = await attemptOnce(scope, fn, attempt)
    if (outcome.kind === 'value') return outcome.value
    const { error } = outcome
    if (outcome.kind === 'cancelled') throw error
    if (attempt >= attempts || isEffectivelyCancelled(scope)) throw withEarlier(error, failures)
    let refused = false
    try {
      refused = retryIf !== undefined && !(await retryIf(error, attempt))
      if (!refused) {
        const delay = waitAfter(attempt, error)
        if (onRetry !== undefined) await onRetry(error, attempt, delay)
        keep(failures, error)
        await waitUntil(deadlines.now() + delay, `retry: attempt ${attempt + 1} of ${attempts}`)
      }
    } catch (thrown) {
      // A cancelled caller does not get the error of the attempt.
      if (isCancellation(thrown, scope)) tellSuppressed(task, error)
      if (failures.at(-1) !== error) keep(failures, error)
      throw withEarlier(thrown, failures)
    }
    if (refused) throw withEarlier(error, failures)
  }
}

function keep(failures: unknown[], error: unknown): void {
  failures.push(error)
  if (failures.length > MOST_KEPT) failures.shift()
}

type Outcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'failed' | 'cancelled'; readonly error: unknown }

/** @param scope - the one around all attempts */
async function attemptOnce(scope: CancelScope, fn: Attempt, attempt: number): Promise<Outcome> {
  // At the boundary of the scope, the cancellation of an unrelated scope becomes an error. Only the body sees it as it
  // was.
  let wasCancelled = false
  const body = async (): Promise<unknown> => {
    try {
      return await fn(attempt)
    } catch (error) {
      wasCancelled = isCancellation(error, scope)
      throw error
    }
  }
  try {
    return { kind: 'value', value: await CancelScope._operation('retry', body) }
  } catch (error) {
    return { kind: wasCancelled || isCancellation(error, scope) ? 'cancelled' : 'failed', error }
  }
}

function withEarlier(error: unknown, failures: readonly unknown[]): unknown {
  if (typeof error === 'object' && error !== null && failures.length > 0) {
    // A function may throw the same object each time: it is not its own earlier error.
    earlier.set(error, Object.freeze(failures.filter((failure) => failure !== error)))
  }
  return error
}

function checkRetry({ attempts, backoff, jitter, retryIf, onRetry }: RetryOptions): void {
  if (attempts !== undefined && attempts !== Infinity) checkInteger('options.attempts', attempts, 1)
  if (backoff !== undefined) checkBackoff('options.backoff', backoff)
  if (jitter !== undefined) checkBoolean('options.jitter', jitter)
  if (retryIf !== undefined) checkFunction('options.retryIf', retryIf)
  if (onRetry !== undefined) checkFunction('options.onRetry', onRetry)
}

const OPTIONS = optionNames<RetryOptions>({
  attempts: true,
  backoff: true,
  jitter: true,
  retryIf: true,
  onRetry: true,
})
