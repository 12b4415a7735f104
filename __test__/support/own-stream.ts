/**
 * A stream as a user writes one: the four methods, on what the library exports, and no look inside it. It keeps all rules of
 * streams; `spoilt` gives it, or any other, one defect.
 */
import {
  checkpointIfCancelled,
  ClosedResourceError,
  createMemoryObjectStream,
  EndOfStream,
  type MemoryReceiveStream,
  type MemorySendStream,
  ResourceGuard,
  Stream,
} from '../../index.ts'

/** Bytes in one item of the channel, and items that it holds. */
const PIECE = 1024
const PIECES = 4

/** More than two connected ones take while nobody receives. */
export const OWN_CAPACITY = PIECE * (PIECES + 1)

export class OwnStream extends Stream {
  readonly #send: MemorySendStream<Buffer>
  readonly #receive: MemoryReceiveStream<Buffer>
  readonly #sending = new ResourceGuard('sending to')
  #received: Buffer = Buffer.alloc(0)
  #closed = false
  #ended = false

  constructor(send: MemorySendStream<Buffer>, receive: MemoryReceiveStream<Buffer>) {
    super()
    this.#send = send
    this.#receive = receive
  }

  async receiveSome(maxBytes = 65_536): Promise<Buffer> {
    if (this.#received.length === 0) {
      try {
        this.#received = await this.#receive.receive()
      } catch (error) {
        if (error instanceof EndOfStream) return Buffer.alloc(0)
        throw error
      }
    }
    const bytes = this.#received.subarray(0, maxBytes)
    this.#received = this.#received.subarray(maxBytes)
    return bytes
  }

  async sendAll(data: Uint8Array | string): Promise<void> {
    const bytes = this.keep(data)
    await this.#sending.use(async () => {
      this.#requireOpen()
      await checkpointIfCancelled()
      if (this.#ended) throw new ClosedResourceError('sendEof() was called')
      for (let at = 0; at < bytes.length; at += PIECE) await this.#send.send(bytes.subarray(at, at + PIECE))
    })
  }

  async sendEof(): Promise<void> {
    await this.#sending.use(async () => {
      this.#requireOpen()
      await checkpointIfCancelled()
      this.#ended = true
      this.#send.close()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#send.close()
    this.#receive.close()
  }

  /** Its own copy of what a caller sends. */
  protected keep(data: Uint8Array | string): Buffer {
    return Buffer.from(data as string)
  }

  #requireOpen(): void {
    if (this.#closed) throw new ClosedResourceError('the stream is closed')
  }
}

export function ownStreamPair(kind: typeof OwnStream = OwnStream): [Stream, Stream] {
  const [here, there] = [createMemoryObjectStream<Buffer>(PIECES), createMemoryObjectStream<Buffer>(PIECES)]
  return [new kind(here[0], there[1]), new kind(there[0], here[1])]
}

/** The same stream, some of whose members are others: whoever has it in hand gets those, also where the base class has them. */
export function spoilt(stream: Stream, members: Partial<Stream>): Stream {
  return new Proxy(stream, {
    get(target, key) {
      if (Object.hasOwn(members, key)) return Reflect.get(members, key) as unknown
      const value = Reflect.get(target, key, target) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
