/** Streams of a user's own, for what the base class derives from four methods. */
import { ClosedResourceError } from '../../src/errors.ts'
import { Stream } from '../../src/streams/stream.ts'

/** Gives out the chunks it was made with, one for each call, and then the end. Nothing in it knows of the library. */
export class ChunkStream extends Stream {
  readonly sent: string[] = []
  /** The sizes that were asked for. */
  readonly asked: number[] = []
  closed = 0
  readonly #chunks: (Buffer | Error)[]
  #next = 0

  constructor(chunks: readonly (Buffer | string | Error)[]) {
    super()
    this.#chunks = chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk))
  }

  async receiveSome(maxBytes = 65536): Promise<Buffer> {
    this.asked.push(maxBytes)
    if (this.closed > 0) throw new ClosedResourceError('closed')
    const chunk = this.#chunks[this.#next]
    if (chunk === undefined) return Buffer.alloc(0)
    this.#next++
    if (chunk instanceof Error) throw chunk
    if (chunk.length > maxBytes) this.#chunks[--this.#next] = chunk.subarray(maxBytes)
    return chunk.subarray(0, maxBytes)
  }

  async sendAll(data: Uint8Array | string): Promise<void> {
    this.sent.push(Buffer.from(data as string).toString())
  }

  async sendEof(): Promise<void> {
    this.sent.push('EOF')
  }

  async close(): Promise<void> {
    this.closed++
  }
}

/** Its bytes come when the test says so, and its `receiveSome` knows no cancellation: a wrapper of foreign promises. */
export class ManualStream extends Stream {
  calls = 0
  #give: ((bytes: Buffer) => void) | undefined
  #fail: ((error: unknown) => void) | undefined

  get waiting(): boolean {
    return this.#give !== undefined
  }

  give(text: string): void {
    const give = this.#give!
    this.#give = this.#fail = undefined
    give(Buffer.from(text))
  }

  fail(error: unknown): void {
    const fail = this.#fail!
    this.#give = this.#fail = undefined
    fail(error)
  }

  receiveSome(): Promise<Buffer> {
    if (this.waiting) throw new Error('two calls at a time')
    this.calls++
    return new Promise((resolve, reject) => {
      this.#give = resolve
      this.#fail = reject
    })
  }

  async sendAll(): Promise<void> {}
  async sendEof(): Promise<void> {}
  async close(): Promise<void> {}
}
