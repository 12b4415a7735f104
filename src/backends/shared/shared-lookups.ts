/**
 * Look-ups that are equal and under way at once share one call of the resolver.
 *
 * What must stay true:
 * 1. Whoever leaves, leaves alone: the call goes on for the others, and nobody but its own caller hears of it.
 * 2. A call that everybody has left is joined by the next one who asks the same: it cannot be ended, and holds one of the few
 *    places that the resolver has. A name that never answers takes one of them, however often it is tried again.
 */
import type { Abandon, Answer } from '../contract/backend.ts'

/** Calls the resolver, once. */
export type Start<T> = (answer: Answer<T>) => void

export class SharedLookups {
  readonly #underWay = new Map<string, Shared>()
  readonly #hold: (change: number) => void

  /** @param hold - counts those calls that somebody waits for, where that keeps the process alive */
  constructor(hold: (change: number) => void = () => {}) {
    this.#hold = hold
  }

  /** @param key - what is asked, as text; equal for equal questions only */
  ask<T>(key: string, start: Start<T>, answer: Answer<T>): Abandon {
    const shared = this.#underWay.get(key) ?? this.#begin(key, start)
    // The caller's own object: the same function may ask twice.
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
        // One that is answered may abandon another.
        if (shared.callers.delete(caller)) caller.answer(error, value)
      }
    })
    return shared
  }
}

interface Shared {
  /** Those who wait, in the order in which they came. */
  readonly callers: Set<{ readonly answer: Answer<unknown> }>
}
