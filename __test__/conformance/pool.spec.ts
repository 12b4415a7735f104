/** `createPool`: items lent to one call at a time, whatever is cancelled, fails, hangs or is closed. */
import test from 'ava'
import {
  Cancelled,
  CancelScope,
  ClosedResourceError,
  createEvent,
  createPool,
  createTaskGroup,
  currentTime,
  dumpTasks,
  moveOnAfter,
  openCancelScope,
  type Pool,
  type PoolOptions,
  run,
  sleep,
  sleepForever,
  TimeoutError,
  failAfter,
  UsageError,
  waitAllTasksBlocked,
} from '../../index.ts'
import { spendBudget } from '../../src/kernel/turn.ts'
import { eachBackend, eachBackendWithClock } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'
import { collectWarnings } from '../support/warnings.ts'

interface Item {
  readonly id: number
  destroyed: number
}

/** Items with numbers, and what became of them. */
class Shop {
  readonly items: Item[] = []
  readonly options = (more: Partial<PoolOptions<Item>> = {}): PoolOptions<Item> => ({
    create: () => {
      const item = { id: this.items.length, destroyed: 0 }
      this.items.push(item)
      return item
    },
    destroy: (item) => void item.destroyed++,
    max: 1,
    ...more,
  })

  get destroyed(): number[] {
    return this.items.map((item) => item.destroyed)
  }
}

const EMPTY = { size: 0, borrowed: 0, idle: 0, creating: 0, closing: 0, tasksWaiting: 0 }
const id = ({ id: number }: Item): number => number

eachBackend(test, 'Y50: calls take turns with what there is, in the order of arrival', async (t, backend) => {
  const shop = new Shop()
  await backend.run(async () => {
    await using pool = createPool(shop.options({ max: 2 }))
    const log: string[] = []
    await createTaskGroup(async (tg) => {
      for (let n = 0; n < 6; n++) {
        tg.spawn(() =>
          pool.use(async (item) => {
            log.push(`${n}`)
            t.false(item.destroyed > 0)
            await sleep(0)
          }),
        )
      }
      await waitAllTasksBlocked()
    })
    t.deepEqual(log, ['0', '1', '2', '3', '4', '5'])
    t.is(shop.items.length, 2)
    t.deepEqual(pool.statistics(), { ...EMPTY, max: 2, size: 2, idle: 2 })
    t.true(Object.isFrozen(pool.statistics()))
  })
  t.deepEqual(shop.destroyed, [1, 1])
})

eachBackend(
  test,
  'Y51: the item that was used last is lent first, and values and errors come through',
  async (t, backend) => {
    const shop = new Shop()
    await backend.run(async () => {
      await using pool = createPool(shop.options({ max: 2 }))
      await Promise.all([pool.use(() => sleep(0)), pool.use(() => sleep(0))])
      const last = await pool.use(id)
      t.is(await pool.use(id), last)
      t.is(await pool.use(async (item) => item.id), last)
      const error = new RangeError('body')
      t.is(await rejection(pool.use(() => Promise.reject(error))), error)
      t.is(
        await rejection(
          pool.use(() => {
            throw error
          }),
        ),
        error,
      )
    })
  },
)

eachBackend(
  test,
  'Y52: an item whose body failed or was cancelled is destroyed, unless validate accepts it',
  async (t, backend) => {
    await backend.run(async () => {
      for (const [validate, destroyed] of [
        [undefined, 1],
        [() => false, 1],
        [() => Promise.reject(new Error('validate')), 1],
        [async () => sleep(0).then(() => true), 0],
        [() => true, 0],
      ] as const) {
        const shop = new Shop()
        const pool = createPool(shop.options({ validate: validate as () => boolean }))
        await t.throwsAsync(pool.use(() => Promise.reject(new Error('body'))))
        // The next call waits for what becomes of it.
        t.is(await pool.use(id), destroyed)
        await openCancelScope(async (scope) => {
          await pool.use(() => {
            scope.cancel()
            return sleepForever()
          })
        })
        t.is(await pool.use(id), destroyed * 2)
        await pool.close()
        t.deepEqual(
          shop.destroyed,
          shop.items.map(() => 1),
        )
      }
    })
  },
)

