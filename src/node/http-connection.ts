/**
 * One connection of `serveHttp`: a socket that an HTTP server of Node reads from, and the pending requests on it.
 *
 * ```text
 *   begin ─► 'connection' ─► requests, in the connection's scope ─► the socket has closed ─► what still answers is cancelled
 *                              │ drain: finish what is under way, then end               └─► its promises are waited for
 *                              └ cancelled: the handlers clean up ─► the socket is destroyed ─► the same
 * ```
 *
 * Invariants
 * 1. Handlers run in the connection's scope. What they begin is cancelled when the client has gone, and does not
 *    outlive the connection.
 * 2. The promise of a handler is handled here: it never becomes an `unhandledRejection`.
 * 3. The connection stays open for the shielded clean-up of a cancelled handler. A handler that waits only for the
 *    client is ended by the end of its connection.
 * 4. Draining drops no request that has begun to arrive: a connection is idle when a request has been answered on it
 *    and no byte came since. A connection without any request yet gets `FIRST_REQUEST_TIME`.
 */
import { captureRejectionSymbol } from 'node:events'
import type { Server } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import {
  abandonable,
  BACKEND,
  callInFrame,
  type CancelScope,
  currentFrame,
  type Frame,
  judge,
  whenCleanedUp,
} from '../kernel/index.ts'
import type { SocketStream } from '../streams/socket-stream.ts'
import { isThenable } from '../common/validate.ts'
import { type Http2SessionLike, introduce, type Listener, type RequestTaker } from './http-events.ts'
import { after } from './idle-timer.ts'
import { NodeSocket } from './node-socket.ts'

/** Milliseconds that a connection without any request stays open while the server drains. */
export const FIRST_REQUEST_TIME = 5000

/** What the connections of one `serveHttp` share. */
export interface HttpServing {
  readonly httpServer: Server
  readonly draining: boolean
  readonly onError: 'throw' | ((error: unknown, request: unknown) => unknown) | undefined
  /** An error that only says that the client has gone. */
  drop(error: unknown, stream: SocketStream): void
  /** A listener failed, and there is no `onError`, or `onError` failed: the server goes on. */
  handlerFailed(error: unknown, stream: SocketStream, event: string): void
}

export class HttpConnection implements RequestTaker {
  readonly #serving: HttpServing
  readonly #stream: SocketStream
  readonly #socket: NodeSocket
  readonly #scope: CancelScope
  readonly #frame: Frame
  /** Pending promises of handlers. */
  readonly #handlers = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined
  #session: Http2SessionLike | undefined
  /** Responses under way. */
  readonly #answers = new Set<Answer>()
  #requests = 0
  /** A response was cut short. */
  #cutShort = false
  /** `bytesRead` when the last response had left: a larger number means that a request has begun. */
  #readWhenIdle = 0
  /** The connection speaks another protocol now, which decides when it ends. */
  #upgraded = false
  #stopWaiting: (() => void) | undefined

