/**
 * The task of one served connection. Its function is the user's handler, without a wrapper: ten thousand waiting
 * connections cost ten thousand tasks and handlers, and not as many async functions that await them.
 *
 * ```text
 *  handler returns ────────────────────────────────────────────┐
 *  handler throws ─► the connection's own end? ── yes: dropped ─┤
 *                    │ no                                       ▼
 *                    ├─ cancellation ──────────────► close within closeTimeout ─► the function counts as ended
 *                    ├─ any other: onError, or reported ────────┤
 *                    └─ `onError: 'throw'`: leaves the task ────┘
 *  handler is left behind (`abandon: true`) ─► close within closeTimeout ─► the function counts as cancelled
 * ```
 *
 * What must stay true: the connection is closed before the function counts as ended, whatever the handler did. So a
 * task that has ended never owns a descriptor, and `serve` returns after the last connection is closed. A handler
 * counts as ended when what it sent has left. The connection may linger after that (connection.ts); a cancellation cuts
 * it off.
 */

import {
  BACKEND,
  type CancelScope,
  GuardedTask,
  isInterrupted,
  judge,
  NEUTRAL,
  Operation,
  type TaskGroup,
  TIME,
} from '../kernel/index.ts'
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
  /** The channel that `drop` publishes on has a subscriber. */
  readonly watched: boolean
  /** Reports an error that only says that the connection has ended. */
  drop(error: unknown, stream: SocketStream): void
  /** Reports the failure of a handler without `onError`, or of `onError` itself. The server goes on. */
  handlerFailed(error: unknown, stream: SocketStream): void
  /** An error is about to leave a task and ends the server. */
  failing(): void
  handlerEnded(): void
}

export class ConnectionTask extends GuardedTask {
  readonly #serving: Serving
  readonly #connection: Connection
  readonly #stream: SocketStream
  #closing = false

  constructor(serving: Serving, connection: Connection) {
    super(serving.group, serving.handler, serving.taskName)
    this.#serving = serving
    this.#connection = connection
    this.#stream = new SocketStream(connection)
  }

  start(): void {
    this.begin(this.#serving.group, [this.#stream])
  }

  /** While the connection closes, it waits for the peer or for `closeTimeout`. */
  protected override get guardWaitsFor(): number {
    return this.#closing ? BACKEND | TIME : NEUTRAL
  }

  protected override functionLeft(): void {
    this.#close(() => this.endLeft())
  }

  protected override functionReturned(): void {
    this.#close(() => this.endReturned(), true)
  }

  protected override functionThrew(error: unknown): void {
    if (isConnectionError(error, this.#connection)) {
      this.#serving.drop(error, this.#stream)
      this.functionReturned()
      return
    }
    const verdict = judge(this.#serving.group.cancelScope, error)
    const { onError } = this.#serving
    if (verdict.kind !== 'failed') this.#close(() => this.endThrew(error))
    else if (onError === 'throw') this.#fail(verdict.error)
    else if (onError === undefined) this.#reportFailure(verdict.error)
    else void this.#callOnError(onError, verdict.error)
  }

  /** The connection is still open while `onError` runs, so that it can send a last message. */
  async #callOnError(onError: Exclude<OnError, 'throw'>, error: unknown): Promise<void> {
    try {
      await this.callInTask(onError, [error, this.#stream])
      this.bodyReturned()
    } catch (leaving) {
      if (this.left) return
      const verdict = judge(this.#serving.group.cancelScope, leaving)
      if (verdict.kind === 'failed') this.#reportFailure(verdict.error)
      else this.#close(() => this.endThrew(leaving))
    }
  }

  #reportFailure(error: unknown): void {
    this.#serving.handlerFailed(error, this.#stream)
    this.functionReturned()
  }

  #fail(error: unknown): void {
    // Before the group learns of it: a server that has failed must not accept while its handlers unwind.
    this.#serving.failing()
    this.#close(() => this.endThrew(error))
  }

  #close(then: () => void, mayLinger = false): void {
    const serving = this.#serving
    // A subscriber wants the address of the connection and could not ask for it once the connection is closed.
    if (serving.watched && !this.#connection.closed) void this.#stream.remoteAddress
    let linger: Linger | undefined
    const lingering = (): boolean => {
      if (isInterrupted(this.scope)) return false
      linger = new Linger(this.#connection, this.scope)
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

/** The operation of a connection that lingers. A cancellation cuts it off. */
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
