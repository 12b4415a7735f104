/**
 * One observed call: it runs in a scope of its own, and its outcome is kept instead of thrown.
 *
 * The code under test may be wrong in any way: it may swallow its cancellation, or wait for ever for foreign work. So
 * only `within`, which has a limit, waits for the call, and the maker of a trial calls `leave` in the end.
 *
 * Invariants
 * 1. The scope is open until the call has settled or is left: operations that it begins find a live frame.
 * 2. The outcome of a trial that was left is discarded, and never an `unhandledRejection`.
 */

import { CancelScope, moveOnAfter } from '../scopes.ts'
import { createEvent } from '../sync/event.ts'
import { detached, markHandled } from '../kernel/index.ts'

export type Outcome<T> =
  { readonly kind: 'returned'; readonly value: T } | { readonly kind: 'threw'; readonly error: unknown }

export class Trial<T> {
  readonly scope = new CancelScope()
  /** `undefined` while it has not settled. */
  outcome: Outcome<T> | undefined
  /** Whether the event loop went on between the call and its outcome. */
  gaveWay = false
  readonly #settled = createEvent()
  readonly #passage: Promise<unknown>
  #leave!: () => void

  /** Begins the call at once. */
  constructor(call: () => T | PromiseLike<T>, { cancelled = false }: { cancelled?: boolean } = {}) {
    if (cancelled) this.scope.cancel()
    const over = new Promise<void>((resolve) => (this.#leave = resolve))
    this.#passage = this.scope.run(() => {
      this.#begin(call)
      return over
    })
    markHandled(this.#passage)
  }

  /** Waits for the outcome, at most `ms` of the run's clock: `undefined` then. The call goes on. */
  async within(ms: number): Promise<Outcome<T> | undefined> {
    await moveOnAfter(ms, () => this.#settled.wait())
    return this.outcome
  }

  /** Waits for the outcome without a limit: the caller has one of its own. */
  async end(): Promise<Outcome<T>> {
    await this.#settled.wait()
    return this.outcome as Outcome<T>
  }

  /** Cancels the call's waits, and discards its outcome. Does nothing once it has settled. */
  leave(): void {
    if (this.outcome === undefined) this.scope.cancel()
    this.#leave()
  }

  #begin(call: () => T | PromiseLike<T>): void {
    let latest = false
    // Node calls this when no microtask is left: a call that has settled by then let no other code run.
    detached(process.nextTick, () => (latest = true))
    const settle = (outcome: Outcome<T>): void => {
      this.outcome = outcome
      this.gaveWay = latest
      this.#settled.set()
      this.#leave()
    }
    let result: T | PromiseLike<T>
    try {
      result = call()
    } catch (error) {
      settle({ kind: 'threw', error })
      return
    }
    Promise.resolve(result).then(
      (value) => settle({ kind: 'returned', value }),
      (error: unknown) => settle({ kind: 'threw', error }),
    )
  }
}