eachBackend(
  test,
  'Y53: a waiter that is cancelled has nothing, also where it was granted in the same turn',
  async (t, backend) => {
    const shop = new Shop()
    await backend.run(async () => {
      await using pool = createPool(shop.options())
      for (const spend of [false, true]) {
        const release = createEvent()
        const scope = new CancelScope()
        const log: string[] = []
        await createTaskGroup(async (tg) => {
          tg.spawn(() => pool.use(() => release.wait()))
          await waitAllTasksBlocked()
          tg.spawn(() => scope.run(() => pool.use(() => void log.push('cancelled one'))))
          tg.spawn(() => pool.use(() => void log.push('next')))
          await waitAllTasksBlocked()
          t.regex(dumpTasks(), /waits for an item of a pool \(1 of 1 lent, 0 being made\)/)
          release.set()
          // Until the item is on its way.
          while (pool.statistics().tasksWaiting === 2) await null
          if (spend) while (spendBudget());
          scope.cancel()
        })
        t.deepEqual(log, ['next'])
        t.like(pool.statistics(), { size: 1, idle: 1 })
      }
    })
    t.deepEqual(shop.destroyed, [1])
  },
)

eachBackend(
  test,
  'Y54: a caller with a deadline leaves a create that hangs; its item is neither lost nor counted twice',
  async (t, backend) => {
    const shop = new Shop()
    await backend.run(async () => {
      const gates = [createEvent(), createEvent()]
      let made = 0
      const options = shop.options({ max: 2 })
      const pool = createPool({
        ...options,
        create: async () => {
          const gate = gates[made++]
          await gate!.wait()
          return options.create()
        },
      })
      t.true((await rejection(failAfter(1, () => pool.use(id)))) instanceof TimeoutError)
      t.like(pool.statistics(), { size: 1, creating: 1, tasksWaiting: 0 })
      await createTaskGroup(async (tg) => {
        // One that hangs is not counted on: there is room for another.
        const second = tg.spawn(() => pool.use(() => sleepForever()))
        await waitAllTasksBlocked()
        t.like(pool.statistics(), { size: 2, creating: 2, tasksWaiting: 1 })
        // No more than `max`.
        t.is(await moveOnAfter(1, () => pool.use(id)), undefined)
        t.like(pool.statistics(), { size: 2, creating: 2, tasksWaiting: 1 })
        gates[0]!.set()
        await waitAllTasksBlocked()
        t.like(pool.statistics(), { size: 2, borrowed: 1, creating: 1, tasksWaiting: 0 })
        gates[1]!.set()
        await waitAllTasksBlocked()
        t.like(pool.statistics(), { size: 2, borrowed: 1, idle: 1, creating: 0 })
        second.cancel()
      })
      await pool.close()
      t.deepEqual(shop.destroyed, [1, 1])
    })
  },
)

eachBackend(
  test,
  'Y55: a create that fails is the error of one caller; the others get attempts of their own',
  async (t, backend) => {
    const shop = new Shop()
    await backend.run(async () => {
      const options = shop.options({ max: 1 })
      let attempts = 0
      await using pool = createPool({
        ...options,
        create: async () => {
          await sleep(0)
          if (++attempts <= 2) throw new Error(`attempt ${attempts}`)
          return options.create()
        },
      })
      const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => pool.use(id)))
      t.deepEqual(
        outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as Error).message)),
        ['attempt 1', 'attempt 2', 0, 0],
      )
      t.like(pool.statistics(), { size: 1, idle: 1 })
    })
    await backend.run(async () => {
      await using pool = createPool({
        ...shop.options(),
        create: () => {
          throw new TypeError('at once')
        },
      })
      await t.throwsAsync(pool.use(id), { instanceOf: TypeError })
      t.like(pool.statistics(), EMPTY)
    })
  },
)

