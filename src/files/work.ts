/**
 * The work of one call of a file, as a generator that reads like blocking code. It yields only while its transport has
 * not answered, so buffered data costs neither a promise nor a turn.
 */

/** A transport returns it if its answer comes later. */
export const PENDING = -1

export type Work<T> = Generator<undefined, T, number>

/** Thrown into waiting work. Without `error`, a cancellation or `close` interrupted it. */
export class Halted extends Error {
  readonly error: Error | undefined
  /** Bytes that were written before. */
  readonly done: number

  constructor(error: Error | undefined, done: number) {
    super('halted')
    this.error = error
    this.done = done
  }
}

/** Instead of a value: the transport has begun, and this work waits for its answer. */
export class Begun<T> {
  readonly work: Work<T>

  constructor(work: Work<T>) {
    this.work = work
  }
}
