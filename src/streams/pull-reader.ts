/**
 * The reader of a user's own stream: its source is the `receiveSome` that the user wrote.
 *
 * That method knows nothing of bytes read ahead, of a second task or of a close in another task, so the reader puts
 * itself in front of it, and of `close`, on the instance. A call of `receiveSome` then returns what framing has read
 * ahead first, and the rules of streams (STREAM-1 to STREAM-6) hold without code of the user's.
 *
 * What must stay true:
 * 1. One call of the user's `receiveSome` at a time. A receive that is cancelled leaves it running (it may wait on
 *    foreign work that cannot be cancelled); its bytes go to the buffer when they come, and the next receive waits for
 *    them instead of asking again.
 * 2. The failure of such an abandoned call belongs to the next receive, except a `Cancelled`: that was the first
 *    caller's, and the next one asks afresh in its own scope.
 */

import { isUint8Array } from 'node:util/types'
import { Cancelled } from '../errors.ts'
import { BACKEND, callInFrame, currentFrame, type Frame, NEUTRAL, rejected } from '../kernel/index.ts'
import { invalidArgType } from '../common/validate.ts'
import { checkSize, READ_SIZE } from '../common/bytes.ts'
import type { Demand } from './framing.ts'
import { Reader, type ReadWatcher } from './reader.ts'

/** What of a stream the reader needs. */
export interface PulledStream {
  receiveSome(maxBytes?: number): Promise<Buffer>
  close(): Promise<void>
}

export class PullReader extends Reader {
  readonly #stream: PulledStream
  #pull!: PulledStream['receiveSome']
  #closeStream!: PulledStream['close']
  /** A call of the user's method is under way. */
  #pulling = false
  /** It was begun by a receive that is over. */
  #abandoned = false
  /** The frame of a receive that waits for such a call. */
  #frame: Frame | undefined
  #lateFailure: { error: unknown } | undefined

  constructor(stream: PulledStream) {
    super()
    this.#stream = stream
    this.#standInFront()
  }

  override describe(): string {
    return `${this.demand.what} from a ${this.#stream.constructor.name}`
  }

  /** The user's method speaks for itself, by the operations that it begins; but not for somebody else than its caller. */
  override get waitsFor(): number {
    return this.#abandoned ? BACKEND : NEUTRAL
  }

  override watch(watcher: ReadWatcher): void {
    this.#standInFront()
    super.watch(watcher)
  }

  override receive<T>(demand: Demand<T>, asOccupant = false): Promise<T> {
    // Again: a subclass that defines its methods as fields does so after the base was constructed.
    this.#standInFront()
    return super.receive(demand, asOccupant)
  }

  protected override fetch(demand: Demand<unknown>): void {
    if (this.#lateFailure !== undefined) {
      const { error } = this.#lateFailure
      this.#lateFailure = undefined
      this.failed(error)
    } else if (this.#pulling) {
      this.#frame = currentFrame()
    } else {
      this.#pulling = true
      this.#abandoned = false
      this.#ask(demand.ask).then(this.#onBytes, this.#onFailure)
    }
  }

  protected override get sourceReady(): boolean {
    return this.#lateFailure !== undefined
  }

  protected override readNow(): boolean {
    if (this.#lateFailure === undefined) return false
    const { error } = this.#lateFailure
    this.#lateFailure = undefined
    throw error
  }

  protected override dropFetch(): void {
    this.#abandoned = true
  }

  protected override owned<E>(error: E): E {
    return error
  }

  async #ask(size: number): Promise<Buffer> {
    // Awaited in here, so that a method that throws, or answers without a promise, is as good as one that does not.
    const bytes: unknown = await this.#pull.call(this.#stream, size)
    if (!isUint8Array(bytes)) throw invalidArgType('the answer of receiveSome', 'an instance of Buffer', bytes)
    return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  readonly #onBytes = (bytes: Buffer): void => {
    this.#pulling = false
    this.#inWaiterFrame(() => {
      if (bytes.length === 0) this.ended()
      else this.supplied(bytes, 0, bytes.length, true)
    })
  }

  readonly #onFailure = (error: unknown): void => {
    this.#pulling = false
    if (this.#abandoned && error instanceof Cancelled) this.#inWaiterFrame(() => this.proceed())
    else if (!this.failed(error) && !this.closed) {
      this.#lateFailure = { error }
      this.proceed()
    }
  }

  /** The answer to an abandoned call comes in the frame of a receive that is over; the next one asks in its own. */
  #inWaiterFrame(answer: () => void): void {
    const frame = this.#frame
    this.#frame = undefined
    if (frame === undefined) answer()
    else callInFrame(frame, answer)
  }

  #standInFront(): void {
    const stream = this.#stream
    if (stream.receiveSome !== this.#receiveSomeFirst) {
      this.#pull = stream.receiveSome
      replace(stream, 'receiveSome', this.#receiveSomeFirst)
    }
    if (stream.close !== this.#closeFirst) {
      this.#closeStream = stream.close
      replace(stream, 'close', this.#closeFirst)
    }
  }

  readonly #receiveSomeFirst = (maxBytes: number = READ_SIZE): Promise<Buffer> => {
    try {
      checkSize('maxBytes', maxBytes)
    } catch (error) {
      return rejected(error)
    }
    return this.receiveSome(maxBytes)
  }

  readonly #closeFirst = (): Promise<void> => {
    this.close()
    return this.#closeStream.call(this.#stream)
  }
}

function replace<K extends keyof PulledStream>(stream: PulledStream, name: K, value: PulledStream[K]): void {
  Object.defineProperty(stream, name, { value, configurable: true, writable: true })
}
