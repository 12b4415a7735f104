/** Descriptors that are none of the library's, as programs have them. */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import type * as net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'

/** A fifo, at a path that can be opened again. */
export function fifoPath(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'structio-fifo-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'fifo')
  execFileSync('mkfifo', [path])
  return path
}

/** Both ends of a fifo in one descriptor: readable when something has been written to it. */
export function openFifo(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
}

/** One that is closed after the test, if the test has not done so: by `close`, for its number may be another's by then. */
export function someFifo(t: ExecutionContext, path: string = fifoPath(t)): number {
  const fd = openFifo(path)
  open.add(fd)
  t.teardown(() => close(fd))
  return fd
}

export function close(fd: number): void {
  if (open.delete(fd)) closeSync(fd)
}

const open = new Set<number>()

/** What there is to be read. */
export function readAll(fd: number): string {
  const buffer = Buffer.alloc(65_536)
  return buffer.toString('utf8', 0, readSync(fd, buffer))
}

/** The number of a socket of node:net, which has no public name. */
export function descriptorOf(socket: net.Socket): number {
  return (socket as unknown as { _handle: { fd: number } })._handle.fd
}
