/**
 * Iteration over a stream, written by hand: an async generator would cost a promise more for each line, and would be
 * finished for good by a `next()` that threw, while an iterator of ours survives a cancellation (GENERAL-10).
 */

import type { Demand } from './framing.ts'
import type { Reader } from './reader.ts'

export class StreamIterator<T> implements AsyncIterableIterator<T> {
  readonly #reader: Reader
  readonly #demand: Demand<IteratorResult<T>>
  #returned = false

  constructor(reader: Reader, demand: Demand<IteratorResult<T>>) {
    this.#reader = reader
    this.#demand = demand
  }

  /** One receive. It holds no state of its own, so that one that threw can be called again and loses nothing. */
  next(): Promise<IteratorResult<T>> {
    return this.#returned ? Promise.resolve({ done: true, value: undefined }) : this.#reader.receive(this.#demand)
  }

  /** What `break` calls. It ends the iterator and leaves the stream alone. */
  return(): Promise<IteratorResult<T>> {
    this.#returned = true
    return Promise.resolve({ done: true, value: undefined })
  }

  /** A new loop over the same iterable goes on where the last one stopped: a header loop, then a body loop. */
  [Symbol.asyncIterator](): this {
    this.#returned = false
    return this
  }
}
