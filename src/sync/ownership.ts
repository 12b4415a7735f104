/** Who holds a lock or a token: a task that acquired it, or the call of a `use`. */

import { UsageError } from '../errors.ts'
import { currentFrame, Frame, Holding, requireFrame, Task, type TaskInfo } from '../kernel/index.ts'

export type Owner = Task | Holding

/**
 * The frame that runs now, for what belongs to tasks and does not wait. Its scope may have ended: what the task has, it can
 * release there too.
 *
 * @throws NotRunningError outside every task; UsageError in a task that has ended, RunFinishedError where its run has settled
 */
export function taskFrame(what: string): Frame {
  const frame = currentFrame()
  return frame === undefined || frame.task.ended ? requireFrame(what) : frame
}

/** Whether the running code is inside a `use` of `primitive`, and which. One that is over does not count. */
export function heldHere(primitive: object, frame: Frame | undefined): Holding | undefined {
  for (let holding = frame?.held; holding !== undefined; holding = holding.outer) {
    if (holding.primitive === primitive) return holding
  }
  return undefined
}

/** A frame for the body of a `use` that the code of the given frame calls. */
export function frameForUse(primitive: object, { task, scope, held }: Frame): { frame: Frame; holding: Holding } {
  // What re-arms itself from inside a body would otherwise drag along every call that it was ever in.
  let outer = held
  while (outer !== undefined && outer.primitive === undefined) outer = outer.outer
  const holding = new Holding(primitive, task, outer)
  return { frame: new Frame(task, scope, holding), holding }
}

/** @throws UsageError inside a `use` of `primitive`, where the running code would wait for itself */
export function refuseHeld(primitive: object, what: string, frame: Frame | undefined): void {
  if (heldHere(primitive, frame) === undefined) return
  throw new UsageError(`${what}: the running code is inside a use() of it already, and would wait for itself`)
}

/** What statistics show of a borrower: the task that it is, or whose call it is; any other as it was given. */
export function shownOwner(owner: unknown): unknown {
  return owner instanceof Task || owner instanceof Holding ? taskInfoOf(owner) : owner
}

export function taskInfoOf(owner: Owner): TaskInfo {
  return owner instanceof Task ? owner.info : owner.task.info
}
