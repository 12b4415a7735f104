/** Typical mistakes: swallowed cancellations, dropped calls, promises that no scope can reach. */
import test from 'ava'
import {
  Cancelled,
  CancelScope,
  createCondition,
  createCapacityLimiter,
  createEvent,
  createLock,
  createSemaphore,
  createTaskGroup,
  dumpTasks,
  ExceptionGroup,
  failAfter,
  moveOnAfter,
  openCancelScope,
  sleep,
  sleepForever,
  UsageError,
} from '../../index.ts'
import { spendBudget } from '../../src/kernel/turn.ts'
import { eachBackend, eachRealBackend } from '../support/backends.ts'
import { iterations } from '../support/kernel-run.ts'
import { rejection } from '../support/rejection.ts'
import { collectWarnings } from '../support/warnings.ts'

/** Foreign work, and the function that ends it. */
function foreign<T>(): { promise: Promise<T>; settle: (value: T) => void; fail: (error: unknown) => void } {
  let settle!: (value: T) => void
  let fail!: (error: unknown) => void
  const promise = new Promise<T>((resolve, reject) => {
    settle = resolve
    fail = reject
  })
  return { promise, settle, fail }
}

eachBackend(test, 'S30: a loop that swallows every cancellation lets the event loop go on', async (t, backend) => {
  let rounds = 0
  let most = 0
  await backend.run(async () => {
    await moveOnAfter(-1, async () => {
      let over = false
      let inIteration = 0
      const count = (): void => {
        most = Math.max(most, inIteration)
        inIteration = 0
        if (!over) setImmediate(count)
      }
      setImmediate(count)
      while (rounds < 500) {
        try {
          await sleep(100)
        } catch {
          rounds++
          inIteration++
        }
      }
      over = true
    })
  })
  t.is(rounds, 500)
  t.true(most <= 64, `${most} deliveries between two iterations`)
})

eachBackend(
  test,
  'S31: after a thousand swallowed cancellations a warning names task, scope and wait',
  async (t, backend) => {
    const warnings = collectWarnings()
    const clock: number[] = []
    await backend.run(
      async function swallower() {
        await openCancelScope({ name: `swallowed on ${backend.label}` }, async (scope) => {
          scope.cancel()
          const before = (await import('../../index.ts')).currentTime()
          for (let round = 0; round < 1100; round++) await sleep(5).catch(() => undefined)
          clock.push(before, (await import('../../index.ts')).currentTime())
        })
      },
      { name: undefined },
    )
    await iterations(2)
    warnings.stop()
    const [told, ...more] = warnings.of('STRUCTIO_SWALLOWED')
    t.deepEqual(more, [])
    t.regex(told!.message, /task "swallower"/)
    t.regex(told!.message, new RegExp(`scope "swallowed on ${backend.label}"`))
    t.regex(told!.message, /sleep/)
    t.regex(told!.message, /--disable-warning=STRUCTIO_SWALLOWED/)
    if (backend.simulated) t.is(clock[0], clock[1], 'the simulated clock has moved')
  },
)

eachBackend(
  test,
  'S32: a dropped call that retries for ever neither freezes the thread nor holds its run',
  async (t, backend) => {
    let rounds = 0
    let over = false
    await backend.run(async () => {
      void (async () => {
        while (!over) {
          try {
            await sleep(1000)
          } catch {
            rounds++
          }
        }
      })()
    })
    const before = rounds
    await iterations(4)
    t.true(rounds > before, 'every wait is still refused')
    t.true(rounds - before <= 5 * 64)
    over = true
    await iterations(2)
  },
)

