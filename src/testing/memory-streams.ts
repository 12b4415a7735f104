/** Pairs of connected streams in memory: with an unbounded buffer, or without any. */

import { ClosedResourceError } from '../errors.ts'
import { type CancelScope, enterOperation, immediateVoid, rejected } from '../kernel/index.ts'
import { READ_SIZE, toBytes } from '../common/bytes.ts'
import { Stream } from '../streams/stream.ts'
import { Lane } from './lane.ts'

/**
 * Makes two connected streams with an unbounded buffer: `sendAll` never waits. Use them to test code that talks to a
 * `Stream`, without a network.
 *
 * They keep all rules of streams: `sendEof` closes one direction; after the peer's `close()` its data can still be
 * received, and `sendAll` fails with `BrokenResourceError`. They belong to no `run`.
 *
 * @example
 * ```ts
 * const [client, server] = memoryStreamPair()
 * await client.sendAll('PING\r\n')
 * await handle(server) // the code under test
 * assert.equal(String(await client.receiveSome()), 'PONG\r\n')
 * ```
 */
export function memoryStreamPair(): [Stream, Stream] {
  return pair(false)
}

/**
 * Makes two connected streams without any buffer: `sendAll` resolves when the peer has received the last byte. Code
 * that works over them does not rely on a buffer, and cannot deadlock for the lack of one. A cancelled `sendAll` has
 * sent the bytes that the peer had received by then.
 */
export function lockstepStreamPair(): [Stream, Stream] {
  return pair(true)
}

function pair(lockstep: boolean): [Stream, Stream] {
  const forth = new Lane(lockstep)
  const back = new Lane(lockstep)
  return [new MemoryStream(forth, back), new MemoryStream(back, forth)]
}

/** The base class guards the receiving side: one receiver at a time, and none after `close()`. */
class MemoryStream extends Stream {
  readonly #out: Lane
  readonly #in: Lane
  #closed = false

  constructor(out: Lane, into: Lane) {
    super()
    this.#out = out
    this.#in = into
  }

  receiveSome(maxBytes: number = READ_SIZE): Promise<Buffer> {
    try {
      return this.#in.take(maxBytes, enterOperation('receiveSome'))
    } catch (error) {
      return rejected(error)
    }
  }

  sendAll(data: Uint8Array | string): Promise<void> {
    try {
      const bytes = toBytes('data', data)
      return this.#out.put(bytes, this.#enterSend('sendAll'))
    } catch (error) {
      return rejected(error)
    }
  }

  sendEof(): Promise<void> {
    try {
      return this.#out.end(this.#enterSend('sendEof'))
    } catch (error) {
      return rejected(error)
    }
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      this.#out.close()
      this.#in.abandon()
    }
    return immediateVoid()
  }

  #enterSend(what: string): CancelScope {
    const scope = enterOperation(what)
    if (this.#closed) throw new ClosedResourceError(`${what}: the stream is closed`)
    return scope
  }
}
