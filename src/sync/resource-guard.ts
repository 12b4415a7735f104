/** `ResourceGuard`: one user at a time, and an error for a second one. */

import { ResourceBusyError } from '../errors.ts'
import { enterFrame, rejected } from '../kernel/index.ts'
import { checkFunction, checkString } from '../common/validate.ts'
import { Claim, type Grant, OneGrant, UseCall } from './grant.ts'

/**
 * Guards a resource that only one task may use at a time. A second user gets a `ResourceBusyError` instead of waiting:
 * two tasks that read from one stream, for example, are a mistake in the program.
 *
 * @example
 * ```ts
 * class Reader {
 *   readonly #guard = new ResourceGuard('reading from')
 *   read(): Promise<string> {
 *     return this.#guard.use(() => this.#readNext())
 *   }
 * }
 * ```
 */
export class ResourceGuard {
  readonly #action: string
  #busy = false

  /** @param action - the use, as the error message names it: `'reading from'`. Default `'using'` */
  constructor(action: string = 'using') {
    checkString('action', action)
    this.#action = action
  }

  /**
   * Starts to use the resource, until the result is disposed: `using guarded = guard.enter()`. Works anywhere.
   *
   * @throws ResourceBusyError while the resource is in use
   */
  enter(): Disposable {
    return this.#enter()
  }

  /**
   * Runs `body`; the resource is in use until `body` settles. Calls that `body` has begun and not awaited are not
   * guarded from then on: await them, or run them in a task group inside `body`.
   *
   * @throws ResourceBusyError while the resource is in use; Cancelled, before anything else, in a cancelled scope
   */
  use<T>(body: () => T | PromiseLike<T>): Promise<T> {
    try {
      checkFunction('body', body)
      const frame = enterFrame('use')
      // No holding: a `use` inside the body is refused as any other.
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
