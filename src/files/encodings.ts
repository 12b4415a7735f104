/**
 * Bytes to text and back. A decoder takes as many bytes as make whole characters and leaves the rest, so that it keeps
 * no bytes of its own, and a place in the text is a place in the file.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import { checkOneOf, checkString, outOfRange } from '../common/validate.ts'

export type ErrorMode = (typeof ERRORS)[number]
const ERRORS = ['strict', 'replace', 'ignore'] as const

/** A place at which characters and bytes do not follow the rule: a sequence that was replaced or left out, a BOM. */
export interface Odd {
  /** In the text, in UTF-16 units. */
  readonly index: number
  readonly units: 0 | 1
  readonly bytes: number
}

export interface Decoded {
  readonly text: string
  /** How many bytes it was made of. Fewer than there are: an incomplete character follows, or one that is an error. */
  readonly bytes: number
  /** Bytes for each UTF-16 unit where that is always the same, and 0 where they have to be counted. */
  readonly unit: 0 | 1 | 2
  readonly odd: readonly Odd[]
}

export interface Encoding {
  /** Python's name. */
  readonly name: string
  /**
   * @param at - where the first byte stands in the file, for the error
   * @param final - whether the file ends with these bytes
   */
  decode(bytes: Buffer, at: number, final: boolean): Decoded
  encode(text: string): Buffer
  /** What stands at the beginning of a file that is written. */
  readonly bom: Buffer | undefined
  /** Forgets what the beginning of the file has told. */
  reset(): void
}

export function makeEncoding(name: unknown, errors: unknown): Encoding {
  checkString('options.encoding', name)
  checkString('options.errors', errors)
  checkOneOf('options.errors', errors, ERRORS)
  switch (name.toLowerCase().replace(/[_ ]/g, '-')) {
    case 'utf-8':
    case 'utf8':
      return new Utf8(errors, false)
    case 'utf-8-sig':
    case 'utf8-sig':
      return new Utf8(errors, true)
    case 'latin1':
    case 'latin-1':
    case 'iso-8859-1':
    case 'iso8859-1':
      return new SingleByte('iso-8859-1', 0xff, errors)
    case 'ascii':
    case 'us-ascii':
      return new SingleByte('ascii', 0x7f, errors)
    case 'utf-16':
    case 'utf16':
      return new Utf16('utf-16', errors, undefined)
    case 'utf-16-le':
    case 'utf-16le':
    case 'utf16le':
      return new Utf16('utf-16-le', errors, 'LE')
    case 'utf-16-be':
    case 'utf-16be':
      return new Utf16('utf-16-be', errors, 'BE')
    default:
      throw outOfRange('options.encoding', `one of ${NAMES.join(', ')}`, name)
  }
}

const NAMES = ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be', 'latin1', 'ascii']

const NONE: readonly Odd[] = []

/** What could not be decoded, in the shape of Node's own error. */
function decodeError(encoding: string, bytes: Buffer, offset: number, length: number, why: string): TypeError {
  const shown = bytes
    .subarray(0, length)
    .toString('hex')
    .replace(/..(?=.)/g, '$& ')
  const text = `The encoded data was not valid for encoding ${encoding}: ${why} at byte ${offset} (${shown})`
  return Object.assign(new TypeError(text), { code: 'ERR_ENCODING_INVALID_ENCODED_DATA', encoding, offset })
}

function encodeError(encoding: string, text: string, index: number): RangeError {
  const point = text.codePointAt(index)!.toString(16).toUpperCase().padStart(4, '0')
  return outOfRange('data', `text that ${encoding} can represent; character ${index} is U+${point}`, text)
}

class Utf8 implements Encoding {
  readonly name: string
  readonly bom: Buffer | undefined
  readonly #errors: ErrorMode
  /** The BOM is still to come. */
  #expectsBom: boolean

  constructor(errors: ErrorMode, signed: boolean) {
    this.name = signed ? 'utf-8-sig' : 'utf-8'
    this.bom = signed ? Buffer.from(BOM) : undefined
    this.#errors = errors
    this.#expectsBom = signed
  }

