/**
 * What leaves a scope, a task or a group when its body threw: rules 8 and 9 of api.md §2.
 *
 * Cancellation must be recognised behind what JavaScript makes of it (`events.once` wraps it, `Promise.any` collects
 * it), and whose it is must be decided by the tree, at the boundary, not by who raised it: a scope may have become
 * cancelled, shielded or moved while the error was on its way.
 */
import { Cancelled, ExceptionGroup, UsageError, cancelledIn } from '../errors.ts'
import type { CancelScope } from './cancel-scope.ts'
import { EFFECTIVE } from './scope-flags.ts'

/** The verdict on an error at the boundary of a scope. */
export type Verdict =
  /** An ordinary error (perhaps without the cancellations that were mixed into it): it leaves. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Cancellation that another scope, further out, will catch: it leaves. */
  | { readonly kind: 'cancelled'; readonly error: Cancelled }
  /** Cancellation of this scope: it stops here. */
  | { readonly kind: 'caught' }

const CAUGHT_HERE: Verdict = { kind: 'caught' }

export function judge(boundary: CancelScope, error: unknown): Verdict {
  const { cancelled, rest } = sift(error, 0)
  if (cancelled.length === 0 || rest !== NOTHING) return { kind: 'failed', error: rest }
  if ((boundary._flags & EFFECTIVE) !== 0) {
    return boundary._parentCancels ? { kind: 'cancelled', error: cancelled[0]! } : CAUGHT_HERE
  }
  const foreign = cancelled.find((one) => !isRaisedWithin(one, boundary))
  if (foreign === undefined) return { kind: 'cancelled', error: cancelled[0]! }
  const text =
    'the cancellation of another scope arrived here: a promise that was begun elsewhere was awaited. ' +
    'Give shared work a task of its own and let others wait for handle.value()'
  return { kind: 'failed', error: new UsageError(text, { cause: foreign }) }
}

interface Sifted {
  readonly cancelled: readonly Cancelled[]
  /** What remains without the cancellations; `NOTHING` when there were only these. */
  readonly rest: unknown
}

const NOTHING = Symbol('nothing')

/** A limit for structures that contain themselves. */
const DEEPEST = 32

function sift(error: unknown, depth: number): Sifted {
  if (error instanceof Cancelled) return { cancelled: [error], rest: NOTHING }
  if (error instanceof Error && depth < DEEPEST) {
    if (error.name === 'AbortError') return siftAbort(error, depth)
    if (error instanceof AggregateError) return siftAggregate(error, depth)
    if (isSuppressed(error)) return siftSuppressed(error, depth)
  }
  return { cancelled: [], rest: error }
}

/** `events.once`, `timers/promises` and streams make an AbortError of an aborted signal, with the signal's reason as cause. */
function siftAbort(error: Error, depth: number): Sifted {
  const { cause } = error
  if (!(cause instanceof Cancelled) && !(cause instanceof Error && cause.name === 'AbortError'))
    return { cancelled: [], rest: error }
  const { cancelled } = sift(cause, depth + 1)
  return cancelled.length > 0 ? { cancelled, rest: NOTHING } : { cancelled, rest: error }
}

function siftAggregate(error: AggregateError, depth: number): Sifted {
  const cancelled: Cancelled[] = []
  const ordinary: unknown[] = []
  for (const leaf of error.errors as unknown[]) {
    const sifted = sift(leaf, depth + 1)
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

function siftSuppressed(error: Suppressed, depth: number): Sifted {
  const last = sift(error.error, depth + 1)
  const first = sift(error.suppressed, depth + 1)
  const cancelled = [...last.cancelled, ...first.cancelled]
  if (last.rest === NOTHING) return { cancelled, rest: first.rest }
  if (first.rest === NOTHING) return { cancelled, rest: last.rest }
  return { cancelled, rest: error }
}

/** The same kind of aggregate with fewer errors. Subclasses keep their class and fields, but are not constructed anew. */
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

function isRaisedWithin(error: Cancelled, boundary: CancelScope): boolean {
  const scope = cancelledIn(error) as CancelScope | undefined
  return scope !== undefined && scope._isWithin(boundary)
}

/** Rule 8 without context: whether an error is made of cancellations and nothing else. */
export function isCancellation(error: unknown): boolean {
  const { cancelled, rest } = sift(error, 0)
  return cancelled.length > 0 && rest === NOTHING
}
