/**
 * Text on top of bytes: decoding, encoding and newlines, as Python's TextIOWrapper.
 *
 * ```text
 *    bytes of the file   ──────────[ decoded: textBytes ][ unread by the decoder ]···
 *                                   │
 *    text                           [taken │ at ─────── ]        newlines as they stand in the file
 * ```
 *
 * Invariants
 * 1. `text` is what `textBytes` bytes of the file say, those before the bytes that `bytes` has unread. Newlines are
 *    translated when it is taken, not before: so each place in it is a place in the file, and `tell` needs no state of
 *    a decoder.
 * 2. Taking is the last step of a work, as in byte-file.ts (3): until then `text` only grows at its end.
 * 3. A carriage return at the end of `text` is not taken before it is known whether a line feed follows.
 */
import type { ByteFile } from './byte-file.ts'
import type { Encoding, Odd } from './encodings.ts'
import { codePoints, type Newline, NewlineFinder } from './newlines.ts'
import type { Work } from './work.ts'

export interface TextFileOptions {
  readonly encoding: Encoding
  readonly newline: Newline
  readonly readable: boolean
  /** What is written leaves the buffer with each line. */
  readonly lineBuffered: boolean
}

/** Text that is tried to be put into the buffer at once. */
const SMALL = 4096

export class TextFile {
  readonly bytes: ByteFile
  readonly #encoding: Encoding
  readonly #newlines: NewlineFinder
  readonly #newline: Newline
  readonly #readable: boolean
  readonly #lineBuffered: boolean
  #text = ''
  #at = 0
  #textBytes = 0
  /** As `Decoded.unit`, of all of `text`. */
  #unit: 0 | 1 | 2 = 1
  #odd: Odd[] = []
  /** What is unread is the beginning of a character, and not what nobody has looked at yet. */
  #seen = false
  /** The next character that is written is the first of the file. */
  #bomDue: boolean

  constructor(bytes: ByteFile, { encoding, newline, readable, lineBuffered }: TextFileOptions) {
    this.bytes = bytes
    this.#encoding = encoding
    this.#newline = newline
    this.#newlines = new NewlineFinder(newline)
    this.#readable = readable
    this.#lineBuffered = lineBuffered
    this.#bomDue = bytes.at === 0
  }

  /** Characters, if they are there. */
  takeNow(size: number): string | undefined {
    const end = this.#newlines.after(this.#text, this.#at, size)
    return end < 0 ? undefined : this.#take(end)
  }

  /** The next line with its ending, or `limit` characters of it, if they are there. */
  lineNow(limit: number): string | undefined {
    const end = this.#newlines.lineEnd(this.#text, this.#at)
    if (limit === Infinity) return end < 0 ? undefined : this.#take(end)
    const most = this.#newlines.after(this.#text, this.#at, limit)
    if (end < 0) return most < 0 ? undefined : this.#take(most)
    return this.#take(most < 0 || end <= most ? end : most)
  }

