/**
 * `toWebStreams`: a stream as the pair that web APIs take.
 *
 * What must stay true: nothing is received before somebody reads (the readable side has no queue), a write is done when the
 * stream has taken it, and the stream is closed once both sides are over, however they ended.
 */
import { type ReadableByteStreamController, ReadableStream, WritableStream } from 'node:stream/web'
import type { WritableStreamDefaultController } from 'node:stream/web'
import type { Cancelled } from '../errors.ts'
import { Stream } from '../streams/stream.ts'
import { checkOptions, checkSignal, invalidArgType, optionNames } from '../common/validate.ts'
import { Lifetime, type Tenant } from './lifetime.ts'
import { AbortError, toNodeError } from './node-errors.ts'
import { onAbort } from './on-abort.ts'

/** Options of `toWebStreams`. */
export interface WebStreamsOptions {
  /** Ends both with an `AbortError` when it aborts. */
  signal?: AbortSignal | undefined
}

/** What `toWebStreams` makes of a stream. */
export interface WebStreams {
  /** A byte stream: readers may bring their own memory (`mode: 'byob'`), and the bytes are received into it. */
  readonly readable: ReadableStream<Uint8Array>
  /** What is written here is sent; closing it ends the sending direction. */
  readonly writable: WritableStream<Uint8Array | string>
}

/**
 * The stream as a pair of web streams; from now on it belongs to them. Closing `writable` ends the own half, `abort()` closes
 * everything; cancelling `readable` leaves the other half open. The stream is closed when both are over. As a `NodeSocket`, they
 * belong to the scope in which they were made: when that was cancelled, and its body has settled, they fail with an `AbortError`.
 * A body that waits for them needs `{ signal: scope.signal }`, or `abandonOnCancel`.
 *
 * @throws NotRunningError outside every `run`
 */
export function toWebStreams(stream: Stream, options: WebStreamsOptions = {}): WebStreams {
  if (!(stream instanceof Stream)) throw invalidArgType('stream', 'an instance of Stream', stream)
  checkOptions('options', options, OPTIONS)
  const { signal } = options
  if (signal !== undefined) checkSignal('options.signal', signal)
  const { readable, writable } = new Pair(stream, signal)
  return { readable, writable }
}

class Pair implements Tenant {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array | string>
  readonly #stream: Stream
  readonly #life: Lifetime
  #reading: ReadableByteStreamController | undefined
  #writing: WritableStreamDefaultController | undefined
  #closing = false
  #forgetSignal: (() => void) | undefined

  constructor(stream: Stream, signal: AbortSignal | undefined) {
    this.#stream = stream
    this.#life = new Lifetime('web streams', this)
    this.readable = new ReadableStream({
      type: 'bytes',
      start: (controller) => void (this.#reading = controller),
      pull: () => this.#pull(),
      cancel: () => this.#readingOver(),
    })
    this.writable = new WritableStream({
      start: (controller) => void (this.#writing = controller),
      write: (chunk) => this.#write(chunk),
      close: () => this.#end(),
      abort: (reason) => this.#fail(reason),
    })
    if (signal !== undefined) this.#forgetSignal = onAbort(signal, (error) => void this.#fail(error))
  }

  describe(): string {
    return 'a pair of web streams'
  }

  cancelled(reason: Cancelled): void {
    void this.#fail(new AbortError(reason))
  }

  runEnded(warn: () => void, reason: Cancelled | undefined): void {
    if (!this.#closing && reason === undefined) warn()
    void this.#fail(new AbortError(reason ?? new Error('the run has ended')))
  }

  async #pull(): Promise<void> {
    const controller = this.#reading as ReadableByteStreamController
    try {
      const request = controller.byobRequest
      if (request?.view) {
        const { buffer, byteOffset, byteLength } = request.view
        const view = new Uint8Array(buffer, byteOffset, byteLength)
        const count = await this.#life.within(() => this.#stream.receiveInto(view))
        if (count === 0) controller.close()
        request.respond(count)
        if (count === 0) await this.#readingOver()
      } else {
        const bytes = await this.#life.within(() => this.#stream.receiveSome())
        // A copy: the memory of what is enqueued goes over to the reader, and a Buffer may share it with others.
        if (bytes.length > 0) controller.enqueue(new Uint8Array(bytes))
        else {
          controller.close()
          await this.#readingOver()
        }
      }
    } catch (error) {
      await this.#fail(known(error))
    }
  }

  async #write(chunk: unknown): Promise<void> {
    try {
      await this.#life.within(() => this.#stream.sendAll(chunk as Uint8Array))
    } catch (error) {
      await this.#fail(known(error))
      throw known(error)
    }
  }

  async #end(): Promise<void> {
    try {
      await this.#life.within(() => this.#stream.sendEof())
    } catch (error) {
      await this.#fail(known(error))
      throw known(error)
    }
    this.#writing = undefined
    if (this.#reading === undefined) await this.#close()
  }

  #readingOver(): Promise<void> | undefined {
    this.#reading = undefined
    return this.#writing === undefined ? this.#close() : undefined
  }

  /** Both sides are over, one of them in a bad way. */
  #fail(reason: unknown): Promise<void> {
    const [reading, writing] = [this.#reading, this.#writing]
    this.#reading = this.#writing = undefined
    // One that has ended or failed by itself says so.
    for (const controller of [reading, writing]) {
      try {
        controller?.error(reason)
      } catch {
        // Said above.
      }
    }
    return this.#close()
  }

  async #close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    this.#forgetSignal?.()
    this.#life.interrupt()
    try {
      await this.#life.within(() => this.#stream.close())
    } catch {
      // The scope is cancelled, so that nothing holds up the close; how it ends is of no interest to anybody.
    } finally {
      this.#life.end()
    }
  }
}

/** As Node's streams would have it, or the error itself. */
function known(error: unknown): unknown {
  return toNodeError(error) ?? error
}

const OPTIONS = optionNames<WebStreamsOptions>({ signal: true })