  /** Call it in the scope of the connection. */
  constructor(serving: HttpServing, stream: SocketStream, scope: CancelScope) {
    this.#serving = serving
    this.#stream = stream
    this.#scope = scope
    this.#frame = currentFrame() as Frame
    this.#socket = new NodeSocket({ allowHalfOpen: true })._quietly()._adopt(stream)
    // As Node's own servers do: a client that goes away must not end the process.
    this.#socket.on('error', (error: unknown) => serving.drop(error, stream))
    // HTTP/2 servers with `allowHTTP1` read it.
    Object.assign(this.#socket, { server: serving.httpServer })
  }

  /** Serves until the socket has closed and the handlers have ended. @throws the error of a handler */
  async run(): Promise<void> {
    const { httpServer } = this.#serving
    const gone = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()))
    // A server of `node:https` decrypts a plaintext connection itself; one that speaks TLS here is decrypted already.
    const event = httpServer instanceof TlsServer && this.#socket.encrypted ? 'secureConnection' : 'connection'
    introduce(httpServer, this.#socket, this, () => httpServer.emit(event, this.#socket))
    if (this.#serving.draining) this.drain()
    try {
      await abandonable(gone, undefined, BACKEND)
      // All requests are answered: handlers that still run do something else, and may go on.
      if (!this.#cutShort) await abandonable(this.#settled(), undefined, BACKEND)
    } finally {
      this.#stopWaiting?.()
      this.#scope.cancel('the client has gone')
      whenCleanedUp(this.#scope, () => this.#socket._destroyInTime())
      // No operation here: only the handlers' own operations count as waiting (3).
      await this.#settled(gone)
    }
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Refuses new requests, finishes those under way, and then ends the connection. */
  drain(): void {
    if (this.#socket.destroyed) return
    for (const answer of this.#answers) answer.shouldKeepAlive &&= false
    if (this.#session !== undefined) this.#session.close()
    else if (this.#isIdle) this.#socket.destroySoon()
    else if (this.#requests === 0) {
      const { run } = this.#frame.task
      this.#stopWaiting = after(run, FIRST_REQUEST_TIME, () => {
        if (this.#requests === 0 && this.#session === undefined) this.#socket.destroySoon()
      })
    }
  }

  session(session: Http2SessionLike): void {
    this.#session = session
  }

  take(event: string, args: readonly unknown[], call: (listener: Listener) => unknown, listeners: Listener[]): void {
    // Its end is the end of the request: the response, the HTTP/2 stream, or the upgraded socket.
    const answer = args[event === 'stream' ? 0 : 1] as Answer
    if (event === 'upgrade' || event === 'connect') this.#upgraded = true
    this.#begun(answer)
    callInFrame(this.#frame, () => {
      for (const listener of listeners) this.#call(() => call(listener), event, args)
    })
  }

  #begun(answer: Answer): void {
    this.#requests++
    this.#answers.add(answer)
    if (this.#serving.draining) answer.shouldKeepAlive &&= false
    answer.once('close', () => {
      this.#answers.delete(answer)
      if (!answer.writableFinished) this.#cutShort = true
      this.#readWhenIdle = this.#socket.bytesRead
      if (this.#serving.draining && this.#isIdle) this.#socket.destroySoon()
    })
  }

  #call(listener: () => unknown, event: string, args: readonly unknown[]): void {
    try {
      const result = listener()
      if (isThenable(result)) this.#lookAfter(Promise.resolve(result), event, args)
    } catch (error) {
      this.#lookAfter(Promise.reject(error), event, args)
    }
  }

  #lookAfter(result: Promise<unknown>, event: string, args: readonly unknown[]): void {
    const handler: Promise<void> = result
      .then(
        () => {},
        (error: unknown) => this.#failed(error, event, args),
      )
      .finally(() => this.#handlers.delete(handler))
    this.#handlers.add(handler)
  }

  async #failed(error: unknown, event: string, args: readonly unknown[]): Promise<void> {
    const verdict = judge(this.#scope, error)
    // The handler was cancelled with the connection, which ends.
    if (verdict.kind !== 'failed') return
    const clientGone = this.#socket.destroyed
    if (!clientGone) this.#answerForIt(error, event, args)
    if (clientGone && saysGone(verdict.error)) {
      this.#serving.drop(verdict.error, this.#stream)
      return
    }
    const { onError } = this.#serving
    if (onError === 'throw') {
      this.#failure ??= { error: verdict.error }
      // The connection, and with it `run`, ends once the response has left.
      this.#socket.destroySoon()
    } else if (onError === undefined) this.#serving.handlerFailed(verdict.error, this.#stream, event)
    else await this.#report(onError, verdict.error, event, args)
  }

  async #report(
    onError: (error: unknown, request: unknown) => unknown,
    error: unknown,
    event: string,
    args: readonly unknown[],
  ): Promise<void> {
    try {
      await callInFrame(this.#frame, onError, [error, args[0]])
    } catch (leaving) {
      const verdict = judge(this.#scope, leaving)
      if (verdict.kind === 'failed') this.#serving.handlerFailed(verdict.error, this.#stream, event)
    }
  }

  /** A failed handler is treated as Node does: 500 if no header has been sent, otherwise the response is cut short. */
  #answerForIt(error: unknown, event: string, args: readonly unknown[]): void {
    if (event === 'upgrade' || event === 'connect') {
      this.#socket.destroy()
      return
    }
    const { httpServer } = this.#serving
    const asked = event === 'stream' ? event : 'request'
    Reflect.apply(rejectionOf(httpServer), httpServer, [error, asked, ...args])
  }

  async #settled(gone?: Promise<void>): Promise<void> {
    await gone
    while (this.#handlers.size > 0) await Promise.all(this.#handlers)
  }

  /** (4) */
  get #isIdle(): boolean {
    return (
      !this.#upgraded && this.#answers.size === 0 && this.#requests > 0 && this.#socket.bytesRead === this.#readWhenIdle
    )
  }
}

interface Answer {
  readonly writableFinished: boolean
  once(event: 'close', listener: () => void): unknown
  shouldKeepAlive?: boolean
}

type Rejection = (error: unknown, event: string, ...args: readonly unknown[]) => void

function rejectionOf(server: Server): Rejection {
  return (server as unknown as Record<typeof captureRejectionSymbol, Rejection>)[captureRejectionSymbol]
}

/** The codes of reading a request or writing a response after the client has gone. */
function saysGone(error: unknown): boolean {
  return error instanceof Error && GONE.has((error as NodeJS.ErrnoException).code ?? '')
}

const GONE = new Set([
  'ABORT_ERR',
  'ECONNABORTED',
  'ECONNRESET',
  'EPIPE',
  'ERR_HTTP2_INVALID_STREAM',
  'ERR_HTTP2_STREAM_ERROR',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_WRITE_AFTER_END',
])
