/** Batches of items, and queues that are closed. */
import test from 'ava'
import {
  ClosedResourceError,
  createMemoryObjectStream,
  createQueue,
  createTaskGroup,
  EndOfStream,
  sleep,
  waitAllTasksBlocked,
} from '../../index.ts'
import { eachBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

eachBackend(test, 'Y76: a batch is at least one item, and all that is there up to max', async (t, backend) => {
  await backend.run(async () => {
    const queue = createQueue<number>(3)
    for (const item of [1, 2, 3]) queue.putNowait(item)
    await createTaskGroup(async (tg) => {
      for (const item of [4, 5]) tg.spawn(() => queue.put(item))
      await waitAllTasksBlocked()
      t.deepEqual(await queue.getBatch(2), [1, 2])
      // Those that wait with an item have it there, too.
      t.deepEqual(await queue.getBatch(Infinity), [3, 4, 5])
      const batch = tg.spawn(() => queue.getBatch(2))
      const single = tg.spawn(() => queue.get())
      await waitAllTasksBlocked()
      for (const item of [6, 7, 8, 9]) if (item < 9) queue.putNowait(item)
      t.deepEqual(await batch.value(), [6, 8])
      t.is(await single.value(), 7)
    })
    const [send, receive] = createMemoryObjectStream<number>()
    await createTaskGroup(async (tg) => {
      for (const item of [1, 2, 3]) tg.spawn(() => send.send(item))
      await waitAllTasksBlocked()
      t.deepEqual(await receive.receiveBatch(2), [1, 2])
      t.deepEqual(await receive.receiveBatch(2), [3])
      send.close()
      t.true((await rejection(receive.receiveBatch(2))) instanceof EndOfStream)
      receive.close()
      t.true((await rejection(receive.receiveBatch(2))) instanceof ClosedResourceError)
    })
  })
})

eachBackend(
  test,
  'Y77: a batch that was cancelled has taken nothing; one that was handed an item before has that item alone',
  async (t, backend) => {
    await backend.run(async () => {
      const queue = createQueue<number>(10)
      let got: number[] | undefined
      await createTaskGroup(async (tg) => {
        const cancelled = tg.spawn(() => queue.getBatch(5))
        await sleep(0)
        cancelled.cancel()
        queue.putNowait(1)
        t.is(queue.qsize(), 1)
        t.is(queue.getNowait(), 1)
        const handed = tg.spawn(async () => {
          got = await queue.getBatch(5)
        })
        await sleep(0)
        queue.putNowait(2)
        queue.putNowait(3)
        handed.cancel()
      })
      t.deepEqual(got, [2])
      t.deepEqual(await queue.getBatch(5), [3])
      for (const max of [0, -1, NaN, 1.5]) t.true((await rejection(queue.getBatch(max))) instanceof RangeError)
      t.true((await rejection(queue.getBatch('1' as never))) instanceof TypeError)
    })
  },
)

eachBackend(
  test,
  'Y78: a closed queue gives what is in it, then EndOfStream; a put that waited, and a later one, fails',
  async (t, backend) => {
    await backend.run(async () => {
      const queue = createQueue<number>(1)
      const got: number[] = []
      await createTaskGroup(async (tg) => {
        queue.putNowait(1)
        tg.spawn(async () => t.true((await rejection(queue.put(2))) instanceof ClosedResourceError))
        await waitAllTasksBlocked()
        queue.close()
        queue.close()
        t.throws(() => queue.putNowait(3), { instanceOf: ClosedResourceError })
        t.true((await rejection(queue.put(3))) instanceof ClosedResourceError)
        t.is(queue.qsize(), 1)
        for await (const item of queue) got.push(item)
      })
      t.deepEqual(got, [1])
      t.true((await rejection(queue.get())) instanceof EndOfStream)
      t.true((await rejection(queue.getBatch(1))) instanceof EndOfStream)
      t.throws(() => queue.getNowait(), { instanceOf: EndOfStream })

      const empty = createQueue<number>(0)
      await createTaskGroup(async (tg) => {
        tg.spawn(async () => t.true((await rejection(empty.get())) instanceof EndOfStream))
        tg.spawn(async () => t.true((await rejection(empty.getBatch(2))) instanceof EndOfStream))
        const loop = tg.spawn(async () => {
          for await (const _ of empty) t.fail()
        })
        await waitAllTasksBlocked()
        await empty[Symbol.asyncDispose]()
        await loop.value()
      })
      t.deepEqual(empty.statistics(), { tasksWaitingPut: 0, tasksWaitingGet: 0 })
    })
  },
)
