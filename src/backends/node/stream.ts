/**
 * A `StreamTransport` over a `net.Socket`.
 *
 * Invariants
 * 1. A failed write does not destroy the socket. Node's streams would, and data that the peer sent before would be lost
 *    (R6, SEND-4). Therefore the socket's `_write` gets a callback that keeps the error.
 * 2. Taken bytes are copied, and leave in the check phase as one write. At most `TAKE_LIMIT` bytes wait, including
 *    those in Node's queue.
 * 3. Bytes that Node has prefetched are delivered before the end or a failure. Both are final.
 * 4. The sink is called from the event loop or from `soon`, never inside the call that asked.
 */
import type { Socket } from 'node:net'
import {
  type Address,
  LINGER_BYTES,
  type SendWait,
  type SocketAddress,
  type StreamSink,
  type StreamTransport,
} from '../contract/backend.ts'
import { discards, SendBuffer, shutsDown } from '../../common/send-buffer.ts'
import { share } from '../../common/shared-memory.ts'
import { systemError } from './errors.ts'
import { getOption, type OptionState, setOption } from './socket-options.ts'
import { soon } from '../shared/later.ts'
import { atTurnEnd } from './turn.ts'
import { TAKE_LIMIT } from '../contract/limits.ts'

/** The options that a connection was opened with; `undefined` for UNIX, which has none. */
export type SocketSetup = Readonly<OptionState> | undefined

/** The two ends of a connection. */
export interface Ends {
  readonly local: Address
  readonly remote: Address
}

export class NodeStream implements StreamTransport {
  declare sink: StreamSink
  readonly localAddress: Address
  readonly remoteAddress: Address
  /** TLS is a separate transport above this one. */
  readonly tls = undefined
  readonly saysGoodbye = false
  readonly #socket: Socket
  readonly #options: OptionState | undefined
  /** Bytes that were read from the socket and not delivered. */
  #chunk: Buffer | null = null
  #offset = 0
  /** The size of the pending `receive`; 0 is none. */
  #wanted = 0
  #reading = false
  #ended = false
  #failure: Error | undefined
  /** The bytes of this turn. */
  readonly #out = new SendBuffer()
  #flushing = false
  #wait: SendWait | undefined
  /** Number of bytes discarded during a wait for the peer's end. */
  #dropped = 0
  #shutdown: 'no' | 'begun' | 'done' = 'no'
  #closed = false
  #isUnderTls = false

  /** @param ends - default: the addresses of a TCP socket */
  constructor(socket: Socket, setup: SocketSetup, ends: Ends = endsOf(socket)) {
    this.#socket = socket
    this.#options = setup === undefined ? undefined : { ...setup }
    this.localAddress = ends.local
    this.remoteAddress = ends.remote
    keepWriteErrors(socket, (error) => this.#out.fail(error))
    socket.on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose)
  }

