import type { Cancelled } from '../errors.ts'
import { enterOperation } from './context.ts'
import { Operation } from './operation.ts'
import { settleFairly } from './turn.ts'
import { TASKS } from './waits.ts'

/** A body that waits until one of its own callbacks calls `wake`. A wake that nobody waits for is not kept. */
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
