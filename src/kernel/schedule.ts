/**
 * When things go on that could go on now: the first step of a task, and the code behind an operation that has settled.
 *
 * A new task takes its first step in a microtask, so never inside the `spawn` that made it. A promise reaction keeps
 * the async context in which it was asked for: the task's frame, and the spawner's stores of users' own
 * AsyncLocalStorages. What has settled goes on in the same turn. A host that wants another order, such as a seeded one,
 * has a scheduler.
 */
import { AsyncResource } from 'node:async_hooks'

/** Decides the order. */
export interface Scheduler {
  /** `resume` is to be called exactly once: later, never inside this call, from wherever. */
  add(resume: () => void): void
}

/**
 * How many active runs have a scheduler. Where nobody has one, which is in every program but some tests, an operation
 * that settles asks for this number and no further.
 */
export let schedulers = 0

export function useScheduler(scheduler: Scheduler | undefined): void {
  if (scheduler !== undefined) schedulers++
}

export function leaveScheduler(scheduler: Scheduler | undefined): void {
  if (scheduler !== undefined) schedulers--
}

/** In the frame of the task. */
export function scheduleFirstStep(firstStep: () => void, scheduler: Scheduler | undefined): void {
  if (scheduler === undefined) void resolved.then(firstStep)
  // Whenever it is called, and from wherever: the step runs in the context of this call.
  else scheduler.add(AsyncResource.bind(firstStep))
}

const resolved = Promise.resolve()