eachBackend(
  test,
  'Y56: close fails those who wait, destroys what is idle, and waits for what is lent',
  async (t, backend) => {
    const shop = new Shop()
    await backend.run(async () => {
      const pool: Pool<Item> = createPool(shop.options({ max: 2, name: 'db' }))
      await Promise.all([pool.use(() => sleep(0)), pool.use(() => sleep(0))])
      const release = createEvent()
      const log: string[] = []
      await createTaskGroup(async (tg) => {
        tg.spawn(() => pool.use(() => release.wait()))
        tg.spawn(() => pool.use(() => release.wait()))
        await waitAllTasksBlocked()
        const waiter = tg.spawn(() => rejection(pool.use(id)))
        await waitAllTasksBlocked()
        tg.spawn(async () => {
          await pool.close()
          log.push('closed')
        })
        await waitAllTasksBlocked()
        t.true((await waiter.value()) instanceof ClosedResourceError)
        t.true((await rejection(pool.use(id))) instanceof ClosedResourceError)
        t.regex(dumpTasks(), /waits for the items of pool "db" to be returned and destroyed/)
        t.deepEqual(log, [])
        // One that closes again, and is cancelled, leaves; so does one that closes from inside.
        await moveOnAfter(1, () => pool.close())
        release.set()
      })
      t.deepEqual(log, ['closed'])
      t.deepEqual(shop.destroyed, [1, 1])
      t.like(pool.statistics(), EMPTY)
      await pool.close()
    })
  },
)

eachBackend(
  test,
  'Y57: close from inside a use does not wait for itself, and a create that hangs does not hold it up',
  async (t, backend) => {
    const shop = new Shop()
    await backend.run(async () => {
      const pool = createPool(shop.options())
      await pool.use(() => pool.close())
      await pool.close()
      t.deepEqual(shop.destroyed, [1])

      let settle = (_item: Item): void => undefined
      const hanging = createPool({
        ...shop.options(),
        create: () => new Promise<Item>((resolve) => (settle = resolve)),
      })
      const call = rejection(hanging.use(id))
      await sleep(0)
      await sleep(0)
      await hanging.close()
      t.true((await call) instanceof ClosedResourceError)
      // It comes after all.
      const late = { id: 9, destroyed: 0 }
      settle(late)
      while (late.destroyed === 0) await sleep(0)
      await sleep(0)
      t.is(late.destroyed, 1)
      t.like(hanging.statistics(), EMPTY)
    })
  },
)

eachBackendWithClock(
  test,
  'Y58: an item that no call uses is destroyed after idleTimeout, and the others stay',
  async (t, backend, clock) => {
    const shop = new Shop()
    const main = backend.run(async () => {
      await using pool = createPool(shop.options({ max: 2, idleTimeout: 100 }))
      await Promise.all([pool.use(() => sleep(0)), pool.use(() => sleep(0))])
      const begun = currentTime()
      const used = await pool.use(id)
      await sleep(60)
      t.is(await pool.use(id), used)
      await sleep(begun + 110 - currentTime())
      t.like(pool.statistics(), { size: 1, idle: 1 })
      t.is(shop.items[used]!.destroyed, 0)
      await sleep(60)
      t.like(pool.statistics(), EMPTY)
    })
    for (let step = 0; step < 20; step++) await clock.advance(10)
    await main
    t.deepEqual(shop.destroyed, [1, 1])
  },
)

eachBackend(
  test,
  'Y59: a pool that is left open is closed with its run, with a warning, and idle items keep no run alive',
  async (t, backend) => {
    const shop = new Shop()
    const warnings = collectWarnings()
    await backend.run(async () => {
      const pool = createPool(shop.options({ idleTimeout: 60_000, name: `left ${backend.label}` }))
      await pool.use(id)
    })
    await new Promise((resolve) => setImmediate(resolve))
    warnings.stop()
    t.deepEqual(shop.destroyed, [1])
    t.true(
      warnings
        .of('STRUCTIO_LEFT_OPEN')
        .some(({ message }) => message.includes(`pool "left ${backend.label}" was still open`)),
    )
  },
)

eachBackend(
  test,
  'Y60: a run that is cancelled ends with a pool whose create hangs, and destroys what was made',
  async (t, backend) => {
    const shop = new Shop()
    const controller = new AbortController()
    const reason = new Error('stop')
    const main = backend.run(
      async () => {
        await using pool = createPool(shop.options({ max: 2 }))
        await pool.use(id)
        const hanging = createPool({ ...shop.options(), create: () => new Promise<Item>(() => {}) })
        try {
          await createTaskGroup((tg) => {
            tg.spawn(() => pool.use(() => sleepForever()))
            tg.spawn(() => hanging.use(id))
            setImmediate(() => controller.abort(reason))
          })
        } finally {
          // In a cancelled scope, too.
          await hanging.close()
        }
      },
      { signal: controller.signal },
    )
    t.is(await rejection(main), reason)
    t.deepEqual(shop.destroyed, [1])
  },
)

