/** Locks, semaphores, limiters, conditions and guards: the cases labelled Y and R5, and each primitive's rules. */
import test from 'ava'
import {
  BrokenResourceError,
  Cancelled,
  checkpoint,
  createCapacityLimiter,
  createCondition,
  createEvent,
  createLock,
  createMemoryObjectStream,
  createQueue,
  createSemaphore,
  createTaskGroup,
  getCurrentTask,
  moveOnAfter,
  openCancelScope,
  ResourceBusyError,
  ResourceGuard,
  sleep,
  sleepForever,
  UsageError,
  WouldBlock,
} from '../../index.ts'
import { eachBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

eachBackend(test, 'Y1: contention for a lock is a strict rotation, and nobody gets in between', async (t, backend) => {
  await backend.run(async () => {
    const lock = createLock()
    const order: string[] = []
    await createTaskGroup((group) => {
      for (const name of ['A', 'B', 'C']) {
        group.spawn(async () => {
          for (let round = 0; round < 3; round++) {
            await using _grant = await lock.acquire()
            order.push(name)
            await sleep(0)
          }
        })
      }
    })
    t.is(order.join(''), 'ABCABCABC')
    await createTaskGroup(async (group) => {
      await lock.acquire()
      group.spawn(async () => {
        await using _grant = await lock.acquire()
      })
      await sleep(0)
      t.is(lock.statistics().tasksWaiting, 1)
      lock.release()
      t.throws(() => lock.acquireNowait(), { instanceOf: WouldBlock })
    })
    t.false(lock.locked())
  })
})

eachBackend(test, 'Y2: a lock belongs to its task: no second acquire, no release by another', async (t, backend) => {
  await backend.run(async () => {
    const lock = createLock()
    await lock.acquire()
    t.true((await rejection(lock.acquire())) instanceof UsageError)
    t.throws(() => lock.acquireNowait(), { instanceOf: UsageError })
    await createTaskGroup((group) => {
      group.spawn(() => t.throws(() => lock.release(), { instanceOf: UsageError }))
    })
    t.true(lock.statistics().owner?.equals(getCurrentTask()))
    lock.release()
    t.throws(() => lock.release(), { instanceOf: UsageError })
  })
})

eachBackend(
  test,
  'Y7: a semaphore with a maximum is not released above it; with a waiter its value stays 0',
  async (t, backend) => {
    await backend.run(async () => {
      const semaphore = createSemaphore(1, { maxValue: 1 })
      t.throws(() => semaphore.release(), { instanceOf: UsageError })
      t.is(semaphore.value, 1)
      await semaphore.acquire()
      await createTaskGroup(async (group) => {
        group.spawn(() => semaphore.acquire())
        await sleep(0)
        semaphore.release()
        t.is(semaphore.value, 0)
        t.throws(() => semaphore.acquireNowait(), { instanceOf: WouldBlock })
      })
      t.is(semaphore.value, 0)
      t.throws(() => createSemaphore(2, { maxValue: 1 }), { code: 'ERR_OUT_OF_RANGE' })
      t.throws(() => createSemaphore(-1), { code: 'ERR_OUT_OF_RANGE' })
    })
  },
)

eachBackend(test, 'Y9: a limiter knows its borrowers', async (t, backend) => {
  await backend.run(async () => {
    const limiter = createCapacityLimiter(2)
    await limiter.acquire()
    t.true((await rejection(limiter.acquire())) instanceof UsageError)
    t.throws(() => limiter.releaseOnBehalfOf('nobody'), { instanceOf: UsageError })
    const borrower = {}
    await limiter.acquireOnBehalfOf(borrower)
    t.is(limiter.borrowedTokens, 2)
    t.is(limiter.availableTokens, 0)
    t.throws(() => limiter.acquireOnBehalfOfNowait('third'), { instanceOf: WouldBlock })
    await createTaskGroup((group) => {
      group.spawn(() => {
        t.throws(() => limiter.release(), { instanceOf: UsageError })
        limiter.releaseOnBehalfOf(borrower)
      })
    })
    t.is(limiter.borrowedTokens, 1)
    limiter.release()
    t.deepEqual(limiter.statistics().borrowers, [])
  })
})

eachBackend(test, 'a limiter whose total is raised or lowered grants exactly what is free', async (t, backend) => {
  await backend.run(async () => {
    const limiter = createCapacityLimiter(3)
    const names = ['a', 'b', 'c', 'd', 'e']
    await createTaskGroup(async (group) => {
      for (const name of names) group.spawn(() => limiter.acquireOnBehalfOf(name))
      await sleep(0)
      t.deepEqual(limiter.statistics().borrowers, ['a', 'b', 'c'])
      limiter.totalTokens = 1
      t.is(limiter.availableTokens, -2)
      limiter.releaseOnBehalfOf('a')
      limiter.releaseOnBehalfOf('b')
      t.deepEqual(limiter.statistics().borrowers, ['c'])
      limiter.totalTokens = 2
      t.deepEqual(limiter.statistics().borrowers, ['c', 'd'])
      limiter.totalTokens = Infinity
      t.deepEqual(limiter.statistics().borrowers, ['c', 'd', 'e'])
      t.throws(() => (limiter.totalTokens = 0.5), { code: 'ERR_OUT_OF_RANGE' })
    })
    const none = createCapacityLimiter(0)
    t.is(await moveOnAfter(0, () => none.acquire()), undefined)
    t.is(none.statistics().tasksWaiting, 0)
  })
})

eachBackend(test, 'R5: ten branches of one Promise.all share a limiter of two', async (t, backend) => {
  await backend.run(async () => {
    const limiter = createCapacityLimiter(2)
    let running = 0
    let most = 0
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        limiter.use(async () => {
          most = Math.max(most, ++running)
          await sleep(0)
          running--
          return index
        }),
      ),
    )
    t.is(most, 2)
    t.deepEqual(results, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    t.is(limiter.borrowedTokens, 0)
  })
})

