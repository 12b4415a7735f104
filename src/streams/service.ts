/**
 * `serve`: a task for each connection, in one group.
 *
 * What must stay true:
 * 1. A connection costs its task and its stream, nothing else: no closure and no promise of its own is kept for it here;
 *    what all connections share is in the one `Service`.
 * 2. Whatever a handler does, its connection is closed when it has ended, within `closeTimeout`.
 * 3. The demand is what `maxConnections` leaves free, so that the others wait in the kernel's queue and not here.
 */

import { channel } from 'node:diagnostics_channel'
import type { StreamTransport } from '../backends/backend.ts'
import type { Cancelled } from '../errors.ts'
import { CancelScope } from '../kernel/cancel-scope.ts'
import { enterOperation, requireFrame } from '../kernel/context.ts'
import { judge } from '../kernel/exit.ts'
import { Operation } from '../kernel/operation.ts'
import type { RunState } from '../kernel/run-state.ts'
import { runTaskGroup, type TaskGroup } from '../kernel/task-group.ts'
import { formatAddress } from './addresses.ts'
import { Connection } from './connection.ts'
import { isConnectionError } from './connection-errors.ts'
import type { Consumer, Listener } from './listener.ts'
import { SocketStream } from './socket-stream.ts'

export type Handler = (stream: SocketStream) => unknown

export interface ServeOptions {
  /** How many connections are handled at once; the others wait to be accepted. Default: as many as come. */
  maxConnections?: number | undefined
  /** Gets what a handler threw, except the end of its own connection. Without it such an error ends the server. */
  onError?: ((error: unknown, stream: SocketStream) => unknown) | undefined
}

export class Service extends Operation<void> implements Consumer {
  readonly what = 'serve'
  readonly handler: Handler
  readonly run: RunState
  readonly #listener: Listener
  readonly #limit: number
  readonly #onError: ServeOptions['onError']
  readonly #task: { readonly name: string }
  #group: TaskGroup | undefined

  constructor(listener: Listener, handler: Handler, { maxConnections = Infinity, onError }: ServeOptions) {
    super()
    this.#listener = listener
    this.handler = handler
    this.run = requireFrame('serve').task.run
    this.#limit = maxConnections
    this.#onError = onError
    this.#task = { name: handler.name === '' ? 'connection' : handler.name }
  }

  /** Serves until the server is closed and the handlers have ended. */
  serve(): Promise<void> {
    // Entered before the group is opened, so that what is refused fails with its bare error.
    enterOperation(this.what)
    this.#listener.enter(this)
    return runTaskGroup(new CancelScope(), (group) => {
      this.#group = group
      const promise = this.begin(enterOperation(this.what))
      this.#demand()
      return promise
    })
  }

  override describe(): string {
    return `serve on ${formatAddress(this.#listener.address)}`
  }

  accepted(transport: StreamTransport): void {
    const { counts } = this.#listener
    counts.handling++
    ;(this.#group as TaskGroup).spawn(this.#task, attend, this, transport)
    if (this.#listener.demanded === 0) this.#demand()
  }

  failed(error: Error): void {
    this.#listener.close()
    this.reject(error)
  }

  closed(): void {
    this.resolve()
  }

  /** A handler threw. Throws what must leave its task. */
  async handlerFailed(error: unknown, stream: SocketStream, connection: Connection): Promise<void> {
    if (isConnectionError(error, connection)) {
      this.#drop(error, stream)
      return
    }
    const verdict = judge((this.#group as TaskGroup).cancelScope, error)
    if (verdict.kind !== 'failed') throw error
    try {
      if (this.#onError === undefined) throw verdict.error
      await this.#onError(verdict.error, stream)
    } catch (leaving) {
      // Before the group hears of it: a server that failed must not accept while its handlers are unwinding.
      this.#listener.close()
      throw leaving
    }
  }

  /** Closes the connection of a handler that has ended; a promise only where bytes are still leaving. */
  release(connection: Connection, stream: SocketStream): Promise<void> | undefined {
    // Whoever subscribes wants to know whose connection it was, and could not ask once it is closed.
    if (connectionErrors.hasSubscribers && !connection.closed) void stream.remoteAddress
    const closing = connection.closeWithin(this.#listener.closeTimeout)
    return closing?.then((failure) => {
      if (failure !== undefined) this.#drop(failure, stream)
    })
  }

  handlerEnded(): void {
    this.#listener.counts.handling--
    if (this.pending && this.#limit !== Infinity) this.#demand()
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.#listener.leave(this)
    this.reject(cancelled())
  }

  /** The end of a connection is no fault of the server's; who is curious subscribes. */
  #drop(error: unknown, stream: SocketStream): void {
    this.#listener.counts.dropped++
    if (connectionErrors.hasSubscribers) connectionErrors.publish({ error, stream })
  }

  #demand(): void {
    this.#listener.demand(Math.min(this.#limit - this.#listener.counts.handling, MOST))
  }
}

/** One connection's task. */
async function attend(service: Service, transport: StreamTransport): Promise<void> {
  const connection = new Connection(transport, service.run)
  const stream = new SocketStream(connection)
  try {
    await service.handler(stream)
  } catch (error) {
    await service.handlerFailed(error, stream, connection)
  } finally {
    const closing = service.release(connection, stream)
    if (closing !== undefined) await closing
    service.handlerEnded()
  }
}

/** A demand that nobody exhausts in one go; it is renewed when it is used up. */
const MOST = 2 ** 31 - 1

const connectionErrors = channel('structio:connection-error')
