/** The part of the contract (`backend.ts`, which re-exports it) about files. It contains no behaviour. */
import type fs from 'node:fs'

export type { Dirent, Stats } from 'node:fs'

/** The callback functions of node:fs. They are acknowledged, like the calls of an open file. */
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

/** How a file is opened. */
export interface FileOpenOptions {
  /** A path without NUL bytes, or an open descriptor. */
  readonly file: string | Buffer | number
  /** The system's flags (`fs.constants`). For a descriptor only `O_APPEND` counts. */
  readonly flags: number
  /** Permissions of a new file, before the umask. */
  readonly mode: number
  /** Whether `close` closes the descriptor too. */
  readonly closefd: boolean
}

/** Receives the answers of a file, on the owning thread: exactly one call for each method that returned -1. */
export interface FileSink {
  done(value: number): void
  /** @param done - number of bytes written before the error */
  failed(error: Error, done: number): void
  /** After `interrupt`. @param done - number of bytes written; 0 for a read */
  interrupted(done: number): void
}

/**
 * An open file. Each method except `interrupt` returns its result at once, or -1; then the sink gets the answer later.
 * A failure is thrown, or reaches the sink. The concept module keeps one call under way at a time. A call is
 * *acknowledged*: the file is free for the next call only after the answer.
 *
 * Reads and writes continue at the position of the last one. The position is the system's, where the backend can move
 * that. `node` cannot: after a `seek` it keeps its own position.
 */
export interface FileTransport {
  /** Set by the concept module before the first call. */
  sink: FileSink
  readonly fd: number
  readonly seekable: boolean
  /** Whether reads and writes may wait for another process (a pipe, socket or terminal). */
  readonly waits: boolean
  /** The size at the time of opening; 0 for a file without a size. */
  readonly size: number
  /** The position at the time of opening; 0 for a file that is not seekable. */
  readonly position: number
  /**
   * Reads into `memory[start, end)`, at least one byte. Returns the count, 0 at the end. The caller leaves the memory
   * alone meanwhile.
   */
  read(memory: Buffer, start: number, end: number): number
  /** Writes all of `data`, and returns its length. The caller leaves the memory alone meanwhile. */
  write(data: Buffer): number
  /** As `lseek`, with `whence` 0, 1 or 2. Returns the new position. */
  seek(offset: number, whence: number): number
  /** Sets the size, and returns it. The position stays. */
  truncate(size: number): number
  /** Interrupts a pending `read` or `write` that waits for another process. Other calls run to their end. */
  interrupt(): void
  /** Closes the file in every case, and returns 0. The last call. */
  close(): number
}
