/**
 * One waiting call, linked into its scope while it is pending.
 *
 * Cancellation works by registration, not by polling: the scope has its waiting operations in an intrusive list,
 * cancels each of them once, and does not end before the list is empty.
 *
 * Invariants
 * 1. After `begin`, the first `resolve` or `reject` settles the promise and unlinks the operation; later ones do
 *    nothing. It follows that completion beats cancellation: an operation that has settled is no longer in the list.
 * 2. `onCancel` is called at most once for each `begin`, only while pending.
 * 3. The cancellation of an operation that was never awaited is absorbed (left-behind.ts). Its own failure is not: it
 *    is an `unhandledRejection`.
 * 4. Under a scheduler, an operation that has settled stays linked until the scheduler lets it go on: its outcome is
 *    certain, its scope waits for it, and it may not be begun again.
 */
import { Cancelled } from '../errors.ts'
import type { CancelScope } from './cancel-scope.ts'
import { currentFrame, type Holding } from './context.ts'
import { noteHolding, stir, watched } from './quiet.ts'
import { absorbs } from './left-behind.ts'
import { deliverLater, type LateRefusal, takeLate } from './refusals.ts'
import { type Scheduler, schedulers } from './schedule.ts'
import { keepSite } from './sites.ts'
import { BACKEND, RUNNABLE } from './waits.ts'

export abstract class Operation<T> {
  /** @internal Links of the scope's list; `_scope` is null when nothing is pending. */
  _previous: Operation<unknown> | null = null
  /** @internal */
  _next: Operation<unknown> | null = null
  /** @internal */
  _scope: CancelScope | null = null
  /** @internal Start of the wait, in whole milliseconds of the run's clock: a small integer costs no object. */
  _since = 0
  #told: typeof OPEN | typeof TOLD | typeof LEFT_OVER = OPEN
  #promise: Promise<T> | undefined
  #resolve: ((value: T) => void) | undefined
  #reject: ((error: unknown) => void) | undefined

  get pending(): boolean {
    return this._scope !== null
  }

  /**
   * Whether it is pending and its outcome is open. Under a scheduler (4), data that arrives after the outcome is not
   * for it.
   */
  get undecided(): boolean {
    return this.#resolve !== undefined
  }

  /**
   * Links into `scope` (as `enterOperation` gave it) and returns the promise to await. Once settled, the same object
   * may be begun again: a stream keeps one for each direction.
   */
  begin(scope: CancelScope): Promise<T> {
    if (this._scope !== null) throw new Error(`internal: begun twice: ${this.describe()}`)
    const promise = new Promise<T>(takeFunctions)
    this.#promise = promise
    this.#resolve = lastResolve
    this.#reject = lastReject
    lastResolve = lastReject = nothing
    this.#told = OPEN
    this._scope = scope
    this._since = scope._task!.run.deadlines.stamp()
    scope._addOperation(this as Operation<unknown>)
    if (scope._task!.run.traceResources) keepSite(this)
    if (watched) this.#stirBegun(scope)
    return promise
  }

