/**
 * `select` and `selectAll`: exactly one source is taken from, the others are left as they are, and a call that is cancelled has
 * taken nothing. The property test (unit/sync/select.property.spec.ts) has the interleavings.
 */
import { EventEmitter } from 'node:events'
import { closeSync } from 'node:fs'
import test from 'ava'
import {
  BrokenResourceError,
  CancelScope,
  ClosedResourceError,
  connectTcp,
  connectUnix,
  createBroadcast,
  createEvent,
  createMemoryObjectStream,
  createQueue,
  createTaskGroup,
  createTcpServer,
  createUdpSocket,
  createUnixServer,
  dumpTasks,
  EndOfStream,
  fromEmitter,
  isCancelled,
  moveOnAfter,
  openCancelScope,
  openProcess,
  type Queue,
  ResourceBusyError,
  run,
  select,
  selectable,
  selectAll,
  type Selectable,
  sleep,
  sleepForever,
  type SocketStream,
  type Stream,
  TaskCancelled,
  TaskFailed,
  type TaskHandle,
  UsageError,
  waitAllTasksBlocked,
  WouldBlock,
} from '../../index.ts'
import { eachBackend, eachRealBackend } from '../support/backends.ts'
import { eachBackendWith, socketFolder } from '../support/datagrams.ts'
import { ownStreamPair } from '../support/own-stream.ts'
import { rejection } from '../support/rejection.ts'
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
      // Nobody awaits it: the group reports the failure.
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
    const logged: Selectable<number> = {
      [selectable]() {
        const source = queue[selectable]()
        return {
          ready: () => source.ready(),
          watch: (changed) => source.watch(changed),
          take: () => {
            const item = source.take()
            log.putNowait(`took ${item}`)
            return item
          },
        }
      },
    }
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

eachBackend(test, 'E34: a source that is ready and gives nothing keeps the item from nobody', async (t, backend) => {
  await backend.run(async () => {
    const queue = createQueue<number>(0)
    const picky: Selectable<number> = {
      [selectable]() {
        const source = queue[selectable]()
        return {
          ready: () => source.ready(),
          watch: (changed) => source.watch(changed),
          take: () => {
            throw new WouldBlock('nothing for this one')
          },
        }
      },
    }
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

/** As somebody writes one by hand. */
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

async function textOf(selected: Promise<[number, unknown]>): Promise<[number, string]> {
  const [index, value] = await selected
  return [index, String(value)]
}

async function withTcp(body: (stream: SocketStream, peer: SocketStream) => Promise<unknown>): Promise<void> {
  await using server = await createTcpServer(0, LOCAL)
  await using peer = await connectTcp('127.0.0.1', server.port)
  await using stream = await server.accept()
  await body(stream, peer)
}
