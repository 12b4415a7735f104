/**
 * One connection of `serveHttp`: a socket that an HTTP server of Node's reads from, and the requests under way on it.
 *
 * ```text
 *   begin ─► 'connection' ─► requests, in the connection's scope ─► the socket has closed ─► what still answers is cancelled
 *                              │ drain: finish what is under way, then end               └─► its promises are waited for
 *                              └ cancelled: the handlers clean up ─► the socket is destroyed ─► the same
 * ```
 *
 * What must stay true:
 * 1. Handlers run in the connection's scope, so that what they begin is cancelled when the client has gone, and nothing they
 *    began outlives the connection.
 * 2. The promise that a handler returns is looked after here: it never becomes an `unhandledRejection`.
 * 3. What handlers do in a shield, when they are cancelled, still finds the connection open. A handler that waits for the client
 *    alone is ended by the end of its connection.
 * 4. Draining drops no request that has begun to arrive: a connection is idle when a request has been answered on it and not
 *    a byte came since. One on which nothing was asked yet gets `FIRST_REQUEST_TIME` for it.
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

/** Milliseconds that a connection without any request gets when the server drains. */
export const FIRST_REQUEST_TIME = 5000

/** What the connections of one `serveHttp` share. */
export interface HttpServing {
  readonly httpServer: Server
  readonly draining: boolean
  readonly onError: 'throw' | ((error: unknown, request: unknown) => unknown) | undefined
  /** An error that says nothing but that the client has gone. */
  drop(error: unknown, stream: SocketStream): void
  /** A listener failed, and there is no `onError`, or that failed itself: the server goes on. */
  handlerFailed(error: unknown, stream: SocketStream, event: string): void
}

export class HttpConnection implements RequestTaker {
  readonly #serving: HttpServing
  readonly #stream: SocketStream
  readonly #socket: NodeSocket
  readonly #scope: CancelScope
  readonly #frame: Frame
  /** Promises of handlers. */
  readonly #handlers = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined
  #session: Http2SessionLike | undefined
  /** Under way. */
  readonly #answers = new Set<Answer>()
  #requests = 0
  /** An answer did not leave whole. */
  #cutShort = false
  /** `bytesRead` when the last answer had left: more than that is the beginning of a request. */
  #readWhenIdle = 0
  /** It speaks another protocol now, whose end is its own affair. */
  #upgraded = false
  #stopWaiting: (() => void) | undefined

  /** Called in the scope of the connection. */
  constructor(serving: HttpServing, stream: SocketStream, scope: CancelScope) {
    this.#serving = serving
    this.#stream = stream
    this.#scope = scope
    this.#frame = currentFrame() as Frame
    this.#socket = new NodeSocket({ allowHalfOpen: true })._quietly()._adopt(stream)
    // As on Node's own servers, and nobody can forget it: a client that goes away must not end the process.
    this.#socket.on('error', (error: unknown) => serving.drop(error, stream))
    // It is read by `allowHTTP1` of HTTP/2 servers.
    Object.assign(this.#socket, { server: serving.httpServer })
  }

  /** Serves until the socket has closed and the handlers have ended. @throws what a handler failed with */
  async run(): Promise<void> {
    const { httpServer } = this.#serving
    const gone = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()))
    // A server that speaks TLS itself takes what is plaintext to be TLS; what has been decrypted is past that.
    const event = httpServer instanceof TlsServer && this.#socket.encrypted ? 'secureConnection' : 'connection'
    introduce(httpServer, this.#socket, this, () => httpServer.emit(event, this.#socket))
    if (this.#serving.draining) this.drain()
    try {
      await abandonable(gone, undefined, BACKEND)
      // All is answered, and what is still busy is so with something else: that may go on.
      if (!this.#cutShort) await abandonable(this.#settled(), undefined, BACKEND)
    } finally {
      this.#stopWaiting?.()
      this.#scope.cancel('the client has gone')
      whenCleanedUp(this.#scope, () => this.#socket._destroyInTime())
      // No operation: what still runs is the handlers', and theirs is to be looked at (3).
      await this.#settled(gone)
    }
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** No more requests: what is under way is finished, and then the connection ends. */
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
    // What ends when the request is answered: the response, the stream of HTTP/2, the socket that is no longer HTTP's.
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
    // It was cancelled, and so is the connection, which ends.
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
      // Once its answer has left, the connection ends, and `run` with it.
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

  /** Node's own way with a handler that failed: 500 where nothing has been said yet, else the answer is cut short. */
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

/** What reading a request, or writing an answer, fails with when the client is no longer there. */
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
