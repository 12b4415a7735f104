/**
 * One open file: its line of calls, its contents, and how it ends. Closing is one job more at the end of the line; it flushes and
 * gives the descriptor up in every case, and what goes wrong in that is thrown afterwards.
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
  /** Set once it is known how it is read and written. */
  bytes: ByteFile | undefined
  /** Called when it is closed, before anybody hears of it. */
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

  /** For what needs an open file and does not wait. */
  requireOpen(what: string): FileTransport {
    if (this.#closing !== undefined) throw closedError(what)
    return this.pump.transport
  }

  /** The door of every call. */
  enter(what: string): CancelScope {
    const scope = enterOperation(what)
    if (this.#closing !== undefined) throw closedError(what)
    return scope
  }

  /** One call. */
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

  /** Closes for a call that is one operation with what it did, and where no scope bounds it: rejects with what went wrong. */
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

  /** @internal A close that is under way is nobody's mistake. */
  override _warn(): void {
    if (!this.closed) super._warn()
  }

  override closeForRun(): Promise<void> {
    const closing = this.#close()
    // Nobody is left who could wait for another process.
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

/** The last job of a file. */
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

  /** What it failed with; the first who asks is told. */
  take(): unknown {
    const failure = this.#failure
    this.#failure = undefined
    return failure?.error
  }

  /** What another process does not take at once is dropped. */
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

/** `close()`, until the file is. */
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
