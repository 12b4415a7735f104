/** `accept` and the iteration over it: one waiting call at a time, begun again and again. */

import type { StreamTransport } from '../backends/contract/backend.ts'
import { type Cancelled, ClosedResourceError } from '../errors.ts'
import { enterOperation, type Frame, Operation, rejected, requireFrame, traceOpening } from '../kernel/index.ts'
import { formatAddress } from '../common/addresses.ts'
import { Connection } from './connection.ts'
import type { Consumer, Listener } from './listener.ts'
import { SocketStream } from './socket-stream.ts'

export class Acceptor extends Operation<unknown> implements Consumer {
  readonly #listener: Listener
  #frame: Frame | undefined
  #made: Error | undefined
  /** The waiting call is a step of an iteration. */
  #iterating = false

  constructor(listener: Listener) {
    super()
    this.#listener = listener
  }

  get what(): string {
    return this.#iterating ? 'acceptConnections' : 'accept'
  }

  override describe(): string {
    return `${this.what} on ${formatAddress(this.#listener.address)}`
  }

  accept(): Promise<SocketStream> {
    return this.#wait(false) as Promise<SocketStream>
  }

  next(): Promise<IteratorResult<SocketStream>> {
    return this.#wait(true) as Promise<IteratorResult<SocketStream>>
  }

  accepted(transport: StreamTransport): void {
    const frame = this.#frame as Frame
    const connection = new Connection(transport, frame.task.run, this.#listener.origin)
    const stream = new SocketStream(connection.registerWith(frame, this.#made))
    this.#leave()
    this.resolve(this.#iterating ? { done: false, value: stream } : stream)
  }

  failed(error: unknown): void {
    this.#leave()
    this.reject(error)
  }

  closed(): void {
    this.#leave()
    if (this.#iterating) this.resolve({ done: true, value: undefined })
    else this.reject(new ClosedResourceError('accept: the server was closed while this waited'))
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.#leave()
    this.reject(cancelled())
  }

  #wait(iterating: boolean): Promise<unknown> {
    try {
      const scope = enterOperation(iterating ? 'acceptConnections' : 'accept')
      if (iterating && this.#listener.closed) return Promise.resolve({ done: true, value: undefined })
      // Refuses a second task before anything of the first one's call is touched.
      this.#listener.enter(this)
      this.#iterating = iterating
      this.#frame = requireFrame('accept')
      this.#made = traceOpening(this.#frame, this.#listener.origin.kind)
      const promise = this.begin(scope)
      this.#listener.demand(1)
      return promise
    } catch (error) {
      return rejected(error)
    }
  }

  #leave(): void {
    this.#frame = this.#made = undefined
    this.#listener.leave(this)
  }
}

export class AcceptIterator implements AsyncIterableIterator<SocketStream> {
  readonly #acceptor: Acceptor
  #returned = false

  constructor(acceptor: Acceptor) {
    this.#acceptor = acceptor
  }

  next(): Promise<IteratorResult<SocketStream>> {
    return this.#returned ? Promise.resolve({ done: true, value: undefined }) : this.#acceptor.next()
  }

  return(): Promise<IteratorResult<SocketStream>> {
    this.#returned = true
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    this.#returned = false
    return this
  }
}
