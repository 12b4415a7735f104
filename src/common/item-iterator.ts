/**
 * Iteration over a queue or a memory object stream, written by hand: an async generator would be finished for good by a
 * `next()` that threw, while an iterator of ours survives a cancellation and loses nothing (GENERAL-10).
 */

import { ResourceBusyError } from '../errors.ts'
import { rejected } from '../kernel/index.ts'
import { thenOwned } from './owned.ts'

export class ItemIterator<T> implements AsyncIterableIterator<T> {
  readonly #get: () => Promise<T>
  readonly #isEnd: (error: unknown) => boolean
  #busy = false
  #returned = false

  /**
   * @param get - waits for the next item; cancelled, it has taken none
   * @param isEnd - whether an error of `get` is the end of the items
   */
  constructor(get: () => Promise<T>, isEnd: (error: unknown) => boolean) {
    this.#get = get
    this.#isEnd = isEnd
  }

  /**
   * One `get`. Rejects with `ResourceBusyError` while another one waits: the order of two would be undefined.
   */
  next(): Promise<IteratorResult<T>> {
    if (this.#returned) return Promise.resolve(DONE)
    if (this.#busy) return rejected(new ResourceBusyError('next: another next() of this iterator is waiting'))
    this.#busy = true
    return thenOwned(this.#get(), this.#item, this.#failure)
  }

  /** What `break` calls. It ends the iterator and leaves the source alone. */
  return(): Promise<IteratorResult<T>> {
    this.#returned = true
    return Promise.resolve(DONE)
  }

  /** A new loop over the same iterator goes on where the last one stopped. */
  [Symbol.asyncIterator](): this {
    this.#returned = false
    return this
  }

  readonly #item = (value: T): IteratorResult<T> => {
    this.#busy = false
    return { done: false, value }
  }

  readonly #failure = (error: unknown): IteratorResult<T> => {
    this.#busy = false
    if (this.#isEnd(error)) return DONE
    throw error
  }
}

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined })
