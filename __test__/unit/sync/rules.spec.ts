/** The rules of synchronisation that no backend has a part in, and what used to go wrong. */
import test from 'ava'
import { BrokenResourceError, Cancelled, NotRunningError, ResourceBusyError, UsageError } from '../../../src/errors.ts'
import { getCurrentTask } from '../../../src/introspection.ts'
import { openCancelScope, sleep, sleepForever } from '../../../src/scopes.ts'
import { createCapacityLimiter } from '../../../src/sync/capacity-limiter.ts'
import { createCondition } from '../../../src/sync/condition.ts'
import { createEvent } from '../../../src/sync/event.ts'
import { createLock } from '../../../src/sync/lock.ts'
import { createMemoryObjectStream } from '../../../src/sync/memory-object-stream.ts'
import { createQueue } from '../../../src/sync/queue.ts'
import { ResourceGuard } from '../../../src/sync/resource-guard.ts'
import { createSemaphore } from '../../../src/sync/semaphore.ts'
import { createTaskGroup } from '../../../src/task-groups.ts'
import { microtasks, runBare } from '../../support/kernel-run.ts'
import { rejection } from '../../support/rejection.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The rejections that nobody handled while `body` ran. */
async function unhandledIn(body: () => Promise<unknown>): Promise<unknown[]> {
  const found: unknown[] = []
  const listener = (reason: unknown): void => void found.push(reason)
  process.on('unhandledRejection', listener)
  try {
    await body()
    await turn()
  } finally {
    process.removeListener('unhandledRejection', listener)
  }
  return found
}

test.serial('calls that nobody awaited are cancelled with their scope, and their failure is the scope’s', async (t) => {
  const unhandled = await unhandledIn(() =>
    runBare(async () => {
      const lock = createLock()
      const condition = createCondition()
      const guard = new ResourceGuard()
      const [send, receive] = createMemoryObjectStream<number>()
      const queue = createQueue<number>(0)
      await openCancelScope(async () => {
        void lock.use(() => sleepForever())
        void lock.use(() => t.fail('it never has the lock'))
        void createSemaphore(0).use(() => t.fail())
        void createCapacityLimiter(1).use(() => sleepForever())
        void guard.use(() => sleepForever())
        void condition.use(() => condition.waitFor(() => false))
        void queue[Symbol.asyncIterator]().next()
        void receive[Symbol.asyncIterator]().next()
        void createEvent().wait()
        void send.send(1)
        await sleep(0)
        t.true(lock.locked())
      })
      t.false(lock.locked())
      t.false(condition.locked())
      guard.enter()
      t.is(lock.statistics().tasksWaiting, 0)
      t.is(queue.statistics().tasksWaitingGet, 0)
    }),
  )
  t.deepEqual(unhandled, [])
})

test.serial('the body of a use that was cancelled before it began is not called', async (t) => {
  const unhandled = await unhandledIn(() =>
    runBare(async () => {
      const lock = createLock()
      await openCancelScope(() => {
        void lock.use(() => t.fail('the scope is over'))
      })
      t.false(lock.locked())
      await openCancelScope(async (scope) => {
        const used = lock.use(() => t.fail('cancelled'))
        scope.cancel()
        t.true((await rejection(used)) instanceof Cancelled)
      })
      t.false(lock.locked())
    }),
  )
  t.deepEqual(unhandled, [])
})

test.serial('a use is over when it is over: what outlived its body may acquire again', async (t) => {
  await runBare(async () => {
    for (const primitive of [createLock(), createSemaphore(1), createCapacityLimiter(1)]) {
      let go = (): void => undefined
      let later: Promise<string> | undefined
      await primitive.use(() => {
        later = new Promise<void>((resolve) => (go = resolve)).then(() => primitive.use(() => 'again'))
      })
      go()
      t.is(await later, 'again')
    }
  })
})

test.serial('a use is held in the scopes and groups inside it, not in the tasks of these', async (t) => {
  await runBare(async () => {
    const limiter = createCapacityLimiter(2)
    await limiter.use(() =>
      createTaskGroup(async (group) => {
        t.true((await rejection(limiter.use(() => 0))) instanceof UsageError)
        t.is(await group.spawn(() => limiter.use(() => 'in a task')).value(), 'in a task')
      }),
    )
    await limiter.acquire()
    t.true((await rejection(limiter.use(() => 0))) instanceof UsageError, 'the task has a token')
    t.deepEqual(limiter.statistics().borrowers, [getCurrentTask()])
    limiter.release()
    await limiter.use(() => t.deepEqual(limiter.statistics().borrowers, [getCurrentTask()]))
    const lock = createLock()
    await lock.use(() => t.true(lock.statistics().owner?.equals(getCurrentTask())))
  })
})

