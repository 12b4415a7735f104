/**
 * `Stream`: bytes in both directions, and the framing that is derived from them.
 */

import { Cancelled } from '../errors.ts'
import { rejected, selectable, type Selectable, type SelectSource } from '../kernel/index.ts'
import { checkBoolean, checkInteger, checkOptions, invalidArgType, optionNames } from '../common/validate.ts'
import { enterBackend } from '../common/ask.ts'
import { checkSize, checkView, READ_SIZE, toBytes, toDelimiter } from '../common/bytes.ts'
import {
  Chunks,
  DelimitedBatches,
  DelimitedChunks,
  type DelimitedOptions,
  Exactly,
  Frames,
  Into,
  Until,
} from './framing.ts'
import { StreamIterator } from './iterators.ts'
import { PullReader } from './pull-reader.ts'
import type { Reader } from './reader.ts'
import { StreamSource } from './stream-source.ts'
import { checkFileRange, type OpenedFile, sendByChunks, type SendFileOptions } from './send-file.ts'

/**
 * A bidirectional stream of bytes.
 *
 * A stream of your own extends this class and implements `receiveSome`, `sendAll`, `sendEof` and `close`. The other
 * methods are derived from these and may be overridden. Your `receiveSome` is called by one task at a time, never after
 * `close`, and only for bytes that have not been read ahead.
 *
 * One task may receive while another sends. A second task that receives gets a `ResourceBusyError`, and the first one
 * is undisturbed. Sends that overlap wait for each other in call order, and each leaves whole. When one is cancelled
 * after a part of it has left, those already queued behind it fail with `BrokenResourceError`. (In a stream of your
 * own, `sendAll` is called when the caller calls it: it must queue, or refuse with `ResourceBusyError`, and never mix
 * the data of two calls.)
 *
 * After `close()` every call fails with `ClosedResourceError`. After a reset by the peer, calls fail with
 * `BrokenResourceError`, with the system error as `cause`.
 */
export abstract class Stream implements AsyncIterable<Buffer>, AsyncDisposable, Selectable<Buffer> {
  readonly #reader: Reader

  /** @internal */
  constructor(reader?: Reader) {
    this.#reader = reader ?? new PullReader(this)
  }

  /** @internal */
  get _reader(): Reader {
    return this.#reader
  }

  /** A copy of the bytes that were received and not returned yet. */
  get bufferedData(): Buffer {
    return this.#reader.bufferedData
  }

  /**
   * Waits for bytes and returns up to `maxBytes` of them. An empty Buffer means that the peer has closed its half.
   *
   * @throws RangeError for 0, whose answer would read as the end of data
   */
  abstract receiveSome(maxBytes?: number): Promise<Buffer>

  /** Sends everything. A cancelled call has sent a prefix of `data`, perhaps nothing. */
  abstract sendAll(data: Uint8Array | string): Promise<void>

  /** Closes the sending half: the peer receives the end of data. Receiving goes on. */
  abstract sendEof(): Promise<void>

  /**
   * Closes the stream. In a cancelled scope it closes too, without waiting. It never raises a cancellation: the next
   * checkpoint does. Idempotent.
   */
  abstract close(): Promise<void>

  /**
   * Receives into the memory of `view` and returns the number of bytes. 0 means that the peer has closed its half.
   *
   * @throws TypeError when the view lost its memory while the call waited: its `ArrayBuffer` was transferred or shrank.
   * The stream keeps its bytes then.
   */
  receiveInto(view: Uint8Array): Promise<number> {
    try {
      checkView('view', view)
    } catch (error) {
      return rejected(error)
    }
    return this.#reader.receive(new Into(view))
  }

  /**
   * Receives exactly `nbytes` bytes.
   *
   * @throws IncompleteRead when the data ends first; the bytes that have arrived stay in `bufferedData`
   */
  receiveExactly(nbytes: number): Promise<Buffer> {
    try {
      checkInteger('nbytes', nbytes)
    } catch (error) {
      return rejected(error)
    }
    return this.#reader.receive(new Exactly(nbytes))
  }

  /**
   * Receives up to the delimiter. The result includes the delimiter unless `includeDelimiter` is false.
   *
   * @param maxBytes - most bytes before the delimiter; exactly that many are accepted
   * @throws DelimiterNotFound beyond `maxBytes`; IncompleteRead when the data ends first. The bytes stay in
   * `bufferedData`.
   *
   * @example
   * ```ts
   * const header = await stream.receiveUntil('\r\n\r\n', 16_384)
   * ```
   */
  receiveUntil(delimiter: Uint8Array | string, maxBytes: number, options: DelimitedOptions = {}): Promise<Buffer> {
    let frames: Frames
    try {
      frames = checkFrames(delimiter, 'maxBytes', maxBytes, options, true)
    } catch (error) {
      return rejected(error)
    }
    return this.#reader.receive(new Until(frames))
  }

