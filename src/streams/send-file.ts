/**
 * `sendFile`: a loop of reads and sends. The reads are *acknowledged*: a cancelled one is waited for, because the
 * system writes into its memory; the sends are the stream's own, so that what is cancelled has sent a prefix.
 */

import { fileURLToPath } from 'node:url'
import type { Answer, Backend, FileSource } from '../backends/contract/backend.ts'
import type { Cancelled } from '../errors.ts'
import { CancelScope, enterOperation, Operation, REAL } from '../kernel/index.ts'
import { ownedByScope } from '../common/owned.ts'
import { checkInteger, checkOptions, invalidArgType, optionNames, outOfRange } from '../common/validate.ts'
import type { Sender } from './sender.ts'

/** Options of `sendFile`. */
export interface SendFileOptions {
  /** Where in the file to begin, in bytes from its start. Default 0, whatever the position of a file that is open. */
  offset?: number | undefined
  /** How many bytes to send at most. Default: up to the end of the file. */
  length?: number | undefined
}

/** A file that is open: an `AsyncFile`, a `FileHandle` of Node's, or whatever else has a descriptor. */
export interface OpenedFile {
  /** The descriptor, open for reading. */
  readonly fd: number
}

/** What is to be sent, checked. */
export interface FileRange {
  readonly file: string | Buffer | number
  readonly offset: number
  /** `Infinity`: up to the end. */
  readonly length: number
}

export function checkFileRange(file: unknown, options: unknown): FileRange {
  const checked = checkFile(file)
  checkOptions('options', options, OPTIONS)
  const { offset = 0, length } = options as SendFileOptions
  checkInteger('options.offset', offset)
  if (length !== undefined) checkInteger('options.length', length)
  return { file: checked, offset, length: length ?? Infinity }
}

/** For a stream of a user's own: each chunk is memory of its own, for who knows how long a `sendAll` keeps it. */
export function sendByChunks(
  backend: Backend,
  range: FileRange,
  sendAll: (chunk: Buffer) => Promise<void>,
): Promise<number> {
  const allocate = () => Buffer.allocUnsafe(CHUNK)
  return CancelScope._operation('sendFile', () => sendRange(backend, range, allocate, sendAll))
}

/** For a socket: other sends wait until the whole file has left. */
export function sendThrough(sender: Sender, backend: Backend, range: FileRange): Promise<number> {
  return ownedByScope(sendInTurn(sender, backend, range))
}

async function sendInTurn(sender: Sender, backend: Backend, range: FileRange): Promise<number> {
  // Without an await where it begins at once: a call that is left behind is in its scope by then.
  const turn = sender.turn('sendFile')
  if (turn !== undefined) await turn
  let begun = false
  const moved = (): void => {
    begun = true
  }
  // What was sent is not looked at again (backend.ts): one block of memory serves the whole file.
  let block: Buffer | undefined
  try {
    // A call that was not awaited is cancelled, and waited for, as one operation (SCOPE-7).
    const sent = await CancelScope._operation('sendFile', () =>
      sendRange(
        backend,
        range,
        () => (block ??= Buffer.allocUnsafeSlow(CHUNK)),
        (chunk) => sender.sendRest('sendFile', { parts: [chunk], part: 0, offset: 0, moved }),
      ),
    )
    begun = false
    return sent
  } finally {
    sender.endTurn(begun ? 'sendFile' : undefined)
  }
}

/** Read and sent at once. */
const CHUNK = 2 ** 18

async function sendRange(
  backend: Backend,
  { file, offset, length }: FileRange,
  allocate: () => Buffer,
  send: (chunk: Buffer) => Promise<void>,
): Promise<number> {
  const source = await new FileCall<FileSource>('open').ask(
    (answer) => backend.openSource(file, answer),
    (late) => late.close(),
  )
  try {
    let sent = 0
    while (sent < length) {
      const memory = allocate()
      const wanted = Math.min(memory.length, length - sent)
      const count = await new FileCall<number>('read').ask((answer) =>
        source.read(memory, wanted, offset + sent, answer),
      )
      // The end, wherever it is by now: a file may have become shorter, or longer.
      if (count === 0) break
      await send(memory.subarray(0, count))
      sent += count
    }
    return sent
  } finally {
    source.close()
  }
}

/** One question to the file system. */
class FileCall<T> extends Operation<T> {
  readonly #what: string
  #cancelled: Cancelled | undefined

  constructor(what: string) {
    super()
    this.#what = what
  }

  /** `discard` gets what came after the caller was cancelled. */
  ask(put: (answer: Answer<T>) => void, discard?: (late: T) => void): Promise<T> {
    const promise = this.begin(enterOperation('sendFile'))
    put((error, value) => {
      if (this.#cancelled === undefined) {
        if (error === undefined) this.resolve(value as T)
        else this.reject(error)
        return
      }
      if (error === undefined) discard?.(value as T)
      this.reject(this.#cancelled)
    })
    return promise
  }

  override describe(): string {
    return `sendFile: ${this.#what} of the file`
  }

  override get waitsFor(): number {
    return REAL
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.#cancelled = cancelled()
  }
}

function checkFile(file: unknown): string | Buffer | number {
  if (typeof file === 'number') return checkDescriptor('file', file)
  if (typeof file === 'string' || Buffer.isBuffer(file)) return checkPath(file)
  if (file instanceof URL) return checkPath(fileURLToPath(file))
  if (typeof file === 'object' && file !== null && 'fd' in file) return checkDescriptor('file.fd', file.fd)
  throw invalidArgType('file', 'a path, a URL, a file descriptor or an open file', file)
}

function checkDescriptor(name: string, fd: unknown): number {
  checkInteger(name, fd, 0, 2 ** 31 - 1)
  return fd
}

function checkPath<P extends string | Buffer>(path: P): P {
  if (path.includes('\0')) throw outOfRange('file', 'a path without NUL bytes', path)
  return path
}

const OPTIONS = optionNames<SendFileOptions>({ offset: true, length: true })
