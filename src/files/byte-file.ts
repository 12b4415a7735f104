/**
 * The bytes of a file behind one buffer, which holds prefetched bytes or unwritten bytes, never both. Python's
 * BufferedReader, BufferedWriter and BufferedRandom in one.
 *
 * ```text
 *             block                          position: the system's
 *   0 ────── start ═══ unread ═══ end           │
 *                │                └─────────────┘
 *                └ where the file is: position − unread            (or, while there is something to write: outAt + used)
 * ```
 *
 * Invariants
 * 1. `block` is one piece of the file, which ends at `position`.
 * 2. While `used > 0` nothing is unread: a write discards prefetched bytes.
 * 3. Only a work that completes takes bytes. A work that is stopped leaves them unread, in order.
 * 4. Memory that was handed out is never written again: `fill` makes a new block (except with `recycles`).
 */
import type { FileTransport } from '../backends/contract/backend.ts'
import { share } from '../common/shared-memory.ts'
import { UnsupportedError } from '../errors.ts'
import { outOfRange } from '../common/validate.ts'
import type { Pump } from './pump.ts'
import { Begun, Halted, PENDING, type Work } from './work.ts'

export interface ByteFileOptions {
  /** Bytes; `undefined`: adaptive. 0: no buffer. */
  readonly bufferSize: number | undefined
  /** Python's text layer reads in pieces of this size, and what a write follows depends on it. */
  readonly recycles: boolean
}

/** The default size of the write buffer. */
const OUT_SIZE = 16 * 1024

/** Sequential reads grow from the first size to the second. */
const SMALLEST = 16 * 1024
const LARGEST = 64 * 1024

/** Allocation cap for lengths that come from outside: the size of a file, or the size that a caller asks for. */
const TRUSTED = 2 ** 24

export class ByteFile {
  readonly transport: FileTransport
  block: Buffer = NO_BYTES
  start = 0
  end = 0
  /** The position of the descriptor. */
  position: number
  readonly #pump: Pump
  readonly #fixed: number | undefined
  readonly #recycles: boolean
  /** Size of the next prefetch. 0: no sign of sequential reads yet. */
  #ahead = 0
  #memory: Buffer = NO_BYTES
  #out: Buffer = NO_BYTES
  #used = 0
  #outAt = 0
  readonly #outSize: number

  constructor(pump: Pump, { bufferSize, recycles }: ByteFileOptions) {
    this.#pump = pump
    this.transport = pump.transport
    this.position = pump.transport.position
    this.#fixed = bufferSize
    this.#outSize = bufferSize ?? OUT_SIZE
    this.#recycles = recycles
  }

  get unread(): number {
    return this.end - this.start
  }

  /** The position that the user sees. */
  get at(): number {
    return this.#used > 0 ? this.#outAt + this.#used : this.position - this.end + this.start
  }

  /** Takes unread bytes; there must be enough. */
  take(size: number): Buffer {
    const start = this.start
    this.start = start + size
    return this.block.subarray(start, start + size)
  }

  /** The next line with its ending, if it is there; without `\n`, as many bytes as `limit` allows. */
  lineNow(limit: number): Buffer | undefined {
    const { start, end } = this
    if (start === end) return undefined
    const newline = this.block.indexOf(NEWLINE, start)
    const length = newline < 0 ? Infinity : newline + 1 - start
    const size = Math.min(length, limit)
    return size <= end - start ? this.take(size) : undefined
  }

  /**
   * `size` bytes, if they are buffered, or if one small read of the system returns them at once; otherwise the work
   * that waits for that read. Random reads are cheap enough that each step counts here.
   */
  readNow(size: number): Buffer | Begun<Buffer> | undefined {
    if (size <= this.end - this.start) return this.take(size)
    if (this.start !== this.end || this.#used > 0 || size > SHARED || !this.#isDirect(size)) return undefined
    const memory = allocate(size)
    const count = this.transport.read(memory, 0, size)
    if (count === PENDING) return new Begun(this.#arriving(memory))
    this.#arrived(memory, count)
    return count === size ? this.take(size) : undefined
  }

  *#arriving(memory: Buffer): Work<Buffer> {
    this.#arrived(memory, yield)
    return yield* this.read(memory.length)
  }

  #arrived(memory: Buffer, count: number): void {
    this.position += count
    this.#hold(memory, count)
    this.#sequential()
  }

