import type { Cancelled } from '../errors.ts'
import { enterOperation } from './context.ts'
import { Operation } from './operation.ts'
import { settleFairly } from './turn.ts'
import { TASKS } from './waits.ts'

/** A wait that ends when a callback calls `wake`. A `wake` without a waiter is not kept. */
export class Wakeup extends Operation<void> {
  readonly #what: string

  constructor(what: string) {
    super()
    this.#what = what
  }

  wait(): Promise<void> {
    return this.begin(enterOperation(this.#what))
  }

  wake(): void {
    if (this.pending) settleFairly(() => this.resolve(), undefined)
  }

  override describe(): string {
    return this.#what
  }

  override get waitsFor(): number {
    return TASKS
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.reject(cancelled())
  }
}
