/** Waiting for sockets that are somebody else's: `waitSocketReadable`, `waitSocketWritable`, `notifySocketClose`. */

import type { Direction } from './backends/contract/backend.ts'
import { holderOf } from './descriptors/holder.ts'
import { closeWaits, DescriptorWaiting, requireWaits } from './descriptors/waiting.ts'
import { currentFrame, enterOperation, rejected } from './kernel/index.ts'
import { currentBackend } from './common/ask.ts'

/**
 * Waits until reading from a socket would not wait: there is data, the end of it, an error, or a connection to be accepted.
 * It is so when the call returns, and a further call returns at once for as long as it is. Re-creates
 * `anyio.wait_socket_readable`.
 *
 * One task at a time waits for a direction of a descriptor. Of the library's own sockets the call counts as a receive, and
 * looks at what has been read ahead, too.
 *
 * A descriptor must not be closed while somebody waits for it, without `notifySocketClose` before: the system tells nobody, and
 * such a wait ends by cancellation alone. It does not wake for the next descriptor with that number, and does it no harm.
 *
 * @param sock - a file descriptor, or what has one: a socket or server of this library or of Node, an object with a number as
 * `fd` or with a method `fileno()`
 * @throws UnsupportedError on the `node` and `virtual` backends; ResourceBusyError; ClosedResourceError after `notifySocketClose`,
 * and for a socket of this library that is closed; the bare system error: `EBADF` for what is no open descriptor, `EPERM` for
 * a file or folder
 */
export function waitSocketReadable(sock: number | object): Promise<void> {
  return wait('waitSocketReadable', sock, 'readable')
}

/**
 * Waits until writing to a socket would not wait: there is room, or an error. As `waitSocketReadable`; of the library's own
 * sockets the call counts as a send. Re-creates `anyio.wait_socket_writable`.
 */
export function waitSocketWritable(sock: number | object): Promise<void> {
  return wait('waitSocketWritable', sock, 'writable')
}

/**
 * Says that a socket is about to be closed: whoever waits for it, in this thread, gets a `ClosedResourceError`. The library's own
 * do so by themselves. May be called anywhere. Re-creates `anyio.notify_socket_close`.
 *
 * @throws UnsupportedError in a task of the `node` and `virtual` backends
 */
export function notifySocketClose(sock: number | object): void {
  const source = holderOf(sock)
  if (currentFrame() !== undefined) requireWaits('notifySocketClose', currentBackend('notifySocketClose').backend)
  if (typeof source === 'number') closeWaits(sock, source)
  else source._closeWaits()
}

function wait(what: string, sock: number | object, direction: Direction): Promise<void> {
  try {
    const source = holderOf(sock)
    const scope = enterOperation(what)
    const { backend } = currentBackend(what)
    const waits = requireWaits(what, backend)
    if (typeof source === 'number') return new DescriptorWaiting(what, sock, source).wait(scope, waits, direction)
    return source._waitReady(what, direction)
  } catch (error) {
    return rejected(error)
  }
}
