/**
 * Transports without an operating system: two ends of a pipe that hands bytes over in memory, with as much room between
 * them as a test wants. What makes no sense to ask of it is not asked.
 */
import type { SendWait, SocketAddress, StreamSink, StreamTransport } from '../../../src/backends/contract/backend.ts'

const ADDRESS: SocketAddress = { address: '127.0.0.1', port: 1, family: 'IPv4' }

export class PipeEnd implements StreamTransport {
  declare sink: StreamSink
  declare peer: PipeEnd
  readonly localAddress = ADDRESS
  readonly remoteAddress = ADDRESS
  readonly tls = undefined
  readonly saysGoodbye = false
  /** What `unsent` says: nothing waits here but what a test pretends. */
  unsent = 0
  /** How many bytes its peer may send before this end is cut off (`ended`). */
  cutAfter = Infinity
  /** How often it was read. */
  receives = 0
  destroyed = false
  readonly calls: string[] = []
  readonly sent: Buffer[] = []
  #wanted = 0
  #wait: SendWait | undefined
  #ended = false
  #failure: Error | undefined
  #writeError: Error | undefined
  #inbox = Buffer.alloc(0)
  readonly #room: number

  /** Room for 0 bytes: a byte is taken only by a peer that is receiving. */
  private constructor(room: number) {
    this.#room = room
  }

  static pair(room = 1 << 20): [PipeEnd, PipeEnd] {
    const a = new PipeEnd(room)
    const b = new PipeEnd(room)
    a.peer = b
    b.peer = a
    return [a, b]
  }

  get pending(): boolean {
    return this.#wanted > 0
  }

  receive(maxBytes: number): void {
    this.receives++
    this.#wanted = maxBytes
    process.nextTick(() => this.#answer())
    process.nextTick(() => this.peer.#progress())
  }

  cancelReceive(): void {
    this.#wanted = 0
  }

  send(data: Uint8Array): number {
    if (this.#writeError !== undefined) return data.length
    const count = Math.min(data.length, this.#free)
    if (count > 0) this.sent.push(Buffer.from(data.subarray(0, count)))
    this.peer.arrive(data.subarray(0, count))
    return count
  }

  takeSendError(): Error | undefined {
    return undefined
  }

  waitSend(what: SendWait): void {
    this.#wait = what
    this.calls.push(what)
    process.nextTick(() => this.#progress())
  }

  cancelSend(): void {
    this.#wait = undefined
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.calls.push('destroy')
    this.peer.end()
  }

  reset(): void {
    this.calls.push('reset')
    this.destroyed = true
  }

  getsockopt(): number {
    return 7
  }

  setsockopt(): void {
    this.calls.push('setsockopt')
  }

  ref(): void {
    this.calls.push('ref')
  }

  unref(): void {
    this.calls.push('unref')
  }

  /** Bytes for this end, from nowhere. */
  arrive(bytes: Uint8Array): void {
    const passed = bytes.subarray(0, this.cutAfter)
    this.cutAfter -= passed.length
    this.#inbox = Buffer.concat([this.#inbox, passed])
    if (this.cutAfter === 0) this.#ended = true
    process.nextTick(() => this.#answer())
  }

  end(): void {
    this.#ended = true
    process.nextTick(() => this.#answer())
  }

  failToReceive(error: Error): void {
    this.#failure = error
    process.nextTick(() => this.#answer())
  }

  failToSend(error: Error): void {
    this.#writeError = error
    process.nextTick(() => this.#progress())
  }

  get #free(): number {
    const { peer } = this
    return this.#room === 0 ? peer.#wanted - peer.#inbox.length : this.#room - peer.#inbox.length
  }

  #answer(): void {
    if (this.#wanted === 0 || this.destroyed) return
    const bytes = this.#inbox.subarray(0, this.#wanted)
    if (bytes.length > 0) {
      this.#inbox = this.#inbox.subarray(bytes.length)
      this.#wanted = 0
      // Memory that is written again: whoever keeps a view of it gets garbage.
      const memory = Buffer.concat([Buffer.from('<'), bytes, Buffer.from('>')])
      this.sink.received(memory, 1, 1 + bytes.length, false)
      memory.fill(0)
      this.peer.#progress()
    } else if (this.#failure !== undefined) {
      this.#wanted = 0
      this.sink.receiveFailed(this.#failure)
    } else if (this.#ended) {
      this.#wanted = 0
      this.sink.receivedEnd()
    }
  }

  #progress(): void {
    const wait = this.#wait
    if (wait === undefined || this.destroyed) return
    if (this.#writeError === undefined && (wait === 'writable' ? this.#free <= 0 : this.unsent > 0)) return
    this.#wait = undefined
    if (wait === 'shutdown') this.peer.end()
    this.sink.sendSettled(this.#writeError)
  }
}

/** A transport as its user sees it: promises. */
export class User {
  readonly transport: StreamTransport
  #received: { resolve(bytes: Buffer): void; reject(error: Error): void } | undefined
  #settled: ((error: Error | undefined) => void) | undefined
  /** Set while the user is inside a call: an answer that comes then is a defect. */
  #calling = false

  constructor(transport: StreamTransport) {
    this.transport = transport
    transport.sink = {
      received: (memory, start, end) => this.#answer().resolve(Buffer.from(memory.subarray(start, end))),
      receivedEnd: () => this.#answer().resolve(Buffer.alloc(0)),
      receiveFailed: (error) => this.#answer().reject(error),
      readable: () => {},
      sendSettled: (error) => {
        this.#asynchronously()
        this.#settled?.(error)
      },
    }
  }

  /** Up to `most` bytes; none at the end. */
  receive(most = 65_536): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#received = { resolve, reject }
      this.#call(() => this.transport.receive(most))
    })
  }

  async bytes(count: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let left = count; left > 0;) {
      const part = await this.receive(left)
      if (part.length === 0) break
      parts.push(part)
      left -= part.length
    }
    return Buffer.concat(parts)
  }

  /** Everything up to the end. */
  rest(): Promise<Buffer> {
    return this.bytes(Infinity)
  }

  wait(what: SendWait): Promise<Error | undefined> {
    return new Promise((resolve) => {
      this.#settled = resolve
      this.#call(() => this.transport.waitSend(what))
    })
  }

  async send(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length;) {
      const taken = this.transport.send(data.subarray(at))
      at += taken
      if (taken > 0) continue
      const error = await this.wait('writable')
      if (error !== undefined) throw error
    }
  }

  #call(asked: () => void): void {
    this.#calling = true
    asked()
    this.#calling = false
  }

  #answer(): { resolve(bytes: Buffer): void; reject(error: Error): void } {
    this.#asynchronously()
    const received = this.#received
    if (received === undefined) throw new Error('an answer that nobody has asked for')
    this.#received = undefined
    return received
  }

  #asynchronously(): void {
    if (this.#calling) throw new Error('answered inside the call that asked')
  }
}
