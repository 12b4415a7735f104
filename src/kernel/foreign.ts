/**
 * Promises and signals of other code. Millions of scopes may wait for a long-lived one, one after another, and it would
 * keep each of their reactions and listeners. So it gets one, which passes the outcome on to the current waiters
 * (FORGET-8).
 *
 * What must stay true:
 * 1. A promise has one reaction, a signal one listener, however many wait. A waiter that leaves is forgotten.
 * 2. The reaction is registered outside every task. Otherwise it would keep alive the frame of the first waiter.
 */
import { detached } from './detached.ts'

/** Waits for a promise. */
export interface PromiseWaiter<T> {
  settled(value: T): void
  failed(error: unknown): void
}

/** The waiters of one promise. */
export class PromiseHub<T> {
  /** The usual single waiter, without a set. */
  #only: PromiseWaiter<T> | undefined
  #waiters: Set<PromiseWaiter<T>> | undefined
  /** Functions of waiters that have left: they get the value. */
  #discards: ((value: T) => void)[] | undefined

  static of<T>(promise: PromiseLike<T>): PromiseHub<T> {
    const known = promiseHubs.get(promise) as PromiseHub<T> | undefined
    if (known !== undefined) return known
    const hub = new PromiseHub<T>()
    promiseHubs.set(promise, hub as PromiseHub<unknown>)
    const settled = (value: T): void => hub.#settle(promise, (waiter) => waiter.settled(value), value)
    const failed = (error: unknown): void => hub.#settle(promise, (waiter) => waiter.failed(error))
    if (promise instanceof Promise) detached(() => void promise.then(settled, failed))
    // A lazy thenable begins its work in `then`: in the context of its caller.
    else void Promise.resolve(promise).then(settled, failed)
    return hub
  }

  add(waiter: PromiseWaiter<T>): void {
    if (this.#only === undefined && this.#waiters === undefined) this.#only = waiter
    else (this.#waiters ??= new Set()).add(waiter)
  }

  /** @param discard - gets the value when it arrives */
  leave(waiter: PromiseWaiter<T>, discard: ((value: T) => void) | undefined): void {
    if (this.#only === waiter) this.#only = undefined
    else this.#waiters?.delete(waiter)
    if (discard !== undefined) (this.#discards ??= []).push(discard)
  }

  #settle(promise: PromiseLike<T>, tell: (waiter: PromiseWaiter<T>) => void, ...value: [] | [T]): void {
    // Later waiters use the promise itself.
    promiseHubs.delete(promise)
    const only = this.#only
    const others = this.#waiters
    const discards = this.#discards ?? []
    this.#only = this.#waiters = this.#discards = undefined
    if (only !== undefined) tell(only)
    for (const waiter of others ?? []) tell(waiter)
    // The failure of abandoned work is dropped.
    if (value.length > 0) for (const discard of discards) discard(value[0] as T)
  }
}

/** Calls `listener` when `signal` aborts, in the order of registration. Returns the undo. */
export function listenToSignal(signal: AbortSignal, listener: () => void): () => void {
  let hub = signalHubs.get(signal)
  if (hub === undefined) signalHubs.set(signal, (hub = new SignalHub(signal)))
  return hub.add(listener)
}

class SignalHub {
  readonly #signal: AbortSignal
  readonly #listeners = new Set<() => void>()

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  add(listener: () => void): () => void {
    if (this.#listeners.size === 0) this.#signal.addEventListener('abort', this.#onAbort)
    this.#listeners.add(listener)
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0)
        this.#signal.removeEventListener('abort', this.#onAbort)
    }
  }

  readonly #onAbort = (): void => {
    // A listener may remove others; these are not called any more, as with an `AbortSignal`.
    for (const listener of this.#listeners) listener()
  }
}

const promiseHubs = new WeakMap<PromiseLike<unknown>, PromiseHub<unknown>>()
const signalHubs = new WeakMap<AbortSignal, SignalHub>()