  decode(bytes: Buffer, at: number, final: boolean): Decoded {
    if (this.#expectsBom) {
      if (bytes.length < 3 && !final && BOM_BYTES.subarray(0, bytes.length).equals(bytes)) return NOTHING
      this.#expectsBom = false
      if (at === 0 && bytes.subarray(0, 3).equals(BOM_BYTES))
        return afterBom(this.#decode(bytes.subarray(3), 3, final), 3)
    }
    return this.#decode(bytes, at, final)
  }

  encode(text: string): Buffer {
    return Buffer.from(this.#errors === 'strict' && isWellFormed(text) ? text : this.#wellFormed(text))
  }

  reset(): void {
    this.#expectsBom = this.bom !== undefined
  }

  #decode(bytes: Buffer, at: number, final: boolean): Decoded {
    if (isAscii(bytes)) return { text: bytes.toString('latin1'), bytes: bytes.length, unit: 1, odd: NONE }
    const whole = final ? bytes : bytes.subarray(0, bytes.length - unfinished(bytes))
    if (isUtf8(whole)) return { text: whole.toString(), bytes: whole.length, unit: 0, odd: NONE }
    return this.#decodeBroken(whole, at)
  }

  /** What is valid before the first error, or the error itself; all of it where errors are no errors. */
  #decodeBroken(bytes: Buffer, at: number): Decoded {
    const odd: Odd[] = []
    let text = ''
    let offset = 0
    while (offset < bytes.length) {
      const good = validLength(bytes, offset)
      text += bytes.toString('utf8', offset, offset + good)
      offset += good
      if (offset === bytes.length) break
      const bad = invalidLength(bytes, offset)
      if (this.#errors === 'strict') {
        if (offset === 0) throw decodeError(this.name, bytes, at, bad, 'an invalid sequence')
        break
      }
      const units = this.#errors === 'replace' ? 1 : 0
      odd.push({ index: text.length, units, bytes: bad })
      if (units === 1) text += REPLACEMENT
      offset += bad
    }
    return { text, bytes: offset, unit: 0, odd }
  }

  #wellFormed(text: string): string {
    const index = text.search(LONE)
    if (index < 0) return text
    if (this.#errors === 'strict') throw encodeError(this.name, text, index)
    return text.replaceAll(LONE, this.#errors === 'replace' ? '?' : '')
  }
}

class SingleByte implements Encoding {
  readonly name: string
  readonly bom = undefined
  readonly #last: number
  readonly #errors: ErrorMode

  constructor(name: string, last: number, errors: ErrorMode) {
    this.name = name
    this.#last = last
    this.#errors = errors
  }

