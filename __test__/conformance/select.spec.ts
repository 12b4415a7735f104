/**
 * `select` and `selectAll`: exactly one source is taken from, the others are left as they are, and a call that is cancelled has
 * taken nothing. The property test (unit/sync/select.property.spec.ts) has the interleavings.
 */
import test from 'ava'
import {
  ClosedResourceError,
  connectTcp,
  createEvent,
  createMemoryObjectStream,
  createQueue,
  createTaskGroup,
  createTcpServer,
  dumpTasks,
  EndOfStream,
  openCancelScope,
  type Queue,
  ResourceBusyError,
  select,
  selectAll,
  type Selectable,
  sleep,
  sleepForever,
  type SocketStream,
  TaskCancelled,
  TaskFailed,
  type TaskHandle,
  UsageError,
  waitAllTasksBlocked,
} from '../../index.ts'
import { eachBackend } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'
import { textOf, withTcp } from '../support/select.ts'
import { LOCAL, withTlsPair } from '../support/tls.ts'

eachBackend(test, 'E1: takes from the stream that has something, and nothing from the others', async (t, backend) => {
  await backend.run(() =>
    withTcp(async (a, peerOfA) =>
      withTcp(async (b, peerOfB) => {
        await peerOfB.sendAll('for b')
        t.deepEqual(await textOf(select([a, b])), [1, 'for b'])
        await Promise.all([peerOfA.sendAll('for a'), peerOfB.sendAll('more')])
        await Promise.all([a.waitReadable(), b.waitReadable()])
        const [index, text] = await textOf(select([a, b]))
        const loser = index === 0 ? b : a
        t.deepEqual([text, (await loser.receiveSome()).toString()].sort(), ['for a', 'more'])
      }),
    ),
  )
})

eachBackend(test, 'E2: waits for the first one; a record answers with the key', async (t, backend) => {
  await backend.run(() =>
    withTcp(async (stream, peer) => {
      const jobs = createQueue<number>(0)
      await createTaskGroup(async (tg) => {
        const waiting = tg.spawn(() => select({ jobs, stream }))
        await waitAllTasksBlocked()
        t.regex(dumpTasks(), /select of 2 sources/)
        jobs.putNowait(7)
        t.deepEqual(await waiting.value(), ['jobs', 7])
        const other = tg.spawn(() => select({ jobs, stream }))
        await waitAllTasksBlocked()
        await peer.sendAll('x')
        t.is((await other.value())[0], 'stream')
      })
      // The loser is free again.
      await peer.sendAll('next')
      t.is((await stream.receiveSome()).toString(), 'next')
      t.is(jobs.statistics().tasksWaitingGet, 0)
    }),
  )
})

eachBackend(test, 'E3: two connections in a loop of selects lose no byte', async (t, backend) => {
  await backend.run(() =>
    withTcp(async (a, peerOfA) =>
      withTcp(async (b, peerOfB) => {
        const each = 200
        await createTaskGroup(async (tg) => {
          for (const peer of [peerOfA, peerOfB]) {
            tg.spawn(async () => {
              for (let i = 0; i < each; i++) {
                await peer.sendAll('x')
                if (i % 5 === 0) await sleep(0)
              }
              await peer.sendEof()
            })
          }
          const received = [0, 0]
          for (let open = 2; open > 0;) {
            const [index, bytes] = await select([a, b])
            received[index]! += bytes.length
            // An end stays ready.
            if (bytes.length === 0) open = 0
          }
          const rest = [0, 0]
          for (const [index, stream] of [a, b].entries()) for await (const bytes of stream) rest[index]! += bytes.length
          t.deepEqual([received[0]! + rest[0]!, received[1]! + rest[1]!], [each, each])
        })
      }),
    ),
  )
})

eachBackend(test, 'E4: a select that is cancelled has taken nothing', async (t, backend) => {
  await backend.run(() =>
    withTcp(async (stream, peer) => {
      const queue = createQueue<string>(0)
      t.is(
        await openCancelScope(async (scope) => {
          await createTaskGroup(async (tg) => {
            tg.spawn(() => select([queue, stream]))
            await waitAllTasksBlocked()
            scope.cancel()
            queue.putNowait('kept')
          })
        }),
        undefined,
      )
      await peer.sendAll('kept too')
      t.is((await stream.receiveSome()).toString(), 'kept too')
      t.is(queue.getNowait(), 'kept')
      t.is(queue.statistics().tasksWaitingGet, 0)
      // In a scope that is cancelled already, it is a checkpoint.
      queue.putNowait('still there')
      await openCancelScope(async (scope) => {
        scope.cancel()
        await select([queue])
      })
      t.is(queue.qsize(), 1)
    }),
  )
})

