/**
 * The body of `raceTasks`: the first task to finish or fail decides, and cancels the others. Errors that these throw
 * while they clean up go to the channel `structio:suppressed-error`.
 */
import {
  CancelScope,
  runTaskGroup,
  type Task,
  type TaskFunction,
  type TaskOwner,
  tellSuppressed,
} from './kernel/index.ts'

export function race(jobs: readonly TaskFunction[]): Promise<unknown> {
  const scope = new CancelScope()
  const owner = new Race(scope)
  return runTaskGroup(
    scope,
    (group) => {
      for (const job of jobs) group._spawn(owner, job, undefined, [])
    },
    { what: 'raceTasks', conclude: () => owner.first },
  )
}

class Race implements TaskOwner {
  first: { readonly failed: boolean; readonly outcome: unknown } | undefined
  readonly #scope: CancelScope

  constructor(scope: CancelScope) {
    this.#scope = scope
  }

  taskFailed(task: Task): void {
    if (this.first !== undefined) tellSuppressed(task)
    this.#finished(true, task._outcome)
  }

  taskEnded(task: Task): void {
    if (task._endState === 'finished') this.#finished(false, task._outcome)
  }

  #finished(failed: boolean, outcome: unknown): void {
    this.first ??= { failed, outcome }
    this.#scope.cancel('another task of the race was first')
  }
}
