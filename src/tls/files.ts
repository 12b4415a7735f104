/**
 * The files that a TLS context is made of. A context is made once, before anything runs, so they are read synchronously;
 * this is the one place in the concept modules that knows the file system.
 */
import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs'
import { warnOnce } from '../kernel/index.ts'

/** @throws the system error (`ENOENT`…) */
export function readMaterial(path: string | URL): Buffer {
  return readFileSync(path)
}

/** A function that appends lines to the file. It holds secrets: a new one is the owner's alone. */
export function lineAppender(path: string | URL): (line: string) => void {
  // Whether it can be written is found out now, where somebody is there to hear of it.
  closeSync(openSync(path, 'a', 0o600))
  return (line) => {
    try {
      appendFileSync(path, `${line}\n`)
    } catch (error) {
      // A key log that cannot be written is no reason to end a connection.
      warnOnce('STRUCTIO_KEY_LOG', String(path), `the TLS key log cannot be written: ${(error as Error).message}`)
    }
  }
}
