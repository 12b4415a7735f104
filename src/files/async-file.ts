/** `AsyncFile`: the public face of an open file. */
import { type CancelScope, immediate, rejected } from '../kernel/index.ts'
import { UnsupportedError } from '../errors.ts'
import { checkInteger, invalidArgType, outOfRange } from '../common/validate.ts'
import { checkBytes, checkFileView } from './arguments.ts'
import type { Content } from './content.ts'
import { LineIterator } from './line-iterator.ts'
import type { Mode } from './mode.ts'
import type { OpenFile } from './open-file.ts'
import { notReadable } from './pump.ts'
import { Begun, type Work } from './work.ts'

/**
 * An open file, made by `aopen`. Iterate it for its lines.
 *
 * In text mode `D` is `string` and sizes count characters (code points); in binary mode `D` is `Buffer` and sizes count
 * bytes. At the end of the file a read gives an empty value. Calls on one file run in the order in which they are made,
 * also from different tasks (FILE-1).
 *
 * A call that is cancelled while the system works for it waits for the system. Then it gives its value, if that is
 * complete, or throws `Cancelled` without moving the position: the next read gets the same data (FILE-2).
 *
 * @example
 * ```ts
 * await using file = await aopen('notes.txt', 'r+')
 * const first = await file.readline()
 * await file.seek(0, 2)
 * await file.write(`again: ${first}`)
 * ```
 */
export class AsyncFile<D extends string | Buffer = string | Buffer> implements AsyncIterable<D>, AsyncDisposable {
  readonly #file: OpenFile
  readonly #content: Content<D>
  readonly #access: Mode
  readonly #mode: string
  readonly #name: string | Buffer | number

  /** @internal */
  constructor(file: OpenFile, content: Content<D>, access: Mode, mode: string, name: string | Buffer | number) {
    this.#file = file
    this.#content = content
    this.#access = access
    this.#mode = mode
    this.#name = name
  }

  /** The path or descriptor that it was opened with. */
  get name(): string | Buffer | number {
    return this.#name
  }

  /** The mode that was given to `aopen`. */
  get mode(): string {
    return this.#mode
  }

  /** Whether `close` has been called. */
  get closed(): boolean {
    return this.#file.closed
  }

  /** The file descriptor. On `native`, its position is where the file has been read to or flushed. */
  get fd(): number {
    return this.#file.requireOpen('fd').fd
  }

  /** Whether the mode allows reading. */
  readable(): boolean {
    this.#file.requireOpen('readable')
    return this.#access.readable
  }

  /** Whether the mode allows writing. */
  writable(): boolean {
    this.#file.requireOpen('writable')
    return this.#access.writable
  }

  /** Whether `seek`, `tell` and `truncate` work: not with a pipe, nor with a terminal. */
  seekable(): boolean {
    return this.#file.requireOpen('seekable').seekable
  }

