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
 * A bidirectional stream of bytes. Re-creates `anyio.abc.Stream`.
 *
 * A stream of your own extends this class and implements `receiveSome`, `sendAll`, `sendEof` and `close`; everything
 * else is derived from these, and may be overridden. Your `receiveSome` is then called by one task at a time, never
 * after `close`, and only for bytes that have not been read ahead already.
 *
 * One task may receive while another sends. Of two tasks that receive, the second gets a `ResourceBusyError`, and the first
 * is undisturbed. Sends that overlap wait for each other in call order, and each leaves whole; when one is cancelled after a
 * part of it has left, those already queued behind it fail with `BrokenResourceError`. (In a stream of your own that is up to
 * your `sendAll`, which is called when the caller calls it: queue, or refuse with `ResourceBusyError`, but do not mix.) After the own `close()` every call fails with `ClosedResourceError`; a connection that the peer
 * has reset fails with `BrokenResourceError`, the system error its `cause`.
 */
export abstract class Stream implements AsyncIterable<Buffer>, AsyncDisposable, Selectable<Buffer> {
  readonly #reader: Reader

  /** @internal */
  constructor(reader?: Reader) {
    this.#reader = reader ?? new PullReader(this)
  }

  /** @internal the receiving side */
  get _reader(): Reader {
    return this.#reader
  }

  /** A copy of the bytes that were received and not handed out yet. */
  get bufferedData(): Buffer {
    return this.#reader.bufferedData
  }

  /**
   * Waits for bytes and returns up to `maxBytes` of them; an empty Buffer means that the peer has closed its half.
   *
   * @throws RangeError for 0 bytes, which would read as the end of data
   */
  abstract receiveSome(maxBytes?: number): Promise<Buffer>

  /** Sends everything. Cancelled, it has sent a prefix, perhaps none, never with a gap. */
  abstract sendAll(data: Uint8Array | string): Promise<void>

  /** Ends the own half of the stream; the other one goes on. */
  abstract sendEof(): Promise<void>

  /**
   * Closes the stream, also in a cancelled scope, where it does not wait. Never raises a cancellation: the next checkpoint
   * does. Idempotent.
   */
  abstract close(): Promise<void>

  /**
   * Receives into the caller's memory and returns the number of bytes; 0 means that the peer has closed its half.
   *
   * @throws TypeError when the view lost its memory while this waited: its `ArrayBuffer` was transferred, or became smaller.
   * Nothing has been taken from the stream then.
   */
  receiveInto(view: Uint8Array): Promise<number> {
    try {
      checkView('view', view)
    } catch (error) {
      return rejected(error)
    }
    return this.#reader.receive(new Into(view))
  }

  /** @throws IncompleteRead when the data ends before `nbytes`; what had arrived stays in `bufferedData` */
  receiveExactly(nbytes: number): Promise<Buffer> {
    try {
      checkInteger('nbytes', nbytes)
    } catch (error) {
      return rejected(error)
    }
    return this.#reader.receive(new Exactly(nbytes))
  }

  /**
   * Receives up to the delimiter, which is part of the result unless `includeDelimiter` is false.
   *
   * @param maxBytes - how many bytes may come before the delimiter; exactly that many are accepted
   * @throws DelimiterNotFound beyond that, IncompleteRead when the data ends first; the bytes stay in `bufferedData`
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
   * Iterates over the frames that the delimiter ends, by default without it. The errors of a step are those of
   * `receiveUntil`; data that ends right after a delimiter ends the iteration.
   */
  receiveDelimitedChunks(
    delimiter: Uint8Array | string,
    maxChunkSize: number,
    options: DelimitedOptions = {},
  ): AsyncIterableIterator<Buffer> {
    const frames = checkFrames(delimiter, 'maxChunkSize', maxChunkSize, options, false)
    return new StreamIterator(this.#reader, new DelimitedChunks(frames))
  }

  /** The same, but each step gives all complete frames at hand: the cheapest way to many short ones. */
  receiveDelimitedBatches(
    delimiter: Uint8Array | string,
    maxChunkSize: number,
    options: DelimitedOptions = {},
  ): AsyncIterableIterator<Buffer[]> {
    const frames = checkFrames(delimiter, 'maxChunkSize', maxChunkSize, options, false)
    return new StreamIterator(this.#reader, new DelimitedBatches(frames))
  }

  /** Sends the parts one after another, as one write. */
  sendMany(list: readonly (Uint8Array | string)[]): Promise<void> {
    try {
      return this.sendAll(Buffer.concat(toParts(list)))
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Sends a file, or a part of it, from `offset` up to the end or for `length` bytes, and returns how many bytes that was: fewer
   * where the file ends, or has become shorter, before. An open file's position neither counts nor moves. An addition.
   *
   * @param file - a path, a descriptor, or an open file, which has to stay open meanwhile; what it has not flushed is not sent
   * @throws the bare system error of the file (`ENOENT`, `EACCES`, `EISDIR`; `ESPIPE` of a pipe); what was read before is sent
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

  /** Does what `close()` does. A cancellation that a `close()` of your own raises is left to the next checkpoint. */
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