test.serial('two tasks that wake one another for ever do not starve the timers', async (t) => {
  const lock = createLock()
  const semaphore = createSemaphore(1)
  const limiter = createCapacityLimiter(1)
  const events = [createEvent(), createEvent()]
  const [send, receive] = createMemoryObjectStream<number>()
  const condition = createCondition()
  const guard = new ResourceGuard()
  const pairs: Record<string, ((side: number) => Promise<unknown>)[]> = {
    lock: both(async () => (await lock.acquire()).release()),
    'lock, used': both(() => lock.use(() => null)),
    semaphore: both(async () => (await semaphore.acquire()).release()),
    limiter: both(async () => (await limiter.acquire()).release()),
    event: both(async (side) => {
      events[side]!.set()
      await events[side === 0 ? 1 : 0]!.wait()
      events[side === 0 ? 1 : 0]!.clear()
    }),
    stream: [() => send.send(1), () => receive.receive()],
    condition: both(() =>
      condition.use(async () => {
        condition.notify()
        await condition.wait()
      }),
    ),
    'waitFor what is so': [() => condition.use(() => condition.waitFor(() => true))],
    guard: [() => guard.use(() => null)],
  }
  await runBare(async () => {
    for (const [name, sides] of Object.entries(pairs)) {
      let rounds = 0
      await createTaskGroup((group) => {
        // The event loop comes around and ends the loops.
        setImmediate(() => setImmediate(() => group.cancelScope.cancel()))
        sides.forEach((side, index) =>
          group.spawn(async () => {
            for (;;) {
              await side(index)
              if (++rounds > 1_000_000) throw new Error(`${name} starves the event loop`)
            }
          }),
        )
      })
      t.true(rounds > 0, name)
    }
  })
})

function both<F>(side: F): [F, F] {
  return [side, side]
}

test.serial('a condition’s waiter whose use is over neither keeps the lock nor swallows a notification', async (t) => {
  await runBare(async () => {
    const condition = createCondition()
    let left: Promise<void> | undefined
    await condition.use(() => {
      left = condition.wait()
      return Promise.race([left, null])
    })
    t.false(condition.locked())
    await createTaskGroup(async (group) => {
      const second = group.spawn(() => condition.use(() => condition.wait()))
      await microtasks()
      t.is(condition.statistics().tasksWaiting, 2)
      await condition.use(() => condition.notify(1))
      t.true((await rejection(left!)) instanceof UsageError)
      await second.wait()
      t.is(second.status, 'finished')
    })
    t.false(condition.locked())
  })
})

test.serial('the same when the use ends while the waiter stands in the line of the lock', async (t) => {
  await runBare(async () => {
    const condition = createCondition()
    let left: Promise<unknown> | undefined
    const order: string[] = []
    await createTaskGroup(async (group) => {
      let end = (): void => undefined
      group.spawn(() =>
        condition
          .use(() => {
            left = rejection(condition.wait())
            return new Promise<void>((resolve) => (end = resolve))
          })
          .then(() => left),
      )
      group.spawn(() =>
        condition.use(async () => {
          await condition.wait()
          order.push('second')
        }),
      )
      await microtasks()
      await condition.use(async () => {
        condition.notify(1)
        end()
        await microtasks()
      })
    })
    t.true((await left) instanceof UsageError)
    t.deepEqual(order, ['second'])
    t.false(condition.locked())
  })
})

test.serial('a release beside the grant of a semaphore is one too many, and a cancelled grant never is', async (t) => {
  await runBare(async () => {
    const semaphore = createSemaphore(1, { maxValue: 1 })
    const grant = await semaphore.acquire()
    semaphore.release()
    t.throws(() => grant.release(), { instanceOf: UsageError })
    t.notThrows(() => grant.release())
    t.is(semaphore.value, 1)
    const held = await semaphore.acquire()
    await createTaskGroup(async (group) => {
      const waiter = group.spawn(() => semaphore.acquire())
      await microtasks()
      held.release()
      semaphore.release()
      waiter.cancel()
    })
    t.is(semaphore.value, 1)
  })
})

test.serial('an iterator refuses a second next() beside the first, and survives a cancelled one', async (t) => {
  await runBare(async () => {
    const queue = createQueue<number>(0)
    const [send, receive] = createMemoryObjectStream<number>(1)
    for (const [iterable, put] of [
      [queue, (item: number) => queue.putNowait(item)],
      [receive, (item: number) => send.sendNowait(item)],
    ] as const) {
      const iterator = iterable[Symbol.asyncIterator]()
      const first = iterator.next()
      t.true((await rejection(iterator.next())) instanceof ResourceBusyError)
      put(1)
      t.deepEqual(await first, { done: false, value: 1 })
      await openCancelScope(async (scope) => {
        const cancelled = iterator.next()
        scope.cancel()
        t.true((await rejection(cancelled)) instanceof Cancelled)
      })
      put(2)
      t.deepEqual(await iterator.next(), { done: false, value: 2 })
    }
  })
})