  /** Settles with a value. False when nothing was pending. */
  resolve(value: T): boolean {
    const settle = this.#resolve
    if (settle === undefined) return false
    if (schedulers === 0 || !this.#settleLater(settle, value)) this.#settle(settle, value)
    return true
  }

  /** Settles with an error. False when nothing was pending. */
  reject(error: unknown): boolean {
    const settle = this.#reject
    if (settle === undefined) return false
    if (error instanceof Cancelled ? !absorbs : this.#told === LEFT_OVER) markHandled(this.#promise!)
    if (schedulers === 0 || !this.#settleLater(settle, error)) this.#settle(settle, error)
    return true
  }

  /** The same for an error that is also reported elsewhere: the promise needs no handler. */
  protected rejectHandled(error: unknown): boolean {
    if (this.#promise !== undefined) markHandled(this.#promise)
    return this.reject(error)
  }

  /**
   * The scope has become effectively cancelled, or its body has ended, while this is pending. Either stop waiting and
   * call `reject(cancelled())`; or, where the work must end first (a file, a process), start the abort and settle
   * later: the scope waits.
   */
  protected abstract onCancel(cancelled: () => Cancelled): void

  /** Shown in errors and dumps: 'receive from 127.0.0.1:80'. */
  describe(): string {
    return this.constructor.name
  }

  /** What it waits for, as bits of waits.ts. Default: the backend. */
  get waitsFor(): number {
    return BACKEND
  }

  /** @internal */
  get _waits(): number {
    return this.#resolve === undefined ? RUNNABLE : this.waitsFor
  }

  /** @internal The `use` whose body this operation runs. */
  get _holding(): Holding | undefined {
    return undefined
  }

  /** @internal Called by the scope. */
  _cancel(): void {
    const scope = this._scope
    if (scope === null || this.#told !== OPEN) return
    this.#told = TOLD
    scope._noteDelivered()
    this.onCancel(() => scope._cancelled(this.describe(), this))
  }

  /**
   * @internal Called by the scope when it becomes effectively cancelled, and when a shield takes that back. For
   * operations that pass it on.
   */
  _effective(_cancelled: boolean): void {}

  /** @internal The body of its scope has ended: it is cancelled, and its failure needs no handler. */
  _leftOver(): void {
    this._cancel()
    this.#told = LEFT_OVER
  }

  /** The promise is settled before the operation leaves its scope: the scope's own promise must not overtake it. */
  #settle<V>(settle: (outcome: V) => void, outcome: V): void {
    settle(outcome)
    const scope = this._scope!
    this._scope = null
    this.#promise = this.#resolve = this.#reject = undefined
    scope._removeOperation(this as Operation<unknown>)
    if (watched) stir(scope._task!.run)
  }

  #stirBegun(scope: CancelScope): void {
    noteHolding(this, currentFrame()?.held)
    stir(scope._task!.run)
  }

  /**
   * Lets the scheduler place a step that begins work, such as the body of a `use`. False where there is none.
   */
  protected stepLater(step: () => void): boolean {
    const scheduler: Scheduler | undefined = schedulers === 0 ? undefined : this._scope?._task!.run.scheduler
    scheduler?.add(step)
    return scheduler !== undefined
  }

  /** Invariant 4. False where the run has no scheduler. */
  #settleLater<V>(settle: (outcome: V) => void, outcome: V): boolean {
    const scheduler: Scheduler | undefined = this._scope!._task!.run.scheduler
    if (scheduler === undefined) return false
    this.#told = TOLD
    this.#resolve = this.#reject = undefined
    scheduler.add(() => this.#settle(settle, outcome))
    return true
  }
}

/**
 * A rejected promise, for functions that must not throw synchronously. A refused call may be rejected in a later
 * iteration of the event loop (refusals.ts).
 */
export function rejected(error: unknown): Promise<never> {
  const refusal = takeLate(error)
  if (refusal === undefined) {
    const promise = Promise.reject(error)
    if (!absorbs && error instanceof Cancelled) markHandled(promise)
    return promise
  }
  // The scope comes from a `Frame`, and frames hold nothing but `CancelScope`s.
  if (refusal.scope !== undefined) return new Refusal(refusal).begin(refusal.scope as CancelScope)
  return new Promise((_, reject) => deliverLater(() => reject(error), false))
}

/** A call that has been refused and whose promise rejects later. Its scope waits for it. */
class Refusal extends Operation<never> {
  readonly #refusal: LateRefusal

  constructor(refusal: LateRefusal) {
    super()
    this.#refusal = refusal
    deliverLater(() => this.#deliver(), true)
  }

  override describe(): string {
    return this.#refusal.what
  }

  override get waitsFor(): number {
    return RUNNABLE
  }

  /** The body of its scope has ended. */
  protected override onCancel(): void {
    this.#deliver()
  }

  #deliver(): void {
    this.reject(this.#refusal.error)
  }
}

/**
 * Rejects `promise`, which belongs to a scope. A cancellation needs no handler, and neither does a failure after the
 * body around it has ended (`leftOver`).
 */
export function rejectOwned(
  promise: Promise<unknown>,
  reject: (error: unknown) => void,
  error: unknown,
  leftOver: boolean,
): void {
  if (error instanceof Cancelled ? !absorbs : leftOver) markHandled(promise)
  reject(error)
}

export function markHandled(promise: Promise<unknown>): void {
  promise.then(undefined, nothing)
}

/** A pending promise with its functions, without a closure for each: the executor runs synchronously. */
export function takeFunctions(resolve: (value: never) => void, reject: (error: unknown) => void): void {
  lastResolve = resolve as (value: unknown) => void
  lastReject = reject
}

/** The functions of the promise just made with `takeFunctions`. */
export function takenFunctions(): { resolve: (value: unknown) => void; reject: (error: unknown) => void } {
  const functions = { resolve: lastResolve, reject: lastReject }
  lastResolve = lastReject = nothing
  return functions
}

/** Whether the scope has cancelled it, and whether because the body of the scope had ended. */
const OPEN = 0
const TOLD = 1
const LEFT_OVER = 2

function nothing(): void {}

// Cleared at once: they refer to their promise, that to its async context, and that to its task.
let lastResolve: (value: unknown) => void = nothing
let lastReject: (error: unknown) => void = nothing
