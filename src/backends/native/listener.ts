/** A listener of the native backend. */
import { getSystemErrorMap } from 'node:util'
import { detached } from '../../kernel/index.ts'
import { Completion, Control, Submission } from '../../native/protocol.ts'
import type { Address, ListenerSink, ListenerTransport } from '../contract/backend.ts'
import { toAddress } from './addresses.ts'
import { systemError } from './errors.ts'
import { handleNumber, type HandleOwner, type NativeEventLoop } from './event-loop.ts'
import { getOption, setOption } from './socket-options.ts'
import { NativeStream } from './stream.ts'

/** Milliseconds before a listener without descriptors tries again. */
const RETRY = 100

/** The errors of a broken listener. Other errors pass (no descriptors, no memory, a network that is down). */
const FATAL: ReadonlySet<string> = new Set(['EBADF', 'EFAULT', 'EINVAL', 'ENOTSOCK', 'EOPNOTSUPP'])

export class NativeListener implements ListenerTransport, HandleOwner {
  declare sink: ListenerSink
  readonly generation: number
  readonly address: Address
  /** The local address of every accepted connection; `undefined` for a listener on a wildcard address. */
  readonly #local: Address | undefined
  readonly #loop: NativeEventLoop
  readonly #index: number
  #demand = 0
  /** Connections that were accepted when the demand had just been dropped. */
  readonly #spare: NativeStream[] = []
  #retry: NodeJS.Timeout | undefined
  #closed = false

  constructor(loop: NativeEventLoop, index: number, generation: number) {
    this.#loop = loop
    this.#index = index
    this.generation = generation
    loop.own(index, this)
    this.address = toAddress(loop.binding.localAddress(this.#handle))
    const { address } = this
    this.#local = typeof address === 'object' && /^(0\.0\.0\.0|::|)$/.test(address.address) ? undefined : address
    // An open listener keeps the process alive, with or without a pending accept.
    loop.hold(1)
  }

  accept(count: number): void {
    if (this.#closed) return
    this.#demand = count
    if (this.#spare.length > 0 && count > 0) queueMicrotask(() => this.#deliverSpare())
    this.#submit()
  }

  destroy(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#retry)
    for (const stream of this.#spare.splice(0)) stream.destroy()
    this.#loop.disown(this.#index)
    this.#loop.control[Control.Refs]! -= 1
    this.#loop.binding.close(this.#handle, false)
  }

  getsockopt(level: number | string, name: number | string): number {
    return getOption(this.#loop.binding, this.#handle, level, name)
  }

  setsockopt(level: number | string, name: number | string, value: number | boolean): void {
    setOption(this.#loop.binding, this.#handle, level, name, value)
  }

  completed(kind: number, a: number, b: number): void {
    if (kind === Completion.Accepted) {
      const stream = new NativeStream(this.#loop, a, b, this.#local)
      if (this.#demand > 0) {
        this.#demand--
        this.sink.accepted(stream)
      } else {
        this.#spare.push(stream)
      }
    } else if (kind === Completion.AcceptFailed) {
      const code = getSystemErrorMap().get(-a)?.[0] ?? ''
      const transient = !FATAL.has(code)
      if (transient) this.#retry = detached(setTimeout, () => this.#submit(), RETRY).unref()
      this.sink.acceptFailed(systemError(a, 'accept'), transient)
    }
  }

  get #handle(): number {
    return handleNumber(this.#index, this.generation)
  }

  #submit(): void {
    if (!this.#closed)
      this.#loop.submit(
        Submission.Accept,
        this.#index,
        this.generation,
        Math.max(0, this.#demand - this.#spare.length),
        0,
      )
  }

  #deliverSpare(): void {
    while (this.#demand > 0 && this.#spare.length > 0) {
      this.#demand--
      this.sink.accepted(this.#spare.shift()!)
    }
  }
}
