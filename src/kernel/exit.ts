/**
 * What leaves a scope, a task or a group when its body threw: rules 8 and 9 of api.md §2.
 *
 * Cancellation must be recognised behind what JavaScript makes of it (`events.once` wraps it, `Promise.any` collects
 * it), and whose it is must be decided by the tree, at the boundary, not by who raised it: a scope may have become
 * cancelled, shielded or moved while the error was on its way.
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
  const { cancelled, rest } = sift(error, takesAborts(boundary), 0)
  if (cancelled.length === 0 || rest !== NOTHING) return { kind: 'failed', error: rest }
  if ((boundary._flags & EFFECTIVE) !== 0) {
    if (!boundary._parentCancels) return CAUGHT_HERE
    const own = cancelled.find((one) => one instanceof Cancelled)
    return { kind: 'cancelled', error: own ?? boundary._cancelled('foreign work') }
  }
  // None of them is a mere abort error: those count only where the scope is cancelled.
  const foreign = (cancelled as readonly Cancelled[]).find((one) => !isRaisedWithin(one, boundary))
  if (foreign === undefined) return { kind: 'cancelled', error: cancelled[0] as Cancelled }
  return { kind: 'failed', error: foreignCancellation(foreign) }
}

/**
 * The same at the boundary of a task. What passes it needs a scope further out that is cancelled; otherwise no scope
 * would ever catch it, and the task would vanish without a word.
 */
export function judgeTask(own: ScopeNode, error: unknown): Verdict {
  const verdict = judge(own, error)
  if (verdict.kind !== 'cancelled') return verdict
  for (let scope: ScopeNode | null = own; scope !== null; scope = scope._parent) {
    if ((scope._flags & CANCEL_CALLED) !== 0) return verdict
  }
  const text =
    'the cancellation of a scope that has ended arrived here: a promise that was begun inside it was kept and awaited later. ' +
    'Begin it anew, or give it a task of its own and wait for handle.value()'
  return { kind: 'failed', error: new UsageError(text, { cause: verdict.error }) }
}

/**
 * Whether `error` is cancellation: rule 8 and, where `scope` is given, what counts as the cancellation of a scope
 * around it.
 */
export function isCancellation(error: unknown, scope: ScopeNode | undefined): boolean {
  let aborts = false
  for (let around = scope ?? null; around !== null && !aborts; around = around._parent) aborts = takesAborts(around)
  const { cancelled, rest } = sift(error, aborts, 0)
  return cancelled.length > 0 && rest === NOTHING
}

/**
 * The `Cancelled` with which the signal of another scope has cancelled a scope: it is its reason, and leaves as an
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

/** Whether an abort error without a cause may be this scope's cancellation: its signal was handed out. */
function takesAborts({ _flags: flags }: ScopeNode): boolean {
  return (flags & (EFFECTIVE | HANDED_OUT)) === (EFFECTIVE | HANDED_OUT)
}

interface Sifted {
  /** Besides `Cancelled`, abort errors that count as one here. */
  readonly cancelled: readonly Error[]
  /** What remains without the cancellations; `NOTHING` when there were only these. */
  readonly rest: unknown
}

const NOTHING = Symbol('nothing')

/** A limit for structures that contain themselves. */
const DEEPEST = 32

/** @param aborts - whether an abort error counts without a `Cancelled` as its cause */
function sift(error: unknown, aborts: boolean, depth: number): Sifted {
  if (error instanceof Cancelled) return { cancelled: [error], rest: NOTHING }
  if (error instanceof Error && depth < DEEPEST) {
    if (aborts && isAbort(error)) return { cancelled: [error], rest: NOTHING }
    if (error.name === 'AbortError') return siftAbort(error, depth)
    if (error instanceof AggregateError) return siftAggregate(error, aborts, depth)
    if (isSuppressed(error)) return siftSuppressed(error, aborts, depth)
  }
  return { cancelled: [], rest: error }
}

/** What fetch, node-fetch, axios and Node's own functions reject with when a signal aborts. */
function isAbort(error: Error): boolean {
  if (error.name === 'AbortError') return true
  const { code } = error as { code?: unknown }
  return code === 'ABORT_ERR' || code === 'ERR_CANCELED'
}

/**
 * `events.once`, `timers/promises` and streams make an AbortError of an aborted signal, with the signal's reason as
 * cause.
 */
function siftAbort(error: Error, depth: number): Sifted {
  const { cause } = error
  if (!(cause instanceof Cancelled) && !(cause instanceof Error && cause.name === 'AbortError'))
    return { cancelled: [], rest: error }
  const { cancelled } = sift(cause, false, depth + 1)
  return cancelled.length > 0 ? { cancelled, rest: NOTHING } : { cancelled, rest: error }
}

function siftAggregate(error: AggregateError, aborts: boolean, depth: number): Sifted {
  const cancelled: Error[] = []
  const ordinary: unknown[] = []
  for (const leaf of error.errors as unknown[]) {
    const sifted = sift(leaf, aborts, depth + 1)
    cancelled.push(...sifted.cancelled)
    if (sifted.rest !== NOTHING) ordinary.push(sifted.rest)
  }
  if (cancelled.length === 0) return { cancelled, rest: error }
  return { cancelled, rest: ordinary.length === 0 ? NOTHING : withErrors(error, ordinary) }
}

/** What `using` makes of two errors. By name: Node 20 and 22 have no such class, transpilers bring their own. */
interface Suppressed extends Error {
  readonly error: unknown
  readonly suppressed: unknown
}

function isSuppressed(error: Error): error is Suppressed {
  return error.name === 'SuppressedError' && 'error' in error && 'suppressed' in error
}

function siftSuppressed(error: Suppressed, aborts: boolean, depth: number): Sifted {
  const last = sift(error.error, aborts, depth + 1)
  const first = sift(error.suppressed, aborts, depth + 1)
  const cancelled = [...last.cancelled, ...first.cancelled]
  if (last.rest === NOTHING) return { cancelled, rest: first.rest }
  if (first.rest === NOTHING) return { cancelled, rest: last.rest }
  return { cancelled, rest: error }
}

/**
 * The same kind of aggregate with fewer errors. Subclasses keep their class and fields, but are not constructed anew.
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
