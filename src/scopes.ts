/**
 * Scopes, deadlines, and waiting for time: the public face of the kernel's scopes. The rules of api.md §2 live in
 * `kernel/cancel-scope.ts` (what is cancelled when) and `kernel/exit.ts` (what leaves a scope).
 */
import { Cancelled } from './errors.ts'
import {
  abandonable,
  CancelScope,
  type CancelScopeOptions,
  currentFrame,
  deadlines,
  enterOperation,
  type ExitMode,
  immediateVoid,
  isCancellation,
  isEffectivelyCancelled,
  rejected,
  requireFrame,
  waitUntil,
  yieldShielded,
  yieldToOthers,
} from './kernel/index.ts'
import { checkFunction, checkOptions, checkTime, invalidArgType, isThenable, optionNames } from './common/validate.ts'

export { type CancelReason, CancelScope, type CancelScopeOptions } from './kernel/index.ts'

/** What runs in a scope. */
export type ScopeBody<T> = (scope: CancelScope) => T | PromiseLike<T>
/** Options of a scope whose deadline is an argument of its own. */
export type TimedScopeOptions = Omit<CancelScopeOptions, 'deadline'>
interface AbandonOptions<T> {
  /** Gets a value that arrives after the caller has left, to close or release it. */
  discard?: ((value: T) => void) | undefined
}
/**
 * The scope that the body of `failAfter` gets: one that it has no way to cancel, so that the call has a value or rejects. (It is
 * an ordinary `CancelScope`.)
 */
export type FailScope = Omit<CancelScope, 'cancel'>
/** What runs in the scope of `failAfter`. */
type FailBody<T> = (scope: FailScope) => T | PromiseLike<T>
/**
 * What a body came to; `undefined` as well where the body takes the scope or group as a parameter, and so can cancel it.
 *
 * @typeParam F - the function type of the body
 */
export type BodyValue<F extends (parameter: never) => unknown> =
  Parameters<F> extends [] ? Awaited<ReturnType<F>> : Awaited<ReturnType<F>> | undefined
/** Without a deadline, only the body can cancel the scope. (A foreign signal rejects.) */
type EndlessScopeOptions = CancelScopeOptions & {
  /** None. */
  deadline?: undefined
}

/**
 * Runs `body` in a scope of its own. Resolves with its value, or with `undefined` when the scope's cancellation ended it;
 * rejects with `signal.reason` when the foreign signal did. Re-creates `open_cancel_scope`.
 *
 * A body without parameters cannot cancel the scope: without a deadline, the call then always has the body's value.
 */
export function openCancelScope<F extends ScopeBody<unknown>>(body: F): Promise<BodyValue<F>>
export function openCancelScope<F extends ScopeBody<unknown>>(
  options: EndlessScopeOptions,
  body: F,
): Promise<BodyValue<F>>
export function openCancelScope<T>(options: CancelScopeOptions, body: ScopeBody<T>): Promise<T | undefined>
export function openCancelScope(...given: unknown[]): Promise<unknown> {
  return open('openCancelScope', 'move-on', undefined, given)
}

/**
 * Runs `body` for at most `ms` milliseconds; `null` is no limit, a negative number has passed already. Resolves with
 * `undefined` when the time was up. Re-creates `move_on_after`.
 */
export function moveOnAfter<T>(ms: number | null, body: ScopeBody<T>): Promise<T | undefined>
export function moveOnAfter<T>(
  ms: number | null,
  options: TimedScopeOptions,
  body: ScopeBody<T>,
): Promise<T | undefined>
export function moveOnAfter(ms: number | null, ...given: unknown[]): Promise<unknown> {
  return open('moveOnAfter', 'move-on', () => delayed(ms), given)
}

/** Runs `body` until `time` of `currentTime()` at the latest. Resolves with `undefined` when the time was up. */
export function moveOnAt<T>(time: number, body: ScopeBody<T>): Promise<T | undefined>
export function moveOnAt<T>(time: number, options: TimedScopeOptions, body: ScopeBody<T>): Promise<T | undefined>
export function moveOnAt(time: number, ...given: unknown[]): Promise<unknown> {
  return open('moveOnAt', 'move-on', () => pointInTime(time), given)
}

/**
 * Runs `body` for at most `ms` milliseconds; `null` is no limit. Rejects with `TimeoutError` when the deadline was the
 * first cause that ended the body. Re-creates `fail_after`.
 *
 * The scope that the body gets has no `cancel` for the compiler. A body that may give up by itself belongs into
 * `moveOnAfter` or `openCancelScope`.
 */
export function failAfter<T>(ms: number | null, body: FailBody<T>): Promise<T>
export function failAfter<T>(ms: number | null, options: TimedScopeOptions, body: FailBody<T>): Promise<T>
export function failAfter(ms: number | null, ...given: unknown[]): Promise<unknown> {
  return open('failAfter', ms ?? 'fail', () => delayed(ms), given)
}

/** `failAfter` with a point in time of `currentTime()`. */
export function failAt<T>(time: number, body: FailBody<T>): Promise<T>
export function failAt<T>(time: number, options: TimedScopeOptions, body: FailBody<T>): Promise<T>
export function failAt(time: number, ...given: unknown[]): Promise<unknown> {
  return open('failAt', 'fail', () => pointInTime(time), given)
}

/**
 * The nearest deadline of the scopes around the running code, up to and including the first shield; `-Infinity` once
 * cancelled, `Infinity` where there is none. Re-creates `current_effective_deadline`.
 */
