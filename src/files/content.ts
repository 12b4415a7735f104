/** What a file does for its face, in one of the two modes. `…Now` is done at once, or not at all: `undefined`. */
import { UnsupportedError } from '../errors.ts'
import type { ByteFile } from './byte-file.ts'
import type { TextFile } from './text-file.ts'
import type { Begun, Work } from './work.ts'

export interface Content<D> {
  /** May also give the work that waits for what has been begun. */
  readNow(size: number): D | Begun<D> | undefined
  seekNow(offset: number): number | undefined
  lineNow(limit: number): D | undefined
  read(size: number): Work<D>
  readAll(): Work<D>
  read1(size: number): Work<D>
  readInto(view: Buffer, once: boolean): Work<number>
  readline(limit: number): Work<D>
  readlines(hint: number): Work<D[]>
  writeNow(data: string | Uint8Array): number | undefined
  write(data: string | Uint8Array): Work<number>
  seek(offset: number, whence: number): Work<number>
  tell(): Work<number>
  truncate(size: number | undefined): Work<number>
  flush(): Work<void>
}

export class BinaryContent implements Content<Buffer> {
  readonly #bytes: ByteFile

  constructor(bytes: ByteFile) {
    this.#bytes = bytes
  }

  readNow(size: number): Buffer | Begun<Buffer> | undefined {
    return this.#bytes.readNow(size)
  }

  seekNow(offset: number): number | undefined {
    return this.#bytes.seekNow(offset)
  }

  lineNow(limit: number): Buffer | undefined {
    return this.#bytes.lineNow(limit)
  }

  read(size: number): Work<Buffer> {
    return this.#bytes.read(size)
  }

  readAll(): Work<Buffer> {
    return this.#bytes.readAll()
  }

  read1(size: number): Work<Buffer> {
    return this.#bytes.read1(size)
  }

  readInto(view: Buffer, once: boolean): Work<number> {
    return this.#bytes.readInto(view, once)
  }

  readline(limit: number): Work<Buffer> {
    return this.#bytes.readline(limit)
  }

  *readlines(hint: number): Work<Buffer[]> {
    const lines: Buffer[] = []
    let total = 0
    try {
      while (total <= hint) {
        const line = this.#bytes.lineNow(Infinity) ?? (yield* this.#bytes.readline(Infinity))
        if (line.length === 0) break
        lines.push(line)
        total += line.length
      }
    } catch (error) {
      this.#bytes.putBack(lines)
      throw error
    }
    return lines
  }

  writeNow(data: Uint8Array): number | undefined {
    return this.#bytes.writeNow(data) ? data.length : undefined
  }

  write(data: Uint8Array): Work<number> {
    return this.#bytes.write(data)
  }

  seek(offset: number, whence: number): Work<number> {
    return this.#bytes.seek(offset, whence)
  }

  *tell(): Work<number> {
    return this.#bytes.at
  }

  truncate(size: number | undefined): Work<number> {
    return this.#bytes.truncate(size)
  }

  flush(): Work<void> {
    return this.#bytes.sync()
  }
}

export class TextContent implements Content<string> {
  readonly #text: TextFile

  constructor(text: TextFile) {
    this.#text = text
  }

  readNow(size: number): string | undefined {
    return this.#text.takeNow(size)
  }

  seekNow(): undefined {
    return undefined
  }

  lineNow(limit: number): string | undefined {
    return this.#text.lineNow(limit)
  }

  read(size: number): Work<string> {
    return this.#text.read(size)
  }

  readAll(): Work<string> {
    return this.#text.readAll()
  }

  read1(): Work<string> {
    throw binaryOnly('read1')
  }

  readInto(_view: Buffer, once: boolean): Work<number> {
    throw binaryOnly(once ? 'readinto1' : 'readinto')
  }

  readline(limit: number): Work<string> {
    return this.#text.readline(limit)
  }

  readlines(hint: number): Work<string[]> {
    return this.#text.readlines(hint)
  }

  writeNow(data: string): number | undefined {
    return this.#text.writeNow(data)
  }

  write(data: string): Work<number> {
    return this.#text.write(data)
  }

  seek(offset: number, whence: number): Work<number> {
    return this.#text.seek(offset, whence)
  }

  tell(): Work<number> {
    return this.#text.tell()
  }

  truncate(size: number | undefined): Work<number> {
    return this.#text.truncate(size)
  }

  flush(): Work<void> {
    return this.#text.bytes.flush()
  }
}

function binaryOnly(what: string): UnsupportedError {
  return new UnsupportedError(`${what} needs a file that was opened in binary mode`)
}
