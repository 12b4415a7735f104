/**
 * Refused calls. An operation that is begun in a cancelled scope, or in a frame that has ended, fails at once. A loop
 * that catches the error and tries again would run in microtasks for ever: no timer, signal or socket would get its
 * turn (FORGET-1).
 *
 * What must stay true:
 * 1. At most `MOST` refusals reach one task between two iterations of the event loop, from one `setImmediate` to the
 *    next. Later ones come in later iterations. Every call is refused.
 * 2. After `MANY` of them in one task and scope there is one warning, which names the loop's wait.
 * 3. A task has no field for this: the counts are kept here, and only for tasks with current refusals.
 * 4. A late refusal keeps the process alive only if a scope waits for it: a loop that an ended run left behind does not
 *    keep the process alive.
 */
import { Cancelled } from '../errors.ts'
import { abandoning, noteActivity } from './abandonment.ts'
import { atCheck } from './iteration.ts'
import { noteRefused } from './left-behind.ts'
import { CLOSING, ENDED } from './scope-flags.ts'
import { siteOf } from './sites.ts'
import type { FrameNode, ScopeNode, TaskNode } from './tree.ts'
import { warnOnce } from './warnings.ts'

/** A refusal that is delivered in a later iteration. */
export interface LateRefusal {
  readonly error: Error
  readonly what: string
  /** The scope that waits for the delivery, if there is one. */
  readonly scope: ScopeNode | undefined
}

/**
 * Counts a refused call. Returns `error`, to be thrown; `rejected` delivers it now or later.
 *
 * @param frame - `undefined` outside every run
 */
export function refuse<E extends Error>(frame: FrameNode | undefined, what: string, error: E): E {
  const key = frame === undefined ? NOWHERE : frame.task
  const count = (counts.get(key) ?? 0) + 1
  counts.set(key, count)
  if (frame !== undefined) {
    countSwallowed(frame, what)
    if (abandoning > 0) noteActivity(frame.scope)
    if (error instanceof Cancelled) frame.scope._noteDelivered()
    else noteRefused(error, frame, what)
  }
  // One place of `MOST` is left for the late refusal, which is delivered at the beginning of an iteration.
  late = count < MOST ? undefined : { error, what, scope: waitingScope(frame) }
  if (count === 1) arm(false)
  return error
}

/** The late refusal of `error`, if it is one. Must be called in the same call that was refused. */
export function takeLate(error: unknown): LateRefusal | undefined {
  if (late === undefined || late.error !== error) return undefined
  const taken = late
  late = undefined
  return taken
}

/** Calls `deliver` in the next iteration. @param keepsAlive - whether the process waits for it */
export function deliverLater(deliver: () => void, keepsAlive: boolean): void {
  waiting.push(deliver)
  arm(keepsAlive)
}

/** Maximum of refusals of one task between two iterations (1). */
const MOST = 64

/** Refusals in one task and scope that give a warning: only a loop has so many (2). */
const MANY = 1000

/** Calls outside every run share one count. */
const NOWHERE = {}

/** Refusals since the last iteration. */
const counts = new Map<object, number>()
let late: LateRefusal | undefined
let waiting: (() => void)[] = []
let iteration: NodeJS.Immediate | undefined

/** Refusals so far, by the scope whose cancellation they deliver. */
const swallowed = new WeakMap<ScopeNode, WeakMap<TaskNode, number>>()

function waitingScope(frame: FrameNode | undefined): ScopeNode | undefined {
  return frame === undefined || (frame.scope._flags & (CLOSING | ENDED)) !== 0 ? undefined : frame.scope
}

function arm(keepsAlive: boolean): void {
  if (iteration === undefined) iteration = atCheck(nextIteration).unref()
  if (keepsAlive) iteration.ref()
}

function nextIteration(): void {
  iteration = undefined
  counts.clear()
  const due = waiting
  waiting = []
  for (const deliver of due) deliver()
}

function countSwallowed({ task, scope }: FrameNode, what: string): void {
  const cause = scope._cause ?? scope
  let ofTask = swallowed.get(cause)
  if (ofTask === undefined) swallowed.set(cause, (ofTask = new WeakMap()))
  const count = (ofTask.get(task) ?? 0) + 1
  ofTask.set(task, count)
  if (count !== MANY) return
  const where = `task "${task.name}" has caught ${MANY} refused waits in a row (the last: ${what})`
  const ended = (scope._flags & ENDED) !== 0
  const why = ended ? `its ${task.ended ? 'function' : 'scope'} has ended` : `${cause._label} is cancelled`
  warnOnce('STRUCTIO_SWALLOWED', `${task.name}\n${cause._name}\n${what}`, `${where}; ${why}`, siteOf(task))
}
