/**
 * TLS over any transport. The lower transport carries ciphertext. An engine without I/O converts between ciphertext and
 * plaintext. This transport connects the two.
 *
 * ```text
 *               receive ▲            │ send
 *                       │            ▼
 *    decrypted, buffered│            │taken in this tick
 *                       └── engine ◄─┘
 *                       ┌──►      ──┐
 *                       │           │ciphertext that the lower transport did not take
 *         lower.receive │           ▼ lower.send
 * ```
 *
 * Invariants
 * 1. The lower transport is read only for a receive with an empty buffer, the handshake, or a bidirectional shutdown.
 *    Decrypted bytes that were not asked for stay in the buffer, so a cancelled receive loses nothing.
 * 2. The two directions share only the engine. A peer that reads only while it can write is served, and so is one that
 *    writes only while it can read, also if the lower transport takes no byte before its peer reads (L7).
 * 3. The engine's calls of its sink only record events. `#progress` acts on them after the engine has returned, in the
 *    async context of the caller. Nothing is detached, because the lower transport may be a user's own stream, whose
 *    operations need the task that asked.
 * 4. The sink above is never called inside the call that asked, and never after `destroy`.
 * 5. `unsent` counts every byte that this transport, the engine and the lower transport hold.
 * 6. A failed engine ends both directions. Its alert still leaves.
 */
import type { TLSError } from '../../errors.ts'
import {
  type Abandon,
  type Address,
  type Answer,
  LINGER_BYTES,
  type SendWait,
  type StreamSink,
  type StreamTransport,
  type TlsSession,
  type TlsStart,
} from '../contract/backend.ts'
import { later, nextTurn } from './later.ts'
import { discards, SendBuffer } from '../../common/send-buffer.ts'
import { share } from '../../common/shared-memory.ts'
import type { MakeEngine, TlsEngine, TlsEngineSink } from '../contract/tls-engine.ts'
import { handshakeFailure, truncated } from './tls-failure.ts'
import { TAKE_LIMIT } from '../contract/limits.ts'

/** `Backend.startTls` over any transport, with this engine. */
export function startEngine(
  lower: StreamTransport,
  start: TlsStart,
  makeEngine: MakeEngine,
  answer: Answer<StreamTransport>,
): Abandon {
  const transport = new EngineTransport(lower, start, makeEngine, answer)
  return () => transport.abandon()
}

/** From this size data fills a record, and is not gathered with other sends. */
const FULL_RECORD = 16_384

class EngineTransport implements StreamTransport {
  declare sink: StreamSink
  readonly #lower: StreamTransport
  readonly #start: TlsStart
  readonly #engine: TlsEngine
  /** While the handshake is under way. */
  #answer: Answer<StreamTransport> | undefined
  #tls: TlsSession | undefined
  #inEngine = false
  #givingUp = false
  #closed = false

  /** The size of the pending `receive`; 0 is none. */
  #wanted = 0
  /** Decrypted bytes that were not asked for yet. */
  #atHand: Buffer[] = []
  /** The end or failure behind the bytes at hand. Final. */
  #end: 'end' | Error | undefined
  /** Whether a `receive` of the lower transport is pending. */
  #reading = false
  #lowerEnded = false

  /** The bytes of this tick. Sends of one tick share a record. */
  readonly #out = new SendBuffer()
  #flushing = false
  #ciphertext: Buffer[] = []
  #ciphertextBytes = 0
  #wait: SendWait | undefined
  /** Number of plaintext bytes discarded during a wait for the peer's end. */
  #dropped = 0
  #lowerWait: SendWait | undefined
  /**
   * Whether the lower transport said that it is writable, but this transport's limit is still exceeded. Then it must be
   * flushed.
   */
  #overfull = false
  #closeNotify: 'no' | 'sent' | 'delivered' = 'no'
  /** Whether the lower transport was asked to close its sending half. Later ciphertext is dropped. */
  #finished = false
  /** Whether sending of the lower transport has failed. Not even alerts leave. */
  #cut = false

