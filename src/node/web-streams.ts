/**
 * `toWebStreams`: a stream as a pair of web streams.
 *
 * Invariants
 * 1. It receives only for a pending read: the readable side has no queue.
 * 2. A write settles when the stream has taken its bytes.
 * 3. The stream is closed once both sides have ended, however they ended.
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
  /** Ends both streams with an `AbortError` when the signal aborts. */
  signal?: AbortSignal | undefined
}

/** The result of `toWebStreams`. */
export interface WebStreams {
  /** A byte stream. A reader with `mode: 'byob'` receives into its own memory. */
  readonly readable: ReadableStream<Uint8Array>
  /** Sends what is written to it. Closing it ends the sending direction. */
  readonly writable: WritableStream<Uint8Array | string>
}

/**
 * Makes a pair of web streams from a stream, for web APIs. The pair owns the stream from now on. Closing `writable`
 * ends the sending direction, `writable.abort()` closes everything, and cancelling `readable` leaves `writable` open.
 * The stream is closed when both have ended.
 *
 * The pair belongs to the scope in which it was made: once that has been cancelled and its body has settled, both fail
 * with an `AbortError`. A body that waits for them needs `{ signal: scope.signal }`, or `abandonOnCancel`.
 *
 * @example
 * ```ts
 * await moveOnAfter(1000, async (scope) => {
 *   const { readable } = toWebStreams(stream, { signal: scope.signal })
 *   const lines = readable.pipeThrough(new TextDecoderStream())
 *   for await (const text of lines) console.log(text)
 * })
 * ```
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
        // A copy: `enqueue` transfers the memory to the reader, and a Buffer may share its memory with others.
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

  /** Ends both sides with an error. */
  #fail(reason: unknown): Promise<void> {
    const [reading, writing] = [this.#reading, this.#writing]
    this.#reading = this.#writing = undefined
    // `error` throws on a side that has ended or failed by itself.
    for (const controller of [reading, writing]) {
      try {
        controller?.error(reason)
      } catch {
        // See above.
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
      // The scope is cancelled, so the close does not wait. Its outcome is ignored.
    } finally {
      this.#life.end()
    }
  }
}

/** The error in Node's form, or the error itself. */
function known(error: unknown): unknown {
  return toNodeError(error) ?? error
}

const OPTIONS = optionNames<WebStreamsOptions>({ signal: true })
