/** The rate limiter against a model that knows nothing but the rule: a list of what was given when, and a line. */
import test from 'ava'
import fc from 'fast-check'
import { WouldBlock } from '../../../src/errors.ts'
import { deadlines } from '../../../src/kernel/deadlines.ts'
import { resetBudget, spendBudget } from '../../../src/kernel/turn.ts'
import { createRateLimiter, type RateLimiter } from '../../../src/sync/rate-limiter.ts'
import { type Actor, drain, same, withActors } from '../../support/actors.ts'
import { iterations, microtasks, runBare } from '../../support/kernel-run.ts'
import { type ManualClock, withManualClock } from '../../support/manual-clock.ts'

const ACTORS = 6
const LIMIT = 4
const INTERVAL = 20

type Step =
  | { do: 'acquire' | 'try'; who: number; n: number }
  | { do: 'cancel'; who: number }
  | { do: 'pass'; ms: number }
  | { do: 'hold'; ms: number }
  | { do: 'spend' }

const who = fc.nat({ max: ACTORS - 1 })
const n = fc.integer({ min: 1, max: LIMIT })
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 7, arbitrary: fc.record({ do: fc.constant('acquire'), who, n }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('try'), who, n }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('cancel'), who }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.integer({ min: 1, max: INTERVAL }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('hold'), ms: fc.integer({ min: 1, max: INTERVAL * 2 }) }) },
    { weight: 1, arbitrary: fc.constant({ do: 'spend' }) },
  ),
  { minLength: 4, maxLength: 30, size: 'max' },
)

class Model {
  now: number
  readonly given: { at: number; n: number }[] = []
  readonly line: { who: number; n: number }[] = []
  events: string[] = []

  constructor(now: number) {
    this.now = now
  }

  free(at = this.now): number {
    return (
      LIMIT - this.given.filter((one) => one.at > at - INTERVAL && one.at <= at).reduce((sum, one) => sum + one.n, 0)
    )
  }

  isIdle(index: number): boolean {
    return this.line.every(({ who }) => who !== index)
  }

  acquire(index: number, wanted: number): void {
    this.line.push({ who: index, n: wanted })
    this.serve()
  }

  tryTake(wanted: number): boolean {
    if (this.line.length > 0 || this.free() < wanted) return false
    this.given.push({ at: this.now, n: wanted })
    return true
  }

  cancel(index: number): void {
    const place = this.line.findIndex(({ who }) => who === index)
    if (place === -1) return
    this.line.splice(place, 1)
    this.events.push(`${index} cancelled`)
    this.serve()
  }

  serve(): void {
    while (this.line.length > 0 && this.free() >= this.line[0]!.n) {
      const { who: index, n: wanted } = this.line.shift()!
      this.given.push({ at: this.now, n: wanted })
      this.events.push(`${index} has ${wanted} at ${this.now}`)
    }
  }

  pass(ms: number): void {
    for (let left = ms; left > 0; left--) {
      this.now++
      this.serve()
    }
  }
}

class Play {
  readonly #limiter: RateLimiter
  readonly #model: Model
  readonly #clock: ManualClock
  readonly #actors: readonly Actor[]
  readonly #log: string[]

  constructor(clock: ManualClock, actors: readonly Actor[], log: string[]) {
    this.#limiter = createRateLimiter({ limit: LIMIT, interval: INTERVAL })
    this.#model = new Model(clock.now())
    this.#clock = clock
    this.#actors = actors
    this.#log = log
  }

  async play(script: readonly Step[]): Promise<void> {
    for (const step of script) {
      await this.#step(step)
      await this.#compare()
    }
    // No call is left waiting.
    while (this.#model.line.length > 0) {
      await this.#pass(INTERVAL)
      await this.#compare()
    }
    // In no interval are more than the limit.
    for (const { at } of this.#model.given) if (this.#model.free(at) < 0) throw new Error(`too many before ${at}`)
    if (deadlines.size > 0) throw new Error('a deadline is left')
  }

  async #step(step: Step): Promise<void> {
    if (step.do === 'pass') return this.#pass(step.ms)
    if (step.do === 'spend') {
      // What completes in this turn is told in the next one.
      while (spendBudget());
      return
    }
    if (step.do === 'hold') {
      // Time passes, and no timer fires: what is due is late.
      this.#clock.hold(step.ms)
      this.#model.now += step.ms
      await this.#pass(0)
      this.#model.serve()
    } else if (step.do === 'cancel') {
      this.#actors[step.who]!.cancel()
      this.#model.cancel(step.who)
    } else if (this.#model.isIdle(step.who)) {
      if (step.do === 'try') this.#try(step.who, step.n)
      else {
        const { who: index, n: wanted } = step
        this.#actors[index]!.begin(
          () => this.#limiter.acquire(wanted),
          () => `has ${wanted} at ${this.#clock.now()}`,
        )
        this.#model.acquire(index, wanted)
      }
    }
  }

  async #pass(ms: number): Promise<void> {
    await this.#clock.advance(ms)
    this.#model.pass(ms)
    resetBudget()
  }

  #try(index: number, wanted: number): void {
    let taken = true
    try {
      this.#actors[index]!.now(() => this.#limiter.acquireNowait(wanted))
    } catch (error) {
      if (!(error instanceof WouldBlock)) throw error
      taken = false
    }
    if (taken !== this.#model.tryTake(wanted)) throw new Error(`${index} should ${taken ? 'not ' : ''}have ${wanted}`)
  }

  async #compare(): Promise<void> {
    await iterations(1)
    await microtasks()
    same(drain(this.#log).sort(), this.#model.events.splice(0).sort())
    const { available, tasksWaiting } = this.#limiter.statistics()
    same({ available, tasksWaiting }, { available: this.#model.free(), tasksWaiting: this.#model.line.length })
  }
}

test.serial(
  'property: a rate limiter gives what the rule allows, when it allows it, in the order of arrival',
  async (t) => {
    await t.notThrowsAsync(
      withManualClock((clock) =>
        runBare(() =>
          fc.assert(
            fc.asyncProperty(steps, (script) =>
              withActors(ACTORS, (actors, log) => new Play(clock, actors, log).play(script)),
            ),
            { numRuns: 400, includeErrorInReport: true },
          ),
        ),
      ),
    )
  },
)
