/** A condition against a small model: who has the lock, who stands in line for it, who waits to be notified. */
import test from 'ava'
import fc from 'fast-check'
import { createCondition } from '../../../src/sync/condition.ts'
import { type Actor, drain, same, withActors } from '../../support/actors.ts'
import { microtasks, runBare } from '../../support/kernel-run.ts'

const ACTORS = 5

interface Step {
  do: string
  who: number
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    do: fc.constantFrom(
      ...['acquire', 'acquire', 'wait', 'wait', 'wait', 'notify', 'notify 2', 'notify all'],
      ...['release', 'release', 'cancel', 'cancel', 'flush', 'flush'],
    ),
    who: fc.nat({ max: ACTORS - 1 }),
  }),
  { minLength: 8, maxLength: 40, size: 'max' },
)

/** `granted` is what has the lock and has not been told: a cancellation still counts. */
type State = 'idle' | 'waiting' | 'line' | 'granted' | 'has'

/** The rules of the condition, for calls that are told when the script flushes. */
class Model {
  readonly states = Array.from({ length: ACTORS }, (): State => 'idle')
  /** What the running call of each will come to. */
  readonly #ends: string[] = []
  readonly line: number[] = []
  readonly waiters: number[] = []
  #events: string[] = []

  get owner(): number | undefined {
    const index = this.states.findIndex((state) => state === 'granted' || state === 'has')
    return index === -1 ? undefined : index
  }

  acquire(index: number): void {
    this.#ends[index] = 'acquired'
    if (this.owner !== undefined) this.#stand(index)
    else this.#has(index)
  }

  wait(index: number): void {
    this.states[index] = 'waiting'
    this.waiters.push(index)
    this.#next()
  }

  notify(count: number): void {
    for (let n = 0; n < count && this.waiters.length > 0; n++) {
      const index = this.waiters.shift()!
      this.#ends[index] = 'woken'
      this.#stand(index)
    }
  }

  release(index: number): void {
    this.states[index] = 'idle'
    this.#next()
  }

  cancel(index: number): void {
    const state = this.states[index]
    if (state === 'waiting') {
      this.waiters.splice(this.waiters.indexOf(index), 1)
      this.#ends[index] = 'cancelled'
      this.#stand(index)
      if (this.owner === undefined) this.#next()
    } else if (state === 'line' || state === 'granted') {
      const end = this.#ends[index]
      this.#ends[index] = 'cancelled'
      if (end === 'acquired') this.#leave(index)
      else if (end === 'woken') this.notify(1)
    }
  }

  /** Everybody is told; what is to be in the log now. */
  flush(): string[] {
    this.states.forEach((state, index) => {
      if (state === 'granted') this.#has(index)
    })
    const events = this.#events.sort()
    this.#events = []
    return events
  }

  #stand(index: number): void {
    this.states[index] = 'line'
    this.line.push(index)
  }

  #leave(index: number): void {
    const granted = this.states[index] === 'granted'
    if (!granted) this.line.splice(this.line.indexOf(index), 1)
    this.states[index] = 'idle'
    this.#events.push(`${index} cancelled`)
    if (granted) this.#next()
  }

  #has(index: number): void {
    this.states[index] = 'has'
    this.#events.push(`${index} ${this.#ends[index]}`)
  }

  #next(): void {
    const index = this.line.shift()
    if (index !== undefined) this.states[index] = 'granted'
  }
}

async function play(script: readonly Step[], actors: readonly Actor[], log: string[]): Promise<void> {
  const condition = createCondition()
  const model = new Model()
  const compare = (): void => {
    const { tasksWaiting, lockStatistics } = condition.statistics()
    same(
      [condition.locked(), tasksWaiting, lockStatistics.tasksWaiting],
      [model.owner !== undefined, model.waiters.length, model.line.length],
    )
  }
  const flush = async (): Promise<void> => {
    await microtasks()
    same(drain(log).sort(), model.flush())
    compare()
  }
  const notify = (index: number, count: number): void => {
    actors[index]!.now(() => (count === Infinity ? condition.notifyAll() : condition.notify(count)))
    model.notify(count)
  }
  const release = (index: number): void => {
    actors[index]!.now(() => condition.release())
    model.release(index)
  }
  for (const { do: what, who } of script) {
    const state = model.states[who]!
    if (what === 'flush') await flush()
    else if (what === 'cancel') {
      actors[who]!.cancel()
      model.cancel(who)
    } else if (what === 'acquire') {
      if (state !== 'idle') continue
      actors[who]!.begin(
        () => condition.acquire(),
        () => 'acquired',
      )
      model.acquire(who)
    } else if (state !== 'has') continue
    else if (what === 'wait') {
      actors[who]!.begin(
        () => condition.wait(),
        () => 'woken',
      )
      model.wait(who)
    } else if (what === 'release') release(who)
    else notify(who, what === 'notify' ? 1 : what === 'notify 2' ? 2 : Infinity)
    compare()
  }
  await flush()
  // Whatever the script left is brought to its end: nobody may be stuck.
  for (let rounds = 0; model.states.some((state) => state !== 'idle'); rounds++) {
    const { owner } = model
    if (rounds > 100) throw new Error('it does not come to an end')
    if (owner === undefined) {
      const idle = model.states.indexOf('idle')
      const waiting = model.waiters[0]!
      if (idle === -1) {
        actors[waiting]!.cancel()
        model.cancel(waiting)
      } else {
        actors[idle]!.begin(
          () => condition.acquire(),
          () => 'acquired',
        )
        model.acquire(idle)
      }
    } else {
      notify(owner, Infinity)
      release(owner)
    }
    await flush()
  }
  same([condition.locked(), condition.statistics().tasksWaiting], [false, 0])
}

test.serial('property: a condition behaves as the model says', async (t) => {
  await t.notThrowsAsync(
    runBare(() =>
      fc.assert(
        fc.asyncProperty(steps, (script) => withActors(ACTORS, (actors, log) => play(script, actors, log))),
        { numRuns: 2000, includeErrorInReport: true },
      ),
    ),
  )
})
