/** `serveHttp`: Node's HTTP servers, and the frameworks on them, on connections of this library. */
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
  /** How many connections are served at once; the others wait to be accepted. Default: as many as come. */
  maxConnections?: number | undefined
  /**
   * Gets what a handler threw, and its request. Without it such an error goes where those of `serve` go: to the diagnostics
   * channel `structio:connection-error` and, unless a peer can bring it about, to a process warning. `'throw'`: it ends the
   * server and comes out of `serveHttp`.
   */
  onError?: 'throw' | ((error: unknown, request: unknown) => unknown) | undefined
  /** Cancels when it aborts; `serveHttp` then rejects with its reason. */
  signal?: AbortSignal | undefined
}

/**
 * Serves HTTP with a server of `node:http`, `node:https` or `node:http2` that need not listen itself: its request listeners, and
 * so Express, Fastify or `ws` on it, are used unchanged. Connections that speak TLS already (a TLS server here) suit any of
 * them; a `node:http2` server with `allowHTTP1` takes both protocols, as ALPN has chosen. Plaintext that is given to a server
 * of `node:https` is decrypted by that.
 *
 * Request listeners run in the scope of their connection: operations of this library work in them, and are cancelled when the
 * client goes away or `serveHttp` is cancelled. A listener that fails is answered with 500, as Node's servers do with
 * `captureRejections`; its error goes to `onError`, as in `serve`, and the server goes on.
 *
 * Closing `server`, or the HTTP server itself, drains: no more connections, what has been asked is answered, and connections
 * without a request under way end. Then `serveHttp` returns. Cancelled, it ends each connection once nothing of this library waits
 * in its scope and no shield is open there, so that listeners can say goodbye in a shield; and it leaves `server` open.
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
      // Node's servers begin to watch over slow requests then.
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
      // It stops watching, and says 'close' to those who wait for that: before anybody can serve with it again.
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

/** A server that does not listen has no address; while it is served here, it has that of the server here. */
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
