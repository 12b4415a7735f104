/**
 * Waiting for sockets that the library did not open: `waitSocketReadable`, `waitSocketWritable`, `notifySocketClose`.
 */

import type { Direction } from './backends/contract/backend.ts'
import { holderOf } from './descriptors/holder.ts'
import { closeWaits, DescriptorWaiting, requireWaits } from './descriptors/waiting.ts'
import { currentFrame, enterOperation, rejected } from './kernel/index.ts'
import { currentBackend } from './common/ask.ts'

/**
 * Waits until a socket is readable: it has data, its end, an error, or a connection to accept. Takes nothing: while the
 * socket stays readable, another call returns at once.
 *
 * One task at a time may wait for a direction of a descriptor. For a socket of this library the call counts as a
 * receive, and it also sees data that has been read ahead.
 *
 * Call `notifySocketClose` before you close a descriptor that a task waits for. The system does not report such a
 * close, and the wait would then end by cancellation only. It neither wakes for nor disturbs the next descriptor with
 * the same number.
 *
 * @param sock - a file descriptor; a socket or server of this library or of Node; an object with a number `fd` or a
 * method `fileno()`
 * @throws UnsupportedError on the `node` and `virtual` backends; ResourceBusyError; ClosedResourceError after
 * `notifySocketClose` and for a closed socket of this library; the bare system error: `EBADF` for a descriptor that is
 * not open, `EPERM` for a file or folder
 *
 * @example
 * ```ts
 * await waitSocketReadable(connection.socketFd)   // a client library in C that shows its descriptor
 * connection.consumeInput()
 * ```
 */
export function waitSocketReadable(sock: number | object): Promise<void> {
  return wait('waitSocketReadable', sock, 'readable')
}

/**
 * Waits until a socket is writable: it has room or an error. Otherwise as `waitSocketReadable`; for a socket of this
 * library the call counts as a send.
 */
export function waitSocketWritable(sock: number | object): Promise<void> {
  return wait('waitSocketWritable', sock, 'writable')
}

/**
 * Announces that a socket is about to be closed. Every task of this thread that waits for it gets a
 * `ClosedResourceError`. Sockets of this library do this by themselves. Works in a task and outside.
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
