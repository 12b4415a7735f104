/** What ordinary JavaScript forgets: swallowed cancellations, dropped calls, promises that no scope can reach. */
import { getEventListeners } from 'node:events'
import test from 'ava'
import {
  abandonOnCancel,
  Cancelled,
  CancelScope,
  createCondition,
  createCapacityLimiter,
  createEvent,
  createLock,
  createTaskGroup,
  currentSignal,
  dumpTasks,
  ExceptionGroup,
  failAfter,
  isCancelled,
  moveOnAfter,
  openCancelScope,
  sleep,
  sleepForever,
  TimeoutError,
  UsageError,
} from '../../index.ts'
import { spendBudget } from '../../src/kernel/turn.ts'
import { eachBackend, eachBackendWithClock, eachRealBackend } from '../support/backends.ts'
import { iterations } from '../support/kernel-run.ts'
import { rejection } from '../support/rejection.ts'
import { collectWarnings } from '../support/warnings.ts'

/** Foreign work, and the hand that ends it. */
function foreign<T>(): { promise: Promise<T>; settle: (value: T) => void; fail: (error: unknown) => void } {
  let settle!: (value: T) => void
  let fail!: (error: unknown) => void
  const promise = new Promise<T>((resolve, reject) => {
    settle = resolve
    fail = reject
  })
  return { promise, settle, fail }
}

/** Error shapes of libraries whose requests were aborted, without a cause. */
const ABORTS: Record<string, () => Error> = {
  'an AbortError of fetch': () => new DOMException('This operation was aborted', 'AbortError'),
  'an AbortError of node-fetch': () => Object.assign(new Error('aborted'), { name: 'AbortError', type: 'aborted' }),
  'a CanceledError of axios': () =>
    Object.assign(new Error('canceled'), { name: 'CanceledError', code: 'ERR_CANCELED' }),
  'an error with the code ABORT_ERR': () => Object.assign(new Error('aborted'), { code: 'ABORT_ERR' }),
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
  'S33: an overrun limit is warned about, with the ways out, and dumpTasks says the same',
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
  'S35: abandon leaves a foreign body behind: undefined, TimeoutError, the own value of one that ends',
  async (t, backend) => {
    const works: ReturnType<typeof foreign<string>>[] = []
    const work = (): Promise<string> => {
      works.push(foreign<string>())
      return works.at(-1)!.promise
    }
    await backend.run(async () => {
      t.is(await moveOnAfter(-1, { abandon: true }, work), undefined)
      t.true((await rejection(failAfter(-1, { abandon: true }, work))) instanceof TimeoutError)
      t.is(await failAfter(1000, { abandon: true }, () => 'in time'), 'in time')
      const scope = new CancelScope({ abandon: true })
      const running = scope.run(work)
      scope.cancel()
      t.is(await running, undefined)
      t.true(scope.cancelledCaught)
      t.is(
        await createTaskGroup({ abandon: true }, (tg) => {
          tg.spawn(work)
          tg.cancelScope.cancel()
          return work()
        }),
        undefined,
      )
    })
    // What comes late is discarded, whatever it is.
    works[0]!.settle('late')
    for (const { fail } of works.slice(1)) fail(new Error('late'))
    await iterations(1)
  },
)

eachBackend(
  test,
  'S36: inner scopes, groups and uses with nothing but foreign work are left behind together',
  async (t, backend) => {
    const { promise, settle } = foreign<string>()
    const lock = createLock()
    const seen: unknown[] = []
    await backend.run(async () => {
      const value = await moveOnAfter(-1, { abandon: true }, async () => {
        await openCancelScope({ shield: true }, () =>
          createTaskGroup(async (tg) => {
            tg.spawn(() => promise)
            await promise
          }),
        )
        seen.push(await rejection(sleep(1)))
      })
      t.is(value, undefined)
      t.is(
        await moveOnAfter(-1, { abandon: true }, () =>
          openCancelScope({ shield: true }, () => lock.use(() => promise)),
        ),
        undefined,
      )
      t.true(lock.locked(), 'what its body still uses is not given to others')
      settle('late')
      await lock.use(() => undefined)
      await iterations(3)
    })
    t.true(seen[0] instanceof UsageError, 'what the body begins later is refused')
  },
)

