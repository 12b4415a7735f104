/**
 * Counts the renegotiation requests in the records of TLS 1.2. OpenSSL refuses each of them (`no_renegotiation`), and
 * sets no limit.
 *
 * The type of a record is not encrypted, and after the handshake a handshake record can be nothing else. The first
 * record also shows whether the peer uses TLS at all.
 */

const HEADER = 5
const HANDSHAKE = 22
const ALERT = 21

/** One request may be a habit of the peer. A second one after a refusal is an attack. rustls has the same limit. */
const TOLERATED = 1

export class RecordWatch {
  /** Whether the first record was one of a TLS handshake. */
  sensible = false
  readonly #header = Buffer.alloc(HEADER)
  #inHeader = 0
  #left = 0
  #records = 0
  #requests = 0
  #watching = false

  /** The handshake is over. */
  watch(): void {
    this.#watching = true
  }

  /** True if these bytes exceed the limit. */
  passing(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length;) {
      if (this.#left > 0) {
        const count = Math.min(this.#left, bytes.length - at)
        this.#left -= count
        at += count
        continue
      }
      this.#header[this.#inHeader++] = bytes[at++] as number
      if (this.#inHeader === HEADER) this.#beginRecord()
    }
    return this.#requests > TOLERATED
  }

  #beginRecord(): void {
    const type = this.#header[0]
    this.#inHeader = 0
    this.#left = this.#header.readUInt16BE(3)
    if (this.#records++ === 0) this.sensible = (type === HANDSHAKE || type === ALERT) && this.#header[1] === 3
    if (this.#watching && type === HANDSHAKE) this.#requests++
  }
}
