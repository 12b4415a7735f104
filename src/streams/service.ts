/**
 * `serve`: a task for each connection, in one group.
 *
 * What must stay true:
 * 1. A connection costs its task and its stream, nothing else; what all connections share is in the one `Service`.
 * 2. The demand is what `maxConnections` leaves free, so that the others wait in the kernel's queue and not here.
 */

import { AsyncResource } from 'node:async_hooks'
import type { Address, SocketAddress, StreamTransport } from '../backends/contract/backend.ts'
import type { Cancelled } from '../errors.ts'
import { CancelScope, enterOperation, Operation, runTaskGroup, type TaskGroup } from '../kernel/index.ts'
import { formatAddress } from '../common/addresses.ts'
import { ConnectionTask, type Handler, type OnError, type Serving } from './connection-task.ts'
import { Connection } from './connection.ts'
import { handlerFailed, publishConnectionError, watchesConnectionErrors } from './handler-failures.ts'
import type { Consumer, Listener } from './listener.ts'
import type { SocketStream } from './socket-stream.ts'

/** Options of `serve`. */
export interface ServeOptions<A extends Address = SocketAddress> {
  /** How many connections are handled at once; the others wait to be accepted. Default: as many as come. */
  maxConnections?: number | undefined
  /**
   * Gets what a handler threw, except the end of its own connection; that is still open meanwhile, so that a last word
   * can be sent. Without it such an error goes to the diagnostics channel `structio:connection-error` and, unless a
   * peer can bring it about, to a process warning (`STRUCTIO_HANDLER_FAILED`), and so does what it throws itself.
   * `'throw'`: such an error closes the server, cancels the other handlers, and comes out of `serve` in an
   * `ExceptionGroup`.
   */
  onError?: 'throw' | ((error: unknown, stream: SocketStream<A>) => unknown) | undefined
}

export class Service extends Operation<void> implements Consumer, Serving {
  readonly what = 'serve'
  readonly drains = true
  readonly handler: Handler
  readonly onError: OnError | undefined
  readonly taskName: string
  readonly #listener: Listener
  readonly #limit: number
  /** Connections come out of the event loop; their handlers see what the caller of `serve` has in its async context. */
  readonly #context: AsyncResource
  #group: TaskGroup | undefined

  constructor(listener: Listener, handler: Handler, { maxConnections = Infinity, onError }: ServeOptions) {
    super()
    this.#listener = listener
    this.handler = handler
    this.onError = onError
    this.taskName = handler.name === '' ? 'connection' : handler.name
    this.#limit = maxConnections
    this.#context = listener.within(() => new AsyncResource('structio.serve'))
  }

  /** Serves until the server is closed and the handlers have ended. */
  serve(): Promise<void> {
    // Entered before the group is opened, so that what is refused fails with its bare error.
    enterOperation(this.what)
    this.#listener.enter(this)
    return runTaskGroup(
      new CancelScope(),
      (group) => {
        this.#group = group
        const promise = this.begin(enterOperation(this.what))
        this.#demand()
        return promise
      },
      this,
    )
  }

  get group(): TaskGroup {
    return this.#group as TaskGroup
  }

  override describe(): string {
    return `serve on ${formatAddress(this.#listener.address)}`
  }

  accepted(transport: StreamTransport): void {
    this.#listener.counts.handling++
    const task = new ConnectionTask(this, new Connection(transport, this.group._host.run, this.#listener.origin))
    this.#context.runInAsyncScope(task.start, task)
    if (this.#listener.demanded === 0) this.#demand()
  }

  failed(error: unknown): void {
    this.#listener.close()
    this.reject(error)
  }

  closed(): void {
    this.resolve()
  }

  /** The end of a connection is no fault of the server's; who is curious subscribes. */
  drop(error: unknown, stream: SocketStream): void {
    this.#listener.counts.dropped++
    publishConnectionError(error, stream)
  }

  handlerFailed(error: unknown, stream: SocketStream): void {
    this.#listener.counts.dropped++
    handlerFailed(error, stream, `the handler "${this.taskName}" of the ${this.#listener.describeResource()}`)
  }

  get watched(): boolean {
    return watchesConnectionErrors()
  }

  failing(): void {
    this.#listener.close()
  }

  handlerEnded(): void {
    this.#listener.counts.handling--
    if (this.pending && this.#limit !== Infinity) this.#demand()
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.#listener.leave(this)
    this.reject(cancelled())
  }

  #demand(): void {
    this.#listener.demand(Math.min(this.#limit - this.#listener.counts.handling, MOST))
  }
}

/** Most connections demanded at a time. The demand is renewed when it is used up. */
const MOST = 2 ** 31 - 1
