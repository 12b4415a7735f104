/**
 * One open file: its queue of calls, its content, and its close. Closing is the last job of the queue. It flushes and
 * releases the descriptor in every case, and reports errors afterwards.
 */
import type { FileTransport } from '../backends/contract/backend.ts'
import {
  type CancelScope,
  closingScope,
  enterOperation,
  type Frame,
  immediateVoid,
  isInterrupted,
  rejected,
  Resource,
} from '../kernel/index.ts'
import type { ByteFile } from './byte-file.ts'
import { FileOperation } from './file-operation.ts'
import { closedError, type Job, Pump } from './pump.ts'
import { PENDING, type Work } from './work.ts'

export class OpenFile extends Resource {
  readonly pump: Pump
  readonly name: string
  /** Set before the first call. */
  bytes: ByteFile | undefined
  /** Runs at the end of the close, before `close` settles. */
  atClose: ((pump: Pump) => Work<void>) | undefined
  #closing: Closing | undefined

  constructor(transport: FileTransport, name: string) {
    super()
    this.name = name
    this.pump = new Pump(transport, name)
  }

  registerWith(frame: Frame, made: Error | undefined): void {
    this.register(frame, 'file', made)
  }

  get closed(): boolean {
    return this.#closing !== undefined
  }

  /** For calls that need an open file and do not wait. */
  requireOpen(what: string): FileTransport {
    if (this.#closing !== undefined) throw closedError(what)
    return this.pump.transport
  }

  /** The begin of every call. */
  enter(what: string): CancelScope {
    const scope = enterOperation(what)
    if (this.#closing !== undefined) throw closedError(what)
    return scope
  }

  /** Runs one call. */
  call<T>(what: string, begin: () => Work<T>): Promise<T> {
    try {
      return this.pump.call(this.enter(what), what, begin)
    } catch (error) {
      return rejected(error)
    }
  }

  close(): Promise<void> {
    const scope = closingScope()
    if (scope === undefined) return this.closeQuietly() ?? Promise.resolve()
    const closing = this.#close()
    if (closing.over) {
      const error = closing.take()
      return error === undefined ? immediateVoid() : rejected(error)
    }
    if (isInterrupted(scope)) closing.hurry()
    return new CloseCall(this.name, closing).begin(scope)
  }

  /**
   * Closes without an operation of its own; `undefined` if it closed at once without an error. Rejects with its error.
   */
  closeQuietly(): Promise<void> | undefined {
    const closing = this.#close()
    const settle = (resolve: () => void, reject: (error: unknown) => void): void => {
      const error = closing.take()
      if (error === undefined) resolve()
      else reject(error)
    }
    if (closing.over && closing.sound) return undefined
    return new Promise((resolve, reject) => closing.whenOver(() => settle(resolve, reject)))
  }

  override describeResource(): string {
    return `file ${this.name}`
  }

  /** @internal No warning for a file that is being closed. */
  override _warn(): void {
    if (!this.closed) super._warn()
  }

  override closeForRun(): Promise<void> {
    const closing = this.#close()
    // The run is over: no task waits for the other end of a pipe.
    closing.hurry()
    return new Promise((resolve) => closing.whenOver(() => resolve()))
  }

  #close(): Closing {
    if (this.#closing !== undefined) return this.#closing
    this.#closing = new Closing(this, () => this.unregister())
    this.pump.close(this.#closing)
    return this.#closing
  }
}

/** The last job of a file: its close. */
class Closing implements Job {
  over = false
  stopped = false
  readonly #file: OpenFile
  readonly #atEnd: () => void
  #failure: { readonly error: unknown } | undefined
  #waiting: (() => void)[] = []

  constructor(file: OpenFile, atEnd: () => void) {
    this.#file = file
    this.#atEnd = atEnd
  }

  *work(): Work<void> {
    const { bytes, pump, atClose } = this.#file
    try {
      if (bytes !== undefined) yield* bytes.close()
      else if (pump.transport.close() === PENDING) yield
    } finally {
      if (atClose !== undefined) yield* atClose(pump)
    }
  }

  succeeded(): void {
    this.#end()
  }

  failed(error: unknown): void {
    this.#failure = { error }
    this.#end()
  }

  interruption(): Error {
    return closedError('close')
  }

  get sound(): boolean {
    return this.#failure === undefined
  }

  /** The error of the close, if there is one. Only the first call gets it. */
  take(): unknown {
    const failure = this.#failure
    this.#failure = undefined
    return failure?.error
  }

  /** Drops bytes that the other end of a pipe does not take at once. */
  hurry(): void {
    if (!this.over) this.#file.pump.transport.interrupt()
  }

  whenOver(tell: () => void): void {
    if (this.over) tell()
    else this.#waiting.push(tell)
  }

  #end(): void {
    this.over = true
    this.#atEnd()
    for (const tell of this.#waiting) tell()
    this.#waiting = []
  }
}

/** A call of `close()`, until the file is closed. */
class CloseCall extends FileOperation<void> {
  readonly #closing: Closing

  constructor(name: string, closing: Closing) {
    super(`close of ${name}`)
    this.#closing = closing
    closing.whenOver(() => this.#settle())
  }

  protected override onCancel(): void {
    this.#closing.hurry()
  }

  #settle(): void {
    const failure = this.#closing.take()
    if (failure !== undefined) this.reject(failure)
    else this.resolve()
  }
}
