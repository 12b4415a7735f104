/**
 * Scopes, deadlines, and waiting for time: the public face of the kernel's scopes. The rules SCOPE-1 to SCOPE-12 live
 * in `kernel/cancel-scope.ts` (when a scope is cancelled) and `kernel/exit.ts` (which errors leave a scope).
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

/** A function that runs in a scope. */
export type ScopeBody<T> = (scope: CancelScope) => T | PromiseLike<T>
/** Options of a scope whose deadline is an argument of its own. */
export type TimedScopeOptions = Omit<CancelScopeOptions, 'deadline'>
interface AbandonOptions<T> {
  /** Receives a value that arrives after the caller has left, so that it can be closed or released. */
  discard?: ((value: T) => void) | undefined
}
/**
 * The scope that the body of `failAfter` gets. It is an ordinary `CancelScope`, but its type has no `cancel`: so the
 * call always has a value or rejects.
 */
export type FailScope = Omit<CancelScope, 'cancel'>
/** A function that runs in the scope of `failAfter`. */
type FailBody<T> = (scope: FailScope) => T | PromiseLike<T>
/**
 * The value that a body gives. It includes `undefined` when the body takes the scope or group as a parameter, because
 * such a body can cancel it.
 *
 * @typeParam F - the function type of the body
 */
export type BodyValue<F extends (parameter: never) => unknown> =
  Parameters<F> extends [] ? Awaited<ReturnType<F>> : Awaited<ReturnType<F>> | undefined
/** Without a deadline, only the body can cancel the scope: a foreign signal makes the call reject. */
type EndlessScopeOptions = CancelScopeOptions & {
  /** None. */
  deadline?: undefined
}

/**
 * Runs `body` in a new cancel scope: everything that waits in the body can be cancelled together.
 *
 * Resolves with the value of the body, or with `undefined` when the cancellation of this scope ended the body. Rejects
 * with the error that the body throws, and with `signal.reason` when the scope was cancelled by `options.signal`.
 *
 * A body without parameters cannot cancel the scope. Without a deadline, the call then always has the body's value.
 *
 * @example
 * ```ts
 * const first = await openCancelScope(async (scope) => {
 *   button.once('click', () => scope.cancel('the user gave up'))
 *   return await download(url)
 * })
 * if (first === undefined) console.log('cancelled')
 * ```
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
 * Runs `body` with a time limit and goes on without an error when the time is up: resolves with the value of the body,
 * or with `undefined` after the limit. `failAfter` does the same and throws.
 *
 * @param ms - milliseconds; `null` is no limit, 0 and negative numbers have passed already
 * @example
 * ```ts
 * const banner = (await moveOnAfter(200, () => loadBanner())) ?? DEFAULT_BANNER
 * ```
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

/** `moveOnAfter` with an absolute limit: `time` is in milliseconds on the clock of `currentTime()`. */
export function moveOnAt<T>(time: number, body: ScopeBody<T>): Promise<T | undefined>
export function moveOnAt<T>(time: number, options: TimedScopeOptions, body: ScopeBody<T>): Promise<T | undefined>
export function moveOnAt(time: number, ...given: unknown[]): Promise<unknown> {
  return open('moveOnAt', 'move-on', () => pointInTime(time), given)
}

/**
 * Runs `body` with a time limit. When the time is up, everything that waits in the body is cancelled, and the call
 * rejects with `TimeoutError` once the body has cleaned up. A body that returns its value all the same wins: the call
 * resolves with it.
 *
 * The scope that the body gets has no `cancel` in its type. Use `moveOnAfter` or `openCancelScope` for a body that may
 * give up by itself.
 *
 * @param ms - milliseconds; `null` is no limit, 0 and negative numbers have passed already
 * @throws TimeoutError when the deadline was the first cause that ended the body
 * @example
 * ```ts
 * const user = await failAfter(5000, () => loadUser(id))
 * // Foreign work takes the signal of the scope:
 * const page = await failAfter(5000, (scope) => fetch(url, { signal: scope.signal }))
 * ```
 */
export function failAfter<T>(ms: number | null, body: FailBody<T>): Promise<T>
export function failAfter<T>(ms: number | null, options: TimedScopeOptions, body: FailBody<T>): Promise<T>
export function failAfter(ms: number | null, ...given: unknown[]): Promise<unknown> {
  return open('failAfter', ms ?? 'fail', () => delayed(ms), given)
}

