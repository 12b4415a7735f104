/**
 * A TLS 1.2 client that may misbehave after its handshake: no library would ask to renegotiate again and again. It knows one
 * key exchange (X25519) and one cipher (AES-128-GCM), and verifies nothing.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { once } from 'node:events'
import * as net from 'node:net'

export const RECORD = { changeCipherSpec: 20, alert: 21, handshake: 22, data: 23 } as const

export interface RawRecord {
  readonly type: number
  readonly body: Buffer
}

interface Keys {
  readonly key: Buffer
  readonly salt: Buffer
  sequence: bigint
}

export class RawClient {
  readonly socket: net.Socket
  readonly #chunks: AsyncIterator<Buffer>
  #received = Buffer.alloc(0)
  /** All handshake messages so far, which the `Finished` message vouches for. */
  #transcript: Buffer[] = []
  #sending: Keys | undefined
  #receiving: Keys | undefined

  private constructor(socket: net.Socket) {
    this.socket = socket
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    socket.on('error', () => {})
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    const client = new RawClient(socket)
    await client.#handshake()
    return client
  }

  /** A ClientHello, as a handshake message without its record. */
  static hello(random: Buffer = randomBytes(32)): Buffer {
    const extensions = Buffer.concat([
      // X25519 for the keys, and P-256 for certificates.
      extension(10, block(2, [0x00, 0x1d, 0x00, 0x17])),
      extension(11, block(1, [0])),
      extension(13, block(2, [0x04, 0x03, 0x08, 0x04, 0x04, 0x01])),
    ])
    // ECDHE with AES-128-GCM for both kinds of certificates, and the signal that secure renegotiation is known.
    const suites = block(2, [0xc0, 0x2b, 0xc0, 0x2f, 0x00, 0xff])
    return message(
      1,
      Buffer.concat([Buffer.from([3, 3]), random, block(1, []), suites, block(1, [0]), block(2, extensions)]),
    )
  }

  /** Encrypted, once there are keys. */
  send(type: number, body: Buffer): void {
    const sealed = this.#sending === undefined ? body : seal(this.#sending, type, body)
    this.socket.write(Buffer.concat([header(type, sealed.length), sealed]))
  }

  /** `undefined` at the end of the connection. */
  async receive(): Promise<RawRecord | undefined> {
    const head = await this.#take(5)
    const sealed = head && (await this.#take(head.readUInt16BE(3)))
    if (head === undefined || sealed === undefined) return undefined
    const type = head[0]!
    return { type, body: this.#receiving === undefined ? sealed : open(this.#receiving, type, sealed) }
  }

  async #take(count: number): Promise<Buffer | undefined> {
    while (this.#received.length < count) {
      const { done, value } = await this.#chunks.next().catch(() => ({ done: true, value: undefined }) as const)
      if (done === true || value === undefined) return undefined
      this.#received = Buffer.concat([this.#received, value])
    }
    const bytes = this.#received.subarray(0, count)
    this.#received = this.#received.subarray(count)
    return bytes
  }

  async #handshake(): Promise<void> {
    const random = randomBytes(32)
    this.#say(RawClient.hello(random))
    const { serverRandom, share } = await this.#serversFlight()
    const { privateKey, publicKey } = generateKeyPairSync('x25519')
    const secret = diffieHellman({ privateKey, publicKey: x25519(share) })
    const master = prf(secret, 'master secret', Buffer.concat([random, serverRandom]), 48)
    this.#say(message(16, block(1, rawOf(publicKey))))

    const keys = prf(master, 'key expansion', Buffer.concat([serverRandom, random]), 40)
    this.send(RECORD.changeCipherSpec, Buffer.from([1]))
    this.#sending = { key: keys.subarray(0, 16), salt: keys.subarray(32, 36), sequence: 0n }
    this.#say(message(20, prf(master, 'client finished', this.#hash(), 12)))

    const change = await this.receive()
    if (change?.type !== RECORD.changeCipherSpec) throw new Error('the server ended the handshake')
    this.#receiving = { key: keys.subarray(16, 32), salt: keys.subarray(36, 40), sequence: 0n }
    await this.receive()
  }

  /** Up to ServerHelloDone. */
  async #serversFlight(): Promise<{ serverRandom: Buffer; share: Buffer }> {
    let serverRandom: Buffer | undefined
    let share: Buffer | undefined
    let pending = Buffer.alloc(0)
    for (;;) {
      const record = await this.receive()
      if (record?.type !== RECORD.handshake) throw new Error(`no handshake: ${record?.body.toString('hex')}`)
      pending = Buffer.concat([pending, record.body])
      while (pending.length >= 4 && pending.length >= 4 + pending.readUIntBE(1, 3)) {
        const whole = pending.subarray(0, 4 + pending.readUIntBE(1, 3))
        pending = pending.subarray(whole.length)
        this.#transcript.push(whole)
        const body = whole.subarray(4)
        if (whole[0] === 2) serverRandom = body.subarray(2, 34)
        // Named curve, its number, and the share with its length.
        if (whole[0] === 12) share = body.subarray(4, 4 + body[3]!)
        if (whole[0] === 14) return { serverRandom: serverRandom!, share: share! }
      }
    }
  }

  #say(handshake: Buffer): void {
    this.#transcript.push(handshake)
    this.send(RECORD.handshake, handshake)
  }

  #hash(): Buffer {
    return createHash('sha256').update(Buffer.concat(this.#transcript)).digest()
  }
}