eachBackend(
  test,
  'use() owns by the call: inside itself it is a usage error, beside itself it waits',
  async (t, backend) => {
    await backend.run(async () => {
      const lock = createLock()
      const order: number[] = []
      await Promise.all(
        [1, 2].map((n) =>
          lock.use(async () => {
            order.push(n)
            await sleep(0)
            order.push(n)
          }),
        ),
      )
      t.deepEqual(order, [1, 1, 2, 2])
      for (const primitive of [lock, createSemaphore(1), createCapacityLimiter(1)]) {
        await primitive.use(async () => {
          t.true((await rejection(primitive.use(() => 0))) instanceof UsageError)
          t.true((await rejection(primitive.acquire())) instanceof UsageError)
          // In a scope inside it, too; a task of its own waits its turn.
          await openCancelScope(async () => t.true((await rejection(primitive.use(() => 0))) instanceof UsageError))
        })
        t.is(await primitive.use(() => 'value'), 'value')
        t.is(await rejection(primitive.use(() => Promise.reject('thrown'))), 'thrown')
        t.is(await primitive.use(() => 'free again'), 'free again')
      }
      await lock.acquire()
      t.true((await rejection(lock.use(() => 0))) instanceof UsageError)
      lock.release()
    })
  },
)

eachBackend(test, 'whoever is granted and cancelled in the same turn passes the grant on', async (t, backend) => {
  await backend.run(async () => {
    const makers = [() => createLock(), () => createSemaphore(1), () => createCapacityLimiter(1)] as const
    for (const make of makers) {
      const primitive = make()
      const got: string[] = []
      await createTaskGroup(async (group) => {
        const held = await primitive.acquire()
        const first = group.spawn(async () => {
          await primitive.acquire()
          got.push('first')
        })
        group.spawn(async () => {
          const grant = await primitive.acquire()
          got.push('second')
          grant.release()
        })
        await sleep(0)
        held.release()
        first.cancel()
      })
      t.deepEqual(got, ['second'])
      // And it is free.
      primitive.acquireNowait().release()
    }
  })
})

eachBackend(
  test,
  'a lock whose owner has ended without releasing it breaks, and a release mends it',
  async (t, backend) => {
    await backend.run(async () => {
      const lock = createLock()
      let grant: { release(): void } | undefined
      await createTaskGroup(async (group) => {
        const careless = group.spawn({ name: 'careless' }, async () => {
          grant = await lock.acquire()
          await sleep(0)
          await sleep(0)
        })
        await sleep(0)
        const error = await rejection(lock.acquire())
        t.true(error instanceof BrokenResourceError)
        t.regex((error as Error).message, /careless/)
        await careless.wait()
      })
      t.true((await rejection(lock.acquire())) instanceof BrokenResourceError)
      t.throws(() => lock.acquireNowait(), { instanceOf: BrokenResourceError })
      grant!.release()
      await (await lock.acquire())[Symbol.asyncDispose]()
    })
  },
)