test.serial('a lock that was broken does not stay so for those who waited on its condition', async (t) => {
  await runBare(async () => {
    const condition = createCondition()
    await createTaskGroup(async (group) => {
      const waiter = group.spawn(async () => {
        await condition.acquire()
        return rejection(condition.wait())
      })
      await microtasks()
      const careless = group.spawn({ name: 'careless' }, async () => {
        await condition.acquire()
        condition.notify()
      })
      await careless.wait()
      t.true((await waiter.value()) instanceof BrokenResourceError)
    })
  })
})

test.serial('in a scope that has ended, a task can still release what it has', async (t) => {
  await runBare(async () => {
    const lock = createLock()
    let go = (): void => undefined
    let late: Promise<void> | undefined
    await openCancelScope(async () => {
      await lock.acquire()
      late = new Promise<void>((resolve) => (go = resolve)).then(() => lock.release())
    })
    go()
    await late
    t.false(lock.locked())
  })
})

test.serial('what the last receiver leaves behind is let go', async (t) => {
  await runBare(() => {
    const [send, receive] = createMemoryObjectStream<number>(3)
    send.sendNowait(1)
    receive.close()
    t.is(send.statistics().currentBufferUsed, 0)
  })
})

test.serial('wrong arguments are refused before anything begins, and asynchronously where the call is', async (t) => {
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
  const wrong = (value: unknown): any => value
  t.throws(() => createSemaphore(wrong('1')), type)
  t.throws(() => createSemaphore(1.5), range)
  t.throws(() => createSemaphore(1, wrong(null)), type)
  t.throws(() => createSemaphore(1, { maxValue: wrong('2') }), type)
  t.throws(() => createSemaphore(3, { maxValue: 2 }), range)
  t.throws(() => createQueue(wrong(undefined)), type)
  t.throws(() => createQueue(-1), range)
  t.throws(() => createCapacityLimiter(NaN), range)
  t.throws(() => createCapacityLimiter(wrong(undefined)), type)
  t.throws(() => createMemoryObjectStream(0.5), range)
  t.throws(() => createMemoryObjectStream(wrong('1')), type)
  t.throws(() => createCondition(wrong({})), type)
  t.throws(() => new ResourceGuard(wrong(1)), type)
  await runBare(async () => {
    const condition = createCondition()
    const users = [createLock(), createSemaphore(1), createCapacityLimiter(1), condition, new ResourceGuard()]
    for (const user of users) {
      await t.throwsAsync(user.use(wrong(Promise.resolve())), type)
      await user.use(() => 'free')
    }
    await t.throwsAsync(condition.waitFor(wrong(true)), type)
    await t.throwsAsync(
      condition.waitFor(() => true),
      { instanceOf: UsageError },
      'without the lock',
    )
    await condition.use(() => {
      t.throws(() => condition.notify(wrong('1')), type)
      t.throws(() => condition.notify(-1), range)
    })
  })
})

test.serial('outside every task, waiting calls reject, and what belongs to tasks throws', async (t) => {
  const lock = createLock()
  const limiter = createCapacityLimiter(1)
  const condition = createCondition(lock)
  const semaphore = createSemaphore(1)
  const outside = { instanceOf: NotRunningError }
  const [send, receive] = createMemoryObjectStream<number>(1)
  const waiting: (() => Promise<unknown>)[] = [
    ...[lock, limiter, condition, semaphore].map((one) => () => one.acquire()),
    ...[lock, limiter, condition, semaphore, new ResourceGuard()].map((one) => () => one.use(() => 0)),
    () => limiter.acquireOnBehalfOf('x'),
    () => condition.wait(),
    () => condition.waitFor(() => true),
    () => createEvent().wait(),
    () => createQueue(0).get(),
    () => createQueue(0).put(1),
    () => createQueue(0)[Symbol.asyncIterator]().next(),
    () => send.send(1),
    () => receive.receive(),
  ]
  for (const call of waiting) await t.throwsAsync(call, outside)
  for (const one of [lock, limiter, condition]) {
    t.throws(() => one.acquireNowait(), outside)
    t.throws(() => one.release(), outside)
  }
  t.throws(() => condition.notify(), outside)
  t.throws(() => condition.notifyAll(), outside)
  semaphore.acquireNowait().release()
  limiter.acquireOnBehalfOfNowait('x')
  limiter.releaseOnBehalfOf('x')
  send.sendNowait(1)
  t.is(receive.receiveNowait(), 1)
})
