/**
 * When a new task takes its first step: in a microtask, so never inside the `spawn` that made it. A promise reaction keeps
 * the async context in which it was asked for: the task's frame, and the spawner's stores of users' own AsyncLocalStorages.
 *
 * A backend that wants another order, such as a seeded one, puts its own function here.
 */
import { AsyncResource } from 'node:async_hooks'

export type Schedule = (firstStep: () => void) => void

let schedule: Schedule | undefined

export function scheduleFirstStep(firstStep: () => void): void {
  if (schedule === undefined) void resolved.then(firstStep)
  // Whenever it is called, and from wherever: the step runs in the context of this call.
  else schedule(AsyncResource.bind(firstStep))
}

/** Returns the undo. */
export function installSchedule(other: Schedule): () => void {
  const before = schedule
  schedule = other
  return () => {
    schedule = before
  }
}

const resolved = Promise.resolve()
