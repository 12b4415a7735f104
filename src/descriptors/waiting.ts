/**
 * One wait for a foreign descriptor, and all of those of this thread.
 *
 * What must stay true: a wait is in the list exactly while it is pending. When the descriptor is closed, the
 * backend says whether the number still means what the wait is for.
 */

import type { Backend, DescriptorWait, DescriptorWaits, Direction } from '../backends/contract/backend.ts'
import { type Cancelled, ClosedResourceError, UnsupportedError } from '../errors.ts'
import { type CancelScope, Operation } from '../kernel/index.ts'

/** @throws UnsupportedError where the backend has none */
export function requireWaits(what: string, { name, descriptors }: Backend): DescriptorWaits {
  if (descriptors === undefined) {
    throw new UnsupportedError(`${what}: the ${name} backend cannot wait for descriptors; the native backend can`)
  }
  return descriptors
}

/** `sock` is about to be closed, whose descriptor has this number. */
export function closeWaits(sock: number | object, number: number): void {
  for (const waiting of [...pending]) waiting.socketCloses(sock, number)
}

const pending = new Set<DescriptorWaiting>()

export class DescriptorWaiting extends Operation<void> {
  readonly #what: string
  readonly #sock: number | object
  readonly #number: number
  #wait: DescriptorWait | undefined

  constructor(what: string, sock: number | object, number: number) {
    super()
    this.#what = what
    this.#sock = sock
    this.#number = number
  }

  /** @throws as `DescriptorWaits.wait` */
  wait(scope: CancelScope, waits: DescriptorWaits, direction: Direction): Promise<void> {
    this.#wait = waits.wait(this.#number, direction, () => {
      pending.delete(this)
      this.resolve()
    })
    pending.add(this)
    return this.begin(scope)
  }

  socketCloses(sock: number | object, number: number): void {
    // The same object, which may have lost its descriptor by now; or the same descriptor.
    const mine = (typeof sock === 'object' && sock === this.#sock) || (number === this.#number && this.#wait?.current)
    if (mine !== true) return
    this.#end()
    this.reject(new ClosedResourceError(`${this.#what}: the socket was closed while this waited`))
  }

  override describe(): string {
    return `${this.#what} of descriptor ${this.#number}`
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.#end()
    this.reject(cancelled())
  }

  #end(): void {
    pending.delete(this)
    this.#wait?.abandon()
  }
}
