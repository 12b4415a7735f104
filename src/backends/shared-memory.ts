/**
 * Memory that several buffers share: what one receive hands out and what the next one will, of one connection or of several.
 *
 * Such memory is never transferred. `postMessage`, `structuredClone` and `runInThread` with a transfer list would carry the others'
 * bytes away and leave their buffers empty. Node does the same for its own pool (`Buffer.allocUnsafe`). From Node 22 on the call
 * throws a `DataCloneError`; Node 20 copies instead. From Node 24 on, `ArrayBuffer.prototype.transfer` throws as well.
 */
import { markAsUntransferable } from 'node:worker_threads'

/** The one that was marked last: marking again costs as much as the first time. */
let marked: ArrayBufferLike | undefined

/** Marks the memory of `bytes`, before it is handed out in parts. Answers with the same. */
export function share<T extends Uint8Array>(bytes: T): T {
  const { buffer } = bytes
  if (buffer !== marked) markAsUntransferable((marked = buffer))
  return bytes
}
