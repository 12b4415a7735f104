/**
 * The files of a TLS context. They are read synchronously, because a context is created once, before anything runs. No other
 * concept module uses the file system.
 */
import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs'
import { warnOnce } from '../kernel/index.ts'

/** @throws the system error (`ENOENT`…) */
export function readMaterial(path: string | URL): Buffer {
  return readFileSync(path)
}

/** Returns a function that appends lines to the file. The lines are secrets, so only the owner may read a new file. */
export function lineAppender(path: string | URL): (line: string) => void {
  // Opens the file now, so that the caller gets the error.
  closeSync(openSync(path, 'a', 0o600))
  return (line) => {
    try {
      appendFileSync(path, `${line}\n`)
    } catch (error) {
      // A failed write to the key log does not end the connection.
      warnOnce('STRUCTIO_KEY_LOG', String(path), `the TLS key log cannot be written: ${(error as Error).message}`)
    }
  }
}
