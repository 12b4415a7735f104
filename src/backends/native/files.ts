/**
 * Files of the addon. A call that need not wait is done at once (`preadv2` with `RWF_NOWAIT`, into the caller's
 * memory). Other calls are requests to the addon's pool, and their results are copied here.
 */
import { getSystemErrorMap } from 'node:util'
import type { BindingOpenedFile } from '../../native/load.ts'
import { ERROR_BASE, INTERRUPTED, WOULD_BLOCK as PENDING } from '../../native/protocol.ts'
import type { Abandon, Answer, FileOpenOptions, FileSink, FileTransport } from '../contract/backend.ts'
import { openFile as openFileByNode } from '../shared/node-files.ts'
import type { NativeEventLoop } from './event-loop.ts'

export function openFile(loop: NativeEventLoop, options: FileOpenOptions, answer: Answer<FileTransport>): Abandon {
  const { binding } = loop
  // The addon has no files on Windows.
  if (!('openFile' in binding)) return openFileByNode(options, answer)
  const { file, flags, mode, closefd } = options
  const settle = (opened: BindingOpenedFile | number): void => {
    if (typeof opened !== 'number') answer(undefined, new NativeFile(loop, opened, flags))
    else answer(fileError(ERROR_BASE - opened, 'open', typeof file === 'number' ? undefined : file))
  }
  if (typeof file === 'number') {
    settle(binding.adoptFile(file, closefd))
    return nothing
  }
  const path = typeof file === 'string' ? Buffer.from(file) : file
  const now = binding.openFileNow(path, flags)
  if (now !== PENDING) {
    settle(now)
    return nothing
  }
  const request = binding.openFile(path, flags, mode)
  loop.hold(1)
  loop.awaitFile(request, () => {
    loop.hold(-1)
    settle(binding.takeOpened(request))
  })
  return () => binding.interruptFile(request)
}

class NativeFile implements FileTransport {
  declare sink: FileSink
  readonly fd: number
  readonly seekable: boolean
  readonly waits: boolean
  readonly size: number
  readonly position: number
  readonly #loop: NativeEventLoop
  readonly #slot: number
  /** Nothing was written, so closing has nothing to report. */
  readonly #reads: boolean
  #request = NONE

  constructor(loop: NativeEventLoop, opened: BindingOpenedFile, flags: number) {
    this.#loop = loop
    this.#slot = opened.slot
    this.#reads = (flags & ACCESS) === 0
    this.fd = opened.fd
    this.seekable = opened.seekable
    this.waits = opened.waits
    this.size = opened.size
    this.position = opened.position
  }

  read(memory: Buffer, start: number, end: number): number {
    const { binding } = this.#loop
    const now = end - start > AT_ONCE ? PENDING : this.#loop.readFile(this.#slot, memory, start, end)
    if (now >= 0) return now
    if (now <= ERROR_BASE) throw fileError(ERROR_BASE - now, 'read')
    return this.#ask(binding.readFile(this.#slot, Math.min(end - start, LARGEST)), 'read', memory, start)
  }

  write(data: Buffer): number {
    return this.#ask(this.#loop.binding.writeFile(this.#slot, data), 'write')
  }

  seek(offset: number, whence: number): number {
    const { binding } = this.#loop
    if (whence === 0) {
      const moved = this.#loop.seekFile(this.#slot, offset)
      if (moved < 0) throw fileError(ERROR_BASE - moved, 'lseek')
      return offset
    }
    const now = binding.seekFileNow(this.#slot, offset, whence)
    if (now >= 0) return now
    if (now <= ERROR_BASE) throw fileError(ERROR_BASE - now, 'lseek')
    return this.#ask(binding.seekFile(this.#slot, offset, whence), 'lseek')
  }

  truncate(size: number): number {
    return this.#ask(this.#loop.binding.truncateFile(this.#slot, size), 'ftruncate')
  }

  interrupt(): void {
    if (this.#request !== NONE) this.#loop.binding.interruptFile(this.#request)
  }

  close(): number {
    const request = this.#loop.binding.closeFile(this.#slot, !this.#reads)
    return request === null ? 0 : this.#ask(request, 'close')
  }

  #ask(request: number | null, syscall: string, memory?: Buffer, start?: number): number {
    if (request === null) throw fileError(BAD_DESCRIPTOR, syscall)
    const loop = this.#loop
    this.#request = request
    loop.hold(1)
    loop.awaitFile(request, () => {
      this.#request = NONE
      loop.hold(-1)
      const [value, errno] = loop.binding.takeFile(request, memory, start) as [number, number]
      if (errno === 0) this.sink.done(value)
      else if (errno === INTERRUPTED) this.sink.interrupted(value)
      else this.sink.failed(fileError(errno, syscall), value)
    })
    return PENDING
  }
}

const NONE = -1

const BAD_DESCRIPTOR = 9

/** `O_WRONLY | O_RDWR`. */
const ACCESS = 3

/** A larger copy would block JavaScript for longer than a change of threads. */
const AT_ONCE = 2 ** 18

/** The most bytes that one request of the pool reads. */
const LARGEST = 2 ** 24

const errors = getSystemErrorMap()

function nothing(): void {}

/** An error in the words of node:fs. */
function fileError(errno: number, syscall: string, path?: string | Buffer): Error {
  const [code, text] = errors.get(-errno) ?? [`E${errno}`, 'unknown error']
  const place = path === undefined ? '' : ` '${path.toString()}'`
  const error = Object.assign(new Error(`${code}: ${text}, ${syscall}${place}`), { errno: -errno, code, syscall })
  return path === undefined ? error : Object.assign(error, { path: path.toString() })
}
