/**
 * The connection of a `TLSSocket`, in memory. `feed` puts bytes in, and `written` gets bytes at once. It reports no
 * errors of its own, and only its owner or its `TLSSocket` finishes or destroys it.
 */
import { Duplex } from 'node:stream'

export interface WireEnds {
  /** Ciphertext for the peer. */
  written(bytes: Buffer): void
  /** Nothing more is written. */
  finished(): void
  /** All fed bytes have been read, and `end` was called. Called before the reader gets the end. */
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

  /** Ends the fed bytes. */
  feedEnd(): void {
    if (!this.destroyed) this.push(null)
  }

  /** Ends nothing, because later writes of node:tls (an alert, an answer to a key update) must not fail. */
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