eachRealBackend(
  test,
  'S33: an overrun limit gives a warning with remedies, and dumpTasks shows it',
  async (t, backend) => {
    const warnings = collectWarnings()
    const { promise, settle } = foreign<string>()
    let dump = ''
    const value = await backend.run(
      () =>
        failAfter(1, { name: `load on ${backend.label}` }, async function load() {
          while (warnings.told.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
          dump = dumpTasks()
          settle('late')
          return promise
        }),
      { overdueAfter: 20 },
    )
    warnings.stop()
    t.is(value, 'late', 'a body that returned its value is no timeout')
    const [told] = warnings.of('STRUCTIO_OVERDUE')
    t.regex(
      told!.message,
      new RegExp(`scope "load on ${backend.label}" in task "main"|scope "load on ${backend.label}"`),
    )
    t.regex(told!.message, /its body "load"/)
    for (const way of ['scope.signal', 'abandonOnCancel', 'abandon: true']) t.true(told!.message.includes(way), way)
    t.regex(dump, /overdue for \d+ ms/)
  },
)

eachRealBackend(
  test,
  'S34: a body that waits for the library is not overdue, and Infinity is never',
  async (t, backend) => {
    const warnings = collectWarnings()
    await backend.run(
      async () => {
        await moveOnAfter(1, { name: `cleanup on ${backend.label}` }, async () => {
          try {
            await sleepForever()
          } finally {
            await openCancelScope({ shield: true }, () => sleep(60))
          }
        })
      },
      { overdueAfter: 10 },
    )
    await backend.run(
      () =>
        moveOnAfter(1, { name: `never on ${backend.label}` }, () => new Promise((resolve) => setTimeout(resolve, 40))),
      { overdueAfter: Infinity },
    )
    warnings.stop()
    t.deepEqual(warnings.of('STRUCTIO_OVERDUE'), [])
  },
)

eachBackend(
  test,
  'S39: clean-up behind forty layers of async runs in a live frame, also with the budget of the turn spent',
  async (t, backend) => {
    for (const layers of [1, 8, 13, 40]) {
      for (const busy of [false, true]) {
        let outcome: unknown
        const layer = async (depth: number): Promise<void> => {
          if (depth === 0) return sleepForever()
          if (depth < layers) {
            await layer(depth - 1)
            return
          }
          try {
            await layer(depth - 1)
          } finally {
            outcome = await openCancelScope({ shield: true }, () => sleep(0)).then(
              () => 'cleaned up',
              (error: unknown) => error,
            )
          }
        }
        await backend.run(async () => {
          await openCancelScope(() => {
            if (busy) while (spendBudget());
            return Promise.race([layer(layers), sleep(0)])
          })
          t.is(outcome, 'cleaned up', `${layers} layers, ${busy ? 'busy' : 'idle'}`)
        })
      }
    }
  },
)

/** Ways for a race to end by a cancellation that reaches all of its branches: none is pending when the body settles. */
const CANCELLED_RACES: Record<string, (loser: () => Promise<void>) => Promise<unknown>> = {
  'both branches waited': (loser) =>
    openCancelScope((scope) => {
      void Promise.resolve().then(() => scope.cancel())
      return Promise.race([loser(), sleepForever()])
    }),
  'the winner cancelled the scope': (loser) =>
    openCancelScope((scope) => {
      const losing = loser()
      scope.cancel()
      return Promise.race([losing, 'won'])
    }),
  'both branches were refused': (loser) =>
    openCancelScope((scope) => {
      scope.cancel()
      return Promise.race([loser(), sleepForever()])
    }),
  'the loser was in a scope of its own': (loser) =>
    openCancelScope((scope) => {
      void Promise.resolve().then(() => scope.cancel())
      return Promise.race([openCancelScope(() => sleepForever()).then(loser, loser), sleepForever()])
    }),
  'a task raced': (loser) =>
    createTaskGroup((group) => {
      const handle = group.spawn(() => Promise.race([loser(), sleepForever()]))
      group.spawn(() => handle.cancel())
    }),
}

for (const [how, race] of Object.entries(CANCELLED_RACES)) {
  eachBackend(test, `S46: a loser behind layers of async cleans up in a live frame: ${how}`, async (t, backend) => {
    for (const layers of [1, 8, 40]) {
      let outcome: unknown
      const layer = async (depth: number): Promise<void> => (depth === 0 ? sleepForever() : await layer(depth - 1))
      const loser = async (): Promise<void> => {
        try {
          await layer(layers)
        } finally {
          outcome = await openCancelScope({ shield: true }, () => sleep(0)).then(
            () => 'cleaned up',
            (error: unknown) => error,
          )
        }
      }
      await backend.run(async () => {
        await race(loser)
        t.is(outcome, 'cleaned up', `${layers} layers`)
      })
    }
  })
}

eachBackend(
  test,
  'S40: a scope does not end before its own promise settles, with the budget of the turn spent',
  async (t, backend) => {
    await backend.run(async () => {
      const order: string[] = []
      const scope = new CancelScope()
      const event = createEvent()
      const settled = scope.run(() => event.wait()).then(() => order.push('settled'))
      await sleep(0)
      while (spendBudget());
      event.set()
      // In the frame of the scope, until it has ended: as its clean-up would.
      for (let look = 0; look < 50 && order.length === 0; look++) await null
      await settled
      t.deepEqual(order, ['settled'])
    })
  },
)

eachBackend(
  test,
  'G20: no task vanishes: a cancellation kept from an earlier round is an error',
  async (t, backend) => {
    await backend.run(async () => {
      const error = await rejection(
        createTaskGroup(async (tg) => {
          const never = createEvent()
          tg.spawn(async () => {
            let kept: Promise<unknown> | undefined
            for (;;) {
              await moveOnAfter(1, async () => {
                kept ??= never.wait()
                await kept
              })
              await kept
            }
          })
          await sleepForever()
        }),
      )
      const [leaf] = (error as ExceptionGroup).errors as Error[]
      t.true(leaf instanceof UsageError)
      t.true(leaf!.cause instanceof Cancelled)
    })
  },
)

eachBackend(
  test,
  'G21: a failed value() that is not awaited is no unhandled rejection; the group reports it once',
  async (t, backend) => {
    await backend.run(async () => {
      const error = await rejection(
        createTaskGroup(async (tg) => {
          const handle = tg.spawn(async () => {
            await sleep(0)
            throw new Error('boom')
          })
          void handle.value()
          await handle.wait()
          void handle.value()
        }),
      )
      t.is((error as ExceptionGroup).errors.length, 1)
    })
  },
)

eachBackend(
  test,
  'G22: start gives the value of a child that signalled and finished, in a cancelled scope too',
  async (t, backend) => {
    await backend.run(async () => {
      const value = await openCancelScope((scope) => {
        scope.cancel()
        return createTaskGroup((tg) =>
          tg.start((status: { started(value: string): void }) => {
            status.started('ready')
          }),
        )
      })
      t.is(value, 'ready')
    })
  },
)

eachBackend(test, 'G23: a task that awaits its own value gets a usage error', async (t, backend) => {
  await backend.run(() =>
    createTaskGroup((tg) => {
      const handle: { value(): Promise<unknown> } = tg.spawn(async () => {
        await sleep(0)
        t.true((await rejection(handle.value())) instanceof UsageError)
      })
    }),
  )
})

eachBackend(
  test,
  'Y20: a task that acquires twice, with the first call queued, gets a usage error',
  async (t, backend) => {
    const lock = createLock()
    const places = {
      'a lock': lock,
      'a condition': createCondition(),
      'a limiter': createCapacityLimiter(1),
    }
    for (const [what, place] of Object.entries(places)) {
      await backend.run(() =>
        createTaskGroup(async (tg) => {
          const held = createEvent()
          const release = createEvent()
          tg.spawn(async () => {
            const grant = await place.acquire()
            held.set()
            await release.wait()
            grant.release()
          })
          await held.wait()
          const first = place.acquire()
          t.true((await rejection(place.acquire())) instanceof UsageError, what)
          release.set()
          ;(await first).release()
          // Once the first has been served, another is an ordinary call again.
          ;(await place.acquire()).release()
        }),
      )
    }
  },
)

eachBackend(test, 'R20: dropped calls are absorbed, and a warning names the call and its task', async (t, backend) => {
  const warnings = collectWarnings()
  await backend.run(async () => {
    const audit = async (): Promise<void> => sleep(1000)
    await createTaskGroup((tg) => {
      tg.spawn({ name: `handler on ${backend.label}` }, async () => {
        void audit()
        void sleep(1000)
        await null
      })
    })
    // Begun after its frame has ended.
    let go = (): void => undefined
    await openCancelScope({ name: `late on ${backend.label}` }, () => {
      void (async () => {
        await new Promise<void>((resolve) => (go = resolve))
        await sleep(1)
      })()
    })
    go()
    await iterations(3)
  })
  await iterations(2)
  warnings.stop()
  // That nothing went unhandled is checked after every test here.
  const [told, late] = warnings.of('STRUCTIO_LEFT_BEHIND')
  t.regex(told!.message, new RegExp(`task "handler on ${backend.label}" .*sleep`))
  t.regex(late!.message, new RegExp(`sleep was called in scope "late on ${backend.label}"`))
})

eachBackend(
  test,
  'Y21: a grant that a lost race never took is given back, with the budget of the turn spent',
  async (t, backend) => {
    const semaphore = createSemaphore(1)
    const lock = createLock()
    const limiter = createCapacityLimiter(1)
    await backend.run(async () => {
      for (const place of [lock, semaphore, limiter]) {
        await openCancelScope(() => {
          while (spendBudget());
          return Promise.race([place.acquire(), 'lost'])
        })
      }
      t.false(lock.locked())
      t.is(semaphore.value, 1)
      t.is(limiter.availableTokens, 1)
    })
  },
)
