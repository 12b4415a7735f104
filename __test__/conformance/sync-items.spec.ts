/** Events, queues and memory object streams: what is handed over, and items without a receiver. */
import { EventEmitter } from 'node:events'
import test from 'ava'
import {
  BrokenResourceError,
  ClosedResourceError,
  createEvent,
  createLock,
  createMemoryObjectStream,
  createQueue,
  createSemaphore,
  createTaskGroup,
  EndOfStream,
  getCurrentTask,
  NotRunningError,
  openCancelScope,
  sleep,
  WouldBlock,
} from '../../index.ts'
import { detached } from '../../src/kernel/detached.ts'
import { eachBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

eachBackend(
  test,
  'Y6: an event that is set reaches a waiter cancelled in the same turn, and not the other way round',
  async (t, backend) => {
    await backend.run(async () => {
      for (const [first, expected] of [
        ['set', 'reached'],
        ['cancel', 'cancelled'],
      ] as const) {
        const event = createEvent()
        let outcome = 'cancelled'
        await openCancelScope(async (scope) => {
          await createTaskGroup((group) => {
            group.spawn(async () => {
              t.true(await event.wait())
              outcome = 'reached'
            })
            group.spawn(async () => {
              await sleep(0)
              if (first === 'set') event.set()
              scope.cancel()
              event.set()
            })
          })
        })
        t.is(outcome, expected)
      }
    })
  },
)

eachBackend(test, 'Y10: a receiver in a cancelled scope takes nothing from a blocked sender', async (t, backend) => {
  await backend.run(async () => {
    const [send, receive] = createMemoryObjectStream<string>()
    await createTaskGroup(async (group) => {
      group.spawn(() => send.send('item'))
      await sleep(0)
      await openCancelScope(async (scope) => {
        scope.cancel()
        await receive.receive()
      })
      t.is(receive.statistics().tasksWaitingSend, 1)
      t.is(await receive.receive(), 'item')
    })
    send.close()
    receive.close()
  })
})

eachBackend(
  test,
  'Y12: the last sender leaves what is buffered; the last receiver leaves nobody waiting',
  async (t, backend) => {
    await backend.run(async () => {
      const [send, receive] = createMemoryObjectStream<number>(2)
      const other = send.clone()
      send.close()
      await other.send(1)
      await other.send(2)
      other.close()
      const second = receive.clone()
      t.is(await receive.receive(), 1)
      t.is(await second.receive(), 2)
      t.true((await rejection(receive.receive())) instanceof EndOfStream)
      t.throws(() => second.receiveNowait(), { instanceOf: EndOfStream })

      const [sender, receiver] = createMemoryObjectStream<number>()
      await createTaskGroup(async (group) => {
        group.spawn(async () => t.true((await rejection(sender.send(0))) instanceof BrokenResourceError))
        await sleep(0)
        receiver.close()
      })
      t.throws(() => sender.sendNowait(1), { instanceOf: BrokenResourceError })
    })
  },
)

eachBackend(
  test,
  'R4: an event listener outside every task sets, puts and spawns; it may not wait',
  async (t, backend) => {
    const emitter = new EventEmitter()
    await backend.run(async () => {
      const event = createEvent()
      const queue = createQueue<string>(0)
      const semaphore = createSemaphore(0)
      let parent: number | null | undefined
      let waited: unknown
      await createTaskGroup(async (group) => {
        emitter.once('x', () => {
          event.set()
          queue.putNowait('from outside')
          semaphore.release()
          group.spawn(() => (parent = getCurrentTask().parentId))
          t.throws(() => createLock().acquireNowait(), { instanceOf: NotRunningError })
          waited = rejection(queue.get())
        })
        detached(setImmediate, () => void emitter.emit('x'))
        await event.wait()
        t.is(await queue.get(), 'from outside')
        await semaphore.acquire()
      })
      t.is(parent, getCurrentTask().id)
      t.true((await waited) instanceof NotRunningError)
    })
  },
)

eachBackend(
  test,
  'an item that was handed over reaches the getter though it is cancelled in the same turn',
  async (t, backend) => {
    await backend.run(async () => {
      const queue = createQueue<string>(1)
      let got: string | undefined
      await createTaskGroup(async (group) => {
        const getter = group.spawn(async () => {
          got = await queue.get()
        })
        await sleep(0)
        queue.putNowait('item')
        getter.cancel()
      })
      t.is(got, 'item')
      t.true(queue.empty())
    })
  },
)

eachBackend(
  test,
  'a bounded queue holds back its putters, in order; cancelled, they have put nothing',
  async (t, backend) => {
    await backend.run(async () => {
      const queue = createQueue<number>(2)
      await createTaskGroup(async (group) => {
        const putters = [1, 2, 3, 4, 5].map((n) => group.spawn(() => queue.put(n)))
        await sleep(0)
        t.is(queue.qsize(), 2)
        t.true(queue.full())
        t.throws(() => queue.putNowait(9), { instanceOf: WouldBlock })
        putters[3]!.cancel()
        const got: number[] = []
        for await (const item of queue) if (got.push(item) === 4) break
        t.deepEqual(got, [1, 2, 3, 5])
        t.true(queue.empty())
        t.throws(() => queue.getNowait(), { instanceOf: WouldBlock })
      })
    })
  },
)

eachBackend(
  test,
  'a memory stream: closing an end wakes whoever waits at it, and its clones go on',
  async (t, backend) => {
    await backend.run(async () => {
      const [send, receive] = createMemoryObjectStream<string>()
      const other = receive.clone()
      const got: string[] = []
      await createTaskGroup(async (group) => {
        group.spawn(async () => t.true((await rejection(receive.receive())) instanceof ClosedResourceError))
        group.spawn(async () => {
          for await (const item of other) got.push(item)
        })
        await sleep(0)
        receive.close()
        receive.close()
        await send.send('one')
        t.deepEqual(send.statistics(), {
          currentBufferUsed: 0,
          maxBufferSize: 0,
          openSendStreams: 1,
          openReceiveStreams: 1,
          tasksWaitingSend: 0,
          tasksWaitingReceive: send.statistics().tasksWaitingReceive,
        })
        t.throws(() => receive.clone(), { instanceOf: ClosedResourceError })
        send.close()
        t.true((await rejection(send.send('two'))) instanceof ClosedResourceError)
      })
      t.deepEqual(got, ['one'])
    })
  },
)