eachBackend(test, 'a condition: waiting gives up the lock and has it again, however it ends', async (t, backend) => {
  await backend.run(async () => {
    const condition = createCondition()
    const order: string[] = []
    let ready = false
    await createTaskGroup(async (group) => {
      for (const name of ['a', 'b']) {
        group.spawn(() =>
          condition.use(async () => {
            await condition.waitFor(() => ready)
            order.push(name)
          }),
        )
      }
      const cancelled = group.spawn(() =>
        condition.use(async () => {
          try {
            await condition.wait()
          } catch (error) {
            t.true(error instanceof Cancelled)
            t.true(condition.locked(), 'it has the lock while it unwinds')
            order.push('cancelled')
            throw error
          }
        }),
      )
      await sleep(0)
      t.throws(() => condition.notify(), { instanceOf: UsageError })
      t.is(condition.statistics().tasksWaiting, 3)
      const grant = await condition.acquire()
      ready = true
      condition.notify(1)
      cancelled.cancel()
      await sleep(0)
      t.deepEqual(order, [], 'nobody goes on while the lock is held')
      condition.notifyAll()
      grant.release()
    })
    t.deepEqual(order.slice().sort(), ['a', 'b', 'cancelled'])
    t.false(condition.locked())
  })
})

eachBackend(
  test,
  'a notification to a waiter that is cancelled in the same turn wakes the next one',
  async (t, backend) => {
    await backend.run(async () => {
      const condition = createCondition()
      const woken: string[] = []
      await createTaskGroup(async (group) => {
        const wait = (name: string) => async (): Promise<void> => {
          await using _grant = await condition.acquire()
          await condition.wait()
          woken.push(name)
        }
        const first = group.spawn(wait('first'))
        group.spawn(wait('second'))
        await sleep(0)
        await condition.use(() => {
          condition.notify()
          first.cancel()
        })
      })
      t.deepEqual(woken, ['second'])
    })
  },
)

eachBackend(test, 'every waiting call is a checkpoint, also where it need not wait', async (t, backend) => {
  await backend.run(async () => {
    const event = createEvent()
    event.set()
    const queue = createQueue<number>(0)
    queue.putNowait(1)
    const [send, receive] = createMemoryObjectStream<number>(2)
    send.sendNowait(1)
    const condition = createCondition()
    const calls: (() => Promise<unknown>)[] = [
      () => createLock().acquire(),
      () => createLock().use(() => t.fail()),
      () => createSemaphore(1).acquire(),
      () => createSemaphore(1).use(() => t.fail()),
      () => createCapacityLimiter(1).acquire(),
      () => createCapacityLimiter(1).acquireOnBehalfOf('x'),
      () => createCapacityLimiter(1).use(() => t.fail()),
      () => event.wait(),
      () => queue.get(),
      () => queue.put(2),
      () => send.send(2),
      () => receive.receive(),
      () => condition.acquire(),
    ]
    for (const call of calls) {
      await openCancelScope(async (scope) => {
        scope.cancel()
        t.true((await rejection(call())) instanceof Cancelled)
      })
    }
    t.is(queue.qsize(), 1)
    t.is(receive.receiveNowait(), 1)
  })
})

eachBackend(test, 'a loop that never has to wait lets others run', async (t, backend) => {
  await backend.run(async () => {
    const lock = createLock()
    let others = 0
    // Simulated time stands still while anything can go on.
    const pause = backend.simulated ? checkpoint : () => sleep(1)
    await createTaskGroup((group) => {
      group.spawn(async () => {
        for (;;) (await lock.acquire()).release()
      })
      group.spawn(async () => {
        for (; others < 10; others++) await pause()
        group.cancelScope.cancel()
      })
    })
    t.is(others, 10)
  })
})

eachBackend(test, 'a resource guard refuses a second user and is free afterwards', async (t, backend) => {
  await backend.run(async () => {
    const guard = new ResourceGuard('reading from')
    await createTaskGroup(async (group) => {
      const first = group.spawn(() => guard.use(() => sleepForever()))
      await sleep(0)
      const error = t.throws(() => guard.enter(), { instanceOf: ResourceBusyError })
      t.regex(error.message, /reading from/)
      first.cancel()
    })
    const entered = guard.enter()
    entered[Symbol.dispose]()
    entered[Symbol.dispose]()
    t.is(await guard.use(() => 'free'), 'free')
  })
})
