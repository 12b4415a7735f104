/**
 * Files on node:fs, for the `node` backend and for platforms where the addon has none.
 *
 * - libuv has four threads for all files, and a read of a pipe would occupy one until a writer comes. So pipes and
 *   terminals are opened a second time without blocking, if the system has a path for that, and polled.
 * - Node cannot move the system's position. Until the first `seek` the system keeps the position, afterwards this file
 *   does.
 */
import fs from 'node:fs'
import type { Abandon, Answer, FileOpenOptions, FileSink, FileTransport } from '../contract/backend.ts'

/** The result follows through the sink. */
const PENDING = -1

/** Milliseconds between two polls of a pipe. The pause grows while nothing comes. */
const SHORTEST = 1
const LONGEST = 30

const { O_APPEND, O_NONBLOCK, O_RDWR, O_RDONLY, O_WRONLY } = fs.constants

/** The most bytes of one call of node:fs. It refuses 2 GiB, and Linux does not move more at once. */
const MOST = 2 ** 30

/** The bits of the flags for reading and writing. */
const ACCESS = O_RDONLY | O_WRONLY | O_RDWR

export function openFile(options: FileOpenOptions, answer: Answer<FileTransport>): Abandon {
  const { file, flags, mode } = options
  if (typeof file === 'number') {
    fs.fstat(file, (error, status) => describe(error, status, file, options, answer))
    return () => {}
  }
  let open = false
  let partner: number | undefined
  fs.open(file, flags, mode, (error, fd) => {
    open = true
    if (partner !== undefined) fs.closeSync(partner)
    if (error !== null) answer(error)
    else fs.fstat(fd, (failure, status) => describe(failure, status, fd, options, answer))
  })
  return () => {
    if (!open) partner ??= openBothEnds(file)
  }
}

function describe(
  error: Error | null,
  status: fs.Stats,
  fd: number,
  options: FileOpenOptions,
  answer: Answer<FileTransport>,
): void {
  const own = typeof options.file !== 'number'
  if (error === null && !status.isDirectory()) answer(undefined, new NodeFile(fd, status, options))
  else if (own) fs.close(fd, () => answer(error ?? directoryError(options.file)))
  else answer(error ?? directoryError(options.file))
}

/** An error in Node's shape. */
function directoryError(file: string | Buffer | number): Error {
  const path = typeof file === 'number' ? {} : { path: file.toString() }
  const place = typeof file === 'number' ? '' : ` '${file.toString()}'`
  return Object.assign(new Error(`EISDIR: illegal operation on a directory, open${place}`), {
    errno: -21,
    code: 'EISDIR',
    syscall: 'open',
    ...path,
  })
}

/**
 * Opens both ends of a FIFO, so that every thread that waits for the other end continues. It stays open, because a
 * thread may not have begun to wait yet.
 */
function openBothEnds(path: string | Buffer): number | undefined {
  try {
    return fs.statSync(path).isFIFO() ? fs.openSync(path, O_RDWR | O_NONBLOCK) : undefined
  } catch {
    // It is gone, so no thread waits for it.
    return undefined
  }
}

class NodeFile implements FileTransport {
  declare sink: FileSink
  readonly fd: number
  readonly seekable: boolean
  readonly waits: boolean
  readonly size: number
  readonly position: number
  readonly #closefd: boolean
  readonly #appends: boolean
  /** A second, non-blocking descriptor of the same file. */
  readonly #second: number | undefined
  #at: number
  /** Whether the system's position is the right one. */
  #synced = true
  /** The pause between two polls, and the function that runs after it. */
  #pause: { timer: NodeJS.Timeout; done: number } | undefined
  #delay = SHORTEST
  /** Stops polling. */
  #stopped = false

  constructor(fd: number, status: fs.Stats, { file, flags, closefd }: FileOpenOptions) {
    this.fd = fd
    this.waits = status.isFIFO() || status.isSocket() || status.isCharacterDevice()
    this.seekable = status.isFile() || status.isBlockDevice()
    this.size = status.isFile() ? status.size : 0
    this.position = typeof file === 'number' && this.seekable ? positionOf(fd) : 0
    this.#closefd = closefd || typeof file !== 'number'
    this.#appends = (flags & O_APPEND) !== 0
    this.#at = this.position
    this.#second = this.waits ? openSecond(fd, flags & ACCESS) : undefined
  }

