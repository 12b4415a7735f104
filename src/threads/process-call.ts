/**
 * One call of `runInProcess`, from the granted token until the process has been reaped.
 *
 * Invariant: the token comes back when the process is gone. Without `abandonOnCancel`, the caller goes on then and not
 * before.
 */
import type { Backend, ForkedProcess, ForkSink } from '../backends/contract/backend.ts'
import { BrokenResourceError, type Cancelled } from '../errors.ts'
import { type CancelScope, REAL } from '../kernel/index.ts'
import type { Grant } from '../sync/grant.ts'
import { type ThreadHolding, ThreadOperation } from '../sync/starvation.ts'
import { argumentNotCloneable, isCloneFailure, TO_PROCESS } from './cloning.ts'
import { unpackError } from './crossing.ts'
import { ANSWER, type ProcessAnswer, type ProcessJob } from './process-wire.ts'
import { programOfProcess } from './programs.ts'
import { nameOfTask, type NumberedTask } from './task.ts'

export class ProcessCall extends ThreadOperation<unknown> implements ForkSink {
  readonly holding: ThreadHolding
  readonly #task: NumberedTask
  readonly #args: unknown[]
  readonly #abandonOnCancel: boolean
  readonly #grant: Grant
  #process: ForkedProcess | undefined
  #answer: ProcessAnswer | undefined
  #cancelled: (() => Cancelled) | undefined
  /** Simulated time follows real time until it is called. */
  #unfollow: (() => void) | undefined

  constructor(task: NumberedTask, args: unknown[], abandonOnCancel: boolean, holding: ThreadHolding, grant: Grant) {
    super()
    this.#task = task
    this.#args = args
    this.#abandonOnCancel = abandonOnCancel
    this.holding = holding
    this.#grant = grant
  }

  /** @throws the error of starting the process or of sending the arguments; then nothing is left running */
  start(scope: CancelScope): Promise<unknown> {
    const { host } = scope._task!.run
    try {
      this.#process = (host as Backend).fork(programOfProcess(), this)
      const job: ProcessJob = { task: this.#task.source, args: this.#args }
      this.#process.send(job)
    } catch (error) {
      this.#process?.kill()
      this.#grant.release()
      throw isCloneFailure(error) ? argumentNotCloneable(nameOfTask(this.#task), this.#args, error, TO_PROCESS) : error
    }
    this.#unfollow = host.followRealTime?.()
    return this.begin(scope)
  }

  message(value: unknown): void {
    if (Array.isArray(value) && value[0] === ANSWER) this.#answer = value as unknown as ProcessAnswer
  }

  ended(error: Error | undefined, code: number | null, signal: NodeJS.Signals | null): void {
    this.#grant.release()
    this.#letTimeGo()
    // Completion beats cancellation: an answer from before the kill counts.
    if (this.#answer !== undefined) {
      if (this.#answer[1]) this.resolve(this.#answer[2])
      else this.reject(unpackError(this.#answer[2]))
    } else this.reject(this.#cancelled?.() ?? this.#broken(error, code, signal))
  }

  override describe(): string {
    return `runInProcess of ${nameOfTask(this.#task)}`
  }

  override get waitsFor(): number {
    return REAL
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.#cancelled = cancelled
    this.#process!.kill()
    if (!this.#abandonOnCancel) return
    this.holding.abandoned = true
    this.#letTimeGo()
    this.reject(cancelled())
  }

  #letTimeGo(): void {
    this.#unfollow?.()
    this.#unfollow = undefined
  }

  #broken(error: Error | undefined, code: number | null, signal: NodeJS.Signals | null): BrokenResourceError {
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`
    const text =
      error === undefined
        ? `the process ended with ${how} before ${nameOfTask(this.#task)} had returned`
        : `the process of ${nameOfTask(this.#task)} failed: ${error.message}`
    return new BrokenResourceError(text, error === undefined ? {} : { cause: error })
  }
}
