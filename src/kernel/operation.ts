/**
 * One waiting call, linked into its scope while it is pending.
 *
 * Cancellation is registration, not polling: the scope finds its waiting operations in an intrusive list, tells each of
 * them once, and does not end before the list is empty.
 *
 * Invariants
 * 1. `begin` … exactly one of `resolve` or `reject`: whichever comes first settles the promise and unlinks, and later
 *    ones do nothing. Completion beats cancellation follows: an operation that has settled is no longer in the list.
 * 2. `onCancel` is called at most once for each `begin`, only while pending.
 * 3. The promise of an operation that was cancelled, or outlived the body it was begun in, is marked as handled: its
 *    scope owns that failure. One that failed by itself and was never awaited stays Node's business.
 */
import { Cancelled } from '../errors.ts'
import type { CancelScope } from './cancel-scope.ts'

export abstract class Operation<T> {
  /** @internal links of the scope's list; `_scope` is null when nothing is pending */
  _previous: Operation<unknown> | null = null
  /** @internal */
  _next: Operation<unknown> | null = null
  /** @internal */
  _scope: CancelScope | null = null
  #told = false
  #promise: Promise<T> | undefined
  #resolve: ((value: T) => void) | undefined
  #reject: ((error: unknown) => void) | undefined

  get pending(): boolean {
    return this._scope !== null
  }

  /**
   * Links into `scope` (as `enterOperation` gave it) and returns the promise to await. Once settled, the same object may
   * be begun again: a stream keeps one for each direction.
   */
  begin(scope: CancelScope): Promise<T> {
    if (this._scope !== null) throw new Error(`internal: begun twice: ${this.describe()}`)
    const promise = new Promise<T>(takeFunctions)
    this.#promise = promise
    this.#resolve = lastResolve
    this.#reject = lastReject
    lastResolve = lastReject = nothing
    this.#told = false
    this._scope = scope
    scope._addOperation(this as Operation<unknown>)
    return promise
  }

  /** Settles with a value. False when nothing was pending. */
  resolve(value: T): boolean {
    const scope = this._scope
    if (scope === null) return false
    this.#resolve!(value)
    this.#leave(scope)
    return true
  }

  /** Settles with an error. False when nothing was pending. */
  reject(error: unknown): boolean {
    const scope = this._scope
    if (scope === null) return false
    if (error instanceof Cancelled) this._disown()
    this.#reject!(error)
    this.#leave(scope)
    return true
  }

  /**
   * The scope has become effectively cancelled, or its body has ended, while this is pending. Drop the interest now and
   * `reject(cancelled())`; or, where the other side must let go first (a file, a process), start the abort and settle
   * later: the scope waits.
   */
  protected abstract onCancel(cancelled: () => Cancelled): void

  /** What is being waited for, for people: 'receive from 127.0.0.1:80'. */
  describe(): string {
    return this.constructor.name
  }

  /** @internal the scope tells */
  _cancel(): void {
    const scope = this._scope
    if (scope === null || this.#told) return
    this.#told = true
    this.onCancel(() => scope._cancelled(this.describe()))
  }

  /** @internal whatever becomes of it, nobody need look (invariant 3) */
  _disown(): void {
    markHandled(this.#promise!)
  }

  // The promise is settled before the scope hears of it: the scope's own promise must not overtake it.
  #leave(scope: CancelScope): void {
    this._scope = null
    this.#promise = this.#resolve = this.#reject = undefined
    scope._removeOperation(this as Operation<unknown>)
  }
}

/** A rejected promise, for functions that must not throw synchronously; handled when the scope owns the failure. */
export function rejected(error: unknown): Promise<never> {
  const promise = Promise.reject(error)
  if (error instanceof Cancelled) markHandled(promise)
  return promise
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

function nothing(): void {}

// Held for a moment only: they know their promise, and a promise its async context, and that its task.
let lastResolve: (value: unknown) => void = nothing
let lastReject: (error: unknown) => void = nothing
