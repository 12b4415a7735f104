/**
 * The queue of the calls of one file, which use its transport one after another.
 *
 * Invariants
 * 1. Calls run in the order in which they are made. If the queue is empty, a call runs at once, until it has to wait.
 * 2. A call is *acknowledged*: if it is cancelled while the transport works for it, it settles when the transport has
 *    answered, with its value if that is complete by then. Otherwise it stops and leaves the file as if it had never
 *    begun (bytes that a read has got stay for the next one).
 * 3. A call that is cancelled in the queue leaves it and has no effect.
 */
import type { FileSink, FileTransport } from '../backends/contract/backend.ts'
import { type Cancelled, ClosedResourceError, UnsupportedError } from '../errors.ts'
import { type CancelScope, immediate, settleFairly } from '../kernel/index.ts'
import { FileOperation } from './file-operation.ts'
import { Halted, type Work } from './work.ts'

/** A job in the queue. */
export interface Job {
  work(): Work<unknown>
  succeeded(value: unknown): void
  failed(error: unknown): void
  /** Whether it was cancelled; `interruption` is the error for that. */
  readonly stopped: boolean
  interruption(): Error
}

export class Pump implements FileSink {
  readonly transport: FileTransport
  /** The file's name in error messages. */
  readonly name: string
  /** The closing job, if there is one: only that job still waits for the other end of a pipe. */
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

  /** Runs one call in the scope that its caller has entered. Throws an immediate error. */
  call<T>(scope: CancelScope, what: string, begin: () => Work<T>): Promise<T> {
    if (this.#job !== undefined) {
      const call = new FileCall<T>(this, what, begin)
      const promise = call.begin(scope)
      this.#line.push(call)
      return promise
    }
    // Most calls do not wait, and need no operation.
    this.#job = STARTING
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
      if (this.#job === STARTING) this.#job = undefined
    }
  }

  /** Appends a job. */
  add(job: Job): void {
    this.#line.push(job)
    this.#drain()
  }

  /** As `add`, for the closing job. Interrupts a job that waits for the other end of a pipe. */
  close(job: Job): void {
    this.#closing = job
    this.add(job)
    if (this.#job !== job && this.#job !== undefined) this.transport.interrupt()
  }

  /** Removes a job from the queue (3). False if it runs already. */
  remove(job: Job): boolean {
    const at = this.#line.indexOf(job)
    if (at >= 0) this.#line.splice(at, 1)
    return at >= 0
  }

  /** Call it before each step that may wait: stops the job if it must not go on (2). */
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

/** A call that waits for its turn, or for the system. */
class FileCall<T> extends FileOperation<T> implements Job {
  readonly #pump: Pump
  readonly #begin: () => Work<T>
  #cancelled: (() => Cancelled) | undefined
  /** The outcome is known; the promise may settle in the next turn. */
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

/** Takes the place of a call that runs and has not had to wait yet. */
const STARTING: Job = {
  work: () => {
    throw new Error('internal: it runs already')
  },
  succeeded() {},
  failed() {},
  stopped: false,
  interruption: () => new ClosedResourceError('the file is closed'),
}
