/** Text that is read and written as a whole. */
import type { OpenOptions } from '../files.ts'
import { checkOptions, optionNames } from '../common/validate.ts'
import { type Encoding, makeEncoding } from './encodings.ts'
import { checkNewline, NewlineFinder } from './newlines.ts'

/** How text is read and written by `Path.readText` and `Path.writeText`; as for `aopen`. */
export type TextOptions = Pick<OpenOptions, 'encoding' | 'errors' | 'newline'>

/** What makes text of a file's bytes. */
export function textReader(options: TextOptions): (bytes: Buffer) => string {
  const { encoding, newlines } = check(options)
  return (bytes) => {
    let text = ''
    for (let at = 0; at < bytes.length;) {
      const decoded = encoding.decode(bytes.subarray(at), at, true)
      at += decoded.bytes
      text += decoded.text
    }
    newlines.grown('', text)
    return newlines.translated(text)
  }
}

export function textToBytes(text: string, options: TextOptions): Buffer {
  const { encoding, newlines } = check(options)
  const body = encoding.encode(newlines.toWrite(text))
  return encoding.bom === undefined || text === '' ? body : Buffer.concat([encoding.bom, body])
}

function check(options: TextOptions): { encoding: Encoding; newlines: NewlineFinder } {
  checkOptions('options', options, OPTIONS)
  const { encoding, errors, newline } = options
  return {
    encoding: makeEncoding(encoding ?? 'utf-8', errors ?? 'strict'),
    newlines: new NewlineFinder(checkNewline(newline)),
  }
}

const OPTIONS = optionNames<TextOptions>({ encoding: true, errors: true, newline: true })
