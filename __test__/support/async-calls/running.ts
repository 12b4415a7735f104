/** Tasks, time, threads, and synchronisation. */
import {
  abandonOnCancel,
  checkpoint,
  checkpointIfCancelled,
  createBlockingPortal,
  createBroadcast,
  createCapacityLimiter,
  createCondition,
  createEvent,
  createLock,
  createMemoryObjectStream,
  createPool,
  createQueue,
  createRateLimiter,
  createSemaphore,
  createTaskGroup,
  every,
  moveOnAfter,
  ResourceGuard,
  retry,
  runInProcess,
  runInThread,
  select,
  selectAll,
  sleep,
  sleepForever,
  sleepUntil,
  ticks,
  waitAllTasksBlocked,
} from '../../../index.ts'
import type { Row } from './calls.ts'

export const waiting: Record<string, Row> = {
  sleep: (check) => check(() => sleep(0)),
  sleepUntil: (check) => check(() => sleepUntil(-Infinity)),
  sleepForever: (check) => check(() => moveOnAfter(0, () => sleepForever())),
  checkpoint: (check) => check(() => checkpoint()),
  checkpointIfCancelled: (check) => check(() => checkpointIfCancelled()),
  runInProcess: (check) => check(() => runInProcess(() => 1)),
  createBlockingPortal: async (check) => {
    await using _ = await check(() => createBlockingPortal({ expose: {} }))
  },
  'BlockingPortal.close': async (check) => {
    const portal = await createBlockingPortal({ expose: {} })
    await check(() => portal.close())
  },
  'BlockingPortal.[Symbol.asyncDispose]': async (check) => {
    const portal = await createBlockingPortal({ expose: {} })
    await check(() => portal[Symbol.asyncDispose]())
  },
  runInThread: (check) => check(() => runInThread(() => 1)),
  abandonOnCancel: (check) => check(() => abandonOnCancel(Promise.resolve())),
  retry: (check) => check(() => retry(() => 1)),
  every: (check) => check(() => moveOnAfter(0, () => every(1, () => {}))),
  ticks: (check) => check(() => ticks(1, { immediate: true }).next()),
  waitAllTasksBlocked: (check) => check(() => waitAllTasksBlocked()),
  'TaskHandle.wait': (check) => withTask((handle) => check(() => handle.wait())),
  'TaskHandle.value': (check) => withTask((handle) => check(() => handle.value())),
}

