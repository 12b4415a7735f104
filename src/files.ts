/** Files: `aopen`. */
import { AsyncFile } from './files/async-file.ts'
import { checkPath } from './files/arguments.ts'
import { makeEncoding } from './files/encodings.ts'
import { type BinaryMode, parseMode, type TextMode } from './files/mode.ts'
import type { Path } from './files/path.ts'
import { checkNewline } from './files/newlines.ts'
import { checkCombination, open, type Opener, type Opening } from './files/opening.ts'
import { UsageError } from './errors.ts'
import { rejected } from './kernel/index.ts'
import { asOneOperation } from './common/opening.ts'
import { checkBoolean, checkFunction, checkInteger, checkOptions, checkString, optionNames } from './common/validate.ts'

/** Options of `aopen`. */
export interface OpenOptions {
  /** Text: `'utf-8'` (default), `'utf-8-sig'`, `'utf-16'`, `'utf-16-le'`, `'utf-16-be'`, `'latin1'` or `'ascii'`. */
  encoding?: string | undefined
  /** Text: what becomes of bytes that are no characters, and of characters that the encoding does not have. Default `'strict'`. */
  errors?: 'strict' | 'replace' | 'ignore' | undefined
  /**
   * Text: `null` (default) reads `\n`, `\r` and `\r\n` as `\n`, and writes the system's own; `''` ends lines at the same three and
   * leaves them as they are; with `'\n'`, `'\r'` or `'\r\n'` only this ends a line, and `\n` is written as this.
   */
  newline?: '' | '\n' | '\r' | '\r\n' | null | undefined
  /** Bytes; 0 (binary only) does without a buffer, 1 in text mode writes each line at once. */
  bufferSize?: number | undefined
  /** Whether `close` closes a descriptor that was given. Default true. */
  closefd?: boolean | undefined
  /** Opens the file: gets the path and the system's flags, and gives a descriptor, which the file then owns. */
  opener?: Opener | undefined
}

/**
 * Opens a file, as Python's `open` does. Re-creates `anyio.aopen`.
 *
 * ```ts
 * await using file = await aopen('server.log')
 * for await (const line of file) console.log(line.trimEnd())
 * ```
 *
 * @param file - a path, or a descriptor that is open already
 * @param mode - `'r'`, `'w'` (empties it), `'a'` (appends) or `'x'` (makes it, and fails with `EEXIST` if it is there); with
 * `'+'` to read and write, and with `'b'` for `Buffer`s instead of text
 * @throws the system's error: `ENOENT`, `EACCES`, `EISDIR` for a directory
 */
export function aopen(
  file: string | URL | Buffer | Path | number,
  mode?: TextMode,
  options?: OpenOptions,
): Promise<AsyncFile<string>>
export function aopen(
  file: string | URL | Buffer | Path | number,
  mode: BinaryMode,
  options?: OpenOptions,
): Promise<AsyncFile<Buffer>>
export function aopen(
  file: string | URL | Buffer | Path | number,
  mode: string,
  options?: OpenOptions,
): Promise<AsyncFile<string> | AsyncFile<Buffer>>
export function aopen(
  file: string | URL | Buffer | Path | number,
  mode = 'r',
  options: OpenOptions = {},
): Promise<AsyncFile<string> | AsyncFile<Buffer>> {
  try {
    const opening = checkOpening(file, mode, options)
    return asOneOperation('aopen', 'file', ({ backend, frame, made }) =>
      open<string | Buffer>(backend, frame, made, opening),
    ) as Promise<AsyncFile<string> | AsyncFile<Buffer>>
  } catch (error) {
    return rejected(error)
  }
}

/** @internal for whatever else opens files */
export function checkOpening(file: unknown, mode: unknown, options: OpenOptions): Opening {
  checkOptions('options', options, OPTIONS)
  const { encoding, errors, newline, bufferSize, closefd = true, opener } = options
  if (typeof file === 'number') checkInteger('file', file)
  const access = parseMode(mode)
  if (access.binary) refuseTextOptions(options)
  if (bufferSize !== undefined) checkInteger('options.bufferSize', bufferSize)
  checkBoolean('options.closefd', closefd)
  if (opener !== undefined) checkFunction('options.opener', opener)
  const opening: Opening = {
    file: typeof file === 'number' ? file : checkPath('file', file),
    mode: mode as string,
    access,
    permissions: 0o666,
    encoding: access.binary ? undefined : makeEncoding(encoding ?? 'utf-8', errors ?? 'strict'),
    newline: checkNewline(newline),
    bufferSize,
    closefd,
    opener,
  }
  checkCombination(opening)
  return opening
}

function refuseTextOptions({ encoding, errors, newline }: OpenOptions): void {
  for (const [name, value] of Object.entries({ encoding, errors, newline })) {
    if (value === undefined || value === null) continue
    checkString(`options.${name}`, value)
    throw new UsageError(`options.${name} is for text: the mode is binary`)
  }
}

const OPTIONS = optionNames<OpenOptions>({
  encoding: true,
  errors: true,
  newline: true,
  bufferSize: true,
  closefd: true,
  opener: true,
})
