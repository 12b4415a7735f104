/**
 * When a new task takes its first step: in a microtask, so never inside the `spawn` that made it. A promise reaction keeps
 * the async context of the spawner, which is what users' own AsyncLocalStorages rely on.
 *
 * A backend that wants another order, such as a seeded one, puts its own function here.
 */
export type Schedule = (firstStep: () => void) => void

let schedule: Schedule = inMicrotask

export function scheduleFirstStep(firstStep: () => void): void {
  schedule(firstStep)
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

function inMicrotask(firstStep: () => void): void {
  void resolved.then(firstStep)
}
