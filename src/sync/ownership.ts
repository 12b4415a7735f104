/** The owner of a lock or a token: a task that acquired it, or a call of `use`. */

import { UsageError } from '../errors.ts'
import { currentFrame, Frame, Holding, requireFrame, Task, type TaskInfo } from '../kernel/index.ts'

export type Owner = Task | Holding

/**
 * The running frame, for calls that need a task and do not wait. Its scope may have ended: the task can still release
 * what it owns there.
 *
 * @throws NotRunningError outside every task; UsageError in a task that has ended; RunFinishedError if its run has
 * settled
 */
export function taskFrame(what: string): Frame {
  const frame = currentFrame()
  return frame === undefined || frame.task.ended ? requireFrame(what) : frame
}

/** The `use` of `primitive` that encloses the running code, if there is one. A `use` that has ended does not count. */
export function heldHere(primitive: object, frame: Frame | undefined): Holding | undefined {
  for (let holding = frame?.held; holding !== undefined; holding = holding.outer) {
    if (holding.primitive === primitive) return holding
  }
  return undefined
}

/** The frame for the body of a `use` that the given frame calls. */
export function frameForUse(primitive: object, { task, scope, held }: Frame): { frame: Frame; holding: Holding } {
  // Skips ended calls: code that re-arms itself from inside a body would otherwise keep every call that it was ever in.
  let outer = held
  while (outer !== undefined && outer.primitive === undefined) outer = outer.outer
  const holding = new Holding(primitive, task, outer)
  return { frame: new Frame(task, scope, holding), holding }
}

/** @throws UsageError inside a `use` of `primitive`: the running code would wait for itself */
export function refuseHeld(primitive: object, what: string, frame: Frame | undefined): void {
  if (heldHere(primitive, frame) === undefined) return
  throw new UsageError(`${what}: the running code is inside a use() of it already, and would wait for itself`)
}

/** The borrower that statistics show: a task or the task of a `use` as its info, any other as it was given. */
export function shownOwner(owner: unknown): unknown {
  return owner instanceof Task || owner instanceof Holding ? taskInfoOf(owner) : owner
}

export function taskInfoOf(owner: Owner): TaskInfo {
  return owner instanceof Task ? owner.info : owner.task.info
}
