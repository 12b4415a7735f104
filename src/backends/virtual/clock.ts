/** The simulated clock, as tests see it. */
import type { Cancelled } from '../../errors.ts'
import { currentFrame, enterOperation, Operation, rejected, TIME } from '../../kernel/index.ts'
import { checkBoolean, checkOptions, checkTime, optionNames, outOfRange } from '../../common/validate.ts'
import { type Goal, Timeline } from './timeline.ts'

/** Options of a `VirtualClock`. */
export interface VirtualClockOptions {
  /** The time at the start, in milliseconds, as `currentTime()` returns it. Default 0. */
  start?: number | undefined
  /** Whether time moves by itself when every task waits. Default true. */
  autoJump?: boolean | undefined
}

// Filled by the static block of `VirtualClock`, the only code that can see its private field.
let timeline: (clock: VirtualClock) => Timeline

/** The internals of a clock. */
export function timelineOf(clock: VirtualClock): Timeline {
  return timeline(clock)
}

/**
 * The time of the runs of the `virtual` backend. It passes without real time.
 *
 * With `autoJump`, time jumps to the next event (a timeout, a datagram that arrives) when every task of every run on
 * this clock waits, and no real work is under way (a file, a thread, an `abandonOnCancel`). An hour of sleeps passes in
 * milliseconds, in exact order. While a child process or a thread works, time passes at the speed of real time. Without
 * a next event the run waits, as on the other backends. Time does not pass in a loop that never waits, so such a loop
 * must not poll for a time.
 *
 * Without `autoJump`, time stands still until `advance` moves it.
 *
 * One clock may serve several runs, and works from anywhere on its thread.
 */
export class VirtualClock {
  readonly #timeline: Timeline

  static {
    timeline = (clock) => clock.#timeline
  }

  constructor(options: VirtualClockOptions = {}) {
    checkOptions('options', options, OPTIONS)
    const { start = 0, autoJump = true } = options
    checkTime('options.start', start)
    if (!Number.isFinite(start)) throw outOfRange('options.start', 'a finite number of milliseconds', start)
    checkBoolean('options.autoJump', autoJump)
    this.#timeline = new Timeline(start, autoJump)
  }

  /** The present time in milliseconds. */
  get now(): number {
    return this.#timeline.now()
  }

  /** Whether time moves by itself. May be changed at any time. */
  get autoJump(): boolean {
    return this.#timeline.autoJump
  }

  set autoJump(on: boolean) {
    checkBoolean('autoJump', on)
    this.#timeline.autoJump = on
  }

  /**
   * Moves time by `ms` milliseconds. It stops at every event and deadline on the way, and lets the tasks that they wake
   * run until everything waits again. Resolves when everything waits at the new time.
   *
   * In a task this is an async operation and a checkpoint, and the task counts as waiting. It also works outside of
   * every run. Real work does not hold it up, nor does a task that does not rest within a hundred iterations of the
   * event loop.
   */
  advance(ms: number): Promise<void> {
    try {
      checkTime('ms', ms)
      if (ms < 0 || ms === Infinity) throw outOfRange('ms', 'a finite number of milliseconds, and not negative', ms)
      const at = this.#timeline.now() + ms
      if (currentFrame() === undefined) {
        return new Promise((resolve) => this.#timeline.aim({ at, reached: resolve }))
      }
      return new AdvanceOperation(this.#timeline, at).start()
    } catch (error) {
      return rejected(error)
    }
  }
}

class AdvanceOperation extends Operation<void> implements Goal {
  readonly at: number
  readonly #timeline: Timeline

  constructor(line: Timeline, at: number) {
    super()
    this.#timeline = line
    this.at = at
  }

  start(): Promise<void> {
    const promise = this.begin(enterOperation('advance'))
    this.#timeline.aim(this)
    return promise
  }

  reached(): void {
    this.resolve()
  }

  override describe(): string {
    return `advance of the virtual clock to ${this.at}`
  }

  override get waitsFor(): number {
    return TIME
  }

  protected override onCancel(cancelled: () => Cancelled): void {
    this.#timeline.dropGoal(this)
    this.reject(cancelled())
  }
}

const OPTIONS = optionNames<VirtualClockOptions>({ start: true, autoJump: true })
