/** `createRateLimiter`: never more than the limit in any interval, in the order of arrival, on the clock of the run. */
import test from 'ava'
import {
  Cancelled,
  CancelScope,
  createRateLimiter,
  createTaskGroup,
  currentTime,
  dumpTasks,
  moveOnAfter,
  type RateLimiter,
  run,
  sleep,
  waitAllTasksBlocked,
  WouldBlock,
} from '../../index.ts'
import { resetBudget, spendBudget } from '../../src/kernel/turn.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

const spent = (limiter: RateLimiter): number => limiter.statistics().limit - limiter.statistics().available

eachBackendWithClock(
  test,
  'Y40: what is over the limit waits until the oldest permits are an interval old, first in, first out',
  async (t, backend, clock) => {
    const limiter = createRateLimiter({ limit: 2, interval: 100 })
    const log: string[] = []
    let begun = 0
    const main = backend.run(() =>
      createTaskGroup(async (tg) => {
        begun = currentTime()
        for (let index = 0; index < 5; index++) {
          tg.spawn(async () => {
            await limiter.acquire()
            log.push(`${index} at ${currentTime() - begun}`)
          })
        }
        await waitAllTasksBlocked()
        t.deepEqual(limiter.statistics(), { limit: 2, interval: 100, available: 0, tasksWaiting: 3 })
        t.true(Object.isFrozen(limiter.statistics()))
        t.regex(dumpTasks(), /waits for a permit of a rate limiter \(2 in 100 ms\), since/)
      }),
    )
    await clock.advance(99)
    t.deepEqual(log, ['0 at 0', '1 at 0'])
    await clock.advance(1)
    t.deepEqual(log.slice(2), ['2 at 100', '3 at 100'])
    await clock.advance(100)
    await main
    t.deepEqual(log.slice(4), ['4 at 200'])
  },
)

eachBackendWithClock(
  test,
  'Y41: the window slides: permits of different times return one by one',
  async (t, backend, clock) => {
    const limiter = createRateLimiter({ limit: 2, interval: 100 })
    const times: number[] = []
    const main = backend.run(async () => {
      const begun = currentTime()
      for (let n = 0; n < 5; n++) {
        await limiter.acquire()
        times.push(currentTime() - begun)
        if (n === 0) await sleep(60)
      }
    })
    for (let step = 0; step < 26; step++) await clock.advance(10)
    await main
    t.deepEqual(times, [0, 60, 100, 160, 200])
  },
)

eachBackendWithClock(
  test,
  'Y42: a call that wants many waits for all of them, and those behind it wait for it',
  async (t, backend, clock) => {
    const limiter = createRateLimiter({ limit: 3, interval: 100 })
    const log: string[] = []
    const main = backend.run(() =>
      createTaskGroup(async (tg) => {
        await limiter.acquire(2)
        await sleep(10)
        await limiter.acquire()
        const begun = currentTime()
        for (const n of [3, 1]) {
          tg.spawn(async () => {
            await limiter.acquire(n)
            log.push(`${n} at ${currentTime() - begun}`)
          })
        }
        await waitAllTasksBlocked()
        t.throws(() => limiter.acquireNowait(), { instanceOf: WouldBlock })
      }),
    )
    await clock.advance(100)
    t.deepEqual(log, [])
    // Outside the run, the clock is that of the system.
    if (!backend.simulated) {
      t.is(spent(limiter), 1)
      t.throws(() => limiter.acquireNowait(), { instanceOf: WouldBlock }, 'others wait')
    }
    await clock.advance(10)
    t.deepEqual(log, ['3 at 100'])
    await clock.advance(100)
    await main
    t.deepEqual(log, ['3 at 100', '1 at 200'])
  },
)

