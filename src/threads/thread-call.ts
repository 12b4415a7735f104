/**
 * One call of `runInThread`, from the granted token to the end of the function.
 *
 * ```text
 *   token ── start ──────────────────────────────── DONE or FAILED ── token back ── caller goes on
 *                │          ▲                 ▲
 *                │ CALL     │ REPLY           └ cancelled before: the thread may ask (checkCancelled). The caller waits on;
 *                ▼          │                   with abandonOnCancel it leaves at once, and the token stays out till the end;
 *             exposed function, in a       with terminateOnCancel the thread is ended, and that ends the call
 *             scope of its own under
 *             the caller's
 * ```
 *
 * Invariants
 * 1. The token comes back when the thread is done, whether or not the caller still waits.
 * 2. Without `abandonOnCancel` the caller stays linked into its scope until the thread is done, and gets the outcome of
 *    the function: completion beats cancellation.
 * 3. A thread that blocks in a call is answered, whatever happens to the function, the caller and its run. The answer
 *    for a terminated thread is dropped, and simulated time does not wait for it.
 */
import { AsyncResource } from 'node:async_hooks'
import { BrokenResourceError, Cancelled, RunFinishedError } from '../errors.ts'
import { type CancelScope, type Frame, NEUTRAL, REAL, type RunState } from '../kernel/index.ts'
import type { Grant } from '../sync/grant.ts'
import { beginExposed, endExposed, type ThreadHolding, ThreadOperation } from '../sync/starvation.ts'
import { packError, type PackedError, textOf, unpackError } from './crossing.ts'
import { callExposed } from './exposed-call.ts'
import { type Exposed, exposedFunction } from './exposed.ts'
import { threads } from './pool.ts'
import { nameOfTask, type NumberedTask } from './task.ts'
import type { JobSink, Thread } from './thread.ts'
import type { Transferable } from './wire.ts'

export interface ThreadJob {
  readonly task: NumberedTask
  readonly args: unknown[]
  readonly transfer: readonly Transferable[]
  readonly abandonOnCancel: boolean
  readonly terminateOnCancel: boolean
  readonly exposed: Exposed | undefined
  readonly name: string | undefined
}

export class ThreadCall extends ThreadOperation<unknown> implements JobSink {
  readonly holding: ThreadHolding
  readonly #job: ThreadJob
  readonly #grant: Grant
  readonly #run: RunState
  /** The caller's async context, for exposed functions: its frame, and its AsyncLocalStorages. */
  readonly #context: AsyncResource | undefined
  #thread: Thread | undefined
  #cancelled: (() => Cancelled) | undefined
  #left = false
  /** The thread is gone. */
  #gone = false
  /** Set while the thread works for the caller: simulated time follows real time until it is called. */
  #unfollow: (() => void) | undefined

  constructor(job: ThreadJob, frame: Frame, holding: ThreadHolding, grant: Grant) {
    super()
    this.holding = holding
    this.#job = job
    this.#grant = grant
    this.#run = frame.task.run
    this.#context = job.exposed === undefined ? undefined : new AsyncResource('structio.exposed')
  }

  /** @throws the error of starting the thread or of sending the arguments; then the token is back */
  start(scope: CancelScope): Promise<unknown> {
    const { task, args, transfer } = this.#job
    let thread: Thread | undefined
    try {
      thread = threads.take()
      thread.start(task, args, transfer, this)
    } catch (error) {
      if (thread !== undefined) threads.idle(thread)
      this.#grant.release()
      throw error
    }
    this.#thread = thread
    this.#works(true)
    return this.begin(scope)
  }

  finished(value: unknown): void {
    this.#works(false)
    this.#grant.release()
    this.resolve(value)
  }

  failed(packed: PackedError): void {
    this.#works(false)
    this.#grant.release()
    const error = unpackError(packed)
    // A cancellation by its own scope must be that scope's Cancelled, so that the scope catches it.
    this.reject(error instanceof Cancelled && this.#cancelled !== undefined ? this.#cancelled() : error)
  }

  broken(error: unknown, exitCode: number): void {
    this.#works(false)
    this.#gone = true
    this.#grant.release()
    if (this.#job.terminateOnCancel && this.#cancelled !== undefined) {
      this.reject(this.#cancelled())
      return
    }
    const name = nameOfTask(this.#job.task)
    const text =
      error === undefined
        ? `the thread ended with exit code ${exitCode} before ${name} had returned`
        : `the thread died before ${name} had returned: ${error instanceof Error ? error.message : textOf(error)}`
    this.reject(new BrokenResourceError(text, error === undefined ? {} : { cause: error }))
  }

  called(name: string, args: unknown[]): void {
    this.#works(false)
    if (this.#run.settled) {
      this.#refuse(new RunFinishedError(`runAsyncFromThread: ${this.#run.label} has finished`))
    } else if (this.#left) {
      this.#refuse(new Cancelled('runAsyncFromThread: the scope that this thread works for was cancelled'))
    } else this.#answer(name, args)
  }

  override describe(): string {
    const name = this.#job.name === undefined ? nameOfTask(this.#job.task) : `"${this.#job.name}"`
    return `runInThread of ${name}`
  }

  /** A thread that waits for the host does not work. The host function's waits are operations of their own. */
  override get waitsFor(): number {
    return this.holding.blockedIn === undefined ? REAL : NEUTRAL
  }

  override _effective(cancelled: boolean): void {
    // The thread of a settled call may work for another call by now.
    if (this.undecided) this.#thread!.tellCancelled(cancelled)
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.#cancelled = cancelled
    this.#thread!.tellCancelled(true)
    // The thread ends soon, unless it is in native code. The caller waits for its end, and the token comes back then
    // (1).
    if (this.#job.terminateOnCancel) this.#thread!.terminate()
    if (!this.#job.abandonOnCancel) return
    this.#left = true
    this.#works(false)
    this.holding.abandoned = true
    this.#thread!.abandon()
    this.reject(cancelled())
  }

  #answer(name: string, args: unknown[]): void {
    let fn: (...args: unknown[]) => unknown
    try {
      fn = exposedFunction(this.#job.exposed, name)
    } catch (error) {
      this.#refuse(error)
      return
    }
    const { holding } = this
    const begin = (scope: CancelScope): void => beginExposed(holding, scope)
    const { scope, promise } = callExposed(this.#context!, fn, args, begin)
    promise.then(
      (value) => {
        endExposed(holding, scope)
        this.#reply(value)
      },
      (error: unknown) => {
        endExposed(holding, scope)
        this.#refuse(error)
      },
    )
  }

  #works(works: boolean): void {
    this.#unfollow?.()
    this.#unfollow = works && !this.#left ? this.#run.host.followRealTime?.() : undefined
  }

  #reply(value: unknown): void {
    if (this.#gone) return
    try {
      this.#thread!.reply(value)
      this.#works(true)
    } catch (error) {
      this.#refuse(error)
    }
  }

  #refuse(error: unknown): void {
    if (this.#gone) return
    this.#works(true)
    this.#thread!.replyError(packError(error, 'what the exposed function threw'))
  }
}