eachBackend(
  test,
  'E5: what a select has taken reaches it, though it is cancelled in the same turn',
  async (t, backend) => {
    await backend.run(async () => {
      const queue = createQueue<number>(0)
      let got: unknown
      await openCancelScope(async (scope) => {
        await createTaskGroup(async (tg) => {
          tg.spawn(async () => {
            got = await select([queue, createEvent()])
          })
          await waitAllTasksBlocked()
          queue.putNowait(1)
          scope.cancel()
        })
      })
      t.deepEqual(got, [0, 1])
      t.true(queue.empty())
    })
  },
)

eachBackend(test, 'E6: a select overtakes no getter, and no getter overtakes it', async (t, backend) => {
  await backend.run(async () => {
    const queue = createQueue<number>(0)
    const other = createQueue<number>(0)
    const got: string[] = []
    await createTaskGroup(async (tg) => {
      for (const [name, wait] of [
        ['get', () => queue.get()],
        ['select', async () => (await select([other, queue]))[1]],
        ['second get', () => queue.get()],
        ['second select', async () => (await select([queue, other]))[1]],
      ] as const) {
        tg.spawn(async () => {
          const item = await wait()
          got.push(`${name}: ${item}`)
        })
        await waitAllTasksBlocked()
      }
      for (let item = 1; item <= 4; item++) queue.putNowait(item)
    })
    t.deepEqual(got.sort(), ['get: 1', 'second get: 3', 'second select: 4', 'select: 2'])
    t.deepEqual([queue.statistics().tasksWaitingGet, other.statistics().tasksWaitingGet], [0, 0])
  })
})

eachBackend(test, 'E7: a select is a receiver for a sender without a buffer', async (t, backend) => {
  await backend.run(async () => {
    const [send, receive] = createMemoryObjectStream<string>(0)
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => select([receive]))
      await waitAllTasksBlocked()
      send.sendNowait('handed over')
      t.deepEqual(await waiting.value(), [0, 'handed over'])
      tg.spawn(() => send.send('waits'))
      await waitAllTasksBlocked()
      t.deepEqual(await select([receive]), [0, 'waits'])
      t.is(send.statistics().tasksWaitingSend, 0)
    })
  })
})

eachBackend(
  test,
  'E8: what has ended or was closed is ready, and gives what its own receive gives',
  async (t, backend) => {
    await backend.run(() =>
      withTcp(async (stream, peer) => {
        const [send, receive] = createMemoryObjectStream<number>(1)
        send.sendNowait(1)
        send.close()
        t.deepEqual(await select([receive, createEvent()]), [0, 1])
        t.true((await rejection(select([receive, createEvent()]))) instanceof EndOfStream)
        receive.close()
        t.true((await rejection(select([receive, createEvent()]))) instanceof ClosedResourceError)
        await peer.sendEof()
        t.deepEqual(await textOf(select([stream])), [0, ''])
        await stream.close()
        t.true((await rejection(select([stream]))) instanceof ClosedResourceError)
      }),
    )
  },
)

eachBackend(test, 'E9: a source that ends or is closed while a select waits wakes it', async (t, backend) => {
  await backend.run(() =>
    withTcp(async (stream) => {
      const [send, receive] = createMemoryObjectStream<number>(1)
      await using server = await createTcpServer(0, LOCAL)
      for (const [source, close, kind] of [
        [receive, () => send.close(), EndOfStream],
        [server, () => void server.close(), ClosedResourceError],
        [stream, () => void stream.close(), ClosedResourceError],
      ] as [Selectable<unknown>, () => void, typeof EndOfStream][]) {
        await createTaskGroup(async (tg) => {
          const waiting = tg.spawn(() => rejection(select([createEvent(), source])))
          await waitAllTasksBlocked()
          close()
          t.true((await waiting.value()) instanceof kind)
        })
      }
    }),
  )
})

eachBackend(test, 'E10: an event, and a task: its value, TaskFailed, TaskCancelled', async (t, backend) => {
  await backend.run(async () => {
    const event = createEvent()
    const never = createQueue<number>(0)
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => select({ event, never }))
      await waitAllTasksBlocked()
      event.set()
      event.clear()
      t.deepEqual(await waiting.value(), ['event', true])
      const task = tg.spawn(async () => {
        await sleep(0)
        return 'done'
      })
      t.deepEqual(await select([never, task]), [1, 'done'])
      const cancelled = tg.spawn(() => sleepForever())
      cancelled.cancel()
      t.true((await rejection(select([never, cancelled]))) instanceof TaskCancelled)
      const own: TaskHandle<void> = tg.spawn(async () => {
        t.true((await rejection(select([never, own]))) instanceof UsageError)
      })
    })
    const failure = new Error('it failed')
    const group = createTaskGroup(async (tg) => {
      const failing = tg.spawn(async () => {
        await sleep(0)
        throw failure
      })
      // The select is not awaited: the group reports the failure.
      void select([never, failing])
      // A shield, for the group is cancelled by then.
      await openCancelScope({ shield: true }, async () => {
        const error = await rejection(select([never, failing]))
        t.true(error instanceof TaskFailed && error.cause === failure)
      })
    })
    await rejection(group)
  })
})

