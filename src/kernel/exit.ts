/**
 * Decides which error leaves a scope, a task or a group when its body threw (SCOPE-8, SCOPE-9, SCOPE-10).
 *
 * JavaScript wraps cancellations (`events.once`) and collects them (`Promise.any`), so they must be recognised inside
 * other errors. The tree decides at the boundary to which scope a cancellation belongs: while the error was on its way,
 * a scope may have been cancelled, shielded or moved.
 */
import { Cancelled, ExceptionGroup, UsageError, cancelledCall } from '../errors.ts'
import { CANCEL_CALLED, EFFECTIVE, HANDED_OUT } from './scope-flags.ts'
import type { ScopeNode } from './tree.ts'

/** The verdict on an error at the boundary of a scope. */
export type Verdict =
  /** An ordinary error (perhaps without the cancellations that were mixed into it): it leaves. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Cancellation that another scope, further out, will catch: it leaves. */
  | { readonly kind: 'cancelled'; readonly error: Cancelled }
  /** Cancellation of this scope: it stops here. */
  | { readonly kind: 'caught' }

const CAUGHT_HERE: Verdict = { kind: 'caught' }

export function judge(boundary: ScopeNode, error: unknown): Verdict {
  const { cancelled, rest } = filterCancelled(error, takesAborts(boundary), 0)
  if (cancelled.length === 0 || rest !== NOTHING) return { kind: 'failed', error: rest }
  if ((boundary._flags & EFFECTIVE) !== 0) {
    if (!boundary._parentCancels) return CAUGHT_HERE
    const own = cancelled.find((one) => one instanceof Cancelled)
    return { kind: 'cancelled', error: own ?? boundary._cancelled('foreign work') }
  }
  // All of them are `Cancelled`: abort errors count only where the scope is cancelled.
  const foreign = (cancelled as readonly Cancelled[]).find((one) => !isRaisedWithin(one, boundary))
  if (foreign === undefined) return { kind: 'cancelled', error: cancelled[0] as Cancelled }
  return { kind: 'failed', error: foreignCancellation(foreign) }
}

/**
 * The same at the boundary of a task. A cancellation passes only if a scope further out is cancelled. Otherwise no
 * scope would catch it, and the task would vanish silently (FORGET-7).
 */
export function judgeTask(own: ScopeNode, error: unknown): Verdict {
  const verdict = judge(own, error)
  if (verdict.kind !== 'cancelled') return verdict
  for (let scope: ScopeNode | null = own; scope !== null; scope = scope._parent) {
    if ((scope._flags & CANCEL_CALLED) !== 0) return verdict
  }
  const text =
    'the cancellation of a scope that has ended arrived here: ' +
    'a promise that was begun inside it was kept and awaited later. ' +
    'Begin it anew, or give it a task of its own and wait for handle.value()'
  return { kind: 'failed', error: new UsageError(text, { cause: verdict.error }) }
}

/**
 * Whether `error` is a cancellation (SCOPE-8). With `scope`, also abort errors that count in a scope around it
 * (SCOPE-10).
 */
export function isCancellation(error: unknown, scope: ScopeNode | undefined): boolean {
  let aborts = false
  for (let around = scope ?? null; around !== null && !aborts; around = around._parent) aborts = takesAborts(around)
  const { cancelled, rest } = filterCancelled(error, aborts, 0)
  return cancelled.length > 0 && rest === NOTHING
}

/**
 * Remembers a `Cancelled` that is the reason of a signal: a scope that this signal cancels rejects with it, as an
 * error.
 */
export function noteSignalReason(reason: unknown): void {
  if (reason instanceof Cancelled) signalReasons.add(reason)
}

const signalReasons = new WeakSet<Cancelled>()

function foreignCancellation(cause: Cancelled): UsageError {
  const text = signalReasons.has(cause)
    ? 'a scope was given the `signal` of another scope, which was cancelled, and rejected with that as its reason. ' +
      'Catch it where that scope was opened'
    : 'the cancellation of another scope arrived here: a promise that was begun elsewhere was awaited. ' +
      'Give shared work a task of its own and let others wait for handle.value()'
  return new UsageError(text, { cause })
}

/** Whether an abort error without a cause may be this scope's cancellation: its signal was handed out (SCOPE-10). */
function takesAborts({ _flags: flags }: ScopeNode): boolean {
  return (flags & (EFFECTIVE | HANDED_OUT)) === (EFFECTIVE | HANDED_OUT)
}

