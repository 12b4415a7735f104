/** What `select` asks of a stream: what `receiveSome` gives, and a wait that takes nothing. */

import type { SelectSource } from '../kernel/index.ts'
import type { Reader, ReadWatcher } from './reader.ts'

export class StreamSource implements SelectSource<Buffer>, ReadWatcher {
  readonly what = 'select'
  readonly outside = true
  readonly #reader: Reader
  #changed: (() => void) | undefined

  constructor(reader: Reader) {
    this.#reader = reader
  }

  get waitsFor(): number {
    return this.#reader.waitsFor
  }

  ready(): boolean {
    return this.#reader.readyFor(this)
  }

  take(): Buffer {
    return this.#reader.takeFor(this)
  }

  watch(changed: () => void): () => void {
    this.#changed = changed
    this.#reader.watch(this)
    return () => this.#reader.unwatch(this)
  }

  /** The reader tells, once, and does not watch any more. */
  changed(): void {
    this.#changed?.()
  }

  /** The end of the data. */
  isEnd(value: Buffer | undefined): boolean {
    return value?.length === 0
  }
}
