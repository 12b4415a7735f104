/**
 * Promises and signals that are not of this library. A long-lived one may be waited for by millions of scopes, one
 * after another, and keeps every reaction and every listener that it was ever given. So it gets one of them, which
 * passes on what comes to those who wait at that moment.
 *
 * What must stay true:
 * 1. A promise has one reaction, a signal one listener, however many wait. Who leaves, leaves nothing here.
 * 2. The reaction is registered outside every task: it would otherwise keep the frame of the first that waited.
 */
import { detached } from './detached.ts'

/** Waits for a promise. */
export interface PromiseWaiter<T> {
  settled(value: T): void
  failed(error: unknown): void
}

/** The waiters of one promise. */
export class PromiseHub<T> {
  /** Nearly always there is one: no set for that. */
  #only: PromiseWaiter<T> | undefined
  #waiters: Set<PromiseWaiter<T>> | undefined
  /** What those who have left want done with the value. */
  #discards: ((value: T) => void)[] | undefined

  static of<T>(promise: PromiseLike<T>): PromiseHub<T> {
    const known = promiseHubs.get(promise) as PromiseHub<T> | undefined
    if (known !== undefined) return known
    const hub = new PromiseHub<T>()
    promiseHubs.set(promise, hub as PromiseHub<unknown>)
    const settled = (value: T): void => hub.#settle(promise, (waiter) => waiter.settled(value), value)
    const failed = (error: unknown): void => hub.#settle(promise, (waiter) => waiter.failed(error))
    if (promise instanceof Promise) detached(() => void promise.then(settled, failed))
    // A lazy one begins its work when it is asked: in the context of its caller.
    else void Promise.resolve(promise).then(settled, failed)
    return hub
  }

  add(waiter: PromiseWaiter<T>): void {
    if (this.#only === undefined && this.#waiters === undefined) this.#only = waiter
    else (this.#waiters ??= new Set()).add(waiter)
  }

  /** @param discard - gets the value when it comes */
  leave(waiter: PromiseWaiter<T>, discard: ((value: T) => void) | undefined): void {
    if (this.#only === waiter) this.#only = undefined
    else this.#waiters?.delete(waiter)
    if (discard !== undefined) (this.#discards ??= []).push(discard)
  }

  #settle(promise: PromiseLike<T>, tell: (waiter: PromiseWaiter<T>) => void, ...value: [] | [T]): void {
    // What waits from now on asks the promise itself.
    promiseHubs.delete(promise)
    const only = this.#only
    const others = this.#waiters
    const discards = this.#discards ?? []
    this.#only = this.#waiters = this.#discards = undefined
    if (only !== undefined) tell(only)
    for (const waiter of others ?? []) tell(waiter)
    // Of work that was left, the failure is not reported.
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
    // A listener may remove others: these are not called any more, as with the signal's own.
    for (const listener of this.#listeners) listener()
  }
}

const promiseHubs = new WeakMap<PromiseLike<unknown>, PromiseHub<unknown>>()
const signalHubs = new WeakMap<AbortSignal, SignalHub>()
