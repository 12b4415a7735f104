/**
 * A clock that stands still until a test moves it. Deadlines fire in their order, each at its own time, and what they
 * wake runs before the next one fires: a test asserts order and times, and takes no time itself.
 */
import { timelineOf, VirtualClock } from '../../src/backends/virtual/clock.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { deadlines, installClock } from '../../src/kernel/deadlines.ts'
import { detached } from '../../src/kernel/detached.ts'

export class ManualClock implements Clock {
  #now: number
  #armed: { at: number; due: () => void } | undefined
  /** How often the kernel asked for a timer, and how often one fired: the absence of polling, in numbers. */
  arms = 0
  fires = 0

  constructor(start = 1000) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  arm(at: number, due: () => void): void {
    this.arms++
    this.#armed = { at, due }
  }

  disarm(): void {
    this.#armed = undefined
  }

  /** Moves on by `ms`, stopping at every deadline on the way. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settle()
    while (this.#armed !== undefined && this.#armed.at <= until) {
      const { at, due } = this.#armed
      this.#armed = undefined
      this.#now = Math.max(this.#now, at)
      this.fires++
      due()
      // A backend may take its time to settle the I/O that goes before a deadline.
      await new Promise<void>((resolve) => deadlines.deliverDue(resolve))
      await settle()
    }
    this.#now = until
  }

  /** Moves the time without firing anything, as a program does that keeps the event loop busy. */
  hold(ms: number): void {
    this.#now += ms
  }
}

/** The same face for a run of the virtual backend, which brings its own time. */
export class VirtualManualClock extends ManualClock {
  readonly clock: VirtualClock

  constructor(start = 1000) {
    super(start)
    this.clock = new VirtualClock({ start, autoJump: false })
  }

  override now(): number {
    return this.clock.now
  }

  override async advance(ms: number): Promise<void> {
    // From the outside: the tests call it in callbacks and in tasks, and never wait for it under a scope.
    await detached(() => this.clock.advance(ms))
    await settle()
  }

  override hold(ms: number): void {
    timelineOf(this.clock).shift(ms)
  }
}

/**
 * Gives the thread a manual clock while `body` runs. Tests that do so are serial: the clock belongs to the thread.
 */
export async function withManualClock<T>(body: (clock: ManualClock) => Promise<T>): Promise<T> {
  const clock = new ManualClock()
  const uninstall = installClock(clock)
  try {
    return await body(clock)
  } finally {
    uninstall()
  }
}

/** Lets everything that can go on go on: microtasks, yields, and the passes of the loop that a backend settles its I/O in. */
export async function settle(): Promise<void> {
  for (let pass = 0; pass < 5; pass++) await new Promise((resolve) => setImmediate(resolve))
}
