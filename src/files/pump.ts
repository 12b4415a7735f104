/**
 * The line in which the calls of one file stand, and the transport that they work with, one after another.
 *
 * Invariants
 * 1. Calls are carried out in the order in which they were made. A call that finds nobody before it runs inside that very
 *    call, as far as it gets without waiting.
 * 2. A call is *acknowledged*: cancelled while the transport works for it, it is settled when the transport has answered,
 *    and with its value if that is complete by then. Else it goes no further, and leaves everything as if it had never begun
 *    (a read keeps what has arrived for the next one).
 * 3. A call that was cancelled in the line leaves it and has no effect.
 */
import type { FileSink, FileTransport } from '../backends/contract/backend.ts'
import { type Cancelled, ClosedResourceError, UnsupportedError } from '../errors.ts'
import { type CancelScope, immediate, settleFairly } from '../kernel/index.ts'
import { FileOperation } from './file-operation.ts'
import { Halted, type Work } from './work.ts'

/** One who stands in the line. */
export interface Job {
  work(): Work<unknown>
  succeeded(value: unknown): void
  failed(error: unknown): void
  /** Whether it was told to go no further, and the error for that. */
  readonly stopped: boolean
  interruption(): Error
}

export class Pump implements FileSink {
  readonly transport: FileTransport
  /** For texts. */
  readonly name: string
  /** The file is being closed: nobody but the closing itself waits for other processes any more. */
  #closing: Job | undefined
  readonly #line: Job[] = []
  #job: Job | undefined
  #work: Work<unknown> | undefined

  constructor(transport: FileTransport, name: string) {
    this.transport = transport
    this.name = name
    transport.sink = this
  }

  /** Whether a call would run at once. */
  get idle(): boolean {
    return this.#job === undefined
  }

  /** One call of the file, in the scope that its caller has entered. Throws what goes wrong at once. */
  call<T>(scope: CancelScope, what: string, begin: () => Work<T>): Promise<T> {
    if (this.#job !== undefined) {
      const call = new FileCall<T>(this, what, begin)
      const promise = call.begin(scope)
      this.#line.push(call)
      return promise
    }
    // Most calls have to wait for nothing, and need no operation.
    this.#job = SOMEBODY
    try {
      const work = begin()
      const step = work.next()
      if (step.done === true) return immediate(step.value)
      const call = new FileCall<T>(this, what, begin)
      const promise = call.begin(scope)
      this.#job = call
      this.#work = work
      return promise
    } catch (error) {
      throw error instanceof Halted ? closedError(what) : error
    } finally {
      if (this.#job === SOMEBODY) this.#job = undefined
    }
  }

  /** Puts a job into the line. */
  add(job: Job): void {
    this.#line.push(job)
    this.#drain()
  }

  /** As `add`, for the one that closes. What waits for another process in front of it is interrupted. */
  close(job: Job): void {
    this.#closing = job
    this.add(job)
    if (this.#job !== job && this.#job !== undefined) this.transport.interrupt()
  }

  /** Takes a job out of the line (3). False where it is being carried out. */
  remove(job: Job): boolean {
    const at = this.#line.indexOf(job)
    if (at >= 0) this.#line.splice(at, 1)
    return at >= 0
  }

  /** Before each step that may wait: whether the job may go on (2). */
  check(): void {
    const job = this.#job
    if (job === undefined || job === this.#closing) return
    if (job.stopped || (this.#closing !== undefined && this.transport.waits)) throw new Halted(undefined, 0)
  }

  done(value: number): void {
    this.#advance((work) => work.next(value))
  }

  failed(error: Error, done: number): void {
    this.#advance((work) => work.throw(new Halted(error, done)))
  }

  interrupted(done: number): void {
    this.#advance((work) => work.throw(new Halted(undefined, done)))
  }

  #drain(): void {
    while (this.#job === undefined && this.#line.length > 0) {
      const job = this.#line.shift()!
      this.#job = job
      this.#run(job, () => (this.#work = job.work()).next(0))
    }
  }

  #advance(resume: (work: Work<unknown>) => IteratorResult<undefined, unknown>): void {
    const { job, work } = { job: this.#job, work: this.#work }
    if (job === undefined || work === undefined) return
    this.#run(job, () => resume(work))
    this.#drain()
  }

  #run(job: Job, step: () => IteratorResult<undefined, unknown>): void {
    let result: IteratorResult<undefined, unknown>
    try {
      result = step()
    } catch (error) {
      this.#leave()
      job.failed(error instanceof Halted ? (error.error ?? job.interruption()) : error)
      return
    }
    if (result.done !== true) return
    this.#leave()
    job.succeeded(result.value)
  }

  #leave(): void {
    this.#job = undefined
    this.#work = undefined
  }
}

export function closedError(what: string): ClosedResourceError {
  return new ClosedResourceError(`${what}: the file is closed`)
}

export function notReadable(what: string): UnsupportedError {
  return new UnsupportedError(`${what}: the file was not opened for reading`)
}

/** A call that waits: for its turn, or for the system. */
class FileCall<T> extends FileOperation<T> implements Job {
  readonly #pump: Pump
  readonly #begin: () => Work<T>
  #cancelled: (() => Cancelled) | undefined
  /** It has its outcome, which may wait for the next turn. */
  #over = false

  constructor(pump: Pump, what: string, begin: () => Work<T>) {
    super(what)
    this.#pump = pump
    this.#begin = begin
  }

  work(): Work<T> {
    return this.#begin()
  }

  succeeded(value: T): void {
    this.#over = true
    settleFairly((late) => void this.resolve(late), value)
  }

  failed(error: unknown): void {
    this.#over = true
    settleFairly((late) => void this.reject(late), error)
  }

  get stopped(): boolean {
    return this.#cancelled !== undefined
  }

  interruption(): Error {
    return this.#cancelled?.() ?? closedError(this.what)
  }

  override describe(): string {
    return `${this.what} of ${this.#pump.name}`
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    if (this.#over) return
    if (this.#pump.remove(this)) {
      this.#over = true
      this.reject(cancelled())
      return
    }
    this.#cancelled = cancelled
    this.#pump.transport.interrupt()
  }
}

/** Stands for the call that is being made, until it has to wait. */
const SOMEBODY: Job = {
  work: () => {
    throw new Error('internal: it runs already')
  },
  succeeded() {},
  failed() {},
  stopped: false,
  interruption: () => new ClosedResourceError('the file is closed'),
}