interface Filtered {
  /** Besides `Cancelled`, abort errors that count as one here. */
  readonly cancelled: readonly Error[]
  /** The error without the cancellations in it, or `NOTHING`. */
  readonly rest: unknown
}

const NOTHING = Symbol('nothing')

/** Depth limit, for errors that contain themselves. */
const DEEPEST = 32

/** @param aborts - whether an abort error counts without a `Cancelled` as its cause */
function filterCancelled(error: unknown, aborts: boolean, depth: number): Filtered {
  if (error instanceof Cancelled) return { cancelled: [error], rest: NOTHING }
  if (error instanceof Error && depth < DEEPEST) {
    if (aborts && isAbort(error)) return { cancelled: [error], rest: NOTHING }
    if (error.name === 'AbortError') return filterAbort(error, depth)
    if (error instanceof AggregateError) return filterAggregate(error, aborts, depth)
    if (isSuppressed(error)) return filterSuppressed(error, aborts, depth)
  }
  return { cancelled: [], rest: error }
}

/** The errors with which fetch, node-fetch, axios and Node's own functions reject when a signal aborts. */
function isAbort(error: Error): boolean {
  if (error.name === 'AbortError') return true
  const { code } = error as { code?: unknown }
  return code === 'ABORT_ERR' || code === 'ERR_CANCELED'
}

/**
 * `events.once`, `timers/promises` and streams make an AbortError of an aborted signal, with the signal's reason as
 * cause.
 */
function filterAbort(error: Error, depth: number): Filtered {
  const { cause } = error
  if (!(cause instanceof Cancelled) && !(cause instanceof Error && cause.name === 'AbortError'))
    return { cancelled: [], rest: error }
  const { cancelled } = filterCancelled(cause, false, depth + 1)
  return cancelled.length > 0 ? { cancelled, rest: NOTHING } : { cancelled, rest: error }
}

function filterAggregate(error: AggregateError, aborts: boolean, depth: number): Filtered {
  const cancelled: Error[] = []
  const ordinary: unknown[] = []
  for (const leaf of error.errors as unknown[]) {
    const filtered = filterCancelled(leaf, aborts, depth + 1)
    cancelled.push(...filtered.cancelled)
    if (filtered.rest !== NOTHING) ordinary.push(filtered.rest)
  }
  if (cancelled.length === 0) return { cancelled, rest: error }
  return { cancelled, rest: ordinary.length === 0 ? NOTHING : withErrors(error, ordinary) }
}

/**
 * The error that `using` makes of two. Known by name: Node 20 and 22 have no such class, and transpilers bring their
 * own.
 */
interface Suppressed extends Error {
  readonly error: unknown
  readonly suppressed: unknown
}

function isSuppressed(error: Error): error is Suppressed {
  return error.name === 'SuppressedError' && 'error' in error && 'suppressed' in error
}

function filterSuppressed(error: Suppressed, aborts: boolean, depth: number): Filtered {
  const last = filterCancelled(error.error, aborts, depth + 1)
  const first = filterCancelled(error.suppressed, aborts, depth + 1)
  const cancelled = [...last.cancelled, ...first.cancelled]
  if (last.rest === NOTHING) return { cancelled, rest: first.rest }
  if (first.rest === NOTHING) return { cancelled, rest: last.rest }
  return { cancelled, rest: error }
}

/**
 * The same kind of aggregate with fewer errors. A copy of a subclass keeps class and fields; its constructor is not
 * called.
 */
function withErrors(original: AggregateError, errors: unknown[]): AggregateError {
  if (original instanceof ExceptionGroup) {
    const group = new ExceptionGroup(errors)
    if (original.stack !== undefined) group.stack = original.stack
    if ('cause' in original) group.cause = original.cause
    return group
  }
  const copy = new AggregateError(errors, original.message)
  Object.setPrototypeOf(copy, Object.getPrototypeOf(original) as object)
  const { errors: _, ...fields } = Object.getOwnPropertyDescriptors(original)
  return Object.defineProperties<AggregateError>(copy, fields)
}

function isRaisedWithin(error: Cancelled, boundary: ScopeNode): boolean {
  const scope = cancelledCall(error)?.scope as ScopeNode | undefined
  return scope !== undefined && scope._isWithin(boundary)
}
