/** `select` of broadcasts, events of emitters and queues that are closed, and of sources of one's own that misbehave. */
import { EventEmitter } from 'node:events'
import test from 'ava'
import {
  BrokenResourceError,
  CancelScope,
  createBroadcast,
  createEvent,
  createQueue,
  createTaskGroup,
  dumpTasks,
  EndOfStream,
  fromEmitter,
  select,
  selectable,
  selectAll,
  type Selectable,
  type SelectSource,
  waitAllTasksBlocked,
  WouldBlock,
} from '../../index.ts'
import { eachBackend, eachRealBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

eachBackend(test, 'E29: a subscription of a broadcast: its own items, and its end', async (t, backend) => {
  await backend.run(async () => {
    const broadcast = createBroadcast<number>(1)
    using first = broadcast.subscribe()
    using second = broadcast.subscribe()
    await createTaskGroup(async (tg) => {
      // Of the two that wait in one call, one takes the item and the other keeps its own.
      const waiting = tg.spawn(() => select([first, second]))
      await waitAllTasksBlocked()
      broadcast.sendNowait(1)
      t.deepEqual(await waiting.value(), [0, 1])
      t.is(second.statistics().currentBufferUsed, 1)
      // A select that takes makes room, as a receive does.
      const sending = tg.spawn(() => broadcast.send(2))
      await waitAllTasksBlocked()
      t.is(broadcast.statistics().tasksWaitingSend, 1)
      t.deepEqual(await select([second]), [0, 1])
      await sending.wait()
      const got: unknown[] = []
      const reading = tg.spawn(async () => {
        for await (const [key, item] of selectAll({ first, second })) got.push(`${key} ${item}`)
      })
      await waitAllTasksBlocked()
      const readable = tg.spawn(() => first.waitReadable())
      await waitAllTasksBlocked()
      broadcast.close()
      await reading.wait()
      await readable.value()
      t.deepEqual(got.sort(), ['first 2', 'second 2'])
      t.true((await rejection(select([first, createEvent()]))) instanceof EndOfStream)
    })
  })
})

eachBackend(
  test,
  'E30: the events of an emitter: a select is told inside emit, from outside of every task',
  async (t, backend) => {
    await backend.run(async () => {
      const emitter = new EventEmitter()
      using events = fromEmitter<number>(emitter, 'x', { capacity: 1, onFull: 'error', endEvent: 'end' })
      const never = createQueue<number>(0)
      await createTaskGroup(async (tg) => {
        const waiting = tg.spawn(() => select({ never, events }))
        await waitAllTasksBlocked()
        t.regex(dumpTasks(), /select of 2 sources/)
        emitter.emit('x', 1)
        // The first one was handed over, so that there is room for another one.
        emitter.emit('x', 2)
        t.deepEqual(await waiting.value(), ['events', 1])
        t.deepEqual(await select({ never, events }), ['events', 2])
        const readable = tg.spawn(() => events.waitReadable())
        await waitAllTasksBlocked()
        const left = tg.spawn(() => rejection(select([never, events])))
        await waitAllTasksBlocked()
        emitter.emit('end')
        await readable.value()
        t.true((await left.value()) instanceof EndOfStream)
        t.is(never.statistics().tasksWaitingGet, 0)
      })
      using slow = fromEmitter<number>(emitter, 'x', { capacity: 1, onFull: 'error' })
      for (const item of [1, 2]) emitter.emit('x', item)
      const all = selectAll([slow])
      t.deepEqual((await all.next()).value, [slow, 1])
      await slow.waitReadable()
      t.true((await rejection(all.next())) instanceof BrokenResourceError)
      t.true((await all.next()).done)
    })
  },
)

eachRealBackend(test, 'E30: a select of events may wait for ever, and is no deadlock', async (t, backend) => {
  await backend.run(async () => {
    const emitter = new EventEmitter()
    using events = fromEmitter<number>(emitter, 'x', { capacity: 1, onFull: 'error' })
    setTimeout(() => emitter.emit('x', 1), 20)
    t.deepEqual(await select([createQueue<number>(0), events]), [1, 1])
  })
})

eachBackend(
  test,
  'E31: a queue that is closed gives what is left, and then its end; it wakes all who wait',
  async (t, backend) => {
    await backend.run(async () => {
      const queue = createQueue<number>(0)
      const other = createQueue<number>(0)
      await createTaskGroup(async (tg) => {
        const got: string[] = []
        const name = (error: unknown): string => (error as Error).name
        const waiting = [
          tg.spawn(() => rejection(queue.get()).then(name)),
          tg.spawn(() => rejection(select([other, queue])).then(name)),
          tg.spawn(() => rejection(queue.getBatch(2)).then(name)),
          tg.spawn(() => queue.waitReadable().then(() => 'readable')),
        ]
        const both = tg.spawn(async () => {
          for await (const [key, item] of selectAll({ queue, other })) got.push(`${key} ${item}`)
        })
        await waitAllTasksBlocked()
        t.is(queue.statistics().tasksWaitingGet, 4)
        queue.close()
        const outcomes: string[] = []
        for (const handle of waiting) outcomes.push(await handle.value())
        t.deepEqual(outcomes, ['EndOfStream', 'EndOfStream', 'EndOfStream', 'readable'])
        await waitAllTasksBlocked()
        t.is(both.status, 'running')
        // Those that have left the line of the other one, too, take nothing from it.
        other.putNowait(1)
        await waitAllTasksBlocked()
        other.putNowait(2)
        other.close()
        await both.wait()
        t.deepEqual(got, ['other 1', 'other 2'])
      })
      const last = createQueue<string>(1)
      last.putNowait('left')
      last.close()
      await last.waitReadable()
      t.deepEqual(await select([createEvent(), last]), [1, 'left'])
      await last.waitReadable()
      t.true((await rejection(select([createEvent(), last]))) instanceof EndOfStream)
    })
  },
)

eachBackend(
  test,
  'E32: a batch and a select stand in one line, and each gets an item in its turn',
  async (t, backend) => {
    await backend.run(async () => {
      const queue = createQueue<number>(0)
      const other = createQueue<number>(0)
      await createTaskGroup(async (tg) => {
        const batch = tg.spawn(() => queue.getBatch(9))
        await waitAllTasksBlocked()
        const gone = tg.spawn(() => select({ queue, other }))
        await waitAllTasksBlocked()
        const selected = tg.spawn(() => select({ queue, other }))
        await waitAllTasksBlocked()
        other.putNowait(0)
        for (let item = 1; item <= 4; item++) queue.putNowait(item)
        t.deepEqual(await gone.value(), ['other', 0])
        t.deepEqual(await selected.value(), ['queue', 2])
        t.deepEqual(await batch.value(), [1, 3, 4])
      })
    })
  },
)

eachBackend(test, 'E33: what a source makes ready while it is taken from is not taken, too', async (t, backend) => {
  await backend.run(async () => {
    const queue = createQueue<number>(0)
    const log = createQueue<string>(0)
    const logged = taking(queue, (source) => {
      const item = source.take()
      log.putNowait(`took ${item}`)
      return item
    })
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => select({ log, logged }))
      await waitAllTasksBlocked()
      queue.putNowait(1)
      t.deepEqual(await waiting.value(), ['logged', 1])
      t.is(log.getNowait(), 'took 1')
      t.is(log.statistics().tasksWaitingGet, 0)
    })
  })
})

