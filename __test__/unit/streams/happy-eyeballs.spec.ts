/** N9: Happy Eyeballs with an injected connector and the kernel's clock. */
import test from 'ava'
import type { SocketAddress } from '../../../src/backends/contract/backend.ts'
import { Cancelled, ConnectionFailed } from '../../../src/errors.ts'
import { run as runOn } from '../../../src/run.ts'
import { openCancelScope, sleep } from '../../../src/scopes.ts'
import { connectToFirst, interleave } from '../../../src/streams/happy-eyeballs.ts'
import { type ManualClock, withManualClock } from '../../support/manual-clock.ts'

/** How an attempt goes: connects or fails after so many milliseconds. */
type Plan = { connects: number } | { fails: number }

/** Addresses that connect as planned. Keeps a diary of what happened when. */
class Connector {
  readonly diary: string[] = []
  readonly open = new Set<string>()
  readonly #plans: Record<string, Plan>
  readonly #clock: ManualClock
  readonly #start: number

  constructor(clock: ManualClock, plans: Record<string, Plan>) {
    this.#clock = clock
    this.#start = clock.now()
    this.#plans = plans
  }

  get addresses(): SocketAddress[] {
    return Object.keys(this.#plans).map((address) => ({
      address,
      port: 1,
      family: address.includes(':') ? 'IPv6' : 'IPv4',
    }))
  }

  first(delay = 250): Promise<string> {
    return connectToFirst(this.addresses, {
      delay,
      connect: ({ address }) => this.#connect(address),
      discard: (address) => void this.open.delete(address),
    })
  }

  async #connect(address: string): Promise<string> {
    this.#note(`${address} starts`)
    const plan = this.#plans[address]!
    try {
      await sleep('connects' in plan ? plan.connects : plan.fails)
    } catch (error) {
      this.#note(`${address} abandoned`)
      throw error
    }
    if ('fails' in plan) throw new Error(`${address} refused`)
    this.open.add(address)
    this.#note(`${address} connected`)
    return address
  }

  #note(what: string): void {
    this.diary.push(`${this.#clock.now() - this.#start}: ${what}`)
  }
}

/** Runs `body` in a task and moves the clock until it has settled. */
async function racing<T>(
  plans: Record<string, Plan>,
  body: (connector: Connector, clock: ManualClock) => Promise<T>,
): Promise<{ connector: Connector; result: PromiseSettledResult<T> }> {
  return withManualClock(async (clock) => {
    const connector = new Connector(clock, plans)
    const running = Promise.allSettled([runOn(() => body(connector, clock), { backend: 'node' })])
    let result: PromiseSettledResult<T> | undefined
    void running.then(([settled]) => (result = settled))
    while (result === undefined) await clock.advance(10)
    return { connector, result }
  })
}

test.serial('N9: of 1 s, 0.1 s and 0.2 s the second wins at 0.35 s, and the third is never started', async (t) => {
  const { connector, result } = await racing(
    { a: { connects: 1000 }, b: { connects: 100 }, c: { connects: 200 } },
    (connector) => connector.first(),
  )
  t.like(result, { status: 'fulfilled', value: 'b' })
  t.deepEqual(connector.diary, ['0: a starts', '250: b starts', '350: b connected', '350: a abandoned'])
  t.deepEqual([...connector.open], ['b'])
})

test.serial('N9: when the first fails at 0.05 s, the second starts at 0.05 s', async (t) => {
  const { connector, result } = await racing({ a: { fails: 50 }, b: { connects: 100 } }, (connector) =>
    connector.first(),
  )
  t.like(result, { status: 'fulfilled', value: 'b' })
  t.deepEqual(connector.diary, ['0: a starts', '50: b starts', '150: b connected'])
})

test.serial('N9: all fail: one error with all attempts inside, in their order', async (t) => {
  const { result } = await racing({ a: { fails: 400 }, b: { fails: 10 }, c: { fails: 10 } }, (connector) =>
    connector.first(),
  )
  t.is(result.status, 'rejected')
  const { reason } = result as PromiseRejectedResult
  t.true(reason instanceof ConnectionFailed)
  t.is((reason as ConnectionFailed).code, 'ERR_CONNECTION_FAILED')
  t.deepEqual((reason as ConnectionFailed).errors.map(String), [
    'Error: a refused',
    'Error: b refused',
    'Error: c refused',
  ])
})

test.serial('N9: one address: its bare error', async (t) => {
  const { result } = await racing({ a: { fails: 10 } }, (connector) => connector.first())
  t.like(result, { status: 'rejected', reason: { message: 'a refused' } })
})

test.serial('N9: an outer cancel leaves no connection and no attempt', async (t) => {
  const { connector, result } = await racing(
    { a: { connects: 1000 }, b: { connects: 1000 }, c: { connects: 1000 } },
    (connector) =>
      openCancelScope({ name: 'outer' }, async (scope) => {
        const connecting = connector.first()
        await sleep(600)
        scope.cancel()
        await t.throwsAsync(connecting, { instanceOf: Cancelled })
      }),
  )
  t.is(result.status, 'fulfilled')
  t.deepEqual(connector.diary, [
    '0: a starts',
    '250: b starts',
    '500: c starts',
    '600: a abandoned',
    '600: b abandoned',
    '600: c abandoned',
  ])
  t.is(connector.open.size, 0)
})

test.serial('two that connect in the same turn: one is kept, the other closed', async (t) => {
  const { connector, result } = await racing({ a: { connects: 350 }, b: { connects: 100 } }, (connector) =>
    connector.first(),
  )
  t.is(result.status, 'fulfilled')
  t.deepEqual([...connector.open], [(result as PromiseFulfilledResult<string>).value])
})

test('the families alternate, beginning with the first address’s', (t) => {
  const list = ['::1', '::2', '::3', '1.1.1.1', '2.2.2.2'].map((address): SocketAddress => ({
    address,
    port: 0,
    family: address.includes(':') ? 'IPv6' : 'IPv4',
  }))
  t.deepEqual(
    interleave(list).map(({ address }) => address),
    ['::1', '1.1.1.1', '::2', '2.2.2.2', '::3'],
  )
  t.deepEqual(
    interleave([...list].reverse()).map(({ address }) => address),
    ['2.2.2.2', '::3', '1.1.1.1', '::2', '::1'],
  )
  t.deepEqual(interleave([]), [])
})
