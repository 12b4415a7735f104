/** `select` of each kind of source, `selectAll`, and waits that take nothing. */
import { closeSync } from 'node:fs'
import test from 'ava'
import {
  ClosedResourceError,
  connectUnix,
  createEvent,
  createMemoryObjectStream,
  createQueue,
  createTaskGroup,
  createUdpSocket,
  createUnixServer,
  isCancelled,
  moveOnAfter,
  openCancelScope,
  openProcess,
  ResourceBusyError,
  run,
  select,
  selectable,
  selectAll,
  type Selectable,
  type Stream,
  UsageError,
  waitAllTasksBlocked,
} from '../../index.ts'
import { eachBackend, eachRealBackend } from '../support/backends.ts'
import { eachBackendWith, socketFolder } from '../support/datagrams.ts'
import { ownStreamPair } from '../support/own-stream.ts'
import { rejection } from '../support/rejection.ts'
import { textOf, withTcp } from '../support/select.ts'
import { LOCAL } from '../support/tls.ts'

eachBackend(test, 'E17: a stream of your own: what it read for a select is the next receive', async (t, backend) => {
  await backend.run(async () => {
    const [stream, peer] = ownStreamPair()
    const stop = createEvent()
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => textOf(select([stream, stop])))
      await waitAllTasksBlocked()
      await peer.sendAll('one')
      t.deepEqual(await waiting.value(), [0, 'one'])
      const left = tg.spawn(() => select([stream, stop]))
      await waitAllTasksBlocked()
      stop.set()
      t.is((await left.value())[0], 1)
      stop.clear()
      await peer.sendAll('two')
      t.is((await stream.receiveSome(2)).toString(), 'tw')
      t.deepEqual(await textOf(select([stop, stream])), [1, 'o'])
      // Cancelled while it reads.
      await openCancelScope((scope) =>
        createTaskGroup(async (inner) => {
          inner.spawn(() => select([stop, stream]))
          await waitAllTasksBlocked()
          scope.cancel()
        }),
      )
      await peer.sendAll('three')
      t.deepEqual(await textOf(select([stop, stream])), [1, 'three'])
      await peer.sendAll('four')
      await stream.waitReadable()
      t.is((await stream.receiveExactly(4)).toString(), 'four')
      await peer.sendEof()
      t.deepEqual(await textOf(select([stop, stream])), [1, ''])
    })
    await Promise.all([stream.close(), peer.close()])
    t.true((await rejection(select([stop, stream]))) instanceof ClosedResourceError)
  })
})

eachBackend(test, 'E18: bytes that were read ahead are ready', async (t, backend) => {
  await backend.run(() =>
    withTcp(async (stream, peer) => {
      await peer.sendAll('line\nrest')
      await stream.receiveUntil('\n', 10)
      if (stream.bufferedData.length < 4) await stream.waitReadable()
      t.deepEqual(await textOf(select([createEvent(), stream])), [1, 'rest'])
    }),
  )
})

eachBackend(test, 'E19: selectAll gives what comes, and ends when all sources have', async (t, backend) => {
  await backend.run(() =>
    withTcp(async (stream, peer) => {
      const [send, receive] = createMemoryObjectStream<number>(10)
      const got: unknown[] = []
      await createTaskGroup(async (tg) => {
        tg.spawn(async () => {
          for (let i = 0; i < 5; i++) await send.send(i)
          send.close()
          await peer.sendAll('bytes')
          await peer.sendEof()
        })
        for await (const [source, value] of selectAll([receive, stream])) {
          t.true(source === receive || source === stream)
          got.push(typeof value === 'number' ? value : value.toString())
        }
      })
      t.deepEqual(
        got.filter((each) => each !== 'bytes'),
        [0, 1, 2, 3, 4],
      )
      t.true(got.includes('bytes'))
    }),
  )
})

