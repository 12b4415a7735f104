/**
 * Tasks that do as a script says, for property tests: each owns by its own task, calls in a scope of its own that can be
 * cancelled, and writes what became of the call into a log that all share.
 */
import { AsyncResource } from 'node:async_hooks'
import { Cancelled } from '../../src/errors.ts'
import { CancelScope } from '../../src/scopes.ts'
import { createTaskGroup } from '../../src/task-groups.ts'

export class Actor {
  readonly index: number
  readonly #log: string[]
  /** Calls a function in the frame of the actor's task, from wherever the script runs. */
  readonly #inTask: (fn: () => unknown) => unknown
  #scope: CancelScope | undefined

  /** In the task that it acts for. */
  constructor(index: number, log: string[]) {
    this.index = index
    this.#log = log
    this.#inTask = AsyncResource.bind(callIt)
  }

  now<T>(fn: () => T): T {
    return this.#inTask(fn) as T
  }

  /** Begins a call. `done` is the word for the log when it has a value; otherwise it is 'cancelled' or the error's name. */
  begin<T>(call: () => Promise<T>, done: (value: T) => string): void {
    const scope = new CancelScope()
    this.#scope = scope
    const say = (word: string): void => void this.#log.push(`${this.index} ${word}`)
    // Inside: a scope would hide whether the call itself had a value, and one that was cancelled ends an iteration later.
    this.#inTask(() =>
      scope.run(() =>
        call().then(
          (value) => say(done(value)),
          (error: unknown) => say(nameOf(error)),
        ),
      ),
    )
  }

  /** Cancels the latest call; harmless when it is over. */
  cancel(): void {
    this.#scope?.cancel()
  }
}

function callIt(fn: () => unknown): unknown {
  return fn()
}

function nameOf(error: unknown): string {
  if (error instanceof Cancelled) return 'cancelled'
  return error instanceof Error ? error.name : String(error)
}

/** Runs `drive` beside `count` tasks, one for each actor, which end with it. */
export async function withActors(
  count: number,
  drive: (actors: Actor[], log: string[]) => Promise<void>,
): Promise<void> {
  const log: string[] = []
  const actors: Actor[] = []
  let end = (): void => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))
  await createTaskGroup(async (group) => {
    for (let index = 0; index < count; index++) {
      group.spawn(() => {
        actors[index] = new Actor(index, log)
        return ended
      })
    }
    // Their first steps.
    await null
    await null
    try {
      await drive(actors, log)
    } finally {
      end()
    }
  })
}

/** What was written since the last time. */
export function drain(log: string[]): string[] {
  return log.splice(0)
}

/** What a call gives, or the name of the error that it throws. */
export function word(call: () => string): string {
  try {
    return call()
  } catch (error) {
    return (error as Error).name
  }
}

/** Compares what was found with what the model says. */
export function same(found: unknown, wanted: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)]
  if (a !== b) throw new Error(`${a}, should be ${b}`)
}
