import { share } from '../../common/shared-memory.ts'

/** Bytes that have arrived and were not read. */
export class ReceivedBytes {
  #chunks: Buffer[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  append(bytes: Buffer): void {
    this.#chunks.push(bytes)
    this.#length += bytes.length
  }

  /** Takes up to `most` bytes, joined across segments. */
  take(most: number): Buffer {
    const [first] = this.#chunks
    const count = Math.min(most, this.#length)
    if (first !== undefined && first.length >= count) return this.#takeFirst(first, count)
    const bytes = Buffer.allocUnsafe(count)
    this.takeInto(bytes)
    return bytes
  }

  /** Copies bytes into `view`, and returns the count. */
  takeInto(view: Uint8Array): number {
    let filled = 0
    for (let first = this.#chunks[0]; first !== undefined && filled < view.length; first = this.#chunks[0]) {
      const part = this.#takeFirst(first, Math.min(first.length, view.length - filled))
      view.set(part, filled)
      filled += part.length
    }
    return filled
  }

  /** Drops all bytes, and returns the count. */
  drop(): number {
    const length = this.#length
    this.#chunks = []
    this.#length = 0
    return length
  }

  #takeFirst(first: Buffer, count: number): Buffer {
    this.#length -= count
    if (count === first.length) this.#chunks.shift()
    else {
      share(first)
      this.#chunks[0] = first.subarray(count)
    }
    return first.subarray(0, count)
  }
}
