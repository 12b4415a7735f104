/** `SocketStreamServer`: a listening TCP or UNIX socket. */

import type { Address, Direction, SocketAddress } from '../backends/contract/backend.ts'
import { UsageError } from '../errors.ts'
import { immediateVoid, rejected, selectable, type Selectable, type SelectSource } from '../kernel/index.ts'
import { checkFunction, checkInteger, checkOptions, optionNames } from '../common/validate.ts'
import { AcceptIterator, Acceptor } from './acceptor.ts'
import { ConnectionSource } from './connection-source.ts'
import { ConnectionWait } from './connection-wait.ts'
import type { Listener, ServerStatistics } from './listener.ts'
import type { Handler } from './connection-task.ts'
import { Service, type ServeOptions } from './service.ts'
import { checkOption, checkOptionValue } from '../common/socket-options.ts'
import type { SocketStream } from './socket-stream.ts'

/**
 * A listening socket, made by `createTcpServer` or `createUnixServer`. The addresses of a UNIX server are paths: it is
 * a `SocketStreamServer<string>`.
 *
 * One task at a time accepts or serves; a second one gets a `ResourceBusyError`. Accepting skips clients that have gone
 * away, and waits when the process has no descriptors left. (On the `node` backend, libuv closes such a connection at
 * once and does not report it: see `ServerStatistics.retries`.)
 */