  /** `size` bytes, or fewer at the end of the file. */
  *read(size: number): Work<Buffer> {
    if (this.#fixed === 0) return yield* this.read1(size)
    if (size > this.unread) {
      if (this.#isDirect(size - this.unread)) return yield* this.#gather(size)
      while (size > this.unread) if ((yield* this.fill(size - this.unread)) === 0) break
    }
    return this.take(Math.min(size, this.unread))
  }

  readAll(): Work<Buffer> {
    return this.#gather(Infinity)
  }

  /** Unread bytes; if there are none, the result of one system call. `Infinity`: as much as the buffer holds. */
  *read1(size: number): Work<Buffer> {
    if (size === 0) return NO_BYTES
    if (this.unread === 0) {
      if (size !== Infinity && this.#isDirect(size)) {
        yield* this.flush()
        const memory = allocate(Math.min(size, TRUSTED))
        const count = yield* this.#readInto(memory, 0, memory.length)
        this.#sequential()
        return memory.subarray(0, count)
      }
      yield* this.fill()
    }
    return this.take(Math.min(size, this.unread))
  }

  /** Fills `view`, with as many reads as that takes, or with one (`once`). */
  *readInto(view: Buffer, once: boolean): Work<number> {
    if (once || this.#fixed === 0) {
      if (this.unread === 0 && view.length > 0) return yield* this.#once(view)
      const size = Math.min(view.length, this.unread)
      this.take(size).copy(view)
      return size
    }
    if (view.length > this.unread) {
      const piece = yield* this.read(view.length)
      piece.copy(view)
      return piece.length
    }
    this.take(view.length).copy(view)
    return view.length
  }

  *readline(limit: number): Work<Buffer> {
    if (limit === 0) return NO_BYTES
    for (;;) {
      const line = this.lineNow(limit)
      if (line !== undefined) return line
      if ((yield* this.fill()) === 0) return this.take(Math.min(limit, this.unread))
    }
  }

  /** Reads more bytes behind the unread ones. Returns how many: 0 at the end. */
  *fill(least = 1): Work<number> {
    yield* this.flush()
    const unread = this.unread
    const room = Math.max(least, this.#readAhead(unread))
    let memory = this.#memory
    if (!this.#recycles || memory.length < unread + room) memory = Buffer.allocUnsafeSlow(unread + room)
    // (3): moved before it is known whether more will come. What was `block` is not looked at any more if it is the
    // same memory.
    this.block.copy(memory, 0, this.start, this.end)
    this.#memory = memory
    this.#hold(memory, unread)
    const count = yield* this.#readInto(memory, unread, unread + room)
    this.#hold(memory, unread + count)
    return count
  }

  /** Reads all bytes to the end and leaves them unread. Returns how many. */
  *fillAll(): Work<number> {
    const before = this.unread
    const all = yield* this.#gather(Infinity)
    this.#memory = NO_BYTES
    this.#hold(all, all.length)
    return all.length - before
  }

  /** Makes pieces unread again that were taken one after another. */
  putBack(pieces: readonly Buffer[]): void {
    const all = Buffer.concat([...pieces, this.unreadBytes()])
    this.#hold(all, all.length)
  }

  unreadBytes(): Buffer {
    return this.start === 0 && this.end === this.block.length ? this.block : this.block.subarray(this.start, this.end)
  }

  /** Writes to the buffer, if there is room. */
  writeNow(data: Uint8Array): boolean {
    const used = this.#used
    if (used + data.length > this.#outSize) return false
    if (data.length === 0) return true
    if (used === 0) this.#beginWriting()
    this.#out.set(data, used)
    this.#used = used + data.length
    return true
  }

  *write(data: Uint8Array): Work<number> {
    if (this.writeNow(data)) return data.length
    yield* this.flush()
    if (this.writeNow(data)) return data.length
    this.#beginWriting()
    // The caller's own bytes may change once the call has returned.
    yield* this.#writeOut(Buffer.from(data), data.length)
    return data.length
  }

  *flush(): Work<void> {
    if (this.#used > 0) yield* this.#writeOut(this.#out, this.#used)
  }

  /** Flushes, and moves the position of the descriptor to the one that the user sees. */
  *sync(): Work<void> {
    yield* this.flush()
    if (this.transport.seekable && this.end > 0) {
      if (this.unread > 0) this.position = yield* this.#seek(this.at, 0)
      this.skipUnread()
    }
  }

  /** Discards unread bytes. */
  skipUnread(): void {
    this.#hold(NO_BYTES, 0)
  }

  /** As `seek`, to a place from the beginning, if that needs no waiting. */
  seekNow(offset: number): number | undefined {
    if (this.#used > 0 || !this.transport.seekable) return undefined
    const inBlock = this.end - (this.position - offset)
    if (inBlock >= 0 && inBlock <= this.end && this.end > 0) {
      this.start = inBlock
      return offset
    }
    const position = this.transport.seek(offset, 0)
    if (position === PENDING) return undefined
    this.skipUnread()
    this.#ahead = 0
    return (this.position = position)
  }

  *seek(offset: number, whence: number): Work<number> {
    this.#requireSeekable()
    // After a write in append mode, only the system knows the position.
    if (whence === 1) yield* this.flush()
    const target = whence === 1 ? this.at + offset : offset
    if (whence !== 2) {
      if (target < 0) throw outOfRange('offset', 'such that the position is not negative', offset)
      // What is in the block need not be read again.
      const inBlock = this.end - (this.position - target)
      if (this.#used === 0 && inBlock >= 0 && inBlock <= this.end && this.end > 0) {
        this.start = inBlock
        return target
      }
    }
    yield* this.flush()
    const position = yield* this.#seek(target, whence === 2 ? 2 : 0)
    this.skipUnread()
    this.#ahead = 0
    return (this.position = position)
  }

  /** Where the file is, by default. The position stays. */
  *truncate(size?: number): Work<number> {
    yield* this.sync()
    this.#pump.check()
    const target = size ?? this.at
    const done = this.transport.truncate(target)
    return done === PENDING ? yield : done
  }

  /** Moves to the end, for append mode. */
  *toEnd(): Work<void> {
    this.position = yield* this.#seek(0, 2)
  }

  *close(): Work<void> {
    try {
      yield* this.flush()
    } finally {
      this.skipUnread()
      this.#out = NO_BYTES
      this.#used = 0
      const done = this.transport.close()
      if (done === PENDING) yield
    }
  }

  /** Up to `limit` bytes, in large pieces, without prefetching. */
  *#gather(limit: number): Work<Buffer> {
    yield* this.flush()
    const whole: Buffer[] = []
    const wanted = limit - this.unread
    // One byte more than the rest of the file, so that the first read finds the end.
    const known = Math.max(0, this.transport.size - this.position) + 1
    let memory = allocate(
      this.unread + Math.min(wanted, wanted <= SMALLEST ? wanted : Math.max(known, SMALLEST), TRUSTED),
    )
    let filled = this.block.copy(memory, 0, this.start, this.end)
    let total = filled
    try {
      while (total < limit) {
        if (filled === memory.length) {
          whole.push(memory)
          memory = Buffer.allocUnsafeSlow(Math.min(limit - total, Math.max(total, LARGEST), TRUSTED))
          filled = 0
        }
        const count = yield* this.#readInto(memory, filled, memory.length)
        if (count === 0) break
        filled += count
        total += count
      }
    } catch (error) {
      // (3)
      whole.push(memory.subarray(0, filled))
      this.#hold(Buffer.concat(whole), total)
      throw error
    }
    this.skipUnread()
    if (limit !== Infinity) this.#sequential()
    if (whole.length === 0) return memory.subarray(0, filled)
    whole.push(memory.subarray(0, filled))
    return Buffer.concat(whole, total)
  }

  *#once(view: Buffer): Work<number> {
    yield* this.flush()
    // Not into the caller's memory: the caller may reuse it once a cancelled call has returned.
    const memory = allocate(Math.min(view.length, TRUSTED))
    const count = yield* this.#readInto(memory, 0, memory.length)
    memory.copy(view, 0, 0, count)
    return count
  }

  *#readInto(memory: Buffer, start: number, end: number): Work<number> {
    this.#pump.check()
    const now = this.transport.read(memory, start, end)
    const count = now === PENDING ? yield : now
    this.position += count
    return count
  }

  *#seek(offset: number, whence: number): Work<number> {
    this.#requireSeekable()
    this.#pump.check()
    const now = this.transport.seek(offset, whence)
    return now === PENDING ? yield : now
  }

  *#writeOut(data: Buffer, length: number): Work<void> {
    const { seekable } = this.transport
    if (seekable && this.#outAt !== this.position) this.position = yield* this.#seek(this.#outAt, 0)
    try {
      this.#pump.check()
      const now = this.transport.write(length === data.length ? data : data.subarray(0, length))
      if (now === PENDING) yield
    } catch (error) {
      if (error instanceof Halted) this.#written(data, error.done)
      throw error
    }
    this.#written(data, length)
    // In append mode, only the system knows where the bytes went.
    if (seekable) this.position = yield* this.#seek(0, 1)
  }

  /** `count` bytes of `data` have been written. */
  #written(data: Buffer, count: number): void {
    this.position += count
    if (data !== this.#out) return
    data.copyWithin(0, count, this.#used)
    this.#used -= count
    this.#outAt += count
  }

  /** (2) */
  #beginWriting(): void {
    this.#outAt = this.at
    this.skipUnread()
    if (this.#out.length === 0) this.#out = Buffer.allocUnsafeSlow(this.#outSize)
  }

  #hold(memory: Buffer, end: number): void {
    // Parts of it are handed out.
    if (end > 0) share(memory)
    this.block = end === memory.length ? memory : memory.subarray(0, end)
    this.start = 0
    this.end = end
  }

  /** How much to prefetch behind `unread` bytes in which no line end was found. */
  #readAhead(unread: number): number {
    if (this.#fixed !== undefined) return this.#fixed === 0 ? 1 : Math.max(this.#fixed, unread)
    this.#ahead = Math.min(Math.max(this.#ahead * 2, SMALLEST), LARGEST)
    const left = this.transport.size - this.position + 1
    // Less for small files, more for long lines.
    return Math.max(left > 0 ? Math.min(this.#ahead, Math.max(left, LEAST)) : this.#ahead, unread)
  }

  /** Whether a read of this size bypasses the buffer: a large one, or a single random one. */
  #isDirect(size: number): boolean {
    return size >= (this.#fixed ?? this.#ahead)
  }

  /** Assume sequential reads until the next `seek`. */
  #sequential(): void {
    this.#ahead = Math.max(this.#ahead, SMALLEST)
  }

  #requireSeekable(): void {
    if (!this.transport.seekable) throw new UnsupportedError(`${this.#pump.name} is not seekable`)
  }
}

const NEWLINE = 10

/** The smallest prefetch. */
const LEAST = 4096

const NO_BYTES = Buffer.alloc(0)

/** Small pieces share one slab of memory. */
const SLAB = 64 * 1024
const SHARED = 8 * 1024

let slab: Buffer = NO_BYTES
let slabUsed = SLAB

function allocate(size: number): Buffer {
  if (size > SHARED) return Buffer.allocUnsafeSlow(size)
  if (slabUsed + size > SLAB) {
    slab = Buffer.allocUnsafeSlow(SLAB)
    share(slab)
    slabUsed = 0
  }
  const start = slabUsed
  slabUsed = start + size
  return slab.subarray(start, start + size)
}
