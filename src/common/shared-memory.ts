/**
 * Memory that several buffers share: what one receive hands out and what the next one will, of one connection or of
 * several.
 *
 * Such memory is never transferred. `postMessage`, `structuredClone` and `runInThread` with a transfer list would carry
 * the others' bytes away and leave their buffers empty. Node does the same for its own pool (`Buffer.allocUnsafe`).
 * From Node 22 on the call throws a `DataCloneError`; Node 20 copies instead. From Node 24 on,
 * `ArrayBuffer.prototype.transfer` throws as well.
 */
import * as workers from 'node:worker_threads'

/**
 * Since Node 21. An addon's memory is marked from the beginning; from Node 24 on, marking it again would end the
 * process when its environment ends, for Node detaches it then and has not the key that marking sets.
 */
const { isMarkedAsUntransferable } = workers as { isMarkedAsUntransferable?: (memory: object) => boolean }

/** The one that was marked last: asking and marking cost more than a comparison. */
let marked: ArrayBufferLike | undefined

/** Marks the memory of `bytes`, before it is handed out in parts. Answers with the same. */
export function share<T extends Uint8Array>(bytes: T): T {
  const { buffer } = bytes
  if (buffer === marked) return bytes
  marked = buffer
  if (isMarkedAsUntransferable?.(buffer) !== true) workers.markAsUntransferable(buffer)
  return bytes
}