eachBackend(
  test,
  'Y61: a shielded caller whose run is cancelled gets an item that is there, and an error where one has to be made',
  async (t, backend) => {
    const shop = new Shop()
    const controller = new AbortController()
    let outcome: unknown
    const main = backend.run(
      async () => {
        await using pool = createPool(shop.options({ max: 2 }))
        await pool.use(id)
        await openCancelScope({ shield: true }, async () => {
          controller.abort(new Error('stop'))
          t.is(await pool.use(id), 0)
          await pool.use(() =>
            createTaskGroup(async (tg) => {
              outcome = await tg.spawn(() => rejection(pool.use(id))).value()
            }),
          )
        })
      },
      { signal: controller.signal },
    )
    // Its body has come to its end, which counts.
    await main
    t.true(outcome instanceof ClosedResourceError)
    t.deepEqual(shop.destroyed, [1])
  },
)

eachBackend(
  test,
  'Y62: a use inside a use of the same pool is a UsageError, and so is one in another run or outside',
  async (t, backend) => {
    const shop = new Shop()
    t.throws(() => createPool(shop.options()), { code: 'ERR_NOT_RUNNING' })
    let pool: Pool<Item> | undefined
    await backend.run(async () => {
      pool = createPool(shop.options({ max: 2 }))
      await pool.use(async () => {
        t.true((await rejection(pool!.use(id))) instanceof UsageError)
      })
      await createTaskGroup(() => {})
      const other = run(() => rejection(pool!.use(id)), { backend: 'node' }).catch((error: unknown) => error)
      // `run` inside a task is refused itself.
      t.true((await other) instanceof UsageError)
      await pool.close()
    })
    t.true((await rejection(run(() => pool!.use(id), { backend: 'node' }))) instanceof ClosedResourceError)
    await t.throwsAsync(pool!.use(id), { code: 'ERR_NOT_RUNNING' })
  },
)

eachBackend(test, 'Y63: bad input is refused before anything is made', async (t, backend) => {
  const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  const shop = new Shop()
  await backend.run(async () => {
    for (const max of [0, -1, 1.5, NaN]) t.throws(() => createPool(shop.options({ max })), range)
    for (const idleTimeout of [-1, NaN]) t.throws(() => createPool(shop.options({ idleTimeout })), range)
    for (const wrong of [{ create: 1 }, { destroy: undefined }, { validate: 1 }, { max: '1' }, { name: 1 }, { min: 1 }])
      t.throws(() => createPool(shop.options(wrong as never)), type)
    await using pool = createPool(shop.options({ max: Infinity }))
    await t.throwsAsync(pool.use(1 as never), type)
    await openCancelScope(async (scope) => {
      scope.cancel()
      t.true((await rejection(pool.use(id))) instanceof Cancelled)
    })
  })
  t.is(shop.items.length, 0)
})

eachBackend(
  test,
  'Y64: a destroy that fails is told on the channel, one that hangs holds nothing up for ever',
  async (t, backend) => {
    const { subscribe, unsubscribe } = await import('node:diagnostics_channel')
    const errors: unknown[] = []
    const listener = (message: unknown): void => void errors.push((message as { error: unknown }).error)
    subscribe('structio:suppressed-error', listener)
    const shop = new Shop()
    const error = new Error('destroy')
    await backend.run(async () => {
      const pool = createPool({ ...shop.options(), destroy: () => Promise.reject(error) })
      await t.throwsAsync(pool.use(() => Promise.reject(new Error('body'))))
      t.is(await pool.use(id), 1)
      await pool.close()
      if (backend.simulated) {
        const hanging = createPool({ ...shop.options(), destroy: () => sleepForever() })
        await hanging.use(id)
        const begun = currentTime()
        await hanging.close()
        t.is(currentTime() - begun, 5000)
      }
    })
    unsubscribe('structio:suppressed-error', listener)
    t.deepEqual(errors, [error, error])
  },
)