  receive(maxBytes: number): void {
    this.#wanted = Math.min(maxBytes, TAKE_LIMIT)
    this.#read()
    soon(this.#answer)
  }

  cancelReceive(): void {
    this.#wanted = 0
  }

  send(data: Uint8Array): number {
    if (this.#failure !== undefined) this.#out.fail(this.#failure)
    const count = this.#out.take(data, TAKE_LIMIT - this.unsent)
    if (this.#out.length >= TAKE_LIMIT) this.#flush()
    else if (this.#out.length > 0 && !this.#flushing) {
      this.#flushing = true
      atTurnEnd(this.#flush)
    }
    return count
  }

  carryOut(): void {
    this.#flush()
  }

  takeSendError(): Error | undefined {
    return this.#out.takeError()
  }

  get unsent(): number {
    return this.#out.failed || this.#socket.destroyed ? 0 : this.#out.length + this.#socket.writableLength
  }

  waitSend(what: SendWait): void {
    this.#wait = what
    if (discards(what)) this.#read()
    if (shutsDown(what) && this.#failure !== undefined) this.#out.fail(this.#failure)
    soon(this.#progress)
  }

  cancelSend(): void {
    this.#wait = undefined
  }

  destroy(): void {
    if (this.#closed) return
    this.#leave()
    this.#flush()
    this.#socket.destroy()
  }

  reset(): void {
    if (this.#closed) return
    this.#leave()
    this.#socket.resetAndDestroy()
  }

  getsockopt(level: number | string, name: number | string): number {
    return getOption(this.#options, level, name)
  }

  setsockopt(level: number | string, name: number | string, value: number | boolean): void {
    setOption(this.#socket, this.#options, level, name, value)
  }

  ref(): void {
    this.#socket.ref()
  }

  unref(): void {
    this.#socket.unref()
  }

  /**
   * Marks this as the transport below TLS. A reset then counts as the end: many peers close with unread session
   * tickets, and so reset the connection. TLS detects a truncation by itself.
   */
  underTls(): void {
    this.#isUnderTls = true
  }

  /** Prefetches from now on, before the first receive. */
  readAhead(): void {
    this.#read()
  }

  /** The peer has gone, and the socket does not know it. Later sends fail. */
  fail(error: Error): void {
    this.#failure = error
    this.#out.fail(error)
    this.#answer()
    this.#progress()
  }

  /** Starts reading. The first receive calls this, because the event listener is what starts it. */
  #read(): void {
    if (this.#reading) return
    this.#reading = true
    this.#socket.on('readable', this.#answer)
  }

  /** Answers the pending `receive`, if there is anything to answer it with. */
  readonly #answer = (): void => {
    if (discards(this.#wait)) {
      this.#drop()
      if (this.#dropped >= LINGER_BYTES) this.#progress()
    }
    if (this.#wanted === 0) return
    this.#chunk ??= this.#socket.read() as Buffer | null
    const chunk = this.#chunk
    if (chunk !== null) {
      const start = this.#offset
      const end = Math.min(start + this.#wanted, chunk.length)
      this.#offset = end === chunk.length ? 0 : end
      if (end === chunk.length) this.#chunk = null
      else share(chunk)
      this.#wanted = 0
      this.sink.received(chunk, start, end, true)
    } else if (this.#failure !== undefined) {
      this.#wanted = 0
      this.sink.receiveFailed(this.#failure)
    } else if (this.#ended) {
      this.#wanted = 0
      this.sink.receivedEnd()
    }
  }

  readonly #onEnd = (): void => {
    if (this.#shutdown === 'no' && !this.#isUnderTls && wasReset(this.#socket)) {
      this.#onError(systemError('ECONNRESET', 'read'))
      return
    }
    this.#ended = true
    this.#answer()
    this.#progress()
  }

  /** Reading failed, and Node has closed the socket. Sending fails too, and reports that only if something is sent. */
  readonly #onError = (error: Error): void => {
    const wasSending = this.unsent > 0 || shutsDown(this.#wait)
    this.#failure = error
    if (wasSending) this.#out.fail(error)
    this.#answer()
    this.#progress()
  }

  /** Both halves have ended, or an error that was reported before has destroyed the socket. */
  readonly #onClose = (): void => {
    if (this.#failure === undefined) this.#ended = true
    this.#answer()
    this.#progress()
  }

  /** Passes the bytes of this turn to Node as one write. libuv tries it at once. */
  readonly #flush = (): void => {
    this.#flushing = false
    if (this.#out.length > 0) this.#socket.write(this.#out.drain(), this.#progress)
  }

  /** Settles the pending `waitSend` if its state is reached. */
  readonly #progress = (): void => {
    const wait = this.#wait
    if (wait === undefined) return
    const { unsent } = this
    if (this.#out.hasError) this.#settle(this.takeSendError())
    else if (wait === 'writable' ? unsent < TAKE_LIMIT : unsent === 0) {
      if (!shutsDown(wait) || this.#shutdown === 'done' || this.#out.failed) this.#finish(wait)
      else if (this.#shutdown === 'no') this.#end()
    }
  }

  #finish(wait: SendWait): void {
    if (discards(wait)) {
      this.#drop()
      const enough = wait === 'linger' && this.#dropped >= LINGER_BYTES
      if (!enough && !this.#ended && this.#failure === undefined) return
    }
    this.#settle(undefined)
  }

  /** Discards data that comes before the peer's end. */
  #drop(): void {
    let chunk = this.#chunk ?? (this.#socket.read() as Buffer | null)
    this.#chunk = null
    for (; chunk !== null; chunk = this.#socket.read() as Buffer | null) this.#dropped += chunk.length
  }

  #end(): void {
    this.#shutdown = 'begun'
    this.#socket.end(() => {
      this.#shutdown = 'done'
      this.#progress()
    })
  }

  #settle(error: Error | undefined): void {
    this.#wait = undefined
    this.sink.sendSettled(error)
  }

  /** The sink is not called again. */
  #leave(): void {
    this.#closed = true
    this.#wanted = 0
    this.#wait = undefined
  }
}

/** Invariant 1. `_write` is the documented hook for implementing a stream. */
function keepWriteErrors(socket: Socket, keep: (error: Error) => void): void {
  const write = socket._write
  socket._write = (chunk: unknown, encoding, done) => {
    write.call(socket, chunk, encoding, (error) => {
      if (error) keep(error)
      done()
    })
  }
}

/**
 * Whether the connection was reset. libuv reports a reset that comes with the last data as the end of the data. After a
 * real end the socket still knows its peer, after a reset it does not. The caller does not ask a socket whose own half
 * is closed, because that may not know its peer either.
 */
function wasReset(socket: Socket): boolean {
  const { _handle: handle } = socket as unknown as { _handle?: { getpeername?: (out: object) => number } | null }
  const errno = handle?.getpeername?.({}) ?? 0
  return errno !== 0
}

function endsOf(socket: Socket): Ends {
  const { remoteAddress: address, remotePort: port, remoteFamily: family } = socket
  return { local: toAddress(socket.address()), remote: toAddress({ address, port, family }) }
}

function toAddress({
  address,
  port,
  family,
}: {
  address?: string | undefined
  port?: number | undefined
  family?: string | undefined
}): SocketAddress {
  return { address: address ?? '', port: port ?? 0, family: family === 'IPv6' ? 'IPv6' : 'IPv4' }
}
