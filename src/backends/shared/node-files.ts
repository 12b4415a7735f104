/**
 * Files by node:fs, for the `node` backend and for platforms on which the addon has none of its own.
 *
 * - libuv has four threads for all files. A read of a pipe would keep one until somebody writes, so pipes and terminals are
 *   opened once more without blocking, where the system has a path for that, and looked at from time to time.
 * - Node cannot move the system's position. It is left to the system until the first `seek` to elsewhere; from then on it is kept
 *   here.
 */
import fs from 'node:fs'
import type { Abandon, Answer, FileOpenOptions, FileSink, FileTransport } from '../contract/backend.ts'

/** The answer follows. */
const PENDING = -1

/** Milliseconds between two looks at a pipe; they get longer while nothing comes. */
const SHORTEST = 1
const LONGEST = 30

const { O_APPEND, O_NONBLOCK, O_RDWR, O_RDONLY, O_WRONLY } = fs.constants

/** What one call of node:fs reads or writes at most. It refuses 2 GiB, and Linux moves no more at once either. */
const MOST = 2 ** 30

/** The part of the flags that says whether one reads or writes. */
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

/** In Node's own shape. */
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
 * Whoever waits for a FIFO's other end goes on, as long as this is open: a thread that has not come to wait yet must find it
 * there, too.
 */
function openBothEnds(path: string | Buffer): number | undefined {
  try {
    return fs.statSync(path).isFIFO() ? fs.openSync(path, O_RDWR | O_NONBLOCK) : undefined
  } catch {
    // It is gone: then nobody waits at it.
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
  /** The same file once more, which does not block. */
  readonly #second: number | undefined
  #at: number
  /** The system's position is the same. */
  #synced = true
  /** A pause between two looks, and what to do after it. */
  #pause: { timer: NodeJS.Timeout; done: number } | undefined
  #delay = SHORTEST
  /** No further look. */
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
    // What is being looked at says in a moment whether there is anything.
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

  /** For Node: `null` leaves the position to the system. */
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
    // What was appended stands at the end, wherever that was by then.
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

  /** Tries once more after a while where the pipe is empty, or full. */
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

/** Of a descriptor that somebody else has opened; Linux tells. */
function positionOf(fd: number): number {
  try {
    return Number(/^pos:\s*(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** A socket cannot be opened in this way, and no system but Linux and its like has such paths. */
function openSecond(fd: number, access: number): number | undefined {
  try {
    return fs.openSync(`/proc/self/fd/${fd}`, access | O_NONBLOCK)
  } catch {
    return undefined
  }
}
