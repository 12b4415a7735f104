/** Time that a test moves in steps. */
import type { Clock } from '../../src/kernel/clock.ts'

/** A clock that is moved by hand and fires synchronously. */
export class StepClock implements Clock {
  time = 0
  #armed: { at: number; due: () => void } | undefined

  now(): number {
    return this.time
  }

  arm(at: number, due: () => void): void {
    this.#armed = { at, due }
  }

  disarm(): void {
    this.#armed = undefined
  }

  advance(ms: number): void {
    this.time += ms
    while (this.#armed !== undefined && this.#armed.at <= this.time) {
      const { due } = this.#armed
      this.#armed = undefined
      due()
    }
  }
}
