/**
 * `Sequencer`: steps of different tasks in a fixed order.
 *
 * Invariants
 * 1. A position is claimed once, and only the step at the next position runs.
 * 2. A step that will never be taken (its waiter was cancelled, its body failed) breaks the sequence. No step waits in a
 *    broken sequence.
 */

import { type Cancelled, UsageError } from '../errors.ts'
import { enterOperation, immediate, rejected, Waiter, WaitQueue } from '../kernel/index.ts'
import { checkpoint } from '../scopes.ts'
import { type Grant, OneGrant } from '../sync/grant.ts'
import { ownedByScope } from '../common/owned.ts'
import { checkFunction, checkInteger } from '../common/validate.ts'

/**
 * Runs steps of different tasks in a fixed order, so that a test can produce one interleaving. Each step has a position,
 * from 0 on, and each position is used once. A step begins when all steps before it have ended.
 *
 * @example
 * ```ts
 * const order = new Sequencer()
 * await createTaskGroup((tg) => {
 *   tg.spawn(async () => {
 *     await order.use(0, () => client.send('first'))
 *     await order.use(2, () => client.send('third'))
 *   })
 *   tg.spawn(() => order.use(1, () => other.send('second')))
 * })
 * ```
 *
 * If a step will never be taken (its waiter was cancelled, or its body failed), all later positions get a `UsageError`
 * that names the missing step.
 */
export class Sequencer {
  #next = 0
  readonly #claimed = new Set<number>()
  readonly #waiting = new WaitQueue<Step>()
  /** Why the sequence is broken. */
  #broken: string | undefined

  /**
   * Waits for the turn of `position`, then runs `body`. The next position follows when `body` has returned.
   *
   * @throws RangeError if `position` is no integer of at least 0; UsageError if it was used already, or the sequence is
   * broken
   */
  use<T>(position: number, body: () => T | PromiseLike<T>): Promise<T> {
    try {
      checkFunction('body', body)
      const turn = this.acquire(position)
      return ownedByScope(this.#run(position, turn, body))
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Waits for the turn of `position`. The next position follows when the grant is released:
   * `await using step = await order.acquire(1)`. A disposer cannot see whether its block has failed, so a failure of the
   * block does not break the sequence.
   *
   * @throws as `use` does
   */
  acquire(position: number): Promise<Grant> {
    try {
      checkInteger('position', position)
      this.#claim(position)
      const turn = this.#wait(position)
      return ownedByScope(this.#unlessBroken(position, turn))
    } catch (error) {
      return rejected(error)
    }
  }

  /** @internal */
  _break(why: string): void {
    this.#broken ??= why
    this.#waiting.drain((step) => step.answer(undefined))
  }

  #claim(position: number): void {
    if (this.#claimed.has(position)) throw new UsageError(`position ${position} of the sequence has been used already`)
    this.#claimed.add(position)
  }

  /** The grant; `undefined` if the sequence is broken, or breaks meanwhile. */
  #wait(position: number): Promise<Grant | undefined> {
    try {
      const scope = enterOperation('acquire')
      if (this.#broken !== undefined) return immediate(undefined)
      if (position === this.#next) return immediate(this.#grant())
      return new Step(this, position).waitIn(this.#waiting, scope)
    } catch (error) {
      this._break(`position ${position} was given up`)
      throw error
    }
  }

  async #unlessBroken(position: number, turn: Promise<Grant | undefined>): Promise<Grant> {
    const grant = await turn
    if (grant !== undefined) return grant
    // The failure that broke the sequence may be about to cancel this task: then the cancellation comes out.
    await checkpoint()
    throw new UsageError(`the sequence is broken before position ${position}: ${this.#broken}`)
  }

  async #run<T>(position: number, turn: Promise<Grant>, body: () => T | PromiseLike<T>): Promise<T> {
    const grant = await turn
    let value: T
    try {
      value = await body()
    } catch (error) {
      this._break(`the body of position ${position} failed`)
      throw error
    }
    grant.release()
    return value
  }

  #grant(): Grant {
    return new OneGrant(() => this.#pass())
  }

  #pass(): void {
    this.#next++
    for (const step of this.#waiting) {
      if (step.position !== this.#next) continue
      this.#waiting.delete(step)
      step.grant(this.#grant())
      return
    }
  }
}

class Step extends Waiter<Grant | undefined> {
  readonly position: number
  readonly #sequencer: Sequencer

  constructor(sequencer: Sequencer, position: number) {
    super(`position ${position} of a sequence`)
    this.#sequencer = sequencer
    this.position = position
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    super.onCancel(cancelled)
    this.#sequencer._break(`position ${this.position} was given up`)
  }
}
