/**
 * Reads the name in a ClientHello. The settings that it chooses must be known before node:tls sees the first byte: a
 * `SecureContext` alone (`SNICallback`) changes neither the application protocols nor the request for a client
 * certificate.
 *
 * This file checks nothing. Bytes that are not a ClientHello have no name, and OpenSSL reports the error.
 */

/** `need`: the number of bytes that the answer needs at least. */
export type ServerName = { readonly name: string | undefined } | { readonly need: number }

/** The name that a client asks for, in lower case, from its first bytes. */
export function serverNameOf(bytes: Buffer): ServerName {
  const message: Buffer[] = []
  let gathered = 0
  let wanted = MESSAGE_HEADER
  for (let at = 0; gathered < wanted;) {
    if (bytes.length > at && bytes[at] !== HANDSHAKE_RECORD) return NO_NAME
    if (bytes.length < at + RECORD_HEADER) return { need: at + RECORD_HEADER }
    const length = bytes.readUInt16BE(at + 3)
    const end = at + RECORD_HEADER + length
    if (length === 0 || length > MOST_OF_A_RECORD) return NO_NAME
    if (bytes.length < end) return { need: end }
    message.push(bytes.subarray(at + RECORD_HEADER, end))
    gathered += length
    at = end
    if (wanted > MESSAGE_HEADER || gathered < MESSAGE_HEADER) continue
    const header = Buffer.concat(message)
    if (header[0] !== CLIENT_HELLO) return NO_NAME
    wanted = MESSAGE_HEADER + header.readUIntBE(1, 3)
    if (wanted > MOST_OF_A_HELLO) return NO_NAME
  }
  return { name: nameIn(new Cursor(Buffer.concat(message).subarray(MESSAGE_HEADER, wanted))) }
}

const RECORD_HEADER = 5
const HANDSHAKE_RECORD = 22
const MOST_OF_A_RECORD = 16_384
const MESSAGE_HEADER = 4
const CLIENT_HELLO = 1
/** The characters that OpenSSL accepts. */
const MOST_OF_A_HELLO = 131_396
const SERVER_NAME = 0
const HOST_NAME = 0
const NO_NAME: ServerName = { name: undefined }

/** `struct ClientHello` of RFC 8446, 4.1.2, which is that of every version before; `server_name` is in RFC 6066, 3. */
function nameIn(hello: Cursor): string | undefined {
  hello.skip(2 + 32)
  hello.vector(1)
  hello.vector(2)
  hello.vector(1)
  const extensions = hello.vector(2)
  while (extensions.left > 0) {
    const type = extensions.number(2)
    const extension = extensions.vector(2)
    if (type !== SERVER_NAME) continue
    const names = extension.vector(2)
    while (names.left > 0) {
      const kind = names.number(1)
      const name = names.vector(2)
      if (kind === HOST_NAME && name.left > 0) return name.text().toLowerCase()
    }
  }
  return undefined
}

/** Reads the bytes, and zeros beyond their end. So a wrong length leads nowhere. */
class Cursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  skip(count: number): void {
    this.#at = Math.min(this.#at + count, this.#bytes.length)
  }

  number(size: number): number {
    const at = this.#at
    this.skip(size)
    return this.#at - at === size ? this.#bytes.readUIntBE(at, size) : 0
  }

  /** Reads the content behind a length of `size` bytes. */
  vector(size: number): Cursor {
    const length = this.number(size)
    const at = this.#at
    this.skip(length)
    return new Cursor(this.#bytes.subarray(at, this.#at))
  }

  text(): string {
    return this.#bytes.toString('latin1', this.#at)
  }
}