eachBackend(test, 'E11: a server; a connection that was not taken is the next accept', async (t, backend) => {
  await backend.run(async () => {
    await using server = await createTcpServer(0, LOCAL)
    const stop = createEvent()
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => select({ stop, server }))
      await waitAllTasksBlocked()
      t.true((await rejection(server.accept())) instanceof ResourceBusyError)
      await using client = await connectTcp('127.0.0.1', server.port)
      const [which, accepted] = await waiting.value()
      if (which !== 'server') return t.fail()
      t.is(accepted.remoteAddress.port, client.localAddress.port)
      await accepted.close()
    })
    await using second = await connectTcp('127.0.0.1', server.port)
    await server.waitReadable()
    t.is(server.statistics().accepted, 1)
    stop.set()
    let accepted: SocketStream | undefined
    // Both are ready: whichever is drawn, the connection is not lost.
    const [which, value] = await select({ stop, server })
    if (which === 'server') accepted = value
    accepted ??= await server.accept()
    t.is(accepted.remoteAddress.port, second.localAddress.port)
    await accepted.close()
  })
})

eachBackend(test, 'E12: a select that waits counts as a receive, and so does waitReadable', async (t, backend) => {
  await backend.run(() =>
    withTcp(async (stream, peer) => {
      const stop = createEvent()
      const waits: (() => Promise<unknown>)[] = [
        () => select([stop, stream]),
        async () => {
          await stream.waitReadable()
          await stream.receiveSome()
        },
        () => stream.receiveSome(),
      ]
      for (const wait of waits) {
        await createTaskGroup(async (tg) => {
          const waiting = tg.spawn(wait)
          await waitAllTasksBlocked()
          t.true((await rejection(stream.receiveSome())) instanceof ResourceBusyError)
          t.true((await rejection(stream.waitReadable())) instanceof ResourceBusyError)
          t.true((await rejection(select([stop, stream]))) instanceof ResourceBusyError)
          // The first call is undisturbed.
          await peer.sendAll('x')
          await waiting.value()
        })
      }
    }),
  )
})

eachBackend(test, 'E13: bad input is refused before anything is taken', async (t, backend) => {
  await backend.run(async () => {
    const queue = createQueue<number>(0)
    queue.putNowait(1)
    const of = (sources: unknown): Promise<unknown> => rejection(select(sources as [Queue<number>]))
    for (const sources of [[], {}]) t.true((await of(sources)) instanceof RangeError)
    t.true((await of([queue, queue])) instanceof RangeError)
    for (const sources of [
      queue,
      undefined,
      null,
      1,
      [queue, undefined],
      { a: queue, b: {} },
      new Set([queue]),
      [[]],
    ]) {
      t.true((await of(sources)) instanceof TypeError)
    }
    t.throws(() => selectAll([{}] as never), { instanceOf: TypeError, message: /sources\[0\]/ })
    t.deepEqual(await selectAll([]).next(), { done: true, value: undefined })
    t.is(queue.qsize(), 1)
  })
})

eachBackend(test, 'E14: each of several that are ready is as likely as the others', async (t, backend) => {
  await backend.run(async () => {
    const queues = [0, 1, 2, 3].map(() => createQueue<number>(0))
    const rounds = 4000
    for (const queue of queues.slice(1)) for (let i = 0; i < rounds; i++) queue.putNowait(i)
    const counts = [0, 0, 0, 0]
    for (let i = 0; i < rounds; i++) counts[(await select(queues))[0]]!++
    t.is(counts[0], 0)
    // The draws of a run are always the same; six standard deviations.
    for (const count of counts.slice(1)) t.true(Math.abs(count - rounds / 3) < 180, String(counts))
  })
})

eachBackend(test, 'E15: a queue that is never empty does not starve a socket', async (t, backend) => {
  await backend.run(() =>
    withTcp(async (stream, peer) => {
      const queue = createQueue<number>(0)
      await peer.sendAll('x')
      let rounds = 0
      for (let which = 'queue'; which === 'queue'; rounds++) {
        queue.putNowait(rounds)
        ;[which] = await select({ queue, stream })
        if (rounds > 10_000) break
      }
      t.true(rounds < 10_000)
    }),
  )
})

eachBackend(test, 'E16: TLS streams give plaintext, and lose none', async (t, backend) => {
  await withTlsPair(backend, async (client, server) => {
    const stop = createEvent()
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => textOf(select([stop, client])))
      await waitAllTasksBlocked()
      await server.sendAll('secret')
      t.deepEqual(await waiting.value(), [1, 'secret'])
      const left = tg.spawn(() => select([stop, client]))
      await waitAllTasksBlocked()
      stop.set()
      t.is((await left.value())[0], 0)
    })
    await server.sendAll('more')
    await client.waitReadable()
    t.is((await client.receiveSome()).toString(), 'more')
  })
})
