/**
 * TLS without cryptography, for what goes on around it: a record is a letter, two bytes of length, and its bytes. H is the
 * one message of a handshake, D data, C close_notify, A an alert, which is fatal.
 */
import type { TlsSession, TlsStart } from '../../../src/backends/contract/backend.ts'
import type { TlsEngine, TlsEngineSink } from '../../../src/backends/contract/tls-engine.ts'
import { handshakeFailure, recordFailure } from '../../../src/backends/shared/tls-failure.ts'

const SESSION = { version: 'TLSv1.3' } as TlsSession

export class FakeEngine implements TlsEngine {
  readonly session = SESSION
  destroyed = false
  /** How much each `send` was given. */
  readonly sends: number[] = []
  /** Takes nothing, as a library that is busy. */
  busy = false
  readonly #start: TlsStart
  readonly #sink: TlsEngineSink
  #buffer = Buffer.alloc(0)
  #begun = false
  #done = false
  #over = false

  constructor(start: TlsStart, sink: TlsEngineSink) {
    this.#start = start
    this.#sink = sink
  }

  feed(bytes: Uint8Array): void {
    if (!this.#begun && this.#start.side === 'client') this.#sink.ciphertext(record('H'))
    this.#begun = true
    this.#buffer = Buffer.concat([this.#buffer, bytes])
    while (!this.#over && this.#buffer.length >= 3 && this.#buffer.length >= 3 + this.#buffer.readUInt16BE(1)) {
      const length = this.#buffer.readUInt16BE(1)
      const type = this.#buffer.toString('latin1', 0, 1)
      const body = Buffer.from(this.#buffer.subarray(3, 3 + length))
      this.#buffer = this.#buffer.subarray(3 + length)
      this.#got(type, body)
    }
  }

  feedEnd(): void {
    if (this.#over) return
    this.#over = true
    if (this.#done) this.#sink.ended()
    else this.#sink.failed(handshakeFailure(this.#start, { reason: 'closed' }))
  }

  send(data: Uint8Array): number {
    if (this.busy) return 0
    this.sends.push(data.length)
    for (let at = 0; at < data.length; at += 16_384) {
      this.#sink.ciphertext(record('D', data.subarray(at, at + 16_384)))
    }
    return data.length
  }

  sendClose(): void {
    this.#sink.ciphertext(record('C'))
  }

  destroy(): void {
    this.destroyed = true
  }

  /** The library is not busy any more. */
  ready(): void {
    this.busy = false
    this.#sink.writable()
  }

  #got(type: string, body: Buffer): void {
    if (type === 'H') {
      if (this.#start.side === 'server') this.#sink.ciphertext(record('H'))
      this.#done = true
      this.#sink.handshaken()
    } else if (type === 'D') this.#sink.plaintext(body)
    else {
      this.#over = true
      if (type === 'C') this.#sink.closeNotify()
      else this.#fail()
    }
  }

  #fail(): void {
    this.#sink.ciphertext(record('A'))
    const failed = this.#done ? recordFailure : handshakeFailure
    this.#sink.failed(failed(this.#start, { reason: 'bad-record' }))
  }
}

export function record(type: string, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(3)
  header.write(type, 'latin1')
  header.writeUInt16BE(body.length, 1)
  return Buffer.concat([header, body])
}
