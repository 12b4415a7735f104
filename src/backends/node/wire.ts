/**
 * What a `TLSSocket` takes for its connection: bytes are put in by `feed` and come out at once by `written`. It has no
 * errors of its own, and is finished or destroyed only by its owner or its `TLSSocket`.
 */
import { Duplex } from 'node:stream'

export interface WireEnds {
  /** Ciphertext for the peer. */
  written(bytes: Buffer): void
  /** Nothing more is written. */
  finished(): void
  /** Everything that was fed has been read, and `end` was called. Before the reader hears of it. */
  readEnd(): void
}

export class Wire extends Duplex {
  readonly #ends: WireEnds

  constructor(ends: WireEnds) {
    super({ allowHalfOpen: true, autoDestroy: false })
    this.#ends = ends
    this.on('end', () => ends.readEnd())
  }

  feed(bytes: Uint8Array): void {
    if (!this.destroyed) this.push(Buffer.from(bytes))
  }

  /** No more is fed. */
  feedEnd(): void {
    if (!this.destroyed) this.push(null)
  }

  /** Ends nothing: what node:tls writes afterwards (an answer to a key update, an alert) must not fail. */
  override end(done?: unknown): this {
    this.#ends.finished()
    if (typeof done === 'function') process.nextTick(done)
    return this
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#ends.written(chunk)
    done()
  }
}
