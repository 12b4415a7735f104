/** The part of the contract (backend.ts, which hands it on) that is about files. No behaviour lives here. */
import type fs from 'node:fs'

export type { Dirent, Stats } from 'node:fs'

/** The functions of node:fs that answer through callbacks, by their names there. Acknowledged, like the calls of an open file. */
export type FileSystem = Pick<
  typeof fs,
  | 'constants'
  | 'chmod'
  | 'cp'
  | 'link'
  | 'lstat'
  | 'mkdir'
  | 'mkdtemp'
  | 'readdir'
  | 'readlink'
  | 'realpath'
  | 'rename'
  | 'rm'
  | 'rmdir'
  | 'stat'
  | 'symlink'
  | 'unlink'
  | 'utimes'
  | 'open'
  | 'close'
>

export interface FileOpenOptions {
  /** A path without NULs, or a descriptor that is open already. */
  readonly file: string | Buffer | number
  /** The system's numbers (`fs.constants`); of a descriptor only `O_APPEND` is looked at. */
  readonly flags: number
  /** Permissions of a file that is made, before the umask. */
  readonly mode: number
  /** Whether `close` closes the descriptor, too. */
  readonly closefd: boolean
}

/** Who hears of a file's I/O, on the owning thread: exactly one call for each method of the transport that returned -1. */
export interface FileSink {
  done(value: number): void
  /** @param done - bytes that were written before the error */
  failed(error: Error, done: number): void
  /** After `interrupt`. @param done - bytes that were written; a read has taken none */
  interrupted(done: number): void
}

/**
 * An open file. Each method but `interrupt` returns its result at once, or -1: the answer follows through the sink, never
 * inside the call. A failure is thrown, or follows too. One of them is under way at a time: the concept module sees to it.
 * It is *acknowledged*: the file is let go when the answer has come, and not before.
 *
 * Reads and writes go on where the last one ended. The position is the system's own, as far as the backend can have it so
 * (`node` cannot move it: after a `seek` it keeps one of its own).
 */
export interface FileTransport {
  /** Set by the concept module before the first call. */
  sink: FileSink
  readonly fd: number
  readonly seekable: boolean
  /** Whether reads and writes may wait for another process: a pipe, a socket, a terminal. */
  readonly waits: boolean
  /** When it was opened: the size, 0 of what has none, and the position, 0 where it cannot be moved. */
  readonly size: number
  readonly position: number
  /** Reads into `memory[start, end)`, at least one byte long: how much, and 0 at the end. The memory is left alone meanwhile. */
  read(memory: Buffer, start: number, end: number): number
  /** Writes all of `data`, which is left alone meanwhile: its length. */
  write(data: Buffer): number
  /** As `lseek`, `whence` 0, 1 or 2: the new position. */
  seek(offset: number, whence: number): number
  /** The size. The position stays. */
  truncate(size: number): number
  /** Ends a pending `read` or `write` that waits for another process; others go on to their end. */
  interrupt(): void
  /** 0. Nothing else is asked afterwards. The descriptor is given up in every case. */
  close(): number
}