export function currentEffectiveDeadline(): number {
  let nearest = Infinity
  let scope: CancelScope | null = requireFrame('currentEffectiveDeadline').scope
  if (isEffectivelyCancelled(scope)) return -Infinity
  while (scope !== null) {
    nearest = Math.min(nearest, scope.deadline)
    scope = scope.shield ? null : scope._parent
  }
  return nearest
}

/**
 * The `signal` of the innermost scope around the running code: aborts when that is cancelled, with a `Cancelled` as its reason.
 * For foreign work that takes an `AbortSignal`, without opening a scope.
 *
 * ```ts
 * const response = await fetch(url, { signal: currentSignal() })
 * ```
 *
 * @throws NotRunningError outside every `run`
 */
export function currentSignal(): AbortSignal {
  return requireFrame('currentSignal').scope.signal
}

/**
 * Whether an error is a cancellation, also behind what JavaScript makes of one: a `Cancelled`; an `AbortError` whose `cause` is
 * one; an `AggregateError` or `ExceptionGroup` all of whose leaves are; a `SuppressedError` whose two errors both are. For
 * `catch` blocks that log or report errors, and let cancellations pass.
 *
 * ```ts
 * try {
 *   await handle(request)
 * } catch (error) {
 *   if (!isCancelled(error)) report(error)
 *   throw error
 * }
 * ```
 */
export function isCancelled(error: unknown): boolean {
  return isCancellation(error, currentFrame()?.scope)
}

/** Milliseconds of the monotonic clock that deadlines are measured by. Works outside a `run` too. */
export function currentTime(): number {
  return (currentFrame()?.task.run.deadlines ?? deadlines).now()
}

/**
 * Waits for work that knows nothing of scopes. On cancellation the caller leaves at once and the work goes on without it:
 * its failure is then nobody's, and `discard` gets a value that arrives too late, to close or release it.
 */
export function abandonOnCancel<T>(promise: PromiseLike<T>, options: AbandonOptions<T> = {}): Promise<T> {
  try {
    if (!isThenable(promise)) throw invalidArgType('promise', 'a promise', promise)
    checkOptions('options', options, ABANDON_OPTIONS)
    if (options.discard !== undefined) checkFunction('options.discard', options.discard)
    return abandonable(promise, options.discard)
  } catch (error) {
    return rejected(error)
  }
}

/**
 * Waits for `ms` milliseconds. `sleep(0)`, and a negative time, yields to other tasks and to I/O. Re-creates `sleep`.
 */
export function sleep(ms: number): Promise<void> {
  try {
    checkTime('ms', ms)
    return waitUntil(ms <= 0 ? -Infinity : currentTime() + ms, 'sleep')
  } catch (error) {
    return rejected(error)
  }
}

/** Waits until `time` of `currentTime()`; one that has passed is a `checkpoint()`. */
export function sleepUntil(time: number): Promise<void> {
  try {
    checkTime('time', time)
    return waitUntil(time, 'sleepUntil')
  } catch (error) {
    return rejected(error)
  }
}

/** Waits until it is cancelled. */
export function sleepForever(): Promise<never> {
  try {
    return waitUntil(Infinity, 'sleepForever') as Promise<never>
  } catch (error) {
    return rejected(error)
  }
}

/** Throws when cancelled; otherwise lets other tasks, timers and I/O have their turn, and throws when cancelled then. */
export function checkpoint(): Promise<void> {
  try {
    return yieldToOthers('checkpoint')
  } catch (error) {
    return rejected(error)
  }
}

/** Throws when cancelled; otherwise goes on at once, which makes it fit for tight loops. */
export function checkpointIfCancelled(): Promise<void> {
  try {
    enterOperation('checkpointIfCancelled')
    return immediateVoid()
  } catch (error) {
    return rejected(error)
  }
}

/** Lets other tasks, timers and I/O have their turn, and never throws a cancellation. */
export function cancelShieldedCheckpoint(): Promise<void> {
  try {
    return yieldShielded('cancelShieldedCheckpoint')
  } catch (error) {
    return rejected(error)
  }
}

/** The class of what a checkpoint throws when cancelled. Re-creates `get_cancelled_exc_class`. */
export function getCancelledExcClass(): typeof Cancelled {
  return Cancelled
}

/** `[options], body` behind the deadline, if there is one. Everything is checked before the scope is entered. */
function open(
  what: string,
  mode: ExitMode,
  deadlineOf: (() => number) | undefined,
  given: unknown[],
): Promise<unknown> {
  try {
    const deadline = deadlineOf?.()
    const body = given.length > 1 ? given[1] : given[0]
    const options = given.length > 1 ? (given[0] as CancelScopeOptions) : undefined
    const scope = new CancelScope(options)
    if (deadline !== undefined && options !== undefined && 'deadline' in options) refuseSecondDeadline()
    if (deadline !== undefined) scope.deadline = deadline
    return scope._run(body as ScopeBody<unknown>, mode, what)
  } catch (error) {
    return rejected(error)
  }
}

/** `moveOnAfter(ms, { deadline })`: which of them was meant cannot be known. */
function refuseSecondDeadline(): never {
  throw invalidArgType('options.deadline', 'left out: the limit is the first argument', undefined)
}

function delayed(ms: number | null): number {
  if (ms === null) return Infinity
  checkTime('ms', ms)
  return ms <= 0 ? -Infinity : currentTime() + ms
}

function pointInTime(time: number): number {
  checkTime('time', time)
  return time
}

const ABANDON_OPTIONS = optionNames<AbandonOptions<unknown>>({ discard: true })