eachBackend(test, 'E34: the next in line gets the item that a ready source does not take', async (t, backend) => {
  await backend.run(async () => {
    const queue = createQueue<number>(0)
    const picky = taking(queue, () => {
      throw new WouldBlock('nothing for this one')
    })
    await createTaskGroup(async (tg) => {
      tg.spawn(() => select([picky]))
      await waitAllTasksBlocked()
      const getter = tg.spawn(() => queue.get())
      await waitAllTasksBlocked()
      queue.putNowait(1)
      t.is(await getter.value(), 1)
      queue.putNowait(2)
      t.is(queue.getNowait(), 2)
      queue.close()
      tg.cancelScope.cancel()
    })
    t.is(queue.statistics().tasksWaitingGet, 0)
  })
})

eachBackend(
  test,
  'E35: where the undo of a source of your own throws, the others are left, and the error is that of the select',
  async (t, backend) => {
    await backend.run(async () => {
      const queue = createQueue<number>(0)
      const other = createQueue<number>(0)
      const failure = new Error('of the undo')
      const faulty: Selectable<never> = {
        [selectable]: () => ({
          ready: () => false,
          take: () => {
            throw new WouldBlock('it never has anything')
          },
          watch: () => () => {
            throw failure
          },
        }),
      }
      await createTaskGroup(async (tg) => {
        const waiting = tg.spawn(() => rejection(select([queue, faulty, other])))
        await waitAllTasksBlocked()
        t.notThrows(() => queue.putNowait(1))
        t.is(await waiting.value(), failure)
        const scope = new CancelScope()
        const cancelled = tg.spawn(() => rejection(scope.run(() => select([queue, faulty, other]))))
        await waitAllTasksBlocked()
        scope.cancel()
        t.is(await cancelled.value(), failure)
      })
      t.deepEqual([queue.statistics().tasksWaitingGet, other.statistics().tasksWaitingGet], [0, 0])
    })
  },
)

/** The same source with another `take`. */
function taking<T>(inner: Selectable<T>, take: (source: SelectSource<T>) => T): Selectable<T> {
  return {
    [selectable]() {
      const source = inner[selectable]()
      return { ready: () => source.ready(), watch: (changed) => source.watch(changed), take: () => take(source) }
    },
  }
}
