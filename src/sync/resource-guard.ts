/** `ResourceGuard`: for what one task at a time may use. */

import { ResourceBusyError } from '../errors.ts'
import { enterFrame } from '../kernel/context.ts'
import { rejected } from '../kernel/operation.ts'
import { checkFunction, checkString } from '../validate.ts'
import { Claim, type Grant, OneGrant, UseCall } from './grant.ts'

/**
 * Refuses a second user instead of letting it wait: for a resource that two tasks would only spoil for one another. The
 * counterpart of AnyIO's `ResourceGuard`.
 */
export class ResourceGuard {
  readonly #action: string
  #busy = false

  /** @param action - what is done with it, for the error: 'reading from' */
  constructor(action: string = 'using') {
    checkString('action', action)
    this.#action = action
  }

  /**
   * Begins to use it: `using guarded = guard.enter()`. Works anywhere, also outside every task.
   *
   * @throws ResourceBusyError while somebody else does
   */
  enter(): Disposable {
    return this.#enter()
  }

  /**
   * Runs `body` while it is in use, which is until `body` settles. Calls that `body` has begun and not awaited are not guarded
   * from then on: await them, or run them in a task group inside `body`.
   *
   * @throws ResourceBusyError while somebody else uses it; Cancelled, before anything else, in a cancelled scope
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T> {
    try {
      checkFunction('body', body)
      const frame = enterFrame('use')
      // No holding: inside itself it is as busy as for anybody else.
      return new Claim('use', new UseCall(frame, undefined, body)).takeNow(this.#enter(), frame.scope) as Promise<T>
    } catch (error) {
      return rejected(error)
    }
  }

  #enter(): Grant {
    if (this.#busy) throw new ResourceBusyError(`another task is already ${this.#action} this resource`)
    this.#busy = true
    return new OneGrant(this.#leave)
  }

  readonly #leave = (): void => {
    this.#busy = false
  }
}
