/**
 * Walks through folders, one listing after another. It is no generator: a cancelled `next()` would end that, but must
 * lose nothing here (GENERAL-10).
 */
import { ResourceBusyError } from '../errors.ts'
import { rejected } from '../kernel/index.ts'
import { checkpointIfCancelled } from '../scopes.ts'
import { ownedByScope } from '../common/owned.ts'
import { namePattern } from './path-parts.ts'

/** The values of a step, and the steps that follow, in order. */
export interface Found<T> {
  readonly values: readonly T[]
  readonly steps: readonly Step<T>[]
}

/** A step that was cancelled can be run again. */
export type Step<T> = () => Promise<Found<T>>

export class Search<T> implements AsyncIterableIterator<T> {
  #values: T[] = []
  readonly #steps: Step<T>[]
  #busy = false
  #returned = false

  constructor(first: Step<T>) {
    this.#steps = [first]
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#busy) return rejected(new ResourceBusyError('next: another call of this iterator is still waiting'))
    this.#busy = true
    return ownedByScope(this.#next().finally(() => (this.#busy = false)))
  }

  return(): Promise<IteratorResult<T>> {
    this.#returned = true
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    this.#returned = false
    return this
  }

  async #next(): Promise<IteratorResult<T>> {
    // A value without a listing is a checkpoint as well.
    if (this.#values.length > 0 || this.#steps.length === 0) await checkpointIfCancelled()
    while (!this.#returned) {
      const value = this.#values.shift()
      if (value !== undefined) return { done: false, value }
      const step = this.#steps.at(-1)
      if (step === undefined) break
      const { values, steps } = await step()
      this.#steps.pop()
      this.#values.push(...values)
      this.#steps.push(...[...steps].reverse())
    }
    return { done: true, value: undefined }
  }
}

/** The names of a pattern: `'**'` is any number of folders. */
export type Segment = '**' | RegExp

export function toSegments(pattern: string): Segment[] {
  return pattern
    .split(/[\\/]+/)
    .filter((name) => name !== '' && name !== '.')
    .map((name) => (name === '**' ? '**' : namePattern(name)))
}