export const synchronisation: Record<string, Row> = {
  'Semaphore.acquire': (check) => check(() => createSemaphore(1).acquire()),
  'Semaphore.use': (check) => check(() => createSemaphore(1).use(() => {})),
  'Lock.acquire': (check) => check(() => createLock().acquire()),
  'Lock.use': (check) => check(() => createLock().use(() => {})),
  'Event.wait': async (check) => {
    const event = createEvent()
    event.set()
    await check(() => event.wait())
  },
  'Condition.acquire': (check) => check(() => createCondition().acquire()),
  'Condition.use': (check) => check(() => createCondition().use(() => {})),
  'Condition.wait': async (check) => {
    const condition = createCondition()
    await createTaskGroup((tg) =>
      condition.use(() => {
        // It has its turn when the lock is released by the waiting.
        tg.spawn(() => condition.use(() => condition.notify()))
        return check(() => condition.wait())
      }),
    )
  },
  'Condition.waitFor': async (check) => {
    const condition = createCondition()
    await condition.use(() => check(() => condition.waitFor(() => true)))
  },
  'Queue.put': async (check) => {
    const queue = createQueue<number>(1)
    await check(() => queue.put(1))
  },
  'Queue.get': async (check) => {
    const queue = createQueue<number>(1)
    queue.putNowait(1)
    await check(() => queue.get())
  },
  'Queue.getBatch': async (check) => {
    const queue = createQueue<number>(1)
    queue.putNowait(1)
    await check(() => queue.getBatch(2))
  },
  'Queue.waitReadable': async (check) => {
    const queue = createQueue<number>(1)
    queue.putNowait(1)
    await check(() => queue.waitReadable())
  },
  'Queue.[Symbol.asyncIterator]': async (check) => {
    const queue = createQueue<number>(1)
    queue.putNowait(1)
    await check(() => queue[Symbol.asyncIterator]().next())
  },
  'CapacityLimiter.acquire': (check) => check(() => createCapacityLimiter(1).acquire()),
  'CapacityLimiter.acquireOnBehalfOf': (check) => check(() => createCapacityLimiter(1).acquireOnBehalfOf({})),
  'CapacityLimiter.use': (check) => check(() => createCapacityLimiter(1).use(() => {})),
  'RateLimiter.acquire': (check) => check(() => createRateLimiter({ limit: 1, interval: 1 }).acquire()),
  'Pool.use': async (check) => {
    await using pool = createPool({ create: () => 1, destroy: () => {}, max: 1 })
    await pool.use(() => {})
    await check(() => pool.use(() => {}))
  },
  'Pool.close': async (check) => {
    const pool = createPool({ create: () => 1, destroy: () => {}, max: 1 })
    await check(() => pool.close())
  },
  'Pool.[Symbol.asyncDispose]': async (check) => {
    const pool = createPool({ create: () => 1, destroy: () => {}, max: 1 })
    await check(() => pool[Symbol.asyncDispose]())
  },
  'MemorySendStream.send': async (check) => {
    const [send] = createMemoryObjectStream<number>(1)
    await check(() => send.send(1))
  },
  'MemoryReceiveStream.receive': async (check) => {
    const [send, receive] = createMemoryObjectStream<number>(1)
    send.sendNowait(1)
    await check(() => receive.receive())
  },
  'MemoryReceiveStream.receiveBatch': async (check) => {
    const [send, receive] = createMemoryObjectStream<number>(1)
    send.sendNowait(1)
    await check(() => receive.receiveBatch(2))
  },
  'MemoryReceiveStream.waitReadable': async (check) => {
    const [send, receive] = createMemoryObjectStream<number>(1)
    send.sendNowait(1)
    await check(() => receive.waitReadable())
  },
  'Broadcast.send': (check) => check(() => createBroadcast<number>(1).send(1)),
  'MemoryReceiveStream.[Symbol.asyncIterator]': async (check) => {
    const [send, receive] = createMemoryObjectStream<number>(1)
    send.sendNowait(1)
    await check(() => receive[Symbol.asyncIterator]().next())
  },
  'Queue.[Symbol.asyncDispose]': (check) => check(() => createQueue(1)[Symbol.asyncDispose]()),
  'Broadcast.[Symbol.asyncDispose]': (check) => check(() => createBroadcast(1)[Symbol.asyncDispose]()),
  'MemorySendStream.[Symbol.asyncDispose]': (check) =>
    check(() => createMemoryObjectStream(1)[0][Symbol.asyncDispose]()),
  'MemoryReceiveStream.[Symbol.asyncDispose]': (check) =>
    check(() => createMemoryObjectStream(1)[1][Symbol.asyncDispose]()),
  select: async (check) => {
    const queue = createQueue<number>(1)
    queue.putNowait(1)
    await check(() => select([queue]))
  },
  selectAll: async (check) => {
    const queue = createQueue<number>(1)
    queue.putNowait(1)
    await check(() => selectAll([queue]).next())
  },
  'ResourceGuard.use': async (check) => {
    const guard = new ResourceGuard()
    await check(() => guard.use(() => {}))
  },
}

async function withTask(
  body: (handle: { wait(): Promise<void>; value(): Promise<unknown> }) => Promise<unknown>,
): Promise<void> {
  await createTaskGroup(async (tg) => {
    const handle = tg.spawn(() => 'value')
    await handle.wait()
    await body(handle)
  })
}
