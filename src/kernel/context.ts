/**
 * The frame (task and innermost scope) of the running code, which travels with the async context (SCOPE-2), and the two
 * functions through which every operation enters.
 *
 * Invariants
 * 1. There is one AsyncLocalStorage. Frames are entered with `run` only: `enterWith` would leak into the caller.
 * 2. A frame never changes. The objects that it points to do: a scope is cancelled, a task ends, a `use` is over.
 * 3. The entry of an operation costs one look-up and one test of `scope._flags`. Everything else is the slow path.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { NotRunningError, RunFinishedError, UsageError } from '../errors.ts'
import type { CancelScope } from './cancel-scope.ts'
import { refuse } from './refusals.ts'
import { ENDED, SHUT } from './scope-flags.ts'
import type { Task } from './task.ts'

/** The content of the async context. */
export class Frame {
  readonly task: Task
  readonly scope: CancelScope
  /** The `use` calls around the running code, innermost first. */
  readonly held: Holding | undefined

  constructor(task: Task, scope: CancelScope, held?: Holding) {
    this.task = task
    this.scope = scope
    this.held = held
  }
}

/** One `use` of a primitive. It owns the grant, and the frame of its body carries it (GRANT-2). */
export class Holding {
  /**
   * Cleared when the `use` is over: frames never change, and code that outlived the body still has one that names this.
   */
  primitive: object | undefined
  readonly task: Task
  readonly outer: Holding | undefined

  constructor(primitive: object, task: Task, outer: Holding | undefined) {
    this.primitive = primitive
    this.task = task
    this.outer = outer
  }
}

const storage = new AsyncLocalStorage<Frame>()

/** The frame of the running code, ended or not; `undefined` outside every `run`. */
export function currentFrame(): Frame | undefined {
  return storage.getStore()
}

/**
 * `args` is optional because most tasks have none: spreading a list at each call of a task's function costs too much.
 */
export function callInFrame<A extends unknown[], R>(frame: Frame, fn: (...args: A) => R, args?: A): R {
  return args === undefined || args.length === 0 ? storage.run(frame, fn) : storage.run(frame, fn, ...args)
}

/**
 * The entry of every async operation, which makes it a checkpoint. Returns the scope to begin in.
 *
 * @param what - the operation's name, for the text of the errors
 * @throws Cancelled when the scope is effectively cancelled, or its body has already settled
 * @throws NotRunningError outside every `run`; RunFinishedError where the run has settled; UsageError in an ended frame
 */
export function enterOperation(what: string): CancelScope {
  return enterFrame(what).scope
}

/** The same, for callers that also need the task and the `use` calls around. */
export function enterFrame(what: string): Frame {
  const frame = storage.getStore()
  if (frame !== undefined && (frame.scope._flags & SHUT) === 0) return frame
  const scope = liveScope(frame, what)
  throw refuse(frame, what, scope._cancelled(what))
}

/**
 * The entry of operations that work in a cancelled scope, too: schedule points, and closing. Never throws `Cancelled`.
 */
export function enterUncancelled(what: string): CancelScope {
  return liveScope(storage.getStore(), what)
}

/** The current frame, which must be that of a task that has not ended. */
export function requireFrame(what: string): Frame {
  const frame = storage.getStore()
  liveScope(frame, what)
  return frame as Frame
}

function liveScope(frame: Frame | undefined, what: string): CancelScope {
  if (frame === undefined) {
    const text = `${what} needs a running event loop: call it in a task of run(main), or start one with tg.spawn`
    throw refuse(frame, what, new NotRunningError(text))
  }
  const { scope } = frame
  if ((scope._flags & ENDED) === 0) return scope
  throw refuse(frame, what, endedError(frame, what))
}

/** The error of a call in a frame whose scope has ended. */
function endedError({ task, scope }: Frame, what: string): UsageError {
  if (task.run.settled) return new RunFinishedError(`${what} was called in ${task.run.label}, which has finished`)
  if (task.ended)
    return new UsageError(`${what} was called in task "${task.name}", which has ended: was a promise not awaited?`)
  const place = scope._name === undefined ? 'a scope' : `scope "${scope._name}"`
  return new UsageError(
    `${what} was called in ${place} of task "${task.name}" that has ended: was a promise not awaited?`,
  )
}
