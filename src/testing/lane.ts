/**
 * One direction between two streams in memory: bytes on their way, who waits with more, and who waits for some.
 *
 * ```text
 *   put ─► [ kept bytes ] ─► take        a buffer: put keeps everything, and never waits
 *   put ─► [   sender   ] ─► take        lockstep: nothing is kept; the sender waits with what nobody has taken
 * ```
 *
 * What must stay true:
 * 1. One sender and one receiver at a time: the streams at both ends see to that, and ask `sending`, which is true until the
 *    promise of the last `put` has settled, also when that is put off to the next turn.
 * 2. Nobody waits for bytes while there are some, or after the end.
 * 3. A byte is kept, with the waiting sender, or handed to a receiver who gets it for certain. A sender that was cancelled or
 *    closed takes along what it still had: the receiver has got a prefix.
 */

import { BrokenResourceError, ClosedResourceError } from '../errors.ts'
import type { CancelScope } from '../kernel/cancel-scope.ts'
import { rejected } from '../kernel/operation.ts'
import { immediate, spendBudget } from '../kernel/turn.ts'
import { WaitQueue, Waiter } from '../kernel/wait-queue.ts'
import { ReceiveBuffer } from '../streams/receive-buffer.ts'

export class Lane {
  readonly #lockstep: boolean
  readonly #kept = new ReceiveBuffer()
  readonly #sender = new WaitQueue<Sending>()
  /** The last one, whether it waited or was only told in the next turn. */
  #latest: Sending | undefined
  readonly #receiver = new WaitQueue<Receiving>()
  #ended = false
  #abandoned = false

  constructor(lockstep: boolean) {
    this.#lockstep = lockstep
  }

  /** Whether the last call of the sender's side has not settled. */
  get sending(): boolean {
    return this.#latest?.pending === true
  }

  /** Whether nothing more can be put. */
  get ended(): boolean {
    return this.#ended
  }

  put(data: Uint8Array, scope: CancelScope): Promise<void> {
    if (this.#abandoned) return rejected(gone('sendAll'))
    let rest = data
    const receiving = rest.length === 0 ? undefined : this.#receiver.shift()
    if (receiving !== undefined) {
      receiving.answer(copy(rest, receiving.maxBytes))
      rest = rest.subarray(receiving.maxBytes)
    }
    if (rest.length > 0 && this.#lockstep) {
      this.#latest = new Sending(rest)
      return this.#latest.waitIn(this.#sender, scope)
    }
    if (rest.length > 0) this.#kept.append(copy(rest, rest.length), 0, rest.length, true)
    return this.#done(scope)
  }

  take(maxBytes: number, scope: CancelScope): Promise<Buffer> {
    if (this.#kept.length > 0) return immediate(this.#kept.take(Math.min(maxBytes, this.#kept.length)))
    for (const sending of this.#sender) return immediate(this.#takeFrom(sending, maxBytes))
    if (this.#ended) return immediate(Buffer.alloc(0))
    return new Receiving(maxBytes).waitIn(this.#receiver, scope)
  }

  /** The sender's side is done; what is kept can still be taken. */
  end(scope: CancelScope): Promise<void> {
    this.#end()
    return this.#done(scope)
  }

  /** The sender's side is closed: whoever waits there hears of it. */
  close(): void {
    this.#sender.shift()?.reject(new ClosedResourceError('sendAll: the stream was closed while this waited'))
    this.#end()
  }

  /** The receiver's side is closed: nobody will take anything any more. */
  abandon(): void {
    this.#abandoned = true
    this.#kept.clear()
    this.#receiver.shift()?.reject(new ClosedResourceError('receiveSome: the stream was closed while this waited'))
    this.#sender.shift()?.reject(gone('sendAll'))
  }

  #end(): void {
    this.#ended = true
    this.#receiver.shift()?.answer(Buffer.alloc(0))
  }

  /** What completed at once; a call nevertheless, that keeps its direction busy until its promise has settled. */
  #done(scope: CancelScope): Promise<void> {
    if (spendBudget()) return DONE
    const sending = (this.#latest = new Sending(NOTHING))
    const promise = sending.begin(scope)
    sending.answer(undefined)
    return promise
  }

  #takeFrom(sending: Sending, maxBytes: number): Buffer {
    const bytes = copy(sending.rest, maxBytes)
    sending.rest = sending.rest.subarray(maxBytes)
    if (sending.rest.length === 0) {
      this.#sender.delete(sending)
      sending.answer(undefined)
    }
    return bytes
  }
}

/** Who waits with bytes. */
class Sending extends Waiter<void> {
  rest: Uint8Array

  constructor(rest: Uint8Array) {
    super('a receiver at the other end of a memory stream')
    this.rest = rest
  }
}

/** Who waits for bytes. */
class Receiving extends Waiter<Buffer> {
  readonly maxBytes: number

  constructor(maxBytes: number) {
    super('bytes of a memory stream')
    this.maxBytes = maxBytes
  }
}

const DONE: Promise<void> = Promise.resolve()
const NOTHING = Buffer.alloc(0)

function gone(what: string): BrokenResourceError {
  return new BrokenResourceError(`${what}: the peer has closed the stream`)
}

function copy(bytes: Uint8Array, maxBytes: number): Buffer {
  return Buffer.from(bytes.subarray(0, maxBytes))
}
