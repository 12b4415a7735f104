/** Two streams connected to each other in memory: with a buffer that takes everything, or with none. */

import { ClosedResourceError } from '../errors.ts'
import { type CancelScope, enterOperation, immediateVoid, rejected } from '../kernel/index.ts'
import { READ_SIZE, toBytes } from '../common/bytes.ts'
import { Stream } from '../streams/stream.ts'
import { Lane } from './lane.ts'

/**
 * Makes two streams that are connected to each other and buffer whatever is sent: `sendAll` never waits. For tests of code
 * that talks to a `Stream`, with no network. Re-creates Trio's `memory_stream_pair`.
 *
 * They keep all rules of streams: a half can be closed (`sendEof`); after the peer's `close()` what it sent can still be
 * received, and a `sendAll` fails with `BrokenResourceError`. They belong to no `run`.
 */
export function memoryStreamPair(): [Stream, Stream] {
  return pair(false)
}

/**
 * Makes two streams that are connected to each other without any buffer: `sendAll` resolves when the peer has received the
 * last byte. What works over them never relies on a buffer somewhere, and cannot deadlock because there is none. A
 * `sendAll` that is cancelled has sent what the peer had received by then. Re-creates Trio's `lockstep_stream_pair`.
 */
export function lockstepStreamPair(): [Stream, Stream] {
  return pair(true)
}

function pair(lockstep: boolean): [Stream, Stream] {
  const forth = new Lane(lockstep)
  const back = new Lane(lockstep)
  return [new MemoryStream(forth, back), new MemoryStream(back, forth)]
}

/** The base class sees to the receiving side: one receiver at a time, and none after `close()`. */
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
