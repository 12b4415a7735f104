/**
 * Files for sending, for every backend. node:fs reads the bytes on libuv's threads, at explicit positions, so that the
 * position of the file does not move.
 */
import { close, constants, fstat, open, read } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import type { Answer, FileSource } from '../contract/backend.ts'

export function openSource(file: string | Buffer | number, answer: Answer<FileSource>): void {
  if (typeof file === 'number') {
    look(file, undefined, answer)
    return
  }
  // Without blocking: a FIFO without a writer would occupy a thread for ever.
  open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0), (error, fd) => {
    if (error !== null) answer(error)
    else look(fd, file.toString(), answer)
  })
}

/** Accepts everything except a directory. A file that cannot be read at a position reports that itself (`ESPIPE`). */
function look(fd: number, path: string | undefined, answer: Answer<FileSource>): void {
  fstat(fd, (error, status) => {
    const wrong = error ?? (status.isDirectory() ? directoryError(path) : undefined)
    if (wrong === undefined) answer(undefined, new Source(fd, path !== undefined))
    else if (path === undefined) answer(wrong)
    else close(fd, () => answer(wrong))
  })
}

class Source implements FileSource {
  readonly #fd: number
  readonly #own: boolean

  constructor(fd: number, own: boolean) {
    this.#fd = fd
    this.#own = own
  }

  read(memory: Buffer, length: number, position: number, answer: Answer<number>): void {
    read(this.#fd, memory, 0, length, position, (error, count) => {
      if (error !== null) answer(error)
      else answer(undefined, count)
    })
  }

  close(): void {
    // Nothing was written, so a failure means nothing.
    if (this.#own) close(this.#fd, () => {})
  }
}

/** The error that `read` would give, in Node's shape. */
function directoryError(path: string | undefined): Error {
  const code = getSystemErrorName(EISDIR)
  const error = new Error(`${code}: illegal operation on a directory, open${path === undefined ? '' : ` '${path}'`}`)
  return Object.assign(error, { errno: EISDIR, code, syscall: 'open' }, path === undefined ? {} : { path })
}

const EISDIR = -21