function seal(keys: Keys, type: number, body: Buffer): Buffer {
  const sequence = nextSequence(keys)
  const cipher = createCipheriv('aes-128-gcm', keys.key, Buffer.concat([keys.salt, sequence]))
  cipher.setAAD(Buffer.concat([sequence, header(type, body.length)]))
  return Buffer.concat([sequence, cipher.update(body), cipher.final(), cipher.getAuthTag()])
}

function open(keys: Keys, type: number, sealed: Buffer): Buffer {
  const sequence = nextSequence(keys)
  const nonce = Buffer.concat([keys.salt, sealed.subarray(0, 8)])
  const decipher = createDecipheriv('aes-128-gcm', keys.key, nonce)
  decipher.setAAD(Buffer.concat([sequence, header(type, sealed.length - 24)]))
  decipher.setAuthTag(sealed.subarray(-16))
  return Buffer.concat([decipher.update(sealed.subarray(8, -16)), decipher.final()])
}

function nextSequence(keys: Keys): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(keys.sequence++)
  return bytes
}

/** RFC 5246, 5: with SHA-256. */
function prf(secret: Buffer, label: string, seed: Buffer, length: number): Buffer {
  const labelled = Buffer.concat([Buffer.from(label), seed])
  const hmac = (data: Buffer): Buffer => createHmac('sha256', secret).update(data).digest()
  let result = Buffer.alloc(0)
  for (let a = hmac(labelled); result.length < length; a = hmac(a)) {
    result = Buffer.concat([result, hmac(Buffer.concat([a, labelled]))])
  }
  return result.subarray(0, length)
}

const header = (type: number, length: number): Buffer => Buffer.from([type, 3, 3, length >> 8, length & 0xff])

function message(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt32BE((type << 24) | body.length)
  return Buffer.concat([head, body])
}

function extension(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type >> 8, type & 0xff]), block(2, body)])
}

/** Bytes with their length in front. */
function block(size: number, bytes: Uint8Array | readonly number[]): Buffer {
  const body = Buffer.from(bytes)
  const length = Buffer.alloc(size)
  length.writeUIntBE(body.length, 0, size)
  return Buffer.concat([length, body])
}

function x25519(share: Buffer): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: share.toString('base64url') }, format: 'jwk' })
}

function rawOf(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url')
}