  /** Reads `size` characters or bytes, fewer only at the end. Without `size`, or with -1, reads to the end. */
  read(size?: number): Promise<D> {
    try {
      const count = checkReadSize('size', size)
      const scope = this.#enterRead('read')
      const now = this.#file.pump.idle && count !== Infinity ? this.#content.readNow(count) : undefined
      if (now instanceof Begun) return this.#call(scope, 'read', () => now.work)
      if (now !== undefined) return immediate(now)
      return this.#call(scope, 'read', () => (count === Infinity ? this.#content.readAll() : this.#content.read(count)))
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Binary: reads up to `size` bytes with at most one system call: buffered bytes, or those that come first.
   *
   * @throws UnsupportedError in text mode
   */
  read1(size?: number): Promise<D> {
    try {
      const count = checkReadSize('size', size)
      const scope = this.#enterRead('read1')
      return this.#call(scope, 'read1', () => this.#content.read1(count))
    } catch (error) {
      return rejected(error)
    }
  }

  /** Reads one line with its ending, or `limit` characters or bytes of it. Empty at the end of the file. */
  readline(limit?: number): Promise<D> {
    try {
      const most = checkLimit('limit', limit)
      const scope = this.#enterRead('readline')
      const now = this.#file.pump.idle ? this.#content.lineNow(most) : undefined
      if (now !== undefined) return immediate(now)
      return this.#call(scope, 'readline', () => this.#content.readline(most))
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Reads all lines with their endings; with `hint`, lines until they have more than `hint` characters or bytes
   * together.
   */
  readlines(hint?: number | null): Promise<D[]> {
    try {
      if (hint !== undefined && hint !== null) checkInteger('hint', hint, Number.MIN_SAFE_INTEGER)
      const most = hint === undefined || hint === null || hint <= 0 ? Infinity : hint
      return this.#call(this.#enterRead('readlines'), 'readlines', () => this.#content.readlines(most))
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Binary: reads into `view`, and resolves with the number of bytes: fewer than its length only at the end, 0 at the
   * end.
   *
   * @throws UnsupportedError in text mode
   */
  readinto(view: Uint8Array): Promise<number> {
    return this.#readInto('readinto', view, false)
  }

  /** As `readinto`, with at most one system call. */
  readinto1(view: Uint8Array): Promise<number> {
    return this.#readInto('readinto1', view, true)
  }

  /**
   * Writes all of `data`, and resolves with the number of characters or bytes. Small data stays in the file's buffer
   * until `flush` or `close`.
   */
  write(data: D extends string ? string : Uint8Array): Promise<number> {
    try {
      this.#checkData('data', data)
      const scope = this.#enterWrite('write')
      const now = this.#file.pump.idle ? this.#content.writeNow(data) : undefined
      if (now !== undefined) return immediate(now)
      const copy = typeof data === 'string' || this.#file.pump.idle ? data : Buffer.from(data)
      return this.#call(scope, 'write', () => this.#content.write(copy))
    } catch (error) {
      return rejected(error)
    }
  }

  /** Writes the items of `list` one after another, without separators. */
  writelines(list: Iterable<D extends string ? string : Uint8Array>): Promise<void> {
    try {
      if (typeof list !== 'object' || list === null || !(Symbol.iterator in list)) {
        throw invalidArgType('list', 'an iterable, of what write takes', list)
      }
      const pieces = [...list].map((piece) => {
        this.#checkData('list', piece)
        return typeof piece === 'string' ? piece : Buffer.from(piece)
      })
      const content = this.#content
      return this.#call(this.#enterWrite('writelines'), 'writelines', function* () {
        for (const piece of pieces) if (content.writeNow(piece) === undefined) yield* content.write(piece)
      })
    } catch (error) {
      return rejected(error)
    }
  }

  /** Cuts the file, or extends it with zeros, to `size` bytes (default: the position). Resolves with the new size. */
  truncate(size?: number | null): Promise<number> {
    try {
      if (size !== undefined && size !== null) checkInteger('size', size)
      const scope = this.#enterWrite('truncate')
      return this.#call(scope, 'truncate', () => this.#content.truncate(size ?? undefined))
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Moves the position to `offset` from the beginning (`whence` 0), from the position (1), or from the end (2).
   * Resolves with the new position. In text mode `offset` must be 0 or a value of `tell`.
   */
  seek(offset: number, whence = 0): Promise<number> {
    try {
      checkInteger('offset', offset, Number.MIN_SAFE_INTEGER)
      checkInteger('whence', whence, 0, 2)
      if (whence === 0 && offset < 0) throw outOfRange('offset', 'an integer >= 0', offset)
      if (!this.#access.binary && whence !== 0 && offset !== 0) {
        throw new UnsupportedError(
          'seek: in text mode only an offset of 0 can be relative; other places come from tell()',
        )
      }
      const scope = this.#file.enter('seek')
      const now = whence === 0 && this.#file.pump.idle ? this.#content.seekNow(offset) : undefined
      if (now !== undefined) return immediate(now)
      return this.#call(scope, 'seek', () => this.#content.seek(offset, whence))
    } catch (error) {
      return rejected(error)
    }
  }

  /** The position in bytes; in text mode an opaque number for `seek`. */
  tell(): Promise<number> {
    try {
      const scope = this.#file.enter('tell')
      if (!this.#file.requireOpen('tell').seekable)
        throw new UnsupportedError(`tell: ${this.#file.name} is not seekable`)
      return this.#call(scope, 'tell', () => this.#content.tell())
    } catch (error) {
      return rejected(error)
    }
  }

  /** Hands buffered writes to the system. */
  flush(): Promise<void> {
    return this.#file.call('flush', () => this.#content.flush())
  }

  /**
   * Flushes and closes the file, behind all earlier calls (FILE-3). The file is closed also in a cancelled scope, and
   * also if the flush fails; then the error comes out. Never raises a cancellation: the next checkpoint does.
   * Idempotent.
   */
  close(): Promise<void> {
    return this.#file.close()
  }

  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Iterates over the lines with their endings, from the position on. */
  [Symbol.asyncIterator](): AsyncIterableIterator<D> {
    return new LineIterator(this.#file, this.#content, this.#access.readable)
  }

  #call<T>(scope: CancelScope, what: string, begin: () => Work<T>): Promise<T> {
    return this.#file.pump.call(scope, what, begin)
  }

  #readInto(what: string, view: Uint8Array, once: boolean): Promise<number> {
    try {
      const memory = checkFileView('view', view)
      const scope = this.#enterRead(what)
      const now = this.#file.pump.idle && !once ? this.#content.readNow(memory.length) : undefined
      if (now instanceof Begun) return this.#call(scope, what, () => copied(now.work, memory))
      if (now instanceof Uint8Array) return immediate(now.copy(memory))
      return this.#call(scope, what, () => this.#content.readInto(memory, once))
    } catch (error) {
      return rejected(error)
    }
  }

  #enterRead(what: string): CancelScope {
    const scope = this.#file.enter(what)
    if (!this.#access.readable) throw notReadable(what)
    return scope
  }

  #enterWrite(what: string): CancelScope {
    const scope = this.#file.enter(what)
    if (!this.#access.writable) throw new UnsupportedError(`${what}: the file was not opened for writing`)
    return scope
  }

  #checkData(name: string, data: unknown): void {
    if (this.#access.binary) checkBytes(name, data)
    else if (typeof data !== 'string') throw invalidArgType(name, 'of type string, in text mode', data)
  }
}

/** Copies the data of a read that has begun. */
function* copied(work: Work<string | Buffer>, memory: Buffer): Work<number> {
  return ((yield* work) as Buffer).copy(memory)
}

/** -1 or no size: to the end. */
function checkReadSize(name: string, size: unknown): number {
  if (size === undefined || size === null || size === -1) return Infinity
  checkInteger(name, size)
  return size
}

/** A negative limit, or none: no limit. */
function checkLimit(name: string, limit: unknown): number {
  if (limit === undefined || limit === null) return Infinity
  checkInteger(name, limit, Number.MIN_SAFE_INTEGER)
  return limit < 0 ? Infinity : limit
}