eachBackend(test, 'E20: selectAll takes single values once, and goes on after an error', async (t, backend) => {
  await backend.run(async () => {
    const event = createEvent()
    event.set()
    const [send, items] = createMemoryObjectStream<number>(1)
    const [, broken] = createMemoryObjectStream<number>(1)
    broken.close()
    await createTaskGroup(async (tg) => {
      const task = tg.spawn(() => 'value')
      const all = selectAll({ event, task, items, broken })
      const got: string[] = []
      for (let i = 0; i < 3; i++) {
        try {
          const { value } = await all.next()
          got.push(String(value[0]))
        } catch (error) {
          t.true(error instanceof ClosedResourceError)
          got.push('error')
        }
      }
      t.deepEqual(got.sort(), ['error', 'event', 'task'])
      // A step that is cancelled loses nothing; a second one beside it is refused.
      await openCancelScope((scope) =>
        createTaskGroup(async (inner) => {
          inner.spawn(() => all.next())
          await waitAllTasksBlocked()
          t.true((await rejection(all.next())) instanceof ResourceBusyError)
          scope.cancel()
        }),
      )
      send.sendNowait(1)
      for await (const [key, value] of all) {
        t.deepEqual([key, value], ['items', 1])
        break
      }
      send.sendNowait(2)
      t.is(items.receiveNowait(), 2)
      send.close()
      for await (const _ of all) t.fail()
    })
  })
})

eachBackend(test, 'E21: waitReadable takes nothing and reserves nothing', async (t, backend) => {
  await backend.run(async () => {
    const queue = createQueue<number>(0)
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => queue.waitReadable())
      await waitAllTasksBlocked()
      const getter = tg.spawn(() => queue.get())
      await waitAllTasksBlocked()
      queue.putNowait(1)
      t.is(await getter.value(), 1)
      await waitAllTasksBlocked()
      t.is(waiting.status, 'running')
      queue.putNowait(2)
      await waiting.value()
      await queue.waitReadable()
      t.is(queue.getNowait(), 2)
    })
    const [send, receive] = createMemoryObjectStream<number>(0)
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => receive.waitReadable())
      await waitAllTasksBlocked()
      tg.spawn(() => send.send(3))
      await waiting.value()
      t.is(await receive.receive(), 3)
      const atEnd = tg.spawn(() => receive.waitReadable())
      await waitAllTasksBlocked()
      send.close()
      await atEnd.value()
      const [, other] = createMemoryObjectStream<number>(0)
      const closed = tg.spawn(() => rejection(receive.waitReadable().then(() => other.waitReadable())))
      other.close()
      t.true((await closed.value()) instanceof ClosedResourceError)
    })
  })
})

eachBackend(test, 'E22: a datagram socket: one datagram, whole; the others stay', async (t, backend) => {
  await backend.run(async () => {
    await using socket = await createUdpSocket(LOCAL)
    const stop = createEvent()
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => select({ stop, socket }))
      await waitAllTasksBlocked()
      t.true((await rejection(socket.receive(1))) instanceof ResourceBusyError)
      await socket.send('first', socket.address)
      const [which, value] = await waiting.value()
      t.is(which, 'socket')
      t.is((value as [Buffer, unknown])[0].toString(), 'first')
      const left = tg.spawn(() => select({ stop, socket }))
      await waitAllTasksBlocked()
      stop.set()
      t.is((await left.value())[0], 'stop')
    })
    await socket.send('second', socket.address)
    await socket.waitReadable()
    t.is((await socket.receive(10))[0].toString(), 'second')
    await socket.close()
    t.true((await rejection(select([socket]))) instanceof ClosedResourceError)
  })
})

eachRealBackend(test, 'E23: a process gives its return code, and its output is a stream', async (t, backend) => {
  await backend.run(async () => {
    await using child = await openProcess(['sh', '-c', 'echo out; read line; exit 3'])
    const { stdout } = child
    t.deepEqual(await textOf(select([child, stdout]) as Promise<[number, Buffer]>), [1, 'out\n'])
    await child.stdin.sendAll('go\n')
    t.deepEqual(await select([createEvent(), child]), [1, 3])
  })
})

