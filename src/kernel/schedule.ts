/**
 * Decides when ready code runs: the first step of a task, and the code after an operation that has settled.
 *
 * A new task takes its first step in a microtask, never inside the `spawn` that made it (TASK-1). A promise reaction
 * keeps the async context in which it was registered: the task's frame, and the spawner's stores of other
 * AsyncLocalStorages. Code after a settled operation runs in the same turn. A host with another order, such as a seeded
 * one, has a scheduler.
 */
import { AsyncResource } from 'node:async_hooks'

/** Decides the order in which ready code runs. */
export interface Scheduler {
  /** Must call `resume` exactly once, later than this call, in any async context. */
  add(resume: () => void): void
  /** Chooses an integer from 0 to `count - 1`; what has no opinion leaves it out. */
  below?(count: number): number
}

/**
 * Number of active runs with a scheduler. Only tests have one: in other programs, an operation that settles tests this
 * number and nothing else.
 */
export let schedulers = 0

export function useScheduler(scheduler: Scheduler | undefined): void {
  if (scheduler !== undefined) schedulers++
}

export function leaveScheduler(scheduler: Scheduler | undefined): void {
  if (scheduler !== undefined) schedulers--
}

/** Called in the frame of the task. */
export function scheduleFirstStep(firstStep: () => void, scheduler: Scheduler | undefined): void {
  if (scheduler === undefined) void resolved.then(firstStep)
  // Bound: the step runs in the async context of this call.
  else scheduler.add(AsyncResource.bind(firstStep))
}

const resolved = Promise.resolve()
