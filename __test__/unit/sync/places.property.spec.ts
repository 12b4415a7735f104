/** Locks, semaphores and limiters against one small model: so many places, a line, and grants that are told later. */
import test from 'ava'
import fc from 'fast-check'
import { WouldBlock } from '../../../src/errors.ts'
import { createCapacityLimiter } from '../../../src/sync/capacity-limiter.ts'
import { createLock } from '../../../src/sync/lock.ts'
import { createSemaphore } from '../../../src/sync/semaphore.ts'
import type { Grant } from '../../../src/sync/grant.ts'
import { type Actor, drain, same, withActors } from '../../support/actors.ts'
import { microtasks, runBare } from '../../support/kernel-run.ts'

const ACTORS = 5

type Step =
  { do: 'acquire' | 'use' | 'try' | 'release' | 'cancel'; who: number } | { do: 'flush' } | { do: 'total'; n: number }

const who = fc.nat({ max: ACTORS - 1 })
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('acquire'), who }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('use'), who }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('try'), who }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('release'), who }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('cancel'), who }) },
    { weight: 3, arbitrary: fc.constant({ do: 'flush' }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('total'), n: fc.nat({ max: 4 }) }) },
  ),
  { minLength: 4, maxLength: 24, size: 'max' },
)

/** What the three have in common. `index` is the actor that calls, for those who lend to names. */
interface Places {
  acquire(index: number): Promise<Grant>
  acquireNowait(index: number): Grant
  use(body: () => Promise<void>): Promise<void>
  setTotal?(n: number): void
  free(): number
  waiting(): number
}

function lockPlaces(): Places {
  const lock = createLock()
  return {
    acquire: () => lock.acquire(),
    acquireNowait: () => lock.acquireNowait(),
    use: (body) => lock.use(body),
    free: () => (lock.locked() ? 0 : 1),
    waiting: () => lock.statistics().tasksWaiting,
  }
}

function semaphorePlaces(total: number): Places {
  const semaphore = createSemaphore(total, { maxValue: Math.max(total, 1) })
  return {
    acquire: () => semaphore.acquire(),
    acquireNowait: () => semaphore.acquireNowait(),
    use: (body) => semaphore.use(body),
    free: () => semaphore.value,
    waiting: () => semaphore.statistics().tasksWaiting,
  }
}

function limiterPlaces(total: number, named: boolean): Places {
  const limiter = createCapacityLimiter(total)
  return {
    acquire: (index) => (named ? limiter.acquireOnBehalfOf(index) : limiter.acquire()),
    acquireNowait: (index) => (named ? limiter.acquireOnBehalfOfNowait(index) : limiter.acquireNowait()),
    use: (body) => limiter.use(body),
    setTotal: (n) => (limiter.totalTokens = n),
    free: () => limiter.availableTokens,
    waiting: () => limiter.statistics().tasksWaiting,
  }
}

/** `granted` is what has a place and has not been told: a cancellation still counts. */
type State = 'idle' | 'waiting' | 'granted' | 'has'

class Model {
  readonly states = Array.from({ length: ACTORS }, (): State => 'idle')
  readonly line: number[] = []
  events: string[] = []
  total: number

  constructor(total: number) {
    this.total = total
  }

  get free(): number {
    return this.total - this.states.filter((state) => state === 'granted' || state === 'has').length
  }

  acquire(index: number): void {
    if (this.free > 0) this.#has(index)
    else {
      this.states[index] = 'waiting'
      this.line.push(index)
    }
  }

  tryAcquire(index: number): boolean {
    if (this.free <= 0) return false
    this.states[index] = 'has'
    return true
  }

  release(index: number): void {
    this.states[index] = 'idle'
    this.serve()
  }

  cancel(index: number): void {
    const state = this.states[index]
    if (state !== 'waiting' && state !== 'granted') return
    if (state === 'waiting') this.line.splice(this.line.indexOf(index), 1)
    this.states[index] = 'idle'
    this.events.push(`${index} cancelled`)
    this.serve()
  }

  serve(): void {
    while (this.free > 0 && this.line.length > 0) this.states[this.line.shift()!] = 'granted'
  }

  /** Everybody is told; what is to be in the log now. */
  flush(): string[] {
    this.states.forEach((state, index) => {
      if (state === 'granted') this.#has(index)
    })
    const events = this.events.sort()
    this.events = []
    return events
  }

  #has(index: number): void {
    this.states[index] = 'has'
    this.events.push(`${index} has`)
  }
}

/** One script, on the thing itself and on the model. */
class Play {
  readonly #places: Places
  readonly #model: Model
  readonly #actors: readonly Actor[]
  readonly #log: string[]
  readonly #grants: (Grant | undefined)[] = []
  /** What ends the body of a `use`. */
  readonly #gates: ((() => void) | undefined)[] = []
  #over = false

  constructor(places: Places, total: number, actors: readonly Actor[], log: string[]) {
    this.#places = places
    this.#model = new Model(total)
    this.#actors = actors
    this.#log = log
  }

