/** One question to the backend: a look-up, a connection attempt, a bind. */

import type { Abandon, Answer, Backend } from '../backends/contract/backend.ts'
import type { Cancelled } from '../errors.ts'
import { enterFrame, enterOperation, type Frame, Operation, rejected, requireFrame } from '../kernel/index.ts'

/**
 * Puts the question and waits for the answer; a cancelled caller leaves at once, and what the backend may have made by
 * then it throws away itself.
 *
 * @param what - for texts: 'connect to 127.0.0.1:80'
 */
export function ask<T>(what: string, put: (answer: Answer<T>) => Abandon): Promise<T> {
  try {
    return new Question<T>(what).ask(put)
  } catch (error) {
    return rejected(error)
  }
}

/** Where a call was made: in which frame, and so on which backend. */
export interface Context {
  readonly backend: Backend
  readonly frame: Frame
}

/** The context of the running task. */
export function currentBackend(what: string): Context {
  return contextOf(requireFrame(what))
}

/**
 * The same, as the checkpoint that a call of several waits begins with. A refusal that comes out of an `async` function
 * comes at once, however often (refusals.ts): so it must not be left to the first wait.
 */
export function enterBackend(what: string): Context {
  return contextOf(enterFrame(what))
}

function contextOf(frame: Frame): Context {
  // Every run is given a whole backend; the kernel only knows less of it.
  return { backend: frame.task.run.host as Backend, frame }
}

class Question<T> extends Operation<T> {
  readonly #what: string
  #abandon: Abandon | undefined

  constructor(what: string) {
    super()
    this.#what = what
  }

  ask(put: (answer: Answer<T>) => Abandon): Promise<T> {
    const promise = this.begin(enterOperation(this.#what))
    this.#abandon = put((error, value) => {
      if (error === undefined) this.resolve(value as T)
      else this.reject(error)
    })
    return promise
  }

  override describe(): string {
    return this.#what
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.#abandon?.()
    this.reject(cancelled())
  }
}