/** `failAfter` with an absolute limit: `time` is in milliseconds on the clock of `currentTime()`. */
export function failAt<T>(time: number, body: FailBody<T>): Promise<T>
export function failAt<T>(time: number, options: TimedScopeOptions, body: FailBody<T>): Promise<T>
export function failAt(time: number, ...given: unknown[]): Promise<unknown> {
  return open('failAt', 'fail', () => pointInTime(time), given)
}

/**
 * The earliest deadline that applies to the running code, in milliseconds on the clock of `currentTime()`: of the
 * scopes around it, up to and including the first shield. `-Infinity` when the code is cancelled already, `Infinity`
 * without a deadline.
 *
 * @throws NotRunningError outside every `run`
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
 * An `AbortSignal` that aborts when the innermost scope around the running code is cancelled. Its reason is then a
 * `Cancelled`. Pass it to functions of other libraries.
 *
 * @example
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
 * Whether an error is a cancellation. It also sees through the wrappers of JavaScript: a `Cancelled` counts; an
 * `AbortError` whose `cause` is one; an `AggregateError` or `ExceptionGroup` all of whose leaves are; a
 * `SuppressedError` whose two errors both are.
 *
 * Use it in `catch` blocks that log or report errors: a cancellation must be thrown on.
 *
 * @example
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

/** The time of the monotonic clock that deadlines are measured by, in milliseconds. Works outside a `run` too. */
export function currentTime(): number {
  return (currentFrame()?.task.run.deadlines ?? deadlines).now()
}

/**
 * Awaits a promise of another library in a way that can be cancelled. On cancellation the caller leaves at once with
 * `Cancelled`, and the work goes on in the background: its failure is then dropped, and its value goes to
 * `options.discard`.
 *
 * Where the work takes an `AbortSignal`, pass it `currentSignal()` instead: then the work stops too.
 *
 * @example
 * ```ts
 * const rows = await failAfter(1000, () => abandonOnCancel(database.query(sql)))
 * // A result that comes too late is given back:
 * const client = await abandonOnCancel(pool.connect(), { discard: (late) => late.release() })
 * ```
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
 * Waits for `ms` milliseconds, or until the scope is cancelled: then it throws `Cancelled`. `sleep(0)`, and a negative
 * time, yields to other tasks and to I/O.
 *
 * @example
 * ```ts
 * while (!(await isReady())) await sleep(100)
 * ```
 */
export function sleep(ms: number): Promise<void> {
  try {
    checkTime('ms', ms)
    return waitUntil(ms <= 0 ? -Infinity : currentTime() + ms, 'sleep')
  } catch (error) {
    return rejected(error)
  }
}

/** Waits until `time`, in milliseconds on the clock of `currentTime()`. A time that has passed is a `checkpoint()`. */
export function sleepUntil(time: number): Promise<void> {
  try {
    checkTime('time', time)
    return waitUntil(time, 'sleepUntil')
  } catch (error) {
    return rejected(error)
  }
}

/** Waits until the scope is cancelled, and throws `Cancelled` then. */
export function sleepForever(): Promise<never> {
  try {
    return waitUntil(Infinity, 'sleepForever') as Promise<never>
  } catch (error) {
    return rejected(error)
  }
}

/**
 * Lets other tasks, timers and I/O run, and throws `Cancelled` when the scope is cancelled, before or after. For long
 * computations, which would otherwise neither yield nor notice a cancellation.
 *
 * @example
 * ```ts
 * for (const [index, row] of rows.entries()) {
 *   convert(row)
 *   if (index % 1000 === 0) await checkpoint()
 * }
 * ```
 */
export function checkpoint(): Promise<void> {
  try {
    return yieldToOthers('checkpoint')
  } catch (error) {
    return rejected(error)
  }
}

/**
 * Throws `Cancelled` when the scope is cancelled. Otherwise goes on at once, without yielding: cheap enough for tight
 * loops.
 */
export function checkpointIfCancelled(): Promise<void> {
  try {
    enterOperation('checkpointIfCancelled')
    return immediateVoid()
  } catch (error) {
    return rejected(error)
  }
}

/** Lets other tasks, timers and I/O run, and never throws a cancellation. */
export function cancelShieldedCheckpoint(): Promise<void> {
  try {
    return yieldShielded('cancelShieldedCheckpoint')
  } catch (error) {
    return rejected(error)
  }
}

/** The class of the error that a checkpoint throws in a cancelled scope: `Cancelled`. */
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

/** `moveOnAfter(ms, { deadline })` names two limits. */
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