  constructor(lower: StreamTransport, start: TlsStart, makeEngine: MakeEngine, answer: Answer<StreamTransport>) {
    this.#lower = lower
    this.#start = start
    this.#answer = answer
    lower.sink = {
      received: (memory, from, to) => this.#lowerAnswered(false, () => this.#engine.feed(memory.subarray(from, to))),
      receivedEnd: () => this.#lowerAnswered(true, () => this.#engine.feedEnd()),
      receiveFailed: (error) => this.#lowerReceiveFailed(error),
      // Never called: this transport does not use `receiveInto`.
      readable: () => {},
      sendSettled: (error) => this.#lowerSendSettled(error),
    }
    this.#engine = makeEngine(start, this.#engineSink())
    this.#inEngine = true
    this.#engine.feed(start.ahead)
    this.#inEngine = false
    this.#pushCiphertext()
    this.#demand()
    // The handshake may be complete already (4).
    later(this.#progress)
  }

  /** Gives up the handshake. */
  abandon(): void {
    if (this.#answer !== undefined) this.destroy()
  }

  get localAddress(): Address {
    return this.#lower.localAddress
  }

  get remoteAddress(): Address {
    return this.#lower.remoteAddress
  }

  get tls(): TlsSession | undefined {
    return this.#tls
  }

  get saysGoodbye(): boolean {
    const failed = this.#out.failed || this.#end instanceof Error
    return this.#start.standardCompatible && this.#tls !== undefined && !failed
  }

  receive(maxBytes: number): void {
    this.#wanted = Math.min(maxBytes, TAKE_LIMIT)
    if (this.#atHand.length > 0 || this.#end !== undefined) later(this.#progress)
    else this.#demand()
  }

  cancelReceive(): void {
    this.#wanted = 0
    this.#demand()
  }

  send(data: Uint8Array): number {
    if (this.#out.failed || this.#closed || data.length === 0) return data.length
    const count = Math.min(data.length, TAKE_LIMIT - this.unsent)
    if (count <= 0) return 0
    let rest = data.subarray(0, count)
    if (count >= FULL_RECORD) {
      this.#encryptTaken()
      if (this.#out.length === 0 && this.#ciphertextBytes === 0) rest = rest.subarray(this.#encrypt(rest))
    }
    this.#out.take(rest, rest.length)
    if (!this.#flushing) {
      this.#flushing = true
      process.nextTick(this.#flush)
    }
    return count
  }

  takeSendError(): Error | undefined {
    const below = this.#lower.takeSendError()
    if (below !== undefined) this.#cutOff(below)
    return this.#out.takeError()
  }

  get unsent(): number {
    return this.#own + this.#lower.unsent
  }

  waitSend(what: SendWait): void {
    this.#wait = what
    if (discards(what)) this.#atHand = []
    later(this.#progress)
  }

  cancelSend(): void {
    // A wait of the lower transport continues, and the next `waitSend` uses it.
    this.#wait = undefined
    this.#demand()
  }

  destroy(): void {
    this.#leave(() => {
      if (this.#tls !== undefined) this.#encryptTaken()
      this.#pushCiphertext()
    })
    this.#lower.destroy()
  }

  reset(): void {
    this.#leave(() => {})
    this.#lower.reset()
  }

  getsockopt(level: number | string, name: number | string): number {
    return this.#lower.getsockopt(level, name)
  }

  setsockopt(level: number | string, name: number | string, value: number | boolean): void {
    this.#lower.setsockopt(level, name, value)
  }

  ref(): void {
    this.#lower.ref()
  }

  unref(): void {
    this.#lower.unref()
  }

  /** Records the events of the engine. `#progress` acts on them after the engine has returned, or at once (3). */
  #engineSink(): TlsEngineSink {
    const noted =
      <A extends unknown[]>(note: (...args: A) => void) =>
      (...args: A): void => {
        if (this.#closed) return
        note(...args)
        this.#progress()
      }
    return {
      ciphertext: noted((bytes: Buffer) => {
        if (this.#cut || this.#finished || bytes.length === 0) return
        this.#ciphertext.push(bytes)
        this.#ciphertextBytes += bytes.length
      }),
      handshaken: noted(() => {
        this.#tls = this.#engine.session
      }),
      plaintext: noted((bytes: Buffer) => {
        if (this.#drops) this.#dropped += bytes.length
        else if (bytes.length > 0) this.#atHand.push(bytes)
      }),
      closeNotify: noted(() => {
        if (this.#tls === undefined) this.#failed(handshakeFailure(this.#start, { reason: 'closed' }))
        else this.#end ??= 'end'
      }),
      ended: noted(() => {
        this.#end ??= this.#start.standardCompatible ? truncated(this.#start) : 'end'
      }),
      failed: noted((error: TLSError) => this.#failed(error)),
      writable: noted(() => {}),
    }
  }

  #failed(error: Error): void {
    this.#end ??= error
    this.#out.fail(error)
  }

  #lowerAnswered(ended: boolean, tell: () => void): void {
    this.#reading = false
    this.#lowerEnded = ended
    this.#call(tell)
    this.#progress()
  }

  #lowerReceiveFailed(error: Error): void {
    this.#reading = false
    this.#lowerEnded = true
    if (this.#tls !== undefined) this.#end ??= error
    else this.#failed(handshakeFailure(this.#start, { reason: 'closed', detail: error.message, cause: error }))
    this.#progress()
  }

  #lowerSendSettled(error: Error | undefined): void {
    const what = this.#lowerWait
    this.#lowerWait = undefined
    if (error !== undefined) this.#cutOff(error)
    else if (what === 'shutdown') this.#closeNotify = 'delivered'
    this.#overfull = what === 'writable' && this.#lower.unsent >= TAKE_LIMIT
    this.#progress()
  }

  /** A failed write ends only the sending side, also during the handshake: data of the peer may explain the failure. */
  #cutOff(error: Error): void {
    this.#cut = true
    this.#ciphertext = []
    this.#ciphertextBytes = 0
    this.#out.fail(error)
  }

  readonly #flush = (): void => {
    this.#flushing = false
    this.#progress()
  }

  /** Takes every step that has become possible, each before the steps that it enables. */
  readonly #progress = (): void => {
    if (this.#closed || this.#inEngine) return
    this.#encryptTaken()
    if (this.#answer !== undefined) this.#answerHandshake(this.#answer)
    else {
      this.#answerReceive()
      this.#answerSend()
    }
    this.#demand()
  }

  #answerHandshake(answer: Answer<StreamTransport>): void {
    if (this.#end instanceof Error && this.#atHand.length === 0) this.#giveUp(this.#end, answer)
    else if (this.#tls !== undefined) {
      this.#answer = undefined
      answer(undefined, this)
    }
  }

  /** Gives the alert one turn of the event loop to leave. */
  #giveUp(error: Error, answer: Answer<StreamTransport>): void {
    if (this.#givingUp) return
    this.#givingUp = true
    const end = (): void => {
      if (this.#closed) return
      this.destroy()
      answer(error)
    }
    if (this.unsent === 0) later(end)
    else nextTurn(end)
  }

  #answerReceive(): void {
    if (this.#wanted === 0 || this.#closed) return
    const { sink } = this
    if (this.#atHand.length > 0) {
      const bytes = this.#take(this.#wanted)
      this.#wanted = 0
      sink.received(bytes, 0, bytes.length, true)
    } else if (this.#end !== undefined) {
      this.#wanted = 0
      if (this.#end === 'end') sink.receivedEnd()
      else sink.receiveFailed(this.#end)
    }
  }

  /**
   * Takes up to `most` of the bytes at hand. Joins small records, because a copy costs less than an operation for each.
   */
  #take(most: number): Buffer {
    const parts: Buffer[] = []
    for (let left = most; left > 0 && this.#atHand.length > 0;) {
      const first = this.#atHand[0] as Buffer
      const part = first.subarray(0, left)
      if (part.length === first.length) this.#atHand.shift()
      else this.#atHand[0] = share(first).subarray(left)
      parts.push(part)
      left -= part.length
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
  }

  #answerSend(): void {
    const wait = this.#wait
    if (wait === undefined || this.#closed) return
    const error = this.takeSendError()
    if (this.#drops) this.#shutDownBothWays(error)
    else if (error !== undefined || this.#out.failed) this.#settle(error)
    else if (wait === 'shutdown') this.#shutDown()
    else if (this.unsent === 0 || (wait === 'writable' && this.unsent < TAKE_LIMIT)) this.#settle(undefined)
    else this.#awaitLower(wait === 'flushed' || this.#overfull ? 'flushed' : 'writable')
  }

  #shutDown(): void {
    if (this.#closeNotify === 'delivered') this.#settle(undefined)
    else if (this.#own === 0) {
      this.#sendCloseNotify()
      this.#awaitLower('shutdown')
    }
  }

  /**
   * Does a bidirectional shutdown. Bytes that were sent before it can fail. A failure of the shutdown itself is no
   * error, because a peer that has what it wants may be gone.
   */
  #shutDownBothWays(error: Error | undefined): void {
    if (error !== undefined && this.#closeNotify === 'no') this.#settle(error)
    else if (this.#closeNotify === 'no' && !this.#out.failed && this.unsent > 0) this.#awaitLower('flushed')
    else {
      if (!this.#out.failed) this.#sendCloseNotify()
      if (this.#closeNotify === 'sent' && !this.#cut) this.#awaitLower('shutdown')
      else if (this.#end !== undefined || this.#hasDroppedEnough) this.#settle(undefined)
    }
  }

  get #drops(): boolean {
    return discards(this.#wait)
  }

  get #hasDroppedEnough(): boolean {
    return this.#wait === 'linger' && this.#dropped >= LINGER_BYTES
  }

  #sendCloseNotify(): void {
    if (this.#closeNotify !== 'no') return
    this.#closeNotify = 'sent'
    this.#call(() => this.#engine.sendClose())
    this.#pushCiphertext()
  }

  #settle(error: Error | undefined): void {
    this.#wait = undefined
    this.sink.sendSettled(error)
  }

  /** Number of bytes above the lower transport. */
  get #own(): number {
    const plaintext = this.#out.failed ? 0 : this.#out.length + (this.#engine.unsent ?? 0)
    return plaintext + this.#ciphertextBytes
  }

  /** Waits for the lower transport, once it has all bytes of this transport. */
  #awaitLower(what: SendWait): void {
    if (this.#own === 0) this.#askLower(what)
  }

  #askLower(what: SendWait): void {
    if (this.#lowerWait !== undefined) return
    this.#lowerWait = what
    if (what === 'shutdown') this.#finished = true
    this.#lower.waitSend(what)
  }

  #encryptTaken(): void {
    this.#pushCiphertext()
    while (this.#out.length > 0 && this.#ciphertextBytes === 0) {
      const bytes = this.#out.drain()
      const count = this.#encrypt(bytes)
      if (this.#out.failed) return
      this.#out.putBack(bytes.subarray(count))
      if (count === 0) return
    }
  }

  #encrypt(bytes: Uint8Array): number {
    let count = 0
    this.#call(() => {
      count = this.#engine.send(bytes)
    })
    this.#pushCiphertext()
    return count
  }

  #pushCiphertext(): void {
    for (let first = this.#ciphertext[0]; first !== undefined; first = this.#ciphertext[0]) {
      const count = this.#lower.send(first)
      this.#ciphertextBytes -= count
      if (count === first.length) this.#ciphertext.shift()
      else this.#ciphertext[0] = first.subarray(count)
      if (count > 0) continue
      this.#askLower('writable')
      return
    }
  }

  /** Starts or stops reading (1). */
  #demand(): void {
    const wanted = this.#answer !== undefined || (this.#wanted > 0 && this.#atHand.length === 0) || this.#drops
    const reads = wanted && this.#end === undefined && !this.#lowerEnded && !this.#closed
    if (reads === this.#reading) return
    this.#reading = reads
    if (reads) this.#lower.receive(TAKE_LIMIT)
    else if (!this.#closed) this.#lower.cancelReceive()
  }

  #call(engine: () => void): void {
    this.#inEngine = true
    engine()
    this.#inEngine = false
  }

  /** The sink is not called again. */
  #leave(beforeLeaving: () => void): void {
    if (this.#closed) return
    beforeLeaving()
    this.#closed = true
    this.#answer = undefined
    this.#wanted = 0
    this.#wait = undefined
    this.#engine.destroy()
    this.#out.clear()
    this.#atHand = this.#ciphertext = []
    this.#ciphertextBytes = 0
  }
}