export class SocketStreamServer<A extends Address = SocketAddress>
  implements AsyncDisposable, Selectable<SocketStream<A>>
{
  readonly #listener: Listener
  readonly #acceptor: Acceptor
  #wait: ConnectionWait | undefined

  /** @internal */
  constructor(listener: Listener) {
    this.#listener = listener
    this.#acceptor = new Acceptor(listener)
  }

  /** @internal */
  _waitReady(what: string, direction: Direction): Promise<void> {
    this.#listener.requireOpen(what)
    if (direction === 'writable') throw new UsageError(`${what}: nothing is ever written to a server`)
    return this.#waitFor(what)
  }

  /** @internal */
  _closeWaits(): void {
    if (this.#wait?.undecided === true) this.#wait.closed()
  }

  /**
   * Waits until there is a connection to accept, and leaves it there for the next `accept`. It counts as one: another task that
   * accepts or serves meanwhile gets a `ResourceBusyError`.
   *
   * @throws ClosedResourceError when the server is closed, also while this waits
   */
  waitReadable(): Promise<void> {
    try {
      return this.#waitFor('waitReadable')
    } catch (error) {
      return rejected(error)
    }
  }

  /** For `select`, which takes as `accept` does, and counts as one while it waits. */
  [selectable](): SelectSource<SocketStream<A>> {
    return new ConnectionSource(this.#listener) as SelectSource<unknown> as SelectSource<SocketStream<A>>
  }

  /** Waits for one connection. It belongs to the caller, who closes it. */
  accept(): Promise<SocketStream<A>> {
    return this.#acceptor.accept() as Promise<SocketStream<Address>> as Promise<SocketStream<A>>
  }

  /**
   * Iterates over the connections as they arrive. `close()` ends the iteration. The caller has to close each
   * connection.
   *
   * @example
   * ```ts
   * for await (const stream of server.acceptConnections()) tg.spawn(() => finalize(stream, handle))
   * ```
   */
  acceptConnections(): AsyncIterableIterator<SocketStream<A>> {
    const iterator: AsyncIterableIterator<SocketStream<Address>> = new AcceptIterator(this.#acceptor)
    return iterator as AsyncIterableIterator<SocketStream<A>>
  }

  /**
   * Calls `handler` for each connection in a task of its own and closes the connection when the handler has ended.
   * Returns when the server is closed and all handlers have ended. When cancelled, it cancels the handlers and leaves
   * the server open.
   *
   * A handler that fails does not end the server. When its own connection broke, was closed or ended inside a frame,
   * only that connection has ended; `structio:connection-error` on `diagnostics_channel` shows it. Any other error goes
   * to `onError`. Without `onError` it goes to the same channel and, unless a peer can cause it, to a process warning.
   *
   * When the handler has sent something and the client has not ended, the connection lingers after the handler returns:
   * the sending half is closed, and data that the client still sends is dropped. Lingering ends when the client ends,
   * after 16 MiB, or after `closeTimeout` (5 s). Without it, unread input would cause a reset, and the client could
   * lose the answer. A lingering connection no longer counts in `maxConnections` and `handling`. A closed server waits
   * for it, and a cancellation cuts it off. A handler that calls `close()` itself does not linger.
   *
   * @example
   * ```ts
   * await using server = await createTcpServer(8080)
   * await server.serve(
   *   async (stream) => {
   *     for await (const line of stream.receiveDelimitedChunks('\n', 1_000)) await stream.sendMany([line, '\n'])
   *   },
   *   { maxConnections: 1_000, onError: (error) => console.error(error) },
   * )
   * ```
   */
  serve(handler: (stream: SocketStream<A>) => unknown, options: ServeOptions<A> = {}): Promise<void> {
    try {
      checkFunction('handler', handler)
      checkServeOptions(options)
      return new Service(this.#listener, handler as Handler, options as ServeOptions).serve()
    } catch (error) {
      return rejected(error)
    }
  }

  /** @internal Stops listening. Works in a callback, too. */
  _closeNow(): void {
    this.#listener.close()
  }

  /** @internal Calls `listener` when the server stops listening. Returns a function that removes it. */
  _onClose(listener: () => void): () => void {
    this.#listener.closeListeners.add(listener)
    return () => this.#listener.closeListeners.delete(listener)
  }

  /** The address that the server listens at. Also known after `close()`. */
  get address(): A {
    return this.#listener.address as A
  }

  /**
   * The port that the server listens on, given or chosen by the system. @throws UsageError on a UNIX socket, which has
   * none
   */
  get port(): number {
    const { address } = this.#listener
    if (typeof address === 'string') throw new UsageError('port: a UNIX socket has none, see address')
    return address.port
  }

  /**
   * Stops listening at once, also in a cancelled scope. It never raises a cancellation: the next checkpoint does.
   * Accepted connections stay open.
   */
  close(): Promise<void> {
    this.#listener.close()
    return immediateVoid()
  }

  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Value of a socket option of the listening socket, by number or by name (`'SOL_SOCKET'`, `'SO_RCVBUF'`). */
  getsockopt(level: number | string, name: number | string): number {
    checkOption(level, name)
    return this.#listener.requireOpen('getsockopt').getsockopt(level, name)
  }

  /** Sets a socket option of the listening socket. Accepted connections inherit most options. */
  setsockopt(level: number | string, name: number | string, value: number | boolean): void {
    checkOption(level, name)
    checkOptionValue(value)
    this.#listener.requireOpen('setsockopt').setsockopt(level, name, value)
  }

  /** Counts of what the server has done so far, as a frozen record. */
  statistics(): ServerStatistics {
    return this.#listener.statistics()
  }

  #waitFor(what: string): Promise<void> {
    // One of them waits at a time; what a second one is told names the call of the first.
    if (this.#wait?.pending !== true) this.#wait = new ConnectionWait(this.#listener, what)
    return this.#wait.wait()
  }
}

function checkServeOptions<A extends Address>(options: ServeOptions<A>): void {
  checkOptions('options', options, SERVE_OPTIONS)
  const { maxConnections, onError } = options
  if (maxConnections !== undefined && maxConnections !== Infinity)
    checkInteger('options.maxConnections', maxConnections, 1)
  if (onError !== undefined && onError !== 'throw') checkFunction('options.onError', onError)
}

const SERVE_OPTIONS = optionNames<ServeOptions>({ maxConnections: true, onError: true })
