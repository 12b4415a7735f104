/** One connection attempt to a numeric address. */
import { Completion } from '../../native/protocol.ts'
import type { Abandon, Answer, StreamTransport, TcpConnectOptions } from '../contract/backend.ts'
import { systemError } from './errors.ts'
import { handleGeneration, handleIndex, type HandleOwner, type NativeEventLoop } from './event-loop.ts'
import { numericScope } from './scope.ts'
import { NativeStream } from './stream.ts'

export function connect(loop: NativeEventLoop, options: TcpConnectOptions, answer: Answer<StreamTransport>): Abandon {
  const { address, port, bindAddress, bindPort, noDelay, keepAlive } = options
  const handle = loop.binding.connect(numericScope(address), port, numericScope(bindAddress), bindPort, {
    noDelay,
    keepAlive,
  })
  if (handle < 0) {
    // The attempt failed before it began: no descriptor, or a local address that cannot be bound.
    const syscall = bindAddress === undefined && bindPort === undefined ? 'connect' : 'bind'
    const target = syscall === 'bind' ? { address: bindAddress, port: bindPort } : { address, port }
    let wanted = true
    queueMicrotask(() => {
      if (wanted) answer(systemError(-handle, syscall, target))
    })
    return () => {
      wanted = false
    }
  }
  const attempt = new Attempt(loop, handle, options, answer)
  return () => attempt.abandon()
}

class Attempt implements HandleOwner {
  readonly generation: number
  readonly #loop: NativeEventLoop
  readonly #handle: number
  readonly #options: TcpConnectOptions
  readonly #answer: Answer<StreamTransport>
  #pending = true

  constructor(loop: NativeEventLoop, handle: number, options: TcpConnectOptions, answer: Answer<StreamTransport>) {
    this.generation = handleGeneration(handle)
    this.#loop = loop
    this.#handle = handle
    this.#options = options
    this.#answer = answer
    loop.own(handleIndex(handle), this)
    this.#loop.hold(1)
  }

  completed(kind: number, errno: number): void {
    if (!this.#pending) return
    this.#settle()
    if (kind === Completion.Connected) {
      // The handle continues with the same id, as a connection.
      this.#answer(undefined, new NativeStream(this.#loop, handleIndex(this.#handle), this.generation))
    } else {
      const { address, port } = this.#options
      this.#end()
      this.#answer(systemError(errno, 'connect', { address, port }))
    }
  }

  abandon(): void {
    if (!this.#pending) return
    this.#settle()
    this.#end()
  }

  /** The index may be reused from then on. */
  #end(): void {
    this.#loop.disown(handleIndex(this.#handle))
    this.#loop.binding.close(this.#handle, false)
  }

  #settle(): void {
    this.#pending = false
    this.#loop.hold(-1)
  }
}
