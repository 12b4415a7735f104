/**
 * Two streams of a user's own, connected to each other without a buffer: `sendAll` resolves when the other side has
 * received everything. Nothing in it knows of sockets, or of cancellation.
 */
import { ClosedResourceError } from '../../src/errors.ts'
import { Stream } from '../../src/streams/stream.ts'

export function pipe(): readonly [PipeEnd, PipeEnd] {
  const forth = new Lane()
  const back = new Lane()
  return [new PipeEnd(forth, back), new PipeEnd(back, forth)]
}

/** One direction. */
class Lane {
  #offered: Buffer | undefined
  #ended = false
  #changed = new Set<() => void>()
  failure: Error | undefined

  async put(bytes: Buffer): Promise<void> {
    this.#offered = bytes
    this.#wake()
    while (this.#offered !== undefined && !this.#ended) await this.#change()
    if (this.failure !== undefined) throw this.failure
  }

  async take(maxBytes: number): Promise<Buffer> {
    while (this.#offered === undefined && !this.#ended) await this.#change()
    if (this.failure !== undefined) throw this.failure
    const offered = this.#offered
    if (offered === undefined) return Buffer.alloc(0)
    this.#offered = offered.length > maxBytes ? offered.subarray(maxBytes) : undefined
    if (this.#offered === undefined) this.#wake()
    return Buffer.from(offered.subarray(0, maxBytes))
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#changed) wake()
    this.#changed.clear()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#changed.add(resolve))
  }
}

export class PipeEnd extends Stream {
  readonly #out: Lane
  readonly #in: Lane
  #receiving = false
  #sending = false
  closed = false
  /** Calls in a direction in which another one was waiting. */
  overlaps = 0
  /** All that was sent from here. */
  passed = Buffer.alloc(0)

  constructor(out: Lane, into: Lane) {
    super()
    this.#out = out
    this.#in = into
  }

  async receiveSome(maxBytes = 65_536): Promise<Buffer> {
    if (this.closed) throw new ClosedResourceError('the pipe is closed')
    if (this.#receiving) this.overlaps++
    this.#receiving = true
    try {
      return await this.#in.take(maxBytes)
    } finally {
      this.#receiving = false
    }
  }

  async sendAll(data: Uint8Array | string): Promise<void> {
    if (this.closed) throw new ClosedResourceError('the pipe is closed')
    if (this.#sending) this.overlaps++
    this.#sending = true
    const bytes = Buffer.from(data as string)
    this.passed = Buffer.concat([this.passed, bytes])
    try {
      await this.#out.put(bytes)
    } finally {
      this.#sending = false
    }
  }

  async sendEof(): Promise<void> {
    this.#out.end()
  }

  async close(): Promise<void> {
    this.closed = true
    this.#out.end()
    this.#in.end()
  }

  /** From now on nothing gets through. */
  fail(error: Error): void {
    for (const lane of [this.#in, this.#out]) {
      lane.failure = error
      lane.end()
    }
  }
}
