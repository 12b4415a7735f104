/** Broadcasts: each subscriber gets each item once and in order, and what happens when one of them is slow. */
import test from 'ava'
import {
  BrokenResourceError,
  ClosedResourceError,
  createBroadcast,
  createTaskGroup,
  dumpTasks,
  EndOfStream,
  type MemoryReceiveStream,
  moveOnAfter,
  sleep,
  waitAllTasksBlocked,
  WouldBlock,
} from '../../index.ts'
import { eachBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

/** What is there to be received now, and what the stream says then. */
function drained(stream: MemoryReceiveStream<number>): unknown[] {
  const found: unknown[] = []
  for (;;) {
    try {
      found.push(stream.receiveNowait())
    } catch (error) {
      return [...found, (error as Error).name]
    }
  }
}

eachBackend(
  test,
  'Y70: each subscriber gets every item sent since it subscribed, once and in order',
  async (t, backend) => {
    await backend.run(async () => {
      const broadcast = createBroadcast<number>(10)
      await broadcast.send(0)
      const a = broadcast.subscribe()
      await broadcast.send(1)
      const b = broadcast.subscribe()
      broadcast.sendNowait(2)
      a.close()
      await broadcast.send(3)
      t.deepEqual(broadcast.statistics(), { capacity: 10, subscribers: 1, tasksWaitingSend: 0, dropped: 0 })
      t.true(Object.isFrozen(broadcast.statistics()))
      broadcast.close()
      t.deepEqual(drained(a), ['ClosedResourceError'])
      t.deepEqual(drained(b), [2, 3, 'EndOfStream'])
      t.true((await rejection(broadcast.send(4))) instanceof ClosedResourceError)
      t.throws(() => broadcast.sendNowait(4), { instanceOf: ClosedResourceError })
      t.throws(() => broadcast.subscribe(), { instanceOf: ClosedResourceError })
      broadcast.close()
    })
  },
)

eachBackend(
  test,
  'Y71: with wait a send waits for the slowest, in order, and has given its item to none when it is cancelled',
  async (t, backend) => {
    await backend.run(async () => {
      using broadcast = createBroadcast<number>(1)
      const [a, b] = [broadcast.subscribe(), broadcast.subscribe()]
      await broadcast.send(1)
      t.throws(() => broadcast.sendNowait(9), { instanceOf: WouldBlock })
      await createTaskGroup(async (tg) => {
        tg.spawn({ name: 'second' }, () => broadcast.send(2))
        await sleep(0)
        t.is(await moveOnAfter(0, () => broadcast.send(8)), undefined)
        tg.spawn(() => broadcast.send(3))
        await waitAllTasksBlocked()
        t.regex(dumpTasks(), /"second" waits for room in a broadcast/)
        t.is(broadcast.statistics().tasksWaitingSend, 2)
        t.is(await a.receive(), 1)
        t.is(broadcast.statistics().tasksWaitingSend, 2)
        t.is(await b.receive(), 1)
        t.is(broadcast.statistics().tasksWaitingSend, 1)
        t.deepEqual(await a.receiveBatch(5), [2])
        t.deepEqual(await b.receiveBatch(5), [2, 3])
      })
      t.deepEqual(drained(a), [3, 'WouldBlock'])
    })
  },
)

eachBackend(
  test,
  'Y72: subscribers that come and go while a send waits: it goes to those who are there when it is taken',
  async (t, backend) => {
    await backend.run(async () => {
      using broadcast = createBroadcast<number>(1)
      const silent = broadcast.subscribe()
      await broadcast.send(1)
      await createTaskGroup(async (tg) => {
        const sending = tg.spawn(() => broadcast.send(2))
        await waitAllTasksBlocked()
        const late = broadcast.subscribe()
        t.deepEqual(drained(late), ['WouldBlock'])
        // The one that never reads was the last obstacle.
        silent.close()
        await sending.wait()
        t.deepEqual(drained(late), [2, 'WouldBlock'])
        await broadcast.send(3)
        const other = tg.spawn(() => broadcast.send(4))
        await waitAllTasksBlocked()
        late.close()
        await other.wait()
      })
    })
  },
)

for (const [onFull, kept, end] of [
  ['drop-oldest', [2, 3], 'WouldBlock'],
  ['drop-newest', [1, 2], 'WouldBlock'],
  ['error', [1, 2], 'BrokenResourceError'],
] as const) {
  eachBackend(test, `Y73: ${onFull} concerns the slow subscriber alone, and no send waits`, async (t, backend) => {
    await backend.run(async () => {
      using broadcast = createBroadcast<number>(2, { onFull })
      const [slow, fast] = [broadcast.subscribe(), broadcast.subscribe()]
      for (const item of [1, 2, 3]) {
        await broadcast.send(item)
        t.is(await fast.receive(), item)
      }
      const lost = onFull === 'error' ? 0 : 1
      t.like(broadcast.statistics(), { dropped: lost, subscribers: 1 + lost })
      t.is(slow.statistics().dropped, onFull === 'error' ? undefined : 1)
      t.is(fast.statistics().dropped, onFull === 'error' ? undefined : 0)
      t.deepEqual(drained(slow), [...kept, end])
      if (onFull === 'error') {
        t.true((await rejection(slow.receive())) instanceof BrokenResourceError)
        t.regex(String(await rejection(slow.receive())), /fell behind: 2 items/)
      }
    })
  })
}

eachBackend(test, 'Y74: close ends who waits: senders and receivers, none of them twice', async (t, backend) => {
  await backend.run(async () => {
    const broadcast = createBroadcast<number>(1)
    const [full, empty] = [broadcast.subscribe(), broadcast.subscribe()]
    const words: string[] = []
    await createTaskGroup(async (tg) => {
      await broadcast.send(1)
      t.is(await empty.receive(), 1)
      for (const item of [2, 3])
        tg.spawn(async () => words.push((await rejection(broadcast.send(item)))!.constructor.name))
      tg.spawn(async () => words.push((await rejection(empty.receive()))!.constructor.name))
      tg.spawn(async () => words.push((await rejection(empty.receiveBatch(3)))!.constructor.name))
      await waitAllTasksBlocked()
      await broadcast[Symbol.asyncDispose]()
    })
    t.deepEqual(words.sort(), ['ClosedResourceError', 'ClosedResourceError', 'EndOfStream', 'EndOfStream'])
    t.deepEqual(drained(full), [1, 'EndOfStream'])
    const got: number[] = []
    for await (const item of empty) got.push(item)
    t.deepEqual(got, [])
    t.true((await rejection(empty.receive())) instanceof EndOfStream)
  })
})

test('Y75: capacities and modes that make no sense are refused', (t) => {
  for (const capacity of [0, -1, NaN, 1.5, -Infinity]) {
    t.throws(() => createBroadcast(capacity), { instanceOf: RangeError })
  }
  t.throws(() => createBroadcast('1' as never), { instanceOf: TypeError })
  t.throws(() => createBroadcast(1, { onFull: 'drop' as never }), { instanceOf: RangeError })
  const endless = createBroadcast<number>(Infinity)
  const subscriber = endless.subscribe()
  for (let n = 0; n < 100; n++) endless.sendNowait(n)
  t.is(subscriber.statistics().currentBufferUsed, 100)
})
