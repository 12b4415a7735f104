/**
 * What a waiting receive wants: each kind of frame is a *demand*, asked again whenever bytes have come.
 *
 * A demand holds no bytes. That is why a cancelled receive loses none, why the next call may want something else of the
 * same bytes, and why frames that are already there cost neither a system call nor a wait.
 */

import { DelimiterNotFound, IncompleteRead } from '../errors.ts'
import { type Delimiter, READ_SIZE } from './bytes.ts'
import { NOT_YET, OVER_LIMIT, type ReceiveBuffer } from './receive-buffer.ts'

export interface Demand<T> {
  /** The public name of the call, for error messages and task dumps. */
  readonly what: string
  /** How many bytes to ask the source for. */
  readonly ask: number
  /**
   * The answer made of received bytes, all of them: for a demand that takes whatever comes, no more than it asked for.
   * They then go to the caller without a detour, and a stream that nobody frames never has a buffer.
   */
  whole?(bytes: Buffer): T
  /** The answer, if the bytes at hand make one. Throws what the bytes show to be an error; takes nothing then. */
  take(bytes: ReceiveBuffer): T | undefined
  /** The answer at the end of data, when `take` had none. Throws `IncompleteRead` inside an unfinished frame. */
  end(bytes: ReceiveBuffer): T
  /** Throws where a call that has waited cannot be answered any more. */
  check?(): void
  /** The answer on a broken connection, where that is no error. */
  readonly broken?: T | undefined
}

/** `receiveSome`: whatever is there, up to a number of bytes. */
export class Some implements Demand<Buffer> {
  readonly what = 'receiveSome'
  readonly ask: number

  constructor(maxBytes: number) {
    this.ask = maxBytes
  }

  whole(bytes: Buffer): Buffer {
    return bytes
  }

  take(bytes: ReceiveBuffer): Buffer | undefined {
    return bytes.length === 0 ? undefined : bytes.take(Math.min(this.ask, bytes.length))
  }

  end(): Buffer {
    return Buffer.alloc(0)
  }
}

/** `receiveSome()` as most call it. A demand holds no bytes, so this one serves every stream. */
export const SOME: Some = new Some(READ_SIZE)

/** `receiveInto`: the same into the caller's memory. */
export class Into implements Demand<number> {
  readonly what = 'receiveInto'
  readonly view: Uint8Array

  constructor(view: Uint8Array) {
    this.view = view
  }

  get ask(): number {
    return this.view.length
  }

  take(bytes: ReceiveBuffer): number | undefined {
    if (bytes.length === 0) return undefined
    this.check()
    return bytes.takeInto(this.view)
  }

  end(): number {
    return 0
  }

  /** Nothing received would read as the end of data. */
  check(): void {
    if (this.view.length > 0) return
    throw new TypeError(
      'receiveInto: the view has no memory any more (its ArrayBuffer was transferred, or became smaller) while this waited; nothing has been taken from the stream',
    )
  }
}

export class Exactly implements Demand<Buffer> {
  readonly what = 'receiveExactly'
  readonly ask = READ_SIZE
  readonly #count: number

  constructor(count: number) {
    this.#count = count
  }

  take(bytes: ReceiveBuffer): Buffer | undefined {
    return bytes.length < this.#count ? undefined : bytes.take(this.#count)
  }

  end(bytes: ReceiveBuffer): never {
    throw new IncompleteRead(
      bytes.length === 0
        ? `The data ended before the first of ${this.#count} bytes`
        : `The data ended after ${bytes.length} of ${this.#count} bytes; they stay in bufferedData`,
    )
  }
}

/** Options of what reads up to a delimiter. */
export interface DelimitedOptions {
  /** Whether a frame is handed out with its delimiter. */
  includeDelimiter?: boolean | undefined
}

export class Until implements Demand<Buffer> {
  readonly what = 'receiveUntil'
  readonly ask = READ_SIZE
  readonly #frames: Frames

  constructor(frames: Frames) {
    this.#frames = frames
  }

  take(bytes: ReceiveBuffer): Buffer | undefined {
    return this.#frames.next(bytes)
  }

