/**
 * What a file does for one call, as a generator that reads like code which blocks: it yields while its transport has not
 * answered yet, and what is at hand costs neither a promise nor a turn.
 */

/** A transport's "the answer follows". */
export const PENDING = -1

export type Work<T> = Generator<undefined, T, number>

/** Thrown into the work that waits. Without an error it was interrupted: by a cancellation, or by `close`. */
export class Halted extends Error {
  readonly error: Error | undefined
  /** Bytes that were written all the same. */
  readonly done: number

  constructor(error: Error | undefined, done: number) {
    super('halted')
    this.error = error
    this.done = done
  }
}

/** Instead of a value: the transport works for it already, and this is what is to be done about that. */
export class Begun<T> {
  readonly work: Work<T>

  constructor(work: Work<T>) {
    this.work = work
  }
}