eachBackend(test, 'E24: an object of your own takes part by one method', async (t, backend) => {
  await backend.run(async () => {
    class Jobs implements Selectable<string> {
      readonly #queue = createQueue<string>(0)
      add(job: string): void {
        this.#queue.putNowait(job)
      }
      [selectable]() {
        return this.#queue[selectable]()
      }
    }
    const jobs = new Jobs()
    const mailbox = new Mailbox()
    await createTaskGroup(async (tg) => {
      const first = tg.spawn(() => select({ jobs, mailbox }))
      await waitAllTasksBlocked()
      jobs.add('job')
      t.deepEqual(await first.value(), ['jobs', 'job'])
      const second = tg.spawn(() => select({ jobs, mailbox }))
      await waitAllTasksBlocked()
      mailbox.deliver('letter')
      t.deepEqual(await second.value(), ['mailbox', 'letter'])
      t.is(mailbox.watchers, 0)
    })
  })
})

eachBackendWith(
  'waits',
  test,
  'E25: descriptors on their way stay with their bytes where a select loses',
  async (t, backend) => {
    const path = socketFolder(t)('socket')
    await backend.run(async () => {
      await using server = await createUnixServer(path)
      await using client = await connectUnix(path)
      await using accepted = await server.accept()
      const ready = createQueue<number>(0)
      for (let i = 0; i < 20; i++) {
        ready.putNowait(i)
        await client.sendFds('x', [0])
        for (let which = 'accepted'; which === 'accepted';) {
          ;[which] = await select({ ready, accepted: { [selectable]: () => withoutTaking(accepted) } })
        }
        const { data, fds } = await accepted.receiveFds(10, 1)
        t.deepEqual([data.toString(), fds.length], ['x', 1])
        closeSync(fds[0]!)
      }
    })
  },
)

eachBackend(test, 'E26: a select that nothing can wake is found as a deadlock', async (t, backend) => {
  const queue = createQueue<number>(0)
  const error = await rejection(backend.run(() => select([queue, createEvent()])))
  t.true(error instanceof UsageError)
  t.regex(String(error), /deadlock[^]*select of 2 sources/)
})

test('E27: a seed repeats the draws', async (t) => {
  const draws = (seed: number): Promise<string> =>
    run(
      async () => {
        const queues = [0, 1].map(() => createQueue<number>(0))
        for (const queue of queues) for (let i = 0; i < 30; i++) queue.putNowait(i)
        let drawn = ''
        for (let i = 0; i < 30; i++) drawn += String((await select(queues))[0])
        return drawn
      },
      { backend: 'virtual', backendOptions: { seed } },
    )
  t.is(await draws(1), await draws(1))
  t.not(await draws(1), await draws(2))
})

eachRealBackend(
  test,
  'E28: a loop of selects that are always ready lets timers and other tasks run',
  async (t, backend) => {
    await backend.run(async () => {
      const queue = createQueue<number>(0)
      const [, closed] = createMemoryObjectStream<number>(1)
      closed.close()
      for (const step of [
        async () => {
          queue.putNowait(1)
          await select([queue])
        },
        async () => {
          const error = await rejection(select([closed]))
          if (isCancelled(error)) throw error
        },
      ]) {
        let over = false
        await moveOnAfter(1, async () => {
          for (;;) await step()
        })
        over = true
        t.true(over)
      }
    })
  },
)

/** Says that it has something, and never gives it: the streams must be as they were. */
function withoutTaking(stream: Stream): ReturnType<Stream[typeof selectable]> {
  const source = stream[selectable]()
  return {
    outside: true,
    ready: () => false,
    take: () => source.take(),
    watch: (changed) => source.watch(changed),
  }
}

/** A source written by hand. */
class Mailbox implements Selectable<string> {
  readonly #letters: string[] = []
  readonly #waiting = new Set<() => void>()

  get watchers(): number {
    return this.#waiting.size
  }

  deliver(letter: string): void {
    this.#letters.push(letter)
    for (const changed of [...this.#waiting]) {
      this.#waiting.delete(changed)
      changed()
    }
  }

  [selectable]() {
    return {
      ready: () => this.#letters.length > 0,
      take: () => this.#letters.shift()!,
      watch: (changed: () => void) => {
        this.#waiting.add(changed)
        return () => void this.#waiting.delete(changed)
      },
    }
  }
}
