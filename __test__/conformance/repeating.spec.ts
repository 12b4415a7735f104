/** `every` and `ticks`: the times of the calls, skipped times, and the end. */
import test from 'ava'
import {
  Cancelled,
  createTaskGroup,
  currentTime,
  dumpTasks,
  every,
  type EveryOptions,
  moveOnAfter,
  openCancelScope,
  ResourceBusyError,
  sleep,
  sleepForever,
  ticks,
  waitAllTasksBlocked,
} from '../../index.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

type Call = [tick: number, at: number]

/** The number and the time of each call and step within `limit` ms; call n takes `takes[n]` ms. */
async function record(options: EveryOptions | undefined, takes: number[], limit: number): Promise<[Call[], Call[]]> {
  const start = currentTime()
  const work = async (calls: Call[], tick: number): Promise<void> => {
    calls.push([tick, currentTime() - start])
    const ms = takes[calls.length - 1] ?? 0
    if (ms > 0) await sleep(ms)
  }
  const called: Call[] = []
  const stepped: Call[] = []
  await createTaskGroup((tg) => {
    tg.spawn(() =>
      moveOnAfter(limit, () => {
        const fn = (tick: number): Promise<void> => work(called, tick)
        return options === undefined ? every(100, fn) : every(100, options, fn)
      }),
    )
    tg.spawn(() =>
      moveOnAfter(limit, async () => {
        for await (const tick of ticks(100, options)) await work(stepped, tick)
      }),
    )
  })
  return [called, stepped]
}

for (const [title, options, takes, limit, expected] of [
  [
    'first after one interval, then on the schedule',
    undefined,
    [30, 99],
    350,
    [
      [1, 100],
      [2, 200],
      [3, 300],
    ],
  ],
  [
    'at once with immediate',
    { immediate: true },
    [],
    250,
    [
      [0, 0],
      [1, 100],
      [2, 200],
    ],
  ],
  [
    'what passed meanwhile is left out',
    {},
    [250, 100],
    650,
    [
      [1, 100],
      [4, 400],
      [5, 500],
      [6, 600],
    ],
  ],
  [
    'a call that takes its whole interval misses nothing',
    {},
    [100, 100],
    350,
    [
      [1, 100],
      [2, 200],
      [3, 300],
    ],
  ],
  [
    'also behind an immediate one',
    { immediate: true },
    [150],
    350,
    [
      [0, 0],
      [2, 200],
      [3, 300],
    ],
  ],
  [
    'made up for with catch-up',
    { missed: 'catch-up' },
    [250],
    450,
    [
      [1, 100],
      [2, 350],
      [3, 350],
      [4, 400],
    ],
  ],
] as [string, EveryOptions | undefined, number[], number, Call[]][]) {
  eachBackendWithClock(test, `R113: every and ticks: ${title}`, async (t, backend, clock) => {
    const running = backend.run(() => record(options, takes, limit))
    await clock.advance(2000)
    const [called, stepped] = await running
    t.deepEqual(called, expected)
    t.deepEqual(stepped, expected)
  })
}

eachBackendWithClock(
  test,
  'R114: an error of the function ends every and comes out of it',
  async (t, backend, clock) => {
    const failure = new Error('failed')
    let calls = 0
    const running = backend.run(() =>
      rejection(
        every(10, () => {
          if (++calls === 3) throw failure
        }),
      ),
    )
    await clock.advance(100)
    t.is(await running, failure)
    t.is(calls, 3)
  },
)

eachBackendWithClock(
  test,
  'R115: a step of ticks that was cancelled can be taken again; a second one beside it is busy; break ends the loop alone',
  async (t, backend, clock) => {
    const running = backend.run(async () => {
      const start = currentTime()
      const steps = ticks(100)
      t.is(await moveOnAfter(50, () => steps.next()), undefined)
      await createTaskGroup(async (tg) => {
        tg.spawn(async () => t.deepEqual(await steps.next(), { done: false, value: 1 }))
        await sleep(10)
        t.true((await rejection(steps.next())) instanceof ResourceBusyError)
      })
      for await (const tick of steps) {
        t.is(tick, 2)
        break
      }
      for await (const tick of steps) {
        t.is(tick, 3)
        break
      }
      t.is(currentTime() - start, 300)
    })
    await clock.advance(1000)
    await running
  },
)

eachBackend(test, 'R116: invalid intervals and options are refused before anything is called', async (t, backend) => {
  const never = (): never => t.fail('was called')
  await backend.run(async () => {
    for (const interval of [0, -1, NaN, -Infinity]) {
      t.true((await rejection(every(interval, never))) instanceof RangeError)
      t.throws(() => ticks(interval), { instanceOf: RangeError })
    }
    t.true((await rejection(every('1' as never, never))) instanceof TypeError)
    for (const options of [{ missed: 'later' }, { missed: 1 }]) {
      t.true((await rejection(every(1, options as never, never))) instanceof RangeError)
    }
    t.true((await rejection(every(1, { immediate: 1 } as never, never))) instanceof TypeError)
    t.true((await rejection(every(1, {} as never, undefined as never))) instanceof TypeError)
    // One that never comes.
    t.is(await moveOnAfter(0, () => every(Infinity, never)), undefined)
    t.is((await ticks(Infinity, { immediate: true }).next()).value, 0)
  })
  t.is(((await rejection(every(1, never))) as { code?: string }).code, 'ERR_NOT_RUNNING')
  t.is(((await rejection(ticks(1).next())) as { code?: string }).code, 'ERR_NOT_RUNNING')
})

eachBackend(
  test,
  'R117: dumpTasks shows what every waits for; with a function that never settles it ends with its scope',
  async (t, backend) => {
    await backend.run(async () => {
      let left: Promise<unknown> | undefined
      await createTaskGroup(async (tg) => {
        tg.spawn({ name: 'job' }, () => every(1e6, () => {}))
        tg.spawn(() => every(1e6, { immediate: true }, () => sleepForever()))
        await waitAllTasksBlocked()
        t.regex(dumpTasks(), /"job" waits for every\(1000000\) until \d+/)
        await openCancelScope(() => {
          left = every(1e6, () => {})
        })
        tg.cancelScope.cancel()
      })
      t.true((await rejection(left!)) instanceof Cancelled)
    })
  },
)

eachBackend(test, 'R118: a loop that catches the cancellation of ticks does not hold up timers', async (t, backend) => {
  await backend.run(async () => {
    let tries = 0
    await openCancelScope(async (scope) => {
      scope.cancel()
      const until = new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 5))
      let over = false
      void until.then(() => (over = true))
      for (const steps = ticks(1); !over;) {
        tries++
        await steps.next().catch(() => {})
      }
    })
    t.true(tries > 1)
  })
})
