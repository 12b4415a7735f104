/**
 * Where a datagram came from, decoded at the first read of a property: most programs only send the answer there. A backend extends
 * it with what the system gave, and finds that again, with `instanceof`, in what it is asked to send to.
 */
import { inspectCustom } from '../kernel/index.ts'
import type { SocketAddress } from '../backends/contract/backend.ts'

export abstract class PeerAddress implements SocketAddress {
  #decoded: SocketAddress | undefined

  get address(): string {
    return this.#look().address
  }

  get port(): number {
    return this.#look().port
  }

  get family(): 'IPv4' | 'IPv6' {
    return this.#look().family
  }

  /** For `JSON.stringify`, which sees no getters of a class. */
  toJSON(): SocketAddress {
    const { address, port, family } = this.#look()
    return { address, port, family }
  }

  [inspectCustom](): SocketAddress {
    return this.toJSON()
  }

  /** Called once at most. */
  protected abstract decode(): SocketAddress

  #look(): SocketAddress {
    return (this.#decoded ??= this.decode())
  }
}
