/**
 * A seeded order: of everything that could go on now, one is chosen at random, and what it sets off in microtasks runs
 * out before the next one is. The same seed and the same program give the same order; another seed gives another one.
 */
import { detached, type Scheduler } from '../../kernel/index.ts'
import { Random, SCHEDULING } from './random.ts'

export class SeededScheduler implements Scheduler {
  readonly #random: Random
  readonly #ready: (() => void)[] = []
  #due = false

  constructor(seed: number) {
    this.#random = new Random(seed, SCHEDULING)
  }

  get busy(): boolean {
    return this.#ready.length > 0
  }

  add(resume: () => void): void {
    this.#ready.push(resume)
    this.#resumeSoon()
  }

  below(count: number): number {
    return this.#random.below(count)
  }

  #resumeSoon(): void {
    if (this.#due) return
    this.#due = true
    detached(setImmediate, this.#resumeOne)
  }

  readonly #resumeOne = (): void => {
    this.#due = false
    const [resume] = this.#ready.splice(this.#random.below(this.#ready.length), 1)
    if (this.#ready.length > 0) this.#resumeSoon()
    resume?.()
  }
}
