/**
 * Equal look-ups at the same time share one call of the resolver.
 *
 * Invariants
 * 1. Abandoning a look-up affects only its own caller. The call goes on for the others.
 * 2. A call whose callers have all left is reused by the next equal look-up. It cannot be ended, and occupies one of
 *    the few places of the resolver. So a name that never answers occupies one place, however often it is tried.
 */
import type { Abandon, Answer } from '../contract/backend.ts'

/** Makes one call of the resolver. */
export type Start<T> = (answer: Answer<T>) => void

export class SharedLookups {
  readonly #underWay = new Map<string, Shared>()
  readonly #hold: (change: number) => void

  /** @param hold - counts the calls with callers, for a backend where that keeps the process alive */
  constructor(hold: (change: number) => void = () => {}) {
    this.#hold = hold
  }

  /** @param key - the question as text; equal only for equal questions */
  ask<T>(key: string, start: Start<T>, answer: Answer<T>): Abandon {
    const shared = this.#underWay.get(key) ?? this.#begin(key, start)
    // A new object for each caller, because the same function may ask twice.
    const caller = { answer: answer as Answer<unknown> }
    if (shared.callers.size === 0) this.#hold(1)
    shared.callers.add(caller)
    return () => {
      if (shared.callers.delete(caller) && shared.callers.size === 0) this.#hold(-1)
    }
  }

  #begin<T>(key: string, start: Start<T>): Shared {
    const shared: Shared = { callers: new Set() }
    this.#underWay.set(key, shared)
    start((error, value) => {
      this.#underWay.delete(key)
      if (shared.callers.size > 0) this.#hold(-1)
      for (const caller of shared.callers) {
        // An answered caller may abandon another one.
        if (shared.callers.delete(caller)) caller.answer(error, value)
      }
    })
    return shared
  }
}

interface Shared {
  /** The callers, in the order of their calls. */
  readonly callers: Set<{ readonly answer: Answer<unknown> }>
}
