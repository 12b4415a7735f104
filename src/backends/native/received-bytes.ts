/**
 * Copies received bytes out of the slab, to memory that is never written again.
 *
 * Small messages of one dispatch are adjacent in the slab, so one copy takes 8 KiB of them, and each connection gets a
 * view. A kept view retains 8 KiB, as with Node's own pool, for a fraction of the calls. Large messages share pages of
 * 64 KiB, because an allocation for each costs more than the copy.
 *
 * Invariants
 * 1. A byte of a pool that was given out is never written again.
 * 2. The memory of a pool, which connections share, is never transferred.
 */

import { share } from '../../common/shared-memory.ts'

/** The size of Node's pool, `Buffer.poolSize`. */
const POOL = 8192

/** From this size a message is large. It would waste most of the rest of a pool. */
const LARGE = POOL / 2

const PAGE = 65_536

export class ReceivedBytes {
  /** The memory with the bytes of the last call of `own`. */
  memory: Buffer = EMPTY
  readonly #slab: Buffer
  readonly #small = new Pool(POOL)
  readonly #large = new Pool(PAGE)
  /** The end of the bytes of this dispatch. */
  #end = 0
  /** The part of the slab that is in the small pool, and its place there. */
  #from = 0
  #to = 0
  #at = 0

  constructor(slab: Buffer) {
    this.#slab = slab
  }

  /** Begins a dispatch. Copies of the last dispatch no longer match the slab. */
  begin(end: number): void {
    this.#end = end
    this.#from = this.#to = 0
  }

  /** Copies `length` bytes of the slab at `offset`, and returns their offset in `memory`. */
  own(offset: number, length: number): number {
    if (offset >= this.#from && offset + length <= this.#to) {
      this.memory = this.#small.memory
      return this.#at + offset - this.#from
    }
    if (length >= LARGE) {
      const at = this.#large.take(this.#slab, offset, length, length)
      this.memory = this.#large.memory
      return at
    }
    const most = Math.min(this.#end - offset, POOL)
    const at = this.#small.take(this.#slab, offset, length, most)
    this.memory = this.#small.memory
    this.#from = offset
    this.#to = offset + this.#small.taken
    this.#at = at
    return at
  }
}

/** Memory that is given out from the front. */
class Pool {
  memory: Buffer = EMPTY
  /** The number of bytes of the last `take`. */
  taken = 0
  readonly #size: number
  #used = 0

  constructor(size: number) {
    this.#size = size
  }

  /** Copies at least `least` bytes of `source`, and up to `most` if they fit. Returns their offset in `memory`. */
  take(source: Buffer, offset: number, least: number, most: number): number {
    if (this.memory.length - this.#used < least) {
      this.memory = Buffer.allocUnsafeSlow(Math.max(this.#size, least))
      if (least < this.#size) share(this.memory)
      this.#used = 0
    }
    const at = this.#used
    this.taken = Math.min(most, this.memory.length - at)
    source.copy(this.memory, at, offset, offset + this.taken)
    // Aligned, because a caller may create another kind of view.
    this.#used = (at + this.taken + 7) & ~7
    return at
  }
}

const EMPTY = Buffer.alloc(0)
