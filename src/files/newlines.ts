/** Newlines as Python's `open` knows them: found, and translated in both directions. */
import { EOL } from 'node:os'
import { invalidArgType, outOfRange } from '../common/validate.ts'

/**
 * `null`: `\n`, `\r` and `\r\n` end a line and read as `\n`; what is written has the system's. `''`: the same three end
 * a line, and are left as they are. Else lines end with this, and `\n` is written as this.
 */
export type Newline = null | '' | '\n' | '\r' | '\r\n'

export function checkNewline(value: unknown): Newline {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw invalidArgType('options.newline', 'of type string or null', value)
  if (value !== '' && value !== '\n' && value !== '\r' && value !== '\r\n') {
    throw outOfRange('options.newline', "null, '', '\\n', '\\r' or '\\r\\n'", value)
  }
  return value
}

/** Characters as Python counts them. */
export function codePoints(text: string): number {
  if (!PAIRS.test(text)) return text.length
  let count = text.length
  for (let index = 1; index < text.length; index++) if (isPair(text, index - 1)) count--
  return count
}

/** Knows about one text which of the dear cases are in it. */
export class NewlineFinder {
  readonly #newline: Newline
  readonly #universal: boolean
  readonly #written: string
  #hasReturns = false
  #hasPairs = false
  /** Of the text, from wherever it was last looked for; -1: none there any more. */
  #nextReturn = -1
  #nextFeed = -1

  constructor(newline: Newline) {
    this.#newline = newline
    this.#universal = newline === null || newline === ''
    this.#written = newline === null ? EOL : newline === '' ? '\n' : newline
  }

  /** The text is now `kept + added`. */
  grown(kept: string, added: string): void {
    if (kept === '') this.#hasReturns = this.#hasPairs = false
    if (this.#universal && !this.#hasReturns) this.#hasReturns = added.includes('\r')
    if (!this.#hasPairs) this.#hasPairs = PAIRS.test(added)
    this.#nextReturn = this.#nextFeed = UNKNOWN
  }

  /** The next place asked about may lie before the last one. */
  rewind(): void {
    this.#nextReturn = this.#nextFeed = UNKNOWN
  }

  /** Behind the line that begins at `at`; -1: its end is not there yet. */
  lineEnd(text: string, at: number): number {
    if (!this.#universal) {
      const newline = this.#newline as string
      const found = text.indexOf(newline, at)
      return found < 0 ? -1 : found + newline.length
    }
    if (!this.#hasReturns) return text.indexOf('\n', at) + 1 || -1
    // Looked for once each, not once a line: one of the two may be far away.
    if (this.#nextFeed !== -1 && this.#nextFeed < at) this.#nextFeed = text.indexOf('\n', at)
    if (this.#nextReturn !== -1 && this.#nextReturn < at) this.#nextReturn = text.indexOf('\r', at)
    const { feed, carriage } = { feed: this.#nextFeed, carriage: this.#nextReturn }
    if (carriage < 0 || (feed >= 0 && feed < carriage)) return feed < 0 ? -1 : feed + 1
    if (feed === carriage + 1) return feed + 1
    return carriage + 1 === text.length ? -1 : carriage + 1
  }

  /** Behind `count` characters from `at`; -1: there are fewer, or what follows has to be known. */
  after(text: string, at: number, count: number): number {
    if (!this.#hasReturns && !this.#hasPairs) return at + count <= text.length ? at + count : -1
    let end = at
    for (let left = count; left > 0; left--) {
      if (end >= text.length) return -1
      if (this.#hasReturns && text[end] === '\r') {
        if (end + 1 === text.length) return -1
        if (this.#newline === null && text[end + 1] === '\n') end++
      } else if (isPair(text, end)) end++
      end++
    }
    return end
  }

  /**
   * Appends lines from `at` to `lines`, until they are longer than `most` characters or the text ends: behind the last
   * of them; -1: this text needs closer attention. In a tight loop: a line is soon cut, and anything more would be most
   * of what it costs.
   */
  cut(text: string, at: number, most: number, lines: string[]): number {
    if (!this.#universal || this.#hasReturns || this.#hasPairs) return -1
    const stop = at + most
    let start = at
    while (start <= stop) {
      const end = text.indexOf('\n', start) + 1
      if (end === 0) break
      lines.push(text.slice(start, end))
      start = end
    }
    return start
  }

  /** A piece of the text as its reader sees it. */
  line(text: string, start: number, end: number): string {
    const piece = text.slice(start, end)
    return this.#hasReturns ? this.translated(piece) : piece
  }

  translated(piece: string): string {
    return this.#newline === null && this.#hasReturns ? piece.replace(RETURNS, '\n') : piece
  }

  toWrite(text: string): string {
    return this.#written === '\n' ? text : text.replaceAll('\n', this.#written)
  }
}

/** Before any text. */
const UNKNOWN = -2

const RETURNS = /\r\n?/g
const PAIRS = /[\ud800-\udbff]/

function isPair(text: string, index: number): boolean {
  const high = text.charCodeAt(index)
  if (high < 0xd800 || high > 0xdbff) return false
  const low = text.charCodeAt(index + 1)
  return low >= 0xdc00 && low <= 0xdfff
}
