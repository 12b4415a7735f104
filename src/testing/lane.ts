/**
 * One direction between two streams in memory: buffered bytes, waiting senders, and a waiting receiver.
 *
 * ```text
 *   put ─► [ kept bytes ] ─► take        a buffer: put keeps everything, and never waits
 *   put ─► [  senders   ] ─► take        lockstep: nothing is kept; senders wait, in call order, with what is not taken
 * ```
 *
 * Invariants
 * 1. One receiver at a time: the stream at that end guarantees it.
 * 2. No receiver waits while there are bytes, or after the end.
 * 3. A byte is in the buffer, with a waiting sender, or delivered to a receiver for certain. A sender that was
 *    cancelled or closed keeps its rest: the receiver has got a prefix. The senders behind such a prefix fail.
 */

import { BrokenResourceError, type Cancelled, ClosedResourceError } from '../errors.ts'
import {
  type CancelScope,
  immediate,
  isInterrupted,
  rejected,
  spendBudget,
  Waiter,
  WaitQueue,
} from '../kernel/index.ts'
import { ReceiveBuffer } from '../streams/receive-buffer.ts'

export class Lane {
  readonly #lockstep: boolean
  readonly #kept = new ReceiveBuffer()
  readonly #senders = new WaitQueue<Sending>()
  readonly #receiver = new WaitQueue<Receiving>()
  #ended = false
  #abandoned = false

  constructor(lockstep: boolean) {
    this.#lockstep = lockstep
  }

  put(data: Uint8Array, scope: CancelScope): Promise<void> {
    if (this.#ended) return rejected(endedError())
    if (this.#abandoned) return rejected(gone('sendAll'))
    if (this.#senders.length > 0) return new Sending(this, data).waitIn(this.#senders, scope)
    let rest = data
    const receiving = rest.length === 0 ? undefined : this.#receiver.shift()
    if (receiving !== undefined) {
      receiving.answer(copy(rest, receiving.maxBytes))
      rest = rest.subarray(receiving.maxBytes)
    }
    if (rest.length > 0 && this.#lockstep) {
      const sending = new Sending(this, rest)
      sending.begun = rest.length < data.length
      return sending.waitIn(this.#senders, scope)
    }
    if (rest.length > 0) this.#kept.append(copy(rest, rest.length), 0, rest.length, true)
    return this.#done(scope)
  }

  take(maxBytes: number, scope: CancelScope): Promise<Buffer> {
    if (this.#kept.length > 0) return immediate(this.#kept.take(Math.min(maxBytes, this.#kept.length)))
    const sending = this.#senders.first
    if (sending !== undefined) return immediate(this.#takeFrom(sending, maxBytes))
    if (this.#ended) return immediate(Buffer.alloc(0))
    return new Receiving(maxBytes).waitIn(this.#receiver, scope)
  }

  /** Ends the direction. Buffered bytes, and those of waiting senders, can still be taken. */
  end(scope: CancelScope): Promise<void> {
    if (this.#senders.length > 0) return new Sending(this, undefined).waitIn(this.#senders, scope)
    this.#end()
    return this.#done(scope)
  }

  /** The sender's end is closed: its waiting calls fail. */
  close(): void {
    this.#refuseSenders(() => new ClosedResourceError('sendAll: the stream was closed while this waited'))
    this.#end()
  }

  /** A sender was cancelled and has left the queue. */
  senderLeft(sending: Sending): void {
    if (sending.begun) {
      this.#refuseSenders(() => {
        const text =
          'sendAll: the call in front of it was cancelled after a part of its data had left, and this would have followed that part'
        return new BrokenResourceError(text)
      })
    } else this.#skipEmpty()
  }

  /** The receiver's end is closed: drops the buffer, and refuses the senders. */
  abandon(): void {
    this.#abandoned = true
    this.#kept.clear()
    this.#receiver.shift()?.reject(new ClosedResourceError('receiveSome: the stream was closed while this waited'))
    this.#refuseSenders(() => gone('sendAll'))
  }

  #refuseSenders(error: () => Error): void {
    this.#senders.drain((sending) => {
      if (isInterrupted(sending._scope as CancelScope)) sending.leave()
      else sending.reject(error())
    })
  }

  /** Settles senders without bytes, until the first one has bytes or the queue is empty. */
  #skipEmpty(): void {
    for (let sending = this.#senders.first; sending !== undefined; sending = this.#senders.first) {
      if (sending.rest !== undefined && sending.rest.length > 0) return
      this.#senders.delete(sending)
      if (sending.rest === undefined) {
        this.#end()
        this.#refuseSenders(endedError)
      }
      sending.answer(undefined)
    }
  }

  #end(): void {
    this.#ended = true
    this.#receiver.shift()?.answer(Buffer.alloc(0))
  }

  /** What completed at once. */
  #done(scope: CancelScope): Promise<void> {
    if (spendBudget()) return DONE
    const sending = new Sending(this, undefined)
    const promise = sending.begin(scope)
    sending.answer(undefined)
    return promise
  }

  #takeFrom(sending: Sending, maxBytes: number): Buffer {
    const rest = sending.rest as Uint8Array
    sending.rest = rest.subarray(maxBytes)
    sending.begun = true
    this.#skipEmpty()
    return copy(rest, maxBytes)
  }
}

/** A call that waits with bytes, or with the end (`undefined`). */
class Sending extends Waiter<void> {
  rest: Uint8Array | undefined
  /** A part of it has been taken. */
  begun = false
  readonly #lane: Lane

  constructor(lane: Lane, rest: Uint8Array | undefined) {
    super('a receiver at the other end of a memory stream')
    this.#lane = lane
    this.rest = rest
  }

  /** Out of the queue, because its scope is cancelled: that is what it fails with. */
  leave(): void {
    this.reject((this._scope as CancelScope)._cancelled(this.describe()))
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    const waits = this._queue !== undefined
    super.onCancel(cancelled)
    if (waits) this.#lane.senderLeft(this)
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

function endedError(): ClosedResourceError {
  return new ClosedResourceError('sendAll: the sending half was closed by sendEof')
}

function gone(what: string): BrokenResourceError {
  return new BrokenResourceError(`${what}: the peer has closed the stream`)
}

function copy(bytes: Uint8Array, maxBytes: number): Buffer {
  return Buffer.from(bytes.subarray(0, maxBytes))
}
