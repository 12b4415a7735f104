/**
 * Calls that a program did not await. When their scope or task is cancelled or has ended, their waits are refused, and
 * the promise of the user's function rejects without a handler: an `unhandledRejection`, which ends the process. A
 * forgotten `await` must not do that, so these rejections are absorbed, with a warning (FORGET-4).
 *
 * What must stay true:
 * 1. A rejection is absorbed only when its reason *is* an error with which the library refused or cancelled a wait.
 *    Node handles an error that wraps one, and every other error, as usual, in every mode of `--unhandled-rejections`.
 * 2. Listeners of the process are neither added nor called: `process.emit` is intercepted, which Node calls for each
 *    rejection without a handler, once the microtasks of a turn are done. `strict` raises an `uncaughtException` first,
 *    which is intercepted as well.
 * 3. The interception is never removed: a call that was left behind may fail long after its run has ended.
 * 4. This code runs only when a promise is rejected without a handler, or another event of the process is emitted.
 */
import { Cancelled, cancelledCall } from '../errors.ts'
import { atCheck } from './iteration.ts'
import { keepSite, siteOf } from './sites.ts'
import type { FrameNode, ScopeNode } from './tree.ts'
import { warnOnce } from './warnings.ts'

/**
 * Whether rejections can be absorbed here. Other hosts do not ask `process.emit`, and in Jest's sandbox `process` is a
 * copy: there, the promise of an operation that is cancelled is marked as handled, and a dropped call of the user's own
 * is not.
 */
export const absorbs: boolean =
  process.versions['bun'] === undefined &&
  process.versions['deno'] === undefined &&
  process.env['JEST_WORKER_ID'] === undefined

/** Installs the interception. Idempotent. */
export function absorbLeftBehind(): void {
  if (installed || !absorbs) return
  installed = true
  const emit = process.emit as (this: NodeJS.Process, event: string | symbol, ...args: unknown[]) => boolean
  Object.defineProperty(process, 'emit', {
    configurable: true,
    enumerable: false,
    writable: true,
    value(this: NodeJS.Process, event: string | symbol, ...args: unknown[]): boolean {
      return isAbsorbed(event, args) || Reflect.apply(emit, this, [event, ...args])
    },
  })
}

/** `error` refuses `what`, which was called in a frame that has ended. */
export function noteRefused(error: Error, { task, scope }: FrameNode, what: string): void {
  refused.set(error, { what, scope, begun: error })
  if (task.run.traceResources) keepSite(error)
}

/** The parts of a call that the warning needs. */
interface Call {
  readonly what: string
  readonly scope: ScopeNode
  /** The key for `siteOf`. */
  readonly begun: object | undefined
}

let installed = false
const refused = new WeakMap<Error, Call>()
/** Stacks of the errors absorbed in this iteration. */
const expected = new Set<string>()
/** Promises whose rejection was absorbed: `rejectionHandled` is not emitted for them. */
const absorbed = new WeakSet<object>()

function isAbsorbed(event: string | symbol, [first, second]: unknown[]): boolean {
  switch (event) {
    case 'unhandledRejection':
      if (!warnLeftBehind(first)) return false
      absorbed.add(second as object)
      expectWarning((first as Error).stack)
      return true
    case 'rejectionHandled':
      return absorbed.has(first as object)
    case 'uncaughtException':
    case 'uncaughtExceptionMonitor':
      return second === 'unhandledRejection' && warnLeftBehind(first)
    case 'warning':
      return isExpected(first as Error)
    default:
      return false
  }
}

/** In the mode `warn`, Node has already queued two warnings about the rejection for the next tick. */
function expectWarning(stack: string | undefined): void {
  if (stack === undefined) return
  if (expected.size === 0) atCheck(() => expected.clear())
  expected.add(stack)
}

function isExpected({ name, message, stack }: Error): boolean {
  return (
    expected.size > 0 && name === 'UnhandledPromiseRejectionWarning' && (expected.has(message) || expected.has(stack!))
  )
}

/** Emits the warning. False where `reason` is not an error of a call that was left behind. */
function warnLeftBehind(reason: unknown): boolean {
  if (!(reason instanceof Error)) return false
  const call = reason instanceof Cancelled ? cancelledCall(reason) : refused.get(reason)
  if (call === undefined) return false
  const { what, scope, begun } = call as Call
  const task = scope._task!.name
  const site = begun === undefined ? undefined : siteOf(begun)
  const where = site === undefined ? '' : `; it was begun at ${site}`
  const text = `task "${task}" left a call behind that was not awaited: ${reason.message}${where}`
  warnOnce('STRUCTIO_LEFT_BEHIND', `${what}\n${task}\n${scope._name}`, text, undefined, site)
  return true
}
