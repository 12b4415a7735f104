/**
 * Takes received bytes out of the slab, into memory that nobody writes again.
 *
 * Small messages of one dispatch lie side by side in the slab, so they are copied together: one copy for eight kilobytes
 * of them, and each connection gets its view. That is the retention that Node's own pool has (a small buffer that is
 * kept keeps eight kilobytes), at a fraction of the calls. Large ones share pages of 64 KiB, because a fresh allocation
 * for each costs more than the copy.
 *
 * What must stay true: a byte of a pool that has been given out is never written again, and the memory of a pool, which
 * connections share, is never transferred.
 */

import { share } from '../../common/shared-memory.ts'

/** What Node's pool has: `Buffer.poolSize`. */
const POOL = 8192

/** From here a message is large: beside others in a pool it would mostly waste what is left of it. */
const LARGE = POOL / 2

const PAGE = 65_536

export class ReceivedBytes {
  /** Where the bytes that `own` was asked for last are. */
  memory: Buffer = EMPTY
  readonly #slab: Buffer
  readonly #small = new Pool(POOL)
  readonly #large = new Pool(PAGE)
  /** The end of what this dispatch received. */
  #end = 0
  /** The part of the slab that has been copied to the small pool, and where it stands there. */
  #from = 0
  #to = 0
  #at = 0

  constructor(slab: Buffer) {
    this.#slab = slab
  }

  /** A dispatch begins: what was copied for the last one says nothing about the slab as it is now. */
  begin(end: number): void {
    this.#end = end
    this.#from = this.#to = 0
  }

  /** Copies `length` bytes of the slab at `offset`; returns where they stand in `memory`. */
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

/** Memory given out from the front. */
class Pool {
  memory: Buffer = EMPTY
  /** How much the last `take` took. */
  taken = 0
  readonly #size: number
  #used = 0

  constructor(size: number) {
    this.#size = size
  }

  /** Copies at least `least` bytes of `source`, and as many as fit up to `most`; returns where they stand. */
  take(source: Buffer, offset: number, least: number, most: number): number {
    if (this.memory.length - this.#used < least) {
      this.memory = Buffer.allocUnsafeSlow(Math.max(this.#size, least))
      if (least < this.#size) share(this.memory)
      this.#used = 0
    }
    const at = this.#used
    this.taken = Math.min(most, this.memory.length - at)
    source.copy(this.memory, at, offset, offset + this.taken)
    // Aligned, as far as whoever makes another view of the bytes may care.
    this.#used = (at + this.taken + 7) & ~7
    return at
  }
}

const EMPTY = Buffer.alloc(0)