  /** `size` characters, or fewer at the end of the file. */
  *read(size: number): Work<string> {
    for (;;) {
      const text = this.takeNow(size)
      if (text !== undefined) return text
      if (!(yield* this.#more(1))) return this.#take(this.#text.length)
    }
  }

  *readAll(): Work<string> {
    yield* this.#all()
    return this.#take(this.#text.length)
  }

  *readline(limit: number): Work<string> {
    for (;;) {
      const line = this.lineNow(limit)
      if (line !== undefined) return line
      if (!(yield* this.#more(1))) return this.#take(this.#text.length)
    }
  }

  /** Lines until there are more than `hint` characters of them. */
  *readlines(hint: number): Work<string[]> {
    const lines: string[] = []
    let total = 0
    // (2): a place of its own, which moves through a text that is only taken at the end.
    let at = this.#at
    let more = true
    while (total <= hint) {
      const cut = this.#newlines.cut(this.#text, at, hint - total, lines)
      if (cut > at) {
        total += cut - at
        at = cut
        continue
      }
      const end = this.#newlines.lineEnd(this.#text, at)
      if (end < 0) {
        const kept = at - this.#at
        this.#newlines.rewind()
        if (hint === Infinity) more = more && (yield* this.#all())
        else more = more && (yield* this.#more(hint - total + 1))
        // The text before this call's own may have been dropped.
        at = this.#at + kept
        if (more) continue
        if (at < this.#text.length) lines.push(this.#newlines.translated(this.#text.slice(at)))
        at = this.#text.length
        break
      }
      const line = this.#newlines.line(this.#text, at, end)
      lines.push(line)
      total += hint === Infinity ? 0 : codePoints(line)
      at = end
    }
    this.#at = at
    return lines
  }

  writeNow(text: string): number | undefined {
    if (this.#lineBuffered || text.length > SMALL) return undefined
    const before = this.#bomDue
    const data = this.#encode(text)
    this.#beginWriting()
    if (this.bytes.writeNow(data)) return codePoints(text)
    this.#bomDue = before
    return undefined
  }

  *write(text: string): Work<number> {
    const before = this.#bomDue
    const data = this.#encode(text)
    this.#beginWriting()
    try {
      yield* this.bytes.write(data)
    } catch (error) {
      this.#bomDue = before
      throw error
    }
    if (this.#lineBuffered && /[\n\r]/.test(text)) yield* this.bytes.flush()
    return codePoints(text)
  }

  /** Where the next character stands. */
  *tell(): Work<number> {
    yield* this.bytes.flush()
    return this.bytes.at - this.#textBytes + this.#bytesBefore(this.#at)
  }

  *seek(offset: number, whence: number): Work<number> {
    const target = whence === 1 ? yield* this.tell() : offset
    const position = yield* this.bytes.seek(target, whence === 2 ? 2 : 0)
    this.#forget()
    this.#seen = false
    this.#encoding.reset()
    this.#bomDue = position === 0
    return position
  }

  /** As Python has it: by default where the bytes have been read to, which may be behind the text. */
  *truncate(size?: number): Work<number> {
    yield* this.bytes.flush()
    return yield* this.bytes.truncate(size ?? (this.#seen ? this.bytes.position : this.bytes.at))
  }

  /**
   * Decodes what there is, and reads on first where that is nothing or no whole character. False at the end.
   *
   * @param least - bytes to read on
   */
  *#more(least: number): Work<boolean> {
    for (;;) {
      if (this.bytes.unread > 0 && this.#decode(false)) return true
      if ((yield* this.bytes.fill(least)) === 0) return this.#decode(true)
    }
  }

  /** Decodes all there is. Whether that was anything. */
  *#all(): Work<boolean> {
    yield* this.bytes.fillAll()
    let some = false
    while (this.bytes.unread > 0 && this.#decode(true)) some = true
    return some
  }

  /** Whether characters were gained. */
  #decode(final: boolean): boolean {
    const { bytes } = this
    this.#seen = true
    const at = bytes.transport.seekable ? bytes.at : this.#counted
    const { text, bytes: length, unit, odd } = this.#encoding.decode(bytes.unreadBytes(), at, final)
    if (length === 0) return false
    const kept = this.#dropTaken()
    this.#counted += length
    bytes.start += length
    this.#unit = kept === '' ? unit : this.#unit === unit ? unit : this.#unit + unit === 1 ? 0 : unit
    for (const { index, units, bytes: count } of odd)
      this.#odd.push({ index: kept.length + index, units, bytes: count })
    this.#text = kept + text
    this.#textBytes += length
    this.#newlines.grown(kept, text)
    return text !== ''
  }

  /** Bytes decoded, for what has no position. */
  #counted = 0

  /** What is left of the text, alone. */
  #dropTaken(): string {
    const at = this.#at
    if (at === 0) return this.#text
    const gone = this.#bytesBefore(at)
    this.#textBytes -= gone
    this.#odd = this.#odd.filter(({ index }) => index >= at).map((odd) => ({ ...odd, index: odd.index - at }))
    this.#text = this.#text.slice(at)
    this.#at = 0
    return this.#text
  }

  #take(end: number): string {
    const start = this.#at
    this.#at = end
    return this.#newlines.line(this.#text, start, end)
  }

  /** How many bytes the text before `end` stands for. */
  #bytesBefore(end: number): number {
    if (end === 0) return 0
    let count = this.#unit === 0 ? Buffer.byteLength(this.#text.slice(0, end)) : end * this.#unit
    for (const { index, units, bytes } of this.#odd) {
      if (index >= end) continue
      if (units === 1) count -= this.#unit === 0 ? 3 : this.#unit
      count += bytes
    }
    return count
  }

  #forget(): void {
    this.#text = ''
    this.#at = 0
    this.#textBytes = 0
    this.#odd = []
    this.#newlines.grown('', '')
  }

  #encode(text: string): Buffer {
    const data = this.#encoding.encode(this.#newlines.toWrite(text))
    const { bom } = this.#encoding
    if (bom === undefined || !this.#bomDue || text === '') return data
    this.#bomDue = false
    return Buffer.concat([bom, data])
  }

  /** As in Python, what is written follows the bytes that have been read, and not the text: `seek` first. */
  #beginWriting(): void {
    if (!this.#readable) return
    if (this.#text === '' && this.bytes.unread === 0) return
    this.#forget()
    if (this.#seen) this.bytes.skipUnread()
    this.#encoding.reset()
  }
}
