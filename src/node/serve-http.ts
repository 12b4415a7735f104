/** `serveHttp`: HTTP servers of Node, and frameworks on them, over connections of this library. */
import type { Server } from 'node:net'
import type { Address, SocketAddress } from '../backends/contract/backend.ts'
import { CancelScope, rejected } from '../kernel/index.ts'
import { formatAddress } from '../common/addresses.ts'
import { handlerFailed, publishConnectionError } from '../streams/handler-failures.ts'
import type { SocketStream } from '../streams/socket-stream.ts'
import { SocketStreamServer } from '../streams/socket-stream-server.ts'
import {
  checkFunction,
  checkInteger,
  checkOptions,
  checkSignal,
  invalidArgType,
  optionNames,
} from '../common/validate.ts'
import { HttpConnection, type HttpServing } from './http-connection.ts'
import { standInFront } from './http-events.ts'

/** Options of `serveHttp`. */
export interface ServeHTTPOptions {
  /** Maximum number of connections at once; others wait to be accepted. Default: no maximum. */
  maxConnections?: number | undefined
  /**
   * Called with the error of a listener and its request. Without it, the error goes to the diagnostics channel
   * `structio:connection-error` and, unless it is the peer's doing, to a process warning (SERVE-2). `'throw'`: the
   * error ends the server and rejects `serveHttp`.
   */
  onError?: 'throw' | ((error: unknown, request: unknown) => unknown) | undefined
  /** Cancels the server when it aborts; `serveHttp` then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * Serves HTTP: `server` accepts the connections, and `httpServer`, a server of `node:http`, `node:https` or
 * `node:http2`, handles the requests. It does not need to listen. Its listeners, and so Express, Fastify or `ws` on it,
 * work unchanged.
 *
 * Each request listener runs in the scope of its connection: operations of this library work in it, and are cancelled
 * when the client goes away or `serveHttp` is cancelled. If a listener fails, the client gets status 500, the error
 * goes to `onError`, and the server goes on.
 *
 * Closing `server` or `httpServer` drains: no new connections, pending requests are answered, idle connections end.
 * Then `serveHttp` resolves. A cancellation ends each connection once no operation of this library waits in its scope
 * and no shield is open there, so that listeners can finish their answer in a shield. It leaves `server` open.
 *
 * If `server` speaks TLS, any kind of `httpServer` fits; `node:http2` with `allowHTTP1` takes the protocol that ALPN
 * has chosen. If `server` is plaintext, a server of `node:https` decrypts by itself.
 *
 * @example
 * ```ts
 * const app = express()
 * app.get('/', async (request, response) => {
 *   response.json(await moveOnAfter(1000, () => load()))
 * })
 * await using server = await createTcpServer(8080)
 * await serveHttp(server, http.createServer(app))
 * ```
 */
export function serveHttp<A extends SocketAddress | string>(
  server: SocketStreamServer<A>,
  httpServer: Server,
  options: ServeHTTPOptions = {},
): Promise<void> {
  try {
    if (!(server instanceof SocketStreamServer))
      throw invalidArgType('server', 'an instance of SocketStreamServer', server)
    checkHttpServer(httpServer)
    checkServeHttpOptions(options)
    const { signal } = options
    const scope = new CancelScope({ signal })
    return scope._run(() => new HttpService(server, httpServer, options).serve(), 'operation', 'serveHttp')
  } catch (error) {
    return rejected(error)
  }
}

class HttpService implements HttpServing {
  readonly httpServer: Server
  readonly onError: HttpServing['onError']
  draining = false
  readonly #server: SocketStreamServer<Address>
  readonly #limit: number | undefined
  readonly #connections = new Set<HttpConnection>()

  constructor(server: SocketStreamServer<Address>, httpServer: Server, { maxConnections, onError }: ServeHTTPOptions) {
    this.#server = server
    this.#limit = maxConnections
    this.httpServer = httpServer
    this.onError = onError
  }

  async serve(): Promise<void> {
    const { httpServer } = this
    const undo = [standInFront(httpServer), standForAddress(httpServer, this.#server.address)]
    let closed = false
    const closeListener = (): void => {
      closed = true
      this.#server._closeNow()
    }
    httpServer.on('close', closeListener)
    const forget = this.#server._onClose(() => this.#drain())
    try {
      // Node's servers start their check for slow requests on this event.
      if (!httpServer.listening) httpServer.emit('listening')
      const onError = this.onError === 'throw' ? this.onError : undefined
      await this.#server.serve((stream) => this.#handle(stream as SocketStream), {
        maxConnections: this.#limit,
        onError,
      })
    } finally {
      forget()
      httpServer.removeListener('close', closeListener)
      for (const step of undo.reverse()) step()
      // It stops that check and emits 'close', before it can be served with again.
      if (!httpServer.listening && !closed) httpServer.close()
      await new Promise<void>((resolve) => process.nextTick(resolve))
    }
  }

  drop(error: unknown, stream: SocketStream): void {
    publishConnectionError(error, stream)
  }

  handlerFailed(error: unknown, stream: SocketStream, event: string): void {
    handlerFailed(error, stream, `a "${event}" listener of the HTTP server on ${formatAddress(this.#server.address)}`)
  }

  async #handle(stream: SocketStream): Promise<void> {
    await new CancelScope({ name: 'an HTTP connection' }).run(async (scope) => {
      const connection = new HttpConnection(this, stream, scope)
      this.#connections.add(connection)
      try {
        await connection.run()
      } finally {
        this.#connections.delete(connection)
      }
    })
  }

  #drain(): void {
    this.draining = true
    for (const connection of this.#connections) connection.drain()
  }
}

/** An HTTP server that does not listen has no address. While it is served, it has that of `server`. */
function standForAddress(httpServer: Server, address: Address): () => void {
  if (httpServer.listening) return () => {}
  const own: { address?: unknown } = httpServer
  own.address = () => (typeof address === 'string' ? address : { ...address })
  return () => delete own.address
}

function checkHttpServer(server: unknown): void {
  const { emit, rawListeners, close } = Object(server) as Record<string, unknown>
  if ([emit, rawListeners, close].every((member) => typeof member === 'function')) return
  throw invalidArgType('httpServer', 'a server of node:http, node:https or node:http2', server)
}

function checkServeHttpOptions(options: ServeHTTPOptions): void {
  checkOptions('options', options, OPTIONS)
  const { maxConnections, onError, signal } = options
  if (maxConnections !== undefined && maxConnections !== Infinity)
    checkInteger('options.maxConnections', maxConnections, 1)
  if (onError !== undefined && onError !== 'throw') checkFunction('options.onError', onError)
  if (signal !== undefined) checkSignal('options.signal', signal)
}

const OPTIONS = optionNames<ServeHTTPOptions>({ maxConnections: true, onError: true, signal: true })