  decode(bytes: Buffer, at: number): Decoded {
    const text = bytes.toString('latin1')
    if (this.#last === 0xff || isAscii(bytes)) return { text, bytes: bytes.length, unit: 1, odd: NONE }
    const index = text.search(HIGH)
    if (this.#errors === 'replace') {
      return { text: text.replaceAll(HIGH, REPLACEMENT), bytes: bytes.length, unit: 1, odd: NONE }
    }
    if (this.#errors === 'strict') {
      if (index === 0) throw decodeError(this.name, bytes, at, 1, 'an invalid byte')
      return { text: text.slice(0, index), bytes: index, unit: 1, odd: NONE }
    }
    const odd: Odd[] = []
    for (const match of text.matchAll(HIGH)) odd.push({ index: match.index - odd.length, units: 0, bytes: 1 })
    return { text: text.replaceAll(HIGH, ''), bytes: bytes.length, unit: 1, odd }
  }

  encode(text: string): Buffer {
    const foreign = this.#last === 0xff ? BEYOND_LATIN1 : BEYOND_ASCII
    const index = text.search(foreign)
    if (index < 0) return Buffer.from(text, 'latin1')
    if (this.#errors === 'strict') throw encodeError(this.name, text, index)
    return Buffer.from(text.replaceAll(foreign, this.#errors === 'replace' ? '?' : ''), 'latin1')
  }

  reset(): void {}
}

class Utf16 implements Encoding {
  readonly name: string
  readonly bom: Buffer | undefined
  readonly #errors: ErrorMode
  readonly #fixed: 'LE' | 'BE' | undefined
  #order: 'LE' | 'BE' | undefined

  constructor(name: string, errors: ErrorMode, order: 'LE' | 'BE' | undefined) {
    this.name = name
    this.#errors = errors
    this.#fixed = this.#order = order
    this.bom = order === undefined ? Buffer.of(0xff, 0xfe) : undefined
  }

  decode(bytes: Buffer, at: number, final: boolean): Decoded {
    if (this.#order === undefined) {
      if (bytes.length === 0 || (bytes.length < 2 && !final)) return NOTHING
      // Half a mark, and nothing else.
      const mark = bytes.length < 2 ? 0xfeff : bytes.readUInt16LE()
      if (mark !== 0xfeff && mark !== 0xfffe) throw decodeError(this.name, bytes, at, 2, 'no byte order mark')
      this.#order = mark === 0xfffe ? 'BE' : 'LE'
      if (bytes.length < 2) return this.#decode(bytes, at, final)
      return afterBom(this.#decode(bytes.subarray(2), at + 2, final), 2)
    }
    return this.#decode(bytes, at, final)
  }

  encode(text: string): Buffer {
    let good = text
    if (!isWellFormed(text)) {
      if (this.#errors === 'strict') throw encodeError(this.name, text, text.search(LONE))
      good = text.replaceAll(LONE, this.#errors === 'replace' ? '?' : '')
    }
    const bytes = Buffer.from(good, 'utf16le')
    return this.#fixed === 'BE' ? bytes.swap16() : bytes
  }

  reset(): void {
    this.#order = this.#fixed
  }

  #decode(bytes: Buffer, at: number, final: boolean): Decoded {
    let length = bytes.length - (bytes.length % 2)
    let text = (this.#order === 'BE' ? Buffer.from(bytes.subarray(0, length)).swap16() : bytes).toString(
      'utf16le',
      0,
      length,
    )
    // The first half of a pair waits for the second.
    if (!final && /[\ud800-\udbff]$/.test(text)) {
      text = text.slice(0, -1)
      length -= 2
    }
    const odd: Odd[] = []
    if (!isWellFormed(text)) {
      const index = text.search(LONE)
      if (this.#errors === 'strict') {
        if (index === 0) throw decodeError(this.name, bytes, at, 2, 'half of a surrogate pair')
        return { text: text.slice(0, index), bytes: index * 2, unit: 2, odd: NONE }
      }
      if (this.#errors === 'replace') text = text.replaceAll(LONE, REPLACEMENT)
      else {
        for (const match of text.matchAll(LONE)) odd.push({ index: match.index - odd.length, units: 0, bytes: 2 })
        text = text.replaceAll(LONE, '')
      }
    }
    if (final && length < bytes.length) {
      if (this.#errors === 'strict') {
        if (length === 0) throw decodeError(this.name, bytes, at, 1, 'half of a character')
        return { text, bytes: length, unit: 2, odd }
      }
      const units = this.#errors === 'replace' ? 1 : 0
      odd.push({ index: text.length, units, bytes: bytes.length - length })
      if (units === 1) text += REPLACEMENT
      length = bytes.length
    }
    return { text, bytes: length, unit: 2, odd }
  }
}

const BOM = '\ufeff'
const BOM_BYTES = Buffer.from(BOM)
const REPLACEMENT = '\ufffd'
const NOTHING: Decoded = { text: '', bytes: 0, unit: 1, odd: NONE }

const LONE = /\p{Surrogate}/gu
const HIGH = /[\x80-\xff]/g
const BEYOND_LATIN1 = /[^\0-\xff]/gu
const BEYOND_ASCII = /[^\0-\x7f]/gu

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

function afterBom({ text, bytes, unit, odd }: Decoded, length: number): Decoded {
  const mark: Odd = { index: 0, units: 0, bytes: length }
  return { text, bytes: bytes + length, unit, odd: [mark, ...odd] }
}

/** How many bytes at the end may be the beginning of a character. */
function unfinished(bytes: Buffer): number {
  for (let length = 1; length <= 3 && length <= bytes.length; length++) {
    const byte = bytes[bytes.length - length]!
    if (byte >= 0xc0) return byte >= (length === 1 ? 0xc2 : length === 2 ? 0xe0 : 0xf0) ? length : 0
    if (byte < 0x80) return 0
  }
  return 0
}

/** Of valid characters, from `start`. */
function validLength(bytes: Buffer, start: number): number {
  let at = start
  for (;;) {
    const length = sequenceLength(bytes, at)
    if (length <= 0) return at - start
    at += length
  }
}

/** The longest beginning of a character, as Unicode has it replaced by one U+FFFD. */
function invalidLength(bytes: Buffer, start: number): number {
  return -Math.min(-1, sequenceLength(bytes, start))
}

/** The length of the character at `at`, or minus the length of what is wrong there; 0 at the end. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at]
  if (first === undefined) return 0
  if (first < 0x80) return 1
  if (first < 0xc2 || first > 0xf4) return -1
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  // Overlong forms, surrogates, and what is beyond Unicode show in the second byte.
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  const second = bytes[at + 1]
  if (second === undefined || second < least || second > most) return -1
  for (let index = 2; index < length; index++) {
    const byte = bytes[at + index]
    if (byte === undefined || byte < 0x80 || byte > 0xbf) return -index
  }
  return length
}
