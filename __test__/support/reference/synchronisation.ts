/** Uses of the reference: synchronisation. */
import {
  CapacityLimiter,
  Condition,
  createCapacityLimiter,
  createCondition,
  createEvent,
  createLock,
  createQueue,
  createSemaphore,
  createTaskGroup,
  Event,
  Lock,
  Queue,
  Semaphore,
  waitAllTasksBlocked,
  WouldBlock,
} from '../../../index.ts'
import { type Entry, functions, members } from './use.ts'

const makers = functions({
  async create_semaphore(t) {
    const semaphore = createSemaphore(1)
    const order: string[] = []
    await createTaskGroup((tg) => {
      for (const name of ['a', 'b']) {
        tg.spawn(() =>
          semaphore.use(async () => {
            order.push(`${name} in`)
            await waitAllTasksBlocked()
            order.push(`${name} out`)
          }),
        )
      }
    })
    t.deepEqual(order, ['a in', 'a out', 'b in', 'b out'])
  },
  async create_lock(t) {
    const lock = createLock()
    await lock.use(() => t.throws(() => lock.acquireNowait()))
    lock.acquireNowait().release()
  },
  async create_event(t) {
    const event = createEvent()
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => event.wait())
      await waitAllTasksBlocked()
      t.is(waiting.status, 'running')
      event.set()
    })
  },
  async create_condition(t) {
    const lock = createLock()
    const condition = createCondition(lock)
    await condition.use(() => t.true(lock.locked()))
  },
  async create_queue(t) {
    const queue = createQueue<number>(1)
    await queue.put(1)
    t.throws(() => queue.putNowait(2), { instanceOf: WouldBlock })
    t.is(await queue.get(), 1)
  },
  async create_capacity_limiter(t) {
    const limiter = createCapacityLimiter(2)
    t.is(createCapacityLimiter(Infinity).totalTokens, Infinity)
    await limiter.use(() => t.is(limiter.availableTokens, 1))
  },
})

const semaphore: Record<string, Entry> = {
  ...members('Semaphore', [Semaphore], {
    async value(t) {
      const semaphore = createSemaphore(2)
      await semaphore.use(() => t.is(semaphore.value, 1))
      t.is(semaphore.value, 2)
    },
  }),
  'Semaphore context manager': {
    reaches: [{ of: Semaphore, member: 'acquire' }],
    async use(t) {
      const semaphore = createSemaphore(1)
      {
        await using _ = await semaphore.acquire()
        t.is(semaphore.value, 0)
      }
      t.is(semaphore.value, 1)
    },
  },
}

const lock: Record<string, Entry> = {
  ...members('Lock', [Lock], {
    async locked(t) {
      const lock = createLock()
      t.false(lock.locked())
      await lock.use(() => t.true(lock.locked()))
    },
  }),
  'Lock context manager': {
    reaches: [{ of: Lock, member: 'use' }],
    async use(t) {
      const lock = createLock()
      await lock.use(() => t.true(lock.locked()))
      t.false(lock.locked())
    },
  },
}

const event = members('Event', [Event], {
  clear(t) {
    const event = createEvent()
    event.set()
    event.clear()
    t.false(event.isSet())
  },
  is_set(t) {
    const event = createEvent()
    t.false(event.isSet())
    event.set()
    t.true(event.isSet())
  },
  async set(t) {
    const event = createEvent()
    await createTaskGroup(async (tg) => {
      const all = [1, 2].map(() => tg.spawn(() => event.wait()))
      await waitAllTasksBlocked()
      event.set()
      for (const handle of all) t.true(await handle.value())
    })
  },
  async wait(t) {
    const event = createEvent()
    event.set()
    t.true(await event.wait())
  },
})

/** Who waits for `condition`, and how many of them `notify` has woken. */
async function woken(condition: Condition, notify: () => void): Promise<number> {
  let count = 0
  await createTaskGroup(async (tg) => {
    for (let waiter = 0; waiter < 3; waiter++) {
      tg.spawn(() =>
        condition.use(async () => {
          await condition.wait()
          count++
        }),
      )
    }
    await waitAllTasksBlocked()
    await condition.use(notify)
    await waitAllTasksBlocked()
    tg.cancelScope.cancel()
  })
  return count
}

