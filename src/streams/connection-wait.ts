/** `waitReadable` and `waitSocketReadable` of a server: waits until there is a connection to accept, and leaves it there. */

import type { StreamTransport } from '../backends/contract/backend.ts'
import { type Cancelled, ClosedResourceError } from '../errors.ts'
import { enterOperation, immediateVoid, Operation } from '../kernel/index.ts'
import { formatAddress } from '../common/addresses.ts'
import type { Consumer, Listener } from './listener.ts'

export class ConnectionWait extends Operation<void> implements Consumer {
  readonly what: string
  readonly #listener: Listener

  /** @param what - the public name of the call */
  constructor(listener: Listener, what: string) {
    super()
    this.#listener = listener
    this.what = what
  }

  override describe(): string {
    return `${this.what} of ${formatAddress(this.#listener.address)}`
  }

  /** @throws as `accept` does */
  wait(): Promise<void> {
    const scope = enterOperation(this.what)
    this.#listener.enter(this)
    if (this.#listener.hasReady) {
      this.#listener.leave(this)
      return immediateVoid()
    }
    const promise = this.begin(scope)
    this.#listener.demand(1)
    return promise
  }

  accepted(transport: StreamTransport): void {
    this.#listener.putBack(transport)
    this.#listener.leave(this)
    this.resolve()
  }

  failed(error: unknown): void {
    this.#listener.leave(this)
    this.reject(error)
  }

  closed(): void {
    this.#listener.leave(this)
    this.reject(new ClosedResourceError(`${this.what}: the server was closed while this waited`))
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.#listener.leave(this)
    this.reject(cancelled())
  }
}
