/**
 * The virtual backend's time, and the order in which things go on there. What is waited for takes no time, so times are
 * asserted exactly.
 */
import test from 'ava'
import {
  abandonOnCancel,
  Cancelled,
  connectTcp,
  createEvent,
  createTaskGroup,
  createTcpServer,
  currentTime,
  failAfter,
  moveOnAfter,
  openCancelScope,
  run,
  sleep,
  UsageError,
} from '../../index.ts'
import { VirtualClock } from '../../src/backends/virtual/clock.ts'
import { VirtualNetwork } from '../../src/backends/virtual/network.ts'
import { rejection } from '../support/rejection.ts'
import { virtualWorld } from '../support/virtual.ts'

// Time

test('time jumps from one deadline to the next, in exact order', async (t) => {
  const seen: [string, number][] = []
  await run(
    () =>
      createTaskGroup((group) => {
        for (const [name, ms] of [
          ['year', 365 * 86_400_000],
          ['hour', 3_600_000],
          ['second hour', 3_600_000],
          ['moment', 0.001],
        ] as const) {
          group.spawn(async () => {
            await sleep(ms)
            seen.push([name, currentTime()])
          })
        }
      }),
    { backend: 'virtual' },
  )
  t.deepEqual(seen, [
    ['moment', 0.001],
    ['hour', 3_600_000],
    ['second hour', 3_600_000],
    ['year', 365 * 86_400_000],
  ])
})

test('a thousand hours of sleeps, ten thousand of them', async (t) => {
  const world = virtualWorld()
  await world.run(() =>
    createTaskGroup((group) => {
      for (let task = 0; task < 100; task++) {
        group.spawn(async () => {
          for (let hour = 0; hour < 100; hour++) await sleep(36_000_000 / 100 + task)
        })
      }
    }),
  )
  t.is(world.clock.now, 36_000_000 + 99 * 100)
})

test('what has arrived wins over a deadline of the same moment', async (t) => {
  const world = virtualWorld({ latency: 50 })
  const server = world.network.host('server', { addresses: ['10.1.0.1'] })
  await world.run(async () => {
    await using listener = await server.run(() => createTcpServer(80))
    await using client = await connectTcp('server', 80)
    await using accepted = await listener.accept()
    await accepted.sendAll('just in time')
    const received = await moveOnAfter(50, () => client.receiveSome())
    t.is(received?.toString(), 'just in time')
    await accepted.sendAll('too late')
    t.is(await moveOnAfter(49, () => client.receiveSome()), undefined)
  })
})

test('time stands still while work in the real world is under way', async (t) => {
  const world = virtualWorld()
  await world.run(() =>
    createTaskGroup((group) => {
      const real = new Promise<void>((resolve) => setTimeout(resolve, 20))
      group.spawn(async () => {
        await failAfter(10, () => abandonOnCancel(real))
        t.is(currentTime(), 0)
      })
      group.spawn(async () => {
        await sleep(5)
        t.is(currentTime(), 5)
      })
    }),
  )
})

test('where nothing lies ahead the run waits, for whatever comes from outside', async (t) => {
  const world = virtualWorld()
  const event = createEvent()
  setTimeout(() => event.set(), 5)
  await world.run(async () => {
    await event.wait()
    t.is(currentTime(), 0)
  })
})

test('without autoJump time moves by advance alone, stopping at everything on the way', async (t) => {
  const clock = new VirtualClock({ start: 1000, autoJump: false })
  const world = virtualWorld({}, clock)
  const seen: number[] = []
  const running = world.run(async () => {
    for (let lap = 0; lap < 5; lap++) {
      await sleep(10)
      seen.push(currentTime())
    }
  })
  await clock.advance(0)
  t.deepEqual(seen, [])
  await clock.advance(35)
  t.deepEqual(seen, [1010, 1020, 1030])
  t.is(clock.now, 1035)
  clock.autoJump = true
  await running
  t.deepEqual(seen.slice(3), [1040, 1050])
})

test('advance in a task: it counts as waiting, can be cancelled, and is not past what it wakes', async (t) => {
  const clock = new VirtualClock({ autoJump: false })
  const world = virtualWorld({}, clock)
  await world.run(async () => {
    await createTaskGroup(async (group) => {
      let woken = 0
      group.spawn(async () => {
        await sleep(10)
        for (let step = 0; step < 20; step++) await sleep(0)
        woken = currentTime()
      })
      await clock.advance(11)
      t.is(woken, 10)
      t.is(currentTime(), 11)
    })
    await openCancelScope(async (scope) => {
      scope.cancel()
      t.true((await rejection(clock.advance(1))) instanceof Cancelled)
    })
    t.is(clock.now, 11)
  })
})

test('advance is not held up by what never comes to rest', async (t) => {
  const clock = new VirtualClock({ autoJump: false })
  const world = virtualWorld({}, clock)
  await world.run(async () => {
    await openCancelScope(async (scope) => {
      await createTaskGroup(async (group) => {
        group.spawn(async () => {
          for (;;) await sleep(0)
        })
        await clock.advance(100)
        scope.cancel()
      })
    })
    t.is(clock.now, 100)
  })
})

test('bad arguments of a clock, and of the backend, are refused', async (t) => {
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
  t.throws(() => new VirtualClock({ start: 'now' as never }), type)
  t.throws(() => new VirtualClock({ start: Infinity }), range)
  t.throws(() => new VirtualClock({ autoJump: 1 as never }), type)
  await t.throwsAsync(new VirtualClock().advance(-1), range)
  await t.throwsAsync(new VirtualClock().advance(NaN), range)
  const start = (backendOptions: object): Promise<unknown> => run(() => {}, { backend: 'virtual', backendOptions })
  await t.throwsAsync(start({ seed: 1.5 }), range)
  await t.throwsAsync(start({ seed: '1' }), type)
  await t.throwsAsync(start({ clock: {} }), type)
  await t.throwsAsync(start({ network: {} }), type)
  const network = new VirtualNetwork()
  await start({ network })
  await t.throwsAsync(start({ network, clock: new VirtualClock() }), { instanceOf: UsageError, message: /clock/ })
})

// Order. Serial: the turns of the event loop, and what may be done in each, are shared by all runs of a thread.

async function interleaving(seed: number | undefined): Promise<string> {
  const order: string[] = []
  await run(
    () =>
      createTaskGroup((group) => {
        for (const name of ['a', 'b', 'c', 'd']) {
          group.spawn(async () => {
            for (let step = 0; step < 4; step++) {
              order.push(name)
              await sleep(step % 2)
            }
          })
        }
      }),
    { backend: 'virtual', backendOptions: { seed } },
  )
  return order.join('')
}

test.serial(
  'the same seed gives the same order, others give others, and none gives the order of arrival',
  async (t) => {
    t.is(await interleaving(undefined), 'abcdabcdabcdabcd')
    const orders = new Set<string>()
    for (let seed = 0; seed < 20; seed++) {
      const order = await interleaving(seed)
      t.is(await interleaving(seed), order)
      orders.add(order)
    }
    t.true(orders.size > 15, `only ${orders.size} orders`)
  },
)