  async play(script: readonly Step[]): Promise<void> {
    try {
      for (const step of script) {
        if (this.#mustSettleBefore(step)) await this.#flush()
        const opened = this.#step(step)
        if (opened !== undefined) await this.#bodyOver(opened)
        this.#compare()
      }
      // Whatever the script left is brought to its end: nobody may be stuck.
      if (this.#model.total === 0) this.#setTotal(1)
      await this.#flush()
      await this.#finish()
    } finally {
      // After a failure: bodies that have not begun must not wait for gates that nobody opens.
      this.#over = true
      for (const open of this.#gates) open?.()
    }
  }

  /** A `use` whose body has not been called yet has no gate to open, and a cancellation would still reach it. */
  #mustSettleBefore(step: Step): boolean {
    if (step.do === 'flush') return true
    if (step.do !== 'cancel' && step.do !== 'release') return false
    return this.#model.states[step.who] === 'has' && this.#grants[step.who] === undefined
  }

  /** The actor whose body was let go on, if any: that takes some microtasks. */
  #step(step: Step): number | undefined {
    if (step.do === 'flush') return undefined
    if (step.do === 'total') this.#setTotal(step.n)
    else {
      const state = this.#model.states[step.who]!
      if (step.do === 'cancel') {
        this.#actors[step.who]!.cancel()
        this.#model.cancel(step.who)
      } else if (step.do !== 'release') {
        if (state === 'idle') this.#take(step.do, step.who)
      } else if (state === 'has') return this.#release(step.who)
    }
    return undefined
  }

  #take(how: 'acquire' | 'use' | 'try', index: number): void {
    if (how === 'try') return this.#try(index)
    const actor = this.#actors[index]!
    if (how === 'acquire') {
      actor.begin(
        () => this.#places.acquire(index),
        (grant) => {
          this.#grants[index] = grant
          return 'has'
        },
      )
    } else {
      const body = (): Promise<void> => {
        this.#log.push(`${index} has`)
        if (this.#over) return Promise.resolve()
        return new Promise<void>((resolve) => (this.#gates[index] = resolve))
      }
      actor.begin(
        () => this.#places.use(body),
        () => 'over',
      )
    }
    this.#model.acquire(index)
  }

  #try(index: number): void {
    try {
      this.#grants[index] = this.#actors[index]!.now(() => this.#places.acquireNowait(index))
      if (!this.#model.tryAcquire(index)) throw new Error(`${index} barged in`)
    } catch (error) {
      if (!(error instanceof WouldBlock) || this.#model.tryAcquire(index)) throw error
    }
  }

  #release(index: number): number | undefined {
    const gate = this.#gates[index]
    this.#gates[index] = undefined
    gate?.()
    if (gate !== undefined) return index
    const grant = this.#grants[index]!
    this.#grants[index] = undefined
    grant.release()
    // Twice is harmless.
    grant.release()
    this.#model.release(index)
    return undefined
  }

  async #bodyOver(index: number): Promise<void> {
    const events = this.#model.flush()
    await microtasks()
    this.#model.release(index)
    same(drain(this.#log).sort(), [...events, ...this.#model.flush(), `${index} over`].sort())
  }

  #setTotal(n: number): void {
    if (this.#places.setTotal === undefined) return
    this.#places.setTotal(n)
    this.#model.total = n
    this.#model.serve()
  }

  #compare(): void {
    same(
      { free: this.#places.free(), waiting: this.#places.waiting() },
      { free: this.#model.free, waiting: this.#model.line.length },
    )
  }

  async #flush(): Promise<void> {
    await microtasks()
    same(drain(this.#log).sort(), this.#model.flush())
  }

  async #finish(): Promise<void> {
    for (let index = this.#holder(); index !== -1; index = this.#holder()) {
      const opened = this.#release(index)
      await (opened === undefined ? this.#flush() : this.#bodyOver(opened))
    }
    same(
      this.#model.states,
      this.#actors.map(() => 'idle'),
    )
    same({ free: this.#places.free(), waiting: this.#places.waiting() }, { free: this.#model.total, waiting: 0 })
  }

  #holder(): number {
    return this.#model.states.indexOf('has')
  }
}

const total = fc.integer({ min: 1, max: 3 })
const cases: Record<string, { total: fc.Arbitrary<number>; make: (total: number) => Places }> = {
  'a lock': { total: fc.constant(1), make: lockPlaces },
  'a semaphore': { total, make: semaphorePlaces },
  'a capacity limiter that tasks borrow from': { total, make: (n) => limiterPlaces(n, false) },
  'a capacity limiter that names borrow from': { total, make: (n) => limiterPlaces(n, true) },
}

for (const [name, places] of Object.entries(cases)) {
  test.serial(`property: ${name} behaves as the model says`, async (t) => {
    await t.notThrowsAsync(
      runBare(() =>
        fc.assert(
          fc.asyncProperty(places.total, steps, (n, script) =>
            withActors(ACTORS, (actors, log) => new Play(places.make(n), n, actors, log).play(script)),
          ),
          { numRuns: 1500, includeErrorInReport: true },
        ),
      ),
    )
  })
}
