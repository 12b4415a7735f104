/**
 * Bytes that have been read and not handed out yet, in one block of memory.
 *
 * ```text
 *  block  ├── handed out ──┼── unread ──┼── room ──┤
 *         0              #start       #end     capacity
 * ```
 *
 * What must stay true:
 * 1. A byte before `#start` belongs to the user and is never written again; so nothing is ever moved down inside a
 *    block: bytes that do not fit into the room are copied into a new block, together with the unread ones.
 * 2. Every received byte is copied into a block once; what is handed out are views of it. Growing doubles the block,
 *    so that a large frame arriving in small pieces is copied a constant number of times for each byte.
 * 3. No byte before `#searched` begins the delimiter `#sought`: a search for it goes on there, so that a frame arriving
 *    byte by byte is searched once and not once for each piece.
 * 4. A block of which a part is handed out is marked as shared: what is unread in it must not be transferred away.
 * 5. An empty buffer holds no block: an idle connection owns no memory, and a view outlives only its own block.
 */

import { share } from '../common/shared-memory.ts'
import type { Delimiter } from '../common/bytes.ts'

/** The answers of `find` that are not a position. */
export const NOT_YET = -1 // as `indexOf` says it
export const OVER_LIMIT = -2

const NO_BLOCK = Buffer.alloc(0)

export class ReceiveBuffer {
  #block: Buffer = NO_BLOCK
  #start = 0
  #end = 0
  #sought: Delimiter | undefined
  #searched = 0

  get length(): number {
    return this.#end - this.#start
  }

  /** Adds bytes `[start, end)` of `memory`; `owned` memory is kept as it is where nothing else is unread. */
  append(memory: Buffer, start: number, end: number, owned: boolean): void {
    const added = end - start
    if (this.#start === this.#end) {
      this.#block = toOwn(memory, start, end, owned)
      this.#start = this.#searched = 0
      this.#end = added
      return
    }
    if (added > this.#block.length - this.#end) this.#grow(this.length + added)
    memory.copy(this.#block, this.#end, start, end)
    this.#end += added
  }

  /** Bytes that were handed out, whole and unchanged, are the next ones again. */
  putBack(bytes: Buffer): void {
    const { length } = this
    const block = length === 0 ? bytes : Buffer.concat([bytes, this.#block.subarray(this.#start, this.#end)])
    this.#block = block
    this.#start = this.#searched = 0
    this.#end = block.length
  }

  /** Hands out the next `count` bytes. */
  take(count: number): Buffer {
    const block = this.#block
    const start = this.#start
    // The usual case of a stream without framing: one block received, one block handed out, no view in between.
    const bytes = start === 0 && count === block.length ? block : part(block, start, count)
    this.#advance(count)
    return bytes
  }

  /** Moves up to `view.length` bytes into the caller's memory. */
  takeInto(view: Uint8Array): number {
    const count = Math.min(view.length, this.length)
    view.set(this.#block.subarray(this.#start, this.#start + count))
    this.#advance(count)
    return count
  }

  /** Hands out the frame that ends where `find` found its delimiter, and drops the delimiter or includes it. */
  takeFrame(length: number, delimiter: Delimiter, includeDelimiter: boolean): Buffer {
    const whole = length + delimiter.bytes.length
    if (includeDelimiter) return this.take(whole)
    const block = this.#block
    const frame = part(block, this.#start, length)
    this.#advance(whole)
    return frame
  }

  /** Where the delimiter begins, counted from the first unread byte; at most `limit` bytes may come before it. */
  find(delimiter: Delimiter, limit: number): number {
    if (this.#sought !== delimiter) {
      if (this.#sought === undefined || !this.#sought.bytes.equals(delimiter.bytes)) this.#searched = this.#start
      this.#sought = delimiter
    }
    const from = this.#searched < this.#start ? this.#start : this.#searched
    const found = this.#search(delimiter, from)
    // Not found: what may still become a delimiter begins here at the earliest.
    const position = (this.#searched = found === NOT_YET ? this.#unfinished(delimiter, from) : found) - this.#start
    if (position > limit) return OVER_LIMIT
    return found === NOT_YET ? NOT_YET : position
  }

  /** A copy of everything unread. */
  copy(): Buffer {
    return Buffer.from(this.#block.subarray(this.#start, this.#end))
  }

  clear(): void {
    this.#block = NO_BLOCK
    this.#start = this.#end = this.#searched = 0
  }

  #search({ bytes, first }: Delimiter, from: number): number {
    // The room behind the unread bytes must not be searched: it is long where a large frame arrives in small pieces.
    const unread = this.#end === this.#block.length ? this.#block : this.#block.subarray(0, this.#end)
    let at = from
    for (let candidates = 0; candidates < MAX_CANDIDATES; candidates++, at++) {
      at = unread.indexOf(first, at)
      if (at === -1 || bytes.length === 1) return at
      if (at + bytes.length > this.#end) return NOT_YET
      if (matches(bytes, unread, at, bytes.length)) return at
    }
    return unread.indexOf(bytes, at)
  }

  /** The earliest position from which the unread bytes are the beginning of the delimiter; `#end` if there is none. */
  #unfinished({ bytes }: Delimiter, from: number): number {
    let at = Math.max(from, this.#end - bytes.length + 1)
    while (at < this.#end && !matches(bytes, this.#block, at, this.#end - at)) at++
    return at
  }

  #advance(count: number): void {
    this.#start += count
    if (this.#start === this.#end) this.clear()
  }

  #grow(needed: number): void {
    const block = Buffer.allocUnsafe(Math.max(needed, 2 * this.length))
    this.#block.copy(block, 0, this.#start, this.#end)
    this.#searched = Math.max(0, this.#searched - this.#start)
    this.#end -= this.#start
    this.#start = 0
    this.#block = block
  }
}

/** Received bytes as a Buffer of their own: memory that is not `owned` is written again by its transport. */
export function toOwn(memory: Buffer, start: number, end: number, owned: boolean): Buffer {
  if (owned) return start === 0 && end === memory.length ? memory : view(memory, start, end - start)
  const bytes = Buffer.allocUnsafe(end - start)
  memory.copy(bytes, 0, start, end)
  return bytes
}

function part(block: Buffer, start: number, length: number): Buffer {
  share(block)
  return view(block, start, length)
}

/** As `subarray`, without the checks that cost twice as much as the view: there is one for each line. */
function view(block: Buffer, start: number, length: number): Buffer {
  return new View(block.buffer, block.byteOffset + start, length)
}

/** The class of which `subarray` makes a Buffer: what JavaScript calls its species. */
const View = (
  Buffer as unknown as { [Symbol.species]: new (memory: ArrayBufferLike, offset: number, length: number) => Buffer }
)[Symbol.species]

// After so many bytes that only look like the delimiter's first, one search for the whole sequence is cheaper, and
// keeps a peer that sends nothing but first bytes from making every one of them cost a call.
const MAX_CANDIDATES = 4

function matches(delimiter: Buffer, block: Buffer, at: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (delimiter[i] !== block[at + i]) return false
  return true
}
