/**
 * Where a Duplex belongs: to the scope that made it, whose end closes it if it was cancelled; else to the next one out when that
 * ends; never to more than its run.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import * as net from 'node:net'
import { addAbortSignal } from 'node:stream'
import test from 'ava'
import {
  Cancelled,
  CancelScope,
  connectTcp,
  createTaskGroup,
  currentSignal,
  failAfter,
  getCurrentTask,
  moveOnAfter,
  openCancelScope,
  sleepForever,
  TimeoutError,
} from '../../index.ts'
import { type NodeSocket, toDuplex } from '../../src/node/index.ts'
import { eachBackendWithClock } from '../support/backends.ts'
import { warnings } from '../support/datagrams.ts'
import { settle } from '../support/manual-clock.ts'
import { eachBackendWithRealSockets, eachBackendWithSockets, nextTurn, withPair, withPeer } from '../support/net.ts'

eachBackendWithSockets(
  test,
  'a Duplex is destroyed at the end of its scope that was cancelled, and the scope waits for it',
  async (t, backend) => {
    await withPeer(t, backend, async (stream, peer) => {
      let duplex: NodeSocket | undefined
      let error: unknown
      const outcome = await openCancelScope(async (scope) => {
        duplex = toDuplex(stream)
        duplex.on('error', (reason) => (error = reason))
        duplex.resume()
        scope.cancel('enough')
        await sleepForever()
      })
      t.is(outcome, undefined)
      t.true(duplex?.destroyed)
      await nextTurn()
      t.true(duplex?.closed)
      t.is((error as Error).name, 'AbortError')
      t.is((error as NodeJS.ErrnoException).code, 'ABORT_ERR')
      t.true((error as Error).cause instanceof Cancelled)
      await peer.gone()
    })
  },
)

eachBackendWithSockets(
  test,
  'what a client makes of the AbortError counts as the cancellation it is',
  async (t, backend) => {
    await withPair(backend, async (client) => {
      t.is(
        await moveOnAfter(20, async () => {
          const duplex = toDuplex(client)
          for await (const _ of addAbortSignal(currentSignal(), duplex));
          return 'not reached'
        }),
        undefined,
      )
    })
    await withPair(backend, async (client) => {
      const waiting = failAfter(20, async (scope) => {
        await once(toDuplex(client, { signal: scope.signal }), 'data')
      })
      await t.throwsAsync(waiting, { instanceOf: TimeoutError })
    })
  },
)

eachBackendWithSockets(test, 'a Duplex made in a scope that is cancelled already is destroyed', async (t, backend) => {
  await withPair(backend, async (client) => {
    let duplex: NodeSocket | undefined
    const scope = new CancelScope()
    scope.cancel()
    await scope.run(() => {
      duplex = toDuplex(client)
      duplex.on('error', () => {})
    })
    t.true(duplex?.destroyed)
  })
})

eachBackendWithSockets(
  test,
  'a Duplex outlives the scope it was made in, and obeys the ones around that',
  async (t, backend) => {
    await withPair(backend, async (client, server) => {
      let error: unknown
      await openCancelScope(async (outer) => {
        const duplex = await createTaskGroup(async (group) => {
          const task = group.spawn(() => moveOnAfter(60_000, () => toDuplex(client)))
          return (await task.value()) as NodeSocket
        })
        duplex!.on('error', (reason) => (error = reason))
        await server.sendAll('still there?')
        t.is(String((await once(duplex!, 'data'))[0]), 'still there?')
        duplex!.write('yes')
        t.is((await server.receiveExactly(3)).toString(), 'yes')
        outer.cancel()
        await sleepForever()
      })
      t.true((error as Error).cause instanceof Cancelled)
    })
  },
)

eachBackendWithSockets(
  test,
  'R92: a shield hands its Duplex on, and the end of the cancelled scope destroys it',
  async (t, backend) => {
    await withPair(backend, async (client, server) => {
      let duplex: NodeSocket | undefined
      await openCancelScope(async (outer) => {
        outer.cancel()
        await openCancelScope({ shield: true }, async () => {
          duplex = toDuplex(client)
          duplex.on('error', () => {})
          duplex.write('goodbye')
          t.is((await server.receiveExactly(7)).toString(), 'goodbye')
          t.false(duplex.destroyed)
        })
        // The scope that takes over was cancelled, and its body goes on.
        t.false(duplex?.destroyed)
      })
      t.true(duplex?.destroyed)
    })
  },
)

eachBackendWithSockets(
  test,
  'R90: a Duplex is used and closed in a shield, after its scope was cancelled',
  async (t, backend) => {
    await withPair(backend, async (client, server) => {
      const failures: unknown[] = []
      let duplex: NodeSocket | undefined
      await moveOnAfter(60_000, async (scope) => {
        duplex = toDuplex(client)
        duplex.on('error', (error) => failures.push(error))
        try {
          scope.cancel()
          await sleepForever()
        } finally {
          await openCancelScope({ shield: true }, async () => {
            const answered = once(duplex!, 'data')
            duplex!.write('goodbye')
            t.is((await server.receiveExactly(7)).toString(), 'goodbye')
            await server.sendAll('so long')
            t.is(String((await answered)[0]), 'so long')
            const closed = once(duplex!, 'close')
            duplex!.end()
            t.is((await server.receiveSome()).length, 0)
            await server.sendEof()
            await closed
          })
        }
      })
      t.true(duplex?.closed)
      t.deepEqual(failures, [])
    })
  },
)

eachBackendWithSockets(
  test,
  'R90: cancellation alone lets a Duplex go on, until the body has settled',
  async (t, backend) => {
    await withPair(backend, async (client, server) => {
      const error = await openCancelScope(async (outer) => {
        let failure: unknown
        await openCancelScope(async () => {
          const duplex = toDuplex(client)
          duplex.on('error', (reason) => (failure = reason))
          const data = once(duplex, 'data')
          outer.cancel()
          await openCancelScope({ shield: true }, () => server.sendAll('late'))
          t.is(String((await data)[0]), 'late')
        })
        // The inner scope waited until it was closed.
        return failure
      })
      t.true((error as Error).cause instanceof Cancelled)
    })
  },
)

eachBackendWithRealSockets(
  test,
  'R91: a cancelled run sends what its clean-up has written, and closes without a warning',
  async (t, backend) => {
    const warned = warnings(t)
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const connected = once(server, 'connection') as Promise<[net.Socket]>
    const controller = new AbortController()
    const reason = new Error('shut down')
    const goodbye = Buffer.alloc(300_000, 'goodbye ')
    let duplex: NodeSocket | undefined
    const running = backend.run(
      async () => {
        duplex = toDuplex(await connectTcp('127.0.0.1', (server.address() as net.AddressInfo).port))
        duplex.on('error', () => {})
        try {
          controller.abort(reason)
          await sleepForever()
        } finally {
          duplex.write(goodbye)
        }
      },
      { signal: controller.signal },
    )
    const failing = t.throwsAsync(running, { is: reason })
    const [socket] = await connected
    const pieces: Buffer[] = []
    for await (const piece of socket) pieces.push(piece as Buffer)
    t.true(Buffer.concat(pieces).equals(goodbye))
    await failing
    t.true(duplex?.destroyed)
    t.deepEqual(
      (await warned()).filter(({ message }) => /NodeSocket/.test(message)),
      [],
    )
    server.close()
    await once(server, 'close')
  },
)

eachBackendWithRealSockets(
  test,
  'a Duplex that is open when its run ends is closed, with a warning',
  async (t, backend) => {
    const warnings: string[] = []
    const onWarning = ({ message }: Error): void => void warnings.push(message)
    process.on('warning', onWarning)
    const peers: net.Socket[] = []
    const accepted = (socket: net.Socket): void => void peers.push(socket.resume())
    const server = net.createServer({ allowHalfOpen: true }, accepted).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    const events: string[] = []
    const made: NodeSocket[] = []
    await backend.run(async () => {
      await moveOnAfter(60_000, async () => {
        for (const name of ['left open', 'ended', 'about to be']) {
          const duplex = toDuplex(await connectTcp('127.0.0.1', port))
          made.push(duplex)
          for (const event of ['error', 'close']) duplex.on(event, () => events.push(`${name}: ${event}`))
          duplex.resume()
        }
      })
      // On their way out, and nobody forgot them: no warning.
      made[1]?.end()
      setImmediate(() => made[2]?.end())
    })
    await nextTurn()
    process.removeListener('warning', onWarning)
    t.true(made.every((duplex) => duplex.closed))
    t.deepEqual(events.sort(), ['about to be: close', 'ended: close', 'left open: close'])
    const about = warnings.filter((text) => /NodeSocket/.test(text))
    t.is(about.length, 1)
    t.regex(about[0] ?? '', /^a NodeSocket to 127\.0\.0\.1:\d+ was still open when its run ended; task ".*" opened it/)
    server.close()
    for (const peer of peers) peer.destroy()
  },
)

eachBackendWithRealSockets(test, 'what it has written when its run ends arrives', async (t, backend) => {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connected = once(server, 'connection') as Promise<[net.Socket]>
  await backend.run(async () => {
    const duplex = toDuplex(await connectTcp('127.0.0.1', (server.address() as net.AddressInfo).port))
    duplex.end('what was taken leaves')
  })
  const [socket] = await connected
  let received = ''
  for await (const bytes of socket) received += String(bytes)
  t.is(received, 'what was taken leaves')
  server.close()
  await once(server, 'close')
})

eachBackendWithSockets(test, 'an AbortSignal destroys it', async (t, backend) => {
  await withPair(backend, async (client) => {
    const controller = new AbortController()
    const duplex = toDuplex(client, { signal: controller.signal })
    duplex.resume()
    await nextTurn()
    const failed = once(duplex, 'error')
    const reason = new Error('no longer wanted')
    controller.abort(reason)
    const [error] = (await failed) as [Error]
    t.is(error.name, 'AbortError')
    t.is(error.cause, reason)
  })
  await withPair(backend, async (client) => {
    const [error] = (await once(toDuplex(client, { signal: AbortSignal.abort('before') }), 'error')) as [Error]
    t.is(error.cause, 'before')
  })
})

eachBackendWithSockets(test, 'listeners run in the context in which the Duplex was made', async (t, backend) => {
  const tracer = new AsyncLocalStorage<string>()
  await withPair(backend, async (client, server) => {
    const duplex = tracer.run('a request', () => toDuplex(client))
    const seen: unknown[] = []
    const done = new Promise<void>((resolve) => {
      duplex.on('data', () => seen.push(tracer.getStore(), getCurrentTask().name))
      duplex.on('end', () => resolve())
    })
    const { name } = getCurrentTask()
    await createTaskGroup((group) => {
      group.spawn({ name: 'another' }, () => duplex.write('hello'))
      group.spawn({ name: 'the peer' }, async () => {
        await server.receiveExactly(5)
        await server.sendAll('hello')
        await server.close()
      })
    })
    await done
    t.deepEqual(seen, ['a request', name])
  })
})

eachBackendWithClock(
  test,
  'setTimeout: an event after silence, that any traffic puts off',
  async (t, backend, clock) => {
    const silent: number[] = []
    await withPair(backend, async (client, server) => {
      const duplex = toDuplex(client)
      duplex.resume()
      const start = clock.now()
      duplex.setTimeout(100, () => silent.push(clock.now() - start))
      t.is(duplex.timeout, 100)
      await clock.advance(60)
      await server.sendAll('x')
      await once(duplex, 'data')
      await clock.advance(60)
      duplex.write('y')
      await clock.advance(99)
      t.deepEqual(silent, [])
      await clock.advance(1)
      t.deepEqual(silent, [220])
      t.false(duplex.destroyed)
      // It is armed again by the next traffic, and not by itself.
      duplex.once('timeout', () => silent.push(clock.now() - start))
      await clock.advance(1000)
      t.is(silent.length, 1)
      duplex.write('z')
      await settle()
      await clock.advance(100)
      t.deepEqual(silent, [220, 1320])
      duplex.setTimeout(0)
      await clock.advance(1000)
      t.is(silent.length, 2)
      duplex.destroy()
      await once(duplex, 'close')
    })
  },
)
