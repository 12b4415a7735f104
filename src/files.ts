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
  /**
   * Text: how to treat bytes that are no characters, and characters that the encoding does not have. `'strict'`
   * (default) throws, `'replace'` puts a replacement character, `'ignore'` leaves them out.
   */
  errors?: 'strict' | 'replace' | 'ignore' | undefined
  /**
   * Text: `null` (default) reads `\n`, `\r` and `\r\n` as `\n`, and writes `\n` as the system's newline. `''` ends
   * lines at the same three and does not translate them. With `'\n'`, `'\r'` or `'\r\n'` only that ends a line, and
   * `\n` is written as that.
   */
  newline?: '' | '\n' | '\r' | '\r\n' | null | undefined
  /** Size of the buffer in bytes. 0 (binary only): no buffer. 1 in text mode: writes each line at once. */
  bufferSize?: number | undefined
  /** Whether `close` closes a descriptor that was given. Default true. */
  closefd?: boolean | undefined
  /** Opens the file: called with the path and the system's flags, returns a descriptor that the file then owns. */
  opener?: Opener | undefined
}

/**
 * Opens a file, and resolves with an `AsyncFile` to read, write and iterate. Text mode gives strings, binary mode
 * Buffers.
 *
 * @example
 * ```ts
 * await using file = await aopen('server.log')
 * for await (const line of file) console.log(line.trimEnd())
 * ```
 *
 * @param file - a path, or an open file descriptor
 * @param mode - `'r'` (reads; default), `'w'` (creates or empties), `'a'` (appends) or `'x'` (creates, and fails with
 * `EEXIST` if the file exists); add `'+'` to read and write, and `'b'` for `Buffer`s instead of text
 * @throws the system error: `ENOENT`, `EACCES`, `EISDIR` for a directory
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

/** @internal Shared by all functions that open files. */
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
