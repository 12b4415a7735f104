/** Opens a file: the system call, and the `AsyncFile` over its result. */
import type { Abandon, Backend, FileOpenOptions, FileTransport } from '../backends/contract/backend.ts'
import { type Cancelled, UnsupportedError, UsageError } from '../errors.ts'
import { abandonable, enterOperation, type Frame, settleFairly } from '../kernel/index.ts'
import { invalidArgType, isThenable, outOfRange } from '../common/validate.ts'
import { AsyncFile } from './async-file.ts'
import { ByteFile } from './byte-file.ts'
import { BinaryContent, type Content, TextContent } from './content.ts'
import type { Encoding } from './encodings.ts'
import { FileOperation } from './file-operation.ts'
import type { Mode } from './mode.ts'
import type { Newline } from './newlines.ts'
import { OpenFile } from './open-file.ts'
import type { Pump } from './pump.ts'
import { TextFile } from './text-file.ts'
import type { Work } from './work.ts'

/** Opens a file and returns its descriptor, instead of the library. */
export type Opener = (path: string, flags: number) => number | PromiseLike<number>

/** The checked arguments of an open. */
export interface Opening {
  readonly file: string | Buffer | number
  /** The mode as it was given. */
  readonly mode: string
  readonly access: Mode
  /** Permissions of a new file, before the umask. */
  readonly permissions: number
  readonly encoding: Encoding | undefined
  readonly newline: Newline
  /** Bytes; 1 in text mode: a line. */
  readonly bufferSize: number | undefined
  readonly closefd: boolean
  readonly opener: Opener | undefined
  /** The file must not exist, also in mode `'w'`. */
  readonly exclusive?: boolean | undefined
  /** The file's `name` is its descriptor. */
  readonly nameless?: boolean | undefined
  /** Work after the open and at the close. After `atOpen`, `atClose` is dropped. */
  readonly atOpen?: ((pump: Pump) => Work<void>) | undefined
  readonly atClose?: ((pump: Pump) => Work<void>) | undefined
}

export async function open<D extends string | Buffer>(
  backend: Backend,
  frame: Frame,
  made: Error | undefined,
  opening: Opening,
): Promise<AsyncFile<D>> {
  const { file, opener, access, permissions, closefd } = opening
  const flags = flagsOf(backend, access) | (opening.exclusive === true ? backend.fileSystem.constants.O_EXCL : 0)
  const fd = opener === undefined || typeof file === 'number' ? file : await openBy(opener, file, flags, backend)
  const options = { file: fd, flags, mode: permissions, closefd: closefd || opener !== undefined }
  const transport = await openTransport(backend, options, nameOf(file))
  const open = new OpenFile(transport, nameOf(file))
  // From here on, the run closes it at the latest.
  open.registerWith(frame, made)
  open.atClose = opening.atClose
  try {
    return await describe<D>(open, opening)
  } catch (error) {
    await open.closeForRun()
    throw error
  }
}

/** The name in error messages. */
export function nameOf(file: string | Buffer | number): string {
  return typeof file === 'number' ? `descriptor ${file}` : JSON.stringify(file.toString())
}

export function openTransport(backend: Backend, options: FileOpenOptions, name: string): Promise<FileTransport> {
  return new OpenCall(`open of ${name}`).ask((call) =>
    backend.openFile(options, (error, transport) => call.answered(error, transport)),
  )
}

