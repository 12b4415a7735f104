/**
 * The task of one served connection. Its function is the user's handler, and nothing is wrapped around that: ten thousand
 * connections that wait cost ten thousand tasks and handlers, not as many async functions that wait for them as well.
 *
 * ```text
 *  handler returns ────────────────────────────────────────────┐
 *  handler throws ─► the connection's own end? ── yes: dropped ─┤
 *                    │ no                                       ▼
 *                    ├─ cancellation ──────────────► close within closeTimeout ─► the body counts as ended
 *                    ├─ any other: onError, or told of ─────────┤
 *                    └─ `onError: 'throw'`: it leaves ──────────┘
 *  handler is left behind (`abandon: true`) ─► close within closeTimeout ─► the body counts as cancelled
 * ```
 *
 * What must stay true: the connection is closed before the body counts as ended, whatever the handler did; so a task that
 * has ended never owns a descriptor, and `serve` returns after the last one is closed. A handler counts as one no longer when
 * what it sent has left: the connection may linger beyond that (connection.ts), and is cut off when it is cancelled.
 */

import { CancelScope } from '../kernel/cancel-scope.ts'
import { callInFrame, Frame } from '../kernel/context.ts'
import { isInterrupted } from '../kernel/closing.ts'
import { judge } from '../kernel/exit.ts'
import { Operation } from '../kernel/operation.ts'
import { LEFT } from '../kernel/scope-flags.ts'
import type { TaskGroup } from '../kernel/task-group.ts'
import { Task } from '../kernel/task.ts'
import { BACKEND, NEUTRAL, TIME } from '../kernel/waits.ts'
import { isConnectionError } from './connection-errors.ts'
import type { Connection } from './connection.ts'
import { SocketStream } from './socket-stream.ts'

export type Handler = (stream: SocketStream) => unknown
export type OnError = 'throw' | ((error: unknown, stream: SocketStream) => unknown)

/** What the connections of one `serve` share. */
export interface Serving {
  readonly group: TaskGroup
  readonly handler: Handler
  readonly onError: OnError | undefined
  readonly taskName: string
  /** Somebody listens to `drop`. */
  readonly watched: boolean
  /** An error that says nothing but that the connection has ended. */
  drop(error: unknown, stream: SocketStream): void
  /** A handler failed, and there is no `onError`, or that failed itself: the server goes on. */
  handlerFailed(error: unknown, stream: SocketStream): void
  /** An error is about to leave a task, and thereby ends the server. */
  failing(): void
  handlerEnded(): void
}

export class ConnectionTask extends Task<void> {
  readonly #serving: Serving
  readonly #connection: Connection
  readonly #stream: SocketStream
  #closing = false

  constructor(serving: Serving, connection: Connection) {
    const { group, handler, taskName } = serving
    super(group._host.run, group._host, group, handler, taskName, new CancelScope())
    this.#serving = serving
    this.#connection = connection
    this.#stream = new SocketStream(connection)
  }

  start(): void {
    this._begin(this.#serving.group.cancelScope, [this.#stream])
  }

  /** @internal While it closes it waits for the peer, or for `closeTimeout`. */
  override get _ownWaits(): number {
    return this.#closing ? BACKEND | TIME : NEUTRAL
  }

  /** @internal The handler goes on without its connection. */
  override leave(): void {
    this.#close(() => super.leave())
  }

  get #left(): boolean {
    return (this._scope._flags & LEFT) !== 0
  }

  /** @internal */
  override bodyReturned(): void {
    if (this.#left) super.bodyReturned(undefined)
    else this.#close(() => super.bodyReturned(undefined), true)
  }

  /** @internal */
  override bodyThrew(error: unknown): void {
    if (this.#left) {
      super.bodyThrew(error)
      return
    }
    if (isConnectionError(error, this.#connection)) {
      this.#serving.drop(error, this.#stream)
      this.bodyReturned()
      return
    }
    const verdict = judge(this.#serving.group.cancelScope, error)
    const { onError } = this.#serving
    if (verdict.kind !== 'failed') this.#close(() => super.bodyThrew(error))
    else if (onError === 'throw') this.#fail(verdict.error)
    else if (onError === undefined) this.#tell(verdict.error)
    else void this.#report(onError, verdict.error)
  }

  /** The connection is still open while `onError` looks at it: a last word can be sent. */
  async #report(onError: Exclude<OnError, 'throw'>, error: unknown): Promise<void> {
    try {
      await callInFrame(new Frame(this, this._scope), onError, [error, this.#stream])
      this.bodyReturned()
    } catch (leaving) {
      if (this.#left) return
      const verdict = judge(this.#serving.group.cancelScope, leaving)
      if (verdict.kind === 'failed') this.#tell(verdict.error)
      else this.#close(() => super.bodyThrew(leaving))
    }
  }

  #tell(error: unknown): void {
    this.#serving.handlerFailed(error, this.#stream)
    this.bodyReturned()
  }

  #fail(error: unknown): void {
    // Before the group hears of it: a server that failed must not accept while its handlers are unwinding.
    this.#serving.failing()
    this.#close(() => super.bodyThrew(error))
  }

  #close(then: () => void, mayLinger = false): void {
    const serving = this.#serving
    // Whoever watches wants to know whose connection it was, and could not ask once it is closed.
    if (serving.watched && !this.#connection.closed) void this.#stream.remoteAddress
    let linger: Linger | undefined
    const lingering = (): boolean => {
      if (isInterrupted(this._scope)) return false
      linger = new Linger(this.#connection, this._scope)
      serving.handlerEnded()
      return true
    }
    const closing = this.#connection.closeInTime(mayLinger ? lingering : undefined)
    const ended = (failure: Error | undefined): void => {
      this.#closing = false
      if (failure !== undefined && linger === undefined) serving.drop(failure, this.#stream)
      if (linger === undefined) serving.handlerEnded()
      else linger.resolve()
      then()
    }
    if (closing === undefined) ended(undefined)
    else {
      this.#closing = true
      void closing.then(ended)
    }
  }
}

/** A connection that lingers: a cancellation cuts it off. */
class Linger extends Operation<void> {
  readonly #connection: Connection

  constructor(connection: Connection, scope: CancelScope) {
    super()
    this.#connection = connection
    void this.begin(scope)
  }

  override describe(): string {
    return `the end of ${this.#connection.describeResource()}`
  }

  override get waitsFor(): number {
    return BACKEND | TIME
  }

  protected override onCancel(): void {
    this.#connection.destroy()
    this.resolve()
  }
}
