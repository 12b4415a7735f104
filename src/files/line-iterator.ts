/** Iteration over the lines of a file. It is no generator: a buffered line costs one promise and no system call. */
import { ResourceBusyError } from '../errors.ts'
import { immediate, rejected } from '../kernel/index.ts'
import type { Content } from './content.ts'
import type { OpenFile } from './open-file.ts'
import { notReadable } from './pump.ts'
import type { Work } from './work.ts'

export class LineIterator<D extends string | Buffer> implements AsyncIterableIterator<D> {
  readonly #file: OpenFile
  readonly #content: Content<D>
  readonly #readable: boolean
  #returned = false
  #busy = false

  constructor(file: OpenFile, content: Content<D>, readable: boolean) {
    this.#file = file
    this.#content = content
    this.#readable = readable
  }

  /** One `readline`. It keeps no state: a `next()` that threw can be called again and has lost nothing. */
  next(): Promise<IteratorResult<D>> {
    try {
      if (this.#returned) return immediate(DONE)
      const scope = this.#file.enter('readline')
      if (this.#busy) throw new ResourceBusyError('next: another call of this iterator is still waiting')
      if (!this.#readable) throw notReadable('readline')
      const line = this.#file.pump.idle ? this.#content.lineNow(Infinity) : undefined
      if (line !== undefined) return immediate({ done: false, value: line })
      const promise = this.#file.pump.call(scope, 'readline', () => this.#work())
      this.#busy = true
      promise.then(this.#settled, this.#settled)
      return promise
    } catch (error) {
      return rejected(error)
    }
  }

  /** Called by `break`. Ends the iterator and leaves the file open. */
  return(): Promise<IteratorResult<D>> {
    this.#returned = true
    return Promise.resolve(DONE)
  }

  [Symbol.asyncIterator](): this {
    this.#returned = false
    return this
  }

  *#work(): Work<IteratorResult<D>> {
    const line = yield* this.#content.readline(Infinity)
    return line.length === 0 ? DONE : { done: false, value: line }
  }

  readonly #settled = (): void => {
    this.#busy = false
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }
