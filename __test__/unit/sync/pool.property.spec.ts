/**
 * Pools under random scripts: calls, cancellations, creates that come late or fail, bodies that fail, and `close`. What must hold
 * after every step (the invariants at the top of `sync/pool.ts`) is checked against the items themselves.
 */
import test from 'ava'
import fc from 'fast-check'
import { createPool, type Pool } from '../../../src/sync/pool.ts'
import { spendBudget } from '../../../src/kernel/turn.ts'
import { type Actor, drain, withActors } from '../../support/actors.ts'
import { iterations, microtasks, runBare } from '../../support/kernel-run.ts'

const ACTORS = 6

type Step =
  | { do: 'use' | 'cancel' | 'return' | 'fail'; who: number }
  | { do: 'made' | 'notMade' | 'destroyed' }
  | { do: 'flush' | 'spend' | 'close' }

const who = fc.nat({ max: ACTORS - 1 })
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('use'), who }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('cancel'), who }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('return'), who }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('fail'), who }) },
    { weight: 5, arbitrary: fc.constant({ do: 'made' }) },
    { weight: 2, arbitrary: fc.constant({ do: 'notMade' }) },
    { weight: 3, arbitrary: fc.constant({ do: 'destroyed' }) },
    { weight: 4, arbitrary: fc.constant({ do: 'flush' }) },
    { weight: 1, arbitrary: fc.constant({ do: 'spend' }) },
    { weight: 1, arbitrary: fc.constant({ do: 'close' }) },
  ),
  { minLength: 6, maxLength: 40, size: 'max' },
)

interface Item {
  readonly id: number
  /** The actor that has it. */
  at: number | undefined
  destroyed: boolean
}

class Play {
  readonly #pool: Pool<Item>
  readonly #max: number
  readonly #actors: readonly Actor[]
  readonly #log: string[]
  readonly #items: Item[] = []
  /** Creates and destroys under way. */
  readonly #making: { resolve(item: Item): void; reject(error: Error): void }[] = []
  readonly #destroying: (() => void)[] = []
  readonly #busy = new Set<number>()
  readonly #gates = new Map<number, { resolve(): void; reject(error: Error): void }>()
  /** Calls in the order of their arrival, without those that are over; and whose body began, in order. */
  #line: number[] = []
  #closed = false

  constructor(max: number, validates: boolean, actors: readonly Actor[], log: string[]) {
    this.#max = max
    this.#actors = actors
    this.#log = log
    this.#pool = createPool<Item>({
      max,
      create: () => new Promise((resolve, reject) => this.#making.push({ resolve, reject })),
      destroy: (item) => {
        if (item.destroyed) throw this.#wrong(`item ${item.id} was destroyed twice`)
        if (item.at !== undefined) throw this.#wrong(`item ${item.id} was destroyed while ${item.at} had it`)
        item.destroyed = true
        return new Promise<void>((resolve) => this.#destroying.push(resolve))
      },
      ...(validates ? { validate: ({ id }: Item) => id % 2 === 0 } : {}),
    })
  }

  #failure: Error | undefined

  #wrong(text: string): Error {
    return (this.#failure ??= new Error(text))
  }

  async play(script: readonly Step[]): Promise<void> {
    for (const step of script) {
      this.#step(step)
      if (step.do === 'flush') await this.#flush()
      this.#check()
    }
    await this.#finish()
  }