eachBackendWithClock(
  test,
  'Y43: a cancelled waiter has taken nothing, and those behind it get what it kept them from',
  async (t, backend, clock) => {
    const limiter = createRateLimiter({ limit: 3, interval: 100 })
    const log: string[] = []
    const main = backend.run(() =>
      createTaskGroup(async (tg) => {
        await limiter.acquire(2)
        const scope = new CancelScope()
        tg.spawn(() => scope.run(() => limiter.acquire(2)))
        tg.spawn(async () => {
          await limiter.acquire()
          log.push('behind')
        })
        await waitAllTasksBlocked()
        t.deepEqual(log, [])
        scope.cancel()
        await waitAllTasksBlocked()
        t.deepEqual(log, ['behind'])
        t.deepEqual(limiter.statistics(), { limit: 3, interval: 100, available: 0, tasksWaiting: 0 })
        t.is(await moveOnAfter(50, () => limiter.acquire(3)), undefined)
        t.is(limiter.statistics().tasksWaiting, 0)
      }),
    )
    await clock.advance(50)
    await main
  },
)

eachBackend(test, 'Y44: bad input is refused, and nothing is taken', async (t, backend) => {
  const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  for (const limit of [0, -1, 1.5, NaN, Infinity]) t.throws(() => createRateLimiter({ limit, interval: 1 }), range)
  for (const interval of [0, -1, NaN, Infinity]) t.throws(() => createRateLimiter({ limit: 1, interval }), range)
  for (const wrong of [undefined, 1, { limit: '1', interval: 1 }, { limit: 1 }, { limit: 1, interval: 1, per: 1 }])
    t.throws(() => createRateLimiter(wrong as never), type)
  const limiter = createRateLimiter({ limit: 2, interval: 100 })
  await backend.run(async () => {
    for (const n of [0, -1, 3, 0.5, NaN]) {
      await t.throwsAsync(limiter.acquire(n), range)
      t.throws(() => limiter.acquireNowait(n), range)
    }
    await t.throwsAsync(limiter.acquire('1' as never), type)
    t.is(limiter.statistics().available, 2)
  })
  await t.throwsAsync(limiter.acquire(), { code: 'ERR_NOT_RUNNING' })
})

eachBackend(
  test,
  'Y45: in a cancelled scope a call throws and takes nothing, also where there are permits',
  async (t, backend) => {
    const limiter = createRateLimiter({ limit: 2, interval: 100 })
    await backend.run(async () => {
      const scope = new CancelScope()
      await scope.run(async () => {
        scope.cancel()
        t.true((await rejection(limiter.acquire())) instanceof Cancelled)
      })
      t.is(limiter.statistics().available, 2)
    })
  },
)

eachBackend(
  test,
  'Y46: permits that are always there let timers and other tasks go on, with the budget of the turn spent',
  async (t, backend) => {
    const limiter = createRateLimiter({ limit: 1_000_000, interval: 60_000 })
    await backend.run(async () => {
      let taken = 0
      const scope = new CancelScope()
      await createTaskGroup((tg) => {
        tg.spawn(async () => {
          await sleep(1)
          scope.cancel()
        })
        tg.spawn(() =>
          scope.run(async () => {
            for (;;) {
              await limiter.acquire()
              taken++
            }
          }),
        )
      })
      t.true(scope.cancelledCaught)
      t.is(spent(limiter), taken)
      while (spendBudget());
      await limiter.acquire()
      t.is(spent(limiter), taken + 1)
      resetBudget()
    })
  },
)

test.serial('Y47: each simulated clock has a window of its own; runs on the system clock share one', async (t) => {
  const limiter = createRateLimiter({ limit: 1, interval: 60_000 })
  for (let n = 0; n < 2; n++) {
    await run(
      async () => {
        await limiter.acquire()
        const begun = currentTime()
        await limiter.acquire()
        t.is(currentTime() - begun, 60_000)
      },
      { backend: 'virtual' },
    )
  }
  limiter.acquireNowait()
  await run(() => t.throws(() => limiter.acquireNowait(), { instanceOf: WouldBlock }), { backend: 'node' })
})