eachBackendWithClock(test, 'S37: abandon waits for clean-up of the library first', async (t, backend, clock) => {
  const log: string[] = []
  const { promise } = foreign<string>()
  await backend.run(async () => {
    const ended = moveOnAfter(10, { abandon: true }, async () => {
      try {
        await sleepForever()
      } finally {
        await openCancelScope({ shield: true }, () => sleep(50))
        log.push('cleaned up')
        await promise
      }
    }).then(() => log.push('ended'))
    await clock.advance(10)
    await iterations(4)
    log.push('cancelled')
    await clock.advance(50)
    await ended
  })
  t.deepEqual(log, ['cancelled', 'cleaned up', 'ended'])
})

eachBackend(test, 'S38: a run with abandon settles though its main waits for ever', async (t, backend) => {
  const controller = new AbortController()
  const running = backend.run(() => new Promise(() => undefined), { abandon: true, signal: controller.signal })
  controller.abort(new Error('enough'))
  t.is(((await rejection(running)) as Error).message, 'enough')
})

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

for (const [what, make] of Object.entries(ABORTS)) {
  eachBackend(
    test,
    `S41: ${what} counts where the signal was handed out, and is an error elsewhere`,
    async (t, backend) => {
      await backend.run(async () => {
        const fetchWith = (signal: AbortSignal): Promise<never> =>
          new Promise((_, reject) => {
            if (signal.aborted) reject(make())
            else signal.addEventListener('abort', () => reject(make()))
          })
        t.is(await moveOnAfter(-1, (scope) => fetchWith(scope.signal)), undefined)
        t.is(await moveOnAfter(1, () => fetchWith(currentSignal())), undefined)
        t.true((await rejection(failAfter(1, (scope) => fetchWith(scope.signal)))) instanceof TimeoutError)
        // An inner scope handed it out: the outer one takes it as well.
        const outer = await openCancelScope(async (scope) => {
          scope.cancel()
          await openCancelScope((inner) => fetchWith(inner.signal))
        })
        t.is(outer, undefined)
        t.is(
          await openCancelScope(async (scope) => {
            void scope.signal
            scope.cancel()
            try {
              throw make()
            } catch (error) {
              t.true(isCancelled(error))
              throw error
            }
          }),
          undefined,
        )
        const error = make()
        t.is(
          await rejection(
            openCancelScope((scope) => {
              void scope.signal
              throw error
            }),
          ),
          error,
          'not cancelled',
        )
        t.is(
          await rejection(
            openCancelScope((scope) => {
              scope.cancel()
              throw error
            }),
          ),
          error,
          'never handed out',
        )
        t.false(isCancelled(error))
      })
    },
  )
}

eachBackend(
  test,
  'S42: a scope with the signal of another task’s scope says so when that is cancelled',
  async (t, backend) => {
    await backend.run(async () => {
      const other = new CancelScope()
      const group = await rejection(
        createTaskGroup((tg) => {
          tg.spawn(() => other.run(() => sleepForever()))
          tg.spawn(() => openCancelScope({ signal: other.signal }, () => sleepForever()))
          other.cancel()
        }),
      )
      const [error] = (group as ExceptionGroup).errors as Error[]
      t.true(error instanceof UsageError)
      t.regex(error!.message, /`signal` of another scope/)
      t.true(error!.cause instanceof Cancelled)
    })
  },
)

eachBackend(test, 'S43: scopes that wait on one signal share one listener', async (t, backend) => {
  const { signal } = new AbortController()
  await backend.run(() =>
    createTaskGroup(async (tg) => {
      for (let index = 0; index < 20; index++) tg.spawn(() => openCancelScope({ signal }, () => sleep(1)))
      await sleep(0)
      t.is(getEventListeners(signal, 'abort').length, 1)
    }),
  )
  t.is(getEventListeners(signal, 'abort').length, 0)
})

eachBackend(
  test,
  'S44: each of many waits on one foreign promise gets its value; one that left has it discarded',
  async (t, backend) => {
    await backend.run(async () => {
      const { promise, settle } = foreign<number>()
      const discarded: number[] = []
      for (let wait = 0; wait < 3; wait++)
        await moveOnAfter(-1, () => abandonOnCancel(promise, { discard: (value) => void discarded.push(value) }))
      await createTaskGroup(async (tg) => {
        const left = new CancelScope()
        const leaving = left.run(() => abandonOnCancel(promise, { discard: (value) => void discarded.push(value) }))
        const handles = [1, 2, 3].map((plus) => tg.spawn(async () => (await abandonOnCancel(promise)) + plus))
        await sleep(0)
        left.cancel()
        t.is(await leaving, undefined)
        settle(10)
        t.deepEqual(await Promise.all(handles.map((handle) => handle.value())), [11, 12, 13])
        t.is(await abandonOnCancel(promise), 10)
      })
      t.deepEqual(discarded, [10, 10, 10, 10])
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