  #step(step: Step): void {
    if (step.do === 'use') this.#use(step.who)
    else if (step.do === 'cancel') this.#actors[step.who]!.cancel()
    else if (step.do === 'return') this.#gates.get(step.who)?.resolve()
    else if (step.do === 'fail') this.#gates.get(step.who)?.reject(new Error('body'))
    else if (step.do === 'made') this.#made()
    else if (step.do === 'notMade') this.#making.shift()?.reject(new Error('create'))
    else if (step.do === 'destroyed') this.#destroying.shift()?.()
    else if (step.do === 'spend') while (spendBudget());
    else if (step.do === 'close') this.#close()
  }

  #made(): void {
    const making = this.#making.shift()
    if (making === undefined) return
    const item = { id: this.#items.length, at: undefined, destroyed: false }
    this.#items.push(item)
    making.resolve(item)
  }

  #close(): void {
    this.#closed = true
    void this.#actors[0]!.now(() => this.#pool.close())
  }

  #use(index: number): void {
    if (this.#busy.has(index)) return
    this.#busy.add(index)
    this.#line.push(index)
    this.#actors[index]!.begin(
      () => this.#pool.use((item) => this.#body(index, item)),
      () => 'over',
    )
  }

  async #body(index: number, item: Item): Promise<void> {
    if (item.destroyed) throw this.#wrong(`item ${item.id} was lent after it was destroyed`)
    if (item.at !== undefined) throw this.#wrong(`item ${item.id} is lent to ${item.at} and ${index}`)
    if (this.#closed && this.#waiting(index)) throw this.#wrong(`${index} has an item of a closed pool`)
    this.#log.push(`${index} has`)
    item.at = index
    try {
      await new Promise<void>((resolve, reject) => this.#gates.set(index, { resolve, reject }))
    } finally {
      this.#gates.delete(index)
      item.at = undefined
    }
  }

  /** One that was granted its item before the close may still begin. */
  #waiting(_index: number): boolean {
    return this.#pool.statistics().tasksWaiting > 0
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure
    const { size, borrowed, idle, creating, closing, tasksWaiting } = this.#pool.statistics()
    if (size !== borrowed + idle + creating + closing) throw new Error('size is not the sum')
    // What is destroyed after its create was left behind comes beside those that there are.
    if (!this.#closed && size > this.#max) throw new Error(`${size} items, at most ${this.#max}`)
    if (tasksWaiting > 0 && idle > 0) throw new Error('a call waits beside an idle item')
    if (tasksWaiting > creating && size < this.#max) throw new Error('a call waits, there is room, and nothing is made')
    if (this.#closed && (tasksWaiting > 0 || idle > 0)) throw new Error('closed, and not empty')
  }

  async #flush(): Promise<void> {
    await iterations(2)
    await microtasks()
    const begun: number[] = []
    for (const line of drain(this.#log)) {
      const [index, what] = [Number(line[0]), line.slice(2)]
      if (what === 'has') begun.push(index)
      else {
        this.#busy.delete(index)
        this.#line = this.#line.filter((one) => one !== index)
      }
    }
    // First in, first out, among those that got an item.
    let place = -1
    for (const index of begun) {
      const next = this.#line.indexOf(index)
      if (next === -1) continue
      if (next < place) throw new Error(`${index} was served before its turn: ${this.#line.join()}`)
      place = next
    }
    this.#line = this.#line.filter((index) => !begun.includes(index))
    this.#check()
  }

  /** Everything is brought to its end: no call is stuck, and no item is lost. */
  async #finish(): Promise<void> {
    for (let round = 0; this.#busy.size > 0; round++) {
      if (round > 100) throw new Error(`stuck: ${[...this.#busy].join()}`)
      this.#made()
      this.#destroying.shift()?.()
      for (const gate of [...this.#gates.values()]) gate.resolve()
      await this.#flush()
    }
    this.#close()
    await this.#flush()
    for (let round = 0; round < 20; round++) {
      this.#made()
      this.#destroying.shift()?.()
      await iterations(1)
      await microtasks()
    }
    this.#check()
    const { size } = this.#pool.statistics()
    if (size !== 0) throw new Error(`${size} items are left`)
    const left = this.#items.filter(({ destroyed }) => !destroyed)
    if (left.length > 0) throw new Error(`never destroyed: ${left.map(({ id }) => id).join()}`)
  }
}

test.serial('property: a pool loses no item, lends none twice, and serves in the order of arrival', async (t) => {
  await t.notThrowsAsync(
    runBare(() =>
      fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.boolean(), steps, (max, validates, script) =>
          withActors(ACTORS, (actors, log) => new Play(max, validates, actors, log).play(script)),
        ),
        { numRuns: 500, includeErrorInReport: true },
      ),
    ),
  )
})