  read(memory: Buffer, start: number, end: number): number {
    fs.read(this.#used, memory, start, Math.min(end - start, MOST), this.#place(), (error, count) => {
      if (error === null) {
        this.#at += count
        this.#settled()
        this.sink.done(count)
      } else this.#failed(error, 0, () => this.read(memory, start, end))
    })
    return PENDING
  }

  write(data: Buffer): number {
    this.#writeFrom(data, 0)
    return PENDING
  }

  seek(offset: number, whence: number): number {
    if (whence !== 2) return this.#moveTo(whence === 1 ? this.#at + offset : offset)
    fs.fstat(this.fd, (error, status) => {
      if (error !== null) this.sink.failed(error, 0)
      else if (status.size + offset < 0) this.sink.failed(invalidSeek(), 0)
      else this.sink.done(this.#moveTo(status.size + offset))
    })
    return PENDING
  }

  truncate(size: number): number {
    fs.ftruncate(this.fd, size, (error) => {
      if (error === null) this.sink.done(size)
      else this.sink.failed(error, 0)
    })
    return PENDING
  }

  interrupt(): void {
    const pause = this.#pause
    this.#stopped = true
    // The next poll reports what there is.
    if (pause === undefined) return
    clearTimeout(pause.timer)
    this.#settled()
    setImmediate(() => this.sink.interrupted(pause.done))
  }

  close(): number {
    const done = (error: Error | null): void => {
      if (error === null) this.sink.done(0)
      else this.sink.failed(error, 0)
    }
    const closeOwn = (): void => (this.#closefd ? fs.close(this.fd, done) : done(null))
    if (this.#second !== undefined) fs.close(this.#second, closeOwn)
    else if (this.#closefd) closeOwn()
    else return 0
    return PENDING
  }

  get #used(): number {
    return this.#second ?? this.fd
  }

  /** The position for Node; `null` leaves it to the system. */
  #place(): number | null {
    return this.seekable && !this.#synced ? this.#at : null
  }

  #writeFrom(data: Buffer, written: number): void {
    const place = this.#appends ? null : this.#place()
    const length = Math.min(data.length - written, MOST)
    fs.write(this.#used, data, written, length, place, (error, count) => {
      if (error !== null) return this.#failed(error, written, () => this.#writeFrom(data, written))
      this.#at += count
      if (written + count < data.length) this.#writeFrom(data, written + count)
      else this.#wrote(data.length)
    })
  }

  #wrote(length: number): void {
    this.#settled()
    if (!this.#appends || !this.seekable) return this.sink.done(length)
    // An append writes to the end of the file at that time.
    fs.fstat(this.fd, (error, status) => {
      if (error === null) this.#at = status.size
      this.sink.done(length)
    })
  }

  #moveTo(target: number): number {
    if (!this.seekable) throw Object.assign(new Error('ESPIPE: invalid seek, lseek'), ESPIPE)
    if (target < 0) throw invalidSeek()
    if (target !== this.#at) this.#synced = false
    this.#at = target
    return target
  }

  /** Tries again after a pause, because the pipe is empty or full. */
  #failed(error: NodeJS.ErrnoException, done: number, again: () => void): void {
    if (error.code !== 'EAGAIN' || !this.waits) {
      this.#settled()
      return this.sink.failed(error, done)
    }
    if (this.#stopped) {
      this.#settled()
      return this.sink.interrupted(done)
    }
    const timer = setTimeout(() => {
      this.#pause = undefined
      again()
    }, this.#delay)
    this.#pause = { timer, done }
    this.#delay = Math.min(this.#delay * 2, LONGEST)
  }

  #settled(): void {
    this.#pause = undefined
    this.#stopped = false
    this.#delay = SHORTEST
  }
}

const ESPIPE = { errno: -29, code: 'ESPIPE', syscall: 'lseek' }

function invalidSeek(): Error {
  return Object.assign(new Error('EINVAL: invalid argument, lseek'), { errno: -22, code: 'EINVAL', syscall: 'lseek' })
}

/** Reads the position of a foreign descriptor. Works on Linux. */
function positionOf(fd: number): number {
  try {
    return Number(/^pos:\s*(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** A socket cannot be opened again. Only Linux and similar systems have such paths. */
function openSecond(fd: number, access: number): number | undefined {
  try {
    return fs.openSync(`/proc/self/fd/${fd}`, access | O_NONBLOCK)
  } catch {
    return undefined
  }
}
