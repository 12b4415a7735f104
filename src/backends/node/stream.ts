/**
 * A connection over a `net.Socket`, in the contract's way: bytes come when asked for, and a failed write disturbs nothing.
 *
 * What must stay true:
 * 1. A write that fails must not destroy the socket, as Node's streams have it: what the peer had answered by then would be
 *    lost (conformance R6). The socket's own `_write` is therefore given a callback that keeps the error to itself.
 * 2. Taken bytes are copied and leave in the check phase as one write; at most `TAKE_LIMIT` of them wait, Node's own queue
 *    included.
 * 3. What Node has read ahead is handed out before its end or its error, both of which stay for ever.
 * 4. Sinks are called from the event loop, or from `soon`, never inside the call that asked.
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

/** What a stream may have taken and not sent (api.md §6). */
const TAKE_LIMIT = 65536

/** The options that a connection was opened with; `undefined` of one that has none (UNIX). */
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
  /** TLS is a transport of its own, above this one. */
  readonly tls = undefined
  readonly saysGoodbye = false
  readonly #socket: Socket
  readonly #options: OptionState | undefined
  /** Read from the socket and not asked for yet. */
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
  /** Bytes dropped while it waits for the peer's end. */
  #dropped = 0
  #shutdown: 'no' | 'begun' | 'done' = 'no'
  #closed = false
  #isUnderTls = false

  /** Without `ends` those of a TCP socket. */
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
   * TLS has ends of its own, and tells a cut from them. A peer that closes with session tickets unread, as many do, resets the
   * connection, and means the end.
   */
  underTls(): void {
    this.#isUnderTls = true
  }

  /** Reads ahead from now on, also before anybody receives. */
  readAhead(): void {
    this.#read()
  }

  /** The peer has gone, which the socket does not know: what is sent from now on fails. */
  fail(error: Error): void {
    this.#failure = error
    this.#out.fail(error)
    this.#answer()
    this.#progress()
  }

  /** The listener starts the reading, so it comes with the first demand. */
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

  /** Reading failed, and Node has closed the socket. Sending fails, too, but that is told only where something is sent. */
  readonly #onError = (error: Error): void => {
    const wasSending = this.unsent > 0 || shutsDown(this.#wait)
    this.#failure = error
    if (wasSending) this.#out.fail(error)
    this.#answer()
    this.#progress()
  }

  /** Both halves have ended, or the socket was destroyed by an error that was told before. */
  readonly #onClose = (): void => {
    if (this.#failure === undefined) this.#ended = true
    this.#answer()
    this.#progress()
  }

  /** Hands this turn's bytes to Node as one write; libuv tries it at once. */
  readonly #flush = (): void => {
    this.#flushing = false
    if (this.#out.length > 0) this.#socket.write(this.#out.drain(), this.#progress)
  }

  /** Settles `waitSend` once it may. */
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

  /** Nobody wants what comes before the peer's end. */
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

  /** From here on the sink hears nothing. */
  #leave(): void {
    this.#closed = true
    this.#wanted = 0
    this.#wait = undefined
  }
}

/** Invariant 1. `_write` is the hook that Node's streams give to whoever implements one. */
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
 * libuv takes a reset that comes with the last data for the end of the data, and asks no more. A socket that has only met the end
 * still knows its peer; one that was reset does not. (One whose own half is closed may not know it either, and is not asked.)
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
