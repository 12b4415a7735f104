/** `SocketStream`: a TCP connection. */

import type { SocketAddress } from '../backends/backend.ts'
import { rejected } from '../kernel/operation.ts'
import { checkSize, READ_SIZE, toBytes } from './bytes.ts'
import type { Connection } from './connection.ts'
import type { SocketReader } from './socket-reader.ts'
import { checkOption, checkOptionValue } from './socket-options.ts'
import { Stream, toParts } from './stream.ts'

/**
 * A connected socket, made by `connectTcp` or accepted by a server. Re-creates `anyio.abc.SocketStream`.
 *
 * `sendAll` resolves when the stream has *taken* the bytes: the kernel has them, or the stream itself, which keeps up to
 * 64 KiB and sends what one turn of the event loop brought as one write. Beyond that it waits for the peer. A write that
 * failed afterwards is reported by the next call of the sending side or by `close()`, never by a receive.
 */
export class SocketStream extends Stream {
  readonly #connection: Connection
  readonly #reader: SocketReader
  #localAddress: SocketAddress | undefined
  #remoteAddress: SocketAddress | undefined

  /** @internal */
  constructor(connection: Connection) {
    super(connection.reader)
    this.#connection = connection
    this.#reader = connection.reader
  }

  /** The own end of the connection. Looked up when first asked for, and kept: then it can be asked for after `close()`. */
  get localAddress(): SocketAddress {
    // Two system calls for each connection that nobody asks about would be a fifth of what accepting one costs.
    return (this.#localAddress ??= this.#connection.requireOpen('localAddress').localAddress)
  }

  /** The peer's end of the connection; as `localAddress`. */
  get remoteAddress(): SocketAddress {
    return (this.#remoteAddress ??= this.#connection.requireOpen('remoteAddress').remoteAddress)
  }

  override receiveSome(maxBytes: number = READ_SIZE): Promise<Buffer> {
    try {
      checkSize('maxBytes', maxBytes)
    } catch (error) {
      return rejected(error)
    }
    return this.#reader.receiveSome(maxBytes)
  }

  override sendAll(data: Uint8Array | string): Promise<void> {
    let bytes: Uint8Array
    try {
      bytes = toBytes('data', data)
    } catch (error) {
      return rejected(error)
    }
    return this.#connection.sender.sendAll(bytes)
  }

  /** Sends the parts one after another, gathered into one write and without copying them together first. */
  override sendMany(list: readonly (Uint8Array | string)[]): Promise<void> {
    let parts: Uint8Array[]
    try {
      parts = toParts(list)
    } catch (error) {
      return rejected(error)
    }
    return this.#connection.sender.sendMany(parts)
  }

  /** Sends what was taken, then the end of data (`FIN`). A second call is harmless. */
  override sendEof(): Promise<void> {
    return this.#connection.sender.sendEof()
  }

  /**
   * Closes the connection. Waits for the bytes already taken as long as the caller's scope is not cancelled; then they are
   * dropped. Whoever waits in another task gets `ClosedResourceError`.
   *
   * @throws BrokenResourceError when a write failed and no call has reported it yet; the connection is closed all the same
   */
  override close(): Promise<void> {
    return this.#connection.close()
  }

  /** A socket option, by number or by name (`'SOL_SOCKET'`, `'SO_RCVBUF'`). */
  getsockopt(level: number | string, name: number | string): number {
    checkOption(level, name)
    return this.#connection.requireOpen('getsockopt').getsockopt(level, name)
  }

  /** Sets a socket option, by number or by name. */
  setsockopt(level: number | string, name: number | string, value: number | boolean): void {
    checkOption(level, name)
    checkOptionValue(value)
    this.#connection.requireOpen('setsockopt').setsockopt(level, name, value)
  }

  /** Lets pending operations of this connection keep the process alive, as they do by default. */
  ref(): void {
    this.#connection.requireOpen('ref').ref()
  }

  /** Lets the process exit though an operation of this connection is pending. Bytes not sent yet keep it alive still. */
  unref(): void {
    this.#connection.requireOpen('unref').unref()
  }
}