async function describe<D extends string | Buffer>(open: OpenFile, opening: Opening): Promise<AsyncFile<D>> {
  const { access, mode, file, encoding, newline } = opening
  const { transport } = open.pump
  if (access.readable && access.writable && !transport.seekable && opening.bufferSize !== 0) {
    throw new UnsupportedError(`${open.name} is not seekable: it can be opened to read or to write, but not for both`)
  }
  // Python's text files in `+` modes write behind the bytes that were read: the size of each read matters.
  const exact = encoding !== undefined && access.readable && access.writable
  const lineBuffered = encoding !== undefined && opening.bufferSize === 1
  const bufferSize = exact ? PYTHON_SIZE : opening.bufferSize === 1 ? undefined : opening.bufferSize
  const bytes = new ByteFile(open.pump, { bufferSize, recycles: encoding !== undefined })
  open.bytes = bytes
  const { atOpen } = opening
  if (atOpen !== undefined) {
    await open.call('open', () => atOpen(open.pump))
    open.atClose = undefined
  }
  if (access.access === 'a' && transport.seekable) await open.call('open', () => bytes.toEnd())
  const content =
    encoding === undefined
      ? new BinaryContent(bytes)
      : new TextContent(new TextFile(bytes, { encoding, newline, readable: access.readable, lineBuffered }))
  return new AsyncFile<D>(
    open,
    content as Content<string | Buffer> as Content<D>,
    access,
    mode,
    opening.nameless === true ? transport.fd : file,
  )
}

/** `io.DEFAULT_BUFFER_SIZE`, and the size of the pieces of Python's text layer. */
const PYTHON_SIZE = 8192

function flagsOf({ fileSystem: { constants } }: Backend, { access, readable, writable }: Mode): number {
  const both = readable && writable ? constants.O_RDWR : writable ? constants.O_WRONLY : constants.O_RDONLY
  switch (access) {
    case 'r':
      return both
    case 'w':
      return both | constants.O_CREAT | constants.O_TRUNC
    case 'x':
      return both | constants.O_CREAT | constants.O_EXCL
    case 'a':
      return both | constants.O_CREAT | constants.O_APPEND
  }
}

async function openBy(opener: Opener, path: string | Buffer, flags: number, backend: Backend): Promise<number> {
  const made = opener(path.toString(), flags)
  const discard = (fd: number): void => closeDescriptor(backend, fd)
  const fd: unknown = isThenable(made) ? await abandonable(Promise.resolve(made), discard) : made
  if (typeof fd !== 'number') throw invalidArgType('the value of options.opener', 'a file descriptor', fd)
  if (!Number.isInteger(fd) || fd < 0) throw outOfRange('the value of options.opener', 'a file descriptor', fd)
  return fd
}

/** Closes the descriptor of a cancelled open. */
function closeDescriptor(backend: Backend, fd: number): void {
  backend.openFile({ file: fd, flags: 0, mode: 0, closefd: true }, (_, transport) => void transport?.close())
}

/** An open, which waits for the answer even when it is cancelled: an opened file must not be lost. */
class OpenCall extends FileOperation<FileTransport> {
  #interrupt: Abandon | undefined
  #cancelled: (() => Cancelled) | undefined
  #over = false

  ask(put: (call: OpenCall) => Abandon): Promise<FileTransport> {
    const promise = this.begin(enterOperation(this.what))
    this.#interrupt = put(this)
    return promise
  }

  answered(error: Error | undefined, transport: FileTransport | undefined): void {
    this.#over = true
    if (transport === undefined) settleFairly((late) => void this.reject(late), error)
    else if (this.#cancelled !== undefined && transport.waits) this.#giveUp(transport, this.#cancelled())
    else settleFairly((late) => void this.resolve(late), transport)
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    if (this.#over) return
    this.#cancelled = cancelled
    this.#interrupt?.()
  }

  /** The open of a pipe that was interrupted, and so did not wait for the other end: closes it again. */
  #giveUp(transport: FileTransport, cancelled: Cancelled): void {
    const closed = (): void => void this.reject(cancelled)
    transport.sink = { done: closed, failed: closed, interrupted: closed }
    if (transport.close() === 0) closed()
  }
}

export function checkCombination(opening: Opening): void {
  const { access, bufferSize, closefd, file } = opening
  if (!access.binary && bufferSize === 0) throw outOfRange('options.bufferSize', 'above 0 in text mode', bufferSize)
  if (!closefd && typeof file !== 'number') throw new UsageError('options.closefd can be false for a descriptor only')
}