  end(bytes: ReceiveBuffer): never {
    throw this.#frames.incomplete(bytes)
  }
}

/** `receiveChunks`: as `receiveSome`, but the end of data ends the iteration. */
export class Chunks implements Demand<IteratorResult<Buffer>> {
  readonly what = 'receiveChunks'
  readonly ask: number

  constructor(maxSize: number) {
    this.ask = maxSize
  }

  whole(value: Buffer): IteratorResult<Buffer> {
    return { done: false, value }
  }

  take(bytes: ReceiveBuffer): IteratorResult<Buffer> | undefined {
    return bytes.length === 0 ? undefined : { done: false, value: bytes.take(Math.min(this.ask, bytes.length)) }
  }

  end(): IteratorResult<Buffer> {
    return { done: true, value: undefined }
  }
}

export class DelimitedChunks implements Demand<IteratorResult<Buffer>> {
  readonly what = 'receiveDelimitedChunks'
  readonly ask = READ_SIZE
  readonly #frames: Frames

  constructor(frames: Frames) {
    this.#frames = frames
  }

  take(bytes: ReceiveBuffer): IteratorResult<Buffer> | undefined {
    const value = this.#frames.next(bytes)
    return value === undefined ? undefined : { done: false, value }
  }

  end(bytes: ReceiveBuffer): IteratorResult<Buffer> {
    if (bytes.length > 0) throw this.#frames.incomplete(bytes)
    return { done: true, value: undefined }
  }
}

/** All complete frames at hand: one promise and one wake-up for everything that one read brought. */
export class DelimitedBatches implements Demand<IteratorResult<Buffer[]>> {
  readonly what = 'receiveDelimitedBatches'
  readonly ask = READ_SIZE
  readonly #frames: Frames

  constructor(frames: Frames) {
    this.#frames = frames
  }

  take(bytes: ReceiveBuffer): IteratorResult<Buffer[]> | undefined {
    const first = this.#frames.next(bytes)
    if (first === undefined) return undefined
    const value = [first]
    // A frame beyond the limit behind good ones is the next call's error: those must be delivered first.
    for (let frame = this.#frames.nextWithin(bytes); frame !== undefined; frame = this.#frames.nextWithin(bytes))
      value.push(frame)
    return { done: false, value }
  }

  end(bytes: ReceiveBuffer): IteratorResult<Buffer[]> {
    if (bytes.length > 0) throw this.#frames.incomplete(bytes)
    return { done: true, value: undefined }
  }
}

/** Where one frame ends and the next begins. */
export class Frames {
  readonly #delimiter: Delimiter
  readonly #limit: number
  readonly #includeDelimiter: boolean

  constructor(delimiter: Delimiter, limit: number, includeDelimiter: boolean) {
    this.#delimiter = delimiter
    this.#limit = limit
    this.#includeDelimiter = includeDelimiter
  }

  next(bytes: ReceiveBuffer): Buffer | undefined {
    const length = bytes.find(this.#delimiter, this.#limit)
    if (length >= 0) return bytes.takeFrame(length, this.#delimiter, this.#includeDelimiter)
    if (length === NOT_YET) return undefined
    throw new DelimiterNotFound(
      `The delimiter was not found after ${this.#limit} bytes, the limit; they stay in bufferedData`,
    )
  }

  /** As `next`, but a frame beyond the limit is left alone. */
  nextWithin(bytes: ReceiveBuffer): Buffer | undefined {
    if (bytes.length === 0) return undefined
    const length = bytes.find(this.#delimiter, this.#limit)
    return length === NOT_YET || length === OVER_LIMIT
      ? undefined
      : bytes.takeFrame(length, this.#delimiter, this.#includeDelimiter)
  }

  incomplete(bytes: ReceiveBuffer): IncompleteRead {
    return new IncompleteRead(
      bytes.length === 0
        ? 'The data ended before a frame began'
        : `The data ended ${bytes.length} bytes into a frame, before its delimiter; they stay in bufferedData`,
    )
  }
}