const condition = members('Condition', [Condition], {
  async locked(t) {
    const condition = createCondition()
    t.false(condition.locked())
    await condition.use(() => t.true(condition.locked()))
  },
  async notify(t) {
    const condition = createCondition()
    t.is(await woken(condition, () => condition.notify(2)), 2)
  },
  async notify_all(t) {
    const condition = createCondition()
    t.is(await woken(condition, () => condition.notifyAll()), 3)
  },
  async wait(t) {
    const condition = createCondition()
    t.is(await woken(condition, () => condition.notify()), 1)
  },
})

const queue = members('Queue', [Queue], {
  empty(t) {
    const queue = createQueue<number>(1)
    t.true(queue.empty())
    queue.putNowait(1)
    t.false(queue.empty())
  },
  full(t) {
    const queue = createQueue<number>(1)
    t.false(queue.full())
    queue.putNowait(1)
    t.true(queue.full())
  },
  async get(t) {
    const queue = createQueue<number>(1)
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => queue.get())
      await waitAllTasksBlocked()
      queue.putNowait(7)
      t.is(await waiting.value(), 7)
    })
  },
  async put(t) {
    const queue = createQueue<number>(1)
    await queue.put(1)
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => queue.put(2))
      await waitAllTasksBlocked()
      t.is(waiting.status, 'running')
      t.is(queue.getNowait(), 1)
      await waiting.wait()
      t.is(queue.getNowait(), 2)
    })
  },
  qsize(t) {
    const queue = createQueue<number>(3)
    queue.putNowait(1)
    queue.putNowait(2)
    t.is(queue.qsize(), 2)
  },
})

const limiter = members('CapacityLimiter', [CapacityLimiter], {
  async acquire(t) {
    const limiter = createCapacityLimiter(1)
    const grant = await limiter.acquire()
    t.is(limiter.availableTokens, 0)
    grant.release()
    t.is(limiter.availableTokens, 1)
  },
  acquire_nowait(t) {
    const limiter = createCapacityLimiter(0)
    t.throws(() => limiter.acquireNowait(), { instanceOf: WouldBlock })
    limiter.totalTokens = 1
    limiter.acquireNowait().release()
  },
  async acquire_on_behalf_of(t) {
    const limiter = createCapacityLimiter(2)
    const borrower = {}
    await limiter.acquireOnBehalfOf(borrower)
    t.is(limiter.borrowedTokens, 1)
    limiter.releaseOnBehalfOf(borrower)
  },
  acquire_on_behalf_of_nowait(t) {
    const limiter = createCapacityLimiter(1)
    limiter.acquireOnBehalfOfNowait('a')
    t.throws(() => limiter.acquireOnBehalfOfNowait('b'), { instanceOf: WouldBlock })
    limiter.releaseOnBehalfOf('a')
  },
  async available_tokens(t) {
    const limiter = createCapacityLimiter(3)
    await limiter.use(() => t.is(limiter.availableTokens, 2))
  },
  async borrowed_tokens(t) {
    const limiter = createCapacityLimiter(3)
    await limiter.use(() => t.is(limiter.borrowedTokens, 1))
  },
  async release(t) {
    const limiter = createCapacityLimiter(1)
    await limiter.acquire()
    limiter.release()
    t.is(limiter.borrowedTokens, 0)
  },
  release_on_behalf_of(t) {
    const limiter = createCapacityLimiter(1)
    limiter.acquireOnBehalfOfNowait('a')
    limiter.releaseOnBehalfOf('a')
    t.is(limiter.borrowedTokens, 0)
  },
  async total_tokens(t) {
    const limiter = createCapacityLimiter(1)
    await createTaskGroup(async (tg) => {
      const first = await limiter.acquire()
      const waiting = tg.spawn(() => limiter.use(() => 'in'))
      await waitAllTasksBlocked()
      t.is(limiter.totalTokens, 1)
      limiter.totalTokens = 2
      t.is(await waiting.value(), 'in')
      first.release()
    })
  },
})

const raised: Record<string, Entry> = {
  WouldBlock: {
    calls: 'getNowait',
    use(t) {
      t.throws(() => createQueue(1).getNowait(), { instanceOf: WouldBlock })
    },
  },
}

export const synchronisationUses: Record<string, Entry> = {
  ...makers,
  ...semaphore,
  ...lock,
  ...event,
  ...condition,
  ...queue,
  ...limiter,
  ...raised,
}