  /**
   * Waits until a receive would not wait, for bytes, the end of the data or an error, and takes nothing: the next receive gets what
   * has come. It counts as a receive: another one beside it is a `ResourceBusyError`. On a stream of your own it reads ahead, and
   * the next receive is answered by what it has read. `waitSocketReadable` does the same for descriptors.
   */
  waitReadable(): Promise<void> {
    return this.#reader.waitReadable()
  }

  /** For `select`, which takes as `receiveSome()` does, and counts as a receive while it waits. */
  [selectable](): SelectSource<Buffer> {
    return new StreamSource(this.#reader)
  }

  /** Iterates over the bytes as they come, at most `maxSize` at a time, until the peer closes its half. */
  receiveChunks(maxSize: number = READ_SIZE): AsyncIterableIterator<Buffer> {
    return new StreamIterator(this.#reader, new Chunks(checkSize('maxSize', maxSize)))
  }

  /**
   * Iterates over frames that end with the delimiter; by default the frames do not include it. The errors of a step are
   * those of `receiveUntil`. Data that ends right after a delimiter ends the iteration.
   *
   * @param maxChunkSize - most bytes of one frame, without its delimiter
   *
   * @example
   * ```ts
   * for await (const line of stream.receiveDelimitedChunks('\n', 4_096)) console.log(line.toString())
   * ```
   */
  receiveDelimitedChunks(
    delimiter: Uint8Array | string,
    maxChunkSize: number,
    options: DelimitedOptions = {},
  ): AsyncIterableIterator<Buffer> {
    const frames = checkFrames(delimiter, 'maxChunkSize', maxChunkSize, options, false)
    return new StreamIterator(this.#reader, new DelimitedChunks(frames))
  }

  /**
   * As `receiveDelimitedChunks`, but each step returns all complete frames at hand: the cheapest way to receive many
   * short ones.
   */
  receiveDelimitedBatches(
    delimiter: Uint8Array | string,
    maxChunkSize: number,
    options: DelimitedOptions = {},
  ): AsyncIterableIterator<Buffer[]> {
    const frames = checkFrames(delimiter, 'maxChunkSize', maxChunkSize, options, false)
    return new StreamIterator(this.#reader, new DelimitedBatches(frames))
  }

  /**
   * Sends the parts one after another, as one write.
   *
   * @example
   * ```ts
   * await stream.sendMany([`content-length: ${body.length}\r\n\r\n`, body])
   * ```
   */
  sendMany(list: readonly (Uint8Array | string)[]): Promise<void> {
    try {
      return this.sendAll(Buffer.concat(toParts(list)))
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Sends a file from `offset` to its end, or `length` bytes of it, and returns the number of bytes sent. That is fewer
   * than `length` when the file ends earlier or becomes shorter. The position of an open file neither counts nor moves.
   *
   * @param file - a path, a descriptor, or an open file. An open file must stay open meanwhile; data that it has not
   * flushed is not sent.
   * @throws the bare system error of the file (`ENOENT`, `EACCES`, `EISDIR`; `ESPIPE` for a pipe). What was read before
   * is sent.
   *
   * @example
   * ```ts
   * const count = await stream.sendFile('/var/www/index.html')
   * ```
   */
  sendFile(file: string | URL | Buffer | number | OpenedFile, options: SendFileOptions = {}): Promise<number> {
    try {
      const range = checkFileRange(file, options)
      const { backend } = enterBackend('sendFile')
      return sendByChunks(backend, range, (chunk) => this.sendAll(chunk))
    } catch (error) {
      return rejected(error)
    }
  }

  /** The same as `receiveChunks()`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    return this.receiveChunks()
  }

  /** Does the same as `close()`. A cancellation that a `close()` of your own raises is left to the next checkpoint. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.close()
    } catch (error) {
      if (!(error instanceof Cancelled)) throw error
    }
  }
}

/** The parts of a `sendMany`, checked. @internal */
export function toParts(list: unknown): Uint8Array[] {
  if (!Array.isArray(list)) throw invalidArgType('list', 'an array of strings and instances of Uint8Array', list)
  return list.map((part, index) => toBytes(`list[${index}]`, part))
}

function checkFrames(
  delimiter: unknown,
  limitName: string,
  limit: number,
  options: DelimitedOptions,
  includeByDefault: boolean,
): Frames {
  const sought = toDelimiter('delimiter', delimiter)
  checkInteger(limitName, limit)
  checkOptions('options', options, DELIMITED_OPTIONS)
  const { includeDelimiter = includeByDefault } = options
  checkBoolean('options.includeDelimiter', includeDelimiter)
  return new Frames(sought, limit, includeDelimiter)
}

const DELIMITED_OPTIONS = optionNames<DelimitedOptions>({ includeDelimiter: true })
